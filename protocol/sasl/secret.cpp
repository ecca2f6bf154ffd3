// A short std::string lies in its object, so a move copies it: what was moved from is wiped as well.
#include "protocol/sasl/secret.hpp"

#include <cstring>
#include <utility>

namespace postern::protocol::sasl {

void wipe(std::string& text) {
    text.resize(text.capacity());
    ::explicit_bzero(text.data(), text.size());
    text.clear();
}

secret::secret(secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }

secret& secret::operator=(const secret& other) {
    if (this == &other) return *this;
    secret copy(other);
    return *this = std::move(copy);
}

secret& secret::operator=(secret&& other) noexcept {
    if (this == &other) return *this;
    wipe(text_);
    text_ = std::move(other.text_);
    wipe(other.text_);
    return *this;
}

} // namespace postern::protocol::sasl
