#include "server/under_way.hpp"

namespace postern::server {

void under_way::end(storage::queue_id id) {
    taken_.erase(id);
    while (!taken_.contains(id)) {
        const auto next = waiting_.find(id);
        if (next == waiting_.end()) return;
        const auto then = std::move(next->second);
        waiting_.erase(next);
        then();
    }
}

} // namespace postern::server
