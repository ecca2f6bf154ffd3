// A block that the kernel doesn't take whole (a device with a larger alignment, a disk that is filling) is
// written in the ordinary way, and so is what follows.
#include "storage/direct_writer.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace postern::storage {
namespace {

std::atomic<int> writers{0};

} // namespace

direct_writer::direct_writer(file_env& files, const file_handle& file, std::unique_ptr<char[]> memory,
                             std::size_t block_size)
    : files_(files), file_(file), memory_(std::move(memory)), block_size_(block_size) {
    void* start = memory_.get();
    std::size_t space = block_size + direct_alignment;
    block_ = static_cast<char*>(std::align(direct_alignment, block_size, start, space));
}

direct_writer::~direct_writer() { --writers; }

// Not operator new with an alignment: glibc before 2.38 can't use again what it freed of such memory.
std::unique_ptr<direct_writer> direct_writer::begin(file_env& files, const file_handle& file,
                                                    std::size_t block_size) {
    if (++writers > direct_writers_max) {
        --writers;
        return nullptr;
    }
    std::unique_ptr<char[]> memory(new (std::nothrow) char[block_size + direct_alignment]);
    std::unique_ptr<direct_writer> made;
    if (memory) made.reset(new (std::nothrow) direct_writer(files, file, std::move(memory), block_size));
    if (!made) --writers;
    if (made && !files.set_direct(file, true)) made.reset();
    return made;
}

result<void> direct_writer::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, block_size_ - gathered_);
        std::memcpy(block_ + gathered_, part.data(), part.size());
        gathered_ += part.size();
        bytes.remove_prefix(part.size());
        if (gathered_ < block_size_) return {};
        if (const auto written = write_block(); !written) return written;
    }
    return {};
}

result<void> direct_writer::write_block() {
    std::string_view left(block_, gathered_);
    gathered_ = 0;
    if (direct_) {
        const auto written = files_.write(file_, left);
        if (!written && written.error() != storage_errc::invalid) return written.error();
        left.remove_prefix(written ? *written : 0);
        if (left.empty()) return {};
        direct_ = false;
        files_.set_direct(file_, false);
    }
    return files_.write_all(file_, left);
}

result<void> direct_writer::finish_with_zeros() {
    const std::size_t more = (direct_alignment - gathered_ % direct_alignment) % direct_alignment;
    std::memset(block_ + gathered_, 0, more);
    gathered_ += more;
    return gathered_ == 0 ? result<void>() : write_block();
}

result<void> direct_writer::finish() {
    if (direct_) files_.set_direct(file_, false);
    direct_ = false;
    return write_block();
}

} // namespace postern::storage
