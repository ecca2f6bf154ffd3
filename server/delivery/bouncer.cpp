// One notice a message and attempt, or more where the recipients don't fit into one.
#include "server/delivery/bouncer.hpp"

#include "protocol/mail/dsn.hpp"
#include "protocol/smtp/data_decoder.hpp"
#include "protocol/smtp/envelope.hpp"
#include "protocol/smtp/grammar.hpp"
#include "server/clock.hpp"
#include "server/delivery/forwarding.hpp"
#include "server/route.hpp"
#include "storage/schedule.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <unistd.h>

namespace postern::server {
using protocol::dsn_action;
using protocol::dsn_notify;
using storage::queued_message;
using storage::queued_recipient;
using storage::recipient_state;

namespace {

struct told {
    const queued_recipient* who = nullptr;
    dsn_action action = dsn_action::failed;
};

// RFC 3461 §4.1: without NOTIFY, failures are told, and delays may be.
bool wants(const queued_recipient& to, dsn_action action) {
    switch (action) {
    case dsn_action::failed: return to.notify == dsn_notify::unset || (to.notify & dsn_notify::failure) != 0;
    case dsn_action::delayed: return to.notify == dsn_notify::unset || (to.notify & dsn_notify::delay) != 0;
    case dsn_action::delivered:
    case dsn_action::relayed:
    case dsn_action::expanded: break;
    }
    return (to.notify & dsn_notify::success) != 0;
}

// A message that fails while it is late is told of once, as failed.
bool delay_is_due(const conf::config& config, const queued_message& message, std::int64_t now) {
    const auto after = config.queue.delay_notice.count();
    return after != 0 && !message.delay_told && now - message.arrived / 1'000'000 >= after;
}

// An attempt's recipients of whom there is something to say, and whether that makes the delay known.
struct news {
    std::vector<told> whom;
    bool of_delay = false;
};

news news_of(const conf::config& config, const queued_message& message,
             std::span<const recipient_state> before, std::int64_t now) {
    news made;
    const bool late = delay_is_due(config, message, now);
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const auto& to = message.recipients[i];
        told one{&to, dsn_action::delayed};
        if (to.state == recipient_state::aside || to.state == recipient_state::untold) continue;
        if (is_silent(message, to)) continue;
        if (to.state == recipient_state::waiting && (!late || to.tries == 0)) continue;
        if (to.state != recipient_state::waiting && to.state == before[i]) continue;
        if (to.state == recipient_state::failed) one.action = dsn_action::failed;
        const bool handed_on = to.route == storage::recipient_route::outside; // RFC 3461 §6.2
        if (to.state == recipient_state::delivered)
            one.action = handed_on ? dsn_action::relayed : dsn_action::delivered;
        // A stranger who asks for such notices may ask for somebody else's.
        if (one.action == dsn_action::relayed && message.account.empty()) continue;
        if (to.state == recipient_state::waiting) made.of_delay = true;
        if (wants(to, one.action)) made.whom.push_back(one);
    }
    return made;
}

// The code at the front of last_reply. One that expired failed for its age (RFC 3463 §3.5).
std::string_view status_of(const queued_recipient& to) {
    const auto code = std::string_view(to.last_reply).substr(0, to.last_reply.find(' '));
    const bool expired = to.state == recipient_state::failed && code.starts_with('4');
    return expired ? std::string_view("5.4.7") : code;
}

// A server's reply begins with its code (RFC 5321 §4.2), and our own words never do: the record needn't say
// who said it.
bool is_reply_of_peer(std::string_view text) {
    using protocol::is_digit;
    return text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) && is_digit(text[2]) &&
           (text.size() == 3 || text[3] == ' ');
}

// As RFC 3464 §2.3.5 names a server that a try was made at. One that is reached by a socket in the file
// system is of this host.
std::string mta_name(const conf::config& config, std::string_view server) {
    if (server.starts_with('/')) return config.server.hostname;
    const auto bracket = server.find('[');
    if (bracket != 0) {
        const auto name = server.substr(0, std::min(bracket, server.rfind(':')));
        const auto address = protocol::ip_address::parse(name);
        return address ? address->to_literal() : std::string(name);
    }
    const auto address = protocol::ip_address::parse(server.substr(1, server.find(']') - 1));
    return address ? address->to_literal() : std::string();
}

// The server that takes the recipient's mail now; "" = none does. For what was tried by a version that kept
// no tries.
std::string server_of(const conf::config& config, const queued_recipient& to) {
    using kind = conf::relay_hop::kind;
    if (const auto hop = hop_for(config, to))
        return hop->what == kind::address ? hop->address.address.to_literal() : hop->name;
    const auto server = lmtp_for(config, to);
    return server ? mta_name(config, server->where.to_string()) : std::string();
}

// The last try for each recipient of the message.
std::vector<storage::delivery_try> last_tries(const delivery_services& with, const queued_message& message) {
    std::vector<storage::delivery_try> last(message.recipients.size());
    const auto note = [&last](std::span<const storage::delivery_try> tries) {
        for (const auto& one : tries)
            if (one.recipient < last.size()) last[one.recipient] = one;
    };
    if (const auto kept = with.queue.history(message.id)) note(*kept);
    note(message.fresh_tries);
    return last;
}

std::string_view reply_of(const queued_recipient& to) {
    const auto blank = to.last_reply.find(' ');
    return blank == std::string::npos ? std::string_view()
                                      : std::string_view(to.last_reply).substr(blank + 1);
}

std::string new_chance() {
    std::array<unsigned char, 16> octets{};
    if (::getentropy(octets.data(), octets.size()) != 0) return {};
    std::string text;
    for (const unsigned char octet : octets) text += fmt::format("{:02x}", octet);
    return text;
}

// The message as it was handed on, or as much of it as a notice may hold and one octet more.
result<std::string> read_beginning(const delivery_services& with, const queued_message& message) {
    auto reader = with.queue.open_body(message);
    if (!reader) return reader.error();
    std::string text = message.result_fields;
    std::size_t size = text.size();
    text.resize(protocol::dsn_returned_max + 1);
    while (size < text.size()) {
        const auto got = (*reader)->read(std::span(text).subspan(size));
        if (!got) return got.error();
        if (*got == 0) break;
        size += *got;
    }
    text.resize(size);
    return text;
}

// Every line ends with CRLF, and nowhere else stands a CR, LF or NUL: what a notice may return.
bool is_text(std::string_view octets) {
    protocol::chunk_decoder look;
    look.feed(octets);
    look.finish();
    return !look.facts().bare_line_end && !look.facts().nul;
}

struct returned {
    protocol::returned_part what = protocol::returned_part::nothing;
    std::string_view octets{};
};

// RFC 3461 §4.3: RET speaks of failures alone. A body that can't be read keeps nobody from being told.
returned what_to_return(const queued_message& message, bool failure, const result<std::string>& stored) {
    if (!stored) return {};
    const std::string_view beginning = *stored;
    const bool whole = failure && message.ret != static_cast<std::uint8_t>(protocol::dsn_return::headers) &&
                       message.body_type != static_cast<std::uint8_t>(protocol::body_type::binary_mime) &&
                       beginning.size() <= protocol::dsn_returned_max;
    if (whole && is_text(beginning)) return {protocol::returned_part::message, beginning};
    const auto header = protocol::header_to_return(beginning);
    if (is_text(header)) return {protocol::returned_part::header, header};
    return {};
}

struct addressees {
    std::vector<queued_recipient> recipients; // empty: the notice could reach nobody
};

// The way to the sender, as the queue wants it.
result<addressees> way_to(const delivery_services& with, const storage::resolve_settings& resolving,
                          const std::string& sender, std::int64_t now) {
    addressees made;
    const auto address = protocol::parse_address(sender);
    if (!address) return made;
    auto found = storage::resolve(with.accounts, *address, resolving);
    if (!found) return found.error();
    if (found->kind == storage::resolution_kind::not_ours) found->recipients = {{sender, false, 0}};
    for (const auto& box : found->recipients) {
        queued_recipient to;
        to.address = box.address;
        to.original = sender;
        to.notify = dsn_notify::never;
        to.route = box.local ? storage::recipient_route::local : storage::recipient_route::outside;
        to.next_try = now;
        made.recipients.push_back(std::move(to));
    }
    return made;
}

// `servers` has one for each recipient of the message, and is borrowed by what is made, as the message is.
std::vector<protocol::dsn_recipient> described(const conf::config& config, const queued_message& message,
                                               const std::vector<told>& whom,
                                               const std::vector<storage::delivery_try>& tries,
                                               const std::vector<std::string>& servers, std::int64_t now) {
    std::vector<protocol::dsn_recipient> made;
    for (const auto& [who, action] : whom) {
        const auto index = static_cast<std::size_t>(who - message.recipients.data());
        protocol::dsn_recipient one;
        one.address = who->original.empty() ? who->address : who->original;
        one.original = who->orcpt;
        one.action = action;
        one.status = status_of(*who);
        one.reply = reply_of(*who);
        if (is_reply_of_peer(one.reply)) one.remote_host = servers[index];
        one.last_attempt = tries[index].when != 0 ? tries[index].when : now;
        one.retry_until = message.arrived / 1'000'000 + config.queue.expire.count();
        made.push_back(one);
    }
    return made;
}

void log_notice(const delivery_services& with, const queued_message& about, std::string_view text) {
    const std::string id = about.id.to_string();
    with.journal.write(
        {.event = log_event::notified, .session = about.session, .queue_id = id, .text = text});
}

storage::insert_message compose(const delivery_services& with, const conf::config& config,
                                const queued_message& message, const std::string& sender,
                                std::span<const protocol::dsn_recipient> recipients,
                                const result<std::string>& beginning, const std::string& chance,
                                std::int64_t now) {
    storage::insert_message notice;
    notice.message.id = with.ids.next(now_microseconds());
    const auto id = notice.message.id.to_string();
    const bool failure = std::any_of(recipients.begin(), recipients.end(),
                                     [](const auto& to) { return to.action == dsn_action::failed; });
    const auto back = what_to_return(message, failure, beginning);
    protocol::dsn_facts facts;
    facts.hostname = config.server.hostname;
    facts.id = id;
    const auto about = message.id.to_string();
    facts.about = about;
    facts.chance = chance;
    facts.now = now;
    facts.to = sender;
    facts.envelope_id = message.envelope_id;
    facts.arrived = message.arrived / 1'000'000;
    facts.recipients = recipients;
    facts.what = back.what;
    facts.returned = back.octets;
    notice.body = protocol::make_dsn(facts);
    notice.message.arrived = now_microseconds();
    notice.message.size = notice.body.size();
    notice.message.smtputf8 = protocol::dsn_needs_smtputf8(facts);
    if (!protocol::is_ascii(notice.body))
        notice.message.body_type = static_cast<std::uint8_t>(protocol::body_type::eight_bit_mime);
    notice.message.session = message.session;
    notice.message.helo = config.server.hostname;
    return notice;
}

result<std::vector<storage::insert_message>> notices_about(const delivery_services& with,
                                                           const conf::config& config,
                                                           const storage::resolve_settings& resolving,
                                                           const queued_message& message,
                                                           const std::vector<told>& whom, std::int64_t now) {
    std::vector<storage::insert_message> made;
    if (whom.empty()) return made;
    if (message.sender.empty()) { // RFC 5321 §6.1: no notice about a notice
        log_notice(with, message, "nobody is told: the sender is <>");
        return made;
    }
    const auto sender = sender_behind(with, config, message.sender, now);
    if (!sender) return sender.error();
    auto way = way_to(with, resolving, *sender, now);
    if (!way) return way.error();
    if (way->recipients.empty()) {
        log_notice(with, message, "nobody is told: the sender's address leads nowhere");
        return made;
    }
    const auto beginning = read_beginning(with, message);
    if (!beginning)
        with.journal.fault("the body of message " + message.id.to_string() +
                           " can't be returned: " + beginning.error().message());
    const auto tries = last_tries(with, message);
    std::vector<std::string> servers;
    for (std::size_t i = 0; i < tries.size(); ++i)
        servers.push_back(tries[i].number != 0 ? mta_name(config, tries[i].server)
                                               : server_of(config, message.recipients[i]));
    const auto recipients = described(config, message, whom, tries, servers, now);
    for (std::span<const protocol::dsn_recipient> left(recipients); !left.empty();) {
        const auto named = left.first(protocol::dsn_recipients_named(left));
        left = left.subspan(named.size());
        const auto chance = new_chance();
        if (chance.empty()) return storage::storage_errc::busy;
        auto notice = compose(with, config, message, *sender, named, beginning, chance, now);
        notice.message.recipients = way->recipients;
        log_notice(with, message, "notice to the sender: " + notice.message.id.to_string());
        made.push_back(std::move(notice));
    }
    return made;
}

// Whoever failed is told of when the sender may be told again, and looked at once in the longest wait at the
// least: the limit may be another one then. Of deliveries nobody is told; a delay is told of at a later try.
void put_off(const delivery_services& with, const conf::config& config, queued_message& message,
             std::span<const recipient_state> before, const std::vector<told>& whom, std::int64_t until,
             std::int64_t now) {
    const storage::retry_plan plan{config.queue.retry, config.queue.expire};
    const auto looked_at = storage::next_try(plan, std::numeric_limits<unsigned>::max(), now);
    bool later = false, never = false;
    for (const auto& [who, action] : whom) {
        const auto index = static_cast<std::size_t>(who - message.recipients.data());
        never = never || action == dsn_action::delivered || action == dsn_action::relayed;
        if (action != dsn_action::failed) continue;
        auto& to = message.recipients[index];
        later = later || before[index] != recipient_state::untold;
        to.state = recipient_state::untold;
        to.next_try = std::max(std::min(until, looked_at), now + 1);
    }
    if (later) log_notice(with, message, "the sender is told later: queue.notices_per_hour is reached");
    if (never) log_notice(with, message, "nobody is told of the delivery: queue.notices_per_hour is reached");
    if (later || never) with.counts.notices_put_off.fetch_add(1, std::memory_order_relaxed);
}

// When the sender may be told of it; 0 = now, and one notice is counted. What an operator wants to be told
// is told.
std::int64_t wait_of(const delivery_services& with, const conf::config& config, const queued_message& message,
                     std::int64_t now) {
    if (with.notices == nullptr || message.sender.empty()) return 0;
    return with.notices->claim(message.sender, message.given_up ? 0 : config.queue.notices_per_hour, now);
}

} // namespace

result<std::vector<storage::insert_message>>
notices_for(const delivery_services& with, const conf::config& config,
            const storage::resolve_settings& resolving, queued_message& message,
            std::span<const recipient_state> before, std::int64_t now) {
    const auto heard = news_of(config, message, before, now);
    if (const auto until = heard.whom.empty() ? 0 : wait_of(with, config, message, now); until != 0) {
        put_off(with, config, message, before, heard.whom, until, now);
        return std::vector<storage::insert_message>();
    }
    auto made = notices_about(with, config, resolving, message, heard.whom, now);
    if (made && heard.of_delay) message.delay_told = true; // else the next try would find it told
    if (made && made->size() > 1 && with.notices != nullptr)
        with.notices->count(message.sender, made->size() - 1, now);
    if (made) with.counts.notices.fetch_add(made->size(), std::memory_order_relaxed);
    return made;
}

} // namespace postern::server
