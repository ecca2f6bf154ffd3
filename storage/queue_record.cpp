// The two records of a message as octets (record_octets.hpp); the first octet is the version. Octets left
// over are corrupt, and what decodes encodes to the same octets again.
#include "storage/queue_tables.hpp"
#include "storage/record_octets.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

// A later version has what those before can't say, and is written where that is needed only: an older server
// that meets one leaves it alone. Messages: 2 has the sender's proof, 3 result fields and Junk, 4 the
// account. States: 2 has recipients set aside, 3 those that are to be told of later.
constexpr std::uint8_t record_version = 1, message_version_last = 4, states_version_last = 3;
// In a states record.
constexpr std::uint8_t waits_flag = 1, told_flag = 2, held_flag = 4, given_up_flag = 8;
constexpr std::uint8_t states_flags_known = 15;
constexpr std::uint8_t flag_body_in_file = 1, flag_smtputf8 = 2, flags_known = 3;
constexpr std::uint8_t flag_proved = 4, flag_unproved = 8, flags_known_2 = 15;
constexpr std::uint8_t route_outside = 1, route_junk = 2; // version 3 has the second
constexpr std::uint8_t body_type_last = 2, ret_last = 2, notify_last = 15;
constexpr std::size_t recipient_octets_min = 3 * 4 + 2; // three empty texts, notify, route
constexpr std::size_t state_octets_min = 1 + 2 + 8 + 4; // state, tries, next_try, an empty text

result<std::uint8_t> check_version(record_reader& in, std::uint8_t last) {
    const auto version = in.number<std::uint8_t>();
    if (version > last) return storage_errc::newer_format;
    if (version < record_version) return storage_errc::corrupt;
    return version;
}

std::uint8_t version_for(const queued_message& message) {
    if (!message.account.empty()) return 4;
    const bool any_junk = std::ranges::any_of(message.recipients, &queued_recipient::junk);
    if (any_junk || !message.result_fields.empty()) return 3;
    return message.proof == sender_proof::unknown ? 1 : 2;
}

bool any_is(const queued_message& message, recipient_state state) {
    return std::ranges::any_of(message.recipients, [&](const auto& to) { return to.state == state; });
}

std::uint8_t states_version_for(const queued_message& message) {
    if (any_is(message, recipient_state::untold)) return 3;
    return any_is(message, recipient_state::aside) ? 2 : 1;
}

queued_recipient read_recipient(record_reader& in, std::uint8_t version) {
    queued_recipient recipient;
    recipient.address = in.text();
    recipient.original = in.text();
    recipient.orcpt = in.text();
    recipient.notify = in.number_up_to(notify_last);
    const auto route = in.number_up_to(version < 3 ? route_outside : route_outside | route_junk);
    if ((route & route_outside) != 0) recipient.route = recipient_route::outside;
    recipient.junk = (route & route_junk) != 0;
    return recipient;
}

void read_state(record_reader& in, queued_recipient& recipient) {
    recipient.state =
        static_cast<recipient_state>(in.number_up_to(static_cast<std::uint8_t>(recipient_state::untold)));
    recipient.tries = in.number<std::uint16_t>();
    recipient.next_try = in.number<std::int64_t>();
    recipient.last_reply = in.text(last_reply_max);
}

} // namespace

std::optional<std::int64_t> due_time(const queued_message& message) {
    std::optional<std::int64_t> due;
    if (message.held) return due;
    for (const queued_recipient& recipient : message.recipients) {
        if (!is_open(recipient)) continue;
        due = due ? std::min(*due, recipient.next_try) : recipient.next_try;
    }
    return due;
}

std::string encode_message(const queued_message& message) {
    record_writer out;
    const std::uint8_t proof = message.proof == sender_proof::proved     ? flag_proved
                               : message.proof == sender_proof::unproved ? flag_unproved
                                                                         : 0;
    const auto version = version_for(message);
    out.number(version);
    out.number(message.arrived);
    out.number(message.size);
    out.number(static_cast<std::uint8_t>((message.body_in_file ? flag_body_in_file : 0) |
                                         (message.smtputf8 ? flag_smtputf8 : 0) | proof));
    out.number(message.body_type);
    out.number(message.ret);
    for (const auto* text : {&message.sender, &message.envelope_id, &message.session, &message.client,
                             &message.helo, &message.protocol}) {
        out.text(*text);
    }
    if (version >= 3) out.text(std::string_view(message.result_fields).substr(0, result_fields_max));
    if (version >= 4) out.text(message.account);
    out.number(static_cast<std::uint32_t>(message.recipients.size()));
    for (const queued_recipient& recipient : message.recipients) {
        out.text(recipient.address);
        out.text(recipient.original);
        out.text(recipient.orcpt);
        out.number(recipient.notify);
        out.number(
            static_cast<std::uint8_t>((recipient.route == recipient_route::outside ? route_outside : 0) |
                                      (recipient.junk ? route_junk : 0)));
    }
    return out.take();
}

result<queued_message> decode_message(queue_id id, std::string_view record) {
    record_reader in(record);
    const auto version = check_version(in, message_version_last);
    if (!version) return version.error();
    queued_message message;
    message.id = id;
    message.arrived = in.number<std::int64_t>();
    message.size = in.number<std::uint64_t>();
    const auto flags = in.number_up_to(*version == record_version ? flags_known : flags_known_2);
    const bool proved = (flags & flag_proved) != 0, unproved = (flags & flag_unproved) != 0;
    if (proved && unproved) return storage_errc::corrupt;
    if (proved || unproved) message.proof = proved ? sender_proof::proved : sender_proof::unproved;
    message.body_in_file = (flags & flag_body_in_file) != 0;
    message.smtputf8 = (flags & flag_smtputf8) != 0;
    message.body_type = in.number_up_to(body_type_last);
    message.ret = in.number_up_to(ret_last);
    for (auto* text : {&message.sender, &message.envelope_id, &message.session, &message.client,
                       &message.helo, &message.protocol}) {
        *text = in.text();
    }
    if (*version >= 3) message.result_fields = in.text(result_fields_max);
    if (*version >= 4) message.account = in.text();
    const std::size_t count = in.count(recipient_octets_min);
    message.recipients.reserve(count);
    for (std::size_t i = 0; i < count && !in.failed(); ++i)
        message.recipients.push_back(read_recipient(in, *version));
    if (!in.complete() || *version != version_for(message)) return storage_errc::corrupt;
    return message;
}

// The time due comes first and at a fixed place: it is the key that the index holds now (queue_tables.cpp).
std::string encode_states(const queued_message& message) {
    const auto due = due_time(message);
    record_writer out;
    out.number(states_version_for(message));
    out.number(static_cast<std::uint8_t>((due ? waits_flag : 0) | (message.delay_told ? told_flag : 0) |
                                         (message.held ? held_flag : 0) |
                                         (message.given_up ? given_up_flag : 0)));
    out.number(due.value_or(0));
    out.number(static_cast<std::uint32_t>(message.recipients.size()));
    for (const queued_recipient& recipient : message.recipients) {
        out.number(static_cast<std::uint8_t>(recipient.state));
        out.number(recipient.tries);
        out.number(recipient.next_try);
        out.text(std::string_view(recipient.last_reply).substr(0, last_reply_max));
    }
    return out.take();
}

namespace {

result<states_head> read_head(record_reader& in, std::uint8_t& version) {
    const auto known = check_version(in, states_version_last);
    if (!known) return known.error();
    version = *known;
    const auto flags = in.number_up_to(states_flags_known);
    const bool waits = (flags & waits_flag) != 0;
    const auto due = in.number<std::int64_t>();
    states_head head;
    if (waits) head.due = due;
    head.delay_told = (flags & told_flag) != 0;
    head.held = (flags & held_flag) != 0;
    head.given_up = (flags & given_up_flag) != 0;
    head.recipients = in.count(state_octets_min);
    if (in.failed() || (!waits && due != 0)) return storage_errc::corrupt;
    return head;
}

} // namespace

result<states_head> decode_states_head(std::string_view record) {
    record_reader in(record);
    std::uint8_t version = 0;
    return read_head(in, version);
}

result<void> decode_states(std::string_view record, queued_message& into) {
    record_reader in(record);
    std::uint8_t version = 0;
    const auto head = read_head(in, version);
    if (!head) return head.error();
    if (head->recipients != into.recipients.size()) return storage_errc::corrupt;
    for (queued_recipient& recipient : into.recipients) {
        read_state(in, recipient);
        if (in.failed()) return storage_errc::corrupt;
    }
    into.delay_told = head->delay_told;
    into.held = head->held;
    into.given_up = head->given_up;
    if (version != states_version_for(into)) return storage_errc::corrupt;
    if (!in.complete() || head->due != due_time(into)) return storage_errc::corrupt;
    return {};
}

} // namespace postern::storage
