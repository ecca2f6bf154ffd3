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
constexpr rate_seconds unknown_counts_each = 60;

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

std::string pair_key(std::uint64_t digest) {
    return std::string(1, pair_sort) + storage::big_endian_octets(digest);
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
    : from_(std::exchange(other.from_, nullptr)), network_(std::move(other.network_)) {}

guess_attempt& guess_attempt::operator=(guess_attempt&& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(network_, other.network_);
    return *this;
}

guess_attempt::~guess_attempt() {
    if (from_ != nullptr) from_->end(network_);
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

bool guess_brake::begin(const std::string& network, std::uint32_t at_most) {
    const std::lock_guard hold(attempts_lock_);
    auto& count = attempts_[network];
    if (count >= at_most) return false; // which is above zero
    ++count;
    return true;
}

void guess_brake::end(const std::string& network) {
    const std::lock_guard hold(attempts_lock_);
    const auto found = attempts_.find(network);
    if (found != attempts_.end() && --found->second == 0) attempts_.erase(found);
}

result<std::optional<rate_seconds>> guess_brake::blocked_until(const place& where, rate_seconds now) const {
    const auto row = rows_.get(row_key(rows_, blocked_sort, where.network));
    if (!row) return {in_place_error, row.error()};
    const auto until = *row ? static_cast<rate_seconds>(storage::big_endian(**row)) : 0;
    return until > now ? std::optional(until) : std::nullopt;
}

result<admission> guess_brake::before(const protocol::ip_address& client, std::string_view as_written,
                                      const guess_terms& terms, rate_seconds now) {
    const auto login = one_spelling(as_written);
    const auto places = places_of(client);
    const auto& narrow = places.front();
    const auto pair = load(rows_, pair_key(pair_digest(narrow, login)));
    if (!pair) return {in_place_error, pair.error()};
    const auto pair_wrong = pair->record.different(now, terms.window);
    const bool is_at_home = pair->record.is_trusted(now, terms.trusted) && pair_wrong < terms.failures;
    admission answer;
    auto at_once = guesses_max;
    if (is_at_home) {
        answer.wait = delay_after(pair_wrong);
    } else {
        for (const auto& where : places) {
            const auto until = blocked_until(where, now);
            if (!until) return {in_place_error, until.error()};
            answer.until = std::max(answer.until, until->value_or(0));
        }
        if (answer.until != 0) {
            answer.what = admission::kind::blocked;
            return answer;
        }
        const auto there = load(rows_, row_key(rows_, network_sort, narrow.network));
        if (!there) return {in_place_error, there.error()};
        const auto user = load(rows_, row_key(rows_, user_sort, login));
        if (!user) return {in_place_error, user.error()};
        const auto different = there->record.different(now, terms.window);
        const auto allowed = narrow.allows(there->record, terms, now);
        at_once = allowed > different ? allowed - different : 1;
        answer.wait =
            std::max(delay_after(different), delay_after(user->record.different(now, terms.window)));
    }
    if (begin(narrow.network, static_cast<std::uint32_t>(at_once))) {
        answer.attempt = guess_attempt(*this, narrow.network);
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
    auto octets = login + '\0';
    if (password.empty())
        octets += fmt::format("minute {}", now / unknown_counts_each);
    else
        octets += password;
    return note_wrong(client, login, storage::sip_hash(rows_.secret(), octets), terms, now);
}

// The network's wrong ones stay: somebody with one account of his own could wash them off otherwise.
result<void> guess_brake::note_good(const protocol::ip_address& client, std::string_view login,
                                    const guess_terms& terms, rate_seconds now) {
    const auto places = places_of(client);
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

result<void> guess_brake::note_wrong(const protocol::ip_address& client, std::string_view login,
                                     std::uint64_t digest, const guess_terms& terms, rate_seconds now) {
    const auto places = places_of(client);
    auto pair = load(rows_, pair_key(pair_digest(places.front(), login)));
    if (!pair) return pair.error();
    auto user = load(rows_, row_key(rows_, user_sort, login));
    if (!user) return user.error();
    user->record.add(digest, now, terms.window);
    if (auto kept = store(rows_, *user, terms, now); !kept) return kept;
    if (pair->record.last_good != 0) {
        pair->record.add(digest, now, terms.window);
        if (auto kept = store(rows_, *pair, terms, now); !kept) return kept;
    }
    for (const auto& where : places) {
        auto there = load(rows_, row_key(rows_, network_sort, where.network));
        if (!there) return there.error();
        auto& record = there->record;
        record.add(digest, now, terms.window);
        if (record.different(now, terms.window) >= where.allows(record, terms, now)) {
            const auto doublings = std::min<unsigned>(record.blocks, doublings_max);
            const auto until = now + (terms.block << doublings);
            if (record.blocks < doublings_max) ++record.blocks;
            const auto put = rows_.put(row_key(rows_, blocked_sort, where.network),
                                       storage::big_endian_octets(static_cast<std::uint64_t>(until)), until);
            if (!put) return put;
        }
        if (auto kept = store(rows_, *there, terms, now); !kept) return kept;
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
