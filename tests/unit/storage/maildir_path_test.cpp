#include "storage/maildir.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

using namespace postern::storage;

namespace {

constexpr const char* usual = "/var/mail/{domain}/{local}";

std::size_t longest_component(std::string_view path) {
    std::size_t longest = 0;
    for (const auto& part : std::filesystem::path(path)) longest = std::max(longest, part.string().size());
    return longest;
}

} // namespace

TEST_CASE("a local part can't leave its folder, hide in it or share another's", "[maildir]") {
    const struct {
        std::string local;
        const char* expected;
    } rows[] = {
        {"u", "/var/mail/d.test/u"},
        {"..", "/var/mail/d.test/%2E."},
        {".", "/var/mail/d.test/%2E"},
        {".hidden", "/var/mail/d.test/%2Ehidden"},
        {"../../x", "/var/mail/d.test/%2E.%2F..%2Fx"},
        {"/etc/passwd", "/var/mail/d.test/%2Fetc%2Fpasswd"},
        {"a.b", "/var/mail/d.test/a.b"},
        {"%2F", "/var/mail/d.test/%252F"},
        {std::string("a\0b", 3), "/var/mail/d.test/a%00b"},
        {"a\r\nb\x7f", "/var/mail/d.test/a%0D%0Ab%7F"},
        {"", "/var/mail/d.test/%"},
        {"%", "/var/mail/d.test/%25"},
        {"{domain}", "/var/mail/d.test/{domain}"},
        {"u ser|sh;$(x)", "/var/mail/d.test/u ser|sh;$(x)"},
        {"\xc3\xbc", "/var/mail/d.test/\xc3\xbc"},
    };
    for (const auto& row : rows) CHECK(maildir_path(usual, row.local, "d.test") == row.expected);
}

TEST_CASE("a domain is encoded as well", "[maildir]") {
    CHECK(maildir_path(usual, "u", "..") == "/var/mail/%2E./u");
    CHECK(maildir_path(usual, "u", "a/b") == "/var/mail/a%2Fb/u");
}

TEST_CASE("the base ends before the first folder that depends on the address", "[maildir]") {
    const struct {
        const char* path_template;
        const char* base;
        const char* relative;
    } rows[] = {
        {usual, "/var/mail", "d.test/u"},
        {"/var/mail/{domain}/{local}/", "/var/mail", "d.test/u"},
        {"/srv//vm-{domain}/{local}/Maildir", "/srv", "vm-d.test/u/Maildir"},
        {"/{local}@{domain}", "/", "u@d.test"},
        {"mail/{local}", "mail", "u"},
        {"{local}", ".", "u"},
        {"/var/mail/all", "/var/mail", "all"},
        {"/var/mail/{user}/{local}", "/var/mail/{user}", "u"},
    };
    for (const auto& row : rows) {
        INFO(row.path_template);
        const auto target = maildir_target_for(row.path_template, "u", "d.test", 42);
        CHECK(target.base == row.base);
        CHECK(target.relative == row.relative);
        CHECK(target.quota == 42);
    }
    CHECK(maildir_path("/{local}@{domain}", "u", "d.test") == "/u@d.test");
}

TEST_CASE("a name too long for a folder goes on below it, apart from all others", "[maildir]") {
    std::set<std::string> paths;
    for (const std::size_t length : {254U, 255U, 256U, 257U, 508U, 509U, 2000U}) {
        for (const char c : {'a', '/', '.', '%'}) {
            const auto path = maildir_path("/m/{local}", std::string(length, c), "d.test");
            INFO(path);
            CHECK(longest_component(path) <= 255);
            CHECK(path.find("/../") == std::string::npos);
            CHECK_FALSE(path.ends_with("/.."));
            CHECK(paths.insert(path).second);
        }
    }
    // What follows a cut may be "..".
    const auto dots = maildir_path("/m/{local}", std::string(253, 'a') + "...", "d.test");
    CHECK(dots == "/m/" + std::string(253, 'a') + "%+/%+...");
}
