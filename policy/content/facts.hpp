// What test 8 weighs, gathered in the scanner while its MIME visitor walks a message
// (protocol/mime/visitor.hpp). Pure. It keeps at most text_octets_max octets of text; what lies behind them
// is not looked at.
#pragma once

#include "policy/content/html_text.hpp"
#include "policy/content/phrase_finder.hpp"
#include "policy/content/tokens.hpp"
#include "policy/spam/signs.hpp"
#include "protocol/mime/visitor.hpp"
#include "protocol/scan/report.hpp"

#include <map>
#include <set>

namespace postern::policy::content {

class fact_collector {
  public:
    static constexpr std::size_t text_octets_max = 1024 * 1024; // of all text parts together
    static constexpr std::size_t links_max = 500;

    // `now`: seconds since 1970; 0 = not known (header_signs.hpp).
    explicit fact_collector(std::span<const protocol::scan::phrase> phrases, std::int64_t now = 0)
        : finder_(phrases), now_(now) {}

    // Once, before take(): the message, or as much of it as has its header.
    void read_header(std::string_view message);
    // What the visitor is told, passed on as it is; parts that don't matter are passed over.
    void begin_part(const protocol::mime::part& begun);
    void octets(protocol::mime::part_id id, std::string_view decoded);
    void end_part(protocol::mime::part_id id);
    // After the walk; the collector is empty then.
    protocol::scan::facts take();

  private:
    struct open_text {
        bool html = false, base64 = false;
        std::string charset, octets;
    };
    void end_text(const open_text& text);
    void end_html(const html_text& seen);
    void look_at_text(std::string_view utf8);
    void look_at_link(std::string_view url, std::string_view shown);
    void add_whole_signs();
    void add(spam::sign what) { signs_.insert(static_cast<std::uint16_t>(what)); }

    phrase_finder finder_;
    std::int64_t now_;
    token_set tokens_;
    std::set<std::uint16_t> signs_;
    std::map<protocol::mime::part_id, open_text> open_;
    std::string subject_;
    std::vector<std::string> authors_;
    std::size_t kept_ = 0, links_ = 0;
    std::size_t plain_octets_ = 0, html_octets_ = 0, hidden_octets_ = 0; // of text that is seen, or not
    unsigned pictures_ = 0, mixed_ = 0, invisible_ = 0;
    bool has_html_ = false, has_file_ = false;
};

// All of it over one message: its header, and its parts as a walk tells them. Of a long message the first
// octets are looked at. Takes some 20 ms for each MiB.
inline constexpr std::size_t facts_octets_max = 8 * 1024 * 1024;
void walk_for_facts(std::string_view message, fact_collector& to); // a walk for nothing else
protocol::scan::facts read_facts(std::string_view message, std::span<const protocol::scan::phrase> phrases,
                                 std::int64_t now = 0);

} // namespace postern::policy::content
