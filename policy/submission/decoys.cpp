#include "policy/submission/decoys.hpp"

#include "policy/submission/credentials.hpp"

#include <cstdint>
#include <cstring>

namespace postern::policy {

namespace {

// Of new passwords (policy/password.cpp). Any salt will do: nobody's password is under it.
constexpr const char* usual_setting = "$y$j9T$nobodysnobodysnobodys.";

} // namespace

decoys::decoys(std::string key) : key_(std::move(key)) {}

void decoys::count(std::string_view stored) {
    auto cost = cost_of(stored);
    if (cost.empty()) return;
    auto& of = by_cost_[std::move(cost)];
    if (of.accounts++ == 0) of.setting = decoy_of(stored);
    ++accounts_;
}

std::string decoys::setting_for(std::string_view login) const {
    if (accounts_ == 0) return usual_setting;
    const auto chosen = keyed_digest(key_, {"decoy setting", login});
    std::uint64_t number = 0;
    std::memcpy(&number, chosen.data(), sizeof number);
    // By shares, not by number: one account more changes the kind of hardly any login.
    const double place = static_cast<double>(number >> 11U) * 0x1p-53;
    double share = 0;
    for (const auto& [cost, of] : by_cost_) {
        share += static_cast<double>(of.accounts) / static_cast<double>(accounts_);
        if (place < share) return of.setting;
    }
    return by_cost_.rbegin()->second.setting;
}

protocol::sasl::scram_keys decoys::keys_for(std::string_view login) const {
    const auto made = [&](std::string_view what) {
        return std::string(view(keyed_digest(key_, {what, login})));
    };
    return {protocol::sasl::scram_iterations, made("decoy salt").substr(0, protocol::sasl::scram_salt_octets),
            made("decoy stored key"), made("decoy server key")};
}

} // namespace postern::policy
