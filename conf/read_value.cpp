#include "conf/read_value.hpp"

#include "conf/settings.hpp"
#include "conf/text_checks.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace postern::conf {

namespace {

// A number in the unit of its row, as a message shows it.
std::string shown(const rule& allowed, std::uint64_t number) {
    switch (allowed.what) {
    case form::size: return format_size(number);
    case form::duration: return format_duration(seconds{static_cast<seconds::rep>(number)});
    case form::number:
    case form::decimal:
    case form::boolean:
    case form::text:
    case form::word:
    case form::date:
    case form::network:
    case form::address: break;
    }
    return fmt::format("{}", number);
}

std::optional<problem> out_of_range(const rule& allowed, std::uint64_t number, std::string_view as_written) {
    if (number == 0 && allowed.at_zero == zero::is_special) return std::nullopt;
    if (number >= allowed.least && number <= allowed.most) return std::nullopt;
    return problem{fmt::format("{} is {}", as_written, number < allowed.least ? "too little" : "too much"),
                   fmt::format("write {}", range_text(allowed))};
}

checked<item> in_range(const rule& allowed, std::uint64_t number, std::string_view as_written) {
    if (auto wrong = out_of_range(allowed, number, as_written)) return *std::move(wrong);
    if (allowed.what == form::duration) return item{seconds{static_cast<seconds::rep>(number)}};
    return item{number};
}

problem not_of_form(const rule& allowed, std::string_view text) {
    return {fmt::format("{} is not {}", quoted(text), form_name(allowed.what)), cure(allowed)};
}

checked<item> read_word(const rule& allowed, std::string_view text) {
    if (allowed.check != nullptr) {
        if (auto refused = allowed.check(text); refused.has_error()) return refused.error();
    }
    const auto word = std::ranges::find(allowed.words, text);
    if (word == allowed.words.end()) return not_of_form(allowed, text);
    return item{choice{static_cast<std::size_t>(word - allowed.words.begin()), *word}};
}

// "10.0.0.1/8": the network that was most likely meant, or nullopt when the text is something else.
std::optional<std::string> without_host_bits(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = protocol::ip_address::parse(text.substr(0, slash));
    const auto prefix = protocol::parse_number(text.substr(slash + 1));
    if (!address || !prefix || *prefix > address->bytes().size() * 8) return std::nullopt;

    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(address->bytes(), bytes.begin());
    for (std::size_t bit = *prefix; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
    const auto network = address->is_v4() ? protocol::ip_address::v4(std::span{bytes}.first<4>())
                                          : protocol::ip_address::v6(bytes);
    return fmt::format("{}/{}", network.to_string(), *prefix);
}

checked<item> read_network(const rule& allowed, std::string_view text) {
    if (const auto network = protocol::cidr::parse(text)) return item{*network};
    const auto meant = without_host_bits(text);
    if (!meant || !protocol::cidr::parse(*meant)) return not_of_form(allowed, text);
    return problem{fmt::format("{} has bits set beyond its prefix", quoted(text)),
                   fmt::format("write \"{}\" or a single address", *meant)};
}

checked<item> read_text(const rule& allowed, std::string_view text) {
    if (std::ranges::any_of(text, protocol::is_control)) {
        return problem{fmt::format("{} has a control character", quoted(text)), "write it without"};
    }
    if (allowed.check == nullptr) return item{std::string{text}};
    auto stored = allowed.check(text);
    if (stored.has_error()) return stored.error();
    return item{std::move(*stored)};
}

// What TOML must have for an item, in words.
std::string type_needed(const rule& allowed) {
    switch (allowed.what) {
    case form::text:
    case form::word: return "a string";
    case form::number: return "an integer";
    case form::decimal: return "a number";
    case form::boolean: return "true or false";
    case form::date: return "a day such as 2026-03-01";
    case form::size:
    case form::duration:
    case form::network:
    case form::address: break;
    }
    return fmt::format("{} in quotes", form_name(allowed.what));
}

checked<item> read_date(const rule& allowed, int year, unsigned month, unsigned day_of_month) {
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                           std::chrono::day{day_of_month}};
    if (!date.ok() || year < 1970)
        return not_of_form(allowed, fmt::format("{:04}-{:02}-{:02}", year, month, day_of_month));
    return item{day{date}};
}

// "2026-03-01"; "" where a day may be missing.
checked<item> read_date(const rule& allowed, std::string_view text) {
    if (text.empty() && allowed.at_zero == zero::is_special) return item{day{}};
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return not_of_form(allowed, text);
    const auto year = protocol::parse_number(text.substr(0, 4));
    const auto month = protocol::parse_number(text.substr(5, 2));
    const auto day_of_month = protocol::parse_number(text.substr(8));
    if (!year || !month || !day_of_month) return not_of_form(allowed, text);
    return read_date(allowed, static_cast<int>(*year), static_cast<unsigned>(*month),
                     static_cast<unsigned>(*day_of_month));
}

checked<item> read_boolean(const rule& allowed, std::string_view text) {
    if (text == "true" || text == "false") return item{text == "true"};
    return not_of_form(allowed, text);
}

checked<item> read_decimal(const rule& allowed, double number) {
    if (number >= allowed.low && number <= allowed.high) return item{number};
    return problem{fmt::format("{} is {}", number, number < allowed.low ? "too little" : "too much"),
                   fmt::format("write {}", range_text(allowed))};
}

// Of a default; digits, a point and a sign as in TOML.
checked<item> read_decimal(const rule& allowed, std::string_view text) {
    double number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size()) return not_of_form(allowed, text);
    return read_decimal(allowed, number);
}

problem wrong_type(const rule& allowed, const toml::node& node) {
    return {fmt::format("{} stands where {} is needed", type_name(node), type_needed(allowed)),
            cure(allowed)};
}

bool takes_integers(const rule& allowed) {
    return allowed.what == form::number || allowed.what == form::size;
}

checked<item> read_node(const rule& allowed, const toml::node& node) {
    const bool bare =
        allowed.what == form::number || allowed.what == form::boolean || allowed.what == form::decimal;
    if (const auto* text = node.as_string(); text != nullptr && !bare) return read_item(allowed, text->get());
    if (const auto* truth = node.as_boolean(); truth != nullptr && allowed.what == form::boolean)
        return item{truth->get()};
    if (const auto* date = node.as_date(); date != nullptr && allowed.what == form::date)
        return read_date(allowed, date->get().year, date->get().month, date->get().day);
    if (allowed.what == form::decimal) {
        if (const auto* decimal = node.as_floating_point()) return read_decimal(allowed, decimal->get());
        if (const auto* whole = node.as_integer())
            return read_decimal(allowed, static_cast<double>(whole->get()));
    }
    if (const auto* integer = node.as_integer(); integer != nullptr && takes_integers(allowed)) {
        const auto number = integer->get();
        if (number < 0)
            return problem{fmt::format("{} is negative", number),
                           fmt::format("write {}", range_text(allowed))};
        return in_range(allowed, static_cast<std::uint64_t>(number), fmt::format("{}", number));
    }
    return wrong_type(allowed, node);
}

std::string_view without_article(std::string_view name) { return name.substr(name.find(' ') + 1); }

std::optional<value> read_list(const rule& allowed, const toml::array& list, const std::string& key,
                               findings& found) {
    if (list.empty() && !allowed.may_be_empty) {
        found.error(list.source(), key,
                    fmt::format("is empty; write at least one {}", without_article(form_name(allowed.what))));
        return std::nullopt;
    }
    value items;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto one = read_node(allowed, list[i]);
        if (one.has_value())
            items.push_back(std::move(*one));
        else
            found.error(list[i].source(), fmt::format("{}[{}]", key, i), std::move(one.error().text));
    }
    if (items.size() != list.size()) return std::nullopt;
    return items;
}

} // namespace

checked<item> read_item(const rule& allowed, std::string_view text) {
    switch (allowed.what) {
    case form::text: return read_text(allowed, text);
    case form::word: return read_word(allowed, text);
    case form::network: return read_network(allowed, text);
    case form::boolean: return read_boolean(allowed, text);
    case form::date: return read_date(allowed, text);
    case form::decimal: return read_decimal(allowed, text);
    case form::number:
        if (const auto number = protocol::parse_number(text)) return in_range(allowed, *number, text);
        break;
    case form::size:
        if (const auto octets = parse_size(text)) return in_range(allowed, *octets, quoted(text));
        break;
    case form::duration:
        if (const auto time = parse_duration(text)) {
            return in_range(allowed, static_cast<std::uint64_t>(time->count()), quoted(text));
        }
        break;
    case form::address:
        if (const auto where = parse_endpoint(text)) return item{*where};
        break;
    }
    return not_of_form(allowed, text);
}

std::optional<value> read_value(const rule& allowed, const toml::node& node, const std::string& key,
                                findings& found) {
    if (const auto* list = node.as_array(); list != nullptr && allowed.many != plurality::one) {
        return read_list(allowed, *list, key, found);
    }
    if (allowed.many == plurality::list) {
        found.error(node.source(), key,
                    fmt::format("{} stands where an array is needed; write [ ] around it, and in it {}",
                                type_name(node), range_text(allowed)));
        return std::nullopt;
    }
    auto one = read_node(allowed, node);
    if (one.has_value()) return value{std::move(*one)};
    found.error(node.source(), key, std::move(one.error().text));
    return std::nullopt;
}

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a floating-point number";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time of day";
    case toml::node_type::date_time: return "a date and time";
    }
    return "something else";
}

std::string_view form_name(form what) {
    switch (what) {
    case form::text: return "a string";
    case form::word: return "a known word";
    case form::number:
    case form::decimal: return "a number";
    case form::boolean: return "a boolean";
    case form::date: return "a date";
    case form::size: return "a size";
    case form::duration: return "a duration";
    case form::network: return "a network";
    case form::address: return "an address and port";
    }
    return "";
}

std::string range_text(const rule& allowed) {
    switch (allowed.what) {
    case form::text: return std::string{allowed.wanted};
    case form::network: return "networks such as \"192.0.2.0/24\" or single addresses";
    case form::address: return "an address and a port, such as \"0.0.0.0:25\" or \"[::1]:25\"";
    case form::word: {
        std::string words;
        for (std::size_t i = 0; i < allowed.words.size(); ++i) {
            if (i != 0) words += i + 1 == allowed.words.size() ? " or " : ", ";
            words += fmt::format("\"{}\"", allowed.words[i]);
        }
        return words;
    }
    case form::boolean: return "true or false";
    case form::decimal: return fmt::format("{} to {}", allowed.low, allowed.high);
    case form::date:
        return fmt::format("a day such as 2026-03-01{}",
                           allowed.at_zero == zero::is_special ? ", or \"\"" : "");
    case form::number:
    case form::size:
    case form::duration: break;
    }
    return fmt::format("{}{} to {}", allowed.at_zero == zero::is_special ? "0, or " : "",
                       shown(allowed, allowed.least), shown(allowed, allowed.most));
}

std::string cure(const rule& allowed) {
    switch (allowed.what) {
    case form::number: return fmt::format("write a whole number, {}, without quotes", range_text(allowed));
    case form::decimal:
        return fmt::format("write a number, {}, without quotes, such as 1.5", range_text(allowed));
    case form::size: return "write a number and KB, KiB, MB, MiB, GB or GiB, such as \"30MB\"";
    case form::duration: return "write a number and s, m, h or d, such as \"5m\"";
    case form::boolean: return "write true or false, without quotes";
    case form::text:
    case form::word:
    case form::date:
    case form::network:
    case form::address: break;
    }
    return fmt::format("write {}", range_text(allowed));
}

} // namespace postern::conf
