// What the commands share: how errors are said, the configuration, the state folder and whose it is, tables
// for people and lists in JSON. Everything that came from a peer is made printable before it reaches a
// terminal.
#pragma once

#include "conf/config.hpp"
#include "protocol/smtp/address.hpp"
#include "server/admin/commands.hpp"
#include "storage/tables/directory.hpp"
#include "storage/tables/rules.hpp"

#include <boost/json/object.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <sys/types.h>

namespace postern::server {

// "postern: what: why" on stderr, always one line; returns `code`.
exit_code fail(terminal& with, exit_code code, std::string_view what, std::string_view why);
void warn(terminal& with, std::string_view what, std::string_view why);

// sysexits.h for an error of storage: 73 for what can't be made or opened, 75 for what may pass, 65 for
// damage.
exit_code exit_code_of(const boost::system::error_code& error);
exit_code fail(terminal& with, std::string_view what, const boost::system::error_code& error);

// "not of the form local@domain", for people.
std::string describe(const protocol::parse_error& error);

// --hourly-limit, where it is given; the error is said.
exit_code read_hourly_limit(const arguments& given, std::uint32_t& into, terminal& with);

// "a@b.example", "<a@b.example>", and "" or "<>" for the empty sender, which is nullopt.
result<std::optional<protocol::address>, protocol::parse_error> parse_sender(const std::string& text);

// The snapshot; null after its errors were said (exit_code::config).
std::shared_ptr<const conf::config> read_config(const arguments& given, terminal& with);

// The user the server runs as; nullopt when there is no such user.
struct service_user {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
};
std::optional<service_user> find_user(const std::string& name);

// Started as root, a command works on the state folder as the server's user, so that it leaves no file there
// that the server can't write. Ends with this object. Does nothing for others, or when server.user is empty.
class as_service_user {
  public:
    explicit as_service_user(const conf::server_settings& settings); // see trouble()
    ~as_service_user();
    as_service_user(const as_service_user&) = delete;
    as_service_user& operator=(const as_service_user&) = delete;
    const std::string& trouble() const { return trouble_; } // "" = it worked

  private:
    bool changed_ = false;
    std::vector<gid_t> groups_; // of before
    gid_t gid_ = 0;
    std::string trouble_;
};

// The state folder for a command that may be the first thing ever run here: made when it is absent (one
// level, mode 0700, the server's user's), and worked on as that user for as long as this object lives. Opened
// tables must not outlive it.
class state_access {
  public:
    state_access(const conf::config& settings, terminal& with);
    exit_code code = exit_code::ok; // else the error was said

  private:
    std::unique_ptr<as_service_user> identity_;
};

// The tables of the accounts. Null after the error was said; `code` says which.
class open_accounts {
  private:
    state_access state_; // first: outlives the open tables

  public:
    open_accounts(const conf::config& settings, terminal& with);
    storage::accounts_environment environment; // for whoever needs its other tables
    std::unique_ptr<storage::directory> tables;
    exit_code code = exit_code::ok;
};

// The rules beside them.
struct open_rules {
    open_accounts accounts; // first: outlives the open tables
    std::unique_ptr<storage::rules> tables;
    exit_code code = exit_code::ok;

    open_rules(const conf::config& settings, terminal& with);
};

// Columns as wide as their widest cell; the last one is not padded. What is too long for memory is printed by
// and by: then columns only grow.
class text_table {
  public:
    explicit text_table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    void print(std::ostream& out); // what was added since the last time

  private:
    std::vector<std::vector<std::string>> rows_;
    std::vector<std::size_t> widths_;
};

// One document {"NAME":[...]}, written item by item.
class json_list {
  public:
    json_list(std::ostream& out, std::string_view name);
    void add(const boost::json::object& item);
    void end();

  private:
    std::ostream& out_;
    bool first_ = true;
};

std::string shown(std::string_view from_outside);       // printable, for a terminal or JSON
std::string age_text(std::int64_t seconds);             // "45s", "12m", "3h", "2d"
std::string local_time_text(std::int64_t unix_seconds); // "2026-01-31 12:00:00"

} // namespace postern::server
