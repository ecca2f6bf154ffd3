// postern queue: reads beside a writer, shows everything an operator asks for, and never lets a peer write to
// the terminal.
#include "command_fixture.hpp"

#include "storage/state_lock.hpp"
#include "tests/support/queue_surgery.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <ctime>
#include <set>

using namespace postern;
using namespace postern::server;

namespace {

storage::queued_message message_of(std::uint64_t id, std::size_t recipients) {
    storage::queued_message message;
    message.id = {id << 10};
    message.arrived = (std::time(nullptr) - 3 * 3600) * 1'000'000;
    message.sender = "a@s.test";
    message.session = "S1";
    message.client = "192.0.2.1";
    message.helo = "c.test";
    message.protocol = "ESMTPS";
    message.envelope_id = "QQ314159";
    for (std::size_t i = 0; i < recipients; ++i) {
        storage::queued_recipient recipient;
        recipient.address = "u" + std::to_string(i) + "@d.test";
        recipient.original = "x@d.test";
        recipient.tries = 2;
        recipient.next_try = std::time(nullptr) + 305;
        recipient.last_reply = "4.2.0 mailbox is busy";
        message.recipients.push_back(recipient);
    }
    return message;
}

struct queue_fixture : command_fixture {
    queue_fixture() {
        std::filesystem::create_directory(state_dir());
        messages =
            *storage::queue::open(storage::system_files(), state_dir(), {.map_size = std::uint64_t{1} << 28});
    }
    void insert(storage::queued_message message, std::string body = "Subject: x\r\n\r\n") {
        message.size = body.size();
        const storage::queue_operation operations[] = {
            storage::insert_message{std::move(message), std::move(body)}};
        REQUIRE(messages->commit(operations));
    }
    boost::json::array listed() const {
        const auto result = run({"queue", "list", "--json"});
        REQUIRE(result.code == 0);
        return boost::json::parse(result.out).as_object().at("messages").as_array();
    }
    std::unique_ptr<storage::queue> messages;
};

constexpr std::uint64_t some_id = 1'700'000'000'000'000;

} // namespace

TEST_CASE("whose copy goes into Junk is told, and what was found once the message was stored", "[cli]") {
    queue_fixture w;
    auto message = message_of(some_id, 2);
    message.recipients[1].junk = true;
    message.result_fields = "X-Spam-Status: Yes,\r\n\tscore=7\r\nX-A: \x1b\r\n";
    w.insert(message);
    const auto row = w.listed().at(0).as_object();
    const auto& fields = row.at("result_fields").as_array();
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].as_string() == "X-Spam-Status: Yes,");
    CHECK(fields[1].as_string() == " score=7");
    CHECK(fields[2].as_string().find('\x1b') == boost::json::string::npos);
    CHECK_FALSE(row.at("recipients").as_array()[0].as_object().at("junk").as_bool());
    CHECK(row.at("recipients").as_array()[1].as_object().at("junk").as_bool());
    const auto shown = w.run({"queue", "show", message.id.to_string()});
    CHECK(shown.out.find("found        X-Spam-Status: Yes,\n") != std::string::npos);
    CHECK(shown.out.find("into Junk") != std::string::npos);
    CHECK(shown.out.find("into Junk") == shown.out.rfind("into Junk"));
    const auto object =
        boost::json::parse(w.run({"queue", "show", message.id.to_string(), "--json"}).out).as_object();
    CHECK(object.at("result_fields").as_array().size() == 3);
}

TEST_CASE("before the first message there is an empty queue, not an error", "[commands][queue]") {
    const command_fixture at;
    CHECK(at.run({"queue", "list"}).code == 0);
    CHECK(at.run({"queue", "list"}).out.empty());
    CHECK(boost::json::parse(at.run({"queue", "list", "--json"}).out)
              .as_object()
              .at("messages")
              .as_array()
              .empty());
    CHECK(at.run({"queue", "show", storage::queue_id{some_id << 10}.to_string()}).code == 67);
    CHECK_FALSE(std::filesystem::exists(at.state_dir()));
}

TEST_CASE("the list shows each message with each of its recipients", "[commands][queue]") {
    queue_fixture at;
    at.insert(message_of(some_id, 2));
    const auto list = at.listed();
    REQUIRE(list.size() == 1);
    const auto& message = list[0].as_object();
    CHECK(message.at("id").as_string() == storage::queue_id{some_id << 10}.to_string());
    CHECK(message.at("size").to_number<int>() == 14);
    CHECK(message.at("sender") == "a@s.test");
    CHECK(message.at("age").to_number<int>() >= 3 * 3600);
    REQUIRE(message.at("recipients").as_array().size() == 2);
    const auto& recipient = message.at("recipients").as_array()[1].as_object();
    CHECK(recipient.at("address") == "u1@d.test");
    CHECK(recipient.at("state") == "waiting");
    CHECK(recipient.at("tries").to_number<int>() == 2);
    CHECK(recipient.at("next_try").to_number<std::int64_t>() > std::time(nullptr));
    CHECK(recipient.at("last_reply") == "4.2.0 mailbox is busy");
    const auto text = at.run({"queue", "list"}).out;
    CHECK(text.find("3h  <a@s.test>\n") != std::string::npos);
    CHECK(text.find("u0@d.test") != std::string::npos);
    CHECK(text.find("next in 5m") != std::string::npos);
    CHECK(text.find("4.2.0 mailbox is busy\n") != std::string::npos);
}

TEST_CASE("a queue of more than one page is listed whole, each message once", "[commands][queue]") {
    queue_fixture at;
    std::vector<storage::queue_operation> operations;
    for (std::uint64_t i = 0; i < 1001; ++i) {
        auto message = message_of(some_id + i, 1);
        message.size = 1;
        operations.push_back(storage::insert_message{std::move(message), "x"});
    }
    REQUIRE(at.messages->commit(operations));
    std::set<std::string> ids;
    const auto list = at.listed();
    for (const auto& message : list) ids.emplace(message.as_object().at("id").as_string());
    CHECK(list.size() == 1001);
    CHECK(ids.size() == 1001);
}

namespace {

// Behind the back of the queue, which is closed.
void break_record(const queue_fixture& at, storage::queue_id id,
                  storage::lmdb::table storage::queue_tables::* which) {
    testing::change_tables(
        at.state_dir(), [&](storage::lmdb::transaction& within, const storage::queue_tables& tables) {
            REQUIRE(within.put(tables.*which, storage::id_key(id), "x", storage::lmdb::put_mode::replace));
        });
}

} // namespace

TEST_CASE("a damaged record is named and hides no other message", "[commands][queue]") {
    queue_fixture at;
    for (std::uint64_t i = 0; i < 3; ++i) at.insert(message_of(some_id + i, 1));
    at.messages.reset();
    const storage::queue_id broken{(some_id + 1) << 10};
    break_record(at, broken, &storage::queue_tables::messages);
    for (const std::vector<std::string>& how : {std::vector<std::string>{}, {"--json"}}) {
        std::vector<std::string> words{"queue", "list"};
        words.insert(words.end(), how.begin(), how.end());
        const auto result = at.run(words);
        CHECK(result.code == 65);
        CHECK(result.err.find(broken.to_string()) != std::string::npos);
        for (const std::uint64_t i : {0U, 2U})
            CHECK(result.out.find(storage::queue_id{(some_id + i) << 10}.to_string()) != std::string::npos);
    }
    CHECK(at.run({"queue", "show", broken.to_string()}).code == 65);
}

TEST_CASE("one message is shown with its client and its body's place", "[commands][queue]") {
    queue_fixture at;
    at.insert(message_of(some_id, 1));
    const std::string id = storage::queue_id{some_id << 10}.to_string();
    const auto text = at.run({"queue", "show", id});
    CHECK(text.code == 0);
    for (const char* part :
         {"192.0.2.1", "c.test", "ESMTPS", "S1", "QQ314159", "in the queue", "for x@d.test"})
        CHECK(text.out.find(part) != std::string::npos);
    const auto document = boost::json::parse(at.run({"queue", "show", id, "--json"}).out).as_object();
    CHECK(document.at("client") == "192.0.2.1");
    CHECK(document.at("body") == "in the queue");
    CHECK(document.at("recipients").as_array().size() == 1);
}

TEST_CASE("an id that is none is bad data, one that is gone is not there", "[commands][queue]") {
    queue_fixture at;
    at.insert(message_of(some_id, 1));
    for (const char* id : {"", "nonsense", "0000", "!!!!!!!!!!!!!", "../../etc/pass"})
        CHECK(at.run({"queue", "show", id}).code == 65);
    CHECK(at.run({"queue", "show", storage::queue_id{(some_id + 1) << 10}.to_string()}).code == 67);
}

TEST_CASE("what a peer sent can't write to the terminal", "[commands][queue][IN-01]") {
    queue_fixture at;
    auto message = message_of(some_id, 1);
    message.sender = "\"\x1b[2J\"@s.test";
    message.helo = "x\"},\"evil\":\"1\xff";
    message.recipients[0].last_reply = "450 \x1b]0;owned\x07\r\nforged\xe2\x80\xa8";
    at.insert(std::move(message));
    const std::string id = storage::queue_id{some_id << 10}.to_string();
    for (const auto& words : {std::vector<std::string>{"queue", "list"},
                              {"queue", "show", id},
                              {"queue", "list", "--json"},
                              {"queue", "show", id, "--json"}}) {
        const auto result = at.run(words);
        CHECK(result.code == 0);
        for (const char c : result.out) CHECK((c == '\n' || c >= ' ' || c < 0));
        CHECK(result.out.find('\x1b') == std::string::npos);
    }
    CHECK_FALSE(boost::json::parse(at.run({"queue", "show", id, "--json"}).out).as_object().contains("evil"));
}

namespace {

// No server and nobody else: the commands work on the queue themselves.
struct lone_queue : queue_fixture {
    lone_queue(std::size_t count) {
        for (std::uint64_t i = 0; i < count; ++i) insert(message_of(some_id + i, 1));
        messages.reset();
    }
    static std::string id(std::uint64_t i) { return storage::queue_id{(some_id + i) << 10}.to_string(); }
    boost::json::object shown(std::uint64_t i) const {
        const auto result = run({"queue", "show", id(i), "--json"});
        REQUIRE(result.code == 0);
        return boost::json::parse(result.out).as_object();
    }
    std::int64_t next_try(std::uint64_t i) const {
        return shown(i).at("recipients").as_array()[0].at("next_try").as_int64();
    }
};

} // namespace

TEST_CASE("an operator's wishes are done without a server", "[commands][queue]") {
    const lone_queue at(3);
    const auto now = std::time(nullptr);
    CHECK(at.run({"queue", "hold", at.id(0), at.id(1)}).out == "2 messages held\n");
    CHECK(at.shown(0).at("held").as_bool());
    CHECK_FALSE(at.shown(2).at("held").as_bool());
    CHECK(at.run({"queue", "list"}).out.find("next held") != std::string::npos);
    const auto refused = at.run({"queue", "retry", at.id(0)});
    CHECK(refused.code == 65);
    CHECK(refused.err == "postern: " + at.id(0) + ": is held: release it first\n");
    CHECK(at.run({"queue", "retry", "--all"}).out == "1 message made due; 2 held, as before\n");
    CHECK(at.next_try(2) <= now + 5);
    CHECK(at.next_try(0) > now + 100);
    CHECK(at.run({"queue", "release", at.id(0)}).out == "1 message released\n");
    CHECK(at.next_try(0) <= now + 5);
    CHECK(at.run({"queue", "bounce", at.id(1)}).code == 0);
    CHECK(at.shown(1).at("given_up").as_bool());
    CHECK_FALSE(at.shown(1).at("held").as_bool());
    CHECK(at.run({"queue", "delete", at.id(0)}).out == "1 message deleted\n");
    CHECK(at.run({"queue", "show", at.id(0)}).code == 67);
    CHECK(at.listed().size() == 2);
    CHECK(at.run({"queue", "delete", "--all"}).out == "2 messages deleted\n");
    CHECK(at.listed().empty());
}

TEST_CASE("a wish for one message too many does the others", "[commands][queue]") {
    const lone_queue at(1);
    const auto some = at.run({"queue", "hold", at.id(0), at.id(9)});
    CHECK(some.code == 67);
    CHECK(some.out == "1 message held\n");
    CHECK(some.err == "postern: " + at.id(9) + ": is not in the queue\n");
    CHECK(at.shown(0).at("held").as_bool());
}

TEST_CASE("more messages than one portion are steered whole", "[commands][queue]") {
    const lone_queue at(1203);
    CHECK(at.run({"queue", "hold", "--all"}).out == "1203 messages held\n");
    CHECK(at.shown(1202).at("held").as_bool());
    CHECK(at.run({"queue", "release", "--all"}).out == "1203 messages released\n");
}

TEST_CASE("what is no wish changes nothing", "[commands][queue]") {
    const lone_queue at(1);
    CHECK(at.run({"queue", "delete"}).code == 64);
    CHECK(at.run({"queue", "delete", "--all", at.id(0)}).code == 64);
    CHECK(at.run({"queue", "delete", "nonsense!"}).code == 65);
    CHECK(at.run({"queue", "delete", at.id(0), "nonsense!"}).code == 65);
    CHECK(at.listed().size() == 1);
    const command_fixture empty;
    CHECK(empty.run({"queue", "delete", at.id(0)}).code == 67);
    CHECK(empty.run({"queue", "retry", "--all"}).out == "0 messages made due\n");
    CHECK_FALSE(std::filesystem::exists(empty.state_dir()));
}

TEST_CASE("a damaged message can't be steered, which is said, and can be deleted", "[commands][queue]") {
    const auto which =
        GENERATE(false, true) ? &storage::queue_tables::messages : &storage::queue_tables::states;
    const lone_queue at(3);
    const std::string said = "postern: " + at.id(1) + ": its record is damaged; it is kept, untried\n";
    break_record(at, storage::queue_id{(some_id + 1) << 10}, which);
    for (const char* wish : {"hold", "release", "retry", "bounce"}) {
        const auto done = at.run({"queue", wish, "--all"});
        CHECK(done.code == 65);
        CHECK(done.err == said);
        CHECK(done.out.starts_with("2 messages "));
        CHECK(at.run({"queue", wish, at.id(1)}).code == 75);
    }
    SECTION("by its id") { CHECK(at.run({"queue", "delete", at.id(1)}).out == "1 message deleted\n"); }
    SECTION("with all") { CHECK(at.run({"queue", "delete", "--all"}).out == "3 messages deleted\n"); }
    CHECK(at.run({"queue", "list"}).code == 0);
    CHECK(at.run({"queue", "delete", at.id(1)}).code == 67);
}

TEST_CASE("a queue in use by a server that doesn't answer is left alone", "[commands][queue]") {
    const lone_queue at(1);
    std::string about;
    const auto lock = storage::state_lock::take(at.state_dir(), about);
    REQUIRE(lock.has_value());
    const auto refused = at.run({"queue", "delete", "--all"});
    CHECK(refused.code == 69);
    CHECK(refused.err.find("does not answer there") != std::string::npos);
    CHECK(at.listed().size() == 1);
}
