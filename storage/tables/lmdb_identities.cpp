// The identities in LMDB: five tables in <state_dir>/accounts.
//   identities        account NUL address -> state, times, digest of the question
//   identity_owners   address NUL account -> nothing; the same, to be found by address
//   identity_tokens   digest -> purpose, expiry, account NUL address
//   identity_mails    "a" purpose address, "u" purpose account -> times of mails; "l" account -> when it was
//                     told of learning
//   foreign_senders   account NUL address -> how often, last
#include "storage/tables/identity_change.hpp"

#include <set>

namespace postern::storage {
namespace {

using boost::system::in_place_error;
using change = identity_change;

constexpr auto replace = lmdb::put_mode::replace;

static_assert(2 * identity_key_max + 1 <= lmdb::key_max);

bool can_be_name(std::string_view text) {
    return !text.empty() && text.size() <= identity_key_max && text.find('\0') == std::string_view::npos;
}
std::string_view octets_of(const token_digest& digest) { return {digest.data(), digest.size()}; }

class lmdb_identities final : public identities {
  public:
    lmdb_identities(accounts_environment accounts, const identity_tables& tables)
        : accounts_(std::move(accounts)), tables_(tables) {}

    result<bool> may_use(std::string_view account, std::string_view address) const override;
    result<std::optional<identity_record>> find(std::string_view account,
                                                std::string_view address) const override;
    result<void> each_of_account(std::string_view account, const visitor& visit) const override;
    result<void> each_of_address(std::string_view address, const visitor& visit) const override;
    result<void> put(const identity_record& record) override;
    result<bool> revoke(std::string_view account, std::string_view address, std::int64_t now) override;
    result<asking> ask(const token_record& what, const token_digest& digest, std::int64_t now,
                       const identity_mail_limits& limits, const mail_sender& send) override;
    result<void> put_token(const token_record& what, const token_digest& digest) override;
    result<answered> look(const token_digest& digest, std::int64_t now) const override;
    result<answered> answer(const token_digest& digest, token_purpose purpose, bool yes,
                            std::int64_t now) override;
    result<std::vector<foreign_use>> note_foreign(std::span<const foreign_use> uses) override;
    result<void> mark_told(std::string_view account, std::int64_t now) override;
    result<void> each_foreign(const std::function<bool(const foreign_use&)>& visit) const override;
    result<void> forget(std::string_view account) override;
    result<std::size_t> sweep(std::int64_t now, std::int64_t uses_before) override;

  private:
    result<answered> look_in(const lmdb::transaction& within, const token_digest& digest,
                             std::int64_t now) const;
    result<std::vector<std::string>>
    stale(const lmdb::transaction& within, lmdb::table in,
          const std::function<result<bool>(const lmdb::key_value&)>& is) const;

    accounts_environment accounts_;
    identity_tables tables_;
};

result<bool> lmdb_identities::may_use(std::string_view account, std::string_view address) const {
    const auto kept = find(account, address);
    if (!kept) return {in_place_error, kept.error()};
    return *kept && allows((*kept)->state);
}

result<std::optional<identity_record>> lmdb_identities::find(std::string_view account,
                                                             std::string_view address) const {
    if (!can_be_name(account) || !can_be_name(address)) return std::optional<identity_record>();
    auto within = accounts_->begin_read();
    if (!within) return within.error();
    auto kept = change(*within, tables_).find(account, address);
    if (!kept) return kept.error();
    if (!*kept) return std::optional<identity_record>();
    return std::optional(std::move((*kept)->record));
}

result<void> lmdb_identities::each_of_account(std::string_view account, const visitor& visit) const {
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    auto at = lmdb::cursor::open(*within, tables_.identities);
    if (!at) return at.error();
    const auto prefix = account.empty() ? std::string() : pair_key(account, {});
    auto entry = at->seek(prefix);
    for (; entry && *entry && (*entry)->key.starts_with(prefix); entry = at->next()) {
        const auto kept = decode_identity((*entry)->key, (*entry)->value);
        if (!kept) return kept.error();
        if (!visit(kept->record)) return {};
    }
    if (!entry) return entry.error();
    return {};
}

result<void> lmdb_identities::each_of_address(std::string_view address, const visitor& visit) const {
    auto within = accounts_->begin_read();
    if (!within) return within.error();
    auto at = lmdb::cursor::open(*within, tables_.owners);
    if (!at) return at.error();
    const auto prefix = address.empty() ? std::string() : pair_key(address, {});
    auto entry = at->seek(prefix);
    for (; entry && *entry && (*entry)->key.starts_with(prefix); entry = at->next()) {
        const auto names = split_pair((*entry)->key);
        if (!names) return names.error();
        const auto kept = change(*within, tables_).find(names->second, names->first);
        if (!kept) return kept.error();
        if (*kept && !visit((*kept)->record)) return {};
    }
    if (!entry) return entry.error();
    return {};
}

result<void> lmdb_identities::put(const identity_record& record) {
    if (!can_be_name(record.account) || !can_be_name(record.address) || !allows(record.state))
        return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    change on(*within, tables_);
    const auto before = on.find(record.account, record.address);
    if (!before) return before.error();
    if (*before && (*before)->record.state == identity_state::confirmed) return {};
    if (*before)
        if (auto done = on.forget_question(**before); !done) return done;
    kept_identity kept{record, {}};
    kept.record.expires = 0;
    if (auto done = on.put(kept); !done) return done;
    return within->commit();
}

result<bool> lmdb_identities::revoke(std::string_view account, std::string_view address, std::int64_t now) {
    if (!can_be_name(account) || !can_be_name(address)) return false;
    auto within = accounts_->begin_write();
    if (!within) return {in_place_error, within.error()};
    change on(*within, tables_);
    const auto kept = on.find(account, address);
    if (!kept) return {in_place_error, kept.error()};
    const bool asked = *kept && !same_digest((*kept)->digest, token_digest{});
    if (!*kept || ((*kept)->record.state == identity_state::declined && !asked)) return false;
    if (auto done = on.decline(**kept, now); !done) return {in_place_error, done.error()};
    if (auto done = within->commit(); !done) return {in_place_error, done.error()};
    return true;
}

result<asking> lmdb_identities::ask(const token_record& what, const token_digest& digest, std::int64_t now,
                                    const identity_mail_limits& limits, const mail_sender& send) {
    const bool needs_account = what.purpose != token_purpose::manage;
    if ((needs_account && !can_be_name(what.account)) || !can_be_name(what.address))
        return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    change on(*within, tables_);
    const auto before = on.find(what.account, what.address);
    if (!before) return before.error();
    if (*before && (*before)->record.state == identity_state::confirmed) return asking::known;
    const auto granted = on.count_mail(what, now, limits);
    if (!granted || *granted != asking::granted) return granted;
    if (what.purpose == token_purpose::confirm) {
        kept_identity kept{{what.account, what.address, identity_state::pending, now, what.expires}, digest};
        if (*before) {
            if (auto done = on.forget_question(**before); !done) return done.error();
            if ((*before)->record.state != identity_state::pending) kept.record = (*before)->record;
        }
        if (auto done = on.put(kept); !done) return done.error();
    }
    if (auto done = within->put(tables_.tokens, octets_of(digest), encode_token(what), replace); !done)
        return done.error();
    if (!send()) return asking::not_sent;
    if (auto done = within->commit(); !done) return done.error();
    return asking::granted;
}

result<void> lmdb_identities::put_token(const token_record& what, const token_digest& digest) {
    if (!can_be_name(what.address)) return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    if (auto done = within->put(tables_.tokens, octets_of(digest), encode_token(what), replace); !done)
        return done;
    return within->commit();
}

result<answered> lmdb_identities::look_in(const lmdb::transaction& within, const token_digest& digest,
                                          std::int64_t now) const {
    const auto value = within.get(tables_.tokens, octets_of(digest));
    if (!value) return value.error();
    if (!*value) return answered{};
    auto token = decode_token(**value);
    if (!token) return token.error();
    const auto what = token->expires <= now ? answering::expired : answering::done;
    return answered{what, std::move(*token)};
}

result<answered> lmdb_identities::look(const token_digest& digest, std::int64_t now) const {
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    return look_in(*within, digest, now);
}

// The token speaks for the account and the address that stand beside its digest, and only while the identity
// names the same digest.
result<answered> lmdb_identities::answer(const token_digest& digest, token_purpose purpose, bool yes,
                                         std::int64_t now) {
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    auto found = look_in(*within, digest, now);
    if (!found || found->what == answering::unknown) return found;
    if (found->about.purpose != purpose || purpose == token_purpose::manage) return answered{};
    if (found->what == answering::expired) return found;
    if (auto done = within->remove(tables_.tokens, octets_of(digest)); !done) return done.error();
    if (purpose == token_purpose::confirm) {
        change on(*within, tables_);
        const auto kept = on.find(found->about.account, found->about.address);
        if (!kept) return kept.error();
        if (!*kept || !same_digest((*kept)->digest, digest)) return answered{};
        auto now_known = **kept;
        now_known.digest = {};
        now_known.record.state = identity_state::confirmed;
        now_known.record.created = now;
        now_known.record.expires = 0;
        if (auto done = yes ? on.put(now_known) : on.decline(**kept, now); !done) return done.error();
    }
    if (auto done = within->commit(); !done) return done.error();
    return found;
}

result<std::vector<foreign_use>> lmdb_identities::note_foreign(std::span<const foreign_use> uses) {
    std::vector<foreign_use> to_tell;
    std::set<std::string_view> accounts;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    change on(*within, tables_);
    for (const auto& use : uses) {
        if (!can_be_name(use.account) || !can_be_name(use.address)) continue;
        const auto untold = on.note(use);
        if (!untold) return untold.error();
        if (*untold && accounts.insert(use.account).second) to_tell.push_back(use);
    }
    if (auto done = within->commit(); !done) return done.error();
    return to_tell;
}

result<void> lmdb_identities::mark_told(std::string_view account, std::int64_t now) {
    if (!can_be_name(account)) return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    if (auto done = within->put(tables_.mails, told_key(account), encode_times({now}), replace); !done)
        return done;
    return within->commit();
}

result<void> lmdb_identities::each_foreign(const std::function<bool(const foreign_use&)>& visit) const {
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    auto at = lmdb::cursor::open(*within, tables_.foreign);
    if (!at) return at.error();
    auto entry = at->first();
    for (; entry && *entry; entry = at->next()) {
        const auto use = decode_use((*entry)->key, (*entry)->value);
        if (!use) return use.error();
        if (!visit(*use)) return {};
    }
    if (!entry) return entry.error();
    return {};
}

result<void> lmdb_identities::forget(std::string_view account) {
    if (!can_be_name(account)) return {}; // it can have none
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    if (auto done = change(*within, tables_).forget(account); !done) return done;
    return within->commit();
}

result<std::size_t> lmdb_identities::sweep(std::int64_t now, std::int64_t uses_before) {
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    const auto went = change(*within, tables_).sweep(now, uses_before);
    if (!went || *went == 0) return went;
    if (auto done = within->commit(); !done) return done.error();
    return went;
}

result<identity_tables> set_up(lmdb::transaction& within, lmdb::when_absent absent) {
    identity_tables tables;
    const auto opened = lmdb::open_tables(within,
                                          {{"identities", tables.identities},
                                           {"identity_owners", tables.owners},
                                           {"identity_tokens", tables.tokens},
                                           {"identity_mails", tables.mails},
                                           {"foreign_senders", tables.foreign}},
                                          absent);
    if (!opened) return opened.error();
    return tables;
}

} // namespace

result<std::unique_ptr<identities>> open_lmdb_identities(accounts_environment accounts) {
    const auto tables = lmdb::open_or_make(*accounts, set_up);
    if (!tables) return tables.error();
    return std::unique_ptr<identities>(std::make_unique<lmdb_identities>(std::move(accounts), *tables));
}

} // namespace postern::storage
