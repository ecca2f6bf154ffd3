// A machine over octets: each step takes at least one octet off the front or changes to a state that will.
#include "storage/return_path_filter.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr std::string_view field_name = "return-path";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

} // namespace

void return_path_filter::keep(std::string& out) {
    out.append(pending_);
    pending_.clear();
    dropping_ = false;
    state_ = state::keep_line;
}

std::string_view return_path_filter::start_line(std::string_view rest, std::string& out) {
    const char c = rest.front();
    if (is_blank(c)) { // a folded line has the fate of its field
        state_ = dropping_ ? state::drop_line : state::keep_line;
        return rest;
    }
    dropping_ = false;
    if (c == '\r') {
        pending_.push_back(c);
        state_ = state::empty_line;
        return rest.substr(1);
    }
    if (c == '\n') {
        out.push_back(c);
        state_ = state::body;
        return rest.substr(1);
    }
    state_ = state::name;
    return rest;
}

std::string_view return_path_filter::end_header(std::string_view rest, std::string& out) {
    keep(out); // the CR
    if (rest.front() != '\n') return rest;
    out.push_back('\n');
    state_ = state::body;
    return rest.substr(1);
}

std::string_view return_path_filter::match_name(std::string_view rest, std::string& out) {
    if (protocol::to_lower(rest.front()) != field_name[pending_.size()]) {
        keep(out);
        return rest;
    }
    pending_.push_back(rest.front());
    if (pending_.size() == field_name.size()) state_ = state::blanks;
    return rest.substr(1);
}

std::string_view return_path_filter::match_colon(std::string_view rest, std::string& out) {
    if (rest.front() == ':') {
        pending_.clear();
        dropping_ = true;
        state_ = state::drop_line;
        return rest.substr(1);
    }
    if (!is_blank(rest.front()) || pending_.size() == return_path_pending_max) {
        keep(out);
        return rest;
    }
    pending_.push_back(rest.front());
    return rest.substr(1);
}

std::string_view return_path_filter::rest_of_line(std::string_view rest, std::string& out) {
    const auto end = rest.find('\n');
    const auto length = end == std::string_view::npos ? rest.size() : end + 1;
    if (state_ == state::keep_line) out.append(rest.substr(0, length));
    if (end != std::string_view::npos) state_ = state::line_start;
    return rest.substr(length);
}

void return_path_filter::feed(std::string_view octets, std::string& out) {
    auto rest = octets;
    while (!rest.empty()) {
        switch (state_) {
        case state::line_start: rest = start_line(rest, out); break;
        case state::empty_line: rest = end_header(rest, out); break;
        case state::name: rest = match_name(rest, out); break;
        case state::blanks: rest = match_colon(rest, out); break;
        case state::keep_line:
        case state::drop_line: rest = rest_of_line(rest, out); break;
        case state::body: out.append(rest); return;
        }
    }
}

void return_path_filter::finish(std::string& out) {
    out.append(pending_);
    pending_.clear();
}

} // namespace postern::storage
