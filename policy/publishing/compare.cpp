// What is wanted against what is there, one kind of record after the other.
#include "policy/publishing/record_text.hpp"
#include "policy/publishing/records.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace postern::policy {

namespace {

using protocol::dns_found;
using rows = std::vector<published_record>;

std::string_view shown_type(const wanted_records& wanted) {
    switch (wanted.how) {
    case wanted_records::kind::records: return type_text(wanted.type);
    case wanted_records::kind::address: return "A/AAAA";
    case wanted_records::kind::alias: return "CNAME";
    }
    return {};
}

published_record row_of(const wanted_records& wanted, record_state state, std::string value,
                        std::string there = {}) {
    published_record made;
    made.what = wanted.what;
    made.state = state;
    made.name = name_text(wanted.name);
    made.type = shown_type(wanted);
    made.value = std::move(value);
    made.there = std::move(there);
    made.note = wanted.note;
    return made;
}

void add_note(published_record& to, std::string_view more) {
    if (more.empty()) return;
    to.note += fmt::format("{}{}", to.note.empty() ? "" : "; ", more);
}

template <class T> std::string all_texts(const std::vector<T>& records) {
    std::vector<std::string> texts;
    for (const auto& one : records) texts.push_back(data_text(one));
    return fmt::format("{}", fmt::join(texts, ", "));
}

// Every one as wanted, all in one state.
rows all_in(const wanted_records& wanted, record_state state, std::string_view note) {
    rows made;
    const auto add = [&](std::string value) {
        made.push_back(row_of(wanted, state, std::move(value)));
        add_note(made.back(), note);
    };
    switch (wanted.how) {
    case wanted_records::kind::address: add(""); return made;
    case wanted_records::kind::alias: add(name_text(wanted.target)); return made;
    case wanted_records::kind::records: break;
    }
    for (const auto& one : wanted.records.exchangers) add(data_text(one));
    for (const auto& one : wanted.records.texts) add(data_text(one));
    for (const auto& one : wanted.records.services) add(data_text(one));
    for (const auto& one : wanted.records.tlsa) add(data_text(one));
    return made;
}

void add_extra(rows& to, const wanted_records& wanted, std::string there, std::string_view note) {
    to.push_back(row_of(wanted, record_state::extra, "", std::move(there)));
    to.back().note = note;
}

const protocol::mx_record* find(const std::vector<protocol::mx_record>& among,
                                const protocol::dns_name& exchange) {
    const auto at = std::ranges::find(among, exchange, &protocol::mx_record::exchange);
    return at == among.end() ? nullptr : &*at;
}

// Only the order counts (RFC 5321 §5.1): is it, against all others, the wanted one?
bool is_in_order(const protocol::mx_record& wanted, const protocol::mx_record& there,
                 const std::vector<protocol::mx_record>& all_wanted,
                 const std::vector<protocol::mx_record>& all_there) {
    return std::ranges::all_of(all_wanted, [&](const auto& other) {
        const auto* seen = find(all_there, other.exchange);
        return seen == nullptr ||
               (wanted.preference <=> other.preference) == (there.preference <=> seen->preference);
    });
}

rows compare_exchangers(const wanted_records& wanted, const std::vector<protocol::mx_record>& there) {
    rows made;
    const auto& ours = wanted.records.exchangers;
    for (const auto& one : ours) {
        const auto* seen = find(there, one.exchange);
        if (seen == nullptr) {
            made.push_back(row_of(wanted, record_state::missing, data_text(one)));
        } else if (seen->preference == one.preference) {
            made.push_back(row_of(wanted, record_state::right, data_text(one)));
        } else if (is_in_order(one, *seen, ours, there)) {
            made.push_back(row_of(wanted, record_state::right, data_text(one), data_text(*seen)));
            add_note(made.back(), "the order is the same");
        } else {
            made.push_back(row_of(wanted, record_state::different, data_text(one), data_text(*seen)));
            add_note(made.back(), "the order is another");
        }
    }
    for (const auto& one : there) {
        if (find(ours, one.exchange) != nullptr) continue;
        add_extra(made, wanted, data_text(one),
                  one.exchange.is_root() ? "says that the domain takes no mail"
                                         : "no listener has this name: mail goes elsewhere");
    }
    return made;
}

bool is_policy(std::string_view text) { // RFC 7208 §4.5
    constexpr std::string_view version = "v=spf1";
    return protocol::to_lower(text.substr(0, version.size())) == version &&
           (text.size() == version.size() || text[version.size()] == ' ');
}

std::vector<std::string> terms_of(std::string_view text) {
    std::vector<std::string> terms;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        auto term = protocol::to_lower(text.substr(0, end));
        if (term.starts_with('+')) term.erase(0, 1);
        if (!term.empty()) terms.push_back(std::move(term));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return terms;
}

bool is_all(std::string_view term) { return term == "all" || (term.ends_with("all") && term.size() == 4); }

// Do all mechanisms of `wanted` stand in `there`, where they are reached?
bool has_mechanisms(const std::vector<std::string>& wanted, const std::vector<std::string>& there) {
    const auto end = std::ranges::find_if(there, is_all);
    return std::ranges::all_of(
        wanted, [&](const auto& term) { return is_all(term) || std::find(there.begin(), end, term) != end; });
}

rows compare_policies(const wanted_records& wanted, const std::vector<std::string>& texts) {
    std::vector<std::string> there;
    std::ranges::copy_if(texts, std::back_inserter(there), is_policy);
    if (there.empty()) return all_in(wanted, record_state::missing, "");
    const auto& ours = wanted.records.texts.front();
    auto row = row_of(wanted, record_state::different, data_text(ours), all_texts(there));
    if (there.size() > 1) {
        add_note(row, "more than one policy is none: receivers may refuse the mail");
        return {row};
    }
    const auto terms = terms_of(ours), theirs = terms_of(there.front());
    if (terms == theirs) return {row_of(wanted, record_state::right, data_text(ours))};
    if (!has_mechanisms(terms, theirs)) return {row};
    row.state = record_state::right;
    add_note(row, "has what is needed, and more");
    return {row};
}

bool is_same(const protocol::srv_record& wanted, const protocol::srv_record& there) {
    return wanted.port == there.port && wanted.target == there.target; // of one target nothing else counts
}
bool is_same(const protocol::tlsa_record& wanted, const protocol::tlsa_record& there) {
    return wanted == there;
}

// What isn't ours stands in the place of what is missing; where nothing is, it is too much.
template <class T>
rows compare_each(const wanted_records& wanted, const std::vector<T>& ours, const std::vector<T>& there,
                  std::string_view of_extra) {
    const auto among = [](const std::vector<T>& all, const T& one) {
        return std::ranges::any_of(all, [&](const T& other) { return is_same(one, other); });
    };
    std::vector<T> others;
    std::ranges::copy_if(there, std::back_inserter(others), [&](const T& one) { return !among(ours, one); });
    rows made;
    bool all_there = true;
    for (const auto& one : ours) {
        const bool is_there = among(there, one);
        all_there = all_there && is_there;
        const auto otherwise = others.empty() ? record_state::missing : record_state::different;
        made.push_back(row_of(wanted, is_there ? record_state::right : otherwise, data_text(one),
                              is_there ? std::string() : all_texts(others)));
    }
    if (all_there)
        for (const auto& one : others) add_extra(made, wanted, data_text(one), of_extra);
    return made;
}

rows compare_keys(const wanted_records& wanted, const dns_found& found) {
    auto made = compare_each(wanted, wanted.records.tlsa, found.records.tlsa, "of no certificate in use");
    for (auto& row : made)
        if (row.state == record_state::right && !found.authenticated)
            add_note(row, "not validated by DNSSEC: nobody will go by it");
    return made;
}

// RFC 5321 §5.1, RFC 2782: a host that MX or SRV names has addresses of its own.
rows compare_address(const wanted_records& wanted, const dns_found& found) {
    auto row = row_of(wanted, record_state::right, "", all_texts(found.records.addresses));
    if (found.name != wanted.name) {
        row.state = record_state::different;
        row.there = "CNAME " + name_text(found.name);
        add_note(row, "must have addresses itself, not by an alias");
    }
    return {row};
}

rows compare_alias(const wanted_records& wanted, const dns_found& found,
                   const std::optional<dns_result>& of_target) {
    auto row = row_of(wanted, record_state::right, name_text(wanted.target));
    if (found.name == wanted.target) return {row};
    row.there =
        found.name == wanted.name ? all_texts(found.records.addresses) : "CNAME " + name_text(found.name);
    const auto* target = of_target ? std::get_if<dns_found>(&*of_target) : nullptr;
    const bool same =
        target != nullptr && std::ranges::any_of(found.records.addresses, [&](const auto& one) {
            return std::ranges::find(target->records.addresses, one) != target->records.addresses.end();
        });
    row.state = same ? record_state::right : record_state::different;
    if (same) add_note(row, "the same addresses");
    return {row};
}

rows compare_found(const wanted_records& wanted, const dns_found& found,
                   const std::optional<dns_result>& of_target) {
    if (wanted.how == wanted_records::kind::address) return compare_address(wanted, found);
    if (wanted.how == wanted_records::kind::alias) return compare_alias(wanted, found, of_target);
    if (wanted.type == protocol::dns_type::mx) return compare_exchangers(wanted, found.records.exchangers);
    if (wanted.type == protocol::dns_type::txt) return compare_policies(wanted, found.records.texts);
    if (wanted.type == protocol::dns_type::tlsa) return compare_keys(wanted, found);
    return compare_each(wanted, wanted.records.services, found.records.services, "clients may be sent there");
}

} // namespace

rows compare(const wanted_records& wanted, const dns_result& answer,
             const std::optional<dns_result>& of_target) {
    if (const auto* later = std::get_if<dns_try_later>(&answer))
        return all_in(wanted, record_state::unknown, dns_cause_text(*later));
    if (const auto* found = std::get_if<dns_found>(&answer)) return compare_found(wanted, *found, of_target);
    return all_in(wanted, record_state::missing, "");
}

void judge_by_trial(published_record& spf, const std::vector<protocol::ip_address>& passed,
                    const std::vector<protocol::ip_address>& refused) {
    if (spf.state != record_state::right && spf.state != record_state::different) return;
    if (!refused.empty()) {
        spf.state = record_state::different;
        add_note(spf, fmt::format("does not let {} send", all_texts(refused)));
    } else if (!passed.empty() && spf.state == record_state::different) {
        spf.state = record_state::right;
        add_note(spf, fmt::format("lets {} send", all_texts(passed)));
    }
}

std::string_view name_of(record_purpose what) {
    switch (what) {
    case record_purpose::mx: return "mx";
    case record_purpose::address: return "address";
    case record_purpose::spf: return "spf";
    case record_purpose::mta_sts: return "mta-sts";
    case record_purpose::tlsa: return "tlsa";
    case record_purpose::client: return "client";
    }
    return {};
}

std::string_view name_of(record_state state) {
    switch (state) {
    case record_state::right: return "right";
    case record_state::missing: return "missing";
    case record_state::different: return "different";
    case record_state::extra: return "extra";
    case record_state::unknown: return "unknown";
    case record_state::left_out: return "left out";
    }
    return {};
}

} // namespace postern::policy
