// One notice was made, however many recipients it was about: most of them it only counted.
#include "notice_bench.hpp"
#include "protocol/mail/dsn.hpp"

#include <fmt/format.h>
#include <set>

using namespace postern;

namespace {

// The Final-Recipients of a notice.
std::vector<std::string> named_in(const std::string& text) {
    constexpr std::string_view field = "\r\nFinal-Recipient: rfc822; ";
    std::vector<std::string> named;
    for (auto at = text.find(field); at != std::string::npos; at = text.find(field, at + 1)) {
        const auto from = at + field.size();
        named.push_back(text.substr(from, text.find("\r\n", from) - from));
    }
    return named;
}

} // namespace

TEST_CASE("every recipient of a message is told of, in as many notices as that takes", "[LP-07]") {
    for (const std::size_t reply_octets : {20U, 500U}) {
        testing::notice_bench bench;
        for (int i = 0; i < 1000; ++i)
            bench.add_failed(fmt::format("u{}@d.test", i), "5.2.2 " + std::string(reply_octets, 'x'));
        bench.store("Subject: x\r\n\r\n" + std::string(18 * 1024, 'y') + "\r\n");
        const auto made = bench.notices();
        REQUIRE(made.has_value());
        CHECK(made->size() > 1);
        CHECK(made->size() < 500);
        std::multiset<std::string> named;
        std::set<storage::queue_id> ids;
        for (const auto& notice : *made) {
            CHECK(notice.body.size() <= protocol::dsn_size_max);
            CHECK(notice.message.size == notice.body.size());
            CHECK_FALSE(testing::has(notice.body, " more recipients.\r\n"));
            CHECK(testing::has(notice.body, "id " + notice.message.id.to_string()));
            REQUIRE(notice.message.recipients.size() == 1);
            CHECK(notice.message.recipients[0].address == "a@s.test");
            ids.insert(notice.message.id);
            for (auto& address : named_in(notice.body)) {
                CHECK(testing::has(notice.body, "\r\n<" + address + ">: failed"));
                named.insert(std::move(address));
            }
        }
        CHECK(ids.size() == made->size());
        CHECK(named.size() == 1000);
        for (int i = 0; i < 1000; ++i) CHECK(named.count(fmt::format("u{}@d.test", i)) == 1);
    }
}
