#include "server/scanner/worker.hpp"

#include "server/scanning/channel.hpp"

#include <chrono>
#include <sys/mman.h>
#include <sys/stat.h>

namespace postern::server::scanner {
using std::chrono::steady_clock;

namespace {

constexpr int ended_well = 0;
constexpr int bad_order = 1;
constexpr int no_listener = 2;
constexpr std::chrono::hours for_ever{24 * 365};
constexpr std::chrono::seconds answer_time{60};

// The message as the descriptor has it, read-only and this process's own: nobody's write changes it here.
class mapping {
  public:
    mapping(int descriptor, std::uint64_t from, std::uint64_t size) {
        struct stat facts{};
        if (size == 0 || ::fstat(descriptor, &facts) != 0) return;
        const auto length = static_cast<std::uint64_t>(facts.st_size);
        if (from > length || size > length - from) return;
        void* const at = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (at == MAP_FAILED) return;
        base_ = at;
        length_ = length;
        message_ = {static_cast<const char*>(at) + from, size};
    }
    ~mapping() {
        if (base_ != nullptr) ::munmap(base_, length_);
    }
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;
    bool holds() const { return base_ != nullptr; }
    std::string_view message() const { return message_; }

  private:
    void* base_ = nullptr;
    std::size_t length_ = 0;
    std::string_view message_;
};

bool answer(int channel, const protocol::scan::report& with) {
    const auto by = steady_clock::now() + answer_time;
    for (const auto& one : protocol::scan::encode(with))
        if (scanning::send(channel, one, -1, by)) return false;
    return true;
}

} // namespace

int work(int channel, const inspector& inspect) {
    for (;;) {
        auto got =
            scanning::receive(channel, protocol::scan::order_octets_max, steady_clock::now() + for_ever);
        if (!got) return got.error() == boost::system::errc::not_connected ? ended_well : bad_order;
        const auto order = protocol::scan::decode_order(got->octets);
        if (!order || !got->with.is_open()) return bad_order;
        const mapping mapped(got->with.get(), order->from, order->size);
        if (!mapped.holds() && order->size != 0) return bad_order;
        if (!answer(channel, inspect(mapped.message(), *order))) return no_listener;
    }
}

} // namespace postern::server::scanner
