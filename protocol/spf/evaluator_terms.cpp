// What each mechanism asks and when it matches (RFC 7208 §5), and what is known so far.
#include "protocol/spf/evaluator.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::protocol::spf {

evaluator::match evaluator::try_directive(frame& here, const directive& term) {
    if (term.kind == mechanism::all) return match::yes;
    if (term.kind == mechanism::ip4 || term.kind == mechanism::ip6)
        return holds(term, subject_.client) ? match::yes : match::no;
    if (!charge_term(here)) return match::ended;
    target at = target_of(here, term.domain_spec);
    switch (at.is) {
    case target::state::waiting: return match::waiting;
    case target::state::ended: return match::ended;
    case target::state::unmatched: return match::no;
    case target::state::no_name:
        // §4.8 leaves it open; a name that can't be there matches nothing. §5.2 is plain: none is an error.
        if (term.kind != mechanism::include) return match::no;
        [[fallthrough]];
    case target::state::ready: break;
    }
    switch (term.kind) {
    case mechanism::include: return try_include(here, term, std::move(at));
    case mechanism::a: return try_a(here, term, at);
    case mechanism::mx: return try_mx(here, term, at);
    case mechanism::ptr: return try_ptr(here, at);
    case mechanism::exists: return try_exists(here, at);
    case mechanism::all:
    case mechanism::ip4:
    case mechanism::ip6: break;
    }
    return match::no;
}

// §5.2
evaluator::match evaluator::try_include(frame& here, const directive& term, target at) {
    if (at.is != target::state::ready || !is_multi_label(at.name)) {
        stop(outcome::permerror, fmt::format("{} names no domain", (*here.policy)[term.text]));
        return match::ended;
    }
    frames_.push_back({.domain = std::move(at.text), .name = std::move(at.name)}); // `here` is gone
    return match::entered;
}

// §5.3
evaluator::match evaluator::try_a(frame& here, const directive& term, const target& at) {
    const known* host = ask(at.name, address_type_);
    if (host == nullptr) return match::waiting;
    if (host->state == answer_state::failed) return dns_trouble(at.name);
    if (host->state == answer_state::absent) here.found_nothing = true;
    return names_client(*host, term.prefix4, term.prefix6) ? match::yes : match::no;
}

// §5.7: always A, whatever the client's family.
evaluator::match evaluator::try_exists(frame& here, const target& at) {
    const known* host = ask(at.name, dns_type::a);
    if (host == nullptr) return match::waiting;
    if (host->state == answer_state::failed) return dns_trouble(at.name);
    if (host->state == answer_state::found) return match::yes;
    here.found_nothing = true;
    return match::no;
}

// §5.4: never falls back to an address of the domain itself.
evaluator::match evaluator::try_mx(frame& here, const directive& term, const target& at) {
    const known* mx = ask(at.name, dns_type::mx);
    if (mx == nullptr) return match::waiting;
    if (mx->state == answer_state::failed) return dns_trouble(at.name);
    if (mx->state == answer_state::absent) here.found_nothing = true;
    if (mx->names.size() > mx_names_max) {
        stop(outcome::permerror,
             fmt::format("{} has more than {} MX records", at.name.to_string(), mx_names_max));
        return match::ended;
    }
    bool asked_any = false;
    bool found_any = false;
    for (auto host = mx->names.begin(); host != mx->names.end(); ++host) {
        if (host->is_root()) continue; // RFC 7505
        const known* addresses = find(*host, address_type_);
        if (addresses == nullptr) {
            ask_all({host, mx->names.end()});
            return match::waiting;
        }
        if (addresses->state == answer_state::failed) return dns_trouble(*host);
        if (names_client(*addresses, term.prefix4, term.prefix6)) return match::yes;
        asked_any = true;
        found_any = found_any || addresses->state == answer_state::found;
    }
    if (asked_any && !found_any) here.found_nothing = true;
    return match::no;
}

// §5.5: trouble with DNS only means that a name isn't validated. Only names that could match are looked up.
evaluator::match evaluator::try_ptr(frame& here, const target& at) {
    const known* ptr = ask(reverse_name(subject_.client), dns_type::ptr);
    if (ptr == nullptr) return match::waiting;
    if (ptr->state == answer_state::absent) here.found_nothing = true;
    std::vector<dns_name> candidates;
    std::copy_if(ptr->names.begin(), ptr->names.end(), std::back_inserter(candidates),
                 [&](const dns_name& name) { return !name.is_root() && lies_in(name, at.name); });
    for (auto name = candidates.begin(); name != candidates.end(); ++name) {
        const known* addresses = find(*name, address_type_);
        if (addresses == nullptr) {
            ask_all({name, candidates.end()});
            return match::waiting;
        }
        if (names_client(*addresses, 32, 128)) return match::yes;
    }
    return match::no;
}

evaluator::match evaluator::dns_trouble(const dns_name& name) {
    stop(outcome::temperror, fmt::format("the DNS look-up of {} failed", name.to_string()));
    return match::ended;
}

evaluator::target evaluator::target_of(frame& here, slice domain_spec) {
    if (domain_spec.empty()) return {.is = target::state::ready, .text = here.domain, .name = here.name};
    const std::string_view spec = (*here.policy)[domain_spec];
    std::string validated;
    if (uses_macro(spec, 'p') && !is_unmatched(spec)) {
        auto name = validated_name(here);
        if (!name) return {.is = done_ ? target::state::ended : target::state::waiting};
        validated = std::move(*name);
    }
    return expanded(spec, here.domain, validated);
}

// RFC 8616 §4: a name can't be made of a local part that is not ASCII.
bool evaluator::is_unmatched(std::string_view domain_spec) const {
    return !local_is_ascii_ && (uses_macro(domain_spec, 's') || uses_macro(domain_spec, 'l'));
}

// Each term is expanded once: a record may hold a thousand macros, and a check may take a hundred steps.
// `spec` lies in a record of known_, whose place tells the term and its domain.
const evaluator::target& evaluator::expanded(std::string_view spec, std::string_view domain,
                                             std::string_view validated) {
    const auto [at, is_new] = targets_.try_emplace(spec.data());
    target& made = at->second;
    if (!is_new) return made;
    if (is_unmatched(spec)) {
        made.is = target::state::unmatched;
        return made;
    }
    made.text = expand(spec, {.local = subject_.local,
                              .sender_domain = domain_,
                              .domain = domain,
                              .helo = subject_.helo,
                              .validated = validated,
                              .client = subject_.client});
    auto name = dns_name::parse(made.text, dns_escapes::none);
    if (!name || name->is_root())
        made.is = target::state::no_name;
    else
        made.name = std::move(*name);
    return made;
}

// The value of %{p} (§7.3): the domain itself, else a name below it, else any that leads back to the client.
// It is one look-up more, once in a check. Nothing: an answer is missing, or the limit is reached.
std::optional<std::string> evaluator::validated_name(frame& here) {
    constexpr std::string_view unknown = "unknown";
    if (!validated_charged_) {
        validated_charged_ = true;
        if (!charge()) return std::nullopt;
    }
    const known* ptr = ask(reverse_name(subject_.client), dns_type::ptr);
    if (ptr == nullptr) return std::nullopt;
    if (ptr->state == answer_state::absent && !validated_void_) here.found_nothing = validated_void_ = true;
    if (!ask_all(ptr->names)) return std::nullopt;
    std::string best(unknown);
    int best_rank = 0;
    for (const dns_name& name : ptr->names) {
        const known* addresses = find(name, address_type_);
        if (addresses == nullptr || !names_client(*addresses, 32, 128)) continue;
        const int rank = !lies_in(name, here.name) ? 1 : name == here.name ? 3 : 2;
        if (rank <= best_rank) continue;
        best_rank = rank;
        best = name.to_string();
    }
    return best;
}

bool evaluator::names_client(const known& host, std::uint8_t prefix4, std::uint8_t prefix6) const {
    return std::any_of(host.addresses.begin(), host.addresses.end(), [&](const ip_address& address) {
        return same_network(address, subject_.client, prefix4, prefix6);
    });
}

const evaluator::known* evaluator::find(const dns_name& name, dns_type type) const {
    const auto at = known_.find({name.key(), type});
    return at == known_.end() || at->second.waiting ? nullptr : &at->second;
}

const evaluator::known* evaluator::ask(const dns_name& name, dns_type type) {
    const auto [at, is_new] = known_.try_emplace({name.key(), type});
    if (is_new) fresh_.push_back({.what = {name, type}, .needed = true});
    return at->second.waiting ? nullptr : &at->second;
}

// The addresses of every name. True: all of them are known.
bool evaluator::ask_all(std::span<const dns_name> names) {
    bool all_known = true;
    for (const dns_name& name : names)
        if (!name.is_root() && ask(name, address_type_) == nullptr) all_known = false;
    return all_known;
}

void evaluator::answer(const dns_question& what, const looked_up& given) {
    const auto at = known_.find({what.name.key(), what.type});
    if (at == known_.end() || !at->second.waiting) return;
    known& made = at->second;
    made.waiting = false;
    made.state = given.state;
    if (given.state != answer_state::found) return;
    const auto first = [](const auto& all, std::size_t max) {
        return std::span(all).first(std::min(all.size(), max));
    };
    const dns_records& records = given.records;
    bool some = false;
    switch (what.type) {
    case dns_type::a:
    case dns_type::aaaa:
        for (const ip_address& address : first(records.addresses, addresses_max))
            made.addresses.push_back(address);
        some = !made.addresses.empty();
        break;
    case dns_type::mx:
        for (const mx_record& mx : first(records.exchangers, mx_names_max + 1))
            made.names.push_back(mx.exchange);
        some = !made.names.empty();
        break;
    case dns_type::ptr:
        for (const dns_name& name : first(records.pointers, ptr_names_max)) made.names.push_back(name);
        some = !made.names.empty();
        break;
    case dns_type::txt:
        some = !records.texts.empty();
        keep_record(made, what.name, records.texts);
        break;
    case dns_type::srv:
    case dns_type::tlsa: break; // never asked for
    }
    if (!some) made.state = answer_state::absent; // RCODE 0 without an answer (§4.6.4)
}

void evaluator::keep_record(known& made, const dns_name& name, std::span<const std::string> texts) {
    const selection chosen = select_record(texts);
    if (chosen.found == selected::none) return;
    if (chosen.found == selected::several) {
        made.problem = fmt::format("{} has more than one SPF record", name.to_string());
        return;
    }
    auto parsed = parse_record(chosen.text);
    if (parsed)
        made.policy = std::move(*parsed);
    else
        made.problem = fmt::format("the SPF record of {} has {} at octet {}", name.to_string(),
                                   describe(parsed.error().what), parsed.error().offset + 1);
}

} // namespace postern::protocol::spf
