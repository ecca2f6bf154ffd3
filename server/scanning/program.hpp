// Starting postern-scanner, and what it is started with.
#pragma once

#include "conf/config.hpp"
#include "server/scanning/channel.hpp"

#include <set>
#include <string>
#include <sys/types.h>

namespace postern::server::scanning {

// All that a running scanner depends on: another value is another scanner.
struct terms {
    std::string program;    // "" = none is needed
    std::string socket;     // where a manager starts it for each connection; "" = it is started here
    std::string signatures; // folder; "" = no antivirus
    unsigned processes = 1;
    std::uint64_t memory = 0, scratch = 0; // octets
    conf::scanner_walls sandbox = conf::scanner_walls::namespaces;
    std::string scratch_folder; // for a sandbox of calls only
    bool operator==(const terms&) const = default;
};

// Tiers that domains have instead of their listener's (storage/tables/directory.hpp).
using domain_tiers = std::set<std::string>;
// By the configuration, as far as the tier of any listener or domain wants tests of content.
terms terms_of(const conf::config& config, const domain_tiers& of_domains);
enum class antivirus { is_asked, is_not };
terms terms_for(const conf::config& config, antivirus what); // in any case
// Why test 7 can't be run by this configuration, with the cure; "" = it can, or nobody asks for it.
std::string antivirus_problem(const conf::config& config, const domain_tiers& of_domains);
// Which signature files the folder holds, as far as stat() tells; "" = none.
std::string stamp_of_signatures(const std::string& folder);

struct started_program {
    pid_t process = -1; // -1: it is no child of this process
    storage::file_handle control;
};
// Without waiting for it; its first word over the control channel says whether it can.
result<started_program> start(const terms& what);

} // namespace postern::server::scanning
