// Identities from the command line to the page: what is asked, what is answered, and what is only looked at.
#include "conf/load.hpp"
#include "conf/mail_templates.hpp"
#include "policy/submission/identity_token.hpp"
#include "server/clock.hpp"
#include "server/identity/foreign_keeper.hpp"
#include "server/identity/page.hpp"
#include "storage/tables/directory.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>

using namespace postern;
using namespace postern::server;
using Catch::Contains;
using storage::identity_state;

namespace {

constexpr std::string_view plain_config = "[server]\nhostname = \"mx.test\"\n[[listener]]\nname = "
                                          "\"in\"\naddress = \"127.0.0.1:0\"\n[identity]\nurl = "
                                          "\"https://mail.firma.cz/identity\"\n";

struct silent_log final : server::log {
    std::vector<std::string> lines;
    void write(const log_record& record) override { lines.emplace_back(record.text); }
    void reopen(const conf::log_settings&, const std::string&) override {}
    std::uint64_t dropped() const override { return 0; }
    void flush() override {}
};

// A desk over tables of its own, whose mails are kept.
struct office {
    testing::temporary_folder folder;
    storage::accounts_environment environment = storage::open_accounts(folder.path()).value();
    std::unique_ptr<storage::directory> accounts = storage::open_lmdb_directory(environment).value();
    std::unique_ptr<storage::identities> identities = storage::open_lmdb_identities(environment).value();
    storage::queue_id_source ids{storage::queue_id{}};
    silent_log journal;
    live_snapshot live;
    identity_desk desk{{*accounts, *identities, ids, journal}};
    identity_page page{desk, live};
    std::vector<storage::insert_message> mails;

    explicit office(const std::string& more = {}) {
        use(std::string(plain_config) + more);
        REQUIRE(accounts->put_domain({"firma.cz", "", ""}));
        for (const auto* box : {"jan@firma.cz", "eva@firma.cz"}) {
            storage::mailbox_record record;
            record.address = box;
            REQUIRE(accounts->put_mailbox(record));
        }
        desk.open([this](storage::insert_message mail) {
            mails.push_back(std::move(mail));
            return true;
        });
    }
    void use(const std::string& toml) {
        const auto read = conf::load_text(toml, "test.toml", {"mx.test"});
        REQUIRE(read.snapshot);
        auto made = std::make_shared<snapshot>();
        made->config = read.snapshot;
        made->resolving = resolve_settings_of(*read.snapshot);
        live.swap(std::move(made));
    }
    const conf::config& config() const { return *live.get()->config; }
    std::string last_text() const { return mails.back().body; }
    std::string last_token() const {
        std::smatch found;
        const std::string text = std::regex_replace(last_text(), std::regex("=\r\n"), "");
        REQUIRE(std::regex_search(text, found, std::regex("[?]t=3D([a-z2-9]{32})")));
        return found[1];
    }
    http_answer visit(http_method method, const std::string& query, const std::string& body = {},
                      const std::string& language = {}) {
        http_request request;
        request.method = method;
        request.path = "/identity";
        request.query = query;
        request.host = "mail.firma.cz";
        request.body = body;
        request.content_type = "application/x-www-form-urlencoded";
        request.accept_language = language;
        return page.answer(request).value();
    }
    http_answer get(const std::string& query) { return visit(http_method::get, query); }
    http_answer post(const std::string& body) { return visit(http_method::post, "", body); }
    bool may_use(const char* account, const char* address) const {
        return identities->may_use(account, address).value();
    }
};

} // namespace

TEST_CASE("a token is 160 bits, and its spelling doesn't count") {
    const auto token = policy::new_identity_token();
    CHECK(token.size() == 32);
    CHECK(token != policy::new_identity_token());
    const auto digest = policy::digest_of_token(token).value();
    CHECK(policy::digest_of_token(protocol::to_lower(token)).value() == digest);
    auto grouped = token;
    grouped.insert(8, "-").insert(4, " ");
    std::transform(grouped.begin(), grouped.end(), grouped.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    CHECK(policy::digest_of_token(grouped).value() == digest);
    CHECK_FALSE(policy::digest_of_token(""));
    CHECK_FALSE(policy::digest_of_token(token + "a"));
    CHECK_FALSE(policy::digest_of_token(std::string(32, '0')));
}

TEST_CASE("to open the link confirms nothing, the form on the page does, once") {
    office at;
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::done);
    REQUIRE(at.mails.size() == 1);
    CHECK(at.mails[0].message.sender.empty());
    CHECK(at.mails[0].message.recipients.at(0).address == "jan@post.test");
    CHECK(at.mails[0].message.recipients.at(0).route == storage::recipient_route::outside);
    CHECK_THAT(at.last_text(), Contains("Subject: May jan@firma.cz send e-mail as jan@post.test?\r\n"));
    const auto token = at.last_token();
    for (int i = 0; i < 3; ++i) {
        const auto shown = at.get("t=" + token);
        CHECK(shown.status == 200);
        CHECK_THAT(shown.body, Contains("value=\"" + token + "\""));
        CHECK_THAT(shown.body, Contains("<strong>jan@post.test</strong>"));
        CHECK_FALSE(at.may_use("jan@firma.cz", "jan@post.test"));
    }
    CHECK(at.visit(http_method::head, "t=" + token).status == 200);
    const auto answered = at.post("t=" + token + "&do=yes");
    CHECK(answered.status == 200);
    CHECK_THAT(answered.body, Contains("may send e-mail as"));
    CHECK(at.may_use("jan@firma.cz", "jan@post.test"));
    CHECK_FALSE(at.may_use("eva@firma.cz", "jan@post.test"));
    CHECK(at.post("t=" + token + "&do=yes").status == 404);
    CHECK(at.get("t=" + token).status == 404);
    CHECK(at.post("t=" + std::string(32, 'a') + "&do=yes").status == 404);
    CHECK(at.post("do=yes").status == 404);
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::known);
}

TEST_CASE("the owner says no, lists, and takes back") {
    office at;
    REQUIRE(at.identities->put({"eva@firma.cz", "jan@post.test", identity_state::learned, 1, 0}));
    REQUIRE(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::done);
    const auto page = at.post("t=" + at.last_token() + "&do=no");
    CHECK_FALSE(at.may_use("jan@firma.cz", "jan@post.test"));
    CHECK_THAT(page.body, Contains("eva@firma.cz") && Contains("used before"));
    std::smatch found;
    REQUIRE(std::regex_search(page.body, found, std::regex("name=\"t\" value=\"([a-z2-9]{32})\"")));
    const std::string manage = found[1];
    CHECK(at.post("t=" + manage + "&do=yes").status == 404); // it answers nothing
    const auto after = at.post("t=" + manage + "&do=revoke&account=eva%40firma.cz");
    CHECK(after.status == 200);
    CHECK_THAT(after.body, Contains("no more") && Contains("Nobody but the owner"));
    CHECK_FALSE(at.may_use("eva@firma.cz", "jan@post.test"));
    // A token of another purpose takes nothing back.
    REQUIRE(at.identities->put({"jan@firma.cz", "x@post.test", identity_state::confirmed, 1, 0}));
    REQUIRE(at.desk.ask_owner(at.config(), "eva@firma.cz", "x@post.test") == desk_answer::done);
    CHECK(at.post("t=" + at.last_token() + "&do=revoke&account=jan%40firma.cz").status == 404);
    CHECK(at.may_use("jan@firma.cz", "x@post.test"));
}

TEST_CASE("a user asks for an address: his own mailbox first, then its owner") {
    office at;
    CHECK(at.post("do=add&account=jan%40firma.cz&address=jan%40post.test").status == 200);
    REQUIRE(at.mails.size() == 1);
    CHECK(at.mails[0].message.recipients.at(0).address == "jan@firma.cz");
    CHECK(at.mails[0].message.recipients.at(0).route == storage::recipient_route::local);
    const auto wish = at.last_token();
    CHECK(at.post("t=" + wish + "&do=yes").status == 200);
    REQUIRE(at.mails.size() == 2);
    CHECK(at.mails[1].message.recipients.at(0).address == "jan@post.test");
    CHECK_FALSE(at.may_use("jan@firma.cz", "jan@post.test"));
    CHECK(at.post("t=" + at.last_token() + "&do=yes").status == 200);
    CHECK(at.may_use("jan@firma.cz", "jan@post.test"));
}

TEST_CASE("a thousand requests send one mail, and tell nothing") {
    office at;
    const auto first = at.post("do=add&account=jan%40firma.cz&address=v%40bank.test");
    for (int i = 0; i < 1000; ++i) {
        const auto again =
            at.post("do=add&account=jan%40firma.cz&address=v" + std::to_string(i) + "%40bank.test");
        REQUIRE(again.body == first.body);
    }
    CHECK(at.mails.size() == 1);
    CHECK(at.post("do=add&account=nobody%40firma.cz&address=v%40bank.test").body == first.body);
    CHECK(at.post("do=manage&address=stranger%40bank.test").body == first.body);
    CHECK(at.mails.size() == 1);
    for (int i = 0; i < 10; ++i) (void)at.desk.ask_owner(at.config(), "jan@firma.cz", "v@bank.test");
    CHECK(at.mails.size() == 2);
    CHECK(at.desk.ask_owner(at.config(), "eva@firma.cz", "v@bank.test") == desk_answer::limited);
}

TEST_CASE("the owner of an address that is used gets a link to see by whom") {
    office at;
    REQUIRE(at.identities->put({"jan@firma.cz", "jan@post.test", identity_state::confirmed, 1, 0}));
    CHECK(at.post("do=manage&address=jan%40post.test").status == 200);
    REQUIRE(at.mails.size() == 1);
    CHECK(at.mails[0].message.recipients.at(0).address == "jan@post.test");
    CHECK_THAT(at.get("t=" + at.last_token()).body, Contains("jan@firma.cz"));
    CHECK(at.post("t=" + at.last_token() + "&do=revoke&account=jan%40firma.cz").status == 200);
    CHECK_FALSE(at.may_use("jan@firma.cz", "jan@post.test"));
}

TEST_CASE("addresses that would break a header, a page or a table are refused") {
    office at;
    const std::string long_one(10'000, 'a');
    for (const auto& bad : {std::string("jan@post.test\r\nBcc: v@bank.test"), std::string("<jan@post.test>"),
                            std::string("Jan <jan@post.test>"), std::string("jan"), std::string("@post.test"),
                            std::string("jan@post.test, v@bank.test"), long_one + "@post.test", std::string(),
                            std::string("jan@[192.0.2.1]"), std::string("a\x00@post.test", 12)})
        CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", bad) == desk_answer::bad_address);
    CHECK(at.mails.empty());
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "\"<script>x\"@post.test") == desk_answer::done);
    CHECK_THAT(at.get("t=" + at.last_token()).body, !Contains("<script>") && Contains("&lt;script&gt;"));
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "=?utf-8?q?x?=@post.test") == desk_answer::done);
    CHECK_THAT(at.last_text(), Contains("To: <=?utf-8?q?x?=@post.test>"));
    CHECK(at.desk.ask_owner(at.config(), "nobody@firma.cz", "a@post.test") == desk_answer::no_account);
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "Jan@firma.cz") == desk_answer::own);
}

TEST_CASE("a form of another page, another host or another kind does nothing") {
    office at;
    REQUIRE(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::done);
    http_request request;
    request.method = http_method::post;
    request.path = "/identity";
    request.host = "mail.firma.cz";
    request.content_type = "application/x-www-form-urlencoded";
    request.body = "t=" + at.last_token() + "&do=yes";
    request.origin = "https://evil.test";
    CHECK(at.page.answer(request)->status == 403);
    request.origin = "null";
    CHECK(at.page.answer(request)->status == 403);
    request.origin.clear();
    request.content_type = "text/plain";
    CHECK(at.page.answer(request)->status == 415);
    request.content_type = "application/x-www-form-urlencoded; charset=utf-8";
    request.host = "evil.test";
    CHECK(at.page.answer(request)->status == 421);
    CHECK_FALSE(at.may_use("jan@firma.cz", "jan@post.test"));
    request.host = "MAIL.firma.cz:443";
    request.host = "mail.firma.cz:443";
    CHECK(at.page.answer(request)->status == 200);
    CHECK(at.may_use("jan@firma.cz", "jan@post.test"));
    request.path = "/other";
    CHECK_FALSE(at.page.answer(request));
    at.use("[server]\nhostname = \"mx.test\"\n[[listener]]\nname = \"in\"\naddress = \"127.0.0.1:0\"\n");
    request.path = "/identity";
    CHECK_FALSE(at.page.answer(request)); // no URL, no page
}

TEST_CASE("Czech readers get Czech pages and mails, and a host its own texts") {
    office at("language = \"cs\"\n");
    REQUIRE(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::done);
    CHECK_THAT(at.last_text(), Contains("Subject: =?utf-8?q?Sm=C3=AD_"));
    const auto query = "t=" + at.last_token();
    CHECK_THAT(at.get(query).body, Contains("lang=\"cs\"") && Contains("Ano, povolit"));
    CHECK_THAT(at.visit(http_method::get, query, "", "en-GB, cs;q=0.5").body, Contains("Yes, allow it"));

    std::filesystem::create_directories(at.folder.path() + "/cs");
    std::ofstream(at.folder.path() + "/cs/identity_question.txt")
        << "Subject: Ours {address}\n\n{how} {nothing}\n";
    at.use(std::string(plain_config) + "language = \"cs\"\ntemplates = \"" + at.folder.path() + "\"\n");
    REQUIRE(at.desk.ask_owner(at.config(), "jan@firma.cz", "b@post.test") == desk_answer::done);
    CHECK_THAT(at.last_text(), Contains("Subject: Ours b@post.test\r\n") && Contains("{nothing}"));
    std::ofstream(at.folder.path() + "/cs/identity_question.txt") << "no subject\n\n";
    REQUIRE(at.desk.ask_owner(at.config(), "jan@firma.cz", "c@post.test") == desk_answer::done);
    CHECK_THAT(at.last_text(), Contains("Subject: =?utf-8?q?Sm=C3=AD_"));
}

TEST_CASE("each mail has its text in each language, with a subject and the values it needs") {
    for (const auto* name : {"identity_question", "identity_request", "identity_learned", "identity_manage"})
        for (const auto language : {conf::mail_language::en, conf::mail_language::cs}) {
            conf::identity_settings settings;
            settings.language = language;
            const auto filled = conf::fill_template(conf::find_template(settings, name), {{"account", "A"},
                                                                                          {"address", "B"},
                                                                                          {"host", "H"},
                                                                                          {"how", "W"},
                                                                                          {"until", "U"},
                                                                                          {"addresses", "L"},
                                                                                          {"day", ""}});
            INFO(name);
            CHECK_FALSE(filled.subject.empty());
            CHECK_THAT(filled.text, Contains("H") && !Contains("{") && (Contains("W") || Contains("L")));
        }
    CHECK(conf::fill_template("Subject: {a}\n\n{b}", {{"a", "{b}"}, {"b", "{a}"}}).subject == "{b}");
}

TEST_CASE("foreign senders are learned, and their user told once") {
    office at("[sender_ownership]\nmode = \"learn\"\nenforce_from = 2027-03-01\n");
    foreign_keeper keeper(*at.identities, at.desk, at.live);
    keeper.note("jan@firma.cz", "jan@post.test", policy::foreign_fate::learned);
    keeper.note("jan@firma.cz", "jan@post.test", policy::foreign_fate::learned);
    keeper.note("jan@firma.cz", "b@post.test", policy::foreign_fate::learned);
    REQUIRE(keeper.flush());
    CHECK(at.may_use("jan@firma.cz", "jan@post.test"));
    CHECK(at.may_use("jan@firma.cz", "b@post.test"));
    REQUIRE(at.mails.size() == 1);
    CHECK(at.mails[0].message.recipients.at(0).address == "jan@firma.cz");
    CHECK_THAT(at.last_text(),
               Contains("jan@post.test") && Contains("b@post.test") && Contains("from 2027-03-01 on"));
    keeper.note("jan@firma.cz", "c@post.test", policy::foreign_fate::learned);
    REQUIRE(keeper.flush());
    CHECK(at.mails.size() == 1);
    CHECK(at.may_use("jan@firma.cz", "c@post.test"));
    keeper.note("eva@firma.cz", "eva@post.test", policy::foreign_fate::reported);
    REQUIRE(keeper.flush());
    CHECK_FALSE(at.may_use("eva@firma.cz", "eva@post.test"));
    CHECK(at.mails.size() == 1);
    REQUIRE(keeper.flush());
    CHECK(keeper.sweep().has_value());
}

TEST_CASE("a refused sender's user is offered to have the owner asked") {
    office at;
    foreign_keeper keeper(*at.identities, at.desk, at.live);
    for (int i = 0; i < 3; ++i) {
        keeper.note("jan@firma.cz", "jan@post.test", policy::foreign_fate::refused);
        REQUIRE(keeper.flush());
    }
    REQUIRE(at.mails.size() == 1);
    CHECK(at.mails[0].message.recipients.at(0).address == "jan@firma.cz");
    CHECK(at.post("t=" + at.last_token() + "&do=yes").status == 200);
    CHECK(at.mails.back().message.recipients.at(0).address == "jan@post.test");
}

TEST_CASE("no mail goes out of a desk that is closed") {
    office at;
    at.desk.close();
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::trouble);
    CHECK(at.mails.empty());
}

TEST_CASE("what the owner takes back in learn mode isn't learned with the next message") {
    office at("[sender_ownership]\nmode = \"learn\"\nenforce_from = 2027-03-01\n");
    foreign_keeper keeper(*at.identities, at.desk, at.live);
    const auto use = [&] {
        keeper.note("jan@firma.cz", "jan@post.test", policy::foreign_fate::learned);
        REQUIRE(keeper.flush());
    };
    use();
    CHECK(at.may_use("jan@firma.cz", "jan@post.test"));
    REQUIRE(at.post("do=manage&address=jan%40post.test").status == 200);
    const auto after = at.post("t=" + at.last_token() + "&do=revoke&account=jan%40firma.cz");
    CHECK_THAT(after.body, Contains("Nobody but the owner"));
    use();
    CHECK_FALSE(at.may_use("jan@firma.cz", "jan@post.test"));
}

TEST_CASE("a stranger's requests on the page keep nobody from being asked") {
    office at;
    REQUIRE(at.identities->put({"eva@firma.cz", "jan@post.test", identity_state::confirmed, 1, 0}));
    (void)at.post("do=manage&address=jan%40post.test");
    (void)at.post("do=add&account=jan%40firma.cz&address=x%40post.test");
    REQUIRE(at.mails.size() == 2);
    CHECK(at.desk.ask_owner(at.config(), "jan@firma.cz", "jan@post.test") == desk_answer::done);
    CHECK(at.desk.ask_owner(at.config(), "eva@firma.cz", "jan@firma.cz") == desk_answer::done);
}

TEST_CASE("a user's code can be used again while the owner can't be asked") {
    office at;
    REQUIRE(at.desk.ask_owner(at.config(), "eva@firma.cz", "jan@post.test") == desk_answer::done);
    (void)at.post("do=add&account=jan%40firma.cz&address=jan%40post.test");
    const auto limited = at.last_token();
    CHECK(at.post("t=" + limited + "&do=yes").status == 429);
    CHECK(at.post("t=" + limited + "&do=yes").status == 429);
    CHECK(at.post("t=" + limited + "&do=no").status == 200);
    CHECK(at.post("t=" + limited + "&do=no").status == 404);

    (void)at.post("do=add&account=eva%40firma.cz&address=b%40post.test");
    const auto wish = at.last_token();
    bool full = true;
    at.desk.open([&](storage::insert_message mail) {
        if (!full) at.mails.push_back(std::move(mail));
        return !full;
    });
    for (int i = 0; i < 5; ++i) CHECK(at.post("t=" + wish + "&do=yes").status == 503);
    full = false;
    CHECK(at.post("t=" + wish + "&do=yes").status == 200);
    CHECK(at.mails.back().message.recipients.at(0).address == "b@post.test");
    CHECK(at.post("t=" + wish + "&do=yes").status == 404);
}
