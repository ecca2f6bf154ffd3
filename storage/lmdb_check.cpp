// The format is that of LMDB 0.9 on a 64-bit little-endian machine: mdb.c's MDB_page, MDB_node, MDB_meta and
// MDB_db. Every page may be claimed once, by a tree, by a value or by the list of free pages; a second claim
// is corrupt: it would be a loop, or a live page that LMDB gives out to be overwritten.
#include "storage/lmdb_check.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <tuple>
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
constexpr std::uint64_t unwritten_max = std::uint64_t{1}
                                        << 20; // pages given out and freed again before any was written

constexpr int making_looks = 50;
constexpr auto making_pause = std::chrono::milliseconds(10);

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

// The one that LMDB would go by.
result<meta> read_newest_meta(int file) {
    const auto metas = read_metas(file);
    if (!metas) return metas.error();
    return *std::ranges::max_element(*metas, {}, &meta::transaction_id);
}

// MDB_node, points into its page. Its head: low half of the size or of the child, high half, flags (or the
// child's highest part), length of the key.
struct node {
    std::size_t at = 0, octets = 0; // where it lies in its page
    std::uint16_t flags = 0;
    std::uint64_t size = 0;  // of the value, in a leaf
    std::uint64_t child = 0; // in a branch
    std::string_view key;
    const char* value = nullptr; // or the number of the overflow page that it starts on
};

result<node> node_at(const std::vector<char>& page, std::size_t at, std::uint16_t page_kind) {
    if (at + node_head > page.size()) return storage_errc::corrupt;
    const char* head = page.data() + at;
    const std::uint64_t low = number_at<std::uint32_t>(head);
    const auto flags = number_at<std::uint16_t>(head + 4);
    const std::size_t key = number_at<std::uint16_t>(head + 6);
    std::uint64_t inside = flags == node_overflow ? sizeof(std::uint64_t) : low;
    if (page_kind == page_branch) inside = 0;
    if (node_head + key + inside > page.size() - at) return storage_errc::corrupt;
    const std::size_t octets = (node_head + key + inside + 1) / 2 * 2;
    return node{at,
                octets,
                flags,
                low,
                low | std::uint64_t{flags} << 32,
                {head + node_head, key},
                head + node_head + key};
}

// The nodes fill the page's upper part without gap or overlap: LMDB moves them by their sizes.
bool nodes_tile(std::vector<node> nodes, std::size_t from, std::size_t to) {
    std::ranges::sort(nodes, {}, &node::at);
    for (const node& each : nodes) {
        if (each.at != from) return false;
        from += each.octets;
    }
    return from == to;
}

result<std::vector<node>> read_nodes(const std::vector<char>& page, std::uint16_t page_kind) {
    const std::size_t lower = number_at<std::uint16_t>(page.data() + 12);
    const std::size_t upper = number_at<std::uint16_t>(page.data() + 14);
    if (lower < page_head || lower % 2 != 0 || lower > upper || upper > page.size()) {
        return storage_errc::corrupt;
    }
    std::vector<node> nodes;
    for (std::size_t at = page_head; at < lower; at += 2) {
        const auto found = node_at(page, number_at<std::uint16_t>(page.data() + at), page_kind);
        if (!found) return found.error();
        nodes.push_back(*found);
    }
    if (!nodes_tile(nodes, upper, page.size())) return storage_errc::corrupt;
    return nodes;
}

class page_walk {
  public:
    page_walk(int file, const meta& of, std::uint64_t file_octets)
        : file_(file), page_size_(of.free.pad), pages_(file_octets / of.free.pad),
          transaction_id_(of.transaction_id) {
        if (of.last_page < pages_ + unwritten_max) claimed_.resize(of.last_page + 1);
    }

    enum class table_kind { free_pages, main, named };

    result<void> walk(const tree& of, table_kind kind) {
        if (of.root == no_root) return {};
        if (of.depth == 0 || of.depth > depth_max) return storage_errc::corrupt;
        return walk_page(of.root, of.depth, kind);
    }

  private:
    // `height` pages are left on the way to a leaf, this one included.
    result<void> walk_page(std::uint64_t number, unsigned height, table_kind kind) {
        if (number >= pages_ || !claim(number, 1)) return storage_errc::corrupt;
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
        const auto nodes = read_nodes(page, height > 1 ? page_branch : page_leaf);
        if (!nodes) return nodes.error();
        // LMDB asserts two children; in its own list of free pages it bears one.
        const std::size_t fewest = height > 1 && kind != table_kind::free_pages ? 2 : 1;
        if (nodes->size() < fewest) return storage_errc::corrupt;
        for (const node& each : *nodes) {
            const auto sound = height > 1 ? walk_page(each.child, height - 1, kind) : walk_leaf(each, kind);
            if (!sound) return sound;
        }
        return {};
    }

    result<void> walk_leaf(const node& leaf, table_kind kind) {
        const auto [flags, size, value] = std::tuple(leaf.flags, leaf.size, leaf.value);
        if (kind == table_kind::main && flags == node_table && size == table_octets) {
            const tree named = tree_at(value);
            if (named.flags != 0) return storage_errc::corrupt;
            return walk(named, table_kind::named);
        }
        if (flags != 0 && flags != node_overflow) return storage_errc::corrupt;
        if (flags == node_overflow && !claim_overflow(number_at<std::uint64_t>(value), size)) {
            return storage_errc::corrupt;
        }
        if (kind != table_kind::free_pages) return {};
        if (!next_free_key(leaf.key)) return storage_errc::corrupt;
        if (flags == 0) return claim_free({value, value + size});
        std::vector<char> octets(size);
        const std::uint64_t at_octet = number_at<std::uint64_t>(value) * page_size_ + page_head;
        const auto read = read_exactly(file_, at_octet, octets.data(), octets.size());
        return read ? claim_free(octets) : read;
    }

    bool claim_overflow(std::uint64_t first, std::uint64_t size) {
        const std::uint64_t count = (page_head - 1 + size) / page_size_ + 1;
        return first < pages_ && count <= pages_ - first && claim(first, count);
    }

    // The transaction that freed the pages: in order, and none that has yet to be.
    bool next_free_key(std::string_view key) {
        if (key.size() != sizeof(std::uint64_t)) return false;
        const auto freed_by = number_at<std::uint64_t>(key.data());
        if (freed_by <= last_free_key_ || freed_by > transaction_id_) return false;
        last_free_key_ = freed_by;
        return true;
    }

    // A count, and as many page numbers, the highest first.
    result<void> claim_free(const std::vector<char>& list) {
        constexpr std::size_t width = sizeof(std::uint64_t);
        if (list.size() < width) return storage_errc::corrupt;
        const auto count = number_at<std::uint64_t>(list.data());
        if (count > list.size() / width - 1) return storage_errc::corrupt;
        std::uint64_t last = ~std::uint64_t{0};
        for (std::size_t i = 1; i <= count; ++i) {
            const auto page = number_at<std::uint64_t>(list.data() + i * width);
            if (page >= last || !claim(page, 1)) return storage_errc::corrupt;
            last = page;
        }
        return {};
    }

    bool claim(std::uint64_t first, std::uint64_t count) {
        if (first < 2 || first >= claimed_.size() || count > claimed_.size() - first) return false;
        for (std::uint64_t i = first; i < first + count; ++i) {
            if (claimed_[i]) return false;
            claimed_[i] = true;
        }
        return true;
    }

    int file_;
    std::size_t page_size_;
    std::uint64_t
        pages_; // that the file has; the last ones in use may never have been written, if nothing needs them
    std::uint64_t transaction_id_;
    std::uint64_t last_free_key_ = 0;
    std::vector<bool> claimed_;
};

// LMDB makes the file under its lock, empty at first, and writes both at once.
bool lacks_meta_pages(int file) {
    struct stat facts{};
    return ::fstat(file, &facts) == 0 && facts.st_size < 2 * ::sysconf(_SC_PAGESIZE);
}

} // namespace

result<void> check_meta_pages(const std::string& data_path) {
    const int file = ::open(data_path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return from_errno(errno);
    for (int i = 0; i < making_looks && lacks_meta_pages(file); ++i)
        std::this_thread::sleep_for(making_pause);
    const auto metas = read_metas(file);
    ::close(file);
    if (!metas) return metas.error();
    return {};
}

result<snapshot> check_newest_snapshot(int data_file) {
    const auto newest = read_newest_meta(data_file);
    if (!newest) return newest.error();
    struct stat facts{};
    if (::fstat(data_file, &facts) != 0) return from_errno(errno);
    page_walk pages(data_file, *newest, static_cast<std::uint64_t>(facts.st_size));
    auto sound = pages.walk(newest->free, page_walk::table_kind::free_pages);
    if (sound) sound = pages.walk(newest->main, page_walk::table_kind::main);
    if (!sound && sound.error() != storage_errc::corrupt) return sound.error();
    const auto since = read_newest_meta(data_file);
    if (!since) return since.error();
    if (since->transaction_id != newest->transaction_id) return snapshot::overtaken;
    return sound ? snapshot::sound : snapshot::damaged;
}

} // namespace postern::storage::lmdb
