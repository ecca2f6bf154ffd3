// Keys and values of the ledger as octets. Pure.
#include "storage/big_endian.hpp"
#include "storage/tables/ledger_tables.hpp"

#include <algorithm>
#include <array>

namespace postern::storage {
namespace {

constexpr std::size_t time_octets = 5;
constexpr std::size_t number_in_stamp = stamp_octets - time_octets;
constexpr std::int64_t time_max = (std::int64_t{1} << 8 * time_octets) - 1;
constexpr std::size_t length_octets = 2;
constexpr std::uint64_t node_octets = 10; // what LMDB keeps with each key
constexpr std::size_t texts_of_a_row = 9;

void put_text(std::string& to, std::string_view text) {
    append_big_endian(to, text.size(), length_octets);
    to += text;
}

// nullopt when the value ends before.
std::optional<std::string> take_text(std::string_view& from) {
    if (from.size() < length_octets) return std::nullopt;
    const auto length = static_cast<std::size_t>(big_endian(from.substr(0, length_octets)));
    from.remove_prefix(length_octets);
    if (from.size() < length) return std::nullopt;
    std::string text(from.substr(0, length));
    from.remove_prefix(length);
    return text;
}

std::optional<protocol::ip_address> address_in(std::string_view octets) {
    std::array<std::uint8_t, 16> bytes{};
    if (octets.size() != 4 && octets.size() != bytes.size()) return std::nullopt;
    std::transform(octets.begin(), octets.end(), bytes.begin(),
                   [](char octet) { return static_cast<std::uint8_t>(octet); });
    if (octets.size() == 4) return protocol::ip_address::v4(std::span(bytes).first<4>());
    return protocol::ip_address::v6(std::span<const std::uint8_t, 16>(bytes));
}

std::string octets_of(const protocol::ip_address& address) {
    std::string octets;
    for (const auto octet : address.bytes()) octets.push_back(static_cast<char>(octet));
    return octets;
}

} // namespace

std::string make_stamp(std::int64_t time, std::uint64_t number) {
    std::string stamp;
    append_big_endian(stamp, static_cast<std::uint64_t>(std::clamp(time, std::int64_t{0}, time_max)),
                      time_octets);
    append_big_endian(stamp, number, number_in_stamp);
    return stamp;
}

std::int64_t time_of_stamp(std::string_view stamp) {
    return static_cast<std::int64_t>(big_endian(stamp.substr(0, time_octets)));
}

std::string inverted(std::string_view stamp) {
    std::string made(stamp);
    for (auto& octet : made) octet = static_cast<char>(~static_cast<unsigned char>(octet));
    return made;
}

std::string whom_prefix(const std::optional<protocol::address>& whom) {
    return (whom ? whom->folded() : std::string()) + '\0';
}

std::size_t ledger_entry::octets() const {
    const auto index = [](const std::string& prefix) { return prefix.size() + stamp_octets + node_octets; };
    const std::size_t own = stamp_octets + value.size() + node_octets + index(recipient);
    return sender == recipient ? own : own + index(sender);
}

ledger_entry encode_ledger_row(const ledger_row& row) {
    // Without a recipient it is its sender's alone.
    ledger_entry made{
        row.time, whom_prefix(row.sender), whom_prefix(row.recipient ? row.recipient : row.sender), {}};
    made.value.push_back(static_cast<char>(row.mode));
    made.value.push_back(row.sender ? '\1' : '\0');
    const protocol::address nobody;
    const auto& sender = row.sender ? *row.sender : nobody;
    const auto& recipient = row.recipient ? *row.recipient : nobody;
    for (const std::string_view text :
         {std::string_view(sender.local), std::string_view(sender.domain), std::string_view(recipient.local),
          std::string_view(recipient.domain), std::string_view(row.helo), std::string_view(row.listener),
          std::string_view(row.test), std::string_view(row.reply), std::string_view(row.cause)})
        put_text(made.value, text);
    made.value += octets_of(row.client);
    return made;
}

std::optional<ledger_row> decode_ledger_row(std::string_view value) {
    if (value.size() < 2 || value[0] < 0 || value[0] > static_cast<char>(ledger_mode::reported) ||
        (value[1] != 0 && value[1] != 1))
        return std::nullopt;
    ledger_row row;
    row.mode = static_cast<ledger_mode>(value[0]);
    const bool has_sender = value[1] == 1;
    value.remove_prefix(2);
    protocol::address sender, recipient;
    const std::array<std::string*, texts_of_a_row> texts{&sender.local,     &sender.domain, &recipient.local,
                                                         &recipient.domain, &row.helo,      &row.listener,
                                                         &row.test,         &row.reply,     &row.cause};
    for (auto* text : texts) {
        auto taken = take_text(value);
        if (!taken) return std::nullopt;
        *text = std::move(*taken);
    }
    if (has_sender) row.sender = std::move(sender);
    if (!recipient.local.empty() || !recipient.domain.empty()) row.recipient = std::move(recipient);
    const auto client = address_in(value);
    if (!client) return std::nullopt;
    row.client = *client;
    return row;
}

} // namespace postern::storage
