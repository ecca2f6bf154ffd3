// How many conversations a next hop, and all hops together, have at the same time: one that hangs holds its
// own places and nobody else's. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace postern::server {

class hop_places {
  public:
    static constexpr std::size_t of_hop_max = 8;
    static constexpr std::size_t of_all_max = 48;

    // `freed` is called, on whatever thread, each time a place is free again; it throws nothing.
    explicit hop_places(std::function<void()> freed);

    // Held as long as it lives; it may outlive this. Null: none is free. `hop` is relay_hop::to_string().
    using place = std::shared_ptr<void>;
    place take(const std::string& hop);

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace postern::server
