#include "protocol/sasl/mechanism.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <array>

namespace postern::protocol::sasl {

namespace {

constexpr std::array rows = {
    mechanism_row{mechanism::scram_sha_256_plus, "SCRAM-SHA-256-PLUS", true, true},
    mechanism_row{mechanism::scram_sha_256, "SCRAM-SHA-256", true, false},
    mechanism_row{mechanism::plain, "PLAIN"},
    mechanism_row{mechanism::login, "LOGIN"},
};

} // namespace

std::span<const mechanism_row> mechanisms() { return rows; }

const mechanism_row& row_of(mechanism what) { return rows[static_cast<std::size_t>(what)]; }

const mechanism_row* find_mechanism(std::string_view name) {
    const auto* found = std::find_if(rows.begin(), rows.end(), [&](const mechanism_row& row) {
        return equals_ignoring_case(row.name, name);
    });
    return found == rows.end() ? nullptr : found;
}

bool is_offered(const mechanism_row& row, offer now) {
    return (!row.needs_keys || now.keys) && (!row.needs_binding || now.binding);
}

std::string announced(offer now) {
    std::string names;
    for (const auto& row : rows) {
        if (!is_offered(row, now)) continue;
        if (!names.empty()) names += ' ';
        names += row.name;
    }
    return names;
}

} // namespace postern::protocol::sasl
