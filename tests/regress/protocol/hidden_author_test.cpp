// A second From that the scan of the header didn't see: "From", very many blanks, and the colon beyond what
// is kept of a line, or folded behind such a line. It counted as the line of an old mailbox file.
#include "protocol/mail/author_list.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace postern::protocol;

namespace {

auto authors_in(const std::string& header) {
    header_scan scan;
    scan.feed(header + "\r\n");
    scan.end();
    return authors_of(scan);
}

} // namespace

TEST_CASE("a From whose colon lies beyond what is kept of its line is no author, and not passed over") {
    const std::string own = "From: u@d.test\r\n", blanks(1100, ' '), half(900, ' ');
    const std::string hidden[] = {"From" + blanks + ": x@bank.test\r\n",
                                  "From \r\n" + half + "\r\n" + half + "\r\n : x@bank.test\r\n",
                                  "From\t" + blanks + ": x@bank.test\r\n",
                                  "From \r\n : x@bank.test\r\n",
                                  ">From x@bank.test\r\n : x@bank.test\r\n",
                                  "From x@bank.test Fri Nov 27 10:00:00 2026\r\n"};
    for (const auto& field : hidden) {
        INFO(field.substr(0, 40));
        CHECK(authors_in(field + own).has_error());
        CHECK(authors_in(own + field).has_error());
    }
}

TEST_CASE("who sends a message once more is one of its authors") {
    const auto found =
        authors_in("Resent-From: a@x.test, b@x.test\r\nResent-Sender: a@x.test\r\nFrom: u@d.test\r\n");
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 3);
    CHECK((*found)[0].to_string() == "u@d.test");
    CHECK((*found)[1].to_string() == "a@x.test");
    CHECK((*found)[2].to_string() == "b@x.test");
    CHECK(authors_in("From: u@d.test\r\nResent-From: nobody\r\n").has_error());
    std::string many = "From: u@d.test\r\n";
    for (int i = 0; i < 5; ++i) many += "Resent-From: u@d.test\r\n";
    CHECK(authors_in(many).has_error());
}
