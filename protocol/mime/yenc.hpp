// The octets of yEnc lines (yEnc draft 1.3): each is 42 less than it stands there, behind "=" 64 less still.
#pragma once

#include <string>
#include <string_view>

namespace postern::protocol::mime {

class yenc_decoder {
  public:
    // Appends to `out`; line ends are skipped. In pieces of any size.
    void feed(std::string_view text, std::string& out) {
        for (const char c : text) {
            if (c == '\r' || c == '\n') continue;
            if (c == '=' && !escaped_) {
                escaped_ = true;
                continue;
            }
            const auto octet = static_cast<unsigned char>(c);
            out += static_cast<char>(octet - 42U - (escaped_ ? 64U : 0U));
            escaped_ = false;
        }
    }

  private:
    bool escaped_ = false;
};

} // namespace postern::protocol::mime
