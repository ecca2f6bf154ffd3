#include "storage/steering.hpp"

#include "storage/queue_tables.hpp"

#include <algorithm>
#include <array>

namespace postern::storage {
namespace {

constexpr std::array<std::string_view, 5> wish_names = {"retry", "hold", "release", "bounce", "delete"};
constexpr std::array<std::string_view, wish_outcomes> outcome_names = {"done", "gone", "held", "busy",
                                                                       "failed"};

template <class Value, std::size_t Count>
std::optional<Value> find_in(const std::array<std::string_view, Count>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Value>(found - names.begin());
}

void make_due(queued_message& message, std::int64_t now) {
    for (auto& to : message.recipients)
        if (to.state == recipient_state::waiting || to.state == recipient_state::untold)
            to.next_try = std::min(to.next_try, now);
}

// What was set aside waits again. False: nothing was.
bool take_back(queued_message& message) {
    bool any = false;
    for (auto& to : message.recipients) {
        if (to.state != recipient_state::aside) continue;
        to.state = recipient_state::waiting;
        any = true;
    }
    return any;
}

} // namespace

std::string_view wish_name(queue_wish wish) { return wish_names[static_cast<std::size_t>(wish)]; }
std::optional<queue_wish> find_wish(std::string_view name) { return find_in<queue_wish>(wish_names, name); }
std::string_view outcome_name(wish_outcome outcome) {
    return outcome_names[static_cast<std::size_t>(outcome)];
}
std::optional<wish_outcome> find_outcome(std::string_view name) {
    return find_in<wish_outcome>(outcome_names, name);
}

steered_message steer(queue_wish wish, queued_message message, std::int64_t now) {
    switch (wish) {
    case queue_wish::retry:
        if (message.held) return {wish_outcome::held, std::nullopt};
        make_due(message, now);
        break;
    case queue_wish::hold:
        if (message.held) return {};
        message.held = true;
        break;
    case queue_wish::release: {
        const bool was_aside = take_back(message);
        if (!message.held && !was_aside) return {};
        message.held = false;
        make_due(message, now);
        break;
    }
    case queue_wish::bounce:
        take_back(message);
        message.held = false;
        message.given_up = true;
        make_due(message, now);
        break;
    case queue_wish::remove:
        return {wish_outcome::done, remove_message{message.id, message.body_in_file, true}};
    }
    return {wish_outcome::done, update_message{std::move(message)}};
}

steered_message steer_found(queue_wish wish, queue_id id, result<std::optional<queued_message>> found,
                            std::int64_t now) {
    if (found && *found) return steer(wish, std::move(**found), now);
    if (found) return {wish_outcome::gone, std::nullopt};
    if (wish != queue_wish::remove || !is_damage(found.error())) return {wish_outcome::failed, std::nullopt};
    constexpr bool body_in_file = true; // perhaps: then it goes too
    return {wish_outcome::done, remove_message{id, body_in_file, true}};
}

} // namespace postern::storage
