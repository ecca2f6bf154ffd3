// The journal before the queue's tables: a file of fixed size whose blocks were all written once, used in a
// ring. What is appended is durable after one write and one flush, where a transaction of the tables needs
// two flushes and copies of their pages; the tables take it over later, many frames at a time, and say how
// far they are. Positions only grow: one modulo the ring's size is a place in the file.
#pragma once

#include "storage/journal_frame.hpp"

#include <atomic>

namespace postern::storage {

class journal {
  public:
    struct found {
        std::vector<journal_frame> frames; // in their order, from `paid` on
        std::uint64_t gaps = 0;            // between them: of what was never answered, or damaged since
    };
    // Of the state folder; both outlive it. `octets`: of a ring that has to be made; 0: none is.
    journal(file_env& files, const file_handle& state, std::string state_dir, std::uint64_t octets);
    // Opens the file, or makes it: then, or when it can't be made, nothing is found. `paid`: the position up
    // to which the tables have everything. corrupt, newer_format: not a journal, or a later version's.
    result<found> open(std::uint64_t paid);
    // What a command sees beside a server, or without one: the frames at `from` and behind it, in a row.
    result<std::vector<journal_frame>> look(std::uint64_t from);
    // Is it there for the taking? Any thread.
    static result<bool> is_there(file_env& files, const file_handle& state);

    // One thread only. Durable when it returns without an error. busy: no room, until more is released.
    // too_large: for any room. After another error nobody knows what is on the disk: give_up() has to follow.
    // The frame has its position, is_sealed(), in any case but these two.
    result<void> append(journal_frame& frame);
    // Nothing more is written, but for a try to make the frame unreadable.
    void give_up(journal_frame& frame);
    bool is_lost() const { return lost_.load(); } // it was given up, and no other was made. Any thread
    // Any thread: the tables have everything up to there.
    void release(std::uint64_t up_to) { paid_.store(up_to); }
    bool is_usable() const { return usable_.load(); }
    // For the tables' thread, while it isn't usable and nothing is owed: makes another, if that can be.
    void make_again(std::uint64_t position);

  private:
    result<void> make();
    result<void> write_new(const file_handle& file);
    result<void> read_head(const file_handle& file);
    result<found> read_frames(const file_handle& file, std::uint64_t paid);
    result<std::optional<journal_frame>> read_frame(const file_handle& file, std::uint64_t position);
    result<void> write(const journal_frame& frame);
    void begin(file_handle file, std::uint64_t position);

    file_env& files_;
    const file_handle& state_;
    const std::string state_dir_;
    const std::uint64_t wanted_octets_;
    file_handle file_;
    journal_key key_{};
    std::uint64_t ring_ = 0, position_ = 0; // octets of the ring; where the next frame goes
    bool direct_ = false;
    std::atomic<std::uint64_t> paid_{0};
    std::atomic<bool> usable_{false}, lost_{false};
};
} // namespace postern::storage
