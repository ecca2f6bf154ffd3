// The name of one message for as long as it is ours. 64 bits that only grow, so that ids sort by arrival; as
// text 13 characters of Crockford's base32 (no I, L, O, U), which Postfix's log patterns take for a long
// queue id.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::storage {

struct queue_id {
    std::uint64_t value = 0;
    std::string to_string() const;
    static std::optional<queue_id> parse(std::string_view text);
    auto operator<=>(const queue_id&) const = default;
};

// Hands out ids: microseconds since 1970 shifted left by 10, but always above the last one, whatever the
// clock does. Thread-safe. `floor` is the highest id that the queue or the last run knew.
class queue_id_source {
  public:
    explicit queue_id_source(queue_id floor) : last_(floor.value) {}
    queue_id next(std::int64_t now_microseconds);

  private:
    std::atomic<std::uint64_t> last_;
};

} // namespace postern::storage
