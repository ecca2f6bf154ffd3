#include "storage/tables/identity_change.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>
#include <tuple>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::int64_t hour = 3600, day = 24 * hour;
constexpr auto replace = lmdb::put_mode::replace;

constexpr char to_sort = 'a', by_sort = 'u';

std::string_view octets_of(const token_digest& digest) { return {digest.data(), digest.size()}; }

// Each purpose counts for itself: what anybody may ask for on the page takes nothing from the rest.
std::string mails_key(char sort, token_purpose purpose, std::string_view name) {
    return (std::string{sort, static_cast<char>('0' + static_cast<int>(purpose))}).append(name);
}

} // namespace

result<std::optional<kept_identity>> identity_change::find(std::string_view account,
                                                           std::string_view address) const {
    const auto key = pair_key(account, address);
    const auto value = within_.get(tables_.identities, key);
    if (!value) return value.error();
    if (!*value) return std::optional<kept_identity>();
    auto kept = decode_identity(key, **value);
    if (!kept) return kept.error();
    return std::optional(std::move(*kept));
}

result<void> identity_change::put(const kept_identity& kept) {
    const auto& [account, address] = std::tie(kept.record.account, kept.record.address);
    const auto before = within_.get(tables_.identities, pair_key(account, address));
    if (!before) return before.error();
    if (!*before) {
        const auto room = has_room(tables_.identities, account);
        if (!room) return room.error();
        if (!*room) return storage_errc::too_large;
    }
    if (auto done =
            within_.put(tables_.identities, pair_key(account, address), encode_identity(kept), replace);
        !done)
        return done;
    return within_.put(tables_.owners, pair_key(address, account), {}, replace);
}

result<void> identity_change::remove(const kept_identity& kept) {
    const auto& [account, address] = std::tie(kept.record.account, kept.record.address);
    if (auto done = forget_question(kept); !done) return done;
    if (auto done = within_.remove(tables_.identities, pair_key(account, address)); !done)
        return done.error();
    if (auto done = within_.remove(tables_.owners, pair_key(address, account)); !done) return done.error();
    return {};
}

result<void> identity_change::decline(const kept_identity& kept, std::int64_t now) {
    if (auto done = forget_question(kept); !done) return done;
    return put({{kept.record.account, kept.record.address, identity_state::declined, now, 0}, {}});
}

result<void> identity_change::forget(std::string_view account) {
    const auto prefix = pair_key(account, {});
    const is_stale of_account = [&](const auto& entry) -> result<bool> {
        return entry.key.starts_with(prefix);
    };
    const is_stale token = [&](const auto& entry) -> result<bool> {
        const auto read = decode_token(entry.value);
        if (!read) return {in_place_error, read.error()};
        return read->account == account || read->address == account;
    };
    const is_stale mails = [&](const auto& entry) -> result<bool> {
        return entry.key == told_key(account) ||
               (!entry.key.empty() && entry.key.front() == by_sort &&
                entry.key.substr(std::min<std::size_t>(2, entry.key.size())) == account);
    };
    const auto keys = stale(tables_.identities, of_account);
    if (!keys) return keys.error();
    for (const auto& key : *keys) {
        const auto names = split_pair(key);
        if (!names) return names.error();
        if (auto done = within_.remove(tables_.owners, pair_key(names->second, names->first)); !done)
            return done.error();
    }
    for (const auto& [in, is] : {std::pair(tables_.identities, &of_account),
                                 {tables_.foreign, &of_account},
                                 {tables_.tokens, &token},
                                 {tables_.mails, &mails}})
        if (auto done = sweep_rows(in, *is); !done) return done.error();
    return {};
}

result<void> identity_change::forget_question(const kept_identity& kept) {
    if (same_digest(kept.digest, token_digest{})) return {};
    if (auto done = within_.remove(tables_.tokens, octets_of(kept.digest)); !done) return done.error();
    return {};
}

result<bool> identity_change::has_room(lmdb::table in, std::string_view account) const {
    auto at = lmdb::cursor::open(within_, in);
    if (!at) return {in_place_error, at.error()};
    const auto prefix = pair_key(account, {});
    std::size_t count = 0;
    auto entry = at->seek(prefix);
    for (; entry && *entry && (*entry)->key.starts_with(prefix); entry = at->next())
        if (++count >= identities_max) return false;
    if (!entry) return {in_place_error, entry.error()};
    return true;
}

// Of the last 24 hours. One from the future, which a clock that was set back leaves, is of now.
result<std::vector<std::int64_t>> identity_change::mails_of(const std::string& key, std::int64_t now) const {
    const auto value = within_.get(tables_.mails, key);
    if (!value) return value.error();
    if (!*value) return std::vector<std::int64_t>();
    auto times = decode_times(**value);
    if (!times) return times;
    for (auto& time : *times) time = std::min(time, now);
    std::erase_if(*times, [now](std::int64_t time) { return time <= now - day; });
    return times;
}

result<asking> identity_change::count_mail(const token_record& what, std::int64_t now,
                                           const identity_mail_limits& limits) {
    const bool to_account = what.purpose == token_purpose::ask;
    const auto to = mails_key(to_sort, what.purpose, to_account ? what.account : what.address);
    const auto by = mails_key(by_sort, what.purpose, what.account.empty() ? what.address : what.account);
    auto to_times = mails_of(to, now);
    if (!to_times) return to_times.error();
    auto by_times = mails_of(by, now);
    if (!by_times) return by_times.error();
    const bool too_soon = !to_times->empty() && to_times->back() > now - hour;
    if (too_soon || to_times->size() >= std::min<std::size_t>(limits.to_address, mail_times_max))
        return asking::address_limited;
    if (by_times->size() >= std::min<std::size_t>(limits.for_account, mail_times_max))
        return asking::account_limited;
    to_times->push_back(now);
    by_times->push_back(now);
    if (auto done = within_.put(tables_.mails, to, encode_times(*to_times), replace); !done)
        return done.error();
    if (auto done = within_.put(tables_.mails, by, encode_times(*by_times), replace); !done)
        return done.error();
    return asking::granted;
}

// True when the account has learned something and was never told.
result<bool> identity_change::note(const foreign_use& use) {
    const auto key = pair_key(use.account, use.address);
    const auto value = within_.get(tables_.foreign, key);
    if (!value) return {in_place_error, value.error()};
    foreign_use sum = use;
    bool counts = value->has_value();
    if (counts) {
        const auto before = decode_use(key, **value);
        if (!before) return {in_place_error, before.error()};
        sum.times += before->times;
        sum.last = std::max(sum.last, before->last);
    } else {
        const auto room = has_room(tables_.foreign, use.account);
        if (!room) return room;
        counts = *room;
    }
    if (counts)
        if (auto done = within_.put(tables_.foreign, key, encode_use(sum), replace); !done)
            return {in_place_error, done.error()};
    if (!use.learn) return false;
    const auto kept = find(use.account, use.address);
    if (!kept) return {in_place_error, kept.error()};
    if (*kept && (*kept)->record.state == identity_state::declined) return false;
    if (!*kept || (*kept)->record.state == identity_state::pending) {
        // A question that waits may still be answered; no ends what was learned, too.
        kept_identity learned = *kept ? **kept : kept_identity{};
        learned.record = {use.account, use.address, identity_state::learned, use.last, 0};
        const auto done = put(learned);
        if (!done && done.error() == storage_errc::too_large) return false;
        if (!done) return {in_place_error, done.error()};
    }
    const auto told = within_.get(tables_.mails, told_key(use.account));
    if (!told) return {in_place_error, told.error()};
    return !told->has_value();
}

result<std::vector<std::string>> identity_change::stale(lmdb::table in, const is_stale& is) const {
    std::vector<std::string> keys;
    auto at = lmdb::cursor::open(within_, in);
    if (!at) return at.error();
    auto entry = at->first();
    for (; entry && *entry; entry = at->next()) {
        const auto old = is(**entry);
        if (!old) return old.error();
        if (*old) keys.emplace_back((*entry)->key);
    }
    if (!entry) return entry.error();
    return keys;
}

result<std::size_t> identity_change::sweep_rows(lmdb::table in, const is_stale& is) {
    const auto keys = stale(in, is);
    if (!keys) return keys.error();
    for (const auto& key : *keys)
        if (auto done = within_.remove(in, key); !done) return done.error();
    return keys->size();
}

result<std::size_t> identity_change::sweep_questions(std::int64_t now) {
    const auto keys = stale(tables_.identities, [now](const auto& entry) -> result<bool> {
        const auto kept = decode_identity(entry.key, entry.value);
        if (!kept) return {in_place_error, kept.error()};
        return kept->record.state == identity_state::pending && kept->record.expires <= now;
    });
    if (!keys) return keys.error();
    for (const auto& key : *keys) {
        const auto names = split_pair(key);
        if (!names) return names.error();
        const auto kept = find(names->first, names->second);
        if (!kept) return kept.error();
        if (auto done = remove(**kept); !done) return done.error();
    }
    return keys->size();
}

result<std::size_t> identity_change::sweep(std::int64_t now, std::int64_t uses_before) {
    const is_stale token = [now](const auto& entry) -> result<bool> {
        const auto read = decode_token(entry.value);
        if (!read) return {in_place_error, read.error()};
        return read->expires <= now;
    };
    const is_stale use = [uses_before](const auto& entry) -> result<bool> {
        const auto read = decode_use(entry.key, entry.value);
        if (!read) return {in_place_error, read.error()};
        return read->last < uses_before;
    };
    const is_stale mails = [now](const auto& entry) -> result<bool> {
        const auto times = decode_times(entry.value);
        if (!times) return {in_place_error, times.error()};
        return !entry.key.starts_with('l') && (times->empty() || times->back() <= now - day);
    };
    auto went = sweep_questions(now);
    for (const auto& [in, is] :
         {std::pair(tables_.tokens, &token), {tables_.foreign, &use}, {tables_.mails, &mails}}) {
        if (!went) return went;
        const auto more = sweep_rows(in, *is);
        if (!more) return more;
        *went += *more;
    }
    return went;
}

} // namespace postern::storage
