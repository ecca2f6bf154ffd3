// The newcomer's side of a take-over: blocking, each wait with a deadline, before there is a loop.
#pragma once

#include "server/handover_wire.hpp"

#include <chrono>
#include <optional>

namespace postern::server {

class handover_client {
  public:
    struct offer {
        std::vector<storage::file_handle> sockets;
        std::string problem; // "" = none
        bool nobody = false; // no server waits for a successor there
    };
    // The listening sockets of the server on that state folder, which goes on as before.
    offer ask(const std::string& state_dir);

    struct agreement {
        std::optional<std::chrono::seconds> ends_within; // nullopt: it didn't say
        std::string problem;                             // "" = none
    };
    // The other accepts nobody from now on, and ends. One that was told and then says nothing, or is gone,
    // may have begun to end: it counts as agreed, since else nobody might listen.
    agreement agree();

  private:
    handover::record next(std::string& problem);

    storage::file_handle connection_;
    std::string path_;
};

} // namespace postern::server
