#include "conf/mail_templates.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace postern::conf {
namespace {

constexpr std::string_view subject_field = "Subject: ";

bool is_template(std::string_view text) {
    return text.starts_with(subject_field) && text.size() <= template_max &&
           text.find("\n\n") != std::string_view::npos;
}

std::string read_whole(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text(template_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    std::erase(text, '\r');
    return text;
}

std::string with_values(std::string_view text, std::initializer_list<template_value> values) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos) break;
        text.remove_prefix(open);
        const auto* found = std::find_if(values.begin(), values.end(), [&](const template_value& one) {
            const auto& name = one.first;
            return text.size() > name.size() + 1 && text.substr(1, name.size()) == name &&
                   text[name.size() + 1] == '}';
        });
        const bool known = found != values.end();
        out += known ? found->second : text.substr(0, 1);
        text.remove_prefix(known ? found->first.size() + 2 : 1);
    }
    return out;
}

} // namespace

std::string_view name_of(mail_language language) { return language == mail_language::cs ? "cs" : "en"; }

std::string find_template(const identity_settings& settings, std::string_view name) {
    const auto path = std::string(name_of(settings.language)) + "/" + std::string(name);
    if (!settings.templates.empty()) {
        auto own = read_whole(settings.templates + "/" + path + ".txt");
        if (is_template(own)) return own;
    }
    for (const auto& row : built_in_templates())
        if (row.name == path) return std::string(row.text);
    return {};
}

filled_template fill_template(std::string_view text, std::initializer_list<template_value> values) {
    if (!text.starts_with(subject_field)) return {};
    text.remove_prefix(subject_field.size());
    const auto end = text.find("\n\n");
    return {with_values(text.substr(0, end), values),
            end == std::string_view::npos ? std::string() : with_values(text.substr(end + 2), values)};
}

} // namespace postern::conf
