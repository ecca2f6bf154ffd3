#include "policy/submission/guessing.hpp"

#include "policy/submission/account_book.hpp"
#include "policy/submission/guess_record.hpp"
#include "storage/big_endian.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace postern::policy {
namespace {

using boost::system::in_place_error;
using std::chrono::milliseconds;

constexpr char network_sort = 'n', user_sort = 'u', pair_sort = 'p', blocked_sort = 'b';
constexpr std::uint32_t patience_of_trusted = 10, patience_of_wide = 5; // times `failures`
constexpr std::uint32_t free_failures = 3;                              // that slow nothing
constexpr milliseconds first_delay{1000}, longest_delay{8000};
constexpr unsigned doublings_max = 4;       // of a block
constexpr rate_seconds refresh = rate_hour; // a good login is written down again after so long
constexpr std::uint32_t steps_first = 3;    // so many failures of unknown password are two guesses

milliseconds delay_after(std::uint32_t different) {
    if (different < free_failures) return milliseconds(0);
    const auto doublings = std::min(different - free_failures, 3U);
    return std::min(longest_delay, first_delay * (1 << doublings));
}

// As addresses are compared; long ones by their beginning, or they would be no keys.
std::string one_spelling(std::string_view login) {
    constexpr std::size_t compared = 256;
    std::string made(login.substr(0, compared));
    for (char& c : made)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return made;
}

struct kept_guesses {
    std::string key;
    guess_record record;
};

result<kept_guesses> load(const storage::rates& rows, std::string key) {
    const auto row = rows.get(key);
    if (!row) return {in_place_error, row.error()};
    return kept_guesses{std::move(key), *row ? decode_guesses(**row) : guess_record()};
}

result<void> store(storage::rates& rows, const kept_guesses& what, const guess_terms& terms,
                   rate_seconds now) {
    return rows.put(what.key, encode_guesses(what.record),
                    what.record.expires(now, terms.window, terms.trusted));
}

// They are forgotten with their window, good logins or not.
result<void> store_unknown(storage::rates& rows, const kept_guesses& what, const guess_terms& terms,
                           rate_seconds now) {
    return rows.put(what.key, encode_guesses(what.record), what.record.expires(now, terms.window, 0));
}

std::string pair_key(std::uint64_t digest) {
    return std::string(1, pair_sort) + storage::big_endian_octets(digest);
}

// Failures of unknown password that a login has from its network. They may all be of one old password, or
// each of another: so they slow that login at once, and count as few guesses of the network, ever rarer.
struct failures {
    std::uint32_t since_good, all; // within the window

    failures(const guess_record& record, const guess_terms& terms, rate_seconds now)
        : since_good(0), all(record.different(now, terms.window)) {
        for (const auto& one : record.wrong)
            if (one.last > record.last_good && one.last + terms.window > now) ++since_good;
    }
    bool is_over(const guess_terms& terms) const {
        const auto with_good =
            std::min<std::uint64_t>(std::uint64_t{terms.failures} * patience_of_trusted, guesses_max);
        return since_good >= terms.failures || all >= with_good;
    }
    // How many guesses they are taken for: 1, from the third on 2, then one more with each doubling.
    std::uint32_t step(const guess_terms& terms) const {
        std::uint32_t made = 1;
        for (auto next = steps_first; next <= all; next *= 2) ++made;
        return std::min(made, std::max(terms.failures / 2, 1U));
    }
};

void add_unknown(guess_record& record, const guess_terms& terms, rate_seconds now) {
    record.add(record.wrong.empty() ? 1 : record.wrong.back().digest + 1, now, terms.window);
}

} // namespace

// A network around the client, with what it is allowed.
struct guess_brake::place {
    std::string network; // "192.0.2.0/24"
    std::uint32_t patience = 1;

    std::uint32_t allows(const guess_record& record, const guess_terms& terms, rate_seconds now) const {
        const auto trusted = record.is_trusted(now, terms.trusted) ? patience_of_trusted : 1U;
        const auto allowed = std::uint64_t{terms.failures} * patience * trusted;
        return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(allowed, 1, guesses_max));
    }
};

guess_attempt::guess_attempt(guess_attempt&& other) noexcept
    : from_(std::exchange(other.from_, nullptr)), names_(std::move(other.names_)) {}

guess_attempt& guess_attempt::operator=(guess_attempt&& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(names_, other.names_);
    return *this;
}

guess_attempt::~guess_attempt() {
    if (from_ != nullptr) from_->end(names_);
}

std::array<guess_brake::place, 2> guess_brake::places_of(const protocol::ip_address& client) {
    const auto named = [&](unsigned v4_bits, unsigned v6_bits) {
        return fmt::format("{}/{}", network_of(client, v4_bits, v6_bits).to_string(),
                           client.is_v4() ? v4_bits : v6_bits);
    };
    return {place{named(32, 64), 1}, place{named(24, 48), patience_of_wide}};
}

std::uint64_t guess_brake::pair_digest(const place& from, std::string_view login) const {
    auto both = from.network + '\0';
    return storage::sip_hash(rows_.secret(), both.append(login));
}

std::string guess_brake::proofs_key(const place& from, std::string_view login) const {
    return proofs_of(from.network) + storage::big_endian_octets(pair_digest(from, login));
}

std::string guess_brake::proofs_of(std::string_view network) const {
    return pair_key(storage::sip_hash(rows_.secret(), network));
}

std::optional<guess_attempt> guess_brake::begin(const std::vector<share>& shares) {
    const std::lock_guard hold(attempts_lock_);
    for (const auto& one : shares) {
        const auto found = attempts_.find(one.name);
        if (found != attempts_.end() && found->second >= one.at_most) return std::nullopt;
    }
    std::vector<std::string> names;
    for (const auto& one : shares) {
        ++attempts_[one.name];
        names.push_back(one.name);
    }
    return guess_attempt(*this, std::move(names));
}

void guess_brake::end(const std::vector<std::string>& names) {
    const std::lock_guard hold(attempts_lock_);
    for (const auto& name : names) {
        const auto found = attempts_.find(name);
        if (found != attempts_.end() && --found->second == 0) attempts_.erase(found);
    }
}

result<std::optional<rate_seconds>> guess_brake::blocked_until(const place& where, rate_seconds now) const {
    const auto row = rows_.get(row_key(rows_, blocked_sort, where.network));
    if (!row) return {in_place_error, row.error()};
    const auto until = *row ? static_cast<rate_seconds>(storage::big_endian(**row)) : 0;
    return until > now ? std::optional(until) : std::nullopt;
}

// Of a login that nobody vouches for: what its networks and its user say.
result<void> guess_brake::judge(const std::array<place, 2>& places, std::string_view login,
                                const guess_terms& terms, rate_seconds now, admission& answer,
                                std::vector<share>& shares) const {
    for (const auto& where : places) {
        const auto until = blocked_until(where, now);
        if (!until) return until.error();
        answer.until = std::max(answer.until, until->value_or(0));
    }
    if (answer.until != 0) return {};
    for (const auto& where : places) {
        const auto there = load(rows_, row_key(rows_, network_sort, where.network));
        if (!there) return there.error();
        const auto different = there->record.different(now, terms.window);
        const auto allowed = where.allows(there->record, terms, now);
        shares.push_back({where.network, allowed > different ? allowed - different : 1});
        if (&where == &places.front()) answer.wait = std::max(answer.wait, delay_after(different));
    }
    const auto user = load(rows_, row_key(rows_, user_sort, login));
    if (!user) return user.error();
    answer.wait = std::max(answer.wait, delay_after(user->record.different(now, terms.window)));
    return {};
}

result<admission> guess_brake::before(const protocol::ip_address& client, std::string_view as_written,
                                      const guess_terms& terms, rate_seconds now) {
    const auto login = one_spelling(as_written);
    const auto places = places_of(client);
    const auto& narrow = places.front();
    const auto pair = load(rows_, pair_key(pair_digest(narrow, login)));
    if (!pair) return {in_place_error, pair.error()};
    const auto proofs = load(rows_, proofs_key(narrow, login));
    if (!proofs) return {in_place_error, proofs.error()};
    const failures unknown(proofs->record, terms, now);
    admission answer;
    answer.wait = delay_after(unknown.since_good);
    std::vector<share> shares;
    if (unknown.since_good > 0)
        shares.push_back({proofs->key, std::max(free_failures, unknown.since_good + 1) - unknown.since_good});
    if (unknown.is_over(terms)) {
        const auto until = std::min(proofs->record.wrong.back().last, now) + terms.block;
        if (until > now) answer.until = until;
    }
    const auto pair_wrong = pair->record.different(now, terms.window);
    const bool is_at_home = pair->record.is_trusted(now, terms.trusted) && pair_wrong < terms.failures &&
                            unknown.since_good < terms.failures;
    if (is_at_home) {
        answer.wait = std::max(answer.wait, delay_after(pair_wrong));
        shares.push_back({narrow.network, static_cast<std::uint32_t>(guesses_max)});
    } else if (const auto judged = judge(places, login, terms, now, answer, shares); !judged) {
        return {in_place_error, judged.error()};
    }
    if (answer.until != 0) {
        answer.what = admission::kind::blocked;
    } else if (auto begun = begin(shares)) {
        answer.attempt = std::move(*begun);
    } else {
        answer.what = admission::kind::later;
        answer.wait = first_delay;
    }
    return answer;
}

result<void> guess_brake::after(const protocol::ip_address& client, std::string_view as_written,
                                std::string_view password, outcome what, const guess_terms& terms,
                                rate_seconds now) {
    const auto login = one_spelling(as_written);
    const std::lock_guard alone(counting_);
    if (what == outcome::good) return note_good(client, login, terms, now);
    if (password.empty()) return note_unknown(client, login, terms, now);
    auto octets = login + '\0';
    return note_wrong(client, login, storage::sip_hash(rows_.secret(), octets.append(password)), terms, now);
}

// The network's wrong ones stay: somebody with one account of his own could wash them off otherwise.
result<void> guess_brake::note_good(const protocol::ip_address& client, std::string_view login,
                                    const guess_terms& terms, rate_seconds now) {
    const auto places = places_of(client);
    auto proofs = load(rows_, proofs_key(places.front(), login));
    if (!proofs) return proofs.error();
    if (failures(proofs->record, terms, now).since_good > 0) {
        proofs->record.last_good = now;
        if (auto kept = store_unknown(rows_, *proofs, terms, now); !kept) return kept;
    }
    auto pair = load(rows_, pair_key(pair_digest(places.front(), login)));
    if (!pair) return pair.error();
    if (pair->record.last_good != 0 && now - pair->record.last_good < refresh && pair->record.wrong.empty())
        return {};
    pair->record = {now, 0, {}};
    if (auto kept = store(rows_, *pair, terms, now); !kept) return kept;
    for (const auto& where : places) {
        auto there = load(rows_, row_key(rows_, network_sort, where.network));
        if (!there) return there.error();
        there->record.last_good = now;
        if (auto kept = store(rows_, *there, terms, now); !kept) return kept;
    }
    return {};
}

// The networks come first: what can't be written of a login must not make guessing elsewhere free.
result<void> guess_brake::note_wrong(const protocol::ip_address& client, std::string_view login,
                                     std::uint64_t digest, const guess_terms& terms, rate_seconds now) {
    const auto places = places_of(client);
    if (auto noted = note_networks(places, digest, terms, now); !noted) return noted;
    if (auto noted = note_user(login, digest, terms, now); !noted) return noted;
    auto pair = load(rows_, pair_key(pair_digest(places.front(), login)));
    if (!pair) return pair.error();
    if (pair->record.last_good == 0) return {};
    pair->record.add(digest, now, terms.window);
    return store(rows_, *pair, terms, now);
}

// For the user all failures from one network are one guess: one old phone doesn't slow him elsewhere.
result<void> guess_brake::note_unknown(const protocol::ip_address& client, std::string_view login,
                                       const guess_terms& terms, rate_seconds now) {
    const auto places = places_of(client);
    auto proofs = load(rows_, proofs_key(places.front(), login));
    if (!proofs) return proofs.error();
    add_unknown(proofs->record, terms, now);
    const auto digest = pair_digest(places.front(), login);
    const auto step = failures(proofs->record, terms, now).step(terms);
    if (auto noted = note_networks(places, digest + step, terms, now); !noted) return noted;
    if (auto kept = store_unknown(rows_, *proofs, terms, now); !kept) return kept;
    return note_user(login, digest, terms, now);
}

result<void> guess_brake::note_user(std::string_view login, std::uint64_t digest, const guess_terms& terms,
                                    rate_seconds now) {
    auto user = load(rows_, row_key(rows_, user_sort, login));
    if (!user) return user.error();
    user->record.add(digest, now, terms.window);
    return store(rows_, *user, terms, now);
}

result<void> guess_brake::note_networks(const std::array<place, 2>& places, std::uint64_t digest,
                                        const guess_terms& terms, rate_seconds now) {
    for (const auto& where : places) {
        auto there = load(rows_, row_key(rows_, network_sort, where.network));
        if (!there) return there.error();
        auto& record = there->record;
        record.add(digest, now, terms.window);
        const bool is_over = record.different(now, terms.window) >= where.allows(record, terms, now);
        const auto until = now + (terms.block << std::min<unsigned>(record.blocks, doublings_max));
        if (is_over && record.blocks < doublings_max) ++record.blocks;
        if (auto kept = store(rows_, *there, terms, now); !kept) return kept;
        if (!is_over) continue;
        const auto put = rows_.put(row_key(rows_, blocked_sort, where.network),
                                   storage::big_endian_octets(static_cast<std::uint64_t>(until)), until);
        if (!put) return put;
    }
    return {};
}

result<std::vector<blocked_network>> guess_brake::blocked(rate_seconds now, std::string_view position,
                                                          std::size_t limit) const {
    std::vector<blocked_network> found;
    for (std::string from(position); found.empty();) { // a page may have none that still is
        const auto rows = rows_.list(std::string_view(&blocked_sort, 1), from, limit);
        if (!rows) return {in_place_error, rows.error()};
        if (rows->empty()) break;
        from = rows->back().key;
        for (const auto& row : *rows) {
            const auto until = static_cast<rate_seconds>(storage::big_endian(row.value));
            if (until > now) found.push_back({std::string(name_in(row.key)), until, row.key});
        }
    }
    return found;
}

// Of all logins from there, but for those of the last second.
result<void> guess_brake::forget_proofs(std::string_view network) {
    constexpr std::size_t page_max = 1000;
    const auto prefix = proofs_of(network);
    for (auto position = prefix;;) {
        const auto page = rows_.list(prefix, position, page_max);
        if (!page) return page.error();
        if (page->empty()) return {};
        position = page->back().key;
        for (const auto& row : *page)
            if (auto removed = rows_.remove(row.key); !removed) return removed;
    }
}

result<bool> guess_brake::unblock(const protocol::cidr& network, const guess_terms& terms, rate_seconds now) {
    const auto name = fmt::format("{}/{}", network.address().to_string(), network.prefix());
    const auto key = row_key(rows_, blocked_sort, name);
    const std::lock_guard alone(counting_);
    const auto row = rows_.get(key);
    if (!row) return {in_place_error, row.error()};
    auto there = load(rows_, row_key(rows_, network_sort, name));
    if (!there) return {in_place_error, there.error()};
    there->record.wrong.clear();
    there->record.blocks = 0;
    if (auto kept = store(rows_, *there, terms, now); !kept) return {in_place_error, kept.error()};
    if (auto removed = rows_.remove(key); !removed) return {in_place_error, removed.error()};
    if (auto forgot = forget_proofs(name); !forgot) return {in_place_error, forgot.error()};
    return row->has_value();
}

result<std::size_t> guess_brake::unblock_some(const std::optional<protocol::cidr>& network,
                                              const guess_terms& terms, rate_seconds now) {
    constexpr std::size_t page_max = 1000;
    std::size_t lifted = 0;
    if (network) {
        const auto was_blocked = unblock(*network, terms, now);
        if (!was_blocked) return {in_place_error, was_blocked.error()};
        return std::size_t{*was_blocked ? 1U : 0U};
    }
    for (std::string position;;) {
        const auto page = blocked(now, position, page_max);
        if (!page) return {in_place_error, page.error()};
        if (page->empty()) return lifted;
        position = page->back().position;
        for (const auto& one : *page) {
            const auto named = protocol::cidr::parse(one.network);
            const auto was_blocked = named ? unblock(*named, terms, now) : result<bool>(false);
            if (!was_blocked) return {in_place_error, was_blocked.error()};
            if (*was_blocked) ++lifted;
        }
    }
}

} // namespace postern::policy
