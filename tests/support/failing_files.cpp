// Each call: count, fail if its turn has come, else pass on.
#include "tests/support/failing_files.hpp"

#include <algorithm>
#include <utility>

namespace postern::testing {

using namespace storage;

void failing_files::set(file_call kind, std::size_t nth, int error, bool stays) {
    const std::lock_guard held(guard_);
    plan_ = plan{kind, calls_[static_cast<std::size_t>(kind)] + nth, error, stays};
    failures_ = 0;
}

void failing_files::fail(file_call kind, std::size_t nth, int error) { set(kind, nth, error, false); }
void failing_files::fail_from(file_call kind, std::size_t nth, int error) { set(kind, nth, error, true); }

void failing_files::shorten() {
    const std::lock_guard held(guard_);
    short_ = true;
}

void failing_files::halve_next_write() {
    const std::lock_guard held(guard_);
    halve_ = true;
}

void failing_files::stop() {
    const std::lock_guard held(guard_);
    plan_.reset();
    short_ = halve_ = false;
}

std::size_t failing_files::calls(file_call kind) const {
    const std::lock_guard held(guard_);
    return calls_[static_cast<std::size_t>(kind)];
}

std::size_t failing_files::failures() const {
    const std::lock_guard held(guard_);
    return failures_;
}

std::size_t failing_files::shortened(std::size_t length) const {
    const std::lock_guard held(guard_);
    return short_ ? std::min<std::size_t>(length, 1) : length;
}

std::size_t failing_files::halved(std::size_t length) {
    const std::lock_guard held(guard_);
    return std::exchange(halve_, false) ? length / 2 : length;
}

std::optional<storage_errc> failing_files::failure_of(file_call kind) {
    const std::lock_guard held(guard_);
    ++calls_[static_cast<std::size_t>(kind)];
    ++calls_[static_cast<std::size_t>(file_call::any)];
    if (!plan_ || (plan_->kind != kind && plan_->kind != file_call::any)) return std::nullopt;
    const std::size_t count = calls_[static_cast<std::size_t>(plan_->kind)];
    if (count != plan_->at && !(plan_->stays && count > plan_->at)) return std::nullopt;
    ++failures_;
    return from_errno(plan_->error);
}

result<file_handle> failing_files::open_folder(const file_handle* folder, const std::string& path,
                                               folder_links links) {
    if (const auto failure = failure_of(file_call::open_folder)) return *failure;
    return real_.open_folder(folder, path, links);
}

result<file_handle> failing_files::open_file(const file_handle* folder, const std::string& name,
                                             open_mode mode) {
    if (const auto failure = failure_of(file_call::open_file)) return *failure;
    return real_.open_file(folder, name, mode);
}

result<void> failing_files::make_folder(const file_handle* folder, const std::string& name) {
    if (const auto failure = failure_of(file_call::make_folder)) return *failure;
    return real_.make_folder(folder, name);
}

result<std::size_t> failing_files::read(const file_handle& file, std::span<char> into) {
    if (const auto failure = failure_of(file_call::read)) return *failure;
    return real_.read(file, into.first(shortened(into.size())));
}

result<void> failing_files::seek(const file_handle& file, std::uint64_t at) {
    if (const auto failure = failure_of(file_call::seek)) return *failure;
    return real_.seek(file, at);
}

result<std::size_t> failing_files::write(const file_handle& file, std::string_view bytes) {
    if (const auto failure = failure_of(file_call::write)) return *failure;
    return real_.write(file, bytes.substr(0, shortened(halved(bytes.size()))));
}

void failing_files::begin_writing(const file_handle& file, std::uint64_t from, std::uint64_t octets) {
    real_.begin_writing(file, from, octets);
}

bool failing_files::set_direct(const file_handle& file, bool direct) {
    if (failure_of(file_call::set_direct)) return false;
    return real_.set_direct(file, direct);
}

result<void> failing_files::sync_data(const file_handle& file) {
    if (const auto failure = failure_of(file_call::sync_data)) return *failure;
    return real_.sync_data(file);
}

result<void> failing_files::sync_folder(const file_handle& folder) {
    if (const auto failure = failure_of(file_call::sync_folder)) return *failure;
    return real_.sync_folder(folder);
}

result<void> failing_files::rename(const file_handle& from_folder, const std::string& from,
                                   const file_handle& to_folder, const std::string& to) {
    if (const auto failure = failure_of(file_call::rename)) return *failure;
    return real_.rename(from_folder, from, to_folder, to);
}

result<void> failing_files::remove(const file_handle& folder, const std::string& name) {
    if (const auto failure = failure_of(file_call::remove)) return *failure;
    return real_.remove(folder, name);
}

result<file_facts> failing_files::facts(const file_handle* folder, const std::string& name) {
    if (const auto failure = failure_of(file_call::facts)) return *failure;
    return real_.facts(folder, name);
}

result<void> failing_files::list(const file_handle& folder,
                                 const std::function<bool(const std::string& name)>& visit) {
    if (const auto failure = failure_of(file_call::list)) return *failure;
    return real_.list(folder, visit);
}

result<std::uint64_t> failing_files::free_bytes(const std::string& path) {
    if (const auto failure = failure_of(file_call::free_bytes)) return *failure;
    return real_.free_bytes(path);
}

} // namespace postern::testing
