// Handshakes of our client with servers whose certificates prove something, or nothing (TL-07, TL-08, TL-12).
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/tls/dane_peer.hpp"
#include "tls/client_sessions.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <openssl/ssl.h>

using namespace postern;
using namespace postern::test;
using tls::demand;
using tls::demand_level;

namespace {

const std::string host = "mx.d.test";

demand dane(std::vector<protocol::tlsa_record> records, std::vector<std::string> names = {}) {
    return {demand_level::dane, host, std::move(names), std::move(records)};
}

struct world {
    std::shared_ptr<const tls::client_context> ours = tls::client_context::make();
    authority root{"root"};
    authority middle{"middle", {.is_authority = true}, &root};
    authority leaf{"leaf", {.names = {host}}, &middle};

    encounter meet(const std::vector<const authority*>& chain, const demand& wanted) {
        return visit(showing_server(chain), *ours, wanted);
    }
    encounter usual(const demand& wanted) { return meet({&leaf, &middle, &root}, wanted); }
};

} // namespace

TEST_CASE("our client speaks TLS 1.3 with a server whose certificate proves nothing") {
    world with;
    const authority stranger("stranger", {.names = {"elsewhere.test"}, .not_after = test_now - test_day});
    for (const auto level : {demand_level::opportunistic, demand_level::encrypted}) {
        const auto met = with.meet({&stranger}, {level, host});
        REQUIRE(met.is_done);
        CHECK(met.facts.protocol == "TLSv1.3");
        CHECK(met.sni == host);
        CHECK_FALSE(met.proof.holds);
        CHECK(met.proof.words.empty());
    }
    CHECK(with.meet({&stranger}, {demand_level::opportunistic, ""}).sni.empty());
}

TEST_CASE("a server's key that is published is proved, another is not", "[TL-07]") {
    world with;
    for (const int selector : {0, 1}) {
        for (const int type : {0, 1, 2}) {
            const auto met = with.usual(dane({with.leaf.record(3, selector, type)}));
            REQUIRE(met.is_done);
            CHECK(met.proof.holds);
            CHECK(met.proof.words == "DANE-EE 3 " + std::to_string(selector) + " " + std::to_string(type));
            CHECK(met.sni == host);
            CHECK_FALSE(met.facts.resumed);
        }
    }
    const authority other("other");
    const auto met = with.usual(dane({other.record(3, 1, 1), with.middle.record(3, 1, 1)}));
    REQUIRE(met.is_done);
    CHECK_FALSE(met.proof.holds);
    CHECK(met.proof.words == "no matching DANE TLSA records");
    CHECK(with.usual(dane({other.record(3, 1, 1), with.leaf.record(3, 1, 1)})).proof.holds);
}

TEST_CASE("the names, the dates and the use of a certificate whose key is published don't count", "[TL-07]") {
    world with;
    const authority odd(
        "elsewhere.test",
        {.names = {"elsewhere.test"}, .extended_usage = "clientAuth", .not_after = test_now - test_day});
    const auto met = with.meet({&odd}, dane({odd.record(3, 1, 1)}));
    CHECK(met.proof.holds);
    CHECK(met.proof.words == "DANE-EE 3 1 1");
}

TEST_CASE("an authority that is published proves those below it that it is sent with", "[TL-08]") {
    world with;
    for (const auto* const each : {&with.middle, &with.root}) {
        for (const int selector : {0, 1}) {
            const auto met = with.usual(dane({each->record(2, selector, 1)}));
            CHECK(met.proof.holds);
            CHECK(met.proof.words == "DANE-TA 2 " + std::to_string(selector) + " 1");
        }
    }
    CHECK_FALSE(with.meet({&with.leaf, &with.middle}, dane({with.root.record(2, 1, 1)})).proof.holds);
    CHECK_FALSE(with.meet({&with.leaf}, dane({with.middle.record(2, 1, 1)})).proof.holds);
    // The whole certificate in DNS needs no copy in the handshake (RFC 7671 §5.2.3).
    CHECK(with.meet({&with.leaf, &with.middle}, dane({with.root.record(2, 0, 0)})).proof.holds);
}

TEST_CASE("the server's own certificate isn't its authority", "[TL-08]") {
    world with;
    CHECK_FALSE(with.usual(dane({with.leaf.record(2, 1, 1)})).proof.holds);
    const authority self(host, {.names = {host}});
    CHECK_FALSE(with.meet({&self}, dane({self.record(2, 1, 1)})).proof.holds);
}

TEST_CASE("below a published authority the name counts", "[TL-08]") {
    world with;
    const authority other("leaf", {.names = {"other.test"}}, &with.root);
    const auto record = with.root.record(2, 1, 1);
    const auto refused = with.meet({&other, &with.root}, dane({record}));
    CHECK_FALSE(refused.proof.holds);
    CHECK(refused.proof.words == "hostname mismatch");
    CHECK(with.meet({&other, &with.root}, dane({record}, {"d.test", "other.test"})).proof.holds);
    const authority wild("leaf", {.names = {"*.d.test"}}, &with.root);
    CHECK(with.meet({&wild, &with.root}, dane({record})).proof.holds);
    const authority half("leaf", {.names = {"m*.d.test"}}, &with.root);
    CHECK_FALSE(with.meet({&half, &with.root}, dane({record})).proof.holds);
}

TEST_CASE("below a published authority dates, use and path length count", "[TL-08]") {
    world with;
    const auto record = with.root.record(2, 1, 1);
    const authority old("leaf", {.names = {host}, .not_after = test_now - test_day}, &with.root);
    CHECK(with.meet({&old, &with.root}, dane({record})).proof.words == "certificate has expired");
    const authority client("leaf", {.names = {host}, .extended_usage = "clientAuth"}, &with.root);
    CHECK_FALSE(with.meet({&client, &with.root}, dane({record})).proof.holds);
    const authority old_middle("middle", {.is_authority = true, .not_after = test_now - test_day},
                               &with.root);
    const authority below("leaf", {.names = {host}}, &old_middle);
    CHECK_FALSE(with.meet({&below, &old_middle, &with.root}, dane({record})).proof.holds);
    const authority shorter("shorter", {.is_authority = true, .path_length = 0}, &with.root);
    const authority too_deep("deep", {.is_authority = true}, &shorter);
    const authority last("leaf", {.names = {host}}, &too_deep);
    CHECK_FALSE(with.meet({&last, &too_deep, &shorter, &with.root}, dane({record})).proof.holds);
}

TEST_CASE("a demand for DANE without a host or a usable record makes no connection") {
    world with;
    const socket_pair sockets;
    const auto record = with.leaf.record(3, 1, 1);
    CHECK(with.ours->connect(sockets.client(), {demand_level::dane, "", {}, {record}}, test_now) == nullptr);
    CHECK(with.ours->connect(sockets.client(), dane({}), test_now) == nullptr);
    auto cut = record;
    cut.data.pop_back();
    CHECK(with.ours->connect(sockets.client(), dane({record, cut}), test_now) == nullptr);
    const auto fresh = with.ours->connect(sockets.client(), dane({record}), test_now);
    REQUIRE(fresh);
    CHECK(fresh->proof().words == "the TLS handshake is not complete");
    CHECK_FALSE(fresh->proof().holds);
}

TEST_CASE("a session is resumed under the same demand alone, with what was proved") {
    world with;
    const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    const showing_server server({&with.leaf, &with.middle, &with.root}, version);
    const auto wanted = dane({with.leaf.record(3, 1, 1)});
    CHECK_FALSE(visit(server, *with.ours, wanted).facts.resumed);
    const auto again = visit(server, *with.ours, wanted);
    CHECK(again.facts.resumed);
    CHECK(again.proof.holds);
    CHECK(again.proof.words == "DANE-EE 3 1 1");
    // The key that was published has gone: nothing of before is believed.
    const authority other("other");
    const auto changed = visit(server, *with.ours, dane({other.record(3, 1, 1)}));
    CHECK_FALSE(changed.facts.resumed);
    CHECK_FALSE(changed.proof.holds);
    CHECK_FALSE(visit(server, *with.ours, {demand_level::encrypted, host}).facts.resumed);
    CHECK(visit(server, *with.ours, {demand_level::encrypted, host}).facts.resumed);
    CHECK_FALSE(visit(server, *with.ours, {demand_level::opportunistic, host}).facts.resumed);
    CHECK_FALSE(visit(server, *with.ours, {demand_level::encrypted, "mx2.d.test"}).facts.resumed);
}

TEST_CASE("what isn't proved is never resumed, nor what was proved too long ago") {
    world with;
    const showing_server server({&with.leaf, &with.middle, &with.root});
    const authority other("other");
    const auto wrong = dane({other.record(3, 1, 1)});
    for (int i = 0; i < 3; ++i) {
        const auto met = visit(server, *with.ours, wrong);
        CHECK_FALSE(met.facts.resumed);
        CHECK_FALSE(met.proof.holds);
    }
    CHECK(with.ours->sessions().size() == 0);
    // However often it is resumed: the hour begins with the proof.
    const auto right = dane({with.leaf.record(3, 1, 1)});
    visit(server, *with.ours, right);
    CHECK(visit(server, *with.ours, right, test_now + tls::session_time / 2).facts.resumed);
    CHECK_FALSE(visit(server, *with.ours, right, test_now + tls::session_time).facts.resumed);
}

namespace {

// One that trusts this root as a machine trusts those of its distribution.
std::shared_ptr<const tls::client_context> trusting(const authority& root) {
    const temporary_folder folder;
    const auto file = folder.path() + "/roots.pem";
    std::ofstream(file) << root.certificate_pem();
    REQUIRE(::setenv("SSL_CERT_FILE", file.c_str(), 1) == 0);
    auto made = tls::client_context::make();
    REQUIRE(::unsetenv("SSL_CERT_FILE") == 0);
    REQUIRE(made);
    return made;
}

} // namespace

TEST_CASE("a name is proved by an authority that this machine trusts, and by nobody else", "[CL-09]") {
    world with;
    const demand wanted{demand_level::verified, host};
    const auto ours = trusting(with.root);
    const auto met = visit(showing_server({&with.leaf, &with.middle, &with.root}), *ours, wanted);
    REQUIRE(met.is_done);
    CHECK(met.proof.holds);
    CHECK(met.proof.words == "PKIX");
    CHECK(met.sni == host);

    const authority stranger("stranger"), below("leaf", {.names = {host}}, &stranger),
        self("leaf", {.names = {host}});
    const authority old("leaf", {.names = {host}, .not_after = test_now - test_day}, &with.middle);
    const authority named("leaf", {.names = {"mx2.d.test", "*.test", "m*.d.test"}}, &with.middle);
    const authority client("leaf", {.names = {host}, .extended_usage = "clientAuth"}, &with.middle);
    const std::vector<std::vector<const authority*>> wrong{{&below, &stranger},    {&self},
                                                           {&with.leaf}, // without what is between
                                                           {&old, &with.middle},   {&named, &with.middle},
                                                           {&client, &with.middle}};
    for (const auto& chain : wrong) {
        const auto refused = visit(showing_server(chain), *ours, wanted);
        REQUIRE(refused.is_done);
        CHECK_FALSE(refused.proof.holds);
        CHECK_FALSE(refused.proof.words.empty());
    }
    CHECK_FALSE(with.usual(wanted).proof.holds); // nobody is trusted
    const socket_pair sockets;
    CHECK(ours->connect(sockets.client(), {demand_level::verified, ""}, test_now) == nullptr);
}

TEST_CASE("a session is resumed with the name that was proved") {
    world with;
    const auto ours = trusting(with.root);
    const showing_server server({&with.leaf, &with.middle});
    const demand wanted{demand_level::verified, host};
    CHECK_FALSE(visit(server, *ours, wanted).facts.resumed);
    const auto again = visit(server, *ours, wanted);
    CHECK(again.facts.resumed);
    CHECK(again.proof.holds);
    visit(server, *ours, {demand_level::opportunistic, host});
    const auto after = visit(server, *ours, {demand_level::verified, "mx2.d.test"});
    CHECK_FALSE(after.facts.resumed);
    CHECK_FALSE(after.proof.holds);
}

TEST_CASE("sessions of servers without a name aren't kept, and no more than client_sessions_max") {
    world with;
    const showing_server server({&with.leaf});
    visit(server, *with.ours, {demand_level::opportunistic, ""});
    CHECK(with.ours->sessions().size() == 0);
    tls::client_sessions kept;
    for (std::size_t i = 0; i < tls::client_sessions_max + 5; ++i) {
        tls::client_session_kept one;
        one.proved_at = static_cast<std::int64_t>(i);
        kept.keep(std::to_string(i), std::move(one));
    }
    CHECK(kept.size() == tls::client_sessions_max);
    CHECK_FALSE(kept.take("4", 10)); // the oldest went
    CHECK(kept.take("5", 10));
    CHECK_FALSE(kept.take("5", 10)); // once
}

TEST_CASE("a refused handshake has a reason") {
    world with;
    const showing_server server({&with.leaf}, TLS1_1_VERSION);
    const auto met = visit(server, *with.ours, {demand_level::opportunistic, host});
    CHECK_FALSE(met.is_done);
    CHECK_FALSE(met.error.empty());
}
