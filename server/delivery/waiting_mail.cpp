#include "server/delivery/waiting_mail.hpp"

#include "server/route.hpp"

#include <algorithm>

namespace postern::server {
namespace {

constexpr std::size_t page_messages = 500;

bool waits_for(const conf::config& config, const storage::queued_recipient& to, const conf::relay_hop& hop) {
    if (to.state != storage::recipient_state::waiting) return false;
    return hop_for(config, to) == hop;
}

} // namespace

result<std::deque<storage::queue_id>> waiting_for(const storage::queue& queue, const conf::config& config,
                                                  const conf::relay_hop& hop) {
    std::deque<storage::queue_id> found;
    for (storage::queue_id after{};;) {
        const auto page = queue.list(after, page_messages);
        if (!page) return page.error();
        if (!page->last) return found;
        for (const auto& message : page->messages) {
            const bool waits = std::ranges::any_of(
                message.recipients, [&](const auto& to) { return waits_for(config, to, hop); });
            if (waits && !message.held) found.push_back(message.id);
        }
        after = *page->last;
    }
}

bool make_due_for(const conf::config& config, storage::queued_message& message, const conf::relay_hop& hop,
                  std::int64_t now) {
    if (message.held) return false;
    bool any = false;
    for (auto& to : message.recipients) {
        if (!waits_for(config, to, hop)) continue;
        to.next_try = std::min(to.next_try, now);
        any = true;
    }
    return any;
}

} // namespace postern::server
