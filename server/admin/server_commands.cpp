// postern check, reload, status: the configuration, and the server that runs with it.
#include "server/admin/ask_server.hpp"
#include "server/admin/handlers.hpp"
#include "server/admin/named_things.hpp"
#include "server/admin/status_report.hpp"
#include "server/admin/support.hpp"
#include "server/scanning/program.hpp"
#include "server/smarthost_login.hpp"

#include "conf/load.hpp"
#include "policy/spam/terms.hpp"
#include "storage/maildir.hpp"
#include "tls/server_contexts.hpp"

#include <boost/json/value.hpp>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <ostream>
#include <unistd.h>

namespace postern::server {

namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text;
    for (char c = 0; text.size() < conf::config_file_max && file.get(c);) text += c;
    return text;
}

// Findings about what the configuration names, each with the place of its key.
class named_things {
  public:
    named_things(const conf::config& settings, const std::string& file)
        : settings_(settings), file_(file), text_(read_text(file)) {}

    std::vector<conf::finding> check() {
        check_certificates();
        check_login();
        check_state_folder();
        check_mail_folder();
        check_signatures();
        check_user();
        check_signs();
        return std::move(findings_);
    }

  private:
    void add(conf::finding::weight how, std::string_view key, std::string problem) {
        auto& found = findings_.emplace_back(conf::locate(text_, file_, key));
        found.how = how;
        found.problem = std::move(problem);
    }

    void check_signs() {
        for (const auto& name : policy::spam::unknown_signs(settings_.spam))
            add(conf::finding::weight::warning, "spam.weight." + name,
                "is the name of no sign, and has no effect; docs/antispam.md has them all");
    }

    void check_certificates() {
        if (settings_.tls.certificates.empty()) return; // the server makes one of its own
        const as_service_user reader(settings_.server); // whoever is unknown is reported elsewhere
        std::vector<tls::certificate_problem> problems;
        tls::server_contexts::load(settings_.tls, {}, std::time(nullptr), problems);
        for (auto& problem : problems)
            add(conf::finding::weight::error, problem.key, std::move(problem.problem));
    }

    void check_login() {
        const as_service_user reader(settings_.server);
        auto login = read_smarthost_login(settings_.relay);
        if (!login.problem.empty())
            add(conf::finding::weight::error, login_file_key, std::move(login.problem));
        if (!login.remark.empty())
            add(conf::finding::weight::warning, login_file_key, std::move(login.remark));
    }

    void check_state_folder() {
        const std::filesystem::path folder = settings_.server.state_dir;
        std::error_code failure;
        const bool exists = std::filesystem::exists(folder, failure);
        if (exists && !std::filesystem::is_directory(folder, failure))
            return add(conf::finding::weight::error, "server.state_dir",
                       fmt::format("{} is not a folder", folder.string()));
        const std::string needed = exists ? folder.string() : folder.parent_path().string();
        if (!exists && !std::filesystem::is_directory(needed, failure))
            return add(conf::finding::weight::warning, "server.state_dir",
                       fmt::format("the folder {} does not exist", needed));
        if (::access(needed.c_str(), W_OK | X_OK) != 0)
            add(conf::finding::weight::warning, "server.state_dir",
                fmt::format("{} can't be written by this user", needed));
    }

    // Below this folder Maildirs are made as mail comes; the folder itself never is.
    void check_mail_folder() {
        const auto any = storage::maildir_target_for(settings_.local.maildir, "local", "domain.test", 0);
        std::error_code failure;
        if (std::filesystem::is_directory(any.base, failure)) return;
        add(conf::finding::weight::warning, "local.maildir",
            fmt::format("the folder {} does not exist: no mail can be delivered", any.base));
    }

    void check_signatures() {
        if (auto problem = scanning::antivirus_problem(settings_, {}); !problem.empty())
            add(conf::finding::weight::error, "antivirus.database", std::move(problem));
    }

    void check_user() {
        if (settings_.server.user.empty() || find_user(settings_.server.user)) return;
        const auto how = ::geteuid() == 0 ? conf::finding::weight::error : conf::finding::weight::warning;
        add(how, "server.user",
            fmt::format("there is no user {}; \"\" keeps the one that starts the server",
                        settings_.server.user));
    }

    const conf::config& settings_; // the caller's, as is file_
    const std::string& file_;
    std::string text_;
    std::vector<conf::finding> findings_;
};

} // namespace

std::vector<conf::finding> check_named_things(const conf::config& settings, const std::string& file) {
    return named_things(settings, file).check();
}

exit_code run_check(const arguments& given, terminal& with) {
    auto loaded = conf::load_file(given.config_file);
    if (loaded.ok()) {
        auto more = check_named_things(*loaded.snapshot, given.config_file);
        loaded.findings.insert(loaded.findings.end(), std::make_move_iterator(more.begin()),
                               std::make_move_iterator(more.end()));
    }
    exit_code code = loaded.ok() ? exit_code::ok : exit_code::config;
    for (const auto& finding : loaded.findings) {
        with.out << shown(finding.to_string()) << '\n';
        if (finding.how == conf::finding::weight::error) code = exit_code::config;
    }
    if (loaded.findings.empty()) with.out << shown(given.config_file) << ": ok\n";
    return code;
}

exit_code run_status(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    exit_code code = exit_code::ok;
    const auto document = ask_server(*settings, R"({"command":"status"})", with, code);
    if (document.is_null()) return code;
    if (given.has("--json"))
        with.out << document << '\n';
    else
        print_status(document.get_object(), std::time(nullptr), with.out);
    return exit_code::ok;
}

exit_code run_reload(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    exit_code code = exit_code::ok;
    const auto document = ask_server(*settings, R"({"command":"reload"})", with, code);
    if (document.is_null()) return code;
    const auto* ok = document.get_object().if_contains("ok");
    const bool done = ok != nullptr && ok->is_bool() && ok->get_bool();
    const auto* messages = document.get_object().if_contains("messages");
    if (messages != nullptr && messages->is_array())
        for (const auto& message : messages->get_array()) {
            if (done)
                with.out << shown(text_of(message)) << '\n';
            else
                fail(with, exit_code::config, "reload refused", text_of(message));
        }
    return done ? exit_code::ok : exit_code::config;
}

} // namespace postern::server
