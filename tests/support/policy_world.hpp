// All that a check may look at, for tests: a session of one client with one transaction, over tables in
// memory and a world of names.
#pragma once

#include "conf/load.hpp"
#include "policy/engine.hpp"
#include "policy/rule_book.hpp"
#include "policy/zone_health.hpp"
#include "server/side_tasks.hpp"
#include "tests/support/dns_world.hpp"
#include "tests/support/memory_directory.hpp"
#include "tests/support/memory_greylist.hpp"
#include "tests/support/memory_rules.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

namespace postern::testing {

struct fake_room final : policy::mailbox_room {
    std::map<std::string, result<bool>> answers; // a mailbox that is not named has room
    unsigned asked = 0;
    boost::asio::awaitable<result<bool>> has_room(storage::final_recipient box, std::uint64_t) override {
        ++asked;
        const auto found = answers.find(box.address);
        co_return found == answers.end() ? result<bool>(boost::system::in_place_value, true) : found->second;
    }
};

inline result<bool> room(bool yes) { return result<bool>(boost::system::in_place_value, yes); }

// The configuration of `toml` with one listener, which the text may continue.
inline std::shared_ptr<const conf::config> config_of(const std::string& toml) {
    const auto read =
        conf::load_text("[server]\nhostname = \"mx.d.test\"\n[[listener]]\nname = \"in\"\naddress = "
                        "\"127.0.0.1:0\"\n" +
                            toml,
                        "test.toml", {"mx.d.test"});
    for (const auto& one : read.findings) INFO(one.to_string());
    REQUIRE(read.snapshot);
    return read.snapshot;
}

// A message in which nothing is found.
struct nothing_in_it final : policy::message_scanner {
    boost::asio::awaitable<policy::scan_outcome> scan(protocol::scan::order) override {
        co_return policy::scan_outcome{protocol::scan::report{}, {}};
    }
};

struct policy_world {
    boost::asio::io_context loop{1}; // first: what was begun in it goes before it
    memory_directory accounts;
    fake_room rooms;
    dns_world dns;
    memory_rules rules;
    memory_greylist greylist;
    policy::rule_book book{rules};
    policy::zone_health zones;
    server::side_tasks beside{loop.get_executor()};
    policy::services services{accounts, rooms, dns, beside, book, zones, &greylist};
    std::shared_ptr<const conf::config> config;
    conf::listener_settings listener;
    policy::rule_set exempt_senders;
    std::shared_ptr<const std::vector<protocol::ip_address>> own =
        std::make_shared<const std::vector<protocol::ip_address>>(
            1, *protocol::ip_address::parse("192.0.2.254"));
    storage::resolve_settings resolving;
    protocol::ip_address client = *protocol::ip_address::parse("192.0.2.1");
    std::string helo = "c.test";
    protocol::envelope envelope;
    protocol::header_scan header;
    std::int64_t now = 1'800'000'000;
    conf::day today{};
    policy::about_client peer;
    policy::transaction learned;
    policy::trace told; // of the last stage
    nothing_in_it clean;
    policy::message_scanner* content = &clean;
    std::string account; // that authenticated; "" = nobody did

    // u@d.test is a mailbox; its name server and the sender's are silent about everything else.
    explicit policy_world(const std::string& toml = {})
        : config(config_of(toml)), listener(config->listeners.front()) {
        for (const auto& zone : config->dnsbl.zones) zones.note(zone.name, {}); // as after the start
        resolving.hostname = "mx.d.test";
        resolving.postmaster = "postmaster@mx.d.test";
        REQUIRE(accounts.put_domain({"d.test", "", ""}));
        add("u@d.test");
        from("a@s.test");
        dns.mx("s.test", 10, "mx.s.test");
        dns.a("mx.s.test", "192.0.2.25");
    }
    void add(const std::string& address, std::uint64_t quota = 0) {
        storage::mailbox_record record;
        record.address = address;
        record.quota = quota;
        REQUIRE(accounts.put_mailbox(record));
    }
    void rule(storage::kept_action action, const std::string& pattern, const std::string& mailbox = {}) {
        const storage::rule_record one{mailbox, action, pattern, now};
        REQUIRE(rules.put(std::span(&one, 1)));
    }
    // "" = the empty sender
    void from(const std::string& sender) {
        envelope.sender.reset();
        if (!sender.empty()) envelope.sender = protocol::parse_address(sender).value();
    }

    policy::verdict judge(policy::stage at, const std::string& rcpt = {},
                          std::span<const policy::check> rows = policy::registry()) {
        told.clear();
        protocol::recipient candidate;
        if (!rcpt.empty()) candidate.mailbox = protocol::parse_address(rcpt).value();
        policy::context about{config, listener, resolving, exempt_senders, own,     services,
                              client, helo,     envelope,  &candidate,     &header, 100,
                              now,    today,    peer,      learned,        told,    content};
        about.account = account;
        policy::verdict said;
        loop.restart();
        auto task = ask(at, about, said, rows);
        boost::asio::co_spawn(loop, std::move(task), boost::asio::detached);
        loop.run();
        return said;
    }
    // A whole session up to the verdict on one RCPT, in one loop, as look-ups that were begun early need it.
    policy::verdict session(const std::string& rcpt = "u@d.test") {
        told.clear();
        peer = {};
        learned = {};
        protocol::recipient candidate;
        candidate.mailbox = protocol::parse_address(rcpt).value();
        policy::context about{config, listener, resolving, exempt_senders, own,     services,
                              client, helo,     envelope,  &candidate,     &header, 100,
                              now,    today,    peer,      learned,        told,    content};
        policy::verdict said;
        loop.restart();
        auto task = all_stages(about, said);
        boost::asio::co_spawn(loop, std::move(task), boost::asio::detached);
        loop.run();
        return said;
    }
    // What became of a check in the last stage; nullptr = it was not reached.
    const policy::judgement* of(std::string_view check) const {
        for (const auto& one : told)
            if (one.said.check == check) return &one;
        return nullptr;
    }

  private:
    static boost::asio::awaitable<void> ask(policy::stage at, policy::context& about, policy::verdict& said,
                                            std::span<const policy::check> rows) {
        said = co_await policy::judge(at, about, rows);
    }
    static boost::asio::awaitable<void> all_stages(policy::context& about, policy::verdict& said) {
        (void)co_await policy::judge(policy::stage::connect, about);
        (void)co_await policy::judge(policy::stage::mail, about);
        said = co_await policy::judge(policy::stage::rcpt, about);
    }
};

} // namespace postern::testing
