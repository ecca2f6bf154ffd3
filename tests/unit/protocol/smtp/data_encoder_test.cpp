// What is sent as DATA is what the decoder of the other side makes the same message of.
#include "protocol/smtp/data_encoder.hpp"

#include "protocol/smtp/data_decoder.hpp"

#include <catch2/catch.hpp>

using namespace postern::protocol;

namespace {

std::string encode(std::string_view message, std::size_t cut) {
    data_encoder encoder;
    std::string out;
    encoder.feed(message.substr(0, cut), out);
    encoder.feed(message.substr(cut), out);
    encoder.finish(out);
    return out;
}

} // namespace

TEST_CASE("dots that begin a line are doubled, others are not", "[data_encoder]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", ".\r\n"},
        {"a\r\n", "a\r\n.\r\n"},
        {"a", "a\r\n.\r\n"},
        {"a\r", "a\r\n.\r\n"},
        {".", "..\r\n.\r\n"},
        {".\r\n", "..\r\n.\r\n"},
        {"..\r\n.", "...\r\n..\r\n.\r\n"},
        {"a.b\r\n.c\r\n\r\n.\r\n", "a.b\r\n..c\r\n\r\n..\r\n.\r\n"},
        {"a\n.b\r.c\r\n", "a\n.b\r.c\r\n.\r\n"},
    };
    for (const auto& [message, wire] : rows)
        for (std::size_t cut = 0; cut <= message.size(); ++cut) {
            CAPTURE(message, cut);
            CHECK(encode(message, cut) == wire);
        }
}

TEST_CASE("the decoder gives back what was encoded", "[data_encoder]") {
    std::string message = "Subject: x\r\n\r\n";
    for (int i = 0; i < 300; ++i)
        message +=
            std::string(static_cast<std::size_t>(i % 5), '.') + "line\r\n" + (i % 3 == 0 ? ".\r\n" : "");
    const auto wire = encode(message, message.size() / 2);
    data_decoder decoder;
    std::string body;
    decoder.feed(wire, body, data_decoder::keep::store);
    CHECK(body == message);
}
