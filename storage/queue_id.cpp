// Crockford's base32, most significant character first, so that texts sort as the numbers do.
#include "storage/queue_id.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t text_length = 13;

// Lower case is accepted: an operator may type it so.
std::optional<std::uint64_t> value_of(char c) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto at = alphabet.find(upper);
    if (at == std::string_view::npos) return std::nullopt;
    return at;
}

} // namespace

std::string queue_id::to_string() const {
    std::string text(text_length, '0');
    std::uint64_t rest = value;
    for (std::size_t i = text_length; i > 0; --i, rest >>= 5) text[i - 1] = alphabet[rest & 31];
    return text;
}

std::optional<queue_id> queue_id::parse(std::string_view text) {
    if (text.size() != text_length) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = value_of(c);
        if (!digit || value >> 59 != 0)
            return std::nullopt; // 13 characters hold 65 bits: the first is at most F
        value = value << 5 | *digit;
    }
    return queue_id{value};
}

queue_id queue_id_source::next(std::int64_t now_microseconds) {
    const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(now_microseconds, 0)) << 10;
    std::uint64_t last = last_.load(std::memory_order_relaxed);
    for (;;) {
        const std::uint64_t wanted = std::max(now, last + 1);
        if (last_.compare_exchange_weak(last, wanted, std::memory_order_relaxed)) return queue_id{wanted};
    }
}

} // namespace postern::storage
