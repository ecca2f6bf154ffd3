#include "tls/server_contexts.hpp"

#include "tls/certificate_choice.hpp"
#include "tls/listener_contexts.hpp"

#include <algorithm>
#include <cassert>
#include <map>

namespace postern::tls {
namespace {

using problems = std::vector<certificate_problem>;

std::string setting_key(std::size_t index, certificate_file which) {
    return "tls.certificate[" + std::to_string(index) +
           (which == certificate_file::cert ? "].cert" : "].key");
}

std::shared_ptr<const certificate> read_one(const conf::certificate_settings& files, std::size_t index,
                                            std::int64_t now, problems& found) {
    std::vector<certificate_flaw> flaws;
    std::optional<certificate> loaded = read_certificate(files, flaws);
    for (certificate_flaw& flaw : flaws)
        found.push_back({setting_key(index, flaw.where), std::move(flaw.problem)});
    if (!loaded) return nullptr;
    if (auto late = validity_problem(*loaded, now)) {
        found.push_back({setting_key(index, certificate_file::cert), std::move(*late)});
        return nullptr;
    }
    return std::make_shared<const certificate>(std::move(*loaded));
}

certificates read_all(const conf::tls_settings& settings, std::int64_t now, problems& found) {
    certificates all;
    for (std::size_t index = 0; index < settings.certificates.size(); ++index)
        all.push_back(read_one(settings.certificates[index], index, now, found));
    if (settings.certificates.empty())
        found.push_back({"tls.certificate", "none is given: name at least one cert and key"});
    return all;
}

void note_refusal(std::size_t index, const std::string& reason, problems& found) {
    found.push_back(
        {setting_key(index, certificate_file::cert),
         "is refused by OpenSSL (" + reason + "): make a P-256 or RSA-2048 key and a new certificate"});
}

enum class filling { done, impossible };

// The refused ones are noted, and become null in `all`.
filling fill(listener_contexts& contexts, certificates& all, const std::vector<certificate_group>& groups,
             problems& found) {
    for (const certificate_group& group : groups) {
        if (!contexts.add_context()) {
            found.push_back(
                {"tls", "OpenSSL can make no server context: is its library or configuration damaged?"});
            return filling::impossible;
        }
        for (const std::size_t index : group) {
            if (!all[index]) continue; // refused for another listener
            const auto refusal = contexts.add_certificate(*all[index]);
            if (!refusal) continue;
            note_refusal(index, *refusal, found);
            all[index] = nullptr;
        }
    }
    return filling::done;
}

bool has_gaps(const certificates& all) {
    return all.empty() || std::find(all.begin(), all.end(), nullptr) != all.end();
}

} // namespace

struct server_contexts::impl {
    filling build(const conf::tls_settings& settings, const std::vector<listener>& for_these,
                  problems& found);
    void fill_gaps(const impl& before);

    std::vector<conf::certificate_settings> files;
    certificates all; // of `files`
    std::map<std::string, std::shared_ptr<const listener_contexts>> listeners;
    std::int64_t earliest_expiry = 0;
};

// Needs `all` without gaps, and may make some.
filling server_contexts::impl::build(const conf::tls_settings& settings,
                                     const std::vector<listener>& for_these, problems& found) {
    const std::vector<certificate_group> groups = group_by_names(all);
    const auto names = std::make_shared<name_table>(table_of(all, groups));
    const auto earlier = [](const auto& a, const auto& b) { return a->not_after < b->not_after; };
    earliest_expiry = (*std::min_element(all.begin(), all.end(), earlier))->not_after;
    listeners.clear();
    for (const listener& settings_of_one : for_these) {
        auto contexts = std::make_shared<listener_contexts>(settings_of_one, settings.min_version, names);
        if (fill(*contexts, all, groups, found) == filling::impossible) return filling::impossible;
        listeners.emplace(settings_of_one.name, std::move(contexts));
    }
    return filling::done;
}

void server_contexts::impl::fill_gaps(const impl& before) {
    for (std::size_t index = 0; index < all.size(); ++index) {
        const auto same = std::find(before.files.begin(), before.files.end(), files[index]);
        if (!all[index] && same != before.files.end())
            all[index] = before.all[static_cast<std::size_t>(same - before.files.begin())];
    }
}

server_contexts::server_contexts(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
server_contexts::~server_contexts() = default;

std::shared_ptr<const server_contexts> server_contexts::load(const conf::tls_settings& settings,
                                                             const std::vector<listener>& listeners,
                                                             std::int64_t now,
                                                             std::vector<certificate_problem>& problems,
                                                             const server_contexts* before) {
    problems.clear();
    auto inner = std::make_unique<impl>();
    inner->files = settings.certificates;
    inner->all = read_all(settings, now, problems);
    // Twice at the most: what `before` puts into the gaps was taken by OpenSSL already.
    for (const bool last : {false, true}) {
        if (before != nullptr) inner->fill_gaps(*before->impl_);
        if (has_gaps(inner->all)) return nullptr;
        if (inner->build(settings, listeners, problems) == filling::impossible) return nullptr;
        if (!has_gaps(inner->all)) break;
        if (last) return nullptr;
    }
    return std::shared_ptr<const server_contexts>(new server_contexts(std::move(inner)));
}

std::unique_ptr<connection> server_contexts::accept(const std::string& listener_name, int fd) const {
    const auto found = impl_->listeners.find(listener_name);
    assert(found != impl_->listeners.end());
    if (found == impl_->listeners.end()) return nullptr;
    return found->second->accept(fd, found->second);
}

std::int64_t server_contexts::earliest_expiry() const { return impl_->earliest_expiry; }

} // namespace postern::tls
