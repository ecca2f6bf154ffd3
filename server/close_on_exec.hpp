// Asio opens and accepts sockets that a started program would inherit.
#pragma once

namespace postern::server {

// Of an open descriptor; it can't fail.
void close_on_exec(int descriptor);

} // namespace postern::server
