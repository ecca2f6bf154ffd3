// The file is made under another name and gets its own when it is whole and flushed: one without a head under
// that name is damage. It is never written in place but by append().
#include "storage/journal.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/random.h>

namespace postern::storage {
namespace {

constexpr const char* name = "journal";
constexpr const char* unfinished = "journal.new";
constexpr std::string_view magic = "postern journal ";
constexpr std::uint64_t version = 1;
constexpr std::uint64_t ring_begin = journal_alignment; // behind the head
constexpr std::uint64_t part_of_disk = 8; // a journal may take one part of so many of what is free
constexpr std::uint64_t ring_max = 1024 * 1024 * 1024;

result<journal_key> new_key() {
    journal_key key{};
    const auto got = ::getrandom(key.data(), key.size(), 0);
    if (got != static_cast<ssize_t>(key.size())) return from_errno(got < 0 ? errno : EIO);
    return key;
}

// magic 16, version 8, octets of the ring 8, key 16; zeros to the end of the block.
std::string head_of(std::uint64_t ring, const journal_key& key) {
    std::string head(magic);
    append_big_endian(head, version);
    append_big_endian(head, ring);
    head.append(key.data(), key.size());
    head.resize(ring_begin, '\0');
    return head;
}

result<void> read_whole(file_env& files, const file_handle& file, std::span<char> into) {
    while (!into.empty()) {
        const auto count = files.read(file, into);
        if (!count) return count.error();
        if (*count == 0) return storage_errc::corrupt;
        into = into.subspan(*count);
    }
    return {};
}

} // namespace

journal::journal(file_env& files, const file_handle& state, std::string state_dir, std::uint64_t octets)
    : files_(files), state_(state), state_dir_(std::move(state_dir)),
      wanted_octets_(octets / journal_alignment * journal_alignment) {}

result<bool> journal::is_there(file_env& files, const file_handle& state) {
    const auto present = files.facts(&state, name);
    if (!present && present.error() != storage_errc::not_found)
        return {boost::system::in_place_error, present.error()};
    return {boost::system::in_place_value, present.has_value()};
}

result<journal::found> journal::open(std::uint64_t paid) {
    const auto present = is_there(files_, state_);
    if (!present) return present.error();
    if (!*present) {
        make_again(paid);
        return found();
    }
    auto file = files_.open_file(&state_, name, open_mode::change);
    if (!file) return file.error();
    if (const auto known = read_head(*file); !known) return known.error();
    auto frames = read_frames(*file, paid);
    if (!frames) return frames;
    paid_ = paid;
    begin(std::move(*file), frames->frames.empty() ? paid : frames->frames.back().end());
    return frames;
}

result<void> journal::read_head(const file_handle& file) {
    std::string head(ring_begin, '\0');
    if (const auto read = read_whole(files_, file, head); !read) return read;
    if (!head.starts_with(magic)) return storage_errc::corrupt;
    if (big_endian(std::string_view(head).substr(16, 8)) > version) return storage_errc::newer_format;
    ring_ = big_endian(std::string_view(head).substr(24, 8));
    std::copy_n(head.begin() + 32, key_.size(), key_.begin());
    const bool sound =
        head == head_of(ring_, key_) && ring_ != 0 && ring_ <= ring_max && ring_ % journal_alignment == 0;
    return sound ? result<void>() : storage_errc::corrupt;
}

result<journal::found> journal::read_frames(const file_handle& file, std::uint64_t paid) {
    std::string ring(ring_, '\0');
    if (const auto read = read_whole(files_, file, ring); !read) return read.error();
    found all;
    for (std::size_t at = 0; at < ring.size();) {
        auto frame = journal_frame::read(std::string_view(ring).substr(at), key_, paid);
        if (!frame) return frame.error();
        const bool is_here = *frame && (*frame)->position() % ring_ == at;
        at += is_here ? (*frame)->octets().size() : journal_alignment;
        if (is_here) all.frames.push_back(std::move(**frame));
    }
    std::ranges::sort(all.frames, {}, &journal_frame::position);
    std::uint64_t expected = paid;
    for (const auto& frame : all.frames) {
        const std::uint64_t next_lap = (expected + ring_ - 1) / ring_ * ring_;
        const bool went_round = frame.position() == next_lap && next_lap - expected < frame.octets().size();
        if (frame.position() != expected && !went_round) ++all.gaps;
        expected = frame.end();
    }
    return all;
}

result<std::optional<journal_frame>> journal::read_frame(const file_handle& file, std::uint64_t position) {
    std::optional<journal_frame> none;
    const std::uint64_t at = position % ring_;
    if (const auto there = files_.seek(file, ring_begin + at); !there) return there.error();
    std::string octets(journal_alignment, '\0');
    if (const auto read = read_whole(files_, file, octets); !read) return read.error();
    const std::size_t size = journal_frame::size_of(octets);
    if (size > ring_ - at) return none;
    if (size > octets.size()) {
        octets.resize(size);
        const auto rest = std::span(octets).subspan(journal_alignment);
        if (const auto read = read_whole(files_, file, rest); !read) return read.error();
    }
    auto frame = journal_frame::read(octets, key_, position);
    if (frame && *frame && (*frame)->position() != position) return none;
    return frame;
}

result<std::vector<journal_frame>> journal::look(std::uint64_t from) {
    std::vector<journal_frame> row;
    const auto file = files_.open_file(&state_, name, open_mode::read);
    if (!file && file.error() == storage_errc::not_found) return row;
    if (!file) return file.error();
    if (const auto known = read_head(*file); !known) return known.error();
    for (std::uint64_t position = from; position - from < ring_;) {
        auto frame = read_frame(*file, position);
        const std::uint64_t next_lap = (position + ring_ - 1) / ring_ * ring_;
        if (frame && !*frame && next_lap != position) frame = read_frame(*file, next_lap);
        if (!frame) return frame.error();
        if (!*frame) break;
        position = (*frame)->end();
        row.push_back(std::move(**frame));
    }
    return row;
}

void journal::begin(file_handle file, std::uint64_t position) {
    file_ = std::move(file);
    position_ = position;
    direct_ = files_.set_direct(file_, true);
    lost_ = false;
    usable_ = true;
}

result<void> journal::write_new(const file_handle& file) {
    constexpr std::size_t piece_octets = 1024 * 1024;
    auto done = files_.write_all(file, head_of(ring_, key_));
    const std::string zeros(piece_octets, '\0');
    for (std::uint64_t left = ring_; done && left > 0;) {
        const auto piece = std::string_view(zeros).substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_octets)));
        done = files_.write_all(file, piece);
        left -= piece.size();
    }
    return done ? files_.sync_data(file) : done;
}

// Removals of what isn't there fail, and that is all right.
result<void> journal::make() {
    const auto free = files_.free_bytes(state_dir_);
    if (!free) return free.error();
    if (*free / part_of_disk < wanted_octets_) return storage_errc::no_space;
    const auto key = new_key();
    if (!key) return key.error();
    key_ = *key;
    ring_ = wanted_octets_;
    (void)files_.remove(state_, unfinished);
    (void)files_.remove(state_, name);
    auto file = files_.open_file(&state_, unfinished, open_mode::create_new);
    if (!file) return file.error();
    auto done = write_new(*file);
    if (done) done = files_.rename(state_, unfinished, state_, name);
    if (done) done = files_.sync_folder(state_);
    if (!done) (void)files_.remove(state_, unfinished);
    return done;
}

void journal::make_again(std::uint64_t position) {
    if (wanted_octets_ == 0 || !make()) return;
    auto file = files_.open_file(&state_, name, open_mode::change);
    if (!file) return;
    paid_ = position;
    begin(std::move(*file), position);
}

result<void> journal::append(journal_frame& frame) {
    if (!is_usable()) return storage_errc::busy;
    const std::uint64_t size = frame.octets().size();
    if (size > ring_) return storage_errc::too_large;
    std::uint64_t at = position_;
    if (at % ring_ + size > ring_) at += ring_ - at % ring_;
    const std::uint64_t paid = paid_.load();
    if (at < paid || at + size - paid > ring_) return storage_errc::busy;
    frame.seal(key_, at);
    position_ = frame.end();
    return write(frame);
}

void journal::give_up(journal_frame& frame) {
    frame.spoil();
    if (files_.seek(file_, ring_begin + frame.position() % ring_))
        (void)files_.write(file_, frame.octets().substr(0, journal_alignment));
    lost_ = true;
    usable_ = false;
}

// Some file systems and disks take a write past the kernel's cache only in larger blocks, or none.
result<void> journal::write(const journal_frame& frame) {
    const auto begin = [&] { return files_.seek(file_, ring_begin + frame.position() % ring_); };
    auto done = begin();
    if (done) done = files_.write_all(file_, frame.octets());
    if (!done && done.error() == storage_errc::invalid && direct_) {
        direct_ = !files_.set_direct(file_, false);
        done = begin();
        if (done) done = files_.write_all(file_, frame.octets());
    }
    return done ? files_.sync_data(file_) : done;
}

} // namespace postern::storage
