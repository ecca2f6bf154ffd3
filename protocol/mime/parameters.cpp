// A parameter is found by its name and "=", wherever it stands: whether ";" came before it, and within which
// quotes it is, clients see differently.
#include "protocol/mime/parameters.hpp"

#include "protocol/mime/charset.hpp"
#include "protocol/mime/decoder.hpp"
#include "protocol/mime/encoded_word.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol::mime {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t section_none = static_cast<std::size_t>(-1);

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

template <class T> void add_once(std::vector<T>& to, T one) {
    if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(std::move(one));
}

bool is_name_octet(char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_';
}

struct place {
    std::size_t section = section_none; // RFC 2231 §3
    bool extended = false;              // RFC 2231 §4
    std::size_t value = 0;              // where it starts
    std::size_t quoted_until = 0;       // the octet behind a quoted string that is well-formed
    bool within = false;                // the quoted string of one before it
    std::vector<std::string> readings;
};

// Whether the parameter stands at `at`: its name, maybe "*", a number, "*", then "=".
bool read_place(std::string_view text, std::size_t at, std::string_view attribute, place& read) {
    if (at > 0 && is_name_octet(text[at - 1])) return false;
    auto rest = text.substr(at + attribute.size());
    const auto skip = [&](std::size_t count) { rest.remove_prefix(std::min(count, rest.size())); };
    const auto skip_blanks = [&] { skip(std::min(rest.size(), rest.find_first_not_of(blanks))); };
    skip_blanks();
    if (rest.starts_with('*')) {
        skip(1);
        const auto digits = rest.substr(0, std::min(rest.size(), rest.find_first_not_of("0123456789")));
        const auto number = parse_number(digits.substr(0, 9));
        if (number) read.section = *number;
        skip(digits.size());
        read.extended = !number || rest.starts_with('*');
        if (number && read.extended) skip(1);
        skip_blanks();
    }
    if (!rest.starts_with('=')) return false;
    skip(1);
    skip_blanks();
    read.value = text.size() - rest.size();
    return true;
}

struct quoted {
    std::string content, kept; // backslashes undone; as they are
    std::size_t length = 0;
    bool closed = false;
};

quoted read_quoted(std::string_view text) {
    quoted read;
    std::size_t at = 1;
    for (; at < text.size() && !read.closed; ++at) {
        const char c = text[at];
        read.closed = c == '"';
        if (read.closed) break;
        if (c == '\\' && at + 1 < text.size()) {
            read.kept += c;
            ++at;
        }
        read.content += text[at];
        read.kept += text[at];
    }
    read.length = std::min(text.size(), at + 1);
    return read;
}

// The ways to read the quoted string that `text` starts with. Returns whether it is well-formed.
bool read_quoted_value(std::string_view text, std::vector<std::string>& out) {
    const quoted read = read_quoted(text);
    add_once(out, read.content);
    bool good = read.closed;
    if (read.kept != read.content) {
        add_once(out, read.kept);
        add_once(out, std::string(text.substr(1, text.find('"', 1) - 1)));
    }
    if (!read.closed) add_once(out, std::string(trim(text.substr(1, text.find(';') - 1))));
    const auto rest = text.substr(read.length);
    const auto behind = trim(rest.substr(0, rest.find(';')));
    if (read.closed && !behind.empty()) { // "evil".exe, or no semicolon
        good = false;
        std::string joined = read.content;
        joined += behind;
        joined.erase(std::remove(joined.begin(), joined.end(), '"'), joined.end());
        add_once(out, std::move(joined));
    }
    return good;
}

bool read_bare_value(std::string_view text, std::vector<std::string>& out) {
    const auto whole = trim(text.substr(0, text.find(';')));
    add_once(out, std::string(whole));
    const auto token = whole.substr(0, whole.find_first_of(" \t\r\n,\"<>()"));
    bool good = token == whole;
    if (!good) add_once(out, std::string(token));
    if (whole.size() > 1 && whole.front() == '\'' && whole.back() == '\'') {
        good = false;
        add_once(out, std::string(whole.substr(1, whole.size() - 2)));
    } else if (whole.starts_with('\'') && text.find('\'', 1) != std::string_view::npos) {
        good = false; // a ";" in single quotes
        add_once(out, std::string(text.substr(1, text.find('\'', 1) - 1)));
    }
    return good;
}

// RFC 2231 §4: charset'language'octets with %XX. Those who forget the quotes mean octets.
std::string decode_extended(std::string_view value) {
    const auto first = value.find('\'');
    const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
    if (second == std::string_view::npos) return decode_percent(value);
    return to_utf8(value.substr(0, first), decode_percent(value.substr(second + 1)));
}

// The sections joined in the order given: the first one names the charset (RFC 2231 §4.1).
std::string joined(const std::vector<const place*>& sections) {
    std::string octets;
    std::string_view charset;
    for (const place* one : sections) {
        std::string_view value = one->readings.front();
        const auto first = value.find('\'');
        const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
        if (one->extended && one == sections.front() && second != std::string_view::npos) {
            charset = value.substr(0, first);
            value.remove_prefix(second + 1);
        }
        octets += one->extended ? decode_percent(value) : std::string(value);
    }
    return to_utf8(charset, octets);
}

void join_sections(const std::vector<place>& places, parameter_values& found) {
    std::vector<const place*> sections;
    for (const place& one : places)
        if (one.section != section_none) sections.push_back(&one);
    if (sections.empty()) return;
    add_once(found.values, joined(sections)); // as they come
    const auto number = [](const place* one) { return one->section; };
    std::sort(sections.begin(), sections.end(), [&](const place* a, const place* b) {
        return number(a) != number(b) ? number(a) < number(b) : a < b; // of one vector: as they came
    });
    add_once(found.values, joined(sections));
    std::vector<const place*> in_a_row; // until the first gap, of two alike the first
    std::vector<const place*> last_of_alike;
    for (const place* one : sections) {
        if (number(one) == in_a_row.size()) in_a_row.push_back(one);
        if (!last_of_alike.empty() && number(last_of_alike.back()) == number(one)) last_of_alike.pop_back();
        last_of_alike.push_back(one);
    }
    if (!in_a_row.empty()) add_once(found.values, joined(in_a_row));
    add_once(found.values, joined(last_of_alike));
    found.malformed = found.malformed || in_a_row.size() != sections.size();
}

// A parameter that says two things in the same form. "name=" within another one's quotes is a name like any.
void note_conflicts(const std::vector<place>& places, parameter_values& found) {
    for (std::size_t i = 1; i < places.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            found.conflicting =
                found.conflicting ||
                (!places[i].within && !places[j].within && places[i].section == places[j].section &&
                 places[i].extended == places[j].extended &&
                 places[i].readings.front() != places[j].readings.front());
}

} // namespace

std::string without_comments(std::string_view text) {
    std::string out;
    unsigned depth = 0;
    bool in_quotes = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool escape = c == '\\' && at + 1 < text.size() && (in_quotes || depth > 0);
        if (depth == 0 && c == '"') in_quotes = !in_quotes;
        if (!in_quotes && c == '(') ++depth;
        if (depth == 0) out += c;
        if (escape) {
            ++at;
            if (depth == 0) out += text[at];
        } else if (!in_quotes && c == ')' && depth > 0) {
            --depth;
        }
    }
    return out;
}

std::vector<std::string> value_readings(std::string_view value) {
    std::string unfolded, glued; // with and without the blanks of folds
    for (std::size_t at = 0; at < value.size(); ++at) {
        const bool fold = value[at] == '\n';
        if (!fold) unfolded += value[at];
        if (!fold) glued += value[at];
        if (!fold) continue;
        const auto next = std::min(value.size(), value.find_first_not_of(blanks, at));
        unfolded += ' ';
        at = next - 1;
    }
    std::vector<std::string> readings{unfolded};
    // A fold between parameters is no matter; within a value it is.
    add_once(readings, std::move(glued));
    for (std::size_t i = 0, count = readings.size(); i < count; ++i)
        if (readings[i].find('(') != std::string::npos) add_once(readings, without_comments(readings[i]));
    for (std::size_t i = 0, count = readings.size(); i < count; ++i)
        if (has_encoded_word(readings[i]))
            for (const auto how : {quanta::of_each_word, quanta::across_words})
                add_once(readings, decode_encoded_words(readings[i], how));
    return readings;
}

void find_parameter(std::string_view text, std::string_view attribute, std::size_t longest, sections how,
                    parameter_values& found) {
    std::vector<place> places;
    for (std::size_t at = 0; at + attribute.size() < text.size(); ++at) {
        if (to_lower(text[at]) != attribute.front() ||
            !equals_ignoring_case(text.substr(at, attribute.size()), attribute))
            continue;
        place read;
        if (!read_place(text, at, attribute, read)) continue;
        if (places.size() == parameter_places_max) {
            found.overlong = true;
            break;
        }
        const auto value = text.substr(read.value, longest);
        const bool good = value.starts_with('"') ? read_quoted_value(value, read.readings)
                                                 : read_bare_value(value, read.readings);
        if (good && value.starts_with('"')) read.quoted_until = read.value + read_quoted(value).length;
        read.within = std::any_of(places.begin(), places.end(),
                                  [&](const place& one) { return read.value < one.quoted_until; });
        found.malformed = found.malformed || (!good && !read.within);
        for (const std::string& one : read.readings)
            found.overlong =
                found.overlong || (one.size() + 2 >= longest && text.size() - read.value > longest);
        places.push_back(std::move(read));
    }
    for (const place& one : places) {
        if (one.extended && one.section == section_none)
            for (const std::string& reading : one.readings) add_once(found.values, decode_extended(reading));
        else if (one.section == section_none)
            for (const std::string& reading : one.readings) add_once(found.values, reading);
    }
    join_sections(places, found);
    note_conflicts(places, found);
    if (how == sections::joined) return;
    for (const place& one : places) // those who know no RFC 2231
        if (one.section != section_none)
            for (const std::string& reading : one.readings) add_once(found.values, reading);
}

} // namespace postern::protocol::mime
