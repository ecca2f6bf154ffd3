// Errors, configuration and output of the commands. Failures become an exit code and one line; nothing here
// throws.
#include "server/admin/support.hpp"

#include "conf/load.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t shown_max = 1024;

} // namespace

std::string shown(std::string_view from_outside) { return protocol::printable(from_outside, shown_max); }

exit_code fail(terminal& with, exit_code code, std::string_view what, std::string_view why) {
    with.err << "postern: " << shown(what) << ": " << shown(why) << '\n';
    return code;
}

void warn(terminal& with, std::string_view what, std::string_view why) {
    with.err << "postern: warning: " << shown(what) << ": " << shown(why) << '\n';
}

exit_code exit_code_of(const boost::system::error_code& error) {
    using storage::storage_errc;
    if (error == storage_errc::permission || error == storage_errc::read_only ||
        error == storage_errc::not_found || error == storage_errc::exists)
        return exit_code::cant_create;
    if (error == storage_errc::corrupt || error == storage_errc::newer_format ||
        error == storage_errc::invalid || error == storage_errc::too_large)
        return exit_code::bad_data;
    return exit_code::temporary;
}

exit_code fail(terminal& with, std::string_view what, const boost::system::error_code& error) {
    return fail(with, exit_code_of(error), what, error.message());
}

std::string describe(const protocol::parse_error& error) {
    using protocol::parse_errc;
    switch (error.what) {
    case parse_errc::empty: return "empty";
    case parse_errc::syntax: return fmt::format("not well formed at character {}", error.offset + 1);
    case parse_errc::trailing:
        return fmt::format("something follows its end at character {}", error.offset + 1);
    case parse_errc::too_long: return "too long";
    case parse_errc::bad_domain: return "not a valid domain name";
    case parse_errc::bad_literal: return "not a valid address literal";
    case parse_errc::needs_smtputf8: return "not ASCII";
    case parse_errc::bad_utf8: return "not valid UTF-8";
    case parse_errc::control: return "contains a control character";
    case parse_errc::no_domain: return "a domain is missing";
    case parse_errc::duplicate:
    case parse_errc::unknown_parameter:
    case parse_errc::bad_parameter: break;
    }
    return "not well formed";
}

std::shared_ptr<const conf::config> read_config(const arguments& given, terminal& with) {
    const auto loaded = conf::load_file(given.config_file);
    if (loaded.ok()) return loaded.snapshot;
    for (const auto& finding : loaded.findings)
        if (finding.how == conf::finding::weight::error)
            with.err << "postern: " << shown(finding.to_string()) << '\n';
    return nullptr;
}

void text_table::print(std::ostream& out) {
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i == widths_.size()) widths_.push_back(0);
            widths_[i] = std::max(widths_[i], row[i].size());
        }
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths_[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    }
    rows_.clear();
}

json_list::json_list(std::ostream& out, std::string_view name) : out_(out) {
    out_ << "{\"" << name << "\":[";
}

void json_list::add(const boost::json::object& item) {
    if (!first_) out_ << ",\n";
    first_ = false;
    out_ << boost::json::serialize(item);
}

void json_list::end() { out_ << "]}\n"; }

result<std::optional<protocol::address>, protocol::parse_error> parse_sender(const std::string& text) {
    if (text.empty()) return std::optional<protocol::address>();
    if (!text.starts_with('<')) {
        auto address = protocol::parse_address(text);
        if (!address) return address.error();
        return std::optional(std::move(*address));
    }
    auto path = protocol::parse_path(text, protocol::path_kind::reverse, protocol::unicode::allow);
    if (!path) return path.error();
    if (path->length != text.size())
        return protocol::parse_error{protocol::parse_errc::trailing, path->length};
    return std::move(path->mailbox);
}

std::string age_text(std::int64_t seconds) {
    if (seconds < 0) seconds = 0;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m", seconds / 60);
    if (seconds < 2 * 86400) return fmt::format("{}h", seconds / 3600);
    return fmt::format("{}d", seconds / 86400);
}

std::string local_time_text(std::int64_t unix_seconds) {
    const std::time_t when = unix_seconds;
    std::tm local{};
    localtime_r(&when, &local);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
                       local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

} // namespace postern::server
