// Answers of a resolver. The question is the one in the message, so that what follows it is reached. An
// answer keeps its promises; cut or lengthened it is none; another id is not ours; names survive their text.
#include "protocol/dns/message.hpp"

#include "tests/fuzz/split.hpp"

#include <algorithm>
#include <array>

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

using octets = std::vector<std::uint8_t>;

constexpr std::array types{dns_type::a,   dns_type::aaaa, dns_type::mx, dns_type::ptr,
                           dns_type::txt, dns_type::tlsa, dns_type::srv};

bool is(const dns_answer& answer, dns_trouble why) {
    const auto* later = std::get_if<dns_later>(&answer);
    return later != nullptr && later->why == why;
}

void check_name(const dns_name& name) {
    require(!name.wire().empty() && name.wire().size() <= dns_name_max);
    const std::string text = name.to_string();
    require(text.size() <= 4 * dns_name_max);
    require(std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; }));
    const auto again = dns_name::parse(text);
    require(again.has_value() && again->wire() == name.wire());
    octets message(12);
    message.insert(message.end(), name.wire().begin(), name.wire().end());
    const auto read = dns_name::read(message, 12);
    require(read.has_value() && read->name.wire() == name.wire() && read->end == message.size());
    require(lies_in(name, name) && lies_in(name, dns_name()));
}

void check_records(const dns_records& records, dns_type type) {
    const bool address = type == dns_type::a || type == dns_type::aaaa;
    require(records.addresses.empty() != address);
    require(records.pointers.empty() != (type == dns_type::ptr));
    require(records.exchangers.empty() != (type == dns_type::mx));
    require(records.texts.empty() != (type == dns_type::txt));
    require(records.services.empty() != (type == dns_type::srv));
    require(records.tlsa.empty() != (type == dns_type::tlsa));
    require(records.addresses.size() + records.pointers.size() + records.exchangers.size() +
                records.texts.size() + records.services.size() + records.tlsa.size() <=
            dns_records_max);
    for (const auto& name : records.pointers) check_name(name);
    for (const auto& one : records.exchangers) check_name(one.exchange);
    for (const auto& one : records.services) check_name(one.target);
    if (type == dns_type::a)
        require(std::all_of(records.addresses.begin(), records.addresses.end(),
                            [](const ip_address& one) { return one.is_v4(); }));
}

struct checks {
    dns_type type;

    void operator()(const dns_found& found) const {
        require(found.ttl <= dns_ttl_max);
        check_name(found.name);
        check_records(found.records, type);
    }
    void operator()(const dns_absent& absent) const {
        require(absent.ttl <= dns_ttl_max);
        check_name(absent.name);
    }
    void operator()(const dns_alias& alias) const {
        require(alias.ttl <= dns_ttl_max && alias.followed >= 1 && alias.followed <= dns_aliases_max);
        check_name(alias.name);
    }
    void operator()(const dns_later& later) const { require(later.rcode <= 0xfff); }
};

void check_cuts(const octets& message, std::uint16_t id, const dns_question& question) {
    const std::size_t step = message.size() < 512 ? 1 : 1 + message.size() / 64;
    for (std::size_t size = 0; size < message.size(); size += step) {
        const octets cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
        require(
            is(read_answer(cut, id, question), size < 12 ? dns_trouble::not_ours : dns_trouble::malformed));
    }
    octets longer = message;
    longer.push_back(0);
    require(is(read_answer(longer, id, question), dns_trouble::malformed));
}

// What is asked about is what the message says; its type when that is one of ours.
dns_question question_of(const octets& message) {
    const auto read = dns_name::read(message, 12);
    if (!read) return {};
    dns_question question{read->name, types[message.size() % types.size()]};
    if (message.size() - read->end < 2) return question;
    const unsigned type = message[read->end] * 256U + message[read->end + 1];
    const auto* known = std::find(types.begin(), types.end(), static_cast<dns_type>(type));
    if (known != types.end()) question.type = *known;
    return question;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const octets message(data, data + size);
    const dns_question question = question_of(message);
    const auto id = static_cast<std::uint16_t>(size < 2 ? 0 : message[0] * 256U + message[1]);
    const dns_answer answer = read_answer(message, id, question);
    std::visit(checks{question.type}, answer);
    if (!std::holds_alternative<dns_later>(answer)) check_cuts(message, id, question);
    require(is(read_answer(message, id ^ 1U, question), dns_trouble::not_ours));
    check_name(question.name);

    octets asked = make_question(id, question);
    require(is(read_answer(asked, id, question), dns_trouble::not_ours));
    asked[2] |= 0x80;
    require(std::holds_alternative<dns_absent>(read_answer(asked, id, question)));
    return 0;
}
