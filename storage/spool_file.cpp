// Order is everything here: octets, then the file's flush, then its folder's flush, then (in the queue) the
// record that names it. The folders themselves were made and flushed by queue::open.
#include "storage/spool_file.hpp"

#include <utility>

namespace postern::storage {
namespace {

// The character with bits 10 to 14 of the id, the lowest of the microseconds: the two after it are a counter,
// nearly always 0.
constexpr std::size_t spreading_character = 10;
constexpr unsigned spreading_bits = 10; // below them

constexpr std::string_view pack_ending = ".pack";

// The disk works while a large message comes in, not only at its end.
constexpr std::uint64_t write_behind = 1024 * 1024;

// Most messages are delivered from the cache. What is above this goes to the disk by the short way. A
// multiple of direct_alignment.
constexpr std::uint64_t cached_of_one = 1024 * 1024;

// Missing only when somebody removed it under a running server.
result<file_handle> make_subfolder(file_env& files, const file_handle& bodies, const std::string& name) {
    if (const auto made = files.make_folder(&bodies, name); !made && made.error() != storage_errc::exists) {
        return made.error();
    }
    if (const auto flushed = files.sync_folder(bodies); !flushed) return flushed.error();
    return files.open_folder(&bodies, name, folder_links::refuse);
}

} // namespace

std::string body_path(queue_id id) {
    const std::string text = id.to_string();
    std::string path(1, text[spreading_character]);
    path += '/';
    path += text;
    return path;
}

std::string pack_path(queue_id first) { return body_path(first).append(pack_ending); }

std::optional<queue_id> pack_of_name(std::string_view name) {
    if (!name.ends_with(pack_ending)) return std::nullopt;
    return queue_id::parse(name.substr(0, name.size() - pack_ending.size()));
}

std::string body_subfolder(std::size_t index) {
    const std::string path = body_path(queue_id{std::uint64_t{index} << spreading_bits});
    return path.substr(0, path.find('/'));
}

spool_file::spool_file(file_env& files, file_handle folder, std::string name, file_handle file, spool_use use)
    : files_(files), folder_(std::move(folder)), name_(std::move(name)), file_(std::move(file)), use_(use) {}

std::uint64_t spool_file::cached_max() const { return use_ == spool_use::as_it_comes ? cached_of_one : 0; }

spool_file::~spool_file() {
    if (kept_) return;
    file_.reset();
    (void)files_.remove(folder_, name_); // if that fails recovery finds it: no record names it
}

result<std::unique_ptr<spool_file>> spool_file::create(file_env& files, const file_handle& bodies,
                                                       const std::string& path, spool_use use) {
    const std::string subfolder = path.substr(0, path.find('/'));
    auto folder = files.open_folder(&bodies, subfolder, folder_links::refuse);
    if (!folder && folder.error() == storage_errc::not_found) {
        folder = make_subfolder(files, bodies, subfolder);
    }
    if (!folder) return folder.error();
    std::string name = path.substr(subfolder.size() + 1);
    auto file = files.open_file(&*folder, name, open_mode::create_new);
    if (!file) return file.error();
    return std::unique_ptr<spool_file>(
        new spool_file(files, std::move(*folder), std::move(name), std::move(*file), use));
}

result<void> spool_file::append(std::string_view bytes) {
    if (failed_) return storage_errc::io;
    const auto cached = bytes.substr(0, size_ < cached_max() ? cached_max() - size_ : 0);
    auto written = append_cached(cached);
    if (written && cached.size() < bytes.size()) written = append_rest(bytes.substr(cached.size()));
    failed_ = !written;
    return written;
}

result<void> spool_file::append_cached(std::string_view bytes) {
    if (bytes.empty()) return {};
    const auto written = files_.write_all(file_, bytes);
    if (!written) return written;
    size_ += bytes.size();
    if (size_ - begun_ >= write_behind) {
        files_.begin_writing(file_, begun_, size_ - begun_);
        begun_ = size_;
    }
    return written;
}

result<void> spool_file::append_rest(std::string_view bytes) {
    if (size_ == cached_max()) {
        const bool is_one = use_ == spool_use::as_it_comes;
        past_cache_ = direct_writer::begin(files_, file_, is_one ? direct_block_size : direct_block_large);
    }
    if (!past_cache_) return append_cached(bytes);
    size_ += bytes.size();
    return past_cache_->append(bytes);
}

result<void> spool_file::end_direct() {
    if (!past_cache_) return {};
    const auto ended =
        use_ == spool_use::as_it_comes ? past_cache_->finish() : past_cache_->finish_with_zeros();
    past_cache_.reset();
    return ended;
}

result<file_handle> spool_file::reader() {
    if (failed_) return storage_errc::io;
    const auto written = end_direct();
    failed_ = !written;
    if (!written) return written.error();
    return files_.open_file(&folder_, name_, open_mode::read);
}

// A flush that failed may have thrown the octets away and would succeed the next time: it is never asked
// again.
result<void> spool_file::make_durable() {
    if (failed_) return storage_errc::io;
    auto flushed = end_direct();
    if (flushed) flushed = files_.sync_data(file_);
    if (flushed) flushed = files_.sync_folder(folder_);
    failed_ = !flushed;
    return flushed;
}

} // namespace postern::storage
