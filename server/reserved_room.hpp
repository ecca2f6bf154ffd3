// Room for one operation of Asio's, so that a wait can begin, and somebody be woken, without memory. When the
// beginning of a wait throws, Asio destroys the coroutine; when it finds no memory for that, the process
// ends.
#pragma once

#include <array>
#include <boost/asio/bind_allocator.hpp>
#include <cstddef>
#include <memory>
#include <utility>

namespace postern::server {

// Outlives its operation; a second one at the same time takes memory from elsewhere, and so does a larger
// one.
struct reserved_room {
    // Each session that waits holds it: no more than the largest operation, which has 200 (Boost 1.81).
    alignas(std::max_align_t) std::array<std::byte, 224> octets;
    bool taken = false;
};

template <class T> class in_reserved_room {
  public:
    using value_type = T;
    explicit in_reserved_room(reserved_room& room) : room_(&room) {}
    template <class Other> in_reserved_room(const in_reserved_room<Other>& other) : room_(&other.room()) {}
    T* allocate(std::size_t count) {
        const bool fits = count * sizeof(T) <= room_->octets.size();
        if (!fits || std::exchange(room_->taken, true)) return std::allocator<T>().allocate(count);
        return reinterpret_cast<T*>(room_->octets.data());
    }
    void deallocate(T* what, std::size_t count) {
        if (reinterpret_cast<std::byte*>(what) != room_->octets.data())
            return std::allocator<T>().deallocate(what, count);
        room_->taken = false;
    }
    reserved_room& room() const { return *room_; }
    friend bool operator==(const in_reserved_room& a, const in_reserved_room& b) {
        return a.room_ == b.room_;
    }

  private:
    reserved_room* room_;
};

// The handler, or what makes one, so that its operation lies in the room.
template <class Handler> auto in_room(reserved_room& room, Handler handler) {
    return boost::asio::bind_allocator(in_reserved_room<std::byte>(room), std::move(handler));
}

} // namespace postern::server
