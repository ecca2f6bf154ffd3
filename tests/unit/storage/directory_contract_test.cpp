#include "tests/contract/directory_contract.hpp"
#include "tests/support/memory_directory.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {
namespace {

using storage::storage_errc;
using strings = std::vector<std::string>;

strings domains_of(const storage::directory& accounts) {
    strings names;
    REQUIRE(accounts.each_domain([&](const auto& record) {
        names.push_back(record.name);
        return true;
    }));
    return names;
}

strings mailboxes_of(const storage::directory& accounts) {
    strings addresses;
    REQUIRE(accounts.each_mailbox([&](const auto& record) {
        addresses.push_back(record.address);
        return true;
    }));
    return addresses;
}

strings aliases_of(const storage::directory& accounts, std::string_view address) {
    strings rows;
    REQUIRE(accounts.each_alias(address, [&](std::string_view from, std::string_view to) {
        rows.push_back(std::string(from) + ">" + std::string(to));
        return true;
    }));
    return rows;
}

void add(storage::directory& accounts, const std::string& address, const strings& targets) {
    REQUIRE(accounts.add_alias(address, targets));
}

void check_domains(storage::directory& accounts) {
    const auto absent = accounts.find_domain("f.test");
    REQUIRE(absent.has_value());
    CHECK_FALSE(absent->has_value());

    REQUIRE(accounts.put_domain({"f.test", "c", ""}));
    REQUIRE(accounts.put_domain({"a.test", "", "f.test"}));
    const auto found = accounts.find_domain("a.test");
    REQUIRE(found.has_value());
    REQUIRE(found->has_value());
    CHECK((*found)->name == "a.test");
    CHECK((*found)->alias_of == "f.test");
    CHECK((*accounts.find_domain("f.test"))->tier == "c");
    CHECK(domains_of(accounts) == strings{"a.test", "f.test"});

    REQUIRE(accounts.put_domain({"f.test", "", ""})); // replaces
    CHECK((*accounts.find_domain("f.test"))->tier.empty());
    CHECK(accounts.remove_domain("f.test").value());
    CHECK_FALSE(accounts.remove_domain("f.test").value());
    CHECK(domains_of(accounts) == strings{"a.test"});
}

void check_mailboxes(storage::directory& accounts) {
    const storage::mailbox_record kept{"u@f.test", std::uint64_t{1} << 63, false, "$y$j9T$x", -7, {"Buy now"},
                                       true};
    REQUIRE(accounts.put_mailbox(kept));
    REQUIRE(accounts.put_mailbox({"a@f.test", 0, true, "", 1700000000}));
    const auto found = accounts.find_mailbox("u@f.test");
    REQUIRE(found.has_value());
    REQUIRE(found->has_value());
    CHECK((*found)->address == kept.address);
    CHECK((*found)->quota == kept.quota);
    CHECK((*found)->antispam == kept.antispam);
    CHECK((*found)->password == kept.password);
    CHECK((*found)->created == kept.created);
    CHECK_FALSE(accounts.find_mailbox("U@f.test").value().has_value()); // the caller folds
    CHECK(mailboxes_of(accounts) == strings{"a@f.test", "u@f.test"});
    CHECK(accounts.remove_mailbox("u@f.test").value());
    CHECK_FALSE(accounts.remove_mailbox("u@f.test").value());
}

void check_aliases(storage::directory& accounts) {
    CHECK(accounts.find_alias("team@f.test", 10).value().empty());
    add(accounts, "team@f.test", {"c@f.test", "a@f.test"});
    add(accounts, "team@f.test", {"b@f.test", "a@f.test"}); // one of them again
    add(accounts, "team@f.tes", {"x@f.test"});              // a prefix of the other's key
    add(accounts, "team@f.test2", {"y@f.test"});
    CHECK(accounts.find_alias("team@f.test", 10).value() == strings{"a@f.test", "b@f.test", "c@f.test"});
    CHECK(accounts.find_alias("team@f.test", 1).value().size() == 2);
    CHECK(accounts.find_alias("team@f.test", 0).value().size() == 1);
    CHECK(aliases_of(accounts, "team@f.tes") == strings{"team@f.tes>x@f.test"});
    CHECK(aliases_of(accounts, "team@f.te").empty());
    CHECK(aliases_of(accounts, "").size() == 5);

    const strings two{"a@f.test", "nobody@f.test"};
    CHECK(accounts.remove_alias("team@f.test", two).value() == 1);
    CHECK(accounts.remove_alias("team@f.test", {}).value() == 2);
    CHECK(accounts.remove_alias("team@f.test", {}).value() == 0);
    CHECK(accounts.find_alias("team@f.test", 10).value().empty());
    CHECK(aliases_of(accounts, "").size() == 2);
}

void check_limits(storage::directory& accounts) {
    const std::string longest(storage::directory_key_max, 'a');
    const std::string longer(storage::directory_key_max + 1, 'a');
    const std::string half(storage::alias_key_max / 2, 'a');
    REQUIRE(accounts.put_domain({longest, "", ""}));
    CHECK(accounts.find_domain(longest).value().has_value());
    add(accounts, half, {half});
    CHECK(accounts.find_alias(half, 5).value() == strings{half});
    CHECK(accounts.add_alias(half, strings{half + 'a'}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias("a@f.test", strings{std::string("b\0c", 3)}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias(std::string("b\0c", 3), strings{"a@f.test"}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias(longer, strings{"a@f.test"}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias("a@f.test", strings{longer}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias("a@f.test", strings{""}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias("a@f.test", {}).error() == storage_errc::invalid);
    CHECK(accounts.add_alias("", strings{"a@f.test"}).error() == storage_errc::invalid);
    CHECK(accounts.put_mailbox({longer, 0, true, "", 0}).error() == storage_errc::invalid);
    CHECK(accounts.put_mailbox({"", 0, true, "", 0}).error() == storage_errc::invalid);
    CHECK(accounts.put_domain({longer, "", ""}).error() == storage_errc::invalid);
    CHECK_FALSE(accounts.find_mailbox(longer).value().has_value()); // nobody by that name, and no trouble
    CHECK_FALSE(accounts.find_mailbox("").value().has_value());
    CHECK_FALSE(accounts.find_domain("").value().has_value());
    CHECK(accounts.find_alias(longer, 5).value().empty());
    CHECK(accounts.find_alias("", 5).value().empty());
    CHECK_FALSE(accounts.remove_domain(longer).value());
    CHECK_FALSE(accounts.remove_mailbox("").value());
    CHECK(accounts.remove_alias(longer, {}).value() == 0);
    CHECK(aliases_of(accounts, longer).empty());
}

void check_batches(storage::directory& accounts) {
    const std::vector<storage::alias_record> good{{"b@f.test", "x@f.test"}, {"a@f.test", "y@f.test"}};
    REQUIRE(accounts.add_aliases(good));
    CHECK(aliases_of(accounts, "") == strings{"a@f.test>y@f.test", "b@f.test>x@f.test"});
    const std::vector<storage::alias_record> spoiled{{"c@f.test", "x@f.test"}, {"d@f.test", ""}};
    CHECK(accounts.add_aliases(spoiled).error() == storage_errc::invalid);
    CHECK(accounts.find_alias("c@f.test", 5).value().empty()); // all or nothing
}

void check_early_stop(storage::directory& accounts) {
    REQUIRE(accounts.put_domain({"a.test", "", ""}));
    REQUIRE(accounts.put_domain({"b.test", "", ""}));
    int seen = 0;
    REQUIRE(accounts.each_domain([&](const auto&) {
        ++seen;
        return false;
    }));
    CHECK(seen == 1);
}

void check_back_ways(storage::directory& accounts) {
    REQUIRE(accounts.put_domain({"f.test", "", ""}));
    REQUIRE(accounts.put_domain({"e.test", "", "f.test"}));
    REQUIRE(accounts.put_domain({"d.test", "", "f.test"}));
    CHECK(accounts.alias_domains_of("f.test", 9).value() == strings{"d.test", "e.test"});
    CHECK(accounts.alias_domains_of("f.test", 1).value() == strings{"d.test"});
    CHECK(accounts.alias_domains_of("f.tes", 9).value().empty());
    REQUIRE(accounts.put_domain({"d.test", "", "e.test"}));
    CHECK(accounts.alias_domains_of("f.test", 9).value() == strings{"e.test"});
    CHECK(accounts.remove_domain("e.test").value());
    CHECK(accounts.alias_domains_of("f.test", 9).value().empty());
    CHECK(accounts.alias_domains_of("e.test", 9).value() == strings{"d.test"});

    add(accounts, "all@f.test", {"U@f.test", "v@f.test", "x@out.test"});
    add(accounts, "u2@f.test", {"u@f.test"});
    CHECK(accounts.aliases_to("u@f.test", 9).value() == strings{"all@f.test", "u2@f.test"});
    CHECK(accounts.aliases_to("u@f.test", 1).value().size() == 1);
    CHECK(accounts.aliases_to("x@out.test", 9).value() == strings{"all@f.test"});
    CHECK(accounts.aliases_to("u@f.tes", 9).value().empty());
    const strings gone{"U@f.test"};
    CHECK(accounts.remove_alias("all@f.test", gone).value() == 1);
    CHECK(accounts.aliases_to("u@f.test", 9).value() == strings{"u2@f.test"});
    CHECK(accounts.remove_alias("all@f.test", {}).value() == 2);
    CHECK(accounts.aliases_to("v@f.test", 9).value().empty());
}

} // namespace

void check_directory_contract(storage::directory& accounts) {
    SECTION("domains are found, listed in order, replaced and removed") { check_domains(accounts); }
    SECTION("a mailbox keeps every field") { check_mailboxes(accounts); }
    SECTION("an alias has its own targets only, sorted, each once") { check_aliases(accounts); }
    SECTION("too long or empty is invalid to store and absent to find") { check_limits(accounts); }
    SECTION("a batch is stored whole or not at all") { check_batches(accounts); }
    SECTION("a visitor that has seen enough is not called again") { check_early_stop(accounts); }
    SECTION("from a target to its aliases, from a domain to its other names") { check_back_ways(accounts); }
}

TEST_CASE("the directory in memory keeps the contract", "[directory]") {
    memory_directory accounts;
    check_directory_contract(accounts);
}

TEST_CASE("the directory in LMDB keeps the contract", "[directory]") {
    const temporary_folder folder;
    const auto accounts = storage::open_lmdb_directory(folder.path());
    REQUIRE(accounts.has_value());
    check_directory_contract(**accounts);
}

} // namespace postern::testing
