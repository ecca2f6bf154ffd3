#include "storage/tables/tokens_tables.hpp"

#include "storage/big_endian.hpp"
#include "storage/lmdb_tables.hpp"

#include <algorithm>
#include <vector>

namespace postern::storage {
namespace {

constexpr std::uint64_t format_version = 1;
constexpr std::uint64_t count_max = 0xffffffff;

std::string owner_key(std::string_view owner) { return std::string("o").append(owner); }

std::string id_key(std::uint64_t id) {
    std::string key;
    append_big_endian(key, id, 4);
    return key;
}

std::string word_key(std::uint64_t id, std::uint64_t token) {
    std::string key = id_key(id);
    append_big_endian(key, token);
    return key;
}

std::string age_key(std::uint64_t id, std::int64_t day, std::uint64_t token) {
    std::string key = id_key(id);
    append_big_endian(key, static_cast<std::uint64_t>(std::clamp<std::int64_t>(day, 0, count_max)), 4);
    append_big_endian(key, token);
    return key;
}

std::string lesson_key(std::uint64_t id, std::string_view digest) { return id_key(id).append(digest); }

std::string encode_owner(const token_owner& owner) {
    std::string value = id_key(owner.id);
    append_big_endian(value, owner.messages.spam);
    append_big_endian(value, owner.messages.ham);
    append_big_endian(value, owner.halvings, 4);
    append_big_endian(value, owner.words);
    append_big_endian(value, owner.lessons);
    append_big_endian(value, owner.next_lesson);
    return value;
}

constexpr std::size_t owner_octets = 4 + 8 + 8 + 4 + 8 + 8 + 8;
constexpr std::size_t word_octets = 4 * 4;
constexpr std::size_t age_octets = 4 + 4 + 8;
constexpr std::size_t lesson_octets = 1 + 8;

std::uint64_t number_at(std::string_view octets, std::size_t at, std::size_t length) {
    return big_endian(octets.substr(at, length));
}

std::uint64_t minus_one(std::uint64_t count) { return count == 0 ? 0 : count - 1; }

std::uint64_t& of(lesson as, token_counts& counts) { return as == lesson::spam ? counts.spam : counts.ham; }

lesson other(lesson as) { return as == lesson::spam ? lesson::ham : lesson::spam; }

result<token_tables> open_in(lmdb::transaction& within, lmdb::when_absent absent) {
    token_tables tables;
    const auto opened = lmdb::open_tables(within,
                                          {{"owners", tables.owners},
                                           {"words", tables.words},
                                           {"ages", tables.ages},
                                           {"lessons", tables.lessons},
                                           {"order", tables.order},
                                           {"meta", tables.meta}},
                                          absent);
    if (!opened) return opened.error();
    const auto version = lmdb::format_in(within, tables.meta, format_version);
    if (!version) return version.error();
    if (absent == lmdb::when_absent::make && *version == 0) {
        const auto put =
            within.put(tables.meta, "format", big_endian_octets(format_version), lmdb::put_mode::replace);
        if (!put) return put.error();
    }
    return tables;
}

// Keys of a table that begin with the id, at most `limit`.
result<std::vector<std::string>> keys_of(const lmdb::transaction& within, lmdb::table rows, std::uint64_t id,
                                         std::size_t limit) {
    std::vector<std::string> keys;
    const std::string prefix = id_key(id);
    auto at = lmdb::cursor::open(within, rows);
    if (!at) return at.error();
    auto row = at->seek(prefix);
    for (; row && *row && (*row)->key.starts_with(prefix) && keys.size() < limit; row = at->next())
        keys.emplace_back((*row)->key);
    if (!row) return row.error();
    return keys;
}

} // namespace

result<token_tables> open_token_tables(lmdb::environment& in) { return lmdb::open_or_make(in, &open_in); }

result<token_owner> find_token_owner(const lmdb::transaction& within, const token_tables& tables,
                                     std::string_view owner) {
    token_owner made;
    const auto found = within.get(tables.owners, owner_key(owner));
    if (!found) return found.error();
    if (!*found) return made;
    const std::string_view value = **found;
    if (value.size() != owner_octets) return storage_errc::corrupt;
    made.id = number_at(value, 0, 4);
    made.messages = {number_at(value, 4, 8), number_at(value, 12, 8)};
    made.halvings = number_at(value, 20, 4);
    made.words = number_at(value, 24, 8);
    made.lessons = number_at(value, 32, 8);
    made.next_lesson = number_at(value, 40, 8);
    return made;
}

result<std::optional<token_word>> find_token_word(const lmdb::transaction& within, const token_tables& tables,
                                                  const token_owner& of, std::uint64_t token) {
    const auto found = within.get(tables.words, word_key(of.id, token));
    if (!found) return {boost::system::in_place_error, found.error()};
    if (!*found || (*found)->size() != word_octets) return std::optional<token_word>();
    const std::string_view value = **found;
    const auto halvings = of.halvings - std::min(of.halvings, number_at(value, 8, 4));
    const auto shift = std::min<std::uint64_t>(halvings, 63);
    token_word word;
    word.counts = {number_at(value, 0, 4) >> shift, number_at(value, 4, 4) >> shift};
    word.day = static_cast<std::int64_t>(number_at(value, 12, 4));
    return std::optional(word);
}

result<token_writer> token_writer::begin(lmdb::environment& in, const token_tables& tables,
                                         std::string_view owner) {
    auto within = in.begin_write();
    if (!within) return within.error();
    token_writer made(std::move(*within), tables, std::string(owner));
    if (auto loaded = made.load(); !loaded) return loaded.error();
    return made;
}

result<void> token_writer::load() {
    const auto found = find_token_owner(within_, tables_, name_);
    if (!found) return found.error();
    const auto words = lmdb::number_or_zero(within_, tables_.meta, "words");
    if (!words) return words.error();
    const auto ids = lmdb::number_or_zero(within_, tables_.meta, "owners");
    if (!ids) return ids.error();
    const auto lessons = lmdb::number_or_zero(within_, tables_.meta, "lessons");
    if (!lessons) return lessons.error();
    owner_ = *found;
    all_words_ = *words;
    all_lessons_ = *lessons;
    ids_ = *ids;
    if (owner_.id == 0) owner_.id = ++ids_;
    return {};
}

result<lesson_answer> token_writer::note_lesson(lesson as, std::string_view digest,
                                                const tokens_limits& limits) {
    const auto key = lesson_key(owner_.id, digest);
    const auto before = within_.get(tables_.lessons, key);
    if (!before) return before.error();
    const bool is_known = *before && (*before)->size() == lesson_octets;
    if (is_known && (*before)->front() == static_cast<char>(as)) return lesson_answer::known;
    const std::uint64_t number = is_known ? number_at(**before, 1, 8) : owner_.next_lesson++;
    std::string value(1, static_cast<char>(as));
    append_big_endian(value, number);
    if (auto put = within_.put(tables_.lessons, key, value, lmdb::put_mode::replace); !put)
        return put.error();
    ++of(as, owner_.messages);
    if (is_known) {
        auto& was = of(other(as), owner_.messages);
        was = minus_one(was);
        return lesson_answer::moved;
    }
    std::string order = id_key(owner_.id);
    append_big_endian(order, number);
    if (auto put = within_.put(tables_.order, order, digest, lmdb::put_mode::replace); !put)
        return put.error();
    ++all_lessons_;
    if (++owner_.lessons > limits.lessons)
        if (auto forgot = forget_oldest_lesson(); !forgot) return forgot.error();
    return lesson_answer::learned;
}

result<void> token_writer::forget_oldest_lesson() {
    const auto keys = keys_of(within_, tables_.order, owner_.id, 1);
    if (!keys) return keys.error();
    if (keys->empty()) return {};
    const auto digest = within_.get(tables_.order, keys->front());
    if (!digest) return digest.error();
    if (*digest) {
        const auto key = lesson_key(owner_.id, **digest);
        if (auto removed = within_.remove(tables_.lessons, key); !removed) return removed.error();
    }
    if (auto removed = within_.remove(tables_.order, keys->front()); !removed) return removed.error();
    owner_.lessons = minus_one(owner_.lessons);
    all_lessons_ = minus_one(all_lessons_);
    return {};
}

result<std::size_t> token_writer::forget_lessons(std::size_t limit) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(limit, owner_.lessons));
    for (std::size_t i = 0; i < count; ++i)
        if (auto forgot = forget_oldest_lesson(); !forgot) return forgot.error();
    return count;
}

void token_writer::halve_beyond(std::uint64_t messages) {
    while (std::max(owner_.messages.spam, owner_.messages.ham) > messages) {
        owner_.messages = {owner_.messages.spam / 2, owner_.messages.ham / 2};
        ++owner_.halvings;
    }
}

result<void> token_writer::count(lesson as, lesson_answer how, std::uint64_t token, std::int64_t day) {
    const auto before = find_token_word(within_, tables_, owner_, token);
    if (!before) return before.error();
    token_word word = before->value_or(token_word{});
    auto& counts = of(as, word.counts);
    counts = std::min(counts + 1, count_max);
    if (how == lesson_answer::moved) {
        auto& was = of(other(as), word.counts);
        was = minus_one(was);
    }
    word.day = std::clamp<std::int64_t>(day, 0, count_max);
    return put_word(token, word, *before);
}

result<void> token_writer::put_word(std::uint64_t token, const token_word& word,
                                    const std::optional<token_word>& before) {
    std::string value;
    append_big_endian(value, word.counts.spam, 4);
    append_big_endian(value, word.counts.ham, 4);
    append_big_endian(value, owner_.halvings, 4);
    append_big_endian(value, static_cast<std::uint64_t>(word.day), 4);
    const auto key = word_key(owner_.id, token);
    if (auto put = within_.put(tables_.words, key, value, lmdb::put_mode::replace); !put) return put;
    if (before && before->day == word.day) return {};
    if (before) {
        auto removed = within_.remove(tables_.ages, age_key(owner_.id, before->day, token));
        if (!removed) return removed.error();
    } else {
        ++owner_.words;
        ++all_words_;
    }
    return within_.put(tables_.ages, age_key(owner_.id, word.day, token), {}, lmdb::put_mode::replace);
}

result<std::size_t> token_writer::remove_words(std::uint64_t most, std::size_t limit) {
    if (owner_.words <= most) return 0;
    const auto keys = keys_of(within_, tables_.ages, owner_.id, limit);
    if (!keys) return keys.error();
    std::size_t count = 0;
    for (const auto& key : *keys) {
        if (owner_.words <= most) break;
        if (auto removed = within_.remove(tables_.ages, key); !removed) return removed.error();
        if (key.size() != age_octets) continue;
        const auto gone = within_.remove(tables_.words, word_key(owner_.id, number_at(key, 8, 8)));
        if (!gone) return gone.error();
        if (!*gone) continue;
        owner_.words = minus_one(owner_.words);
        all_words_ = minus_one(all_words_);
        ++count;
    }
    return count;
}

result<std::size_t> token_writer::remove_from(lmdb::table rows, std::size_t limit) {
    const auto keys = keys_of(within_, rows, owner_.id, limit);
    if (!keys) return keys.error();
    for (const auto& key : *keys)
        if (auto removed = within_.remove(rows, key); !removed) return removed.error();
    return keys->size();
}

result<bool> token_writer::remove_some(std::size_t limit) {
    const auto words = remove_from(tables_.words, limit);
    if (!words) return {boost::system::in_place_error, words.error()};
    all_words_ -= std::min<std::uint64_t>(all_words_, *words);
    owner_.words -= std::min<std::uint64_t>(owner_.words, *words);
    const auto lessons = remove_from(tables_.lessons, limit);
    if (!lessons) return {boost::system::in_place_error, lessons.error()};
    all_lessons_ -= std::min<std::uint64_t>(all_lessons_, *lessons);
    std::size_t count = *words + *lessons;
    for (const auto rows : {tables_.ages, tables_.order}) {
        const auto removed = remove_from(rows, limit);
        if (!removed) return {boost::system::in_place_error, removed.error()};
        count += *removed;
    }
    gone_ = count == 0;
    return !gone_;
}

result<void> token_writer::commit() {
    const auto key = owner_key(name_);
    if (gone_) {
        if (auto removed = within_.remove(tables_.owners, key); !removed) return removed.error();
    } else if (auto put = within_.put(tables_.owners, key, encode_owner(owner_), lmdb::put_mode::replace);
               !put) {
        return put;
    }
    for (const auto& [name, number] :
         {std::pair("words", all_words_), std::pair("lessons", all_lessons_), std::pair("owners", ids_)}) {
        const auto put = within_.put(tables_.meta, name, big_endian_octets(number), lmdb::put_mode::replace);
        if (!put) return put;
    }
    return within_.commit();
}

} // namespace postern::storage
