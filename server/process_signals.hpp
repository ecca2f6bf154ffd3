// Signals whose default action would end the server for a reason of one peer, one file or an early reload.
#pragma once

namespace postern::server {

// First thing of all, before any thread: a broken pipe and a file that may not grow (RLIMIT_FSIZE) become
// errors of their system calls, and SIGHUP waits.
void hold_signals();
// Once SIGHUP has its handler: one that waited comes now.
void let_hangup_come();

} // namespace postern::server
