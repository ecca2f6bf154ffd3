// Questions that the records at hand are likely to lead to, so that a record of five includes costs the
// longest chain of look-ups and not their sum. Only asks: nothing here counts, judges or ends anything.
#include "protocol/spf/evaluator.hpp"

namespace postern::protocol::spf {

void evaluator::look_ahead() {
    unsigned terms_left = lookup_terms_max - lookup_terms_;
    for (auto here = frames_.rbegin(); here != frames_.rend(); ++here) {
        if (here->policy == nullptr) continue; // its record has just been asked for
        // What the term that waits needs has been asked for.
        const target at{.is = target::state::ready, .text = here->domain, .name = here->name};
        if (foresee(*here->policy, at, here->next + 1, terms_left)) return;
    }
}

// The terms of the record of `at` from number `from` on; one past the last is the redirect. True: the client
// seems to pass here, so that what follows the include around doesn't matter.
bool evaluator::foresee(const record& policy, const target& at, std::size_t from, unsigned& terms_left) {
    for (std::size_t i = from; i < policy.directives.size(); ++i) {
        const directive& term = policy.directives[i];
        if (term.kind == mechanism::all) return term.on_match == qualifier::pass;
        if (term.kind == mechanism::ip4 || term.kind == mechanism::ip6) {
            if (holds(term, subject_.client)) return term.on_match == qualifier::pass;
            continue;
        }
        if (terms_left == 0) return false;
        --terms_left;
        if (foresee_lookup(term.kind, foreseen_target(policy[term.domain_spec], at), terms_left))
            return term.on_match == qualifier::pass;
    }
    if (from > policy.directives.size() || policy.redirect.empty() || terms_left == 0) return false;
    --terms_left;
    return foresee_lookup(mechanism::include, foreseen_target(policy[policy.redirect], at), terms_left);
}

// What %{p} stands for costs look-ups of its own, so nothing is foreseen there.
evaluator::target evaluator::foreseen_target(std::string_view domain_spec, const target& at) {
    if (domain_spec.empty()) return at;
    if (uses_macro(domain_spec, 'p')) return {.is = target::state::waiting};
    return expanded(domain_spec, at.text, {});
}

// A redirect counts as an include. True: an include seems to match.
bool evaluator::foresee_lookup(mechanism kind, const target& at, unsigned& terms_left) {
    if (at.is != target::state::ready) return false;
    switch (kind) {
    case mechanism::include: {
        const known* texts = is_multi_label(at.name) ? ask_early(at.name, dns_type::txt) : nullptr;
        return texts != nullptr && texts->policy && foresee(*texts->policy, at, 0, terms_left);
    }
    case mechanism::a: ask_early(at.name, address_type_); break;
    case mechanism::exists: ask_early(at.name, dns_type::a); break;
    case mechanism::ptr: ask_early(reverse_name(subject_.client), dns_type::ptr); break;
    case mechanism::mx:
        if (const known* mx = ask_early(at.name, dns_type::mx)) {
            if (mx->names.size() > mx_names_max) break;
            for (const dns_name& host : mx->names)
                if (!host.is_root()) ask_early(host, address_type_);
        }
        break;
    case mechanism::all:
    case mechanism::ip4:
    case mechanism::ip6: break;
    }
    return false;
}

const evaluator::known* evaluator::ask_early(const dns_name& name, dns_type type) {
    std::pair<std::string, dns_type> key{name.key(), type};
    const auto at = known_.find(key);
    if (at != known_.end()) return at->second.waiting ? nullptr : &at->second;
    if (early_asked_ == early_questions_max) return nullptr;
    ++early_asked_;
    known_.try_emplace(std::move(key));
    fresh_.push_back({.what = {name, type}, .needed = false});
    return nullptr;
}

} // namespace postern::protocol::spf
