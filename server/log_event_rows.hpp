// The events of the log as rows: how JSON calls one, which of Postfix's programs would have said it, and its
// text form. Private to the log; adding an event is a row in log_render.cpp.
#pragma once

#include "server/log.hpp"

namespace postern::server {

struct log_event_row {
    log_event event;
    std::string_view name;      // in JSON
    std::string_view component; // in text: "smtpd"
    void (*form)(std::string& line, const log_record& record);
};

inline constexpr std::size_t log_event_count = static_cast<std::size_t>(log_event::steered) + 1;

const log_event_row& log_row(log_event event);

} // namespace postern::server
