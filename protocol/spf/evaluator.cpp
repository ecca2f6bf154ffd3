// The way through the records: which term is next, what a result means to the record around, and the end.
#include "protocol/spf/evaluator.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::protocol::spf {
namespace {

constexpr std::size_t shown_max = 255; // octets of a domain or a directive in a text

std::string shown(std::string_view text) {
    std::string ascii = printable(text, shown_max);
    for (char& c : ascii)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    return ascii;
}

std::string_view without_final_dot(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

bool is_host_octet(char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
}

// §4.3: of two labels at least, and neither an address nor a literal of one.
std::optional<dns_name> read_domain(std::string_view text) {
    const std::size_t last_dot = text.rfind('.');
    if (last_dot == std::string_view::npos) return std::nullopt;
    if (!std::all_of(text.begin(), text.end(), is_host_octet)) return std::nullopt;
    if (std::all_of(text.begin() + static_cast<std::ptrdiff_t>(last_dot), text.end(),
                    [](char c) { return is_digit(c) || c == '.'; }))
        return std::nullopt;
    auto name = dns_name::parse(text, dns_escapes::none);
    if (!name) return std::nullopt;
    return std::move(*name);
}

outcome outcome_of(qualifier sign) {
    switch (sign) {
    case qualifier::pass: return outcome::pass;
    case qualifier::fail: return outcome::fail;
    case qualifier::softfail: return outcome::softfail;
    case qualifier::neutral: return outcome::neutral;
    }
    return outcome::neutral;
}

std::string explain(outcome result, const std::string& domain, const ip_address& client) {
    switch (result) {
    case outcome::pass: return fmt::format("{} lets {} send its mail", domain, client.to_string());
    case outcome::fail: return fmt::format("{} does not let {} send its mail", domain, client.to_string());
    case outcome::softfail: return fmt::format("{} should not send mail of {}", client.to_string(), domain);
    case outcome::neutral:
        return fmt::format("{} does not say whether {} may send its mail", domain, client.to_string());
    case outcome::none: return fmt::format("{} has no SPF record", domain);
    case outcome::temperror: return fmt::format("the SPF record of {} could not be checked now", domain);
    case outcome::permerror: return fmt::format("the SPF record of {} cannot be used", domain);
    }
    return {};
}

} // namespace

std::string_view to_string(outcome result) {
    switch (result) {
    case outcome::none: return "none";
    case outcome::neutral: return "neutral";
    case outcome::pass: return "pass";
    case outcome::fail: return "fail";
    case outcome::softfail: return "softfail";
    case outcome::temperror: return "temperror";
    case outcome::permerror: return "permerror";
    }
    return {};
}

// A label's length stands before its octets; that of the last is followed by the root's zero.
bool evaluator::is_multi_label(const dns_name& name) {
    const std::size_t first = static_cast<unsigned char>(name.wire().front());
    return first + 2 < name.wire().size();
}

evaluator::evaluator(query subject, early_questions early)
    : subject_(std::move(subject)), early_(early),
      checked_(subject_.domain.empty() ? identity::helo : identity::mail_from),
      domain_(without_final_dot(subject_.domain.empty() ? subject_.helo : subject_.domain)),
      address_type_(subject_.client.is_v4() ? dns_type::a : dns_type::aaaa) {
    // §2.4: the null sender stands for postmaster@helo.
    if (subject_.local.empty() || subject_.domain.empty()) subject_.local = "postmaster";
    local_is_ascii_ = is_ascii(subject_.local);
    if (auto name = read_domain(domain_))
        frames_.push_back({.domain = domain_, .name = std::move(*name)});
    else
        finish(outcome::none, nullptr, {});
}

evaluator::step evaluator::next() {
    fresh_.clear();
    while (!done_ && advance()) {
    }
    if (!done_ && early_ == early_questions::ask) look_ahead();
    if (done_) fresh_.clear();
    return {done_ ? &*done_ : nullptr, fresh_};
}

void evaluator::give_up() {
    if (!done_) stop(outcome::temperror, "the DNS look-ups took too long");
}

// False: an answer is missing.
bool evaluator::advance() {
    frame& here = frames_.back();
    if (here.policy == nullptr) return open_record();
    if (here.next == here.policy->directives.size()) return end_of_record();
    const directive& term = here.policy->directives[here.next];
    switch (try_directive(here, term)) {
    case match::yes: leave(outcome_of(term.on_match), &term); return true;
    case match::no: next_term(here); return true;
    case match::waiting: return false;
    case match::entered:
    case match::ended: return true;
    }
    return true;
}

// §4.4, §4.5; for an include §5.2, after a redirect §6.1.
bool evaluator::open_record() {
    frame& here = frames_.back();
    const known* texts = ask(here.name, dns_type::txt);
    if (texts == nullptr) return false;
    if (texts->policy) {
        here.policy = &*texts->policy;
    } else if (texts->state == answer_state::failed) {
        stop(outcome::temperror, fmt::format("the DNS look-up of TXT {} failed", here.name.to_string()));
    } else if (!texts->problem.empty()) {
        stop(outcome::permerror, texts->problem);
    } else if (frames_.size() == 1 && !here.redirected) {
        finish(outcome::none, nullptr, {});
    } else {
        stop(outcome::permerror,
             fmt::format("{} has no SPF record, though another one refers to it", here.name.to_string()));
    }
    return true;
}

// §4.7 and §6.1.
bool evaluator::end_of_record() {
    frame& here = frames_.back();
    if (here.policy->redirect.empty()) {
        leave(outcome::neutral, nullptr);
        return true;
    }
    if (!charge_term(here)) return true;
    target to = target_of(here, here.policy->redirect);
    if (to.is == target::state::waiting) return false;
    if (to.is == target::state::ended) return true;
    if (to.is != target::state::ready || !is_multi_label(to.name))
        stop(outcome::permerror,
             fmt::format("redirect={} leads to no domain", (*here.policy)[here.policy->redirect]));
    else
        here = {.domain = std::move(to.text), .name = std::move(to.name), .redirected = true};
    return true;
}

// The term did not match.
void evaluator::next_term(frame& here) {
    if (here.found_nothing && ++void_terms_ > void_terms_max)
        return stop(outcome::permerror,
                    fmt::format("more than {} terms look up names that are not there", void_terms_max));
    here.charged = here.found_nothing = false;
    ++here.next;
}

// The record of the last frame has its result: the end, or an answer to the include around it (§5.2).
void evaluator::leave(outcome result, const directive* matched) {
    std::string via;
    while (frames_.size() > 1) {
        const frame& inner = frames_.back();
        if (matched != nullptr && via.empty())
            via = shown(fmt::format("{}: {}", inner.domain, (*inner.policy)[matched->text]));
        frames_.pop_back();
        if (result != outcome::pass) return next_term(frames_.back());
        matched = &frames_.back().policy->directives[frames_.back().next];
        result = outcome_of(matched->on_match);
    }
    finish(result, matched, std::move(via));
}

void evaluator::finish(outcome result, const directive* matched, std::string via) {
    conclusion& end = done_.emplace();
    end.result = result;
    end.checked = checked_;
    end.domain = domain_;
    end.via = std::move(via);
    end.lookup_terms = lookup_terms_;
    end.void_terms = void_terms_;
    if (!frames_.empty()) end.record_domain = shown(frames_.back().domain);
    const bool judged =
        result != outcome::none && result != outcome::temperror && result != outcome::permerror;
    if (judged)
        end.mechanism = matched == nullptr ? "default" : shown((*frames_.back().policy)[matched->text]);
    if (frames_.empty()) // §4.3
        end.explanation = fmt::format("\"{}\" is no domain that could have an SPF record", shown(domain_));
    else
        end.explanation = explain(result, shown(domain_), subject_.client);
}

void evaluator::stop(outcome result, std::string_view problem) {
    finish(result, nullptr, {});
    done_->problem = printable(problem, problem_max);
    done_->explanation += ": " + done_->problem;
}

bool evaluator::charge_term(frame& here) {
    if (here.charged) return true;
    here.charged = true;
    return charge();
}

// §4.6.4
bool evaluator::charge() {
    if (++lookup_terms_ <= lookup_terms_max) return true;
    stop(outcome::permerror, fmt::format("more than {} terms need DNS look-ups", lookup_terms_max));
    return false;
}

} // namespace postern::protocol::spf
