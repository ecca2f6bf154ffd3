// What people may do, as it is set.
#include "conf/load.hpp"

#include <catch2/catch.hpp>

using namespace postern::conf;

namespace {

loaded load(const std::string& toml) { return load_text(toml, "x.toml"); }

} // namespace

TEST_CASE("people may send 30 MB where nothing is written, and what is written counts") {
    const auto result = load("[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:0\"\nrole = \"submission\"\n"
                             "[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:0\"\nrole = \"submission\"\n"
                             "max_message_size = \"40MB\"\n");
    REQUIRE(result.ok());
    CHECK(result.snapshot->listeners[0].role == listener_role::submission);
    CHECK(result.snapshot->listeners[0].max_message_size == 30'000'000);
    CHECK(result.snapshot->listeners[1].max_message_size == 40'000'000);
}
