// One operation on the identities' tables in LMDB, step by step, within a transaction that its caller began
// and commits. Internal to storage/tables/.
#pragma once

#include "storage/lmdb_tables.hpp"
#include "storage/tables/identities_codec.hpp"

#include <functional>

namespace postern::storage {

struct identity_tables {
    lmdb::table identities{}, owners{}, tokens{}, mails{}, foreign{};
};

class identity_change {
  public:
    identity_change(lmdb::transaction& within, const identity_tables& tables)
        : within_(within), tables_(tables) {}

    result<std::optional<kept_identity>> find(std::string_view account, std::string_view address) const;
    result<void> put(const kept_identity& kept);
    result<void> remove(const kept_identity& kept);
    result<void> decline(const kept_identity& kept, std::int64_t now); // its question's token dies
    result<void> forget(std::string_view account);
    result<void> forget_question(const kept_identity& kept);
    result<bool> has_room(lmdb::table in, std::string_view account) const;
    result<std::vector<std::int64_t>> mails_of(const std::string& key, std::int64_t now) const;
    result<asking> count_mail(const token_record& what, std::int64_t now, const identity_mail_limits& limits);
    result<bool> note(const foreign_use& use);

    // Rows that have expired by `now`, and foreign uses from before `uses_before`; returns how many went.
    result<std::size_t> sweep(std::int64_t now, std::int64_t uses_before);

  private:
    using is_stale = std::function<result<bool>(const lmdb::key_value&)>;
    result<std::vector<std::string>> stale(lmdb::table in, const is_stale& is) const;
    result<std::size_t> sweep_questions(std::int64_t now);
    result<std::size_t> sweep_rows(lmdb::table in, const is_stale& is);

    lmdb::transaction& within_;
    const identity_tables& tables_;
};

} // namespace postern::storage
