// The LMDB tables of what was learned, and what one write transaction does to them. Internal to
// storage/tables/.
//   owners   'o', owner           -> id 4, spam 8, ham 8, halvings 4, words 8, lessons 8, next lesson 8
//   words    id 4, token 8        -> spam 4, ham 4, halvings 4, day 4
//   ages     id 4, day 4, token 8 -> nothing: a row for each word, the oldest first
//   lessons  id 4, digest         -> sort 1, number 8
//   order    id 4, number 8       -> digest: the oldest lesson first
//   meta     "format", "owners", "words", "lessons" -> 8: the version, ids given, words and lessons of all
// A word's counts are as they were when it was written; those of an owner that has halved since count half
// for each time. So halving a million words is writing one row.
#pragma once

#include "storage/lmdb.hpp"
#include "storage/tables/tokens.hpp"

namespace postern::storage {

struct token_tables {
    lmdb::table owners{}, words{}, ages{}, lessons{}, order{}, meta{};
};
result<token_tables> open_token_tables(lmdb::environment& in);

struct token_owner {
    std::uint64_t id = 0; // 0 = there is none
    token_counts messages;
    std::uint64_t halvings = 0, words = 0, lessons = 0, next_lesson = 0;
};
result<token_owner> find_token_owner(const lmdb::transaction& within, const token_tables& tables,
                                     std::string_view owner);

struct token_word {
    token_counts counts; // as of now
    std::int64_t day = 0;
};
// Zeros: not known, or damaged.
result<std::optional<token_word>> find_token_word(const lmdb::transaction& within, const token_tables& tables,
                                                  const token_owner& of, std::uint64_t token);

// One write transaction for one owner. Undone on destruction, unless commit() was called.
class token_writer {
  public:
    // Makes the owner when it is absent.
    static result<token_writer> begin(lmdb::environment& in, const token_tables& tables,
                                      std::string_view owner);

    result<lesson_answer> note_lesson(lesson as, std::string_view digest, const tokens_limits& limits);
    result<void> count(lesson as, lesson_answer how, std::uint64_t token, std::int64_t day);
    void halve_beyond(std::uint64_t messages);
    // Removes the owner's oldest words while it has more than `most`; at most `limit` of them.
    result<std::size_t> remove_words(std::uint64_t most, std::size_t limit);
    // Forgets the owner's oldest lessons, at most `limit`; what was learned from them stays.
    result<std::size_t> forget_lessons(std::size_t limit);
    // Some of what the owner has; false: there was nothing left, and the owner is gone too.
    result<bool> remove_some(std::size_t limit);
    result<void> commit();
    const token_owner& owner() const { return owner_; }
    std::uint64_t all_words() const { return all_words_; }

  private:
    token_writer(lmdb::transaction within, const token_tables& tables, std::string name)
        : within_(std::move(within)), tables_(tables), name_(std::move(name)) {}
    result<void> load();
    result<void> put_word(std::uint64_t token, const token_word& word,
                          const std::optional<token_word>& before);
    result<void> forget_oldest_lesson();
    result<std::size_t> remove_from(lmdb::table rows, std::size_t limit);

    lmdb::transaction within_;
    token_tables tables_;
    std::string name_;
    token_owner owner_;
    std::uint64_t all_words_ = 0, all_lessons_ = 0, ids_ = 0;
    bool gone_ = false;
};

} // namespace postern::storage
