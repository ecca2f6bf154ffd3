// Rules in memory for tests: the same answers as the LMDB ones (they pass the same contract), and failing on
// demand.
#pragma once

#include "storage/tables/rules.hpp"

#include <map>
#include <optional>

namespace postern::testing {

class memory_rules final : public storage::rules {
  public:
    using visitor = std::function<bool(const storage::rule_record&)>;
    // What every call from now on answers; nullopt = works again.
    std::optional<storage::storage_errc> failure;

    result<std::uint64_t> version(std::string_view mailbox) const override {
        if (failure) return *failure;
        const auto found = scopes_.find(mailbox);
        return found == scopes_.end() ? 0 : found->second.version;
    }
    result<std::uint64_t> each(std::string_view mailbox, const visitor& visit) const override {
        if (failure) return *failure;
        const auto found = scopes_.find(mailbox);
        if (found == scopes_.end()) return std::uint64_t{0};
        for (const auto& [pattern, record] : found->second.records)
            if (!visit(record)) break;
        return found->second.version;
    }
    result<void> each_scope(const visitor& visit) const override {
        if (failure) return *failure;
        for (const auto& [mailbox, kept] : scopes_)
            for (const auto& [pattern, record] : kept.records)
                if (!visit(record)) return {};
        return {};
    }
    result<void> put(std::span<const storage::rule_record> records) override {
        if (failure) return *failure;
        auto changed = scopes_;
        for (const auto& record : records) {
            if (record.mailbox.size() > storage::rule_mailbox_max || !can_be_pattern(record.pattern) ||
                record.mailbox.find('\0') != std::string::npos)
                return storage::storage_errc::invalid;
            auto& into = changed[record.mailbox];
            into.records[record.pattern] = record;
            ++into.version;
            const auto most = record.mailbox.empty() ? storage::server_rules_max : storage::mailbox_rules_max;
            if (into.records.size() > most) return storage::storage_errc::too_large;
        }
        scopes_ = std::move(changed);
        return {};
    }
    result<bool> remove(std::string_view mailbox, std::string_view pattern) override {
        if (failure) return *failure;
        const auto found = scopes_.find(mailbox);
        if (found == scopes_.end() || found->second.records.erase(std::string(pattern)) == 0) return false;
        ++found->second.version;
        return true;
    }
    result<std::size_t> remove_all(std::string_view mailbox) override {
        if (failure) return *failure;
        const auto found = scopes_.find(mailbox);
        if (found == scopes_.end() || found->second.records.empty()) return std::size_t{0};
        const auto removed = found->second.records.size();
        found->second.records.clear();
        ++found->second.version;
        return removed;
    }

  private:
    struct scope {
        std::uint64_t version = 0;
        std::map<std::string, storage::rule_record> records;
    };
    static bool can_be_pattern(const std::string& pattern) {
        return !pattern.empty() && pattern.size() <= storage::rule_text_max &&
               pattern.find('\0') == std::string::npos;
    }
    std::map<std::string, scope, std::less<>> scopes_;
};

} // namespace postern::testing
