// A directory in memory for tests: the same answers as the LMDB one (it passes the same contract), counted,
// and failing on demand.
#pragma once

#include "storage/tables/directory.hpp"

#include <atomic>
#include <map>
#include <set>

namespace postern::testing {

class memory_directory final : public storage::directory {
  public:
    // What every call from now on answers; nullopt = works again.
    std::optional<storage::storage_errc> failure;
    mutable std::atomic<std::size_t> lookups{0}; // deliveries ask side by side
    // The look-up with this number fails (0 = the first).
    std::optional<std::size_t> failing_lookup;

    result<std::optional<storage::domain_record>> find_domain(std::string_view name) const override {
        return find(domains_, name);
    }
    result<std::optional<storage::mailbox_record>> find_mailbox(std::string_view address) const override {
        return find(mailboxes_, address);
    }
    result<std::vector<std::string>> find_alias(std::string_view address, std::size_t limit) const override {
        const auto found = find(aliases_, address);
        if (!found) return found.error();
        std::vector<std::string> targets;
        if (*found)
            for (const auto& target : **found)
                if (targets.size() <= limit) targets.push_back(target);
        return targets;
    }

    result<void> put_domain(const storage::domain_record& record) override {
        return put(domains_, record.name, record);
    }
    result<bool> remove_domain(std::string_view name) override { return remove(domains_, name); }
    result<void> put_mailbox(const storage::mailbox_record& record) override {
        return put(mailboxes_, record.address, record);
    }
    result<bool> remove_mailbox(std::string_view address) override { return remove(mailboxes_, address); }

    result<void> add_alias(std::string_view address, std::span<const std::string> targets) override {
        std::vector<storage::alias_record> records;
        for (const auto& target : targets) records.push_back({std::string(address), target});
        return add_aliases(records);
    }
    result<void> add_aliases(std::span<const storage::alias_record> records) override {
        if (failure) return *failure;
        if (records.empty()) return storage::storage_errc::invalid;
        for (const auto& record : records)
            if (!can_be_alias(record)) return storage::storage_errc::invalid;
        for (const auto& record : records) aliases_[record.address].insert(record.target);
        return {};
    }
    result<std::size_t> remove_alias(std::string_view address,
                                     std::span<const std::string> targets) override {
        if (failure) return *failure;
        const auto found = aliases_.find(address);
        if (found == aliases_.end()) return std::size_t{0};
        std::size_t removed = targets.empty() ? found->second.size() : 0;
        for (const auto& target : targets) removed += found->second.erase(target);
        if (targets.empty() || found->second.empty()) aliases_.erase(found);
        return removed;
    }

    result<void> each_domain(const std::function<bool(const storage::domain_record&)>& visit) const override {
        return each(domains_, visit);
    }
    result<void>
    each_mailbox(const std::function<bool(const storage::mailbox_record&)>& visit) const override {
        return each(mailboxes_, visit);
    }
    result<void>
    each_alias(std::string_view address_or_all,
               const std::function<bool(std::string_view, std::string_view)>& visit) const override {
        if (failure) return *failure;
        for (const auto& [address, targets] : aliases_)
            for (const auto& target : targets)
                if ((address_or_all.empty() || address == address_or_all) && !visit(address, target))
                    return {};
        return {};
    }

  private:
    template <class Record> using table = std::map<std::string, Record, std::less<>>;

    static bool can_be_key(std::string_view text) {
        return !text.empty() && text.size() <= storage::directory_key_max;
    }
    static bool can_be_alias(const storage::alias_record& record) {
        return !record.address.empty() && !record.target.empty() &&
               record.address.size() + record.target.size() <= storage::alias_key_max &&
               (record.address + record.target).find('\0') == std::string::npos;
    }
    template <class Record>
    result<std::optional<Record>> find(const table<Record>& in, std::string_view key) const {
        const auto number = lookups++;
        if (failure) return *failure;
        if (failing_lookup == number) return storage::storage_errc::io;
        const auto found = in.find(key);
        if (found == in.end()) return std::optional<Record>();
        return std::optional<Record>(found->second);
    }
    template <class Record>
    result<void> put(table<Record>& in, const std::string& key, const Record& record) {
        if (failure) return *failure;
        if (!can_be_key(key)) return storage::storage_errc::invalid;
        in.insert_or_assign(key, record);
        return {};
    }
    template <class Record> result<bool> remove(table<Record>& from, std::string_view key) {
        if (failure) return *failure;
        const auto found = from.find(key);
        if (found == from.end()) return false;
        from.erase(found);
        return true;
    }
    template <class Record>
    result<void> each(const table<Record>& in, const std::function<bool(const Record&)>& visit) const {
        if (failure) return *failure;
        for (const auto& [key, record] : in)
            if (!visit(record)) break;
        return {};
    }

    table<storage::domain_record> domains_;
    table<storage::mailbox_record> mailboxes_;
    table<std::set<std::string>> aliases_;
};

} // namespace postern::testing
