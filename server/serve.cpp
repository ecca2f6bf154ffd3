// Reads the configuration, opens the log, runs the app. Trouble before the log is open goes to stderr; after
// it, to both.
#include "server/serve.hpp"

#include "conf/load.hpp"
#include "server/app.hpp"
#include "server/process_signals.hpp"

#include <ostream>

namespace postern::server {

exit_code serve(const std::string& config_file, terminal& with) {
    hold_signals();
    const auto read = conf::load_file(config_file);
    for (const auto& finding : read.findings) with.err << "postern: " << finding.to_string() << '\n';
    if (!read.ok()) return exit_code::config;
    std::string problem;
    auto journal = open_log(read.snapshot->log, read.snapshot->server.hostname, problem);
    if (!journal) {
        with.err << "postern: log.file: " << problem << '\n';
        return exit_code::cant_create;
    }
    app server(config_file, read.snapshot, std::move(journal));
    const auto trouble = server.start();
    if (!trouble.text.empty()) {
        with.err << "postern: cannot start: " << trouble.text << std::endl;
        return trouble.code;
    }
    server.run();
    return exit_code::ok;
}

} // namespace postern::server
