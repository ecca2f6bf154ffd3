#include "tls/published_keys.hpp"

#include "tls/dane.hpp"

#include <algorithm>

namespace postern::tls {

published_keys::published_keys(const conf::tls_settings& settings, std::vector<std::string>& flaws) {
    for (const auto& files : settings.certificates) {
        std::vector<certificate_flaw> found;
        auto loaded = read_public_part(files.cert, found);
        for (const auto& flaw : found) flaws.push_back(files.cert + ": " + flaw.problem);
        if (!loaded) continue;
        all_.push_back(std::make_shared<const certificate>(std::move(*loaded)));
        next_.emplace_back();
        if (files.next_key.empty()) continue;
        std::string problem;
        next_.back() = key_file_digest(files.next_key, problem);
        if (!next_.back()) flaws.push_back(files.next_key + ": " + problem);
    }
    groups_ = group_by_names(all_);
    names_ = table_of(all_, groups_);
}

std::vector<std::array<std::uint8_t, 32>> published_keys::digests_for(std::string_view host) const {
    std::vector<std::array<std::uint8_t, 32>> digests;
    if (const auto* group = group_of(host))
        for (const auto index : *group) digests.push_back(public_key_digest(*all_[index]));
    return digests;
}

std::vector<std::array<std::uint8_t, 32>> published_keys::next_digests_for(std::string_view host) const {
    std::vector<std::array<std::uint8_t, 32>> digests;
    if (const auto* group = group_of(host))
        for (const auto index : *group)
            if (next_[index]) digests.push_back(*next_[index]);
    return digests;
}

bool published_keys::all_fit(std::string_view host, const std::vector<protocol::tlsa_record>& usable) const {
    const auto* group = group_of(host);
    return group == nullptr || std::ranges::all_of(*group, [&](std::size_t index) {
               return std::ranges::any_of(usable, [&](const auto& one) { return fits(one, *all_[index]); });
           });
}

const certificate_group* published_keys::group_of(std::string_view host) const {
    return groups_.empty() ? nullptr : &groups_[names_.find(host).value_or(0)];
}

bool published_keys::has_name(std::string_view host) const { return names_.find(host).has_value(); }

} // namespace postern::tls
