// Reads the replies of a server: strict about form (RFC 5321 §4.2), bounded in every direction. What can't be
// a reply is a fault of the peer, and a fault is never taken for consent.
#pragma once

#include "protocol/smtp/line_reader.hpp"
#include "protocol/smtp/reply.hpp"

#include <vector>

namespace postern::protocol {

struct peer_reply {
    std::uint16_t code = 0;         // 200..599; 0 = none came
    enhanced_code enhanced;         // of the last line, when its class fits the code
    std::vector<std::string> lines; // printable, without code; the enhanced code still stands in them

    bool positive() const { return code >= 200 && code < 300; }
    bool temporary() const { return code >= 400 && code < 500; }
    bool permanent() const { return code >= 500 && code < 600; }
    // "550 5.1.1 first line second line": for logs and notices, at most text_max octets.
    std::string text() const;
    static constexpr std::size_t text_max = 512;
};

class reply_reader {
  public:
    static constexpr std::size_t lines_max = 100;        // of one reply
    static constexpr std::size_t line_octets_max = 2048; // with CRLF

    enum class status { need_more, complete, malformed };
    struct outcome {
        status what = status::need_more;
        std::size_t consumed = 0;
        peer_reply reply; // complete
    };
    // At most one reply from the front of `input`; split anywhere. After malformed the reader is of no use.
    outcome feed(std::string_view input);
    // Nothing of a next reply has come yet.
    bool at_start() const { return lines_.partial().empty() && reply_.lines.empty(); }

  private:
    bool take(std::string_view line, bool& last);

    line_reader lines_{line_octets_max};
    peer_reply reply_;
};

} // namespace postern::protocol
