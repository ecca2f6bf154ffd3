#include "tls/name_table.hpp"

#include <catch2/catch.hpp>

using postern::tls::is_host_name;
using postern::tls::name_table;

TEST_CASE("a server name finds its certificate by exact name or one left label, and odd names find none") {
    name_table table;
    table.add("mx.example.net", 0);
    table.add("*.Example.org", 1);
    table.add("deep.example.org", 2);
    table.add("MX.EXAMPLE.NET", 3); // too late: the first keeps the name
    table.add("*", 4);
    table.add("mx*.example.com", 5);
    table.add("*.*.example.com", 6);
    struct row {
        std::string name;
        int holder; // -1: none
    };
    const std::string long_label(64, 'a');
    const row rows[] = {
        {"mx.example.net", 0},
        {"Mx.Example.Net", 0},
        {"mx.example.net.", 0},
        {"www.example.org", 1},
        {"deep.example.org", 2},
        {"a.b.example.org", -1},
        {"example.org", -1},
        {".example.org", -1},
        {"*.example.org", -1},
        {"mx.example.net\\", -1},
        {std::string("mx.example.net\0", 15), -1},
        {std::string("www\0.example.org", 16), -1},
        {"mx..example.net", -1},
        {"mx.example.net..", -1},
        {"192.0.2.1", -1},
        {"::1", -1},
        {"", -1},
        {".", -1},
        {"net", -1},
        {"mx1.example.com", -1},
        {"a.b.example.com", -1},
        {long_label + ".example.org", -1},
        {std::string(255, 'a'), -1},
        {"\xff\xfe.example.org", -1},
    };
    for (const row& each : rows) {
        CAPTURE(each.name);
        const auto found = table.find(each.name);
        CHECK((found ? static_cast<int>(*found) : -1) == each.holder);
    }
}

TEST_CASE("a host name has labels of 1 to 63 octets and 253 in all") {
    const std::string label(63, 'x');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'x');
    CHECK(longest.size() == 253);
    CHECK(is_host_name(longest));
    CHECK_FALSE(is_host_name(longest + "x"));
    CHECK(is_host_name("localhost"));
    CHECK_FALSE(is_host_name(""));
    CHECK_FALSE(is_host_name("a,DNS:b"));
    CHECK_FALSE(is_host_name("a b"));
}
