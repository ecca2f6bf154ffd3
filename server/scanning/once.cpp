#include "server/scanning/once.hpp"

#include "server/scanning/subject.hpp"
#include "server/scanning/workforce.hpp"

namespace postern::server::scanning {

policy::scan_outcome scan_once(const conf::config& config, std::string_view message,
                               protocol::scan::order asked) {
    auto by = terms_for(config, asked.antivirus ? antivirus::is_asked : antivirus::is_not);
    by.processes = 1;
    const auto subject = in_memory(message);
    if (!subject) return {{}, subject.error().message()};
    workforce force([](workforce::news, const std::string&) {}); // what goes wrong is in the outcome
    if (auto trouble = force.begin(by); !trouble.empty()) return {{}, std::move(trouble)};
    asked.size = message.size();
    return force.scan(std::move(asked), subject->get(), steady_clock::now() + config.scanner.timeout);
}

} // namespace postern::server::scanning
