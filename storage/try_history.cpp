#include "storage/try_history.hpp"

#include "storage/record_octets.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace postern::storage {
namespace {

constexpr std::uint8_t history_version = 1;
constexpr std::size_t numbers_octets = 4 + 2 + 8, length_octets = 4;
constexpr std::size_t try_octets_min = numbers_octets + 4 * length_octets;
constexpr std::size_t head_octets = 1 + 4; // version, count

std::string_view cut(std::string_view text, std::size_t longest) { return text.substr(0, longest); }

std::size_t octets_of(const delivery_try& one) {
    return try_octets_min + cut(one.server, try_server_max).size() + cut(one.code, try_code_max).size() +
           cut(one.text, try_text_max).size() + cut(one.tls, try_tls_max).size();
}

void keep_the_last_of_each(std::vector<delivery_try>& history) {
    std::unordered_map<std::uint32_t, std::size_t> count;
    for (const auto& one : history) ++count[one.recipient];
    std::unordered_set<std::uint32_t> begun;
    std::erase_if(history, [&](const delivery_try& one) {
        if (begun.insert(one.recipient).second || count[one.recipient] <= tries_kept_max) return false;
        --count[one.recipient];
        return true;
    });
}

void keep_within_octets(std::vector<delivery_try>& history) {
    std::size_t octets = head_octets;
    for (const auto& one : history) octets += octets_of(one);
    std::unordered_set<std::uint32_t> begun;
    std::erase_if(history, [&](const delivery_try& one) {
        if (begun.insert(one.recipient).second || octets <= history_octets_max) return false;
        octets -= octets_of(one);
        return true;
    });
    std::erase_if(history, [&](const delivery_try& one) {
        if (octets <= history_octets_max) return false;
        octets -= octets_of(one);
        return true;
    });
}

} // namespace

void add_tries(std::vector<delivery_try>& history, std::span<const delivery_try> fresh) {
    history.insert(history.end(), fresh.begin(), fresh.end());
    keep_the_last_of_each(history);
    keep_within_octets(history);
}

std::string encode_history(std::span<const delivery_try> tries) {
    record_writer out;
    out.number(history_version);
    out.number(static_cast<std::uint32_t>(tries.size()));
    for (const delivery_try& one : tries) {
        out.number(one.recipient);
        out.number(one.number);
        out.number(one.when);
        out.text(cut(one.server, try_server_max));
        out.text(cut(one.code, try_code_max));
        out.text(cut(one.text, try_text_max));
        out.text(cut(one.tls, try_tls_max));
    }
    return out.take();
}

result<std::vector<delivery_try>> decode_history(std::string_view record) {
    if (record.size() > history_octets_max) return storage_errc::corrupt;
    record_reader in(record);
    const auto version = in.number<std::uint8_t>();
    if (version > history_version) return storage_errc::newer_format;
    if (version == 0) return storage_errc::corrupt;
    std::vector<delivery_try> tries(in.count(try_octets_min));
    for (delivery_try& one : tries) {
        one.recipient = in.number<std::uint32_t>();
        one.number = in.number<std::uint16_t>();
        one.when = in.number<std::int64_t>();
        one.server = in.text(try_server_max);
        one.code = in.text(try_code_max);
        one.text = in.text(try_text_max);
        one.tls = in.text(try_tls_max);
        if (in.failed()) break;
    }
    if (!in.complete()) return storage_errc::corrupt;
    return tries;
}

} // namespace postern::storage
