// Which certificate answers a name that a client asks for (SNI): exact names and wildcards of one left label.
// The first to claim a name keeps it. Names that no certificate could hold match nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace postern::tls {

class name_table {
  public:
    void add(std::string_view certificate_name,
             std::size_t holder); // "mx.example.net" or "*.example.net", any case
    std::optional<std::size_t> find(std::string_view server_name) const;

  private:
    std::map<std::string, std::size_t, std::less<>> exact_;
    std::map<std::string, std::size_t, std::less<>> below_; // "example.net" for "*.example.net"
};

std::string lower_case(std::string_view name);
// Letters, digits, hyphens and underscores in non-empty labels of at most 63 octets, at most 253 in all.
bool is_host_name(std::string_view name);

} // namespace postern::tls
