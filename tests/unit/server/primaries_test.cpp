// What is known of primaries, and for how long: pure parts of the secondary.
#include "conf/load.hpp"
#include "server/call_out_cache.hpp"
#include "server/call_out_words.hpp"
#include "server/delivery/hop_watch.hpp"
#include "server/delivery/waiting_mail.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace std::chrono_literals;
using server::call_out_cache;
using server::hop_watch;
using kind = policy::call_out_answer::kind;

namespace {

const auto start = std::chrono::steady_clock::time_point(1h);

conf::relay_hop hop(std::uint8_t last) {
    conf::relay_hop made;
    made.address = {protocol::ip_address::v4(std::array<std::uint8_t, 4>{192, 0, 2, last}), 25};
    return made;
}

// As if each probe had ended at once.
std::vector<conf::relay_hop> probe(hop_watch& watch, const conf::relay_settings& routes,
                                   hop_watch::time_point now) {
    const auto due = watch.to_probe(routes, now);
    for (const auto& one : due) watch.probed(one);
    return due;
}

conf::relay_settings routes(std::initializer_list<std::uint8_t> hops) {
    conf::relay_settings made;
    for (const auto one : hops) made.routes.push_back({"d" + std::to_string(one) + ".test", {}, hop(one)});
    return made;
}

protocol::recipient_outcome said(std::string text, protocol::enhanced_code status, bool of_recipient = true) {
    protocol::recipient_outcome made;
    made.what = protocol::recipient_outcome::kind::failed;
    made.status = status;
    made.said_by_peer = true;
    made.of_recipient = of_recipient;
    made.text = std::move(text);
    return made;
}

} // namespace

TEST_CASE("a primary that is not known to be there is asked at once, and every 20 s") {
    hop_watch watch;
    const auto all = routes({1, 2});
    CHECK(probe(watch, all, start).size() == 2);
    CHECK(probe(watch, all, start + 19s).empty());
    CHECK(probe(watch, all, start + 20s).size() == 2);
    CHECK(watch.reached(hop(1)));
    CHECK(probe(watch, all, start + 40s) == std::vector{hop(2)});
}

TEST_CASE("that a primary is back, or away, is news once") {
    hop_watch watch;
    CHECK(watch.why_away(hop(1)).empty()); // not known: it is tried
    CHECK(watch.missed(hop(1), "refused", start));
    CHECK_FALSE(watch.missed(hop(1), "still refused", start + 1s));
    CHECK(watch.why_away(hop(1)) == "still refused");
    CHECK(probe(watch, routes({1}), start + 20s).empty());
    CHECK(probe(watch, routes({1}), start + 21s).size() == 1);
    CHECK(watch.reached(hop(1)));
    CHECK_FALSE(watch.reached(hop(1)));
    CHECK(watch.why_away(hop(1)).empty());
    CHECK(watch.missed(hop(1), "again", start));
}

TEST_CASE("a primary that hangs is asked by one probe at a time") {
    hop_watch watch;
    CHECK(watch.to_probe(routes({1}), start).size() == 1);
    CHECK(watch.to_probe(routes({1}), start + 1h).empty());
    CHECK(watch.missed(hop(1), "it did not answer", start + 1h));
    watch.probed(hop(1));
    CHECK(watch.to_probe(routes({1}), start + 1h + hop_watch::probe_interval - 1s).empty());
    CHECK(watch.to_probe(routes({1}), start + 1h + hop_watch::probe_interval).size() == 1);
}

TEST_CASE("a route that was taken away is forgotten, and a crowd of primaries is asked in turns") {
    hop_watch watch;
    CHECK(watch.missed(hop(1), "refused", start));
    CHECK(probe(watch, routes({2}), start).size() == 1);
    CHECK(watch.why_away(hop(1)).empty());
    conf::relay_settings many;
    for (std::uint8_t i = 0; i < 40; ++i) many.routes.push_back({"d.test", {}, hop(i)});
    CHECK(probe(watch, many, start + 1h).size() == hop_watch::probes_max);
    CHECK(probe(watch, many, start + 1h).size() == 40 - hop_watch::probes_max);
    CHECK(probe(watch, many, start + 1h).empty());
}

TEST_CASE("what a primary said is kept for an hour, a refusal for five minutes, trouble not at all") {
    call_out_cache cache;
    cache.keep("a", {kind::taken, "250"}, start);
    cache.keep("b", {kind::unknown, "550"}, start);
    cache.keep("c", {kind::later, "451"}, start);
    CHECK(cache.size() == 2);
    CHECK(cache.find("b", start + 299s)->what == kind::unknown);
    CHECK_FALSE(cache.find("b", start + 300s));
    CHECK(cache.find("a", start + 3599s)->what == kind::taken);
    CHECK_FALSE(cache.find("a", start + 1h));
    CHECK(cache.size() == 0);
}

TEST_CASE("strangers can't make the memory of call-outs grow, and the newest answer counts") {
    call_out_cache cache;
    for (std::size_t i = 0; i < call_out_cache::entries_max + 10; ++i)
        cache.keep(std::to_string(i), {kind::taken, ""}, start);
    CHECK(cache.size() == call_out_cache::entries_max);
    CHECK_FALSE(cache.find("9", start));
    CHECK(cache.find("10", start));
    cache.keep("10", {kind::unknown, ""}, start);
    CHECK(cache.find("10", start)->what == kind::unknown);
    CHECK(cache.size() == call_out_cache::entries_max);
}

TEST_CASE("only a refusal of the recipient makes it unknown", "[LP-04]") {
    const std::tuple<const char*, protocol::enhanced_code, bool, kind> rows[] = {
        {"550 5.1.1 who", {5, 1, 1}, true, kind::unknown},
        {"550 5.4.1 denied", {5, 4, 1}, true, kind::unknown},
        {"550 5.2.1 disabled", {5, 2, 1}, true, kind::unknown},
        {"550 who", {}, true, kind::unknown},
        {"551 moved", {}, true, kind::unknown},
        {"553 not allowed", {}, true, kind::unknown},
        {"552 5.2.2 full", {5, 2, 2}, true, kind::full},
        {"552 full", {}, true, kind::full},
        {"554 5.7.1 your address is on a list", {5, 7, 1}, true, kind::later},
        {"554 no", {}, true, kind::later},
        {"503 5.5.1 out of order", {5, 5, 1}, true, kind::later},
        {"550 5.1.8 no empty senders, said at RCPT", {5, 1, 8}, true, kind::later},
        {"553 5.1.7 likewise", {5, 1, 7}, true, kind::later},
        {"550 no empty senders", {}, false, kind::later},
        {"550 5.1.8 no empty senders", {5, 1, 8}, false, kind::later},
        {"the next server takes no SMTPUTF8", {5, 6, 7}, false, kind::no_utf8},
    };
    for (const auto& [text, status, of_recipient, wanted] : rows) {
        CAPTURE(text);
        CHECK(server::understand(said(text, status, of_recipient)).what == wanted);
    }
    protocol::recipient_outcome other;
    other.what = protocol::recipient_outcome::kind::taken;
    CHECK(server::understand(other).what == kind::taken);
    other.what = protocol::recipient_outcome::kind::deferred;
    CHECK(server::understand(other).what == kind::later);
}

TEST_CASE("when a primary is back, what waits for it is due, and nothing else") {
    conf::config config;
    config.relay = routes({1, 2});
    storage::queued_message message;
    const auto add = [&](const std::string& address, storage::recipient_route route) -> auto& {
        auto& to = message.recipients.emplace_back();
        to.address = address;
        to.route = route;
        to.next_try = 1000;
        return to;
    };
    using enum storage::recipient_route;
    add("u@d1.test", outside);
    add("u@d2.test", outside);
    add("u@d1.test", local);
    add("v@d1.test", outside).state = storage::recipient_state::delivered;
    add("\"w x\"@d1.test", outside).next_try = 5;
    add("\"y z\"@d1.test", outside);
    CHECK(server::make_due_for(config, message, hop(1), 10));
    std::vector<std::int64_t> times;
    for (const auto& to : message.recipients) times.push_back(to.next_try);
    CHECK(times == std::vector<std::int64_t>{10, 1000, 1000, 1000, 5, 10});
    CHECK_FALSE(server::make_due_for(config, message, hop(3), 10));
    message.held = true;
    CHECK_FALSE(server::make_due_for(config, message, hop(2), 10));
}
