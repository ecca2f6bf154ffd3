// What the tests at RCPT cost when every answer is at hand: an SPF evaluation, a rule among many, a pair
// among many in the greylist; whose address a sender's is, and what an account may still send. lookups
// [--pairs N] [--folder FOLDER]; each line says how many microseconds one took, on this thread. A scan of the
// same rules and std::unordered_map stand beside them.
#include "policy/rules.hpp"
#include "policy/submission/desk.hpp"
#include "policy/submission/ownership.hpp"
#include "protocol/spf/evaluator.hpp"
#include "storage/tables/greylist.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <unordered_map>

using namespace postern;

namespace {

constexpr std::int64_t start = 1'800'000'000; // unix seconds

protocol::ip_address address(std::uint32_t number) {
    return *protocol::ip_address::parse(
        fmt::format("{}.{}.{}.{}", number >> 24 | 1, number >> 16 & 255, number >> 8 & 255, number & 255));
}

template <class Work> void timed(const std::string& what, std::size_t times, Work work) {
    const auto began = std::chrono::steady_clock::now();
    std::size_t good = 0;
    for (std::size_t i = 0; i < times; ++i) good += work(i) ? 1 : 0;
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    fmt::print("{:<66} {:>9.2f} us  ({} times, {} matched)\n", what,
               took.count() / static_cast<double>(times), times, good);
}

// SPF

using spf_answers = std::map<std::pair<std::string, protocol::dns_type>, protocol::spf::looked_up>;

protocol::spf::looked_up& at(spf_answers& all, const char* name, protocol::dns_type type) {
    auto& made = all[{protocol::dns_name::parse(name)->key(), type}];
    made.state = protocol::spf::answer_state::found;
    return made;
}

// As many a company has it: its own MX, a provider's record by include with a second one in it, a network.
spf_answers usual_world() {
    spf_answers all;
    using enum protocol::dns_type;
    at(all, "s.test", txt).records.texts = {"v=spf1 mx ip4:198.51.100.0/24 include:_spf.p.test ~all"};
    at(all, "s.test", mx).records.exchangers = {{10, *protocol::dns_name::parse("mx1.s.test")},
                                                {20, *protocol::dns_name::parse("mx2.s.test")}};
    at(all, "mx1.s.test", a).records.addresses = {address(0xcb007101)};
    at(all, "mx2.s.test", a).records.addresses = {address(0xcb007102)};
    at(all, "_spf.p.test", txt).records.texts = {"v=spf1 include:_nets.p.test ~all"};
    at(all, "_nets.p.test", txt).records.texts = {
        "v=spf1 ip4:203.0.113.64/27 ip4:203.0.113.128/25 ip6:2001:db8:1::/48 ip4:192.0.2.0/24 ~all"};
    return all;
}

protocol::spf::outcome evaluate(const spf_answers& world, const protocol::spf::query& subject) {
    static const protocol::spf::looked_up absent;
    protocol::spf::evaluator evaluator(subject);
    for (;;) {
        const auto step = evaluator.next();
        if (step.done != nullptr) return step.done->result;
        const std::vector<protocol::spf::evaluator::asked> questions(step.questions.begin(),
                                                                     step.questions.end());
        if (questions.empty()) std::abort(); // it waits for an answer that it has
        for (const auto& each : questions) {
            const auto found = world.find({each.what.name.key(), each.what.type});
            evaluator.answer(each.what, found == world.end() ? absent : found->second);
        }
    }
}

void time_spf() {
    const auto world = usual_world();
    const protocol::spf::query passes{*protocol::ip_address::parse("192.0.2.9"), "c.test", "a", "s.test"};
    const protocol::spf::query fails{*protocol::ip_address::parse("233.252.0.9"), "c.test", "a", "s.test"};
    using protocol::spf::outcome;
    timed("SPF, mx, a network and two includes: pass by the last", 200'000,
          [&](std::size_t) { return evaluate(world, passes) == outcome::pass; });
    timed("SPF, the same record: softfail", 200'000,
          [&](std::size_t) { return evaluate(world, fails) == outcome::softfail; });
}

// Rules

std::string rule_text(std::size_t i) {
    switch (i % 5) {
    case 0: return fmt::format("user{}@example{}.test", i, i % 977);
    case 1: return fmt::format("@domain{}.test", i);
    case 2: return fmt::format("@*.below{}.test", i);
    case 3: return fmt::format("host{}.example.test", i);
    default: return fmt::format("{}.{}.{}.0/24", 1 + i % 223, i / 223 % 256, i / 57088 % 256);
    }
}

std::vector<policy::written_rule> rules(std::size_t count) {
    std::vector<policy::written_rule> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back({i % 3 == 0 ? policy::rule_action::allow : policy::rule_action::deny, rule_text(i)});
    return all;
}

void time_rules() {
    const auto written = rules(100'000);
    const policy::rule_set server(written), mailbox(rules(1'000));
    std::vector<std::string> senders;
    for (std::size_t i = 0; i < 1'000; ++i)
        senders.push_back(i % 2 == 0 ? fmt::format("user{}@example{}.test", i * 95, i * 95 % 977)
                                     : fmt::format("a@x.y.nobody{}.test", i));
    const auto asked = [&](std::size_t i) {
        return policy::rule_query{senders[i % senders.size()],
                                  address(static_cast<std::uint32_t>(i * 2654435761U)),
                                  "a.b.client.example.org", policy::host_name_proof::resolves_back};
    };
    timed("a rule among 100,000 of the server and 1,000 of the mailbox", 200'000,
          [&](std::size_t i) { return policy::rule_on(server, mailbox, asked(i)).has_value(); });
    std::vector<policy::rule_set> one_each;
    for (std::size_t i = 0; i < 10'000; ++i) one_each.emplace_back(std::span(&written[i], 1));
    timed("  beside it: 10,000 of them tried one by one", 100, [&](std::size_t i) {
        const auto query = asked(i);
        return std::any_of(one_each.begin(), one_each.end(), [&](const policy::rule_set& one) {
            return one.find(policy::rule_action::deny, query) != nullptr;
        });
    });
}

// Greylist

storage::greylist_key pair_of(std::size_t i) {
    return {fmt::format("sender{}@domain{}.example.test", i, i % 50'021),
            address(static_cast<std::uint32_t>(i * 2654435761U))};
}

void fill(storage::greylist& table, std::size_t pairs) {
    const storage::greylist_terms terms;
    for (std::size_t i = 0; i < pairs; ++i) {
        if (!table.attempt(pair_of(i), start, terms)) throw std::runtime_error("the greylist fails");
        if (i % 50'000 == 49'999 && !table.flush()) throw std::runtime_error("the greylist can't be written");
        if (i % 500'000 == 499'999) fmt::print(stderr, "\r{} of {} pairs ", i + 1, pairs);
    }
    if (!table.flush()) throw std::runtime_error("the greylist can't be written");
    fmt::print(stderr, "\r{:40}\r", "");
}

void time_greylist(const std::string& folder, std::size_t pairs) {
    const auto table = storage::open_lmdb_greylist(folder).value();
    const auto began = std::chrono::steady_clock::now();
    fill(*table, pairs);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto octets = std::filesystem::file_size(folder + "/greylist/data.mdb");
    fmt::print("{} pairs written in {:.0f} s; the file has {} MiB\n", pairs, took.count(), octets >> 20);
    const storage::greylist_terms terms;
    std::mt19937_64 random(1);
    std::vector<storage::greylist_key> known, strange;
    for (std::size_t i = 0; i < 200'000; ++i) {
        known.push_back(pair_of(random() % pairs));
        strange.push_back(pair_of(pairs + i));
    }
    timed(fmt::format("a pair among {} in the greylist: known, looked up", pairs), known.size(),
          [&](std::size_t i) {
              return table->look(known[i], start + 1, terms).value() == storage::greylist_answer::early;
          });
    timed("  not known, looked up", strange.size(), [&](std::size_t i) {
        return table->look(strange[i], start + 1, terms).value() == storage::greylist_answer::first;
    });
    timed("  known, an attempt that passes and is noted", 50'000, [&](std::size_t i) {
        return table->attempt(known[i], start + terms.delay, terms).value() == storage::greylist_answer::pass;
    });
    std::unordered_map<std::string, std::int64_t> beside;
    for (std::size_t i = 0; i < 1'000'000; ++i) beside.emplace(pair_of(i).sender, start);
    timed("  beside it: a std::unordered_map of 1,000,000", known.size(),
          [&](std::size_t i) { return beside.contains(known[i].sender); });
}

// Ownership

constexpr std::size_t accounts_made = 100'000, aliases_made = 1'000'000, domains_made = 1'000;

std::string domain_name(std::size_t i) { return fmt::format("firma{}.test", i % domains_made); }
std::string mailbox_name(std::size_t i) { return fmt::format("jan.novak{}@{}", i, domain_name(i)); }

void fill(storage::directory& accounts, storage::identities& identities) {
    std::vector<storage::alias_record> aliases;
    for (std::size_t i = 0; i < domains_made; ++i) // each a flush: there are fewer of them
        if (!accounts.put_domain({domain_name(i), "", ""}) ||
            (i % 10 == 0 && !accounts.put_domain({"www." + domain_name(i), "", domain_name(i)})))
            throw std::runtime_error("the domains can't be written");
    for (std::size_t i = 0; i < aliases_made; ++i) {
        aliases.push_back({fmt::format("alias{}@{}", i, domain_name(i)), mailbox_name(i % accounts_made)});
        if (aliases.size() < 100'000) continue;
        if (!accounts.add_aliases(aliases)) throw std::runtime_error("the aliases can't be written");
        aliases.clear();
    }
    std::vector<storage::foreign_use> learned;
    for (std::size_t i = 0; i < accounts_made; ++i)
        learned.push_back({mailbox_name(i), fmt::format("jan{}@post.test", i), true, 1, start});
    if (!identities.note_foreign(learned)) throw std::runtime_error("the identities can't be written");
}

void time_ownership(const std::string& folder) {
    const auto environment = storage::open_accounts(folder).value();
    const auto accounts = storage::open_lmdb_directory(environment).value();
    const auto identities = storage::open_lmdb_identities(environment).value();
    fill(*accounts, *identities);
    const policy::ownership owned(*accounts, identities.get());
    std::mt19937_64 random(1);
    std::vector<std::pair<std::string, std::array<protocol::address, 4>>> asked;
    const auto parsed = [](const std::string& text) { return protocol::parse_address(text).value(); };
    for (std::size_t n = 0; n < 20'000; ++n) {
        const auto i = random() % accounts_made, alias = i + accounts_made * (random() % 10);
        const auto alias_text = fmt::format("alias{}@{}", alias, domain_name(alias));
        asked.push_back(
            {mailbox_name(i),
             {parsed(mailbox_name(i)), parsed(alias_text), parsed(fmt::format("jan{}@post.test", i)),
              parsed(fmt::format("v{}@bank.test", i))}});
    }
    const std::string_view what[] = {"an account's own address, as sender", "  one of a million aliases",
                                     "  one of 100,000 identities", "  a stranger's"};
    for (std::size_t kind = 0; kind < 4; ++kind)
        timed(std::string(what[kind]), 200'000, [&](std::size_t i) {
            const auto& [account, senders] = asked[i % asked.size()];
            return owned.may_use(account, senders[kind]).value() == (kind != 3);
        });
    timed("  the addresses for the text of a refusal", 20'000, [&](std::size_t i) {
        return owned.addresses_of(asked[i % asked.size()].first, 20).value().size() > 10;
    });
}

struct still_clock final : policy::rate_clock {
    policy::rate_seconds now() const override { return start; }
};
struct deaf final : policy::sending_news {
    void limit_reached(std::string_view, const policy::over_limit&) override {}
    void suspicious(std::string_view, std::string_view, done) override {}
};

// All that is counted for a message, with 100,000 accounts that send. A flush each 50,000, as a busy second
// has it.
void time_limits(const std::string& folder) {
    const auto rows = storage::open_lmdb_rates(folder).value();
    const auto accounts = storage::open_lmdb_directory(folder).value(); // of time_ownership()
    still_clock clock;
    deaf nobody;
    policy::sending_desk desk(*rows, clock, nobody);
    conf::submission_settings limits;
    limits.hourly_limit = 1'000'000;
    limits.window = limits.remember_recipients = std::chrono::hours(24);
    const policy::suspension_terms signs;
    const std::vector<std::string> to{"v@elsewhere.test"};
    const auto send = [&](std::size_t i) {
        const auto account = mailbox_name(i % accounts_made);
        const auto is_held = desk.suspended.find(account).value().has_value();
        const auto terms = policy::sending_terms_for(account, *accounts, limits).value();
        const auto over = desk.limits.look(account, terms, start).value().has_value();
        auto room = desk.limits.reserve(account, address(42), to, terms, start).value();
        if (auto* reserved = std::get_if<policy::reservation>(&room)) reserved->kept();
        using use = policy::suspensions::use;
        return !is_held && !over && !desk.suspended.examine(account, signs, use::suspend, start).value();
    };
    for (std::size_t i = 0; i < accounts_made; ++i) {
        send(i);
        if (i % 10'000 == 0) rows->flush().value();
    }
    rows->flush().value();
    std::mt19937_64 random(2);
    timed("an account's suspension, limits and signs, for a message", 50'000,
          [&](std::size_t) { return send(random()); });
}

} // namespace

int main(int count, char** words) {
    std::size_t pairs = 10'000'000;
    std::string folder = "build";
    CLI::App app("what the tests at RCPT cost when every answer is at hand");
    app.add_option("--pairs", pairs, "in the greylist");
    app.add_option("--folder", folder, "where the greylist is made; it needs 4 GiB for ten million pairs");
    CLI11_PARSE(app, count, words);
    std::string made = folder + "/lookups-XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) {
        fmt::print(stderr, "{}: no folder can be made there\n", folder);
        return 1;
    }
    int code = 0;
    try {
        time_spf();
        time_rules();
        time_ownership(made);
        time_limits(made);
        time_greylist(made, pairs);
    } catch (const std::exception& trouble) {
        fmt::print(stderr, "{}\n", trouble.what());
        code = 1;
    }
    std::filesystem::remove_all(made);
    return code;
}
