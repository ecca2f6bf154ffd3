// The accept loop when memory is short: one connection is lost, nothing else.
#include "server/worker.hpp"

#include "conf/load.hpp"
#include "policy/rule_book.hpp"
#include "policy/zone_health.hpp"
#include "server/maildir_room.hpp"
#include "server/side_tasks.hpp"
#include "tests/support/memory_directory.hpp"
#include "tests/support/memory_ledger.hpp"
#include "tests/support/memory_rules.hpp"
#include "tests/support/no_dns.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <netinet/in.h>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace postern;
using namespace postern::server;

namespace {

// Allocations of this many octets and a little more fail; 0 = none does.
[[maybe_unused]] std::atomic<std::size_t> failing_from{0};
[[maybe_unused]] constexpr std::size_t failing_range = 64;

} // namespace

// ThreadSanitizer brings its own, and can't be given others.
#if !__has_feature(thread_sanitizer)

// All forms of them, or what one family makes another frees.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    const auto from = failing_from.load(std::memory_order_relaxed);
    if (from != 0 && size >= from && size < from + failing_range) return nullptr;
    return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
    if (void* const memory = operator new(size, std::nothrow)) return memory;
    throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& quiet) noexcept {
    return operator new(size, quiet);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

#endif

namespace {

class remembering_log final : public postern::server::log {
  public:
    void write(const log_record& record) override {
        const std::lock_guard lock(guard_);
        if (record.event == log_event::fault) faults_.emplace_back(record.text);
    }
    void reopen(const conf::log_settings&, const std::string&) override {}
    std::uint64_t dropped() const override { return 0; }
    void flush() override {}
    std::vector<std::string> faults() const {
        const std::lock_guard lock(guard_);
        return faults_;
    }

  private:
    mutable std::mutex guard_;
    std::vector<std::string> faults_;
};

std::shared_ptr<const snapshot> loopback_snapshot() {
    auto made = std::make_shared<snapshot>();
    made->own_addresses = std::make_shared<const std::vector<protocol::ip_address>>();
    made->exempt_senders = std::make_shared<const policy::rule_set>();
    made->config =
        conf::load_text("[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:0\"\ntls = \"off\"\n", "test")
            .snapshot;
    return made;
}

// One worker with one listener, and whatever sessions need.
struct bench {
    bench() {
        config.swap(loopback_snapshot());
        const auto now = config.get()->config;
        door->settings = {now, &now->listeners[0]};
        auto group = listen_for(now->listeners[0].addresses[0], 1, {});
        REQUIRE(group.problem.empty());
        door->address = group.sockets.at(0).address;
        REQUIRE(one.attend(door, std::move(group.sockets[0])));
        one.start(services, watch, {});
    }
    ~bench() { one.halt(); }

    testing::temporary_folder folder;
    remembering_log journal;
    live_snapshot config;
    std::unique_ptr<storage::queue> queue =
        storage::queue::open(storage::system_files(), folder.path(), {}).value();
    testing::memory_directory accounts;
    offload_pool pool{1, 16};
    maildir_room room{config, pool, storage::system_files()};
    testing::no_dns dns;
    testing::memory_rules rules;
    policy::rule_book book{rules};
    policy::zone_health zones;
    boost::asio::io_context nobody{1};
    side_tasks beside{nobody.get_executor()};
    policy::services policy{accounts, room, dns, beside, book, zones};
    async_spool spool{*queue, 16, [](std::span<const storage::queue_id>) {}};
    storage::queue_id_source ids{storage::queue_id{}}, session_ids{storage::queue_id{}};
    testing::memory_ledger refusals;
    session_limits limits;
    counters counts;
    session_services services{config, journal,  spool,  pool,  storage::system_files(), ids, session_ids,
                              policy, refusals, limits, counts};
    accept_watch watch{journal};
    std::shared_ptr<bound_listener> door = std::make_shared<bound_listener>();
    worker one;
};

template <class Truth> bool eventually(Truth is_so) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

// What a client hears first; "" = its connection ends.
[[maybe_unused]] std::string first_word(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    pollfd wanted{fd, POLLIN, 0};
    REQUIRE(::poll(&wanted, 1, 10'000) == 1);
    char word[4];
    const auto count = ::recv(fd, word, sizeof word, 0);
    ::close(fd);
    return {word, count > 0 ? static_cast<std::size_t>(count) : 0};
}

} // namespace

#if !__has_feature(thread_sanitizer)
TEST_CASE("a session that there is no memory for costs its own connection only") {
    bench with;
    failing_from = sizeof(session_driver);
    for (int i = 0; i < 3; ++i) CHECK(first_word(with.door->address.port).empty());
    // The connection ends a moment before it is no longer counted.
    CHECK(eventually([&] { return with.one.sessions() == 0 && with.door->sessions == 0; }));
    failing_from = 0;
    CHECK(first_word(with.door->address.port) == "220 ");
    CHECK(with.door->connections == 4);
    REQUIRE(with.journal.faults().size() == 1);
    CHECK(with.journal.faults()[0] ==
          "connections can't be accepted: std::bad_alloc; it is tried again all the time");
}
#endif

TEST_CASE("trouble with accepting is told when it begins and when it has been over for a while") {
    remembering_log journal;
    accept_watch watch(journal);
    const accept_watch::time_point start{};
    for (int i = 0; i < 100; ++i) watch.failed("why", start + std::chrono::milliseconds(100 * i));
    watch.look(start + std::chrono::seconds(11));
    watch.failed("why", start + std::chrono::seconds(12));
    CHECK(journal.faults().size() == 1);
    watch.look(start + std::chrono::seconds(20));
    watch.failed("why", start + std::chrono::seconds(21));
    CHECK(journal.faults().size() == 2);
}
