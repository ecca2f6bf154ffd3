// What `postern status` shows: a copy of the running server's counters at one moment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postern::server {

// What needs an operator. refusing: no new mail is taken until it is over; degraded: the rest goes on.
struct alarm {
    enum class weight { degraded, refusing };
    std::string text; // one line
    weight how = weight::degraded;
};

struct listener_status {
    std::string name;
    std::string address; // bound
    std::string role;
    std::string tls;
    std::uint64_t sessions = 0;
    std::uint64_t connections = 0; // since start
};

// From which passwords were guessed.
struct blocked_status {
    std::string network;
    std::int64_t until = 0; // unix seconds
};

struct server_status {
    std::string version;
    std::string hostname;
    int pid = 0;
    std::int64_t started = 0;  // unix seconds
    std::int64_t reloaded = 0; // 0 = never
    std::string config_file;
    std::uint64_t sessions = 0;
    std::uint64_t messages_accepted = 0, messages_refused = 0;
    std::uint64_t recipients_refused = 0;
    std::uint64_t delivered = 0, deferred = 0, failed = 0, set_aside = 0;
    std::uint64_t call_outs_known = 0, call_outs_unknown = 0, call_outs_unavailable = 0, call_outs_cached = 0;
    std::uint64_t queue_messages = 0;
    std::uint64_t queue_pending = 0; // waiting for the writer
    std::uint64_t log_lines_dropped = 0;
    std::int64_t certificate_expires = 0;
    std::string dns; // its servers, and what was found out about them
    bool draining = false;
    std::vector<alarm> alarms;
    std::vector<blocked_status> blocked; // the first of them
    std::vector<listener_status> listeners;
};

} // namespace postern::server
