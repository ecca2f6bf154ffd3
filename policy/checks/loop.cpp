// A message that was delivered to one of its recipients before (Delivered-To) goes round in circles; its
// sender is told. The count of Received fields is the session's own limit.
#include "policy/check.hpp"

#include "protocol/smtp/reply_catalogue.hpp"

#include <unordered_set>

namespace postern::policy {
namespace {

// Some deliverers write the address as a path.
std::string_view without_brackets(std::string_view field) {
    if (field.size() > 2 && field.front() == '<' && field.back() == '>')
        return field.substr(1, field.size() - 2);
    return field;
}

} // namespace

boost::asio::awaitable<verdict> check_loop(stage, context& about) {
    std::unordered_set<std::string> seen;
    for (const auto& field : about.header->delivered_to())
        if (const auto parsed = protocol::parse_address(without_brackets(field)))
            seen.insert(parsed->folded());
    if (seen.empty()) co_return verdict::pass();
    for (const auto& accepted : about.learned.recipients)
        for (const auto& box : accepted.leads_to)
            if (box.local && seen.contains(box.address))
                co_return verdict::refuse(protocol::make_reply(protocol::reply_id::mail_loop,
                                                               {box.address + " has had it already"}));
    co_return verdict::pass();
}

} // namespace postern::policy
