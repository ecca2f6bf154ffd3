// What is known of the passwords that came from a network, for a user, or for a user from a network. Pure.
#pragma once

#include "policy/submission/window.hpp"

#include <string_view>
#include <vector>

namespace postern::policy {

inline constexpr std::size_t guesses_max = 128; // different ones that are remembered, the newest

struct guess_record {
    struct guess {
        std::uint64_t digest = 0; // of login and password
        rate_seconds last = 0;
        bool operator==(const guess&) const = default;
    };
    rate_seconds last_good = 0; // 0 = never
    std::uint8_t blocks = 0;    // how often it was blocked
    std::vector<guess> wrong;
    bool operator==(const guess_record&) const = default;

    void add(std::uint64_t digest, rate_seconds now, rate_seconds window); // forgets those that are over
    std::uint32_t different(rate_seconds now, rate_seconds window) const;
    bool is_trusted(rate_seconds now, rate_seconds trusted) const {
        return last_good != 0 && now - last_good < trusted;
    }
    rate_seconds expires(rate_seconds now, rate_seconds window, rate_seconds trusted) const;
};

std::string encode_guesses(const guess_record& record);
guess_record decode_guesses(std::string_view octets); // a damaged one: nothing is known

} // namespace postern::policy
