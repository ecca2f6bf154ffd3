#include "storage/lmdb.hpp"
#include "storage/tables/directory.hpp"
#include "tests/contract/rules_contract.hpp"
#include "tests/support/memory_rules.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {
namespace {

using namespace storage;
using strings = std::vector<std::string>;

constexpr auto allow = kept_action::allow;
constexpr auto deny = kept_action::deny;

std::string line_of(const rule_record& record) {
    return record.mailbox + (record.action == allow ? "+" : "-") + record.pattern;
}

strings lines_of(const rules& kept, std::string_view mailbox) {
    strings lines;
    REQUIRE(kept.each(mailbox, [&](const auto& record) {
        lines.push_back(line_of(record));
        return true;
    }));
    return lines;
}

strings all_lines(const rules& kept) {
    strings lines;
    REQUIRE(kept.each_scope([&](const auto& record) {
        lines.push_back(line_of(record));
        return true;
    }));
    return lines;
}

void put(rules& kept, const std::vector<rule_record>& records) { REQUIRE(kept.put(records)); }

void check_scopes(rules& kept) {
    CHECK(all_lines(kept).empty());
    put(kept, {{"u@f.test", deny, "@b.test", 7},
               {"", deny, "@b.test", 8},
               {"u@f.test2", allow, "c.test", 9},
               {"u@f.test", allow, "192.0.2.1", -1}});
    CHECK(lines_of(kept, "") == strings{"-@b.test"});
    CHECK(lines_of(kept, "u@f.test") == strings{"u@f.test+192.0.2.1", "u@f.test-@b.test"});
    CHECK(lines_of(kept, "u@f.tes").empty());
    CHECK(all_lines(kept) ==
          strings{"-@b.test", "u@f.test+192.0.2.1", "u@f.test-@b.test", "u@f.test2+c.test"});
    std::vector<std::int64_t> times;
    REQUIRE(kept.each("u@f.test", [&](const auto& record) {
        times.push_back(record.created);
        return true;
    }));
    CHECK(times == std::vector<std::int64_t>{-1, 7});
}

void check_replacing(rules& kept) {
    put(kept, {{"", deny, "@b.test", 1}});
    put(kept, {{"", allow, "@b.test", 2}});
    CHECK(lines_of(kept, "") == strings{"+@b.test"});
    CHECK(kept.remove("", "@b.test").value());
    CHECK_FALSE(kept.remove("", "@b.test").value());
    CHECK_FALSE(kept.remove("nobody@f.test", "@b.test").value());
    CHECK(all_lines(kept).empty());
}

void check_removing_all(rules& kept) {
    put(kept, {{"u@f.test", deny, "a", 0}, {"u@f.test", deny, "b", 0}, {"u@f.test2", deny, "a", 0}});
    CHECK(kept.remove_all("u@f.test").value() == 2);
    CHECK(kept.remove_all("u@f.test").value() == 0);
    CHECK(all_lines(kept) == strings{"u@f.test2-a"});
}

void check_versions(rules& kept) {
    std::vector<std::uint64_t> seen{0};
    const auto changes = [&](bool expected) {
        const auto version = kept.version("u@f.test").value();
        const bool is_new = std::find(seen.begin(), seen.end(), version) == seen.end();
        CHECK(is_new == expected);
        if (is_new) seen.push_back(version);
        CHECK(kept.each("u@f.test", [](const auto&) { return true; }).value() == version);
    };
    CHECK(kept.version("u@f.test").value() == 0);
    put(kept, {{"u@f.test", deny, "a", 0}});
    changes(true);
    put(kept, {{"u@f.test", allow, "a", 0}});
    changes(true);
    put(kept, {{"", deny, "a", 0}, {"v@f.test", deny, "a", 0}});
    changes(false);
    CHECK_FALSE(kept.remove("u@f.test", "b").value());
    changes(false);
    CHECK(kept.remove("u@f.test", "a").value());
    changes(true);
    put(kept, {{"u@f.test", deny, "a", 0}});
    changes(true);
    CHECK(kept.remove_all("u@f.test").value() == 1);
    changes(true);
    put(kept, {{"u@f.test", deny, "a", 0}});
    changes(true);
    CHECK(kept.version("").value() != 0);
}

void check_limits(rules& kept) {
    const std::string mailbox(rule_mailbox_max, 'm');
    const std::string pattern(rule_text_max, 'p');
    put(kept, {{mailbox, deny, pattern, 0}});
    CHECK(lines_of(kept, mailbox) == strings{mailbox + "-" + pattern});
    CHECK(kept.remove(mailbox, pattern).value());
    const std::vector<rule_record> spoiled{{mailbox + 'm', deny, "a", 0},
                                           {mailbox, deny, pattern + 'p', 0},
                                           {"u@f.test", deny, "", 0},
                                           {"u@f.test", deny, std::string("a\0b", 3), 0},
                                           {std::string("u\0", 2), deny, "a", 0}};
    for (const auto& record : spoiled) {
        const std::vector<rule_record> two{{"u@f.test", deny, "good", 0}, record};
        CHECK(kept.put(two).error() == storage_errc::invalid);
        CHECK_FALSE(kept.remove(record.mailbox, record.pattern).value());
    }
    CHECK(all_lines(kept).empty()); // all or nothing
    CHECK(kept.version(mailbox + 'm').value() == 0);
    CHECK(lines_of(kept, mailbox + 'm').empty());
    CHECK(kept.remove_all(mailbox + 'm').value() == 0);
}

void check_counts(rules& kept) {
    std::vector<rule_record> records;
    for (std::size_t i = 0; i < mailbox_rules_max; ++i)
        records.push_back({"u@f.test", deny, std::to_string(i), 0});
    put(kept, records);
    put(kept, {{"u@f.test", allow, "7", 0}}); // one of them
    const std::vector<rule_record> more{{"u@f.test", deny, "more", 0}};
    CHECK(kept.put(more).error() == storage_errc::too_large);
    put(kept, {{"v@f.test", deny, "more", 0}, {"", deny, "more", 0}});
    CHECK(kept.remove("u@f.test", "7").value());
    put(kept, more);
    CHECK(kept.remove_all("u@f.test").value() == mailbox_rules_max);
    put(kept, more);
    for (auto& record : records) record.mailbox.clear();
    put(kept, records); // the server may have more
}

void check_early_stop(rules& kept) {
    put(kept, {{"", deny, "a", 0}, {"", deny, "b", 0}});
    int seen = 0;
    const auto stop = [&](const auto&) {
        ++seen;
        return false;
    };
    REQUIRE(kept.each("", stop));
    REQUIRE(kept.each_scope(stop));
    CHECK(seen == 2);
}

} // namespace

void check_rules_contract(rules& kept) {
    SECTION("each scope has its own rules only, in order") { check_scopes(kept); }
    SECTION("a pattern has one action in a scope, the last one") { check_replacing(kept); }
    SECTION("a scope's rules go at once, and no other's") { check_removing_all(kept); }
    SECTION("a scope's version changes with its rules, and never comes again") { check_versions(kept); }
    SECTION("what can't be a rule is invalid to store and absent to find") { check_limits(kept); }
    SECTION("a mailbox can't have more rules than its limit") { check_counts(kept); }
    SECTION("a visitor that has seen enough is not called again") { check_early_stop(kept); }
}

TEST_CASE("the rules in memory keep the contract", "[rules]") {
    memory_rules kept;
    check_rules_contract(kept);
}

TEST_CASE("the rules in LMDB keep the contract", "[rules]") {
    const temporary_folder folder;
    const auto kept = open_lmdb_rules(open_accounts(folder.path()).value());
    REQUIRE(kept.has_value());
    check_rules_contract(**kept);
}

TEST_CASE("rules and accounts share one environment and outlive it", "[rules]") {
    const temporary_folder folder;
    {
        const auto accounts = open_accounts(folder.path()).value();
        const auto who = open_lmdb_directory(accounts).value();
        const auto kept = open_lmdb_rules(accounts).value();
        REQUIRE(who->put_mailbox({"u@f.test", 7, true, "", 0}));
        put(*kept, {{"u@f.test", deny, "@b.test", 1}});
    }
    const auto accounts = open_accounts(folder.path()).value();
    const auto kept = open_lmdb_rules(accounts).value();
    const auto who = open_lmdb_directory(accounts).value();
    CHECK(lines_of(*kept, "u@f.test") == strings{"u@f.test-@b.test"});
    CHECK(who->find_mailbox("u@f.test").value()->quota == 7);
}

TEST_CASE("a damaged rule is an error, not an absent one, and can be removed", "[rules]") {
    const struct {
        std::string value;
        storage_errc error;
    } rows[] = {{"", storage_errc::corrupt},
                {std::string("\0\1", 2), storage_errc::corrupt},
                {"\1\1", storage_errc::corrupt},
                {"\1\3........", storage_errc::corrupt},
                {"\2\1........", storage_errc::newer_format}};
    for (const auto& row : rows) {
        const temporary_folder folder;
        const auto accounts = open_accounts(folder.path()).value();
        const auto kept = open_lmdb_rules(accounts).value();
        auto within = accounts->begin_write().value();
        const auto table = within.open_table("rules", lmdb::when_absent::fail).value();
        REQUIRE(within.put(table, std::string("u@f.test\0a", 10), row.value, lmdb::put_mode::replace));
        REQUIRE(within.commit());
        const auto visit = [](const auto&) { return true; };
        CHECK(kept->each("u@f.test", visit).error() == row.error);
        CHECK(kept->each_scope(visit).error() == row.error);
        CHECK(kept->remove_all("u@f.test").value() == 1);
        CHECK(lines_of(*kept, "u@f.test").empty());
    }
}

} // namespace postern::testing
