// The directory in LMDB: four tables in <state_dir>/accounts. Every look-up is a read transaction of its own,
// begun, copied from and ended in the call, so that a command's write is seen by the very next one. Writers
// of all processes wait for each other; each write is one transaction and one flush.
//   format    "version" -> "1"; a higher one is `newer_format` and nothing is touched
//   domains   name -> record        mailboxes  address -> record
//   aliases   address NUL target -> version; in key order an alias's targets stand together
//   alias_targets  folded target NUL address, domain_aliases  domain NUL alias domain -> nothing: the two the
//             other way round, for lists. What another version wrote may be missing there.
#include "protocol/smtp/address.hpp"
#include "storage/lmdb_tables.hpp"
#include "storage/tables/directory_codec.hpp"

#include <functional>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

static_assert(directory_key_max == lmdb::key_max);
constexpr std::string_view version_key = "version";
constexpr std::string_view format_version = "1";

struct table_set {
    lmdb::table format{}, domains{}, mailboxes{}, aliases{}, alias_targets{}, domain_aliases{};
};

// What an index has for a pair; "" = it is too long to be there.
std::string index_key(std::string_view to, std::string_view from) {
    if (to.empty() || to.size() + 1 + from.size() > lmdb::key_max) return {};
    return alias_key(to, from);
}
std::string target_key(std::string_view target, std::string_view address) {
    const auto written = protocol::parse_address(target);
    return index_key(written ? written->folded() : std::string(target), address);
}

result<void> put_index(lmdb::transaction& within, lmdb::table in, const std::string& key) {
    if (key.empty()) return {};
    return within.put(in, key, {}, lmdb::put_mode::replace);
}
result<void> remove_index(lmdb::transaction& within, lmdb::table in, const std::string& key) {
    if (key.empty()) return {};
    if (auto gone = within.remove(in, key); !gone) return gone.error();
    return {};
}

bool can_be_alias(std::string_view address, std::string_view target) {
    return !address.empty() && !target.empty() && address.size() + target.size() <= alias_key_max &&
           address.find('\0') == std::string_view::npos && target.find('\0') == std::string_view::npos;
}

bool can_be_key(std::string_view text) { return !text.empty() && text.size() <= directory_key_max; }

result<void> check_format(const lmdb::transaction& within, const table_set& tables) {
    const auto version = within.get(tables.format, version_key);
    if (!version) return version.error();
    if (!*version) return storage_errc::corrupt;
    if (**version == format_version) return {};
    const bool is_number = (*version)->find_first_not_of("0123456789") == std::string_view::npos;
    return is_number && !(*version)->empty() ? storage_errc::newer_format : storage_errc::corrupt;
}

// Of tables that are older than it.
result<void> build_index(lmdb::transaction& within, lmdb::table from, lmdb::table to,
                         const std::function<std::string(const lmdb::key_value&)>& key_of) {
    const auto there = within.entries(to);
    if (!there) return there.error();
    if (*there != 0) return {};
    std::vector<std::string> keys; // a write would move what the cursor shows
    {
        auto at = lmdb::cursor::open(within, from);
        if (!at) return at.error();
        auto entry = at->first();
        for (; entry && *entry; entry = at->next()) keys.push_back(key_of(**entry));
        if (!entry) return entry.error();
    }
    for (const auto& key : keys)
        if (auto put = put_index(within, to, key); !put) return put;
    return {};
}

result<void> build_indexes(lmdb::transaction& within, const table_set& tables) {
    const auto of_alias = [](const lmdb::key_value& entry) {
        const auto record = decode_alias(entry.key, entry.value);
        return record ? target_key(record->target, record->address) : std::string();
    };
    const auto of_domain = [](const lmdb::key_value& entry) {
        const auto record = decode_domain(entry.key, entry.value);
        return record ? index_key(record->alias_of, record->name) : std::string();
    };
    if (auto built = build_index(within, tables.aliases, tables.alias_targets, of_alias); !built)
        return built;
    return build_index(within, tables.domains, tables.domain_aliases, of_domain);
}

result<table_set> set_up(lmdb::transaction& within, lmdb::when_absent absent) {
    table_set tables;
    const auto opened = lmdb::open_tables(within,
                                          {{"format", tables.format},
                                           {"domains", tables.domains},
                                           {"mailboxes", tables.mailboxes},
                                           {"aliases", tables.aliases},
                                           {"alias_targets", tables.alias_targets},
                                           {"domain_aliases", tables.domain_aliases}},
                                          absent);
    if (!opened) return opened.error();
    if (absent == lmdb::when_absent::make) {
        const auto put = within.put(tables.format, version_key, format_version, lmdb::put_mode::insert);
        if (put) return tables;
        if (put.error() != storage_errc::exists) return put.error();
        if (auto known = check_format(within, tables); !known) return known.error();
        if (auto built = build_indexes(within, tables); !built) return built.error();
    }
    if (auto known = check_format(within, tables); !known) return known.error();
    return tables;
}

class lmdb_directory final : public directory {
  public:
    using alias_visitor = std::function<bool(std::string_view address, std::string_view target)>;

    lmdb_directory(accounts_environment accounts, const table_set& tables)
        : accounts_(std::move(accounts)), tables_(tables) {}

    result<std::optional<domain_record>> find_domain(std::string_view name) const override {
        return find_record(tables_.domains, name, decode_domain);
    }
    result<std::optional<mailbox_record>> find_mailbox(std::string_view address) const override {
        return find_record(tables_.mailboxes, address, decode_mailbox);
    }
    result<std::vector<std::string>> find_alias(std::string_view address, std::size_t limit) const override {
        std::vector<std::string> targets;
        if (!can_be_key(address)) return targets;
        const auto collect = [&](std::string_view, std::string_view target) {
            targets.emplace_back(target);
            return targets.size() <= limit;
        };
        if (auto walked = each_alias(address, collect); !walked) return walked.error();
        return targets;
    }

    result<void> put_domain(const domain_record& record) override;
    result<bool> remove_domain(std::string_view name) override;
    result<void> put_mailbox(const mailbox_record& record) override {
        return put_record(tables_.mailboxes, record.address, encode_mailbox(record));
    }
    result<bool> remove_mailbox(std::string_view address) override {
        return remove_record(tables_.mailboxes, address);
    }

    result<void> add_alias(std::string_view address, std::span<const std::string> targets) override;
    result<void> add_aliases(std::span<const alias_record> records) override;
    result<std::size_t> remove_alias(std::string_view address, std::span<const std::string> targets) override;

    result<void> each_domain(const std::function<bool(const domain_record&)>& visit) const override {
        return each_record(tables_.domains, decode_domain, visit);
    }
    result<void> each_mailbox(const std::function<bool(const mailbox_record&)>& visit) const override {
        return each_record(tables_.mailboxes, decode_mailbox, visit);
    }
    result<void> each_alias(std::string_view address_or_all, const alias_visitor& visit) const override {
        const auto within = accounts_->begin_read();
        if (!within) return within.error();
        return each_alias_in(*within, address_or_all, visit);
    }
    result<std::vector<std::string>> aliases_to(std::string_view target, std::size_t limit) const override {
        return indexed(tables_.alias_targets, target, limit);
    }
    result<std::vector<std::string>> alias_domains_of(std::string_view name,
                                                      std::size_t limit) const override {
        return indexed(tables_.domain_aliases, name, limit);
    }
    result<void> clear_dead_readers() const override { return accounts_->clear_dead_readers(); }

  private:
    template <class Record> using decoder = result<Record> (*)(std::string_view, std::string_view);

    template <class Record>
    result<std::optional<Record>> find_record(lmdb::table in, std::string_view key,
                                              decoder<Record> decode) const {
        if (!can_be_key(key)) return std::optional<Record>();
        const auto within = accounts_->begin_read();
        if (!within) return within.error();
        const auto value = within->get(in, key);
        if (!value) return value.error();
        if (!*value) return std::optional<Record>();
        auto record = decode(key, **value);
        if (!record) return record.error();
        return std::optional<Record>(std::move(*record));
    }

    // Visits every entry from `from` on until the visitor says false.
    result<void> each_entry(const lmdb::transaction& within, lmdb::table in, std::string_view from,
                            const std::function<result<bool>(const lmdb::key_value&)>& visit) const {
        auto at = lmdb::cursor::open(within, in);
        if (!at) return at.error();
        auto entry = at->seek(from);
        while (entry && *entry) {
            const auto go_on = visit(**entry);
            if (!go_on) return go_on.error();
            if (!*go_on) return {};
            entry = at->next();
        }
        if (!entry) return entry.error();
        return {};
    }

    template <class Record>
    result<void> each_record(lmdb::table in, decoder<Record> decode,
                             const std::function<bool(const Record&)>& visit) const {
        const auto within = accounts_->begin_read();
        if (!within) return within.error();
        return each_entry(*within, in, {}, [&](const lmdb::key_value& entry) -> result<bool> {
            const auto record = decode(entry.key, entry.value);
            if (!record) return {in_place_error, record.error()};
            return visit(*record);
        });
    }

    result<void> put_record(lmdb::table in, std::string_view key, const result<std::string>& value) {
        if (!value) return value.error();
        if (!can_be_key(key)) return storage_errc::invalid;
        auto within = accounts_->begin_write();
        if (!within) return within.error();
        if (auto put = within->put(in, key, *value, lmdb::put_mode::replace); !put) return put;
        return within->commit();
    }

    result<bool> remove_record(lmdb::table in, std::string_view key) {
        if (!can_be_key(key)) return false;
        auto within = accounts_->begin_write();
        if (!within) return {in_place_error, within.error()};
        const auto was_there = within->remove(in, key);
        if (!was_there || !*was_there) return was_there;
        if (auto kept = within->commit(); !kept) return {in_place_error, kept.error()};
        return true;
    }

    result<void> forget_alias_domain(lmdb::transaction& within, std::string_view name);
    result<std::vector<std::string>> indexed(lmdb::table in, std::string_view to, std::size_t limit) const;
    result<void> each_alias_in(const lmdb::transaction& within, std::string_view address_or_all,
                               const alias_visitor& visit) const;
    result<std::vector<std::string>> targets_of(const lmdb::transaction& within,
                                                std::string_view address) const;
    result<std::size_t> remove_targets(lmdb::transaction& within, std::string_view address,
                                       std::span<const std::string> targets);

    accounts_environment accounts_;
    table_set tables_;
};

// That it was one, before it is changed.
result<void> lmdb_directory::forget_alias_domain(lmdb::transaction& within, std::string_view name) {
    const auto value = within.get(tables_.domains, name);
    if (!value) return value.error();
    const auto before = *value ? decode_domain(name, **value) : result<domain_record>(domain_record{});
    if (!before) return {}; // damaged: this is how it is got rid of
    return remove_index(within, tables_.domain_aliases, index_key(before->alias_of, name));
}

result<void> lmdb_directory::put_domain(const domain_record& record) {
    const auto value = encode_domain(record);
    if (!value) return value.error();
    if (!can_be_key(record.name)) return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    if (auto done = forget_alias_domain(*within, record.name); !done) return done;
    if (auto put = within->put(tables_.domains, record.name, *value, lmdb::put_mode::replace); !put)
        return put;
    const auto key = index_key(record.alias_of, record.name);
    if (auto put = put_index(*within, tables_.domain_aliases, key); !put) return put;
    return within->commit();
}

result<bool> lmdb_directory::remove_domain(std::string_view name) {
    if (!can_be_key(name)) return false;
    auto within = accounts_->begin_write();
    if (!within) return {in_place_error, within.error()};
    if (auto done = forget_alias_domain(*within, name); !done) return {in_place_error, done.error()};
    const auto was_there = within->remove(tables_.domains, name);
    if (!was_there || !*was_there) return was_there;
    if (auto kept = within->commit(); !kept) return {in_place_error, kept.error()};
    return true;
}

result<std::vector<std::string>> lmdb_directory::indexed(lmdb::table in, std::string_view to,
                                                         std::size_t limit) const {
    std::vector<std::string> found;
    const auto first = index_key(to, {});
    if (first.empty()) return found;
    const auto within = accounts_->begin_read();
    if (!within) return within.error();
    const auto walked = each_entry(*within, in, first, [&](const lmdb::key_value& entry) -> result<bool> {
        if (!entry.key.starts_with(first) || found.size() >= limit) return false;
        found.emplace_back(entry.key.substr(first.size()));
        return true;
    });
    if (!walked) return walked.error();
    return found;
}

result<void> lmdb_directory::add_alias(std::string_view address, std::span<const std::string> targets) {
    std::vector<alias_record> records;
    records.reserve(targets.size());
    for (const auto& target : targets) records.push_back({std::string(address), target});
    return add_aliases(records);
}

result<void> lmdb_directory::add_aliases(std::span<const alias_record> records) {
    if (records.empty()) return storage_errc::invalid;
    for (const auto& record : records)
        if (!can_be_alias(record.address, record.target)) return storage_errc::invalid;
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    for (const auto& record : records) {
        const auto key = alias_key(record.address, record.target);
        if (auto put = within->put(tables_.aliases, key, encode_alias(), lmdb::put_mode::replace); !put)
            return put;
        const auto back = target_key(record.target, record.address);
        if (auto put = put_index(*within, tables_.alias_targets, back); !put) return put;
    }
    return within->commit();
}

result<std::size_t> lmdb_directory::remove_targets(lmdb::transaction& within, std::string_view address,
                                                   std::span<const std::string> targets) {
    std::size_t removed = 0;
    for (const auto& target : targets) {
        if (!can_be_alias(address, target)) continue;
        const auto was_there = within.remove(tables_.aliases, alias_key(address, target));
        if (!was_there) return was_there.error();
        removed += *was_there ? 1 : 0;
        const auto gone = remove_index(within, tables_.alias_targets, target_key(target, address));
        if (!gone) return gone.error();
    }
    return removed;
}

// All that a transaction sees.
result<std::vector<std::string>> lmdb_directory::targets_of(const lmdb::transaction& within,
                                                            std::string_view address) const {
    std::vector<std::string> targets;
    const auto walked = each_alias_in(within, address, [&](std::string_view, std::string_view target) {
        targets.emplace_back(target);
        return true;
    });
    if (!walked) return walked.error();
    return targets;
}

result<std::size_t> lmdb_directory::remove_alias(std::string_view address,
                                                 std::span<const std::string> targets) {
    if (!can_be_key(address)) return std::size_t{0};
    auto within = accounts_->begin_write();
    if (!within) return within.error();
    result<std::size_t> removed = std::size_t{0};
    if (targets.empty()) {
        const auto all = targets_of(*within, address);
        if (!all) return all.error();
        removed = remove_targets(*within, address, *all);
    } else {
        removed = remove_targets(*within, address, targets);
    }
    if (!removed || *removed == 0) return removed;
    if (auto kept = within->commit(); !kept) return kept.error();
    return removed;
}

result<void> lmdb_directory::each_alias_in(const lmdb::transaction& within, std::string_view address_or_all,
                                           const alias_visitor& visit) const {
    const auto first = address_or_all.empty() ? std::string() : alias_key(address_or_all, {});
    if (first.size() > directory_key_max) return {};
    return each_entry(within, tables_.aliases, first, [&](const lmdb::key_value& entry) -> result<bool> {
        if (!entry.key.starts_with(first)) return false;
        const auto record = decode_alias(entry.key, entry.value);
        if (!record) return {in_place_error, record.error()};
        return visit(record->address, record->target);
    });
}

} // namespace

result<std::unique_ptr<directory>> open_lmdb_directory(accounts_environment accounts) {
    const auto tables = lmdb::open_or_make(*accounts, set_up);
    if (!tables) return tables.error();
    return std::unique_ptr<directory>(std::make_unique<lmdb_directory>(std::move(accounts), *tables));
}

result<std::unique_ptr<directory>> open_lmdb_directory(const std::string& state_dir, std::uint64_t map_size) {
    auto accounts = open_accounts(state_dir, map_size);
    if (!accounts) return accounts.error();
    return open_lmdb_directory(std::move(*accounts));
}

} // namespace postern::storage
