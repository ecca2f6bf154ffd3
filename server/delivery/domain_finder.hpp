// Where anybody's mail for a domain goes: its MX hosts, or the domain itself where it has none (RFC 5321
// §5.1).
#pragma once

#include "server/delivery/hop_finder.hpp"

namespace postern::server {

// Hosts of equal preference stand in an order by chance. Where one of them is ourselves, only those before it
// are there, and where none is before, the mail is a loop: it fails with 5.4.6. A domain that isn't there
// fails with 5.1.2, one that takes no mail (RFC 7505) with 5.1.10, one whose hosts are all on addresses that
// nobody can send to with 5.4.4. All else that leaves no address is trouble for now. `names` outlives the
// await.
boost::asio::awaitable<found_hop> find_domain(policy::resolver& names, conf::relay_hop hop, ourselves us,
                                              std::chrono::milliseconds within);

} // namespace postern::server
