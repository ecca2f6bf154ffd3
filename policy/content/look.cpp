#include "policy/content/look.hpp"

#include "policy/content/clamav.hpp"
#include "protocol/mime/names.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistr.h>

namespace postern::policy::content {
namespace {

using protocol::scan::finding_kind;

constexpr std::size_t name_max = 200; // octets of a name in a path

// What a terminal or a log must not be given as it is.
bool is_unseen(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point >= 0xfff0 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe0fff);
}

std::string cut(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    const auto is_middle = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; };
    std::size_t front = (most - 3) / 2, back = text.size() - (most - 3 - front);
    while (front > 0 && is_middle(text[front])) --front;
    while (back < text.size() && is_middle(text[back])) ++back;
    return text.substr(0, front) + "..." + text.substr(back);
}

} // namespace

std::string shown(std::string_view name) {
    std::string out;
    const auto* octets = reinterpret_cast<const std::uint8_t*>(name.data());
    for (std::size_t at = 0; at < name.size() && out.size() < 4 * protocol::scan::finding_text_max;) {
        ucs4_t point = 0;
        const int length = u8_mbtoucr(&point, octets + at, name.size() - at);
        const auto used = static_cast<std::size_t>(std::max(length, 1));
        if (length <= 0)
            out += fmt::format("\\x{:02x}", octets[at]);
        else if (is_unseen(point))
            out += point < 0x80 ? fmt::format("\\x{:02x}", point) : fmt::format("\\u{{{:x}}}", point);
        else
            out.append(name, at, used);
        at += used;
    }
    return out;
}

path path::below(std::string_view name) const {
    path made;
    made.text_ = text_;
    if (!made.text_.empty()) made.text_ += '/';
    made.text_ += cut(shown(name), name_max);
    made.text_ = cut(std::move(made.text_), protocol::scan::finding_text_max);
    return made;
}

look::look(const protocol::scan::order& asked, const signatures* known, const std::string& folder,
           const stopwatch& elapsed)
    : asked_(asked), known_(known), folder_(folder), elapsed_(elapsed),
      extensions_(asked.attachments ? asked.extensions : std::vector<std::string>()) {
    report_.id = asked.id;
}

std::uint32_t look::milliseconds_left() const {
    if (!elapsed_ || asked_.milliseconds == 0) return asked_.milliseconds;
    const auto passed = elapsed_();
    return passed >= asked_.milliseconds ? 0 : static_cast<std::uint32_t>(asked_.milliseconds - passed);
}

bool look::out_of_time(const path& where) {
    if (late_) return true;
    if (asked_.milliseconds == 0 || milliseconds_left() > 0) return false;
    late_ = full_ = true;
    limit(where, "time");
    return true;
}

void look::add(finding_kind kind, const path& where, std::string_view what) {
    protocol::scan::add({kind, where.text(), cut(shown(what), protocol::scan::finding_text_max)}, report_);
}

void look::limit(const path& where, std::string_view what) {
    add(finding_kind::limit, where, what);
    if (asked_.antivirus) add(finding_kind::not_scanned, where, what);
}

void look::see(std::string_view what, const path& where, std::string detail) {
    if (!asked_.everything || report_.all.size() >= protocol::scan::seen_max) return;
    report_.all.push_back(
        {std::string(what), where.text(), cut(std::move(detail), protocol::scan::finding_text_max)});
}

void look::judge(std::string_view raw, const path& around, readable how) {
    for (const std::string& name : protocol::mime::normalised_names(raw)) {
        if (asked_.everything) see("name", around, shown(raw) + " -> " + shown(name));
        judge_normalised(name, around, how);
    }
}

void look::judge_normalised(std::string_view name, const path& around, readable how) {
    const auto extension = extensions_.forbidden(name);
    if (extension.empty()) return;
    add(how == readable::yes ? finding_kind::extension : finding_kind::encrypted_name, around.below(name),
        extension);
}

void look::scan(std::string_view octets, const path& where) {
    if (!asked_.antivirus || octets.empty()) return;
    if (known_ == nullptr) return add(finding_kind::not_scanned, {}, "no signatures are loaded");
    if (out_of_time(where)) return;
    known_->scan(octets, where.text(), asked_, milliseconds_left(), report_);
    out_of_time(where);
}

std::size_t look::viruses() const {
    const auto is_virus = [](const auto& one) { return one.kind == finding_kind::virus; };
    return std::size_t(std::count_if(report_.findings.begin(), report_.findings.end(), is_virus));
}

bool look::one_more_entry(const path& where) {
    if (full_) return false;
    if (entries_ < asked_.max_entries) {
        ++entries_;
        return true;
    }
    full_ = true;
    limit(where, "entries");
    return false;
}

bool look::unpacked(std::uint64_t octets, const path& where) {
    if (full_) return false;
    if (octets <= asked_.max_unpacked - unpacked_) {
        unpacked_ += octets;
        return true;
    }
    full_ = true;
    limit(where, "unpacked");
    return false;
}

protocol::scan::report look::take() { return std::move(report_); }

} // namespace postern::policy::content
