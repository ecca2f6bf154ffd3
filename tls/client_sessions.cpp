#include "tls/client_sessions.hpp"

#include <algorithm>
#include <array>
#include <openssl/evp.h>

namespace postern::tls {
namespace {

void add(std::string& to, std::string_view part) {
    to += std::to_string(part.size()) + ':';
    to += part;
}

} // namespace

std::string client_sessions::key_of(const demand& wanted) {
    if (wanted.host.empty()) return {};
    std::string all;
    add(all, std::to_string(static_cast<int>(wanted.level)));
    add(all, wanted.host);
    for (const auto& name : wanted.names) add(all, name);
    for (const auto& one : wanted.records) {
        const std::array<std::uint8_t, 3> head{one.usage, one.selector, one.matching_type};
        add(all, {reinterpret_cast<const char*>(head.data()), head.size()});
        add(all, {reinterpret_cast<const char*>(one.data.data()), one.data.size()});
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, "SHA256", nullptr, all.data(), all.size(), digest.data(), &size) != 1)
        return {};
    return {reinterpret_cast<const char*>(digest.data()), size};
}

std::optional<client_session_kept> client_sessions::take(const std::string& key, std::int64_t now) {
    if (key.empty()) return std::nullopt;
    const std::lock_guard held(guard_);
    auto found = kept_.extract(key);
    if (found.empty() || now - found.mapped().proved_at >= session_time) return std::nullopt;
    return std::move(found.mapped());
}

void client_sessions::keep(const std::string& key, client_session_kept one) {
    if (key.empty()) return;
    const std::lock_guard held(guard_);
    if (kept_.size() >= client_sessions_max && !kept_.contains(key))
        kept_.erase(
            std::ranges::min_element(kept_, {}, [](const auto& entry) { return entry.second.proved_at; }));
    kept_.insert_or_assign(key, std::move(one));
}

std::size_t client_sessions::size() const {
    const std::lock_guard held(guard_);
    return kept_.size();
}

} // namespace postern::tls
