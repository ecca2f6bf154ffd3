// The rules in LMDB: two tables in <state_dir>/accounts.
//   rules        mailbox NUL pattern -> version of the record, action, created (eight octets)
//   rule_scopes  mailbox NUL         -> version of the rules, how many there are (eight octets each)
// A scope's row stays when its rules are gone, so that its version never comes again. Numbers are big-endian.
#include "storage/tables/rules.hpp"

#include "storage/big_endian.hpp"
#include "storage/lmdb_tables.hpp"

#include <map>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr char record_version = 1;

static_assert(rule_mailbox_max + 1 + rule_text_max <= lmdb::key_max);

struct table_set {
    lmdb::table rules{}, scopes{};
};

struct scope_state {
    std::uint64_t version = 0;
    std::uint64_t count = 0;
};

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }
bool can_be_scope(std::string_view mailbox) {
    return mailbox.size() <= rule_mailbox_max && !has_nul(mailbox);
}
bool can_be_pattern(std::string_view pattern) {
    return !pattern.empty() && pattern.size() <= rule_text_max && !has_nul(pattern);
}

std::string scope_key(std::string_view mailbox) { return std::string(mailbox) + '\0'; }

std::string encode_record(const rule_record& record) {
    std::string value{record_version, static_cast<char>(record.action)};
    append_big_endian(value, static_cast<std::uint64_t>(record.created));
    return value;
}

result<rule_record> decode_record(const lmdb::key_value& entry) {
    const auto& [key, value] = entry;
    const auto end = key.find('\0');
    if (end == std::string_view::npos || value.empty() || value[0] == 0) return storage_errc::corrupt;
    if (value[0] > record_version) return storage_errc::newer_format;
    if (value.size() != 2 + number_octets || end + 1 == key.size()) return storage_errc::corrupt;
    const auto action = static_cast<kept_action>(value[1]);
    if (action != kept_action::allow && action != kept_action::deny) return storage_errc::corrupt;
    return rule_record{std::string(key.substr(0, end)), action, std::string(key.substr(end + 1)),
                       static_cast<std::int64_t>(big_endian(value.substr(2)))};
}

result<scope_state> read_scope(const lmdb::transaction& within, const table_set& tables,
                               std::string_view mailbox) {
    const auto value = within.get(tables.scopes, scope_key(mailbox));
    if (!value) return value.error();
    if (!*value) return scope_state{};
    if ((*value)->size() != 2 * number_octets) return storage_errc::corrupt;
    return scope_state{big_endian(**value), big_endian((*value)->substr(number_octets))};
}

result<void> write_scope(lmdb::transaction& within, const table_set& tables, std::string_view mailbox,
                         const scope_state& scope) {
    std::string value;
    append_big_endian(value, scope.version + 1);
    append_big_endian(value, scope.count);
    return within.put(tables.scopes, scope_key(mailbox), value, lmdb::put_mode::replace);
}

class lmdb_rules final : public rules {
  public:
    using visitor = std::function<bool(const rule_record&)>;

    lmdb_rules(accounts_environment accounts, const table_set& tables)
        : accounts_(std::move(accounts)), tables_(tables) {}

    result<std::uint64_t> version(std::string_view mailbox) const override;
    result<std::uint64_t> each(std::string_view mailbox, const visitor& visit) const override;
    result<void> each_scope(const visitor& visit) const override;
    result<void> put(std::span<const rule_record> records) override;
    result<bool> remove(std::string_view mailbox, std::string_view pattern) override;
    result<std::size_t> remove_all(std::string_view mailbox) override;

  private:
    result<void> visit_from(const lmdb::transaction& within, std::string_view prefix,
                            const visitor& visit) const;

    accounts_environment accounts_;
    table_set tables_;
};

result<std::uint64_t> lmdb_rules::version(std::string_view mailbox) const {
    if (!can_be_scope(mailbox)) return std::uint64_t{0};
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    const auto scope = read_scope(*within, tables_, mailbox);
    if (!scope) return scope.error();
    return scope->version;
}

result<void> lmdb_rules::visit_from(const lmdb::transaction& within, std::string_view prefix,
                                    const visitor& visit) const {
    auto at = lmdb::cursor::open(within, tables_.rules);
    if (!at) return at.error();
    auto entry = at->seek(prefix);
    for (; entry && *entry && (*entry)->key.starts_with(prefix); entry = at->next()) {
        const auto record = decode_record(**entry);
        if (!record) return record.error();
        if (!visit(*record)) return {};
    }
    if (!entry) return entry.error();
    return {};
}

result<std::uint64_t> lmdb_rules::each(std::string_view mailbox, const visitor& visit) const {
    if (!can_be_scope(mailbox)) return std::uint64_t{0};
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    const auto scope = read_scope(*within, tables_, mailbox);
    if (!scope) return scope.error();
    if (auto visited = visit_from(*within, scope_key(mailbox), visit); !visited) return visited.error();
    return scope->version;
}

result<void> lmdb_rules::each_scope(const visitor& visit) const {
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    return visit_from(*within, {}, visit);
}

result<void> lmdb_rules::put(std::span<const rule_record> records) {
    for (const auto& record : records)
        if (!can_be_scope(record.mailbox) || !can_be_pattern(record.pattern)) return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    std::map<std::string_view, scope_state> scopes;
    for (const auto& record : records) {
        if (!scopes.contains(record.mailbox)) {
            const auto scope = read_scope(*within, tables_, record.mailbox);
            if (!scope) return scope.error();
            scopes[record.mailbox] = *scope;
        }
        const auto key = scope_key(record.mailbox) + record.pattern;
        const auto before = within->get(tables_.rules, key);
        if (!before) return before.error();
        auto& count = scopes[record.mailbox].count;
        if (!*before && ++count > (record.mailbox.empty() ? server_rules_max : mailbox_rules_max))
            return storage_errc::too_large;
        const auto put = within->put(tables_.rules, key, encode_record(record), lmdb::put_mode::replace);
        if (!put) return put;
    }
    for (const auto& [mailbox, scope] : scopes)
        if (auto put = write_scope(*within, tables_, mailbox, scope); !put) return put;
    return within->commit();
}

result<bool> lmdb_rules::remove(std::string_view mailbox, std::string_view pattern) {
    if (!can_be_scope(mailbox) || !can_be_pattern(pattern)) return false;
    auto within = accounts_->begin_write();
    if (!within) return {in_place_error, within.error()};
    auto scope = read_scope(*within, tables_, mailbox);
    if (!scope) return {in_place_error, scope.error()};
    const auto was_there = within->remove(tables_.rules, scope_key(mailbox).append(pattern));
    if (!was_there || !*was_there) return was_there;
    scope->count -= scope->count > 0 ? 1 : 0;
    if (auto put = write_scope(*within, tables_, mailbox, *scope); !put) return {in_place_error, put.error()};
    if (auto kept = within->commit(); !kept) return {in_place_error, kept.error()};
    return true;
}

// Works on damaged records too: this is how they are got rid of.
result<std::size_t> lmdb_rules::remove_all(std::string_view mailbox) {
    if (!can_be_scope(mailbox)) return std::size_t{0};
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    auto scope = read_scope(*within, tables_, mailbox);
    if (!scope) return scope.error();
    const auto prefix = scope_key(mailbox);
    std::size_t removed = 0;
    for (;; ++removed) {
        auto at = lmdb::cursor::open(*within, tables_.rules);
        if (!at) return at.error();
        const auto entry = at->seek(prefix);
        if (!entry) return entry.error();
        if (!*entry || !(*entry)->key.starts_with(prefix)) break;
        const auto gone = within->remove(tables_.rules, std::string((*entry)->key));
        if (!gone) return gone.error();
    }
    if (removed == 0) return removed;
    scope->count = 0;
    if (auto put = write_scope(*within, tables_, mailbox, *scope); !put) return put.error();
    if (auto kept = within->commit(); !kept) return kept.error();
    return removed;
}

result<table_set> set_up(lmdb::transaction& within, lmdb::when_absent absent) {
    table_set tables;
    const auto opened =
        lmdb::open_tables(within, {{"rules", tables.rules}, {"rule_scopes", tables.scopes}}, absent);
    if (!opened) return opened.error();
    return tables;
}

} // namespace

result<std::unique_ptr<rules>> open_lmdb_rules(accounts_environment accounts) {
    const auto tables = lmdb::open_or_make(*accounts, set_up);
    if (!tables) return tables.error();
    return std::unique_ptr<rules>(std::make_unique<lmdb_rules>(std::move(accounts), *tables));
}

} // namespace postern::storage
