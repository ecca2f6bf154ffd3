#include "server/delivery/hop_places.hpp"

#include <map>
#include <mutex>

namespace postern::server {

struct hop_places::state {
    explicit state(std::function<void()> then) : freed(std::move(then)) {}

    void give_back(const std::string& hop) {
        {
            const std::lock_guard lock(mutex);
            const auto found = taken.find(hop);
            if (--found->second == 0) taken.erase(found);
            --all;
        }
        freed();
    }

    std::function<void()> freed;
    std::mutex mutex; // of what follows
    std::map<std::string, std::size_t> taken;
    std::size_t all = 0;
};

hop_places::hop_places(std::function<void()> freed) : state_(std::make_shared<state>(std::move(freed))) {}

hop_places::place hop_places::take(const std::string& hop) {
    struct held {
        held(std::shared_ptr<state> of_all, std::string name) : of(std::move(of_all)), hop(std::move(name)) {}
        ~held() {
            if (counted) of->give_back(hop);
        }
        held(const held&) = delete;
        held& operator=(const held&) = delete;
        std::shared_ptr<state> of;
        std::string hop;
        bool counted = false;
    };
    auto made = std::make_shared<held>(state_, hop); // all memory before anything is counted
    const std::lock_guard lock(state_->mutex);
    if (state_->all == of_all_max) return nullptr;
    auto& taken = state_->taken[hop];
    if (taken == of_hop_max) return nullptr;
    ++taken;
    ++state_->all;
    made->counted = true;
    return made;
}

} // namespace postern::server
