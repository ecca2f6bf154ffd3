// The scanner gets the first 128 octets of a phrase: a longer one was found in any message that had its
// beginning.
#include "conf/text_checks.hpp"
#include "protocol/scan/order.hpp"

#include <catch2/catch.hpp>

using namespace postern;

TEST_CASE("a phrase of the configuration reaches the scanner whole") {
    std::string phrase = "a";
    for (; conf::spam_phrase(phrase).has_value(); phrase += 'a') {
        protocol::scan::order asked;
        asked.phrases.push_back({phrase, protocol::scan::phrase_place::anywhere});
        const auto seen = protocol::scan::decode_order(encode(asked));
        REQUIRE(seen.has_value());
        REQUIRE(seen->phrases.at(0).text == phrase);
    }
    CHECK(phrase.size() == 129);
}
