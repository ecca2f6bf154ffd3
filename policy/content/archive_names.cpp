// What a compressed file is called inside.
#include "policy/content/archive.hpp"

#include "policy/content/zip_records.hpp"
#include "protocol/smtp/grammar.hpp"

#include <array>

namespace postern::policy::content {

std::string name_within(std::string_view name) {
    struct row {
        std::string_view end, instead;
    };
    constexpr std::array rows{
        row{".tgz", ".tar"},  row{".tbz2", ".tar"}, row{".tbz", ".tar"},  row{".txz", ".tar"},
        row{".tzst", ".tar"}, row{".taz", ".tar"},  row{".svgz", ".svg"}, row{".gz", ""},
        row{".bz2", ""},      row{".bz", ""},       row{".xz", ""},       row{".zst", ""},
        row{".lz4", ""},      row{".lzma", ""},     row{".lz", ""},       row{".z", ""}};
    const auto lower = protocol::to_lower(name);
    for (const row& one : rows)
        if (lower.ends_with(one.end) && lower.size() > one.end.size())
            return std::string(name.substr(0, name.size() - one.end.size())) + std::string(one.instead);
    return std::string(name);
}

std::string_view gzip_name(std::string_view octets) {
    constexpr unsigned has_extra = 4, has_name = 8;
    constexpr std::size_t header = 10, name_max = 4096;
    if (octets.size() < header || !octets.starts_with("\x1f\x8b\x08")) return {};
    const auto flags = static_cast<unsigned char>(octets[3]);
    std::size_t at = header;
    if ((flags & has_extra) != 0) at += 2 + std::size_t(zip_number(octets, at, 2));
    if ((flags & has_name) == 0 || at >= octets.size()) return {};
    const auto name = octets.substr(at, name_max);
    return name.substr(0, name.find('\0'));
}

} // namespace postern::policy::content
