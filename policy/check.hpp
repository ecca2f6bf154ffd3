// A policy check: a name, the stages at which it speaks, and what it says. One file each in checks/, one row
// in registry.cpp.
#pragma once

#include "policy/context.hpp"
#include "policy/verdict.hpp"

#include <initializer_list>

namespace postern::policy {

class stage_set {
  public:
    constexpr stage_set(std::initializer_list<stage> stages) {
        for (const auto s : stages) bits_ = static_cast<std::uint8_t>(bits_ | bit(s));
    }
    constexpr bool has(stage s) const { return (bits_ & bit(s)) != 0; }

  private:
    static constexpr std::uint8_t bit(stage s) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(s));
    }
    std::uint8_t bits_ = 0;
};

struct check {
    std::string_view name;
    stage_set stages;
    // `about` outlives the await. Every await inside has a deadline.
    boost::asio::awaitable<verdict> (*run)(stage at, context& about);
};

// All checks in the order of their verdicts (docs/adding.md).
std::span<const check> registry();

// checks/*.cpp
boost::asio::awaitable<verdict> check_recipient(stage at, context& about);
boost::asio::awaitable<verdict> check_loop(stage at, context& about);

} // namespace postern::policy
