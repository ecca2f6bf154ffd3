// A notice returned the header of a BINARYMIME message as it was: "\n.\r\n" in it ended the notice for a
// server that takes it for the end of DATA, and what stood behind it was read as commands.
#include "notice_bench.hpp"
#include "protocol/smtp/data_decoder.hpp"
#include "protocol/smtp/envelope.hpp"

using namespace postern;

namespace {

bool is_text(std::string_view octets) {
    protocol::chunk_decoder look;
    look.feed(octets);
    look.finish();
    return !look.facts().bare_line_end && !look.facts().nul;
}

} // namespace

TEST_CASE("a notice holds no bare CR, LF or NUL, wherever the message has one", "[IN-03]") {
    const std::string smuggled = "MAIL FROM:<>\r\nRCPT TO:<w@d.test>\r\nDATA\r\n";
    const std::string bodies[] = {
        "Subject: x\n.\r\n" + smuggled + "\r\n\r\nbody\r\n",
        "Subject: x\r\nX: \r.\r\n" + smuggled + "\r\nbody\r\n",
        std::string("Subject: \0x\r\n\r\nbody\r\n", 21),
        "Subject: x\r\n\r\nbody\n.\r\n" + smuggled,
        "Subject: x\r",
        "\n.\r\n" + smuggled,
    };
    for (const auto type : {protocol::body_type::binary_mime, protocol::body_type::eight_bit_mime})
        for (const auto& body : bodies) {
            testing::notice_bench bench;
            bench.message.body_type = static_cast<std::uint8_t>(type);
            bench.add_failed("v@d.test", "5.6.1 the next server takes no BINARYMIME");
            bench.store(body);
            const auto text = bench.notice();
            CAPTURE(body, text);
            CHECK(is_text(text));
            CHECK(testing::has(text, "Final-Recipient: rfc822; v@d.test\r\n"));
        }
}

TEST_CASE("a notice about a binary message returns its header where that is text, and never its body") {
    testing::notice_bench bench;
    bench.message.body_type = static_cast<std::uint8_t>(protocol::body_type::binary_mime);
    bench.add_failed("v@d.test", "5.6.1 no");
    bench.store("Subject: the subject\r\n\r\nthe\nbody\r\n");
    const auto text = bench.notice();
    CHECK(testing::has(text, "Content-Type: text/rfc822-headers\r\n\r\nSubject: the subject\r\n"));
    CHECK_FALSE(testing::has(text, "body"));
}

TEST_CASE("a notice that can return nothing says so") {
    testing::notice_bench bench;
    bench.message.body_type = static_cast<std::uint8_t>(protocol::body_type::binary_mime);
    bench.add_failed("v@d.test", "5.6.1 no");
    bench.store("Subject: x\n\r\n\r\nbody\r\n");
    const auto text = bench.notice();
    CHECK(testing::has(text, "Nothing of your message is returned with this notice.\r\n"));
    CHECK_FALSE(testing::has(text, "rfc822-headers"));
}
