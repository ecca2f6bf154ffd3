// The page that mail clients read, by the requests that they make.
#include "server/admin/autoconfig_page.hpp"

#include "tests/unit/policy/publishing/bench.hpp"

#include <cstdlib>
#include <filesystem>

using namespace postern;
using namespace postern::server;

namespace {

constexpr auto well_known = "/.well-known/autoconfig/mail/config-v1.1.xml";
constexpr auto short_path = "/mail/config-v1.1.xml";

class hosted {
  public:
    hosted() {
        char form[] = "/tmp/postern-autoconfig-XXXXXX";
        folder_ = ::mkdtemp(form);
        auto opened = storage::open_lmdb_directory(folder_);
        REQUIRE(opened);
        accounts = std::move(*opened);
        REQUIRE(accounts->put_domain({.name = "firma.cz", .tier = "", .alias_of = ""}));
        REQUIRE(accounts->put_domain({.name = "firma.eu", .tier = "", .alias_of = "firma.cz"}));
        REQUIRE(accounts->put_domain({.name = "xn--bcher-kva.example", .tier = "", .alias_of = ""}));
    }
    ~hosted() {
        accounts.reset();
        std::filesystem::remove_all(folder_);
    }
    hosted(const hosted&) = delete;
    hosted& operator=(const hosted&) = delete;

    // The domain and the login that are told; the status where there is no page.
    std::string ask(const std::string& path, const std::string& query, const std::string& host) const {
        http_request request;
        request.path = path;
        request.query = query;
        request.host = host;
        const auto answer = autoconfig_answer(request, config, *accounts);
        if (!answer) return "not mine";
        if (answer->status != 200) return std::to_string(answer->status);
        CHECK(answer->content_type == "text/xml; charset=utf-8");
        return between(answer->body, "<domain>", "</domain>") + " " +
               between(answer->body, "<username>", "</username>");
    }

    conf::config config = test::configured();
    std::unique_ptr<storage::directory> accounts;

  private:
    static std::string between(const std::string& text, const std::string& begin, const std::string& end) {
        const auto at = text.find(begin);
        REQUIRE(at != std::string::npos);
        const auto from = at + begin.size();
        return text.substr(from, text.find(end, from) - from);
    }
    std::string folder_;
};

} // namespace

TEST_CASE("a client is told of its domain by address or by host, and of no other") {
    const hosted with;
    const std::string firma = "firma.cz %EMAILADDRESS%", books = "xn--bcher-kva.example %EMAILADDRESS%";
    const struct {
        std::string path, query, host, told;
    } rows[] = {
        {short_path, "emailaddress=jan@firma.cz", "autoconfig.firma.cz", firma},
        {well_known, "", "firma.cz", firma},
        {well_known, "", "FIRMA.cz:443", firma},
        {short_path, "", "autoconfig.firma.cz", firma},
        {short_path, "emailaddress=jan%40firma.cz", "x.test", firma},
        {short_path, "a=b&emailaddress=jan.novak%2Bnews@Firma.CZ&c", "", firma},
        {short_path, "emailaddress=%22a%40b%22%40firma.cz", "", firma},
        {short_path, "emailaddress=", "autoconfig.firma.cz", firma},
        {short_path, "emailaddress=jan@firma.eu", "autoconfig.firma.cz",
         "firma.eu %EMAILLOCALPART%@firma.cz"},
        {short_path, "emailaddress=jan@b%C3%BCcher.example", "", books},
        {short_path, "", "autoconfig.xn--bcher-kva.example", books},
        {short_path, "emailaddress=jan@elsewhere.test", "autoconfig.firma.cz", "404"},
        {short_path, "emailaddress=jan", "autoconfig.firma.cz", "404"},
        {short_path, "emailaddress=jan@", "autoconfig.firma.cz", "404"},
        {short_path, "emailaddress=jan@firma.cz%00", "", "404"},
        {short_path, "", "mail.firma.cz", "404"},
        {short_path, "", "autoconfig.autoconfig.firma.cz", "404"},
        {short_path, "", "", "404"},
        {short_path, "", "127.0.0.1:8025", "404"},
        {short_path, "", "[::1]:8025", "404"},
        {short_path, "", std::string(5000, 'a'), "404"},
        {"/mail/config-v1.1.xml/", "", "firma.cz", "not mine"},
        {"/", "emailaddress=jan@firma.cz", "firma.cz", "not mine"},
        {"/autodiscover/autodiscover.xml", "", "firma.cz", "not mine"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.path, row.query, row.host);
        CHECK(with.ask(row.path, row.query, row.host) == row.told);
    }
}
