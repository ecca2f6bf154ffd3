// A visitor that remembers all that it is told, for the tests of the MIME walker.
#pragma once

#include "protocol/mime/walker.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace postern::protocol::mime {

struct seen_part {
    part_kind kind = part_kind::leaf;
    part_id parent = 0, alternative_of = 0;
    unsigned depth = 0;
    std::string type, encoding, octets;
    std::vector<std::string> names; // normalised
    std::vector<std::string> raw_names;
    std::vector<finding> found;
    bool ended = false;
};

class seen final : public visitor {
  public:
    void begin_part(const part& begun) override {
        auto& one = parts[begun.id];
        one.kind = begun.kind;
        one.parent = begun.parent;
        one.alternative_of = begun.alternative_of;
        one.depth = begun.depth;
        one.type = begun.type;
        one.encoding = begun.encoding;
    }
    void name_of_part(part_id id, const name& candidate) override {
        parts.at(id).names.emplace_back(candidate.normalised);
        parts.at(id).raw_names.emplace_back(candidate.raw);
    }
    void octets(part_id id, std::string_view decoded) override { parts.at(id).octets += decoded; }
    void end_part(part_id id) override { parts.at(id).ended = true; }
    void found(part_id id, finding what) override {
        all_found.insert(what);
        if (id != 0) parts[id].found.push_back(what);
    }

    bool has(finding what) const { return all_found.count(what) != 0; }
    bool has_name(std::string_view wanted) const {
        return std::any_of(parts.begin(), parts.end(), [&](const auto& one) {
            return std::find(one.second.names.begin(), one.second.names.end(), wanted) !=
                   one.second.names.end();
        });
    }
    // Whether a part that is told has these octets, among others.
    bool has_octets(std::string_view wanted) const {
        return std::any_of(parts.begin(), parts.end(), [&](const auto& one) {
            return one.second.octets.find(wanted) != std::string::npos;
        });
    }
    std::string names() const { // for the report of a failure
        std::string text;
        for (const auto& [id, one] : parts)
            for (const auto& name : one.names) text += "[" + name + "]";
        return text;
    }
    std::string findings_text() const {
        std::string text;
        for (const auto what : all_found) text += std::string(name_of(what)) + " ";
        return text;
    }

    std::map<part_id, seen_part> parts;
    std::set<finding> all_found;
};

// "⏎" would be the line end; here it is LF, turned into CRLF.
inline std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

inline seen walked(std::string_view message, const limits& bounds = {}) {
    seen told;
    walker one(told, bounds);
    one.feed(message);
    one.finish();
    return told;
}

} // namespace postern::protocol::mime
