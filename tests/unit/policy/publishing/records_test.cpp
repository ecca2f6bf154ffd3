#include "policy/publishing/records.hpp"

#include "tests/unit/policy/publishing/bench.hpp"

#include <algorithm>
#include <fmt/format.h>

using namespace postern;
using namespace postern::policy;
using protocol::dns_absent;
using protocol::dns_found;
using protocol::dns_name;
using test::configured;

namespace {

const std::string mx = "[[listener]]\nname = \"mx\"\naddress = \"0.0.0.0:25\"\n";
const std::string other_mx = "[[listener]]\nname = \"second\"\naddress = \"0.0.0.0:2520\"\n"
                             "role = \"secondary\"\nhostname = \"mx2.example.net\"\n"
                             "[[listener]]\nname = \"last\"\naddress = \"0.0.0.0:2530\"\n"
                             "role = \"tempfail\"\nhostname = \"mx3.example.net\"\n";

dns_name name(const std::string& text) { return *dns_name::parse(text); }

struct given {
    conf::config config;
    std::vector<std::string> flaws{};
    tls::published_keys keys{{}, flaws};

    publication plan(key_origin origin = key_origin::configured) {
        return records_to_publish(config, keys, origin, "firma.cz", "firma.cz");
    }
};

std::string text(const published_record& row) {
    return fmt::format("{}|{}|{}|{}|{}|{}", name_of(row.state), row.name, row.type, row.value, row.there,
                       row.note);
}

std::vector<std::string> texts(const std::vector<published_record>& rows) {
    std::vector<std::string> made;
    for (const auto& row : rows) made.push_back(text(row));
    return made;
}
using lines = std::vector<std::string>;

dns_result nothing() { return dns_absent{}; }

// All that is to be published, when nothing is there; and what is left out.
lines wanted_in(const publication& planned) {
    lines made;
    for (const auto& one : planned.wanted)
        for (const auto& row : compare(one, nothing())) made.push_back(text(row));
    for (const auto& row : planned.left_out) made.push_back(text(row));
    std::ranges::sort(made);
    return made;
}

bool has(const lines& all, const std::string& one) { return std::ranges::find(all, one) != all.end(); }

wanted_records mx_wanted() {
    wanted_records made;
    made.name = name("firma.cz");
    made.type = protocol::dns_type::mx;
    made.records.exchangers = {{10, name("mx1.example.net")}, {20, name("mx2.example.net")}};
    return made;
}

wanted_records spf_wanted() {
    wanted_records made;
    made.what = record_purpose::spf;
    made.name = name("firma.cz");
    made.type = protocol::dns_type::txt;
    made.records.texts = {"v=spf1 mx a:out.example.net -all"};
    return made;
}

dns_result exchangers(std::vector<protocol::mx_record> there) {
    dns_found made;
    made.records.exchangers = std::move(there);
    return made;
}

dns_result policies(std::vector<std::string> there) {
    dns_found made;
    made.records.texts = std::move(there);
    return made;
}

dns_found addresses(const std::string& owner, const std::string& address) {
    dns_found made;
    made.name = name(owner);
    made.records.addresses = {*protocol::ip_address::parse(address)};
    return made;
}

} // namespace

TEST_CASE("each role of a listener is an MX, the first is tried first", "[publishing]") {
    given with{configured(other_mx + mx +
                          "[autoconfig]\nhost = \"{domain--}.mx.example.net\"\n"
                          "imap = \"imap.example.net:993\"\npop3 = \"pop.example.net:995\"\n"
                          "web_host = \"www.example.net\"\n")};
    const std::string no_key = "|TLSA|||no certificate can be read";
    const std::string nameless = "|A/AAAA|||no certificate has this name: mail clients will warn";
    CHECK(wanted_in(with.plan()) ==
          lines{"left out|_25._tcp.mx1.example.net." + no_key, "left out|_25._tcp.mx2.example.net." + no_key,
                "left out|_25._tcp.mx3.example.net." + no_key,
                "left out|_mta-sts.firma.cz.|TXT|||this server serves no MTA-STS policy",
                "missing|_imaps._tcp.firma.cz.|SRV|0 1 993 imap.example.net.||",
                "missing|_pop3s._tcp.firma.cz.|SRV|10 1 995 pop.example.net.||",
                "missing|_submission._tcp.firma.cz.|SRV|0 1 587 firma--cz.mx.example.net.||",
                "missing|_submissions._tcp.firma.cz.|SRV|0 1 465 firma--cz.mx.example.net.||",
                "missing|autoconfig.firma.cz.|CNAME|www.example.net.||",
                "missing|firma--cz.mx.example.net." + nameless, "missing|firma.cz.|MX|10 mx1.example.net.||",
                "missing|firma.cz.|MX|20 mx2.example.net.||", "missing|firma.cz.|MX|30 mx3.example.net.||",
                "missing|firma.cz.|TXT|\"v=spf1 mx -all\"||", "missing|imap.example.net.|A/AAAA|||",
                "missing|mx1.example.net.|A/AAAA|||", "missing|mx2.example.net.|A/AAAA|||",
                "missing|mx3.example.net.|A/AAAA|||", "missing|pop.example.net.|A/AAAA|||"});
}

TEST_CASE("what can't be published is said with its reason", "[publishing]") {
    given with{configured()};
    auto none = wanted_in(with.plan(key_origin::none_yet));
    CHECK(has(none, "left out|firma.cz.|MX|||no listener takes mail of other servers"));
    CHECK(has(none, "left out|autoconfig.firma.cz.|CNAME|||autoconfig.web_host names no web server for it"));
    CHECK(has(none, "missing|firma.cz.|TXT|\"v=spf1 a:mx1.example.net -all\"||"));
    with.config =
        configured(mx + "tls = \"off\"\n[identity]\nurl = \"https://Mail.example.net:8443/identity\"\n");
    for (auto& row : with.config.listeners) row.tls = conf::tls_mode::off;
    none = wanted_in(with.plan());
    CHECK(has(none, "left out|_25._tcp.mx1.example.net.|TLSA|||its listeners offer no TLS"));
    CHECK(has(none, "left out|_submissions._tcp.firma.cz.|SRV|||no submission listener has TLS and a port"));
    CHECK(has(none, "missing|autoconfig.firma.cz.|CNAME|Mail.example.net.||"));
    with.config = configured(mx);
    none = wanted_in(with.plan(key_origin::none_yet));
    CHECK(has(none,
              "left out|_25._tcp.mx1.example.net.|TLSA|||the server makes its own certificate when it starts "
              "for the first time"));
}

TEST_CASE("a server whose name is no MX sends too", "[publishing]") {
    given with{configured(mx + "hostname = \"in.example.net\"\n")};
    CHECK(has(wanted_in(with.plan()), "missing|firma.cz.|TXT|\"v=spf1 mx a:mx1.example.net -all\"||"));
}

TEST_CASE("MX records are right when their order is", "[publishing]") {
    const auto judged = [](std::vector<protocol::mx_record> there) {
        return texts(compare(mx_wanted(), exchangers(std::move(there))));
    };
    const std::string first = "firma.cz.|MX|10 mx1.example.net.|",
                      second = "firma.cz.|MX|20 mx2.example.net.|";
    CHECK(judged({{20, name("MX2.example.net")}, {10, name("mx1.Example.net")}}) ==
          lines{"right|" + first + "|", "right|" + second + "|"});
    CHECK(judged({{5, name("mx1.example.net")}, {20, name("mx2.example.net")}}) ==
          lines{"right|" + first + "5 mx1.example.net.|the order is the same", "right|" + second + "|"});
    CHECK(judged({{10, name("mx1.example.net")}, {10, name("mx2.example.net")}}) ==
          lines{"right|" + first + "|", "different|" + second + "10 mx2.example.net.|the order is another"});
    CHECK(judged({{10, name("mx1.example.net")}, {30, name("mx.other.test")}}) ==
          lines{"right|" + first + "|", "missing|" + second + "|",
                "extra|firma.cz.|MX||30 mx.other.test.|no listener has this name: mail goes elsewhere"});
    CHECK(judged({{0, dns_name()}}).back() == "extra|firma.cz.|MX||0 .|says that the domain takes no mail");
}

TEST_CASE("an SPF policy is right when it has all that is needed", "[publishing]") {
    const auto state = [](std::vector<std::string> there) {
        const auto rows = compare(spf_wanted(), policies(std::move(there)));
        REQUIRE(rows.size() == 1);
        return std::string(name_of(rows[0].state));
    };
    CHECK(state({"other", "v=spf1 mx a:out.example.net -all"}) == "right");
    CHECK(state({"V=SPF1  +MX  a:OUT.example.net  -all"}) == "right");
    CHECK(state({"v=spf1 include:x.test a:out.example.net mx ~all"}) == "right");
    CHECK(state({"v=spf1 mx -all"}) == "different");
    CHECK(state({"v=spf1 mx -a:out.example.net -all"}) == "different");
    CHECK(state({"v=spf1 mx -all a:out.example.net"}) == "different");
    CHECK(state({"v=spf1 mx a:out.example.net -all", "v=spf1 -all"}) == "different");
    CHECK(state({"v=spf10 mx a:out.example.net -all", "x v=spf1"}) == "missing");
}

TEST_CASE("a trial says more of an SPF policy than its words", "[publishing]") {
    const auto there = *protocol::ip_address::parse("192.0.2.1"),
               other = *protocol::ip_address::parse("2001:db8::1");
    const auto judged = [&](const std::string& found, std::vector<protocol::ip_address> passed,
                            std::vector<protocol::ip_address> refused) {
        auto row =
            found.empty() ? compare(spf_wanted(), nothing())[0] : compare(spf_wanted(), policies({found}))[0];
        judge_by_trial(row, passed, refused);
        return std::string(name_of(row.state)) + "|" + row.note;
    };
    CHECK(judged("v=spf1 ip4:192.0.2.1 -all", {there}, {}) == "right|lets 192.0.2.1 send");
    CHECK(judged("v=spf1 ip4:192.0.2.1 -all", {there}, {other}) == "different|does not let 2001:db8::1 send");
    CHECK(judged("v=spf1 ip4:192.0.2.1 -all", {}, {}) == "different|");
    CHECK(judged("v=spf1 mx a:out.example.net -all", {there}, {}) == "right|");
    CHECK(judged("v=spf1 mx a:out.example.net -all", {}, {there}) == "different|does not let 192.0.2.1 send");
    CHECK(judged("", {}, {there}) == "missing|");
}

TEST_CASE("keys that are there and not ours are in the place of ours, or too many", "[publishing]") {
    wanted_records wanted;
    wanted.name = name("_25._tcp.mx1.example.net");
    wanted.type = protocol::dns_type::tlsa;
    wanted.records.tlsa = {{3, 1, 1, {0xab, 0xcd}}};
    dns_found there;
    const protocol::tlsa_record other{3, 1, 1, {0x01, 0x02}};
    there.records.tlsa = {other};
    CHECK(texts(compare(wanted, there)) ==
          lines{"different|_25._tcp.mx1.example.net.|TLSA|3 1 1 abcd|3 1 1 0102|"});
    there.records.tlsa = {other, wanted.records.tlsa[0]};
    there.authenticated = true;
    CHECK(texts(compare(wanted, there)) ==
          lines{"right|_25._tcp.mx1.example.net.|TLSA|3 1 1 abcd||",
                "extra|_25._tcp.mx1.example.net.|TLSA||3 1 1 0102|of no certificate in use"});
    there.authenticated = false;
    CHECK(text(compare(wanted, there)[0]) ==
          "right|_25._tcp.mx1.example.net.|TLSA|3 1 1 abcd||not validated by DNSSEC: nobody will go by it");
}

TEST_CASE("of one service only the port and the host count", "[publishing]") {
    wanted_records wanted;
    wanted.name = name("_submissions._tcp.firma.cz");
    wanted.type = protocol::dns_type::srv;
    wanted.records.services = {{0, 1, 465, name("smtp.example.net")}};
    dns_found there;
    there.records.services = {{7, 9, 465, name("SMTP.example.net")}};
    CHECK(compare(wanted, there)[0].state == record_state::right);
    there.records.services = {{0, 1, 587, name("smtp.example.net")}};
    CHECK(compare(wanted, there)[0].state == record_state::different);
    there.records.services = {{0, 1, 465, name("smtp.example.com")}};
    CHECK(compare(wanted, there)[0].state == record_state::different);
}

TEST_CASE("a host that MX or SRV names has addresses of its own, another name may be an alias",
          "[publishing]") {
    wanted_records wanted;
    wanted.how = wanted_records::kind::address;
    wanted.name = name("mx1.example.net");
    CHECK(texts(compare(wanted, addresses("MX1.example.net", "192.0.2.1"))) ==
          lines{"right|mx1.example.net.|A/AAAA||192.0.2.1|"});
    CHECK(texts(compare(wanted, addresses("other.example.net", "192.0.2.1"))) ==
          lines{"different|mx1.example.net.|A/AAAA||CNAME other.example.net.|must have addresses itself, not "
                "by an alias"});
    wanted.how = wanted_records::kind::alias;
    wanted.name = name("autoconfig.firma.cz");
    wanted.target = name("www.example.net");
    const std::string row = "autoconfig.firma.cz.|CNAME|www.example.net.|";
    CHECK(texts(compare(wanted, addresses("www.example.net", "192.0.2.1"))) == lines{"right|" + row + "|"});
    const auto itself = addresses("autoconfig.firma.cz", "192.0.2.1");
    CHECK(texts(compare(wanted, itself, addresses("www.example.net", "192.0.2.1"))) ==
          lines{"right|" + row + "192.0.2.1|the same addresses"});
    CHECK(texts(compare(wanted, itself, addresses("www.example.net", "192.0.2.2"))) ==
          lines{"different|" + row + "192.0.2.1|"});
    CHECK(texts(compare(wanted, addresses("x.test", "192.0.2.1"))) ==
          lines{"different|" + row + "CNAME x.test.|"});
}

TEST_CASE("what could not be asked is neither there nor missing", "[publishing]") {
    dns_try_later silent;
    silent.why = dns_try_later::cause::silent;
    CHECK(texts(compare(mx_wanted(), silent)) ==
          lines{"unknown|firma.cz.|MX|10 mx1.example.net.||no answer in time",
                "unknown|firma.cz.|MX|20 mx2.example.net.||no answer in time"});
}
