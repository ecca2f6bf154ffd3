// Reads the configuration, runs the app. Why it can't start goes to stderr, and once the log is open to both.
#include "server/serve.hpp"

#include "conf/load.hpp"
#include "server/app.hpp"
#include "server/descriptors.hpp"
#include "server/process_signals.hpp"

#include <ostream>

namespace postern::server {

exit_code serve(const std::string& config_file, start_way how, terminal& with) {
    hold_signals();
    const auto read = conf::load_file(config_file);
    for (const auto& finding : read.findings) with.err << "postern: " << finding.to_string() << '\n';
    if (!read.ok()) return exit_code::config;
    raise_descriptor_limit();
    if (const auto limit = descriptor_limit(); sessions_that_fit(limit, {}) == 0) {
        with.err << "postern: cannot start: "
                 << too_few_descriptors(read.snapshot->limits.sessions, limit, {}) << std::endl;
        return exit_code::config;
    }
    app server(config_file, read.snapshot, how, with.err);
    const auto trouble = server.start();
    if (!trouble.text.empty()) {
        with.err << "postern: cannot start: " << trouble.text << std::endl;
        return trouble.code;
    }
    server.run();
    return exit_code::ok;
}

} // namespace postern::server
