// One write of the journal, pure: new messages as the tables of the queue will hold them, behind a head that
// tells a frame from what lay in its place before: the journal's key, the frame's position and a checksum
// over all of it. A frame is whole or it isn't there. The key is random and never leaves the file, so that
// the octets of a body can't pass for a frame.
//   key 16, position 8, octets 4, messages 4, checksum 8, then for each message
//   id 8, flags 1, due 8, pack 8, offset in it 8, sizes of the three texts 12, record, states, body
// Numbers are big-endian. Zeros fill it up to a multiple of journal_alignment.
#pragma once

#include "storage/queue_tables.hpp"

#include <array>
#include <memory>
#include <span>

namespace postern::storage {

inline constexpr std::size_t journal_alignment = direct_alignment;
using journal_key = std::array<char, 16>;

// What the tables take of a new message; the texts are views.
struct message_rows {
    queue_id id;
    std::optional<std::int64_t> due;
    std::optional<packed_place> place; // of a body in a pack
    std::string_view record, states;
    std::optional<std::string_view> body; // nullopt: it is in a file
};

class journal_frame {
  public:
    // Of operations that check_operation() let pass, each an insert_message; a body in pieces needs its
    // place.
    journal_frame(std::span<const queue_operation* const> inserts, const packed_places& places);
    // The frame that begins `octets`; nullopt: there is none with this key, at `from` or behind it. corrupt:
    // it is whole, and was not made by this program.
    static result<std::optional<journal_frame>> read(std::string_view octets, const journal_key& key,
                                                     std::uint64_t from);

    // Octets of the frame that seems to begin here, by its head.
    static std::size_t size_of(std::string_view head);

    // Before it is written.
    void seal(const journal_key& key, std::uint64_t position);
    bool is_sealed() const { return sealed_; }
    void spoil();                                               // it is a frame no more
    std::string_view octets() const { return {start_, size_}; } // aligned to journal_alignment, start and end
    std::uint64_t end() const { return position_ + size_; }     // where the next one may begin
    std::uint64_t position() const { return position_; }
    const std::vector<message_rows>& messages() const { return messages_; } // views into this frame

  private:
    explicit journal_frame(std::size_t size);
    result<void> find_messages(std::size_t octets, std::size_t count);

    std::unique_ptr<char[]> memory_;
    char* start_ = nullptr; // within memory_
    std::size_t size_ = 0, used_ = 0;
    std::uint64_t position_ = 0;
    bool sealed_ = false;
    std::vector<message_rows> messages_;
};

} // namespace postern::storage
