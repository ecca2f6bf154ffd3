// Which messages an operator means by --sender, --recipient and --destination, and what the commands do with
// them.
#include "command_fixture.hpp"

#include "server/admin/queue_filter.hpp"
#include "storage/queue.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <ctime>

using namespace postern;
using namespace postern::server;

namespace {

constexpr std::uint64_t some_id = 1'700'000'000'000'000;

storage::queued_message message_of(std::uint64_t number, std::string sender,
                                   const std::vector<std::string>& recipients) {
    storage::queued_message made;
    made.id = {(some_id + number) << 10};
    made.arrived = std::time(nullptr) * 1'000'000;
    made.sender = std::move(sender);
    made.size = 1;
    for (const auto& address : recipients) {
        storage::queued_recipient to;
        to.address = to.original = address;
        to.route = storage::recipient_route::outside;
        to.next_try = std::time(nullptr) + 1000;
        made.recipients.push_back(std::move(to));
    }
    return made;
}

struct queue_of_many : command_fixture {
    queue_of_many() {
        std::filesystem::create_directory(state_dir());
        const auto queue =
            *storage::queue::open(storage::system_files(), state_dir(), {.map_size = std::uint64_t{1} << 28});
        std::vector<storage::queue_operation> operations;
        const auto add = [&](storage::queued_message message) {
            operations.push_back(storage::insert_message{std::move(message), "x"});
        };
        add(message_of(0, "a@s.test", {"u@d.test"}));
        add(message_of(1, "b@s.test", {"u@e.test", "v@d.test"}));
        add(message_of(2, "", {"a@s.test"}));
        auto delivered = message_of(3, "a@S.test", {"u@d.test", "w@f.test"});
        delivered.recipients[0].state = storage::recipient_state::delivered;
        delivered.recipients[1].original = "Alias@d.test";
        add(delivered);
        REQUIRE(queue->commit(operations));
        auto tried = delivered;
        storage::delivery_try one{.recipient = 1,
                                  .number = 1,
                                  .when = 1'799'999'000,
                                  .server = "old.f.test[192.0.2.8]:25",
                                  .code = "",
                                  .text = "no answer",
                                  .tls = ""};
        tried.fresh_tries.push_back(one);
        one.number = 2;
        one.when = 1'800'000'000;
        one.server = "mx1.f.test[192.0.2.9]:25";
        one.code = "4.2.0";
        one.text = "450 4.2.0 not \x1b now";
        one.tls = "TLSv1.3";
        tried.fresh_tries.push_back(one);
        const storage::queue_operation update[] = {storage::update_message{tried}};
        REQUIRE(queue->commit(update));
    }
    static std::string id(std::uint64_t number) {
        return storage::queue_id{(some_id + number) << 10}.to_string();
    }
    // The numbers of the messages.
    std::string listed(std::vector<std::string> words) const {
        words.insert(words.begin(), {"queue", "list", "--json"});
        const auto done = run(words);
        REQUIRE(done.code == 0);
        std::string made;
        const auto document = boost::json::parse(done.out);
        for (const auto& row : document.as_object().at("messages").as_array())
            for (std::uint64_t number = 0; number < 4; ++number)
                if (row.as_object().at("id").as_string() == id(number)) made += std::to_string(number);
        return made;
    }
};

} // namespace

TEST_CASE("messages are meant by sender, recipient and destination", "[commands][queue]") {
    const queue_of_many at;
    const std::vector<std::pair<std::vector<std::string>, std::string>> rows{
        {{"--sender", "a@s.test"}, "03"},
        {{"--sender", "A@S.TEST"}, "03"},
        {{"--sender", "@s.test"}, "013"},
        {{"--sender", "<>"}, "2"},
        {{"--sender", ""}, "2"},
        {{"--sender", "x@s.test"}, ""},
        {{"--sender", "@test"}, ""},
        {{"--recipient", "u@d.test"}, "0"}, // of 3 it has its copy
        {{"--recipient", "@d.test"}, "013"},
        {{"--recipient", "alias@d.test"}, "3"},
        {{"--destination", "d.test"}, "01"},
        {{"--destination", "@D.test"}, "01"},
        {{"--destination", "f.test"}, "3"},
        {{"--destination", "mx1.f.test"}, "3"},
        {{"--destination", "192.0.2.9"}, "3"},
        {{"--destination", "[192.0.2.9]"}, "3"},
        {{"--destination", "old.f.test"}, ""}, // it went elsewhere since
        {{"--sender", "@s.test", "--destination", "d.test"}, "01"},
        {{"--sender", "b@s.test", "--recipient", "v@d.test", "--destination", "d.test"}, "1"},
        {{"--recipient", "v@d.test", "--destination", "e.test"}, ""}, // of one recipient both must hold
        {{"--recipient", "w@f.test", "--destination", "mx1.f.test"}, "3"},
        {{"--limit", "2"}, "01"},
        {{"--sender", "@s.test", "--limit", "2"}, "01"},
        {{"--limit", "4"}, "0123"},
    };
    for (const auto& [words, wanted] : rows) {
        CAPTURE(words);
        CHECK(at.listed(words) == wanted);
    }
    CHECK(at.run({"queue", "list", "--sender", "@s.test"}).out.ends_with("\n3 messages\n"));
    CHECK(at.run({"queue", "list", "--sender", "x@s.test"}).out == "0 messages\n");
}

TEST_CASE("what no address, domain or number is changes nothing", "[commands][queue]") {
    const queue_of_many at;
    const std::vector<std::vector<std::string>> wrong{
        {"--sender", "nobody"},        {"--sender", "@"},      {"--sender", "a@s.test,b@s.test"},
        {"--recipient", "<>"},         {"--recipient", ""},    {"--destination", ""},
        {"--destination", "u@d.test"}, {"--destination", "@"}, {"--destination", "a b"}};
    for (auto words : wrong) {
        CAPTURE(words);
        words.insert(words.begin(), {"queue", "list"});
        CHECK(at.run(words).code == 65);
        words[1] = "delete";
        CHECK(at.run(words).code == 65);
    }
    for (const char* limit : {"0", "-1", "x", ""})
        CHECK(at.run({"queue", "list", "--limit", limit}).code == 65);
    CHECK(at.run({"queue", "delete"}).code == 64);
    CHECK(at.run({"queue", "delete", "--dry-run"}).code == 64);
    CHECK(at.run({"queue", "delete", "--all", "--sender", "a@s.test"}).code == 64);
    CHECK(at.run({"queue", "delete", at.id(0), "--sender", "a@s.test"}).code == 64);
    CHECK(at.listed({}) == "0123");
}

TEST_CASE("only those that are meant are steered", "[commands][queue]") {
    const queue_of_many at;
    CHECK(at.run({"queue", "hold", "--sender", "a@s.test", "--dry-run"}).out == "2 messages would be held\n");
    CHECK(at.run({"queue", "delete", "--all", "--dry-run"}).out == "4 messages would be deleted\n");
    CHECK(at.run({"queue", "bounce", at.id(0), "--dry-run"}).out ==
          "1 message would be given up, and their senders told\n");
    CHECK(at.run({"queue", "delete", "--sender", "x@s.test"}).out == "0 messages deleted\n");
    CHECK(at.listed({}) == "0123");
    CHECK(at.run({"queue", "hold", "--sender", "a@s.test"}).out == "2 messages held\n");
    CHECK(at.run({"queue", "retry", "--recipient", "@d.test"}).out ==
          "1 message made due; 2 held, as before\n");
    CHECK(at.run({"queue", "delete", "--destination", "mx1.f.test"}).out == "1 message deleted\n");
    CHECK(at.listed({}) == "012");
    CHECK(at.run({"queue", "delete", "--sender", "<>"}).out == "1 message deleted\n");
    CHECK(at.listed({}) == "01");
}

TEST_CASE("all that was tried for a message is shown", "[commands][queue]") {
    const queue_of_many at;
    const auto text = at.run({"queue", "show", at.id(3)}).out;
    CHECK(text.find("RECIPIENT  TRY  ENDED") != std::string::npos);
    CHECK(text.find("w@f.test   2  ") != std::string::npos);
    CHECK(text.find("  mx1.f.test[192.0.2.9]:25  TLSv1.3     4.2.0   450 4.2.0 not ? now\n") !=
          std::string::npos);
    CHECK(text.find("  old.f.test[192.0.2.8]:25  -           -") != std::string::npos);
    const auto document = boost::json::parse(at.run({"queue", "show", at.id(3), "--json"}).out).as_object();
    const auto& history = document.at("history").as_array();
    REQUIRE(history.size() == 2);
    const auto& last = history[1].as_object();
    CHECK(last.at("recipient") == "w@f.test");
    CHECK(last.at("try").as_int64() == 2);
    CHECK(last.at("time").as_int64() == 1'800'000'000);
    CHECK(last.at("server") == "mx1.f.test[192.0.2.9]:25");
    CHECK(last.at("tls") == "TLSv1.3");
    CHECK(last.at("status") == "4.2.0");
    CHECK(boost::json::parse(at.run({"queue", "show", at.id(0), "--json"}).out)
              .as_object()
              .at("history")
              .as_array()
              .empty());
    CHECK(at.run({"queue", "show", at.id(0)}).out.find("tries\n") == std::string::npos);
}

TEST_CASE("a server is known by its name and by its address", "[queue]") {
    CHECK(is_server("mx1.d.test[192.0.2.7]:25", "mx1.d.test"));
    CHECK(is_server("mx1.d.test[192.0.2.7]:25", "192.0.2.7"));
    CHECK(is_server("[2001:db8::7]:25", "2001:db8::7"));
    CHECK(is_server("192.0.2.7:25", "192.0.2.7"));
    CHECK(is_server("mx1.d.test:25", "mx1.d.test"));
    CHECK_FALSE(is_server("mx1.d.test[192.0.2.7]:25", "d.test"));
    CHECK_FALSE(is_server("mx1.d.test[192.0.2.7]:25", "192.0.2.70"));
    CHECK_FALSE(is_server("maildir", "d.test"));
}
