// Which senders other servers see: of mail that an alias forwards, of mail that is only passed on, of our
// own.
#include "server/delivery/forwarding.hpp"

#include "policy/sender_rewriter.hpp"
#include "server/snapshot.hpp"
#include "tests/support/memory_directory.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::server;

namespace {

constexpr std::int64_t now = 1'800'000'000;

struct noting_log final : log {
    std::vector<std::string> notes;
    void write(const log_record& record) override { notes.emplace_back(record.text); }
    void reopen(const conf::log_settings&, const std::string&) override {}
    std::uint64_t dropped() const override { return 0; }
    void flush() override {}
};

// d.test is hosted, and so is its alias domain; s.test and o.test are somebody else's.
struct world {
    testing::temporary_folder folder;
    std::unique_ptr<storage::queue> queue = *storage::queue::open(storage::system_files(), folder.path(), {});
    testing::memory_directory accounts;
    storage::queue_id_source ids{storage::queue_id{}};
    noting_log journal;
    counters counts;
    policy::sender_rewriter srs{{std::string(32, 'k')}};
    delivery_services with{storage::system_files(), *queue, accounts, ids, journal, counts, nullptr, &srs};
    conf::config config;
    storage::queued_message message;

    world() {
        config.server.hostname = "mx.d.test";
        config.relay.srs_max_age = std::chrono::hours(24 * 21);
        REQUIRE(accounts.put_domain({"d.test", "", ""}));
        REQUIRE(accounts.put_domain({"alias.test", "", "d.test"}));
        message.sender = "a@s.test";
    }
    std::size_t add(const std::string& address, const std::string& original) {
        storage::queued_recipient to;
        to.address = address;
        to.original = original;
        to.route = storage::recipient_route::outside;
        message.recipients.push_back(std::move(to));
        return message.recipients.size() - 1;
    }
    std::string written(const std::string& sender, const std::string& domain) const {
        return srs.forward(protocol::parse_address(sender).value(), domain, now)->to_string();
    }
    way_out way(const std::string& address, const std::string& original) {
        const auto found = ways_out(with, config, message, {add(address, original)}, now);
        REQUIRE(found.has_value());
        REQUIRE(found->size() == 1);
        return found->front().way;
    }
};

} // namespace

TEST_CASE("what an alias forwards has a sender of the alias's domain") {
    world w;
    CHECK(w.way("x@o.test", "info@d.test") == way_out{w.written("a@s.test", "d.test"), "info@d.test"});
    CHECK(w.way("x@o.test", "Info@alias.test") ==
          way_out{w.written("a@s.test", "alias.test"), "Info@alias.test"});
    CHECK(w.way("x@o.test", "postmaster") ==
          way_out{w.written("a@s.test", "mx.d.test"), "postmaster@mx.d.test"});
    w.config.relay.srs_domain = "fwd.test";
    CHECK(w.way("x@o.test", "info@d.test").sender == w.written("a@s.test", "fwd.test"));
    w.config.relay.srs_domain.clear();
    REQUIRE(w.accounts.remove_domain("alias.test")); // since it was taken
    CHECK(w.way("x@o.test", "info@alias.test").sender == w.written("a@s.test", "mx.d.test"));
}

TEST_CASE("who needs no other name keeps it") {
    world w;
    const auto sender = [&](const std::string& text) {
        w.message.sender = text;
        return w.way("x@o.test", "info@d.test");
    };
    for (const auto* ours : {"", "u@d.test", "u@alias.test", "root@mx.d.test"})
        CHECK(sender(ours) == way_out{ours, "info@d.test"});
    const auto once = w.written("a@s.test", "d.test"); // it comes back
    CHECK(sender(once).sender == once);
    w.config.relay.srs = false;
    CHECK(sender("a@s.test") == way_out{"a@s.test", "info@d.test"});
    w.config.relay.srs = true;
    w.with.srs = nullptr;
    CHECK(sender("a@s.test") == way_out{"a@s.test", "info@d.test"});
}

TEST_CASE("what nobody forwards goes on as it came") {
    world w;
    CHECK(w.way("x@o.test", "x@o.test") == way_out{"a@s.test", ""});
    CHECK(w.way("X@o.test", "x@o.test") == way_out{"a@s.test", ""});
    CHECK(w.way("u@d.test", "u@d.test") == way_out{"a@s.test", ""}); // held for its primary
    CHECK(w.way("u@d.test", "team@alias.test") == way_out{"a@s.test", ""});
    CHECK(w.way("x@o.test", "") == way_out{"a@s.test", ""});
}

TEST_CASE("a sender that is too long stays, and the log says so") {
    world w;
    std::string domain = "test";
    for (int i = 0; i < 3; ++i) domain = std::string(60, 's') + '.' + domain;
    w.message.sender = std::string(60, 'l') + '@' + domain;
    CHECK(w.way("x@o.test", "info@d.test") == way_out{w.message.sender, "info@d.test"});
    REQUIRE(w.journal.notes.size() == 1);
    CHECK(w.journal.notes[0].find("too long for SRS") != std::string::npos);
}

TEST_CASE("an alias in other letters than ASCII makes no message international") {
    world w;
    CHECK(w.way("x@o.test", "žluť@d.test") == way_out{w.written("a@s.test", "d.test"), ""});
}

TEST_CASE("recipients share a transaction where they are written to alike") {
    world w;
    const auto a = w.add("x@o.test", "info@d.test"), b = w.add("y@o.test", "boss@d.test"),
               c = w.add("z@o.test", "info@d.test"), d = w.add("v@o.test", "v@o.test"),
               e = w.add("w@o.test", "w@o.test");
    const auto found = ways_out(w.with, w.config, w.message, {a, b, c, d, e}, now);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 3);
    CHECK((*found)[0].recipients == std::vector{a, c});
    CHECK((*found)[1].recipients == std::vector{b});
    CHECK((*found)[2].recipients == std::vector{d, e});
    CHECK((*found)[2].way == way_out{"a@s.test", ""});
    const auto one = ways_out(w.with, w.config, w.message, {d}, now);
    REQUIRE(one.has_value());
    CHECK(one->front().recipients == std::vector{d});
}

TEST_CASE("a table in trouble puts the forward off") {
    world w;
    const auto to = w.add("x@o.test", "info@d.test");
    for (std::size_t lookup = 0; lookup < 3; ++lookup) {
        w.accounts.lookups = 0;
        w.accounts.failing_lookup = lookup;
        CAPTURE(lookup);
        CHECK(ways_out(w.with, w.config, w.message, {to}, now).has_error());
    }
}

TEST_CASE("of what comes back with a sender of ours the first sender is told") {
    world w;
    const auto behind = [&](const std::string& sender) {
        return sender_behind(w.with, w.config, sender, now).value();
    };
    CHECK(behind(w.written("a@s.test", "d.test")) == "a@s.test");
    CHECK(behind(w.written(w.written("a@s.test", "d.test"), "alias.test")) == "a@s.test");
    for (const auto* other : {"a@s.test", "SRS0=x@s.test", "SRS0=x@d.test", ""})
        CHECK(behind(other) == other);
    w.accounts.failure = storage::storage_errc::io;
    CHECK(sender_behind(w.with, w.config, w.written("a@s.test", "d.test"), now).has_error());
}
