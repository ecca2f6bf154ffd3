// A file_env that passes calls on to the real one, counts them, and fails or shortens the Nth of a kind. For
// tests that walk every failure of a piece of code: fail call 1, 2, 3 ... until a run passes without reaching
// the one to fail.
#pragma once

#include "storage/file_env.hpp"

#include <array>
#include <mutex>
#include <optional>

namespace postern::testing {

enum class file_call {
    open_folder,
    open_file,
    make_folder,
    read,
    seek,
    write,
    sync_data,
    sync_folder,
    set_direct,
    rename,
    remove,
    facts,
    list,
    free_bytes,
    any, // whatever its kind
};
inline constexpr std::size_t file_call_kinds = static_cast<std::size_t>(file_call::any) + 1;

class failing_files : public storage::file_env {
  public:
    explicit failing_files(storage::file_env& real = storage::system_files()) : real_(real) {}

    // The nth call of this kind from now on (1 = the next) fails with the errno, without being done; later
    // ones pass.
    void fail(file_call kind, std::size_t nth, int error);
    // As fail(), and every later one of the kind fails too, until stop().
    void fail_from(file_call kind, std::size_t nth, int error);
    // Each read or write moves one octet at most, until stop().
    void shorten();
    void halve_next_write(); // the next write of all moves half of its octets
    void stop();             // no more failures; the counts stay
    std::size_t calls(file_call kind) const;
    std::size_t failures() const; // how many calls were failed

    result<storage::file_handle> open_folder(const storage::file_handle* folder, const std::string& path,
                                             storage::folder_links links) override;
    result<storage::file_handle> open_file(const storage::file_handle* folder, const std::string& name,
                                           storage::open_mode mode) override;
    result<void> make_folder(const storage::file_handle* folder, const std::string& name) override;
    result<std::size_t> read(const storage::file_handle& file, std::span<char> into) override;
    result<void> seek(const storage::file_handle& file, std::uint64_t at) override;
    result<std::size_t> write(const storage::file_handle& file, std::string_view bytes) override;
    result<void> sync_data(const storage::file_handle& file) override;
    result<void> sync_folder(const storage::file_handle& folder) override;
    void begin_writing(const storage::file_handle& file, std::uint64_t from, std::uint64_t octets) override;
    bool set_direct(const storage::file_handle& file, bool direct) override;
    result<void> rename(const storage::file_handle& from_folder, const std::string& from,
                        const storage::file_handle& to_folder, const std::string& to) override;
    result<void> remove(const storage::file_handle& folder, const std::string& name) override;
    result<storage::file_facts> facts(const storage::file_handle* folder, const std::string& name) override;
    result<void> list(const storage::file_handle& folder,
                      const std::function<bool(const std::string& name)>& visit) override;
    result<std::uint64_t> free_bytes(const std::string& path) override;

  private:
    struct plan {
        file_call kind = file_call::any;
        std::size_t at = 0; // the count of that kind at which it strikes
        int error = 0;
        bool stays = false;
    };
    void set(file_call kind, std::size_t nth, int error, bool stays);
    std::optional<storage::storage_errc> failure_of(file_call kind);
    std::size_t shortened(std::size_t length) const;
    std::size_t halved(std::size_t length);

    storage::file_env& real_;
    mutable std::mutex guard_;
    std::array<std::size_t, file_call_kinds> calls_{};
    std::optional<plan> plan_;
    std::size_t failures_ = 0;
    bool short_ = false, halve_ = false;
};

} // namespace postern::testing
