// Copies whole runs; looks at each octet once.
#include "protocol/smtp/data_encoder.hpp"

namespace postern::protocol {

void data_encoder::feed(std::string_view octets, std::string& out) {
    std::size_t from = 0; // of what is not copied yet
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const char c = octets[i];
        if (at_ == place::line_start && c == '.') {
            out.append(octets.substr(from, i - from));
            out += '.';
            from = i;
        }
        if (c == '\r')
            at_ = place::cr;
        else
            at_ = c == '\n' && at_ == place::cr ? place::line_start : place::within;
    }
    out.append(octets.substr(from));
}

void data_encoder::finish(std::string& out) {
    if (at_ == place::cr)
        out += '\n';
    else if (at_ == place::within)
        out += "\r\n";
    out += ".\r\n";
    at_ = place::line_start;
}

} // namespace postern::protocol
