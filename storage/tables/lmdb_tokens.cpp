// What was learned, in LMDB. Writes are rare (a command for each message) and flushed when they return; reads
// are one transaction each, over before anything else is done.
#include "storage/lmdb_tables.hpp"
#include "storage/tables/tokens_tables.hpp"

#include <algorithm>
#include <mutex>

namespace postern::storage {
namespace {

constexpr std::uint64_t octets_min = std::uint64_t{1} << 20;
// What a word fills in two trees, with half-full pages and the copies that a transaction makes.
constexpr std::uint64_t octets_of_word = 300;
constexpr std::uint64_t octets_of_lesson = 200; // as much for its two rows
constexpr std::size_t step = 4096;              // rows that a transaction removes

std::uint64_t octets_of(std::uint64_t words, std::uint64_t lessons) {
    return words * octets_of_word + lessons * octets_of_lesson;
}

bool are_sound(std::string_view owner, std::span<const std::uint64_t> hashes) {
    if (owner.size() + 1 > lmdb::key_max || owner.find('\0') != std::string_view::npos) return false;
    if (hashes.size() > tokens_at_once) return false;
    std::vector<std::uint64_t> sorted(hashes.begin(), hashes.end());
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

class lmdb_tokens final : public tokens {
  public:
    lmdb_tokens(std::string state_dir, const tokens_limits& limits)
        : state_dir_(std::move(state_dir)), limits_(limits) {}

    result<void> open();
    result<tokens_found> find(std::string_view owner, std::span<const std::uint64_t> hashes) const override;
    result<lesson_answer> learn(std::string_view owner, lesson as, std::string_view digest,
                                std::span<const std::uint64_t> hashes, std::int64_t day) override;
    result<bool> forget(std::string_view owner) override;

  private:
    result<void> make_room(std::uint64_t words);
    result<std::size_t> remove_oldest(std::string_view owner);
    result<std::vector<std::string>> owners() const;
    result<std::string> largest_owner() const;

    const std::string state_dir_;
    const tokens_limits limits_;
    std::unique_ptr<lmdb::environment> kept_;
    token_tables tables_;
    std::mutex writing_; // one writer of this process at a time
};

result<void> lmdb_tokens::open() {
    auto kept = lmdb::open_in(state_dir_, "tokens", {.map_size = limits_.octets});
    if (!kept) return kept.error();
    const auto tables = open_token_tables(**kept);
    if (!tables) return tables.error();
    kept_ = std::move(*kept);
    tables_ = *tables;
    return {};
}

result<tokens_found> lmdb_tokens::find(std::string_view owner, std::span<const std::uint64_t> hashes) const {
    if (!are_sound(owner, hashes)) return storage_errc::invalid;
    tokens_found made;
    made.counts.resize(hashes.size());
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    const auto known = find_token_owner(*within, tables_, owner);
    if (!known) return known.error();
    if (known->id == 0) return made;
    made.messages = known->messages;
    for (std::size_t at = 0; at < hashes.size(); ++at) {
        const auto word = find_token_word(*within, tables_, *known, hashes[at]);
        if (!word) return word.error();
        if (*word) made.counts[at] = (*word)->counts;
    }
    return made;
}

result<std::vector<std::string>> lmdb_tokens::owners() const {
    std::vector<std::string> names;
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    auto at = lmdb::cursor::open(*within, tables_.owners);
    if (!at) return at.error();
    auto row = at->first();
    for (; row && *row; row = at->next()) names.emplace_back((*row)->key.substr(1));
    if (!row) return row.error();
    return names;
}

result<std::string> lmdb_tokens::largest_owner() const {
    const auto names = owners();
    if (!names) return names.error();
    const auto within = kept_->begin_read();
    if (!within) return within.error();
    std::string largest;
    std::uint64_t most = 0;
    for (const auto& name : *names) {
        const auto known = find_token_owner(*within, tables_, name);
        if (!known) return known.error();
        const auto octets = octets_of(known->words, known->lessons);
        if (octets <= most) continue;
        largest = name;
        most = octets;
    }
    return largest;
}

// Of those of one owner whichever fill more.
result<std::size_t> lmdb_tokens::remove_oldest(std::string_view owner) {
    auto writer = token_writer::begin(*kept_, tables_, owner);
    if (!writer) return writer.error();
    const auto words = writer->owner().words, lessons = writer->owner().lessons;
    const bool of_words = octets_of(words, 0) >= octets_of(0, lessons);
    const auto left = words - std::min<std::uint64_t>(words, step / 4);
    const auto removed = of_words ? writer->remove_words(left, step) : writer->forget_lessons(step / 4);
    if (!removed) return removed;
    if (auto kept = writer->commit(); !kept) return kept.error();
    return removed;
}

// Whoever has most loses its oldest words or lessons: so a mailbox that teaches without end pushes out
// itself.
result<void> lmdb_tokens::make_room(std::uint64_t words) {
    for (;;) {
        {
            const auto within = kept_->begin_read();
            if (!within) return within.error();
            const auto all = lmdb::number_or_zero(*within, tables_.meta, "words");
            if (!all) return all.error();
            const auto lessons = lmdb::number_or_zero(*within, tables_.meta, "lessons");
            if (!lessons) return lessons.error();
            if (octets_of(*all + words, *lessons + 1) <= limits_.octets) return {};
        }
        const auto name = largest_owner();
        if (!name) return name.error();
        const auto removed = remove_oldest(*name);
        if (!removed) return removed.error();
        if (*removed == 0) return {};
    }
}

result<lesson_answer> lmdb_tokens::learn(std::string_view owner, lesson as, std::string_view digest,
                                         std::span<const std::uint64_t> hashes, std::int64_t day) {
    const bool has_digest = !digest.empty() && digest.size() <= digest_max;
    if (!has_digest || !are_sound(owner, hashes)) return storage_errc::invalid;
    const std::lock_guard alone(writing_);
    if (auto room = make_room(hashes.size()); !room) return room.error();
    auto writer = token_writer::begin(*kept_, tables_, owner);
    if (!writer) return writer.error();
    const auto answer = writer->note_lesson(as, digest, limits_);
    if (!answer || *answer == lesson_answer::known) return answer;
    for (const auto token : hashes)
        if (auto counted = writer->count(as, *answer, token, day); !counted) return counted.error();
    writer->halve_beyond(limits_.halve_at);
    const auto most = owner.empty() ? limits_.words_of_server : limits_.words_of_mailbox;
    if (auto removed = writer->remove_words(most, step); !removed) return removed.error();
    if (auto kept = writer->commit(); !kept) return kept.error();
    return answer;
}

// In steps, so that nobody waits long for the writer's turn.
result<bool> lmdb_tokens::forget(std::string_view owner) {
    if (!are_sound(owner, {})) return storage_errc::invalid;
    const std::lock_guard alone(writing_);
    {
        const auto within = kept_->begin_read();
        if (!within) return {boost::system::in_place_error, within.error()};
        const auto known = find_token_owner(*within, tables_, owner);
        if (!known) return {boost::system::in_place_error, known.error()};
        if (known->id == 0) return false;
    }
    for (bool more = true; more;) {
        auto writer = token_writer::begin(*kept_, tables_, owner);
        if (!writer) return {boost::system::in_place_error, writer.error()};
        const auto removed = writer->remove_some(step);
        if (!removed) return {boost::system::in_place_error, removed.error()};
        more = *removed;
        if (auto kept = writer->commit(); !kept) return {boost::system::in_place_error, kept.error()};
    }
    return true;
}

} // namespace

result<std::unique_ptr<tokens>> open_lmdb_tokens(const std::string& state_dir, const tokens_limits& limits) {
    if (limits.octets < octets_min) return storage_errc::invalid;
    auto made = std::make_unique<lmdb_tokens>(state_dir, limits);
    if (auto opened = made->open(); !opened) return opened.error();
    return std::unique_ptr<tokens>(std::move(made));
}

} // namespace postern::storage
