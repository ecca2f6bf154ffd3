// A row of the table of settings: what a key takes, what it stands for, where its value is kept. The loader,
// the defaults, the checks and the reference are written against rows; none of them knows a key by name.
// Inside conf/ only; the world sees settings.hpp and load.hpp.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace postern::conf {

// What is wrong with a value, and what would be right: "\"5 min\" is not a duration; write ... such as
// \"5m\"".
struct problem {
    std::string text;
    problem() = default;
    problem(std::string_view what, std::string_view cure); // an empty cure: nothing to be done in the file
};
[[noreturn]] void throw_exception_from_error(const problem& what, const boost::source_location& where);
template <class T> using checked = result<T, problem>;

// A word out of a row's list; `index` is the enumerator where the field is an enum.
struct choice {
    std::size_t index = 0;
    std::string_view word; // of the table: lives for ever
};

// A value as read and checked: one item, or any number for a list.
using item =
    std::variant<std::uint64_t, double, bool, std::string, seconds, day, protocol::cidr, endpoint, choice>;
using value = std::vector<item>;

enum class form { text, word, number, decimal, boolean, size, duration, date, network, address };
enum class plurality { one, list, one_or_list };
enum class zero { counts, is_special }; // is_special: 0 (a date: "") is allowed below `least`

// Checks a text beyond its form and returns what is stored (a domain in its canonical form).
using text_check = checked<std::string> (*)(std::string_view);

// What a key takes.
struct rule {
    form what = form::text;
    plurality many = plurality::one;
    std::uint64_t least = 0; // number, octets or seconds; of each item
    std::uint64_t most = 0;
    double low = 0, high = 0; // decimal
    zero at_zero = zero::counts;
    std::span<const std::string_view> words; // form::word: the words in the order of the enum
    text_check check = nullptr;              // form::text and form::word: before anything else
    std::string_view wanted;                 // form::text: "an absolute path such as \"/var/lib/postern\""
    bool may_be_empty = true;                // lists: false when at least one item is needed
};

// What counts where the file doesn't set the key.
struct fallback {
    enum class kind {
        value,    // `text`; the items of a list stand between blanks
        derived,  // the loader finds it; `text` says from where
        required, // an error; `text` is an example
    };
    kind how = kind::value;
    std::string_view text;

    constexpr fallback(const char* default_text) : text(default_text) {} // NOLINT: rows read better so
    constexpr fallback(kind k, std::string_view t) : how(k), text(t) {}
};
constexpr fallback derived(std::string_view from) { return {fallback::kind::derived, from}; }
constexpr fallback required(std::string_view example) { return {fallback::kind::required, example}; }

enum class change { at_reload, needs_restart };

// Where a row's field is: in the config, or in a record of an array ([[listener]]) or of a named table
// ([tier.a]); borrowed for one call. `record` is of the type that the section's `append` makes.
struct place {
    config* all = nullptr;
    void* record = nullptr;
};

// Where a row's value is kept.
struct field {
    void (*store)(const place&, const value&) = nullptr;
    bool (*same)(const place&, const place&) = nullptr;
    void (*copy)(const place& from, const place& to) = nullptr;
};

struct setting {
    std::string_view section; // "limits", "listener", "tls.certificate"
    std::string_view key;
    rule allowed;
    fallback otherwise;
    change applies = change::at_reload;
    std::string_view meaning; // one sentence in an operator's words
    field kept;
};

struct section {
    std::string_view name;
    // [name], [[name]], [name.ANY], or [name] with lines "DOMAIN" = value or WORD = value, whose one row says
    // what a value is
    enum class kind { table, array, named, by_domain, by_word } how = kind::table;
    std::string_view meaning;
    // But for a table: one more record, empty but for its name or domain where it has one.
    void* (*append)(config&, std::string_view name) = nullptr;
};

// In the order of the reference; a section's rows stand together.
std::span<const section> all_sections();
std::span<const setting> all_settings();
std::vector<const setting*> settings_of(std::string_view section_name);

// The default as a value; only for rows whose fallback is a value.
value default_value(const setting& row);
// The default as TOML: "5m" in quotes, 20 without, ["a", "b"].
std::string default_toml(const setting& row);
// Every row of the section that has a default, stored.
void store_defaults(std::string_view section_name, const place& where);

template <class T> void assign(T& target, const item& from) {
    if constexpr (std::is_enum_v<T>) {
        target = static_cast<T>(std::get<choice>(from).index);
    } else if constexpr (std::is_same_v<T, bool>) {
        target = std::get<bool>(from);
    } else if constexpr (std::is_floating_point_v<T>) {
        target = std::get<double>(from);
    } else if constexpr (std::is_integral_v<T>) {
        target = static_cast<T>(std::get<std::uint64_t>(from));
    } else if constexpr (std::is_same_v<T, std::string>) {
        const auto* word = std::get_if<choice>(&from);
        target = word != nullptr ? std::string{word->word} : std::get<std::string>(from);
    } else {
        target = std::get<T>(from);
    }
}

template <class T> void assign(T& target, const value& from) { assign(target, from.front()); }
template <class T> void assign(std::vector<T>& target, const value& from) {
    target.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) assign(target[i], from[i]);
}

// &config::limits, &limit_settings::errors
template <auto Section, auto Member>
inline constexpr field kept_in{
    [](const place& where, const value& from) { assign(where.all->*Section.*Member, from); },
    [](const place& a, const place& b) { return a.all->*Section.*Member == b.all->*Section.*Member; },
    [](const place& from, const place& to) { to.all->*Section.*Member = from.all->*Section.*Member; }};

// &config::dnsbl, &dnsbl_settings::test, &test_settings::mode
template <auto Section, auto Part, auto Member>
inline constexpr field kept_in_part{
    [](const place& where, const value& from) { assign(where.all->*Section.*Part.*Member, from); },
    [](const place& a, const place& b) {
        return a.all->*Section.*Part.*Member == b.all->*Section.*Part.*Member;
    },
    [](const place& from, const place& to) {
        to.all->*Section.*Part.*Member = from.all->*Section.*Part.*Member;
    }};

template <class T, class Record> Record record_of(T Record::*);

// &listener_settings::name
template <auto Member>
inline constexpr field kept_in_record{
    [](const place& where, const value& from) {
        assign(static_cast<decltype(record_of(Member))*>(where.record)->*Member, from);
    },
    [](const place& a, const place& b) {
        using kept = const decltype(record_of(Member))*;
        return static_cast<kept>(a.record)->*Member == static_cast<kept>(b.record)->*Member;
    },
    [](const place& from, const place& to) {
        using kept = decltype(record_of(Member))*;
        static_cast<kept>(to.record)->*Member = static_cast<kept>(from.record)->*Member;
    }};

} // namespace postern::conf
