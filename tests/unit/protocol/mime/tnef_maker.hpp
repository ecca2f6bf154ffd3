// Makes TNEF containers (MS-OXTNEF) for tests: attributes and MAPI properties, with what a test wants in
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::test {

inline constexpr std::uint32_t tnef_begins = 0x00069002, tnef_title = 0x00018010, tnef_file = 0x0006800f,
                               tnef_transport_name = 0x00069001, tnef_attachment = 0x00069005,
                               tnef_message = 0x00069003, tnef_body = 0x0002800c;

inline std::string little(std::uint32_t value, unsigned size) {
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += static_cast<char>(value >> 8 * i & 0xffU);
    return out;
}

inline std::string tnef_attribute(unsigned level, std::uint32_t id, std::string_view data) {
    std::uint32_t sum = 0;
    for (const char c : data) sum += static_cast<unsigned char>(c);
    return little(level, 1) + little(id, 4) + little(std::uint32_t(data.size()), 4) + std::string(data) +
           little(sum & 0xffffU, 2);
}

inline std::string tnef(const std::string& attributes) {
    return little(0x223e9f78, 4) + little(1, 2) + attributes;
}

inline std::string mapi_properties(const std::vector<std::string>& all) {
    auto out = little(std::uint32_t(all.size()), 4);
    for (const auto& one : all) out += one;
    return out;
}

inline std::string mapi_tag(std::uint32_t id, std::uint32_t type) { return little(type, 2) + little(id, 2); }

inline std::string mapi_value(std::string data) {
    auto out = little(std::uint32_t(data.size()), 4);
    data.resize((data.size() + 3) / 4 * 4);
    return out + data;
}

inline std::string mapi_long(std::uint32_t id, std::uint32_t value) {
    return mapi_tag(id, 3) + little(value, 4);
}
inline std::string mapi_binary(std::uint32_t id, std::string_view data) {
    return mapi_tag(id, 0x102) + little(1, 4) + mapi_value(std::string(data));
}
inline std::string mapi_string(std::uint32_t id, std::string_view text) {
    return mapi_tag(id, 0x1e) + little(1, 4) + mapi_value(std::string(text) + '\0');
}
inline std::string wide(std::string_view text) {
    std::string out;
    for (const char c : text) out += std::string{c, '\0'};
    return out + std::string(2, '\0');
}
inline std::string mapi_unicode(std::uint32_t id, std::string_view text) {
    return mapi_tag(id, 0x1f) + little(1, 4) + mapi_value(wide(text));
}
inline std::string mapi_object(std::uint32_t id, std::string_view data) {
    return mapi_tag(id, 0x0d) + little(1, 4) + mapi_value(std::string(16, '\7') + std::string(data));
}
inline std::string mapi_named_number(std::uint32_t value) {
    return mapi_tag(0x8001, 2) + std::string(16, '\1') + little(0, 4) + little(5, 4) + little(value, 4);
}
inline std::string mapi_named_text(std::string_view name) {
    return mapi_tag(0x8002, 0x40) + std::string(16, '\1') + little(1, 4) + mapi_value(wide(name)) +
           std::string(8, '\2');
}
// Three shorts.
inline std::string mapi_several() { return mapi_tag(0x1234, 0x1002) + little(3, 4) + std::string(12, '\3'); }

} // namespace postern::test
