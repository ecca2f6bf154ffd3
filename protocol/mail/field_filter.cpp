// A machine over octets: each step takes at least one octet off the front or changes to a state that will.
#include "protocol/mail/field_filter.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <utility>

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
        comments_ = 0;
        quoted_ = escaped_ = false;
        if (owners_)
            state_ = state::owner;
        else
            drop();
        return rest.substr(1);
    }
    if (!is_blank(rest.front())) {
        keep(out);
        return rest;
    }
    if (pending_.size() == field_name_pending_max) {
        drop();
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
    } else if (ends_owner(c)) {
        decide(out);
    } else if (pending_.size() >= field_owner_pending_max) {
        drop();
    }
    return rest.substr(1);
}

bool field_filter::ends_owner(char c) {
    if (std::exchange(escaped_, false)) return false;
    if (c == '\\') {
        escaped_ = quoted_ || comments_ != 0;
    } else if (c == '"' && comments_ == 0) {
        quoted_ = !quoted_;
    } else if (c == '(' && !quoted_) {
        ++comments_;
    } else if (c == ')' && !quoted_ && comments_ != 0) {
        --comments_;
    }
    return c == ';' && !quoted_ && comments_ == 0;
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

// A quoted pair means the octet behind the backslash.
bool field_filter::names_owner() const {
    std::string value = to_lower(std::string_view(pending_).substr(pending_.find(':') + 1));
    std::erase(value, '\\');
    const auto is_part = [&](std::size_t at) {
        const char c = at < value.size() ? value[at] : ' ';
        return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
    };
    const auto is_named = [&](const std::string& owner) {
        for (auto at = value.find(owner); at != std::string::npos; at = value.find(owner, at + 1))
            if ((at == 0 || !is_part(at - 1)) && !is_part(at + owner.size())) return true;
        return false;
    };
    return std::any_of(owners_->begin(), owners_->end(), is_named);
}

// Within a line, behind what is pending.
void field_filter::decide(std::string& out) {
    if (!names_owner()) return keep(out);
    drop();
}

void field_filter::drop() {
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

void field_filters::feed(std::string_view octets, std::string& out) {
    std::string between(octets);
    for (std::size_t i = 0; i + 1 < all_.size(); ++i) {
        std::string passed;
        all_[i].feed(between, passed);
        between.swap(passed);
    }
    all_.back().feed(between, out);
}

void field_filters::finish(std::string& out) {
    std::string rest;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        std::string passed;
        all_[i].feed(rest, passed);
        all_[i].finish(passed);
        rest.swap(passed);
    }
    out += rest;
}

field_filters forged_fields(field_filter::owners of, bool with_spam_marks, blind_copies bcc) {
    std::vector<field_filter> all{field_filter("authentication-results", std::move(of))};
    if (with_spam_marks)
        for (const auto* const name : {"x-spam-flag", "x-spam-status"}) all.emplace_back(name);
    if (bcc == blind_copies::go)
        for (const auto* const name : {"bcc", "resent-bcc"}) all.emplace_back(name);
    return field_filters(std::move(all));
}

} // namespace postern::protocol
