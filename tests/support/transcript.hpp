// Transcripts: tests/scripts/*.smtp say what a client sends and what the server must answer. The same files
// run against the pure session (whole, an octet at a time, at every split) and, by tests/integration, against
// the real server. The form is described in tests/scripts/README.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::testing {

struct exchange {
    std::string sent;                  // octets of all client lines up to the next server line
    std::vector<std::string> expected; // reply lines; "*" at the end: any rest; "250-...": any lines of it
    bool closes = false;               // the server ends the connection after them
    bool starts_tls = false;           // a handshake follows
    int line = 0;                      // of the first client line, for messages
};

struct transcript {
    std::string name;
    std::vector<exchange> exchanges;
    bool whole_only = false;         // what counts is that octets come in one segment
    int messages = -1;               // how many must be kept in all; -1 = not said
    std::vector<std::string> bodies; // of the kept messages, in order
};

// Throws std::runtime_error with the line of the fault: a transcript that can't be read is a broken test.
transcript read_transcript(const std::string& path);
std::vector<transcript> read_transcripts(const std::string& folder);

// "" or what differs.
std::string compare_reply(const exchange& with, const std::string& received);

} // namespace postern::testing
