// Forwarded senders: whatever can be written comes back as it was, also in lower case; whatever else is
// offered is taken only if it is what would have been written.
#include "protocol/mail/srs.hpp"

#include "tests/fuzz/split.hpp"

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

constexpr std::int64_t today = 20784;

std::string digest(std::string_view text) {
    std::uint64_t state = 0xcbf29ce484222325U;
    for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    state ^= state >> 29U;
    std::string octets;
    for (int i = 0; i < 8; ++i) octets += static_cast<char>(state >> (8 * i));
    return octets;
}

// Letters alone can be altered without harm.
void check_altered(const address& sent, std::span<const srs::signer> signers, const address& sender) {
    for (std::size_t i = 5; i < sent.local.size() && i < 80; ++i) {
        auto other = sent;
        other.local[i] = other.local[i] == 'a' ? 'b' : 'a';
        const auto found = srs::reverse(other, signers, today, 21);
        if (found.is == srs::standing::valid)
            require(other.folded() == sent.folded() && found.to.folded() == sender.folded());
    }
}

void check_there_and_back(const address& sender, std::span<const srs::signer> signers) {
    const auto sent = srs::forward(sender, "f.test", signers.front(), today);
    if (!sent) return;
    const auto text = sent->to_string();
    require(text.size() <= 254 && is_rewritten_sender(sent->local));
    const auto read = parse_address(text);
    require(read.has_value() && *read == *sent);
    const auto found = srs::reverse(*read, signers, today + 21, 21);
    require(found.is == srs::standing::valid && parse_address(found.to.to_string()).has_value());
    if (!is_rewritten_sender(sender.local)) require(found.to == sender);
    const bool first = sent->local.starts_with("SRS0");
    require((srs::reverse(*read, signers, today + 22, 21).is == srs::standing::expired) == first);
    const auto lower = parse_address(to_lower(text));
    require(lower.has_value() && srs::reverse(*lower, signers, today, 21).is == srs::standing::valid);
    check_altered(*sent, signers, found.to);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto address = parse_address(as_text(data, size));
    if (!address) return 0;
    const srs::signer sign = digest;
    const std::span signers(&sign, 1);
    check_there_and_back(*address, signers);
    const auto found = srs::reverse(*address, signers, today, 21);
    require((found.is == srs::standing::other) != is_rewritten_sender(address->local));
    if (found.is != srs::standing::valid) return 0;
    require(parse_address(found.to.to_string()).has_value());
    // It is what would have been written, on one of the days.
    bool known = false;
    for (std::int64_t day = today - 21; day <= today + 1 && !known; ++day) {
        const auto again = srs::forward(found.to, address->domain, sign, day);
        known = again && to_lower(again->local).substr(5) == to_lower(address->local).substr(5);
        known = known || (again && again->folded().substr(5) == address->folded().substr(5));
    }
    require(known);
    return 0;
}
