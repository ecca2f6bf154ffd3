// The format is that of LMDB 0.9 on a 64-bit little-endian machine (lmdb.h has no words for it; mdb.c's
// MDB_page, MDB_node, MDB_meta and MDB_db do). Work is bounded by the number of pages: a page reached twice
// is a loop and corrupt.
#include "storage/lmdb_check.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace postern::storage::lmdb {
namespace {

constexpr std::size_t page_head = 16, node_head = 8, table_octets = 48, meta_octets = 136;
constexpr std::size_t page_size_min = 512, page_size_max = 32768;
constexpr std::uint32_t meta_magic = 0xBEEFC0DE, meta_version = 1;
constexpr std::uint16_t page_branch = 1, page_leaf = 2, page_meta = 8, page_kinds = 0x6f;
constexpr std::uint16_t node_overflow = 1, node_table = 2;
constexpr std::uint16_t free_table_flags = 8; // MDB_INTEGERKEY
constexpr std::uint64_t no_root = ~std::uint64_t{0};
constexpr unsigned depth_max = 32;

template <class Number> Number number_at(const char* octets) {
    Number value{};
    std::memcpy(&value, octets, sizeof value);
    return value;
}

// MDB_db
struct tree {
    std::uint32_t pad = 0;
    std::uint16_t flags = 0;
    std::uint16_t depth = 0;
    std::uint64_t root = no_root;
};
tree tree_at(const char* octets) {
    return {number_at<std::uint32_t>(octets), number_at<std::uint16_t>(octets + 4),
            number_at<std::uint16_t>(octets + 6), number_at<std::uint64_t>(octets + 40)};
}

// MDB_meta
struct meta {
    tree free, main;
    std::uint64_t last_page = 0;
    std::uint64_t transaction_id = 0;
};

// Exactly `length` octets, or corrupt when the file ends before.
result<void> read_exactly(int file, std::uint64_t at, char* into, std::size_t length) {
    while (length > 0) {
        const ssize_t count = ::pread(file, into, length, static_cast<off_t>(at));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return from_errno(errno);
        if (count == 0) return storage_errc::corrupt;
        at += static_cast<std::uint64_t>(count);
        into += count;
        length -= static_cast<std::size_t>(count);
    }
    return {};
}

result<meta> read_meta(int file, std::uint64_t at) {
    std::array<char, page_head + meta_octets> octets{};
    if (const auto read = read_exactly(file, at, octets.data(), octets.size()); !read) return read.error();
    const char* body = octets.data() + page_head;
    const bool is_meta = (number_at<std::uint16_t>(octets.data() + 10) & page_meta) != 0;
    if (!is_meta || number_at<std::uint32_t>(body) != meta_magic) return storage_errc::corrupt;
    if (number_at<std::uint32_t>(body + 4) != meta_version) return storage_errc::newer_format;
    meta found{tree_at(body + 24), tree_at(body + 72), number_at<std::uint64_t>(body + 120),
               number_at<std::uint64_t>(body + 128)};
    const std::uint32_t page_size = found.free.pad;
    const bool power_of_two = (page_size & (page_size - 1)) == 0;
    if (page_size < page_size_min || page_size > page_size_max || !power_of_two) return storage_errc::corrupt;
    if (found.free.flags != free_table_flags || found.main.flags != 0) return storage_errc::corrupt;
    return found;
}

result<std::array<meta, 2>> read_metas(int file) {
    const auto first = read_meta(file, 0);
    if (!first) return first.error();
    const auto second = read_meta(file, first->free.pad);
    if (!second) return second.error();
    if (first->free.pad != second->free.pad) return storage_errc::corrupt;
    return std::array<meta, 2>{*first, *second};
}

class page_walk {
  public:
    page_walk(int file, const meta& of, std::uint64_t file_octets)
        : file_(file), page_size_(of.free.pad), pages_(std::min(of.last_page + 1, file_octets / of.free.pad)),
          left_(pages_) {}

    enum class table_kind { free_pages, main, named };

    result<void> walk(const tree& of, table_kind kind) {
        if (of.root == no_root) return {};
        if (of.depth == 0 || of.depth > depth_max) return storage_errc::corrupt;
        return walk_page(of.root, of.depth, kind);
    }

  private:
    // `height` pages are left on the way to a leaf, this one included.
    result<void> walk_page(std::uint64_t number, unsigned height, table_kind kind) {
        if (number < 2 || number >= pages_ || left_ == 0) return storage_errc::corrupt;
        --left_;
        std::vector<char> page(page_size_);
        const auto read = read_exactly(file_, number * page_size_, page.data(), page.size());
        if (!read) return read;
        const std::uint16_t wanted = height == 1 ? page_leaf : page_branch;
        const auto flags = number_at<std::uint16_t>(page.data() + 10);
        if (number_at<std::uint64_t>(page.data()) != number || (flags & page_kinds) != wanted) {
            return storage_errc::corrupt;
        }
        return walk_nodes(page, height, kind);
    }

    result<void> walk_nodes(const std::vector<char>& page, unsigned height, table_kind kind) {
        const std::size_t lower = number_at<std::uint16_t>(page.data() + 12);
        const std::size_t upper = number_at<std::uint16_t>(page.data() + 14);
        if (lower < page_head || lower % 2 != 0 || lower > upper || upper > page_size_) {
            return storage_errc::corrupt;
        }
        const std::size_t count = (lower - page_head) / 2;
        // LMDB asserts two children; in its own list of free pages it bears one.
        if (height > 1 && count < (kind == table_kind::free_pages ? 1U : 2U)) return storage_errc::corrupt;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = number_at<std::uint16_t>(page.data() + page_head + 2 * i);
            if (at < upper || at + node_head > page_size_) return storage_errc::corrupt;
            const auto sound = height > 1 ? walk_branch(page, at, height, kind) : walk_leaf(page, at, kind);
            if (!sound) return sound;
        }
        return {};
    }

    // MDB_node: low half of the size or page number, high half, flags (or the page number's highest part),
    // length of the key.
    result<void> walk_branch(const std::vector<char>& page, std::size_t at, unsigned height,
                             table_kind kind) {
        const char* node = page.data() + at;
        const std::size_t key = number_at<std::uint16_t>(node + 6);
        if (at + node_head + key > page_size_) return storage_errc::corrupt;
        const std::uint64_t child =
            number_at<std::uint32_t>(node) | std::uint64_t{number_at<std::uint16_t>(node + 4)} << 32;
        return walk_page(child, height - 1, kind);
    }

    result<void> walk_leaf(const std::vector<char>& page, std::size_t at, table_kind kind) {
        const char* node = page.data() + at;
        const std::uint64_t size = number_at<std::uint32_t>(node);
        const auto flags = number_at<std::uint16_t>(node + 4);
        const std::size_t data = at + node_head + number_at<std::uint16_t>(node + 6);
        const std::uint64_t inside = flags == node_overflow ? sizeof(std::uint64_t) : size;
        if (data > page_size_ || inside > page_size_ - data) return storage_errc::corrupt;
        if (kind == table_kind::main && flags == node_table && size == table_octets) {
            const tree named = tree_at(page.data() + data);
            if (named.flags != 0) return storage_errc::corrupt;
            return walk(named, table_kind::named);
        }
        if (flags == node_overflow) return check_overflow(page.data() + data, size);
        if (flags != 0) return storage_errc::corrupt;
        return {};
    }

    result<void> check_overflow(const char* page_number, std::uint64_t size) {
        const auto first = number_at<std::uint64_t>(page_number);
        const std::uint64_t count = (page_head - 1 + size) / page_size_ + 1;
        if (first < 2 || first >= pages_ || count > pages_ - first) return storage_errc::corrupt;
        return {};
    }

    int file_;
    std::size_t page_size_;
    std::uint64_t pages_; // that exist and are in use; the last ones in use may never have been written, if
                          // nothing needs them
    std::uint64_t left_;  // to be visited at most
};

} // namespace

result<void> check_meta_pages(const std::string& data_path) {
    const int file = ::open(data_path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return from_errno(errno);
    const auto metas = read_metas(file);
    ::close(file);
    if (!metas) return metas.error();
    return {};
}

result<snapshot> check_snapshot(int data_file, std::uint64_t transaction_id) {
    const auto metas = read_metas(data_file);
    if (!metas) return metas.error();
    const auto shown = std::ranges::find(*metas, transaction_id, &meta::transaction_id);
    if (shown == metas->end()) return snapshot::overtaken;
    struct stat facts{};
    if (::fstat(data_file, &facts) != 0) return from_errno(errno);
    page_walk pages(data_file, *shown, static_cast<std::uint64_t>(facts.st_size));
    auto sound = pages.walk(shown->free, page_walk::table_kind::free_pages);
    if (sound) sound = pages.walk(shown->main, page_walk::table_kind::main);
    if (!sound) return sound.error();
    return snapshot::sound;
}

} // namespace postern::storage::lmdb
