#include "policy/resolver.hpp"

namespace postern::policy {
namespace {

std::string_view rcode_text(std::uint16_t rcode) {
    switch (rcode) {
    case 1: return "FORMERR";
    case 4: return "NOTIMP";
    case 16: return "BADVERS";
    default: return "an RCODE that isn't known";
    }
}

std::string_view answer_text(const protocol::dns_later& what) {
    using protocol::dns_trouble;
    switch (what.why) {
    case dns_trouble::not_ours: return "an answer to another question";
    case dns_trouble::truncated: return "a truncated answer by TCP";
    case dns_trouble::server_failure: return "SERVFAIL";
    case dns_trouble::refused: return "REFUSED";
    case dns_trouble::other_rcode: return rcode_text(what.rcode);
    case dns_trouble::malformed: return "a malformed answer";
    case dns_trouble::referral: return "a referral";
    case dns_trouble::alias_loop: return "a loop of aliases";
    case dns_trouble::too_many_aliases: return "too many aliases";
    case dns_trouble::too_many_records: return "too many records";
    }
    return "";
}

} // namespace

std::string_view dns_cause_text(const dns_try_later& what) {
    switch (what.why) {
    case dns_try_later::cause::answer: return answer_text(what.answer);
    case dns_try_later::cause::silent: return "no answer in time";
    case dns_try_later::cause::no_server: return "no server can be reached";
    case dns_try_later::cause::busy: return "too many questions in flight";
    case dns_try_later::cause::stopped: return "the server ends";
    }
    return "";
}

} // namespace postern::policy
