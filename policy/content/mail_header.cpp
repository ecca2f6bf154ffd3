#include "policy/content/mail_header.hpp"

#include "policy/content/text_decoding.hpp"
#include "protocol/mime/encoded_word.hpp"
#include "protocol/mime/parameters.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::policy::content {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Takes a line off the front, without its end.
std::string_view take_line(std::string_view& left) {
    const auto end = left.find('\n');
    auto line = left.substr(0, end);
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool is_field(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    const auto name = trimmed(line.substr(0, colon));
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// Reads a list of mailboxes a character at a time; what can't be understood is part of a name.
class address_reader {
  public:
    std::vector<mail_author> read(std::string_view value) {
        for (std::size_t at = 0; at < value.size() && made_.size() < mail_authors_max; ++at) take(value, at);
        finish();
        return std::move(made_);
    }

  private:
    void take(std::string_view value, std::size_t& at) {
        const char c = value[at];
        if (c == '"') return quoted(value, at);
        if (c == '(') return comment(value, at);
        if (c == '<' && !bracketed_) {
            const auto end = value.find('>', at);
            address_ = trimmed(value.substr(at + 1, end == std::string_view::npos ? end : end - at - 1));
            bracketed_ = true;
            at = end == std::string_view::npos ? value.size() : end;
            return;
        }
        if (c == ',' || c == ';') return finish();
        if (c == ':' && !bracketed_) return text_.clear(); // a group's name, RFC 5322 §3.4
        if (!bracketed_) text_ += c;
    }
    void quoted(std::string_view value, std::size_t& at) {
        bool escaped = false;
        while (++at < value.size() && (escaped || value[at] != '"')) {
            escaped = !escaped && value[at] == '\\';
            if (!escaped) text_ += value[at];
        }
    }
    void comment(std::string_view value, std::size_t& at) {
        std::size_t depth = 1;
        while (++at < value.size() && depth > 0) {
            if (value[at] == '(') ++depth;
            if (value[at] == ')') --depth;
            if (depth > 0) comment_ += value[at];
        }
        --at; // the loop around goes on behind it
    }
    void finish() {
        const auto text = trimmed(text_);
        if (bracketed_)
            made_.push_back({decoded(text.empty() ? trimmed(comment_) : text), address_});
        else if (!text.empty() || !comment_.empty())
            made_.push_back(bare(text));
        text_.clear();
        comment_.clear();
        address_.clear();
        bracketed_ = false;
    }
    mail_author bare(std::string_view text) const {
        const bool is_address =
            text.find('@') != std::string_view::npos && text.find(' ') == std::string_view::npos;
        if (is_address) return {decoded(trimmed(comment_)), std::string(text)};
        return {decoded(text), {}};
    }

    std::vector<mail_author> made_;
    std::string text_, comment_, address_;
    bool bracketed_ = false;
};

std::vector<std::string_view> date_words(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; words.size() < 12;) {
        at = text.find_first_not_of(" \t,:-", at);
        if (at == std::string_view::npos) break;
        const auto end = std::min(text.find_first_of(" \t,:-", at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end;
    }
    return words;
}

std::optional<unsigned> month_of(std::string_view name) {
    constexpr std::string_view months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                           "jul", "aug", "sep", "oct", "nov", "dec"};
    const std::string lower = protocol::to_lower(name.substr(0, 3));
    const auto* at = std::find(std::begin(months), std::end(months), lower);
    if (at == std::end(months)) return std::nullopt;
    return static_cast<unsigned>(at - std::begin(months));
}

// Days from 1970 to the first of March of a year, and on: Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms".
std::int64_t days_of(std::int64_t year, unsigned month, std::int64_t day) {
    if (month < 2) --year;
    const std::int64_t era = year / 400;
    const std::int64_t of_era = year - era * 400;
    const std::int64_t of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// Seconds east of Greenwich; RFC 5322 §4.3 for the names.
std::optional<std::int64_t> zone_of(std::string_view text) {
    const auto at = text.find_last_of("+-");
    if (at != std::string_view::npos && text.size() >= at + 5) {
        const auto digits = protocol::parse_number(text.substr(at + 1, 4));
        if (!digits || *digits > 1459 || *digits % 100 > 59) return std::nullopt;
        const auto seconds = static_cast<std::int64_t>(*digits / 100 * 3600 + *digits % 100 * 60);
        return text[at] == '-' ? -seconds : seconds;
    }
    constexpr struct {
        std::string_view name;
        int hours;
    } names[] = {{"ut", 0},   {"gmt", 0},  {"utc", 0},  {"z", 0},    {"est", -5}, {"edt", -4}, {"cst", -6},
                 {"cdt", -5}, {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}, {"cet", 1},  {"cest", 2}};
    const auto word = trimmed(text.substr(text.find_last_of(' ') + 1));
    for (const auto& one : names)
        if (protocol::equals_ignoring_case(one.name, word)) return one.hours * 3600;
    return std::nullopt;
}

} // namespace

std::string decoded(std::string_view value) {
    return protocol::mime::decode_encoded_words(utf8_of({}, value), &utf8_of);
}

std::vector<mail_field> read_mail_header(std::string_view message) {
    std::vector<mail_field> fields;
    message = message.substr(0, mail_header_max);
    while (!message.empty()) {
        const auto line = take_line(message);
        if (line.empty()) break;
        if (line.front() == ' ' || line.front() == '\t') {
            if (fields.empty()) break;
            auto& value = fields.back().value;
            if (value.size() < mail_field_octets_max)
                value.append(value.empty() ? 0 : 1, ' ').append(trimmed(line));
            continue;
        }
        if (fields.empty() && line.starts_with("From ")) continue; // of an mbox
        if (!is_field(line) || fields.size() == mail_fields_max) break;
        const auto colon = line.find(':');
        fields.push_back({protocol::to_lower(trimmed(line.substr(0, colon))),
                          std::string(trimmed(line.substr(colon + 1)))});
    }
    for (auto& one : fields) one.value.resize(std::min(one.value.size(), mail_field_octets_max));
    return fields;
}

std::string mail_author::domain() const {
    const auto at = address.rfind('@');
    return at == std::string::npos ? std::string()
                                   : protocol::to_lower(std::string_view(address).substr(at + 1));
}

std::vector<mail_author> read_addresses(std::string_view value) { return address_reader().read(value); }

std::optional<std::int64_t> read_mail_date(std::string_view value) {
    const std::string plain = protocol::mime::without_comments(value);
    const auto zone = zone_of(trimmed(plain));
    auto words = date_words(plain);
    const bool has_weekday = !words.empty() && !protocol::is_digit(words.front().front());
    if (has_weekday) words.erase(words.begin());
    if (words.size() < 5 || !zone) return std::nullopt;
    const auto day = protocol::parse_number(words[0]);
    const auto month = month_of(words[1]);
    auto year = protocol::parse_number(words[2]);
    const auto hour = protocol::parse_number(words[3]);
    const auto minute = protocol::parse_number(words[4]);
    const bool has_second = words.size() > 5 && protocol::is_digit(words[5].front()) && words[5].size() == 2;
    const auto second = has_second ? protocol::parse_number(words[5]) : std::optional<std::uint64_t>(0);
    if (!day || !month || !year || !hour || !minute || !second) return std::nullopt;
    if (*year < 50) *year += 2000; // RFC 5322 §4.3
    if (*year < 1000) *year += 1900;
    if (*day < 1 || *day > 31 || *year > 9999 || *year < 1900 || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    const auto days = days_of(static_cast<std::int64_t>(*year), *month, static_cast<std::int64_t>(*day));
    return days * 86400 + static_cast<std::int64_t>(*hour * 3600 + *minute * 60 + *second) - *zone;
}

} // namespace postern::policy::content
