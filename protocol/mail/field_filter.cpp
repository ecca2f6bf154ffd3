// A machine over octets: each step takes at least one octet off the front or changes to a state that will.
#include "protocol/mail/field_filter.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

} // namespace

void field_filter::keep(std::string& out) {
    out.append(pending_);
    pending_.clear();
    dropping_ = false;
    state_ = state::keep_line;
}

std::string_view field_filter::start_line(std::string_view rest, std::string& out) {
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

std::string_view field_filter::end_header(std::string_view rest, std::string& out) {
    keep(out); // the CR
    if (rest.front() != '\n') return rest;
    out.push_back('\n');
    state_ = state::body;
    return rest.substr(1);
}

std::string_view field_filter::match_name(std::string_view rest, std::string& out) {
    if (to_lower(rest.front()) != name_[pending_.size()]) {
        keep(out);
        return rest;
    }
    pending_.push_back(rest.front());
    if (pending_.size() == name_.size()) state_ = state::blanks;
    return rest.substr(1);
}

std::string_view field_filter::match_colon(std::string_view rest, std::string& out) {
    if (rest.front() == ':') {
        pending_.push_back(':');
        if (owner_.empty())
            decide(out);
        else
            state_ = state::owner;
        return rest.substr(1);
    }
    if (!is_blank(rest.front()) || pending_.size() == field_name_pending_max) {
        keep(out);
        return rest;
    }
    pending_.push_back(rest.front());
    return rest.substr(1);
}

std::string_view field_filter::look_for_owner(std::string_view rest, std::string& out) {
    const char c = rest.front();
    pending_.push_back(c);
    if (c == '\n') {
        state_ = state::owner_line_start;
    } else if (c == ';' || pending_.size() >= field_owner_pending_max) {
        decide(out);
    }
    return rest.substr(1);
}

// The field goes on in a folded line, or it ended without a ";".
std::string_view field_filter::start_owner_line(std::string_view rest, std::string& out) {
    if (is_blank(rest.front())) {
        state_ = state::owner;
        return rest;
    }
    decide(out);
    state_ = state::line_start;
    return rest;
}

bool field_filter::names_owner() const {
    const std::string value = to_lower(std::string_view(pending_).substr(pending_.find(':') + 1));
    const auto is_part = [&](std::size_t at) {
        const char c = at < value.size() ? value[at] : ' ';
        return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
    };
    for (auto at = value.find(owner_); at != std::string::npos; at = value.find(owner_, at + 1))
        if ((at == 0 || !is_part(at - 1)) && !is_part(at + owner_.size())) return true;
    return false;
}

// Within a line, behind what is pending.
void field_filter::decide(std::string& out) {
    if (!owner_.empty() && !names_owner()) return keep(out);
    pending_.clear();
    dropping_ = true;
    state_ = state::drop_line;
}

std::string_view field_filter::rest_of_line(std::string_view rest, std::string& out) {
    const auto end = rest.find('\n');
    const auto length = end == std::string_view::npos ? rest.size() : end + 1;
    if (state_ == state::keep_line) out.append(rest.substr(0, length));
    if (end != std::string_view::npos) state_ = state::line_start;
    return rest.substr(length);
}

void field_filter::feed(std::string_view octets, std::string& out) {
    auto rest = octets;
    while (!rest.empty()) {
        switch (state_) {
        case state::line_start: rest = start_line(rest, out); break;
        case state::empty_line: rest = end_header(rest, out); break;
        case state::name: rest = match_name(rest, out); break;
        case state::blanks: rest = match_colon(rest, out); break;
        case state::owner: rest = look_for_owner(rest, out); break;
        case state::owner_line_start: rest = start_owner_line(rest, out); break;
        case state::keep_line:
        case state::drop_line: rest = rest_of_line(rest, out); break;
        case state::body: out.append(rest); return;
        }
    }
}

void field_filter::finish(std::string& out) {
    if (state_ == state::owner || state_ == state::owner_line_start) decide(out);
    out.append(pending_);
    pending_.clear();
}

} // namespace postern::protocol
