// The texts of mails to users, conf/mail/LANGUAGE/NAME.txt. The first line is "Subject: ...", an empty one
// follows, and then the text, all UTF-8. "{name}" stands for a value.
#pragma once

#include "conf/config.hpp"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace postern::conf {

struct built_in_template {
    std::string_view name; // "en/identity_question"
    std::string_view text;
};
std::span<const built_in_template> built_in_templates();

std::string_view name_of(mail_language language); // "en"

inline constexpr std::size_t template_max = 16 * 1024; // octets of a file

// That of the folder identity.templates, else the one in the program. A file that can't be read, is longer,
// or has no subject counts as absent. Reads the disk.
std::string find_template(const identity_settings& settings, std::string_view name);

struct filled_template {
    std::string subject, text;
};
using template_value = std::pair<std::string_view, std::string_view>; // "account", "jan@firma.cz"
// Values are put in once: what stands in them is never a "{name}". An unknown name stays.
filled_template fill_template(std::string_view text, std::initializer_list<template_value> values);

} // namespace postern::conf
