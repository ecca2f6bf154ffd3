// What came of the tries at each destination. A stranger chooses the names, so their number is bounded: the
// busiest have counts of their own, and whatever is counted while a name has none is "other"'s. Each try is
// in one count only, and no count ever falls. Any thread.
#pragma once

#include "server/destination_status.hpp"
#include "storage/queue.hpp"

#include <map>
#include <mutex>
#include <string_view>

namespace postern::server {

inline constexpr std::string_view other_destinations = "other";

// Under what a recipient's mail is counted: its domain; "local", all domains of this server's own, however
// many there are. Borrows from the recipient.
std::string_view destination_of(const storage::queued_recipient& to);

class destination_counts {
  public:
    static constexpr std::size_t shown_max = 50;      // with counts of their own, "other" not among them
    static constexpr std::size_t watched_max = 2'000; // names whose tries are weighed, those included

    enum class result { delivered, deferred, failed };
    void add(std::string_view name, result what);

    // The busiest first, "other" last. Gives a place to whoever has become more than twice as busy as one
    // that has it, whose count ends.
    std::vector<destination_status> read();

  private:
    struct tally {
        std::uint64_t delivered = 0, deferred = 0, failed = 0;
        void add(result what) {
            ++(what == result::delivered ? delivered : what == result::deferred ? deferred : failed);
        }
    };
    struct watched {
        std::uint64_t weight = 0; // tries, older ones halved
        bool shown = false;
        tally counts; // while it is shown
    };
    watched* watch(std::string_view name);
    void halve_weights();
    void give_places();

    std::mutex lock_;
    std::map<std::string, watched, std::less<>> names_;
    std::size_t shown_ = 0;
    tally other_;
};

// What the source knows with what was counted; a name that only one of both has keeps the other's zeroes. The
// counted stay as they are; of the rest the ones with most mail in line, up to `most` in all, "other" beside
// them, which gets the sum of those left out.
std::vector<destination_status> merge_destinations(std::vector<destination_status> counted,
                                                   const std::vector<destination_status>& seen,
                                                   std::size_t most);

} // namespace postern::server
