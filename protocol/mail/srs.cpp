// Hash and stamp are in base32: no letter of it says something else in the other case, and none needs quotes.
// What is signed is folded, for there are servers that write addresses in lower case.
#include "protocol/mail/srs.hpp"

#include <fmt/format.h>

namespace postern::protocol::srs {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648 §6
constexpr std::size_t hash_letters = 6;                                  // 30 bits
constexpr std::size_t path_max = 256;                                    // RFC 5321 §4.5.3.1.3
constexpr std::size_t tag_octets = 4;                                    // "SRS0"

bool is_separator(char c) { return c == '=' || c == '+' || c == '-'; }

bool has_tag(std::string_view local, std::string_view tag) {
    return is_rewritten_sender(local) && equals_ignoring_case(local.substr(0, tag_octets), tag);
}

std::string stamp_of(std::int64_t day) {
    const auto number = static_cast<std::size_t>(day) % days_told_apart;
    return {letters[number / letters.size()], letters[number % letters.size()]};
}

std::optional<unsigned> day_of(std::string_view stamp) {
    if (stamp.size() != 2) return std::nullopt;
    const auto high = letters.find(stamp[0]), low = letters.find(stamp[1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    return static_cast<unsigned>(high * letters.size() + low);
}

std::string to_upper(std::string_view text) {
    std::string made(text);
    for (char& c : made)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return made;
}

// "" = who signs gave too little.
std::string hash_of(const signer& sign, std::string_view what, const address& about) {
    const auto octets = sign(fmt::format("{} {}", what, about.folded()));
    if (octets.size() < digest_octets_min) return {};
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < digest_octets_min; ++i)
        bits = bits << 8 | static_cast<unsigned char>(octets[i]);
    bits <<= 8; // the first 30 bits of 40
    std::string made;
    for (std::size_t i = 0; i < hash_letters; ++i) made += letters[(bits >> (35 - 5 * i)) % letters.size()];
    return made;
}

// In the same time wherever they differ.
bool equal(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned different = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        different |=
            static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
    return different == 0;
}

bool is_signed(std::span<const signer> signers, std::string_view hash, std::string_view what,
               const address& about) {
    const auto given = to_upper(hash);
    bool found = false;
    for (const auto& sign : signers) {
        const auto expected = hash_of(sign, what, about);
        found = (!expected.empty() && equal(given, expected)) || found;
    }
    return found;
}

// The text before the next "=", which is taken off with it.
std::optional<std::string_view> take_part(std::string_view& from) {
    const auto end = from.find('=');
    if (end == std::string_view::npos) return std::nullopt;
    const auto part = from.substr(0, end);
    from.remove_prefix(end + 1);
    return part;
}

// As it would be read where it comes to; nullopt: as no address.
std::optional<address> as_read(std::string_view local, std::string_view domain) {
    if (local.empty() || domain.empty()) return std::nullopt;
    const auto read = parse_address(address{std::string(local), std::string(domain)}.to_string());
    if (!read || read->local != local) return std::nullopt;
    return *read;
}

// What an SRS1 keeps of the address at the first forwarder.
struct first_hop {
    std::string_view domain;
    std::string_view rest; // behind "SRS0": begins with its separator
};

std::optional<first_hop> first_hop_behind(std::string_view text) {
    const auto domain = take_part(text);
    if (!domain || text.empty() || !is_separator(text.front())) return std::nullopt;
    return first_hop{*domain, text};
}

// nullopt: no other forwarder's.
std::optional<address> first_forwarders(const address& sender) {
    const std::string_view local = sender.local;
    if (has_tag(local, "SRS0"))
        return as_read(fmt::format("SRS0{}", local.substr(tag_octets)), sender.domain);
    if (!has_tag(local, "SRS1")) return std::nullopt;
    auto rest = local.substr(tag_octets + 1);
    if (!take_part(rest)) return std::nullopt; // its hash
    const auto hop = first_hop_behind(rest);
    if (!hop) return std::nullopt;
    return as_read(fmt::format("SRS0{}", hop->rest), hop->domain);
}

std::string local_for(const address& sender, const signer& sign, std::int64_t day) {
    if (const auto first = first_forwarders(sender))
        return fmt::format("SRS1={}={}={}", hash_of(sign, "SRS1", *first), first->domain,
                           std::string_view(first->local).substr(tag_octets));
    const auto stamp = stamp_of(day);
    return fmt::format("SRS0={}={}={}={}", hash_of(sign, stamp, sender), stamp, sender.domain, sender.local);
}

reversed reverse_of_first(std::string_view text, std::span<const signer> signers, std::int64_t day,
                          unsigned max_age) {
    const reversed forged{standing::forged, {}};
    const auto hash = take_part(text);
    const auto stamp = take_part(text);
    const auto domain = take_part(text);
    if (!hash || !stamp || !domain) return forged;
    const auto number = day_of(to_upper(*stamp));
    auto sender = as_read(text, *domain);
    if (!number || !sender || !is_signed(signers, *hash, to_upper(*stamp), *sender)) return forged;
    const auto today = static_cast<unsigned>(day % days_told_apart);
    const auto age = (today + days_told_apart - *number) % days_told_apart;
    const bool ahead = age == days_told_apart - 1; // another server's clock, about midnight
    if (age > max_age && !ahead) return {standing::expired, {}};
    return {standing::valid, std::move(*sender)};
}

reversed reverse_of_next(std::string_view text, std::span<const signer> signers) {
    const reversed forged{standing::forged, {}};
    const auto hash = take_part(text);
    const auto hop = hash ? first_hop_behind(text) : std::nullopt;
    if (!hop) return forged;
    auto first = as_read(fmt::format("SRS0{}", hop->rest), hop->domain);
    if (!first || !is_signed(signers, *hash, "SRS1", *first)) return forged;
    return {standing::valid, std::move(*first)};
}

} // namespace

std::optional<address> forward(const address& sender, std::string_view domain, const signer& sign,
                               std::int64_t day) {
    address made{local_for(sender, sign, day), std::string(domain)};
    if (made.to_string().size() + 2 > path_max) return std::nullopt;
    // What its own reader would take for something else isn't sent.
    const auto read = reverse(made, std::span(&sign, 1), day, 0);
    const auto again = parse_address(made.to_string());
    if (read.is != standing::valid || !again || *again != made) return std::nullopt;
    return made;
}

reversed reverse(const address& recipient, std::span<const signer> signers, std::int64_t day,
                 unsigned max_age) {
    const std::string_view local = recipient.local;
    if (!is_rewritten_sender(local)) return {};
    const auto text = local.substr(tag_octets + 1);
    if (has_tag(local, "SRS1")) return reverse_of_next(text, signers);
    return reverse_of_first(text, signers, day, max_age);
}

} // namespace postern::protocol::srs
