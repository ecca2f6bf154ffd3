#include "storage/tables/directory.hpp"
#include "storage/tables/identities_codec.hpp"
#include "tests/contract/identities_contract.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {
namespace {

using namespace storage;
using strings = std::vector<std::string>;

constexpr std::int64_t now = 1'800'000'000, hour = 3600, day = 24 * hour;
constexpr std::string_view jan = "jan@firma.cz", eva = "eva@firma.cz", post = "jan@post.test";

token_digest digest(char fill) {
    token_digest made;
    made.fill(fill);
    return made;
}
token_record about(token_purpose purpose, std::string_view account, std::string_view address,
                   std::int64_t expires = now + 7 * day) {
    return {purpose, std::string(account), std::string(address), expires};
}
bool sent() { return true; }
asking ask(identities& kept, std::string_view account, std::string_view address, char fill,
           std::int64_t at = now, const identity_mail_limits& limits = {}) {
    return kept
        .ask(about(token_purpose::confirm, account, address, at + 7 * day), digest(fill), at, limits, sent)
        .value();
}
answering confirm(identities& kept, char fill, bool yes = true, std::int64_t at = now) {
    return kept.answer(digest(fill), token_purpose::confirm, yes, at).value().what;
}
bool may_use(const identities& kept, std::string_view account, std::string_view address) {
    return kept.may_use(account, address).value();
}

std::string line_of(const identity_record& one) {
    const char* states[] = {"?", "asked", "confirmed", "learned", "declined"};
    return one.account + " " + one.address + " " + states[static_cast<int>(one.state)];
}
strings of_account(const identities& kept, std::string_view account) {
    strings lines;
    REQUIRE(kept.each_of_account(account, [&](const auto& one) {
        lines.push_back(line_of(one));
        return true;
    }));
    return lines;
}
strings of_address(const identities& kept, std::string_view address) {
    strings lines;
    REQUIRE(kept.each_of_address(address, [&](const auto& one) {
        lines.push_back(line_of(one));
        return true;
    }));
    return lines;
}
strings foreign(const identities& kept) {
    strings lines;
    REQUIRE(kept.each_foreign([&](const auto& use) {
        lines.push_back(use.account + " " + use.address + " " + std::to_string(use.times) + " " +
                        std::to_string(use.last - now));
        return true;
    }));
    return lines;
}

void check_question(identities& kept) {
    CHECK(ask(kept, jan, post, 'a') == asking::granted);
    CHECK_FALSE(may_use(kept, jan, post));
    CHECK(kept.look(digest('a'), now).value().what == answering::done);
    CHECK_FALSE(may_use(kept, jan, post)); // to look is not to answer
    CHECK(confirm(kept, 'a') == answering::done);
    CHECK(may_use(kept, jan, post));
    CHECK_FALSE(may_use(kept, eva, post));
    CHECK_FALSE(may_use(kept, post, jan));
    CHECK(confirm(kept, 'a') == answering::unknown); // once
    CHECK(kept.look(digest('a'), now).value().what == answering::unknown);
    CHECK(ask(kept, jan, post, 'b', now + 2 * hour) == asking::known);
}

void check_no(identities& kept) {
    CHECK(ask(kept, jan, post, 'a') == asking::granted);
    CHECK(confirm(kept, 'a', false) == answering::done);
    CHECK_FALSE(may_use(kept, jan, post));
    CHECK(of_account(kept, jan) == strings{"jan@firma.cz jan@post.test declined"});
    CHECK(of_address(kept, post).size() == 1);
    CHECK(confirm(kept, 'a') == answering::unknown);
    CHECK_FALSE(kept.revoke(jan, post, now).value());
    CHECK(kept.put({std::string(jan), std::string(post), identity_state::declined, now, 0}).error() ==
          storage_errc::invalid);
}

// What the owner declined isn't learned again; he may be asked again, and think better of it.
void check_declined(identities& kept) {
    const auto learn = [&] {
        const foreign_use one{std::string(jan), std::string(post), true, 1, now};
        return kept.note_foreign(std::span(&one, 1)).value().size();
    };
    CHECK(ask(kept, jan, post, 'a') == asking::granted);
    CHECK(confirm(kept, 'a', false) == answering::done);
    CHECK(learn() == 0);
    CHECK_FALSE(may_use(kept, jan, post));
    CHECK(ask(kept, jan, post, 'b', now + hour) == asking::granted);
    CHECK(learn() == 0); // nor while that question waits
    CHECK(kept.revoke(jan, post, now).value());
    CHECK(confirm(kept, 'b', true, now + hour) == answering::unknown);
    CHECK(ask(kept, jan, post, 'c', now + 2 * hour) == asking::granted);
    CHECK(kept.sweep(now + 30 * day, 0).has_value());
    CHECK(learn() == 0); // nor when it has expired
    CHECK_FALSE(may_use(kept, jan, post));
    CHECK(ask(kept, jan, post, 'd', now + 31 * day) == asking::granted);
    CHECK(confirm(kept, 'd', true, now + 31 * day) == answering::done);
    CHECK(may_use(kept, jan, post));
    CHECK(kept.revoke(jan, post, now).value());
    CHECK(learn() == 0);
    CHECK_FALSE(may_use(kept, jan, post));
    REQUIRE(kept.put({std::string(jan), std::string(post), identity_state::confirmed, now, 0}));
    CHECK(may_use(kept, jan, post));
    CHECK(learn() == 1); // to be told of what it learns, and only now: nothing was learned before
}

void check_forgotten(identities& kept) {
    const auto token = [&](token_purpose purpose, std::string_view account, std::string_view address,
                           char fill) {
        return kept.put_token(about(purpose, account, address), digest(fill));
    };
    for (const auto& [account, from] : {std::pair(jan, 'a'), {std::string_view("jan@firma.cz2"), 'k'}}) {
        const std::string who(account);
        REQUIRE(kept.put({who, "c@x.test", identity_state::confirmed, now, 0}));
        REQUIRE(kept.put({who, "l@x.test", identity_state::learned, now, 0}));
        REQUIRE(kept.put({who, "d@x.test", identity_state::learned, now, 0}));
        REQUIRE(kept.revoke(who, "d@x.test", now).value());
        CHECK(ask(kept, who, who + "q.test", from, now, {3, 1}) == asking::granted);
        CHECK(ask(kept, who, "r@x.test", 'z', now, {3, 1}) == asking::account_limited);
        REQUIRE(token(token_purpose::ask, who, post, static_cast<char>(from + 1)));
        REQUIRE(token(token_purpose::manage, "", who, static_cast<char>(from + 2)));
        const foreign_use use{who, "f@x.test", false, 1, now};
        REQUIRE(kept.note_foreign(std::span(&use, 1)).has_value());
        REQUIRE(kept.mark_told(who, now));
    }
    REQUIRE(kept.put({std::string(eva), "c@x.test", identity_state::confirmed, now, 0}));
    REQUIRE(kept.forget(jan));
    CHECK(of_account(kept, jan).empty());
    CHECK(of_address(kept, "c@x.test").size() == 2); // eva's, and that of the longer name
    CHECK_FALSE(may_use(kept, jan, "c@x.test"));
    CHECK(foreign(kept) == strings{"jan@firma.cz2 f@x.test 1 0"});
    for (const char fill : {'a', 'b', 'c'})
        CHECK(kept.look(digest(fill), now).value().what == answering::unknown);
    for (const char fill : {'k', 'l', 'm'})
        CHECK(kept.look(digest(fill), now).value().what == answering::done);
    const foreign_use again{std::string(jan), "l@x.test", true, 1, now};
    CHECK(kept.note_foreign(std::span(&again, 1)).value().size() == 1); // the next one is told
    CHECK(ask(kept, jan, "r@x.test", 'z', now, {3, 1}) == asking::granted);
    CHECK(of_account(kept, "jan@firma.cz2").size() == 4);
    REQUIRE(kept.forget(std::string(identity_key_max + 1, 'x')));
}

// A mail that can't go out has changed nothing: the allowance and the question before are as they were.
void check_not_sent(identities& kept) {
    CHECK(ask(kept, jan, post, 'a') == asking::granted);
    const auto what = about(token_purpose::confirm, jan, post);
    const auto lost = [] { return false; };
    for (int i = 0; i < 5; ++i)
        CHECK(kept.ask(what, digest('b'), now + hour, {}, lost).value() == asking::not_sent);
    CHECK(kept.look(digest('b'), now).value().what == answering::unknown);
    CHECK(ask(kept, jan, "o@x.test", 'c', now + hour, {3, 2}) == asking::granted);
    CHECK(confirm(kept, 'a') == answering::done);
}

// What anybody may have sent takes nothing from the questions to owners.
void check_purposes(identities& kept) {
    const identity_mail_limits limits{3, 3};
    const auto stranger = [&](token_purpose purpose, std::string_view account, std::string_view address,
                              std::int64_t at) {
        return kept.ask(about(purpose, account, address), digest('s'), at, limits, sent).value();
    };
    for (int i = 0; i < 3; ++i) {
        const auto at = now + i * hour;
        CHECK(stranger(token_purpose::ask, jan, post, at) == asking::granted);
        CHECK(stranger(token_purpose::manage, "", jan, at) == asking::granted);
        CHECK(stranger(token_purpose::manage, "", post, at) == asking::granted);
    }
    const auto at = now + 2 * hour + 1;
    CHECK(stranger(token_purpose::ask, jan, post, at) == asking::address_limited);
    CHECK(stranger(token_purpose::manage, "", post, at) == asking::address_limited);
    CHECK(ask(kept, jan, post, 'a', at, limits) == asking::granted);
    CHECK(ask(kept, eva, jan, 'b', at, limits) == asking::granted);
    CHECK(ask(kept, eva, post, 'c', at, limits) == asking::address_limited);
}

void check_tokens(identities& kept) {
    CHECK(confirm(kept, 'a') == answering::unknown);
    CHECK(ask(kept, jan, post, 'a') == asking::granted);
    CHECK(kept.answer(digest('a'), token_purpose::ask, true, now).value().what == answering::unknown);
    CHECK(kept.answer(digest('a'), token_purpose::manage, true, now).value().what == answering::unknown);
    CHECK(confirm(kept, 'a', true, now + 7 * day) == answering::expired);
    CHECK_FALSE(may_use(kept, jan, post));
    // A second question takes the place of the first.
    CHECK(ask(kept, jan, post, 'b', now + 2 * hour) == asking::granted);
    CHECK(confirm(kept, 'a', true, now + 2 * hour) == answering::unknown);
    // One that was revoked can't be confirmed any more.
    CHECK(kept.revoke(jan, post, now).value());
    CHECK_FALSE(kept.revoke(jan, post, now).value());
    CHECK(confirm(kept, 'b', true, now + 2 * hour) == answering::unknown);
    // Another account's token is of that account.
    CHECK(ask(kept, eva, post, 'c', now + 4 * hour) == asking::granted);
    CHECK(confirm(kept, 'c', true, now + 4 * hour) == answering::done);
    CHECK(of_address(kept, post) ==
          strings{"eva@firma.cz jan@post.test confirmed", "jan@firma.cz jan@post.test declined"});
    REQUIRE(kept.put_token(about(token_purpose::manage, "", post, now + day), digest('m')));
    CHECK(kept.look(digest('m'), now).value().about.purpose == token_purpose::manage);
    CHECK(kept.look(digest('m'), now + hour).value().what == answering::done); // as often as one likes
    CHECK(kept.look(digest('m'), now + day).value().what == answering::expired);
}

void check_mails(identities& kept) {
    const identity_mail_limits limits{3, 4};
    CHECK(ask(kept, jan, post, 'a', now, limits) == asking::granted);
    CHECK(ask(kept, eva, post, 'b', now + hour - 1, limits) == asking::address_limited);
    CHECK(of_account(kept, eva).empty()); // nothing of a refused question stays
    CHECK(ask(kept, eva, post, 'b', now + hour, limits) == asking::granted);
    CHECK(ask(kept, eva, post, 'c', now + 2 * hour, limits) == asking::granted);
    CHECK(ask(kept, eva, post, 'd', now + 3 * hour, limits) == asking::address_limited);
    CHECK(ask(kept, eva, post, 'd', now + day - 1, limits) == asking::address_limited);
    CHECK(ask(kept, eva, "a@x.test", 'e', now + 3 * hour, limits) == asking::granted);
    CHECK(ask(kept, eva, "b@x.test", 'f', now + 3 * hour, limits) == asking::granted);
    CHECK(ask(kept, eva, "c@x.test", 'g', now + 3 * hour, limits) == asking::account_limited);
    CHECK(ask(kept, eva, post, 'h', now + day, limits) == asking::account_limited);
    CHECK(ask(kept, jan, post, 'h', now + day, limits) == asking::granted);
    // A clock that was set back lends no second allowance, and blocks nobody beyond the usual.
    CHECK(ask(kept, jan, post, 'i', now - 30 * day, limits) == asking::address_limited);
    CHECK(ask(kept, jan, "d@x.test", 'i', now - 30 * day, limits) == asking::granted);
    // For the account itself, the mail goes to the account.
    CHECK(kept.ask(about(token_purpose::ask, "u@firma.cz", post), digest('j'), now, limits, sent).value() ==
          asking::granted);
    CHECK(kept.ask(about(token_purpose::ask, "u@firma.cz", "z@x.test"), digest('k'), now + 1, limits, sent)
              .value() == asking::address_limited);
    CHECK(kept.answer(digest('j'), token_purpose::ask, true, now).value().about.address == post);
    CHECK(kept.answer(digest('j'), token_purpose::ask, true, now).value().what == answering::unknown);
}

void check_lists(identities& kept) {
    REQUIRE(kept.put({std::string(jan), "b@x.test", identity_state::confirmed, now, 0}));
    REQUIRE(kept.put({std::string(jan), "a@x.test", identity_state::learned, now, 0}));
    REQUIRE(kept.put({std::string(eva), "a@x.test", identity_state::learned, now, 0}));
    REQUIRE(kept.put({"jan@firma.cz2", "a@x.test", identity_state::learned, now, 0}));
    CHECK(of_account(kept, jan) ==
          strings{"jan@firma.cz a@x.test learned", "jan@firma.cz b@x.test confirmed"});
    CHECK(of_address(kept, "a@x.test") == strings{"eva@firma.cz a@x.test learned",
                                                  "jan@firma.cz a@x.test learned",
                                                  "jan@firma.cz2 a@x.test learned"});
    CHECK(of_account(kept, "").size() == 4);
    CHECK(of_address(kept, "").size() == 4);
    CHECK(of_address(kept, "a@x.tes").empty());
    REQUIRE(kept.put({std::string(jan), "b@x.test", identity_state::learned, now, 0}));
    CHECK(kept.find(jan, "b@x.test").value()->state == identity_state::confirmed);
    REQUIRE(kept.put({std::string(jan), "a@x.test", identity_state::confirmed, now, 0}));
    CHECK(kept.find(jan, "a@x.test").value()->state == identity_state::confirmed);
    CHECK(kept.put({std::string(jan), "c@x.test", identity_state::pending, now, 0}).error() ==
          storage_errc::invalid);
    CHECK(kept.put({"", "c@x.test", identity_state::learned, now, 0}).error() == storage_errc::invalid);
    const std::string too_long(identity_key_max + 1, 'x');
    CHECK(kept.put({too_long, "c@x.test", identity_state::learned, now, 0}).error() == storage_errc::invalid);
    CHECK_FALSE(may_use(kept, too_long, "c@x.test"));
    CHECK_FALSE(may_use(kept, "", ""));
}

void check_foreign(identities& kept) {
    const auto use = [&](std::string_view account, std::string_view address, bool learn,
                         std::int64_t at = now) {
        const foreign_use one{std::string(account), std::string(address), learn, 1, at};
        return kept.note_foreign(std::span(&one, 1)).value();
    };
    CHECK(use(jan, post, false).empty());
    CHECK_FALSE(may_use(kept, jan, post));
    CHECK(use(jan, post, false, now + 5).empty());
    CHECK(foreign(kept) == strings{"jan@firma.cz jan@post.test 2 5"});
    const auto told = use(jan, post, true, now + 4);
    REQUIRE(told.size() == 1);
    CHECK((told.front().account == jan && told.front().address == post));
    CHECK(may_use(kept, jan, post));
    CHECK(foreign(kept) == strings{"jan@firma.cz jan@post.test 3 5"});
    REQUIRE(kept.mark_told(jan, now));
    CHECK(use(jan, "other@x.test", true).empty()); // told once
    CHECK(may_use(kept, jan, "other@x.test"));
    CHECK(use(eva, post, true).size() == 1);
    REQUIRE(kept.put({std::string(jan), "c@x.test", identity_state::confirmed, now, 0}));
    CHECK(use(jan, "c@x.test", true).empty());
    CHECK(kept.find(jan, "c@x.test").value()->state == identity_state::confirmed);
    // A question that waits can still be answered.
    CHECK(ask(kept, jan, "q@x.test", 'q') == asking::granted);
    CHECK(use(jan, "q@x.test", true).empty());
    CHECK(may_use(kept, jan, "q@x.test"));
    CHECK(confirm(kept, 'q', false) == answering::done);
    CHECK_FALSE(may_use(kept, jan, "q@x.test"));
}

void check_bounds(identities& kept) {
    std::vector<foreign_use> uses;
    for (std::size_t i = 0; i < identities_max + 5; ++i)
        uses.push_back({std::string(jan), "a" + std::to_string(i) + "@x.test", true, 1, now});
    CHECK(kept.note_foreign(uses).value().size() == 1);
    CHECK(foreign(kept).size() == identities_max);
    CHECK(of_account(kept, jan).size() == identities_max);
    CHECK(kept.put({std::string(jan), "more@x.test", identity_state::confirmed, now, 0}).error() ==
          storage_errc::too_large);
    CHECK(kept.ask(about(token_purpose::confirm, jan, "more@x.test"), digest('a'), now, {}, sent).error() ==
          storage_errc::too_large);
    CHECK(ask(kept, eva, "more@x.test", 'a') == asking::granted);
}

void check_sweep(identities& kept) {
    CHECK(ask(kept, jan, post, 'a') == asking::granted);
    CHECK(ask(kept, jan, "b@x.test", 'b', now + hour) == asking::granted);
    CHECK(ask(kept, eva, "b@x.test", 'c', now + 3 * hour) == asking::granted);
    CHECK(confirm(kept, 'b') == answering::done);
    const std::vector<foreign_use> uses{{std::string(jan), "x@x.test", false, 1, now},
                                        {std::string(eva), "x@x.test", false, 1, now + 9}};
    REQUIRE(kept.note_foreign(uses).has_value());
    CHECK(kept.sweep(now, now).value() == 0);
    CHECK(kept.sweep(now + 7 * day, now + 1).value() == 6); // question, its foreign use, four counts of mails
    CHECK(of_account(kept, "") == strings{"eva@firma.cz b@x.test asked", "jan@firma.cz b@x.test confirmed"});
    CHECK(foreign(kept) == strings{"eva@firma.cz x@x.test 1 9"});
    CHECK(confirm(kept, 'a') == answering::unknown);
    CHECK(confirm(kept, 'c') == answering::done);
}

} // namespace

void check_identities_contract(identities& kept) {
    SECTION("a question that is answered yes is confirmed, once, for one account") { check_question(kept); }
    SECTION("a question that is answered no leaves that it was declined") { check_no(kept); }
    SECTION("what was declined isn't learned again") { check_declined(kept); }
    SECTION("a mail that can't go out has changed nothing") { check_not_sent(kept); }
    SECTION("mails of each purpose count for themselves") { check_purposes(kept); }
    SECTION("of an account that is forgotten nothing stays") { check_forgotten(kept); }
    SECTION("a token is of one purpose, expires, and dies with its question") { check_tokens(kept); }
    SECTION("mails are limited by address and account") { check_mails(kept); }
    SECTION("lists by account and by address") { check_lists(kept); }
    SECTION("foreign senders are counted and learned, and an account is told once") { check_foreign(kept); }
    SECTION("an account has a bounded number of them") { check_bounds(kept); }
    SECTION("what has expired is swept") { check_sweep(kept); }
}

TEST_CASE("the identities in LMDB keep the contract", "[identities]") {
    const temporary_folder folder;
    const auto kept = open_lmdb_identities(open_accounts(folder.path()).value());
    REQUIRE(kept.has_value());
    check_identities_contract(**kept);
}

TEST_CASE("the identities stand beside the accounts and outlive the process", "[identities]") {
    const temporary_folder folder;
    {
        const auto accounts = open_accounts(folder.path()).value();
        const auto who = open_lmdb_directory(accounts).value();
        const auto kept = open_lmdb_identities(accounts).value();
        REQUIRE(ask(*kept, jan, post, 'a') == asking::granted);
    }
    const auto kept = open_lmdb_identities(open_accounts(folder.path()).value()).value();
    CHECK(confirm(*kept, 'a') == answering::done);
    CHECK(may_use(*kept, jan, post));
}

TEST_CASE("any octets are a record, corrupt or of a newer format", "[identities]") {
    const kept_identity one{{"a@b", "c@d", identity_state::pending, -1, 7}, digest('x')};
    const auto key = pair_key("a@b", "c@d");
    const auto value = encode_identity(one);
    const auto back = decode_identity(key, value).value();
    CHECK((back.record.created == -1 && back.record.expires == 7 && same_digest(back.digest, one.digest)));
    CHECK(decode_identity("a@b", value).error() == storage_errc::corrupt);
    CHECK(decode_identity(key, value.substr(1)).error() != storage_errc::invalid);
    CHECK(decode_identity(key, value + "x").error() == storage_errc::corrupt);
    CHECK(decode_identity(key, "").error() == storage_errc::corrupt);
    std::string newer = value;
    newer[0] = 2;
    CHECK(decode_identity(key, newer).error() == storage_errc::newer_format);
    const auto token = encode_token({token_purpose::manage, "", "c@d", 9});
    CHECK(decode_token(token).value().address == "c@d");
    CHECK(decode_token(token.substr(0, 11)).error() == storage_errc::corrupt);
    CHECK(decode_token(std::string(1, '\2')).error() == storage_errc::newer_format);
    CHECK(decode_use(key, encode_use({"a@b", "c@d", false, 3, 4})).value().times == 3);
    CHECK(decode_use(key, "\1").error() == storage_errc::corrupt);
    CHECK(decode_times("1234567").error() == storage_errc::corrupt);
    CHECK_FALSE(same_digest(digest('a'), digest('b')));
}

} // namespace postern::testing
