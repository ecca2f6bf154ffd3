#include "tls/certificate_choice.hpp"

#include <algorithm>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace postern::tls {

namespace {

// Of the certificate's own key, which is the private key's too.
int key_type(const certificate& loaded) { return EVP_PKEY_get_base_id(X509_get0_pubkey(loaded.leaf.get())); }

} // namespace

std::vector<certificate_group> group_by_names(const certificates& all) {
    std::vector<certificate_group> groups;
    for (std::size_t index = 0; index < all.size(); ++index) {
        const certificate& loaded = *all[index];
        const auto same_names = [&](const certificate_group& group) {
            return all[group.front()]->names == loaded.names;
        };
        const auto same_type = [&](std::size_t other) { return key_type(*all[other]) == key_type(loaded); };
        const auto group = std::find_if(groups.begin(), groups.end(), same_names);
        if (group == groups.end()) {
            groups.push_back({index});
        } else if (std::none_of(group->begin(), group->end(), same_type)) {
            group->push_back(index);
        }
    }
    return groups;
}

name_table table_of(const certificates& all, const std::vector<certificate_group>& groups) {
    name_table table;
    for (std::size_t number = 0; number < groups.size(); ++number)
        for (const std::string& name : all[groups[number].front()]->names) table.add(name, number);
    return table;
}

} // namespace postern::tls
