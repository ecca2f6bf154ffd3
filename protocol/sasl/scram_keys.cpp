#include "protocol/sasl/scram_keys.hpp"

#include "protocol/sasl/base64.hpp"
#include "protocol/smtp/grammar.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>
#include <gsasl.h>

namespace postern::protocol::sasl {

namespace {

bool are_sound(const scram_keys& keys) {
    return keys.iterations >= scram_iterations_min && keys.iterations <= scram_iterations_max &&
           keys.salt.size() >= scram_salt_min && keys.salt.size() <= scram_salt_max &&
           keys.stored_key.size() == scram_key_octets && keys.server_key.size() == scram_key_octets;
}

} // namespace

result<scram_keys> make_scram_keys(const std::string& password, std::string_view salt, unsigned iterations) {
    scram_keys keys{iterations, std::string(salt), std::string(scram_key_octets, '\0'),
                    std::string(scram_key_octets, '\0')};
    const auto invalid = make_error_code(boost::system::errc::invalid_argument);
    if (!are_sound(keys) || password.find('\0') != std::string::npos) return invalid;
    std::array<char, scram_key_octets> salted{}, client_key{};
    const int outcome = gsasl_scram_secrets_from_password(
        GSASL_HASH_SHA256, password.c_str(), iterations, salt.data(), salt.size(), salted.data(),
        client_key.data(), keys.server_key.data(), keys.stored_key.data());
    ::explicit_bzero(salted.data(), salted.size()); // either is as good as the password
    ::explicit_bzero(client_key.data(), client_key.size());
    if (outcome != GSASL_OK) return invalid;
    return keys;
}

std::string to_text(const scram_keys& keys) {
    return fmt::format("{},{},{},{}", keys.iterations, encode_base64(keys.salt),
                       encode_base64(keys.stored_key), encode_base64(keys.server_key));
}

std::optional<scram_keys> parse_scram_keys(std::string_view text) {
    std::array<std::string_view, 4> fields;
    for (auto& field : fields) {
        const auto comma = text.find(',');
        if ((&field == &fields.back()) != (comma == std::string_view::npos)) return std::nullopt;
        field = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    const auto iterations = parse_number(fields[0]);
    if (!iterations || *iterations > scram_iterations_max) return std::nullopt;
    scram_keys keys;
    keys.iterations = static_cast<unsigned>(*iterations);
    std::string* const parts[] = {&keys.salt, &keys.stored_key, &keys.server_key};
    for (std::size_t i = 0; i < 3; ++i) {
        const auto octets = decode_base64(fields[i + 1]);
        if (!octets) return std::nullopt;
        *parts[i] = octets->view();
    }
    if (!are_sound(keys)) return std::nullopt;
    return keys;
}

} // namespace postern::protocol::sasl
