// The parent of the workers: loads the signatures once, forks workers that share them, gives the server a
// channel to each, and replaces those that end. It sees no message.
#pragma once

#include "server/scanner/jail.hpp"
#include "server/scanner/worker.hpp"

namespace postern::server::scanner {

// What a worker does with a message, once the signatures are there: `load` is called behind the walls, and
// its error is a sentence for the operator.
struct workshop {
    inspector inspect;
    unsigned signatures = 0; // how many were loaded
};
using loader = std::function<result<workshop, std::string>(const rooms& where)>;

// Until the server closes its end. Returns the exit code; what is wrong is told over the control channel.
int keep(const options& what, const loader& load);

} // namespace postern::server::scanner
