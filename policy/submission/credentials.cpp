// libxcrypt takes a setting that it doesn't know for one of DES: what isn't in our table never gets there.
#include "policy/submission/credentials.hpp"

#include "policy/password.hpp"
#include "policy/submission/keyed_digest.hpp"
#include "protocol/sasl/base64.hpp"
#include "protocol/sasl/scram_keys.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <array>
#include <crypt.h>
#include <fmt/format.h>
#include <memory>
#include <openssl/evp.h>

namespace postern::policy {

namespace {

using protocol::sasl::secret;

constexpr std::size_t stored_max = 1024; // octets
constexpr unsigned bcrypt_cost_max = 14; // 0.8 s
constexpr std::uint64_t sha_rounds_max = 2'000'000;

struct crypt_data_end {
    void operator()(crypt_data* data) const {
        ::explicit_bzero(data, sizeof *data); // holds the password
        delete data;
    }
};

enum class way { none, crypt, salted_sha, scram };
struct scheme_row {
    std::string_view name;
    way how = way::none;
    std::string_view prefixes = {}; // of crypt: those it stands for, "" = all that we know
    std::string_view problem = {};  // of none
};
constexpr std::string_view weak = "is too weak to be kept";
constexpr std::string_view argon = "is Argon2, which libxcrypt can't check";

// As Dovecot names them, without their encoding (".B64"). In any case.
constexpr scheme_row schemes[] = {
    {"CRYPT", way::crypt},
    {"BLF-CRYPT", way::crypt, "$2a$ $2b$ $2y$"},
    {"SHA512-CRYPT", way::crypt, "$6$"},
    {"SHA256-CRYPT", way::crypt, "$5$"},
    {"SSHA512", way::salted_sha},
    {"SSHA256", way::salted_sha},
    {"SCRAM-SHA-256", way::scram},
    {"ARGON2I", way::none, {}, argon},
    {"ARGON2ID", way::none, {}, argon},
    {"ARGON2D", way::none, {}, argon},
    {"MD5-CRYPT", way::none, {}, weak},
    {"DES-CRYPT", way::none, {}, weak},
    {"PLAIN", way::none, {}, "is the password itself: give it by --password-stdin"},
    {"CLEARTEXT", way::none, {}, "is the password itself: give it by --password-stdin"},
};
constexpr std::string_view crypt_prefixes[] = {"$y$", "$7$", "$2b$", "$2y$", "$2a$", "$6$", "$5$"};
constexpr std::string_view crypt_names = "$y$, $7$, $2b$, $2y$, $2a$, $6$ or $5$";

// A stored setting, read.
struct stored_setting {
    way how = way::none;
    std::string_view scheme; // of salted_sha
    std::string_view value;  // without the scheme
    std::string problem;     // "" = usable
};

stored_setting unusable(std::string problem) { return {way::none, {}, {}, std::move(problem)}; }

// Of "$2y$10$...": the text between the second "$" and the third, or the end.
std::string_view second_field(std::string_view setting) {
    const auto from = setting.find('$', 1) + 1;
    return setting.substr(from, setting.find('$', from) - from);
}

constexpr std::size_t bcrypt_salted = 29, bcrypt_whole = 60; // "$2y$10$", 22 of salt, 31 of hash

// A decoy has none, and what has none can't be anybody's.
bool has_hash(std::string_view setting) {
    if (setting.starts_with("$2")) return setting.size() == bcrypt_whole;
    const std::size_t octets = setting.starts_with("$6$") ? 86 : 43;
    return setting.size() - (setting.rfind('$') + 1) == octets &&
           std::count(setting.begin(), setting.end(), '$') >= 3;
}

// What an attacker would make us pay for each try; or a cost that only a hash of somebody else's can have.
std::string cost_problem(std::string_view setting) {
    const auto field = second_field(setting);
    if (setting.starts_with("$2")) {
        const auto cost = protocol::parse_number(field);
        if (field.size() == 2 && cost && *cost >= 4 && *cost <= bcrypt_cost_max) return "";
        return fmt::format("has a cost that is not one of 04 to {}", bcrypt_cost_max);
    }
    if (setting.starts_with("$y$")) { // crypt(5): flavour, N and r, as crypt_gensalt() writes them
        if (field == "j75" || field == "j85") return "";
        const bool usual = field.size() == 3 && field[0] == 'j' && field[2] == 'T';
        const bool bounded =
            usual && ((field[1] >= '7' && field[1] <= '9') || (field[1] >= 'A' && field[1] <= 'F'));
        return bounded ? "" : "has a cost that is not one of j7T to jFT";
    }
    if (setting.starts_with("$7$")) // N, r, p
        return field.size() >= 11 && field[0] >= 'B' && field[0] <= 'G' && field.substr(1, 10) == "U..../...."
                   ? ""
                   : "has a cost that is not one of BU..../.... to GU..../....";
    if (!field.starts_with("rounds=")) return "";
    const auto rounds = protocol::parse_number(field.substr(7));
    return rounds && *rounds <= sha_rounds_max ? "" : fmt::format("has more than {} rounds", sha_rounds_max);
}

bool has_crypt_octets(std::string_view setting) { // crypt(5): printable ASCII but for ":;*!\"
    return std::all_of(setting.begin(), setting.end(), [](char c) {
        return c > ' ' && c < 0x7f && std::string_view(":;*!\\").find(c) == std::string_view::npos;
    });
}

stored_setting read_crypt(std::string_view setting, std::string_view allowed) {
    const auto* known = std::find_if(std::begin(crypt_prefixes), std::end(crypt_prefixes),
                                     [&](std::string_view prefix) { return setting.starts_with(prefix); });
    if (known == std::end(crypt_prefixes))
        return unusable(fmt::format("is not a hash that begins with {}", crypt_names));
    if (!allowed.empty() && allowed.find(*known) == std::string_view::npos)
        return unusable(fmt::format("is not of the kind that its prefix says ({})", allowed));
    if (!has_crypt_octets(setting)) return unusable("has a character that no hash has");
    if (auto problem = cost_problem(setting); !problem.empty()) return unusable(std::move(problem));
    // $5$ is as strong as $6$; libxcrypt only calls it out of date.
    const int judged = crypt_checksalt(std::string(setting).c_str());
    if (judged != CRYPT_SALT_OK && !(judged == CRYPT_SALT_METHOD_LEGACY && *known == "$5$"))
        return unusable("is not a hash that libxcrypt accepts");
    return {way::crypt, {}, setting, ""};
}

std::size_t sha_octets(std::string_view scheme) { return scheme == "SSHA512" ? 64 : 32; }

stored_setting read_salted_sha(std::string_view scheme, std::string_view value) {
    const auto octets = protocol::sasl::decode_base64(value);
    if (!octets || octets->size() <= sha_octets(scheme))
        return unusable("is not the base64 of a hash and its salt");
    return {way::salted_sha, scheme, value, ""};
}

stored_setting read_stored(std::string_view stored) {
    if (stored.empty()) return unusable("is empty");
    if (stored.size() > stored_max) return unusable(fmt::format("is longer than {} octets", stored_max));
    if (!stored.starts_with('{')) return read_crypt(stored, "");
    const auto end = stored.find('}');
    if (end == std::string_view::npos) return unusable("has a \"{\" and no \"}\"");
    auto name = stored.substr(1, end - 1);
    const auto value = stored.substr(end + 1);
    const auto dot = name.find('.');
    if (dot != std::string_view::npos && !protocol::equals_ignoring_case(name.substr(dot), ".b64"))
        return unusable("has an encoding other than base64");
    const bool encoded = dot != std::string_view::npos;
    name = name.substr(0, dot);
    const auto* row = std::find_if(std::begin(schemes), std::end(schemes), [&](const scheme_row& one) {
        return protocol::equals_ignoring_case(one.name, name);
    });
    if (row == std::end(schemes)) return unusable("has a scheme that is not known here");
    switch (row->how) {
    case way::none: return unusable(std::string(row->problem));
    case way::crypt: return encoded ? unusable("has an encoding") : read_crypt(value, row->prefixes);
    case way::salted_sha: return read_salted_sha(row->name, value);
    case way::scram:
        if (!encoded && protocol::sasl::parse_scram_keys(value)) return {way::scram, {}, value, ""};
        return unusable("is not \"iterations,salt,stored key,server key\"");
    }
    return unusable("");
}

bool matches_crypt(const secret& password, std::string_view setting) {
    const std::unique_ptr<crypt_data, crypt_data_end> data(new crypt_data{});
    const char* hash = crypt_r(password.c_str(), std::string(setting).c_str(), data.get());
    if (hash == nullptr || *hash == '*') return false;
    return equal_in_constant_time(hash, setting);
}

bool matches_salted_sha(const secret& password, std::string_view scheme, std::string_view value) {
    const auto octets = protocol::sasl::decode_base64(value);
    if (!octets) return false;
    const auto size = sha_octets(scheme);
    const auto salt = octets->view().substr(size);
    secret salted;
    salted.reserve(password.size() + salt.size());
    for (const char c : password.view()) salted.push_back(c);
    for (const char c : salt) salted.push_back(c);
    std::array<char, 64> made{};
    unsigned length = 0;
    if (EVP_Digest(salted.c_str(), salted.size(), reinterpret_cast<unsigned char*>(made.data()), &length,
                   size == 64 ? EVP_sha512() : EVP_sha256(), nullptr) != 1)
        return false;
    return equal_in_constant_time({made.data(), length}, octets->view().substr(0, size));
}

bool matches_scram(const secret& password, std::string_view value) {
    const auto keys = protocol::sasl::parse_scram_keys(value);
    if (!keys) return false;
    std::string text(password.view());
    const auto made = protocol::sasl::make_scram_keys(text, keys->salt, keys->iterations);
    protocol::sasl::wipe(text);
    return made && equal_in_constant_time(made->stored_key, keys->stored_key);
}

} // namespace

std::string setting_problem(std::string_view stored) {
    const auto setting = read_stored(stored);
    if (setting.how == way::crypt && !has_hash(setting.value))
        return "has no hash of the right length at its end";
    return setting.problem;
}

password_match check_password(const secret& password, std::string_view stored) {
    const auto setting = read_stored(stored);
    bool right = false;
    switch (setting.how) {
    case way::none: return password_match::unusable;
    case way::crypt: right = matches_crypt(password, setting.value); break;
    case way::salted_sha: right = matches_salted_sha(password, setting.scheme, setting.value); break;
    case way::scram: right = matches_scram(password, setting.value); break;
    }
    return right ? password_match::right : password_match::wrong;
}

std::string decoy_of(std::string_view stored) {
    const auto setting = read_stored(stored);
    switch (setting.how) {
    case way::none: return "";
    case way::crypt: {
        if (!has_hash(setting.value)) return std::string(setting.value);
        if (setting.value.starts_with("$2")) return std::string(setting.value.substr(0, bcrypt_salted));
        return std::string(setting.value.substr(0, setting.value.rfind('$')));
    }
    case way::salted_sha: {
        const auto octets = protocol::sasl::decode_base64(setting.value);
        const std::string salt(octets ? octets->view().substr(sha_octets(setting.scheme)) : "");
        return fmt::format(
            "{{{}}}{}", setting.scheme,
            protocol::sasl::encode_base64(std::string(sha_octets(setting.scheme), '\0') + salt));
    }
    case way::scram: {
        auto keys = protocol::sasl::parse_scram_keys(setting.value);
        if (!keys) return "";
        keys->stored_key.assign(protocol::sasl::scram_key_octets, '\0');
        keys->server_key = keys->stored_key;
        return fmt::format("{{SCRAM-SHA-256}}{}", protocol::sasl::to_text(*keys));
    }
    }
    return "";
}

std::string cost_of(std::string_view stored) {
    const auto setting = read_stored(stored);
    switch (setting.how) {
    case way::none: return "";
    case way::salted_sha: return std::string(setting.scheme);
    case way::scram: return "SCRAM-SHA-256," + std::string(setting.value.substr(0, setting.value.find(',')));
    case way::crypt: break;
    }
    const auto prefix = setting.value.substr(0, setting.value.find('$', 1) + 1);
    const auto field = second_field(setting.value);
    if (prefix == "$7$") return std::string(setting.value.substr(0, 14));
    if ((prefix == "$6$" || prefix == "$5$") && !field.starts_with("rounds=")) return std::string(prefix);
    return std::string(prefix) + std::string(field);
}

} // namespace postern::policy
