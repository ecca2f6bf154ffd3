// A notice composed of whatever peers say is, to our own readers of MIME and of headers, exactly what was
// meant: its parts, its fields in their order, and nothing beside them; within its size, and in ASCII but for
// what is returned unless an address isn't. The input: an octet of choices, then texts that end with NUL.
#include "protocol/mail/dsn.hpp"

#include "protocol/mail/header_scan.hpp"
#include "protocol/mime/walker.hpp"
#include "protocol/smtp/grammar.hpp"
#include "tests/fuzz/split.hpp"

#include <array>
#include <fmt/format.h>

using namespace postern::protocol;
using namespace postern::fuzz;

namespace {

class texts {
  public:
    explicit texts(std::string_view input) : rest_(input) {}
    bool more() const { return !rest_.empty(); }
    std::string_view next() {
        const auto end = std::min(rest_.find('\0'), rest_.size());
        const auto one = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return one;
    }

  private:
    std::string_view rest_;
};

// As a notice may return it: CRLF lines without any other CR.
std::string as_lines(std::string_view text) {
    std::string made;
    for (const char c : text) {
        if (c == '\r') continue;
        if (c == '\n') made += '\r';
        made += c;
    }
    return made;
}

// The parts of the report itself: those within the outermost multipart.
class structure final : public mime::visitor {
  public:
    void begin_part(const mime::part& begun) override {
        if (begun.id == 1) {
            require(begun.kind == mime::part_kind::multipart && begun.type == "multipart/report");
            return;
        }
        // What is returned may hold a multipart without its end, which for some clients goes on behind it.
        const bool goes_on = begun.kind == mime::part_kind::multipart && begun.type.empty();
        if (begun.parent == 1 && begun.kind != mime::part_kind::preamble && !goes_on)
            types.emplace_back(begun.type), last_own = begun.id;
        if (begun.parent == 1 && types.size() == 1) words = begun.id;
    }
    void name_of_part(mime::part_id, const mime::name&) override {}
    void octets(mime::part_id, std::string_view) override {}
    void end_part(mime::part_id) override {}
    void found(mime::part_id id, mime::finding) override { require(id > words); }

    std::vector<std::string> types;
    mime::part_id words = 2, last_own = 0;
};

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find("\r\n");
        require(end != std::string_view::npos);
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end + 2);
    }
    return lines;
}

// "A,B,C" of the fields of one group, folded lines being part of theirs.
std::string names_of(std::string_view group) {
    std::string names;
    for (const auto line : lines_of(group)) {
        require(line.size() <= 998 && line.find_first_of("\r\n") == std::string_view::npos);
        if (line.starts_with('\t')) continue;
        const auto colon = line.find(": ");
        require(colon != std::string_view::npos);
        names.append(line.substr(0, colon)) += ',';
    }
    return names;
}

std::string names_wanted(const dsn_facts& facts, const dsn_recipient& to) {
    std::string names;
    if (to.original.find(';') != std::string_view::npos) names += "Original-Recipient,";
    names += "Final-Recipient,Action,Status,";
    if (!to.remote_host.empty()) names += "Remote-MTA,";
    if (!to.reply.empty()) names += "Diagnostic-Code,";
    if (to.last_attempt != 0) names += "Last-Attempt-Date,";
    if (!facts.about.empty()) names += "Final-Log-ID,";
    if (to.action == dsn_action::delayed && to.retry_until != 0) names += "Will-Retry-Until,";
    return names;
}

std::string_view after(std::string_view text, std::string_view mark) {
    const auto at = text.find(mark);
    require(at != std::string_view::npos);
    return text.substr(at + mark.size());
}

void check_header(std::string_view header, bool eight_bit) {
    std::string wanted = "Received,From,To,Date,Subject,Message-ID,Auto-Submitted,MIME-Version,Content-Type,";
    if (eight_bit) wanted += "Content-Transfer-Encoding,";
    require(names_of(header) == wanted);
    header_scan scan;
    scan.feed(header);
    scan.feed("\r\n");
    require(scan.finished() && scan.received() == 1 && scan.from().size() == 1 && !scan.has_mbox_line());
    require(!scan.has_bare_line_end() && !scan.ended_by_other_line() && scan.has_date());
}

void check_fields(std::string_view fields, const dsn_facts& facts) {
    const std::string of_message =
        std::string(facts.envelope_id.empty() ? "" : "Original-Envelope-Id,") + "Reporting-MTA,Arrival-Date,";
    std::size_t groups = 0;
    for (; !fields.empty(); ++groups) {
        const auto end = std::min(fields.find("\r\n\r\n"), fields.size() - 2);
        const auto group = fields.substr(0, end + 2);
        fields.remove_prefix(std::min(end + 4, fields.size()));
        require(groups <= facts.recipients.size());
        require(names_of(group) ==
                (groups == 0 ? of_message : names_wanted(facts, facts.recipients[groups - 1])));
    }
    require(groups == 1 + facts.recipients.size());
}

void check_notice(std::string_view text, const dsn_facts& facts, std::string_view boundary) {
    require(text.size() <= dsn_size_max && text.ends_with(fmt::format("\r\n--{}--\r\n", boundary)));
    const auto end = text.find("\r\n\r\n");
    require(end != std::string_view::npos);
    const auto header = text.substr(0, end + 2);
    check_header(header, header.find("\r\nContent-Transfer-Encoding: 8bit\r\n") != std::string_view::npos);

    const auto delimiter = fmt::format("\r\n--{}\r\n", boundary);
    const auto words = after(text, delimiter), status = after(words, delimiter);
    const auto status_end = status.find(fmt::format("\r\n--{}", boundary));
    require(status_end != std::string_view::npos);
    const auto fields = after(status.substr(0, status_end), "\r\n\r\n");
    check_fields(fields, facts);
    const bool global = dsn_needs_smtputf8(facts);
    const auto own = words.substr(0, words.find(delimiter));
    require(is_ascii(own)); // quoted-printable, where it must be
    require(global || is_ascii(status.substr(0, status_end)));

    structure seen;
    mime::walker walk(seen);
    walk.feed(text);
    walk.finish();
    const bool whole = facts.what == returned_part::message;
    require(seen.types.size() == (facts.what == returned_part::nothing ? 2U : 3U));
    require(seen.types[0] == "text/plain");
    require(seen.types[1] ==
            (is_ascii(fields) ? "message/delivery-status" : "message/global-delivery-status"));
    if (seen.types.size() < 3) return;
    require(seen.types[2] == (whole ? "message/rfc822" : "text/rfc822-headers") ||
            seen.types[2] == (whole ? "message/global" : "message/global-headers"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::array actions{dsn_action::failed, dsn_action::delayed, dsn_action::delivered,
                                 dsn_action::relayed};
    constexpr std::string_view chance = "5d1c0a77e6b34f90";
    const unsigned choices = data[0];
    texts input(as_text(data, size).substr(1));
    dsn_facts facts{.hostname = "mx.d.test",
                    .id = "1K10ABC",
                    .about = (choices & 1U) != 0 ? "1K10ABB" : "",
                    .chance = chance,
                    .now = 1'795'505'838,
                    .to = input.next(),
                    .envelope_id = input.next(),
                    .arrived = 1'795'500'000,
                    .recipients = {},
                    .returned = {},
                    .what = static_cast<returned_part>((choices >> 1U) % 3)};
    const auto returned = as_lines(input.next()).substr(0, dsn_returned_max);
    facts.returned = returned;
    // Nobody can guess it: a message that holds it is none.
    if (facts.to.empty() || returned.find(chance) != std::string::npos || returned.ends_with('\r')) return 0;
    std::vector<dsn_recipient> recipients;
    for (std::size_t i = 0; (i == 0 || input.more()) && i < 200; ++i) {
        dsn_recipient to;
        to.address = input.next();
        to.original = input.next();
        to.action = actions[(choices >> 3U) % actions.size()];
        to.status = input.next();
        to.remote_host = input.next();
        to.reply = input.next();
        to.last_attempt = (choices & 32U) != 0 ? 1'795'505'800 : 0;
        to.retry_until = (choices & 64U) != 0 ? 1'795'900'000 : 0;
        recipients.push_back(to);
    }
    const auto named = dsn_recipients_named(recipients);
    require(named >= 1 && named <= recipients.size());
    facts.recipients = std::span(recipients).first(named);
    check_notice(make_dsn(facts), facts, fmt::format("{}/{}", facts.id, facts.chance));
    return 0;
}
