// Each field is read in all its readings; what they say is gathered, each thing once, and contradictions
// noted.
#include "protocol/mime/facts.hpp"

#include "protocol/mime/encoded_word.hpp"
#include "protocol/mime/names.hpp"
#include "protocol/mime/parameters.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol::mime {
namespace {

// An octet in an encoded word or behind "%" is several: 200 Cyrillic letters are 1,200 of them.
constexpr std::size_t encoded_times = 4;

template <class T> void add_once(std::vector<T>& to, T one) {
    if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(std::move(one));
}

// What stands before the first ";", in lower case, without blanks, controls and quotes.
std::string first_word(std::string_view reading) {
    std::string word;
    for (const char c : reading.substr(0, reading.find(';')))
        if (!is_control(c) && c != ' ' && c != '"' && c != '\'') word += to_lower(c);
    return word;
}

bool is_type(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return false;
    const auto good = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') ||
               std::string_view("!#$&-^_.+%*'`{|}~").find(c) != std::string_view::npos;
    };
    return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash), good) &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(slash) + 1, text.end(), good);
}

// Sun's mail program of old; Mozilla splits it at lines of ten dashes.
bool is_sun_attachment(std::string_view type) { return type == "x-sun-attachment"; }

void read_type(const std::vector<std::string>& readings, const limits& bounds, facts& to) {
    for (const std::string& reading : readings) {
        auto type = first_word(reading).substr(0, bounds.name_octets);
        if (is_sun_attachment(type))
            add_once(to.boundaries, std::string(8, '-'));
        else if (!is_type(type))
            add(to.found, finding::malformed_type);
        add_once(to.types, std::move(type));
    }
}

void add_boundary(std::string value, facts& to) {
    value.erase(value.find_last_not_of(" \t\r\n") + 1);
    if (!value.empty()) add_once(to.boundaries, std::move(value));
}

void read_boundaries(const std::vector<std::string>& readings, const limits& bounds, facts& to) {
    for (const std::string& reading : readings) {
        parameter_values found;
        find_parameter(reading, "boundary", bounds.boundary_octets, sections::joined, found);
        if (found.malformed) add(to.found, finding::malformed_parameter);
        if (found.overlong) add(to.found, finding::overlong_boundary);
        for (std::string& value : found.values) {
            value.resize(std::min(value.size(), bounds.boundary_octets));
            if (const auto nul = value.find('\0'); nul != std::string::npos) { // where a C string ends
                add_boundary(value.substr(0, nul), to);
                auto whole = value;
                std::erase(whole, '\0');
                add_boundary(std::move(whole), to);
            }
            add_boundary(std::move(value), to);
        }
    }
    if (to.boundaries.size() > 1) add(to.found, finding::conflicting_values);
}

// The likeliest value: what text means is nobody's to doubt but its reader's.
void read_charset(const std::vector<std::string>& readings, facts& to) {
    constexpr std::size_t charset_max = 64;
    if (readings.empty() || !to.charset.empty()) return;
    parameter_values found;
    find_parameter(readings.front(), "charset", charset_max, sections::joined, found);
    if (!found.values.empty()) to.charset = to_lower(found.values.front());
}

void read_names(name_source source, const std::vector<std::string>& readings, const limits& bounds,
                facts& to) {
    for (const std::string& reading : readings) {
        for (const std::string_view attribute : {"filename", "name"}) {
            parameter_values found;
            find_parameter(reading, attribute, encoded_times * bounds.name_octets, sections::joined_and_alone,
                           found);
            if (found.malformed) add(to.found, finding::malformed_parameter);
            if (found.conflicting) add(to.found, finding::conflicting_values);
            if (found.overlong) add(to.found, finding::overlong_name);
            for (const std::string& value : found.values) add_name(source, value, bounds, to);
        }
    }
}

void read_encoding(const std::vector<std::string>& readings, facts& to) {
    constexpr std::string_view plain[] = {"7bit", "8bit", "binary", "x-uuencode", "x-uue", "uuencode"};
    for (const std::string& reading : readings) {
        const auto word = first_word(reading);
        if (word == "base64") {
            add_once(to.encodings, encoding::base64);
        } else if (word == "quoted-printable") {
            add_once(to.encodings, encoding::quoted_printable);
        } else {
            if (std::find(std::begin(plain), std::end(plain), word) == std::end(plain))
                add(to.found, finding::unknown_encoding);
            if (word.find("yenc") != std::string::npos) add(to.found, finding::yenc);
            add_once(to.encodings, encoding::identity);
            if (word.find("base64") != std::string::npos) add_once(to.encodings, encoding::base64);
            if (word.find("quoted") != std::string::npos) add_once(to.encodings, encoding::quoted_printable);
        }
    }
}

// A value that is a name.
void read_whole(name_source source, const std::vector<std::string>& readings, const limits& bounds,
                facts& to) {
    for (const std::string& reading : readings)
        add_name(source, std::string_view(reading).substr(0, bounds.name_octets), bounds, to);
}

// A URL: its path is a name, and so it is without the question behind it; its host is none.
void read_location(const std::vector<std::string>& readings, const limits& bounds, facts& to) {
    constexpr std::string_view mark = "://";
    for (const std::string& reading : readings) {
        auto name = std::string_view(reading).substr(0, bounds.name_octets);
        if (const auto scheme = name.find(mark); scheme < name.find_first_of("/?#")) {
            name.remove_prefix(scheme + mark.size());
            const auto host = name.find_first_of("/?#\\");
            name.remove_prefix(host == name.npos ? name.size() : host);
        }
        if (name.find_first_not_of("/ ") == name.npos) continue;
        add_name(name_source::location, name, bounds, to);
        if (const auto question = name.find_first_of("?#"); question != name.npos)
            add_name(name_source::location, name.substr(0, question), bounds, to);
    }
}

void read_field(const field& one, const limits& bounds, facts& to) {
    const auto readings = value_readings(one.value);
    for (const std::string& reading : readings) to.work += reading.size() * 4;
    switch (one.kind) {
    case field_kind::type:
        read_type(readings, bounds, to);
        read_boundaries(readings, bounds, to);
        read_charset(readings, to);
        read_names(name_source::type, readings, bounds, to);
        return;
    case field_kind::disposition: read_names(name_source::disposition, readings, bounds, to); return;
    case field_kind::encoding: read_encoding(readings, to); return;
    case field_kind::name: return read_whole(name_source::field, readings, bounds, to);
    case field_kind::description:
        // Of a message it is the subject, which may well end in "example.com".
        if (to.types.empty() || !std::all_of(to.types.begin(), to.types.end(), is_message))
            read_whole(name_source::description, readings, bounds, to);
        return;
    case field_kind::location: return read_location(readings, bounds, to);
    }
}

void add_normalised(name_source source, std::string_view raw, const limits& bounds, facts& to) {
    constexpr unsigned cost = 16; // of an octet, beside one that is only searched
    if (++to.names_tried > names_tried_for_each * bounds.names) {
        add(to.found, finding::too_many_names);
        return;
    }
    to.work += raw.size() * cost;
    for (std::string& name : normalised_names(raw)) {
        const auto same = [&](const named& one) { return one.normalised == name; };
        if (std::any_of(to.names.begin(), to.names.end(), same)) continue;
        if (to.names.size() >= bounds.names) {
            add(to.found, finding::too_many_names);
            return;
        }
        to.names.push_back({source, std::string(raw), std::move(name)});
    }
}

// A file that is called like a folder: some take its last component all the same.
void add_one(name_source source, std::string_view raw, const limits& bounds, facts& to) {
    add_normalised(source, raw, bounds, to);
    if (source == name_source::location || source == name_source::description) return;
    const auto end = raw.find_last_not_of("/\\ .");
    const auto file = raw.substr(0, end == std::string_view::npos ? 0 : end + 1);
    if (raw.find_first_of("/\\", file.size()) != std::string_view::npos)
        add_normalised(source, file, bounds, to);
}

// What clients call a file without an ending, by its type: "ATT00001.hta" (Outlook, by Windows' table of
// types), "Part 2.exe" and the like.
void name_by_type(const limits& bounds, facts& to) {
    struct row {
        std::string_view type, ending;
    };
    static constexpr row rows[] = {{"application/hta", ".hta"},
                                   {"application/x-msdownload", ".exe"},
                                   {"application/x-msdos-program", ".exe"},
                                   {"application/x-dosexec", ".exe"},
                                   {"application/vnd.microsoft.portable-executable", ".exe"},
                                   {"application/x-bat", ".bat"},
                                   {"application/bat", ".bat"},
                                   {"application/java-archive", ".jar"},
                                   {"application/x-java-archive", ".jar"},
                                   {"application/javascript", ".js"},
                                   {"application/x-javascript", ".js"},
                                   {"text/javascript", ".js"},
                                   {"text/vbscript", ".vbs"},
                                   {"application/x-ms-shortcut", ".lnk"},
                                   {"application/vnd.ms-htmlhelp", ".chm"},
                                   {"application/winhlp", ".hlp"},
                                   {"application/x-msi", ".msi"}};
    const bool has_ending = std::any_of(to.names.begin(), to.names.end(), [](const named& one) {
        const bool is_name = one.source != name_source::description && one.source != name_source::location;
        return is_name && one.normalised.find('.') != std::string::npos;
    });
    if (has_ending) return;
    for (const row& one : rows)
        if (std::find(to.types.begin(), to.types.end(), one.type) != to.types.end())
            add_name(name_source::type, std::string("unnamed").append(one.ending), bounds, to);
}

} // namespace

void add_name(name_source source, std::string_view raw, const limits& bounds, facts& to) {
    const bool encoded = has_encoded_word(raw);
    const auto most = bounds.name_octets * (encoded ? encoded_times : 1);
    if (raw.size() > most) {
        add(to.found, finding::overlong_name);
        raw = raw.substr(0, most);
    }
    add_one(source, raw, bounds, to);
    if (!encoded) return;
    std::vector<std::string> readings;
    for (const auto how : {quanta::of_each_word, quanta::across_words})
        add_once(readings, decode_encoded_words(raw, how));
    for (const auto& decoded : readings)
        if (decoded != raw) add_one(source, decoded, bounds, to);
}

facts read_facts(const std::vector<field>& fields, const limits& bounds) {
    constexpr std::size_t fields_max = 32; // that differ; nobody needs more than five
    facts read;
    std::vector<const field*> seen;
    for (const field& one : fields) {
        const auto same = [&](const field* other) {
            return other->kind == one.kind && other->value == one.value;
        };
        if (std::any_of(seen.begin(), seen.end(), same)) continue;
        const auto rival = [&](const field* other) { return other->kind == one.kind; };
        if (one.kind <= field_kind::encoding && std::any_of(seen.begin(), seen.end(), rival))
            add(read.found, finding::conflicting_fields);
        if (seen.size() == fields_max) {
            add(read.found, finding::overlong_header);
            break;
        }
        seen.push_back(&one);
    }
    for (const field* one : seen)
        if (one->kind != field_kind::description) read_field(*one, bounds, read);
    for (const field* one : seen) // they depend on the types
        if (one->kind == field_kind::description) read_field(*one, bounds, read);
    name_by_type(bounds, read);
    if (read.encodings.empty()) read.encodings.push_back(encoding::identity);
    return read;
}

bool is_multipart(std::string_view type) {
    return type.find("multipart") != std::string_view::npos || is_sun_attachment(type);
}

bool is_message(std::string_view type) {
    return type.starts_with("message") && (type.ends_with("rfc822") || type.ends_with("global") ||
                                           type.ends_with("news") || type == "message/");
}

bool is_tnef(std::string_view type) { return type.find("ms-tnef") != std::string_view::npos; }

} // namespace postern::protocol::mime
