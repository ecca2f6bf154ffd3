#include "server/dovecot_words.hpp"

#include "protocol/sasl/base64.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {

namespace {

struct escape_row {
    char octet;
    char letter;
};
constexpr escape_row escapes[] = {{'\0', '0'}, {'\x01', '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}};

std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\x01' || at + 1 == text.size()) {
            plain += text[at];
            continue;
        }
        ++at;
        const auto* row = std::find_if(std::begin(escapes), std::end(escapes),
                                       [&](const escape_row& one) { return one.letter == text[at]; });
        plain += row == std::end(escapes) ? text[at] : row->octet;
    }
    return plain;
}

} // namespace

bool dovecot_line::has(std::string_view name) const {
    return std::find(fields.begin(), fields.end(), name) != fields.end();
}

std::optional<std::string> dovecot_line::value(std::string_view name) const {
    for (const auto& field : fields)
        if (field.size() > name.size() && field[name.size()] == '=' && field.starts_with(name))
            return field.substr(name.size() + 1);
    return std::nullopt;
}

dovecot_line read_dovecot_line(std::string_view line) {
    dovecot_line read;
    std::size_t end = std::min(line.find('\t'), line.size());
    read.word = line.substr(0, end);
    while (end < line.size()) {
        const auto from = end + 1;
        end = std::min(line.find('\t', from), line.size());
        read.fields.push_back(unescape(line.substr(from, end - from)));
    }
    return read;
}

std::string escape_dovecot(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        const auto* row = std::find_if(std::begin(escapes), std::end(escapes),
                                       [&](const escape_row& one) { return one.octet == c; });
        if (row == std::end(escapes)) {
            escaped += c;
        } else {
            escaped += '\x01';
            escaped += row->letter;
        }
    }
    return escaped;
}

protocol::sasl::secret dovecot_request(unsigned id, std::string_view login, std::string_view password,
                                       std::string_view client) {
    std::string message; // authzid, authcid, password (RFC 4616)
    message.reserve(login.size() + password.size() + 2);
    message.append(1, '\0').append(login).append(1, '\0').append(password);
    std::string response = protocol::sasl::encode_base64(message);
    protocol::sasl::wipe(message);
    const std::string address = client.empty() ? "" : fmt::format("\trip={}", escape_dovecot(client));
    const std::string head =
        fmt::format("AUTH\t{}\tPLAIN\tservice=smtp\tsecured\tno-penalty{}\tresp=", id, address);
    protocol::sasl::secret line;
    line.reserve(head.size() + response.size() + 1);
    for (const std::string_view part :
         {std::string_view(head), std::string_view(response), std::string_view("\n")})
        for (const char c : part) line.push_back(c);
    protocol::sasl::wipe(response);
    return line;
}

} // namespace postern::server
