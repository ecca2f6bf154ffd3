#include "tls/server_contexts.hpp"

#include "tls/listener_contexts.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <openssl/evp.h>

namespace postern::tls {
namespace {

using problems = std::vector<certificate_problem>;

std::string setting_key(std::size_t index, certificate_file which) {
    return "tls.certificate[" + std::to_string(index) +
           (which == certificate_file::cert ? "].cert" : "].key");
}

std::vector<certificate> read_all(const conf::tls_settings& settings, std::int64_t now, problems& found) {
    std::vector<certificate> all;
    for (std::size_t index = 0; index < settings.certificates.size(); ++index) {
        std::vector<certificate_flaw> flaws;
        std::optional<certificate> loaded = read_certificate(settings.certificates[index], flaws);
        for (certificate_flaw& flaw : flaws)
            found.push_back({setting_key(index, flaw.where), std::move(flaw.problem)});
        if (!loaded) continue;
        auto late = validity_problem(*loaded, now);
        if (late) found.push_back({setting_key(index, certificate_file::cert), std::move(*late)});
        all.push_back(std::move(*loaded));
    }
    if (settings.certificates.empty())
        found.push_back({"tls.certificate", "none is given: name at least one cert and key"});
    return all;
}

int key_type(const certificate& loaded) { return EVP_PKEY_get_base_id(loaded.key.get()); }

// Groups in the order of their first certificates, so that group 0 holds the default.
std::vector<certificate_group> group_by_names(const std::vector<certificate>& all) {
    std::vector<certificate_group> groups;
    for (std::size_t index = 0; index < all.size(); ++index) {
        const certificate& loaded = all[index];
        const auto same_names = [&](const certificate_group& group) {
            return all[group.front()].names == loaded.names;
        };
        const auto same_type = [&](std::size_t other) { return key_type(all[other]) == key_type(loaded); };
        const auto group = std::find_if(groups.begin(), groups.end(), same_names);
        if (group == groups.end()) {
            groups.push_back({index});
        } else if (std::none_of(group->begin(), group->end(), same_type)) {
            group->push_back(index);
        }
    }
    return groups;
}

std::shared_ptr<const name_table> table_of(const std::vector<certificate>& all,
                                           const std::vector<certificate_group>& groups) {
    auto table = std::make_shared<name_table>();
    for (std::size_t number = 0; number < groups.size(); ++number) {
        for (const std::string& name : all[groups[number].front()].names) table->add(name, number);
    }
    return table;
}

void note_refusal(std::size_t index, const std::string& reason, problems& found) {
    const certificate_problem problem{setting_key(index, certificate_file::cert),
                                      "is refused by OpenSSL (" + reason +
                                          "): make a P-256 or RSA-2048 key and a new certificate"};
    const auto same = [&](const certificate_problem& other) {
        return other.key == problem.key && other.problem == problem.problem;
    };
    if (std::none_of(found.begin(), found.end(), same)) found.push_back(problem);
}

void fill(listener_contexts& contexts, const std::vector<certificate>& all,
          const std::vector<certificate_group>& groups, problems& found) {
    for (const certificate_group& group : groups) {
        if (!contexts.add_context()) {
            found.push_back(
                {"tls", "OpenSSL can make no server context: is its library or configuration damaged?"});
            return;
        }
        for (const std::size_t index : group) {
            if (const auto refusal = contexts.add_certificate(all[index]))
                note_refusal(index, *refusal, found);
        }
    }
}

} // namespace

struct server_contexts::impl {
    std::map<std::string, std::shared_ptr<const listener_contexts>> listeners;
    std::int64_t earliest_expiry = 0;
};

server_contexts::server_contexts(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
server_contexts::~server_contexts() = default;

std::shared_ptr<const server_contexts> server_contexts::load(const conf::tls_settings& settings,
                                                             const std::vector<listener>& listeners,
                                                             std::int64_t now,
                                                             std::vector<certificate_problem>& problems) {
    problems.clear();
    const std::vector<certificate> all = read_all(settings, now, problems);
    if (!problems.empty()) return nullptr;
    const std::vector<certificate_group> groups = group_by_names(all);
    const auto names = table_of(all, groups);
    auto inner = std::make_unique<impl>();
    const auto earlier = [](const certificate& a, const certificate& b) { return a.not_after < b.not_after; };
    inner->earliest_expiry = std::min_element(all.begin(), all.end(), earlier)->not_after;
    for (const listener& settings_of_one : listeners) {
        auto contexts = std::make_shared<listener_contexts>(settings_of_one, settings.min_version, names);
        fill(*contexts, all, groups, problems);
        inner->listeners.emplace(settings_of_one.name, std::move(contexts));
    }
    if (!problems.empty()) return nullptr;
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
