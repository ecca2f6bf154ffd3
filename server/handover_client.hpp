// The newcomer's side of a take-over: blocking, each wait with a deadline, before there is a loop.
#pragma once

#include "server/handover_wire.hpp"

#include <chrono>

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
        std::chrono::seconds ends_within{};
        std::string problem; // "" = none
    };
    // The other accepts nobody from now on, and ends. Also a problem can mean that it did so.
    agreement agree();

  private:
    handover::record next(std::string& problem);

    storage::file_handle connection_;
    std::string path_;
};

} // namespace postern::server
