// The decision, and the key.
#include "storage/tables/greylist.hpp"

#include <algorithm>

namespace postern::storage {
std::int64_t expiry_of(const greylist_entry& entry, const greylist_terms& terms) {
    return (entry.last_pass ? *entry.last_pass : entry.first + terms.delay) + terms.window;
}

greylist_judgement judge(const std::optional<greylist_entry>& known, std::int64_t now,
                         const greylist_terms& terms) {
    const greylist_judgement anew{greylist_answer::first, {now, std::nullopt}};
    if (!known) return anew;
    greylist_entry entry = *known;
    entry.first = std::min(entry.first, now);
    if (now >= expiry_of(entry, terms)) return anew;
    if (!entry.last_pass && now < entry.first + terms.delay) return {greylist_answer::early, entry};
    entry.last_pass = now; // one that lay ahead comes back with this
    return {greylist_answer::pass, entry};
}

greylist_key greylist_key_of(const std::optional<protocol::address>& sender,
                             const protocol::ip_address& client) {
    return {sender ? sender->folded() : std::string(), client.client_network()};
}

} // namespace postern::storage
