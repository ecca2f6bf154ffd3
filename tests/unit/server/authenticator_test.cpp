// Logins against the table of accounts: what is remembered, what is denied, and what is only trouble.
#include "server/authenticator.hpp"

#include "policy/password.hpp"
#include "policy/submission/account_name.hpp"
#include "policy/submission/credentials.hpp"
#include "tests/support/memory_directory.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <future>

using namespace postern;
using namespace postern::server;
using policy::account_of;
using protocol::sasl::secret;
using kind = login_answer::kind;
using std::chrono::milliseconds;

namespace {

const std::string user = "u@f.test", password = "Zwölf graue Fahrräder";

struct bench {
    explicit bench(authenticator::settings how = {}) {
        accounts.put_domain({"f.test", "", ""});
        storage::mailbox_record record;
        record.address = user;
        const auto kept = policy::store_password(password).value();
        record.password = kept.setting;
        record.scram = kept.scram;
        accounts.put_mailbox(record);
        made.emplace(accounts, "secret", "process key", how);
    }
    template <class Answer> Answer run(boost::asio::awaitable<Answer> what) {
        auto later = boost::asio::co_spawn(context, std::move(what), boost::asio::use_future);
        context.restart();
        context.run();
        return later.get();
    }
    login_answer check(const std::string& login, const std::string& with,
                       milliseconds within = milliseconds(10'000)) {
        return run(made->check({login, secret(with), "", within}));
    }
    void set_password(const std::string& stored) {
        auto record = **accounts.find_mailbox(user);
        record.password = stored;
        accounts.put_mailbox(record);
    }

    testing::memory_directory accounts;
    boost::asio::io_context context{1};
    std::optional<authenticator> made;
};

std::chrono::nanoseconds time_of(const std::function<void()>& work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - began;
}

} // namespace

TEST_CASE("a login is the whole address, in any case, and in no other spelling", "[login]") {
    CHECK(account_of("U@F.Test") == "u@f.test");
    CHECK(account_of("\"a b\"@f.test") == "\"a b\"@f.test");
    CHECK(account_of("ü@f.test") == "ü@f.test");
    for (const std::string login : {"", "u", "@f.test", "u@", "u@f.test ", " u@f.test", "<u@f.test>",
                                    "\"u\"@f.test", "u@[192.0.2.1]", "postmaster", "u\\@f.test",
                                    "\xe2\x84\xaa@f.test", // the Kelvin sign is a K to Unicode
                                    "u\xcc\x88@f.test",    // an u and its dots apart
                                    "u@\xef\xbd\x86.test", "u\x01@f.test", "\xff@f.test"}) {
        INFO(login);
        CHECK_FALSE(account_of(login));
    }
    CHECK(account_of("\xef\xbd\x95@f.test") != "u@f.test"); // fullwidth
    CHECK(account_of("u\xc2\xad@f.test") != "u@f.test");    // soft hyphen
}

TEST_CASE("the right password logs in, every other is denied, and so is everybody else", "[login]") {
    bench at;
    const auto right = at.check("U@f.test", password);
    CHECK(right.what == kind::ok);
    CHECK(right.account == user);
    for (const std::string other : {"", "Zwölf graue Fahrräde", "Zwölf graue Fahrräder "})
        CHECK(at.check(user, other).what == kind::denied);
    for (const std::string login : {"v@f.test", "u@g.test", "u", "", "root", "\xff"}) {
        const auto answer = at.check(login, password);
        CHECK(answer.what == kind::denied);
        CHECK(answer.account.empty());
        CHECK(answer.why.empty());
    }
}

TEST_CASE("an account without a password, or with a hash that can't be judged, lets nobody in", "[login]") {
    bench at;
    at.set_password("");
    CHECK(at.check(user, "").what == kind::denied);
    CHECK(at.check(user, password).what == kind::denied);
    CHECK(at.run(at.made->find_keys(user)).account.empty());
    at.set_password("{ARGON2ID}$argon2id$x");
    const auto answer = at.check(user, password);
    CHECK(answer.what == kind::denied);
    CHECK(answer.why.find("Argon2") != std::string::npos);
}

TEST_CASE("a correct login is remembered, a wrong one is not helped by it", "[login]") {
    bench at;
    const auto first = time_of([&] { CHECK(at.check(user, password).what == kind::ok); });
    const auto again = time_of([&] { CHECK(at.check(user, password).what == kind::ok); });
    CHECK(again * 4 < first);
    const auto wrong = time_of([&] { CHECK(at.check(user, "wrong").what == kind::denied); });
    CHECK(again * 4 < wrong);
    CHECK(time_of([&] { CHECK(at.check(user, password).what == kind::ok); }) * 4 < wrong);
    // The login's spelling is part of it: nothing is remembered of another.
    CHECK(time_of([&] { CHECK(at.check("U@f.test", password).what == kind::ok); }) > again * 4);
}

TEST_CASE("a password that was changed or taken away doesn't count from then on", "[login]") {
    bench at;
    CHECK(at.check(user, password).what == kind::ok);
    CHECK(at.check(user, password).what == kind::ok);
    at.set_password(policy::hash_password("another of these").value());
    CHECK(at.check(user, password).what == kind::denied);
    CHECK(at.check(user, "another of these").what == kind::ok);
    CHECK(at.check(user, "another of these").what == kind::ok);
    at.set_password("");
    CHECK(at.check(user, "another of these").what == kind::denied);
    at.set_password(policy::hash_password(password).value());
    CHECK(at.check(user, password).what == kind::ok);
    at.accounts.remove_mailbox(user);
    CHECK(at.check(user, password).what == kind::denied);
}

TEST_CASE("nothing is remembered when it was told so", "[login]") {
    bench at({.workers = 1, .waiting = 10, .remember = std::chrono::seconds(0)});
    const auto first = time_of([&] { CHECK(at.check(user, password).what == kind::ok); });
    CHECK(time_of([&] { CHECK(at.check(user, password).what == kind::ok); }) * 4 > first);
    at.made->remember_for(std::chrono::seconds(600));
    CHECK(at.check(user, password).what == kind::ok);
    CHECK(time_of([&] { CHECK(at.check(user, password).what == kind::ok); }) * 4 < first);
    at.made->remember_for(std::chrono::seconds(0));
    CHECK(time_of([&] { CHECK(at.check(user, password).what == kind::ok); }) * 4 > first);
}

TEST_CASE("trouble with the accounts is told as trouble, not as a wrong password", "[login]") {
    bench at;
    CHECK(at.check(user, password).what == kind::ok);
    at.accounts.failure = storage::storage_errc::io;
    const auto answer = at.check(user, password);
    CHECK(answer.what == kind::later);
    CHECK(answer.why.starts_with("accounts: "));
    CHECK(at.run(at.made->find_keys(user)).later);
    at.accounts.failure.reset();
    CHECK(at.check(user, password).what == kind::ok);
}

TEST_CASE("more logins than may wait are told to come back at once", "[login]") {
    bench at({.workers = 1, .waiting = 2, .remember = std::chrono::seconds(0)});
    std::vector<std::future<login_answer>> all;
    for (int i = 0; i < 20; ++i)
        all.push_back(boost::asio::co_spawn(
            at.context, at.made->check({user, secret(password), "", milliseconds(10'000)}),
            boost::asio::use_future));
    at.context.run();
    int ok = 0, later = 0;
    for (auto& one : all) {
        const auto answer = one.get();
        ok += answer.what == kind::ok ? 1 : 0;
        later += answer.what == kind::later ? 1 : 0;
    }
    CHECK(ok >= 2);
    CHECK(ok <= 4);
    CHECK(ok + later == 20);
    CHECK(at.check(user, password).what == kind::ok);
}

TEST_CASE("whoever can't be served in time is told to come back, and his password isn't computed",
          "[login]") {
    bench at({.workers = 1, .waiting = 200, .remember = std::chrono::seconds(0)});
    std::vector<std::future<login_answer>> all;
    const auto took = time_of([&] {
        for (int i = 0; i < 100; ++i)
            all.push_back(boost::asio::co_spawn(
                at.context, at.made->check({user, secret(password), "", milliseconds(60)}),
                boost::asio::use_future));
        at.context.run();
        at.made->stop();
    });
    int later = 0;
    for (auto& one : all) later += one.get().what == kind::later ? 1 : 0;
    CHECK(later > 50);
    CHECK(took < std::chrono::seconds(1));               // a hundred hashes take twice that
    CHECK(at.check(user, password).what == kind::later); // it was stopped
}

TEST_CASE("keys of SCRAM are the account's own, or nobody's that stay", "[login]") {
    bench at;
    const auto keys = at.run(at.made->find_keys("U@f.test"));
    CHECK_FALSE(keys.later);
    CHECK(keys.account == user);
    CHECK(protocol::sasl::to_text(keys.keys) == (**at.accounts.find_mailbox(user)).scram);
    for (const std::string login : {"v@f.test", "root", ""}) {
        const auto none = at.run(at.made->find_keys(login));
        CHECK_FALSE(none.later);
        CHECK(none.account.empty());
        CHECK(none.keys.salt.size() == keys.keys.salt.size());
        CHECK(none.keys.iterations == keys.keys.iterations);
        CHECK((none.keys == at.run(at.made->find_keys(login)).keys));
    }
    // As for an account of that name: its salt doesn't depend on the case of the login either.
    CHECK((at.run(at.made->find_keys("V@f.test")).keys == at.run(at.made->find_keys("v@F.test")).keys));
}

TEST_CASE("a bounded number of logins is remembered, those that were used last", "[login]") {
    using time = login_memory::time;
    login_memory memory(2);
    const policy::digest one = policy::keyed_digest("k", {"1"}), two = policy::keyed_digest("k", {"2"});
    const time start{}, end = start + std::chrono::seconds(10);
    memory.keep("a", one, end);
    memory.keep("b", two, end);
    CHECK(memory.knows("a", one, start));
    CHECK_FALSE(memory.knows("a", two, start));
    memory.keep("c", one, end);
    CHECK(memory.entries() == 2);
    CHECK_FALSE(memory.knows("b", two, start));
    CHECK(memory.knows("a", one, start));
    memory.keep("a", two, end);
    CHECK(memory.entries() == 2);
    CHECK_FALSE(memory.knows("a", one, start));
    CHECK_FALSE(memory.knows("a", two, end));
    CHECK(memory.entries() == 1);
    login_memory none(0);
    none.keep("a", one, end);
    CHECK_FALSE(none.knows("a", one, start));
}
