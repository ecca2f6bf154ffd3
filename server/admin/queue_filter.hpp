// Which messages an operator means: by sender, by recipient, by where they go. All that is given must hold.
#pragma once

#include "server/admin/support.hpp"
#include "storage/queue.hpp"

#include <functional>
#include <optional>
#include <string>

namespace postern::server {

// An address, everybody of a domain, or the empty sender.
struct address_pattern {
    std::string address; // folded; "" = everybody of the domain
    std::string domain;  // canonical; "" = the empty sender
    bool operator==(const address_pattern&) const = default;
};
// "u@d.test", "@d.test", and where `or_empty` "<>" or "".
enum class empty_address : bool { refuse, allow };
std::optional<address_pattern> parse_pattern(const std::string& text, empty_address empty);

class queue_filter {
  public:
    // --sender, --recipient and --destination; nullopt after the error was said (exit_code::bad_data).
    static std::optional<queue_filter> read(const arguments& given, terminal& with);
    static bool is_given(const arguments& given);

    // The tries at a message, newest last; asked for only where nothing else decides.
    using history_source = std::function<std::vector<storage::delivery_try>(storage::queue_id)>;
    // A recipient counts while it waits, is set aside or is to be told of. A destination is its domain, or
    // the server that it goes to by `config` or where it was tried last.
    bool matches(const storage::queued_message& message, const conf::config& config,
                 const history_source& history) const;

  private:
    bool matches(const storage::queued_recipient& to, const conf::config& config) const;
    bool was_tried_there(const storage::queued_message& message, const history_source& history) const;

    std::optional<address_pattern> sender_, recipient_;
    std::string destination_; // a canonical domain or an IP address; "" = any
};

// The name or the address of a server as a log or a history names it: "mx1.example.net[192.0.2.7]:25".
bool is_server(std::string_view named, std::string_view wanted);

} // namespace postern::server
