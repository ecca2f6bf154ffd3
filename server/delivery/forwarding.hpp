// How other servers are written to for aliases of ours that lead to them: with a sender of ours, so that SPF
// holds (policy/sender_rewriter.hpp), and with the alias in a Delivered-To, so that what comes back is known.
#pragma once

#include "server/delivery/outcome.hpp"

#include <vector>

namespace postern::server {

struct way_out {
    std::string sender; // of the envelope; "" = "<>"
    std::string alias;  // of ours, that forwards; "" = none does: they are written to as was asked
    bool operator==(const way_out&) const = default;
};
// Recipients, as indices in their message, that one transaction can reach.
struct out_by_one_way {
    way_out way;
    std::vector<std::size_t> recipients;
};

// In the order of the recipients. An error: try again later. `now` is unix seconds.
result<std::vector<out_by_one_way>> ways_out(const delivery_services& with, const conf::config& config,
                                             const storage::queued_message& message,
                                             const std::vector<std::size_t>& recipients, std::int64_t now);

// Who is told of a message with this sender: it may be one that a server which we forward to has sent back to
// us with a sender of ours. An error: try again later.
result<std::string> sender_behind(const delivery_services& with, const conf::config& config,
                                  const std::string& sender, std::int64_t now);

} // namespace postern::server
