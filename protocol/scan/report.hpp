// What a scanner found in one message. It comes from a process that hostile octets may have taken over, so it
// is read like anything else from outside: bounded, and nothing in it is believed to be text.
#pragma once

#include "protocol/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol::scan {

inline constexpr std::size_t findings_max = 64; // of a report; the first of each kind are among them
inline constexpr std::size_t finding_text_max =
    1024; // octets of a path or a name; a longer one is cut in its middle
inline constexpr std::size_t seen_max = 20'000; // lines of all that was seen
inline constexpr std::size_t subject_max = 1024;
inline constexpr std::size_t authors_max = 16;
inline constexpr std::size_t signs_max = 256;
inline constexpr std::size_t tokens_max = 2048;

enum class finding_kind : std::uint8_t {
    extension,      // a forbidden name; `what` is the extension
    encrypted_name, // the same, of an entry that can't be read without a password
    encrypted,      // an archive, or entries of one, that can't be read without a password
    limit,          // a limit of what is looked at was reached; `what` says which
    unreadable,     // an archive that can't be read, or not to its end
    malformed,      // clients would read the structure differently; `what` is the name of the MIME finding
    virus,          // `what` is its name
    not_scanned,    // the antivirus engine could not look at it, or not at all of it; `what` says why
};
inline constexpr std::uint8_t finding_kind_count = 8;
std::string_view name_of(finding_kind kind); // "extension", for logs

struct finding {
    finding_kind kind = finding_kind::not_scanned;
    std::string where; // "invoice.zip/inner.7z/run.exe"; "" = the message as a whole
    std::string what;
    bool operator==(const finding&) const = default;
};

// What was seen, for a person: "part", "name", "entry", ...
struct seen {
    std::string what, where, detail;
    bool operator==(const seen&) const = default;
};

// What test 8 weighs.
struct facts {
    std::string subject;                // decoded, UTF-8, without controls
    std::vector<std::string> authors;   // addresses of From, as they stand there
    std::vector<std::uint16_t> signs;   // policy/spam/signs.hpp has their names
    std::vector<std::uint16_t> phrases; // indices of the order's phrases that occur
    std::vector<std::uint64_t> tokens;  // hashes of words, each once
    bool operator==(const facts&) const = default;
};

struct report {
    std::uint64_t id = 0;          // of the order
    std::vector<finding> findings; // each once
    facts about;                   // when wanted
    std::vector<seen> all;         // when everything is wanted
    bool operator==(const report&) const = default;
};

// Adds it unless it is there already. A full list keeps one of each kind: then the last of the kind that has
// most goes.
void add(finding what, report& to);

// The report as datagrams of at most datagram_max octets each; the last one says that it is. Too much is cut.
inline constexpr std::size_t datagram_max = 32 * 1024;
std::vector<std::string> encode(const report& what);

// Takes datagrams until the report is whole.
class report_reader {
  public:
    enum class outcome : std::uint8_t {
        more,  // come
        whole, // that was the last one
        broken // this is no report, or more than one may be
    };
    // `everything`: it was asked for; else a report that has it is broken.
    explicit report_reader(bool everything = false) : everything_(everything) {}
    outcome feed(std::string_view datagram);
    report take() { return std::move(made_); }

  private:
    report made_;
    bool everything_;
    std::size_t datagrams_ = 0;
};

} // namespace postern::protocol::scan
