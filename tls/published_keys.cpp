#include "tls/published_keys.hpp"

namespace postern::tls {

published_keys::published_keys(const conf::tls_settings& settings, std::vector<std::string>& flaws) {
    for (const auto& files : settings.certificates) {
        std::vector<certificate_flaw> found;
        auto loaded = read_public_part(files.cert, found);
        for (const auto& flaw : found) flaws.push_back(files.cert + ": " + flaw.problem);
        if (loaded) all_.push_back(std::make_shared<const certificate>(std::move(*loaded)));
    }
    groups_ = group_by_names(all_);
    names_ = table_of(all_, groups_);
}

std::vector<std::array<std::uint8_t, 32>> published_keys::digests_for(std::string_view host) const {
    std::vector<std::array<std::uint8_t, 32>> digests;
    if (groups_.empty()) return digests;
    for (const auto index : groups_[names_.find(host).value_or(0)])
        digests.push_back(public_key_digest(*all_[index]));
    return digests;
}

bool published_keys::has_name(std::string_view host) const { return names_.find(host).has_value(); }

} // namespace postern::tls
