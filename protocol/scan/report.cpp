// A report is a row of records in one or more datagrams. The reader holds every list and text to its limit,
// whatever the writer says: the writer may be somebody else by then.
#include "protocol/scan/report.hpp"

#include "protocol/scan/octets.hpp"
#include "protocol/scan/order.hpp"

#include <algorithm>
#include <array>

namespace postern::protocol::scan {
namespace {

constexpr std::uint32_t mark = 0x31525350; // "PSR1"
constexpr std::size_t head_size = 4 + 8 + 1;
// More than the largest report needs, half of each wasted.
constexpr std::size_t datagrams_without_all = 64;
constexpr std::size_t datagrams_max =
    datagrams_without_all + 2 * seen_max * (3 * (finding_text_max + 2) + 1) / datagram_max;

enum record : std::uint8_t { found = 1, subject, author, sign, phrase_seen, token, seen_line };

std::string shortened(std::string_view text, std::size_t most) {
    constexpr std::string_view gap = "...";
    if (text.size() <= most) return std::string(text);
    const auto each = (most - gap.size()) / 2;
    std::string made(text.substr(0, each));
    made += gap;
    made += text.substr(text.size() - each);
    return made;
}

class writer {
  public:
    explicit writer(std::uint64_t id) : id_(id) { begin(); }

    void add(const std::string& one) {
        if (made_.back().size() + one.size() > datagram_max) begin();
        made_.back() += one;
    }
    std::vector<std::string> take() {
        made_.back()[head_size - 1] = 1;
        return std::move(made_);
    }

  private:
    void begin() {
        auto& head = made_.emplace_back();
        put(head, mark);
        put(head, id_);
        put(head, std::uint8_t{0});
    }
    std::uint64_t id_;
    std::vector<std::string> made_;
};

template <class... Texts> std::string text_record(record kind, const Texts&... texts) {
    std::string made;
    put(made, static_cast<std::uint8_t>(kind));
    (put_text(made, shortened(texts, finding_text_max), finding_text_max), ...);
    return made;
}

template <class T> std::string number_record(record kind, T number) {
    std::string made;
    put(made, static_cast<std::uint8_t>(kind));
    put(made, number);
    return made;
}

std::string finding_record(const finding& one) {
    std::string made;
    put(made, static_cast<std::uint8_t>(record::found));
    put(made, static_cast<std::uint8_t>(one.kind));
    put_text(made, shortened(one.where, finding_text_max), finding_text_max);
    put_text(made, shortened(one.what, finding_text_max), finding_text_max);
    return made;
}

template <class List, class Make>
void write_list(const List& from, std::size_t most, writer& to, const Make& record_of) {
    for (std::size_t i = 0; i < std::min(from.size(), most); ++i) to.add(record_of(from[i]));
}

// False: the list is full, and this is no report.
template <class T> bool keep(T&& one, std::size_t most, std::vector<std::remove_cvref_t<T>>& in) {
    if (in.size() >= most) return false;
    in.push_back(std::forward<T>(one));
    return true;
}

std::string read_text(octet_reader& from) { return std::string(from.text(finding_text_max)); }

bool read_finding(octet_reader& from, report& to) {
    const auto kind = from.number<std::uint8_t>();
    if (kind >= finding_kind_count) return false;
    finding made{static_cast<finding_kind>(kind), read_text(from), {}};
    made.what = read_text(from);
    return keep(std::move(made), findings_max, to.findings);
}

bool read_seen(octet_reader& from, report& to) {
    seen made;
    made.what = read_text(from);
    made.where = read_text(from);
    made.detail = read_text(from);
    return keep(std::move(made), seen_max, to.all);
}

bool read_record(octet_reader& from, report& to) {
    switch (from.number<std::uint8_t>()) {
    case record::found: return read_finding(from, to);
    case record::subject: to.about.subject = from.text(subject_max); return true;
    case record::author: return keep(read_text(from), authors_max, to.about.authors);
    case record::sign: return keep(from.number<std::uint16_t>(), signs_max, to.about.signs);
    case record::phrase_seen: return keep(from.number<std::uint16_t>(), phrases_max, to.about.phrases);
    case record::token: return keep(from.number<std::uint64_t>(), tokens_max, to.about.tokens);
    case record::seen_line: return read_seen(from, to);
    default: return false;
    }
}

} // namespace

std::string_view name_of(finding_kind kind) {
    static constexpr std::array<std::string_view, finding_kind_count> names{
        "extension",  "encrypted_name", "encrypted", "limit",
        "unreadable", "malformed",      "virus",     "not_scanned"};
    return names[static_cast<std::size_t>(kind)];
}

void add(finding what, report& to) {
    what.where = shortened(what.where, finding_text_max);
    what.what = shortened(what.what, finding_text_max);
    if (std::ranges::find(to.findings, what) != to.findings.end()) return;
    if (to.findings.size() < findings_max) return to.findings.push_back(std::move(what));
    std::array<std::size_t, finding_kind_count> counts{};
    for (const auto& one : to.findings) ++counts[static_cast<std::size_t>(one.kind)];
    if (counts[static_cast<std::size_t>(what.kind)] != 0) return;
    const auto most = static_cast<finding_kind>(std::ranges::max_element(counts) - counts.begin());
    const auto last = std::find_if(to.findings.rbegin(), to.findings.rend(),
                                   [&](const auto& one) { return one.kind == most; });
    *last = std::move(what);
}

std::vector<std::string> encode(const report& what) {
    writer to(what.id);
    write_list(what.findings, findings_max, to, finding_record);
    const auto& about = what.about;
    if (!about.subject.empty()) to.add(text_record(record::subject, about.subject));
    write_list(about.authors, authors_max, to,
               [](const auto& one) { return text_record(record::author, one); });
    write_list(about.signs, signs_max, to, [](auto one) { return number_record(record::sign, one); });
    write_list(about.phrases, phrases_max, to,
               [](auto one) { return number_record(record::phrase_seen, one); });
    write_list(about.tokens, tokens_max, to, [](auto one) { return number_record(record::token, one); });
    write_list(what.all, seen_max, to, [](const seen& one) {
        return text_record(record::seen_line, one.what, one.where, one.detail);
    });
    return to.take();
}

report_reader::outcome report_reader::feed(std::string_view datagram) {
    const auto most = everything_ ? datagrams_max : datagrams_without_all;
    if (++datagrams_ > most || datagram.size() > datagram_max) return outcome::broken;
    octet_reader from(datagram);
    const bool marked = from.number<std::uint32_t>() == mark;
    const auto id = from.number<std::uint64_t>();
    const auto last = from.number<std::uint8_t>();
    if (!marked || from.bad() || last > 1 || (datagrams_ > 1 && id != made_.id)) return outcome::broken;
    made_.id = id;
    while (!from.at_end())
        if (!read_record(from, made_) || from.bad()) return outcome::broken;
    if (!everything_ && !made_.all.empty()) return outcome::broken;
    return last == 1 ? outcome::whole : outcome::more;
}

} // namespace postern::protocol::scan
