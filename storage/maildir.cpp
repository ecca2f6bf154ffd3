// tmp -> new. The message counts from the moment its entry in new/ is flushed; before that an error leaves
// nothing in new/, with one exception: if flushing new/ fails and the entry can't be taken back, the message
// may be delivered twice.
#include "storage/maildir.hpp"

#include "protocol/mail/field_filter.hpp"
#include "storage/maildir_quota.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace postern::storage {
namespace {

using boost::system::in_place_error;

constexpr std::size_t block_size = 64 * 1024;
constexpr int max_names = 8; // of one delivery; more mean that the name is not unique at all
constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

struct open_maildir {
    file_handle box; // the Maildir itself, also where the others are of a folder of it
    file_handle temporary, fresh;
};

result<open_maildir> open_existing(file_env& files, const file_handle& base, const std::string& relative,
                                   const std::string& folder) {
    auto box = files.open_folder(&base, relative, folder_links::refuse);
    if (!box) return box.error();
    const auto below = [&](const std::string& name) {
        return files.open_folder(&*box, folder.empty() ? name : "." + folder + "/" + name,
                                 folder_links::refuse);
    };
    auto temporary = below("tmp");
    if (!temporary) return temporary.error();
    auto fresh = below("new");
    if (!fresh) return fresh.error();
    return open_maildir{std::move(*box), std::move(*temporary), std::move(*fresh)};
}

// Flushed even when another delivery has just made it: that one may not have come to its own flush yet.
result<void> make_durable_folder(file_env& files, const file_handle& parent, const std::string& name) {
    const auto made = files.make_folder(&parent, name);
    if (!made && made.error() != storage_errc::exists) return made;
    return files.sync_folder(parent);
}

// tmp is made last: where it is, all else is on disk.
result<void> make_parts(file_env& files, const file_handle& at) {
    for (const auto* const name : {"cur", "new", "tmp"})
        if (auto made = make_durable_folder(files, at, name); !made) return made;
    return {};
}

// The file `maildirfolder` says of a folder that it is none of its own (Maildir++).
result<void> make_folder_of(file_env& files, const file_handle& box, const std::string& folder) {
    if (auto made = make_durable_folder(files, box, "." + folder); !made) return made;
    const auto at = files.open_folder(&box, "." + folder, folder_links::refuse);
    if (!at) return at.error();
    const auto mark = files.open_file(&*at, "maildirfolder", open_mode::create_new);
    if (!mark && mark.error() != storage_errc::exists) return mark.error();
    return make_parts(files, *at);
}

result<void> make_maildir(file_env& files, const file_handle& base, std::string_view relative) {
    file_handle at;
    while (!relative.empty()) {
        const auto end = std::min(relative.find('/'), relative.size());
        const std::string name(relative.substr(0, end));
        relative.remove_prefix(std::min(end + 1, relative.size()));
        const auto& parent = at.is_open() ? at : base;
        if (auto made = make_durable_folder(files, parent, name); !made) return made;
        auto next = files.open_folder(&parent, name, folder_links::refuse);
        if (!next) return next.error();
        at = std::move(*next);
    }
    return make_parts(files, at);
}

result<open_maildir> open_or_make(file_env& files, const maildir_target& target, const std::string& folder) {
    const auto base = files.open_folder(nullptr, target.base, folder_links::follow);
    if (!base) return base.error();
    auto opened = open_existing(files, *base, target.relative, folder);
    if (opened || opened.error() != storage_errc::not_found) return opened;
    if (auto made = make_maildir(files, *base, target.relative); !made) return made.error();
    if (!folder.empty()) {
        const auto box = files.open_folder(&*base, target.relative, folder_links::refuse);
        if (!box) return box.error();
        if (auto made = make_folder_of(files, *box, folder); !made) return made.error();
    }
    return open_existing(files, *base, target.relative, folder);
}

result<bool> same_octets(file_env& files, const file_handle& a, const file_handle& b) {
    std::string left(block_size, '\0');
    std::string right(block_size, '\0');
    const auto fill = [&](const file_handle& from, std::string& into) -> result<std::size_t> {
        std::size_t filled = 0;
        while (filled < into.size()) {
            const auto got = files.read(from, std::span(into).subspan(filled));
            if (!got || *got == 0) return got ? result<std::size_t>(filled) : got;
            filled += *got;
        }
        return filled;
    };
    for (;;) {
        const auto in_left = fill(a, left);
        if (!in_left) return {in_place_error, in_left.error()};
        const auto in_right = fill(b, right);
        if (!in_right) return {in_place_error, in_right.error()};
        if (std::string_view(left).substr(0, *in_left) != std::string_view(right).substr(0, *in_right))
            return false;
        if (*in_left == 0) return true;
    }
}

// One message on its way into one Maildir.
class delivery {
  public:
    delivery(file_env& files, const open_maildir& folders, const maildir_delivery& what)
        : files_(files), folders_(folders), what_(what) {}

    result<void> run(body_reader& body, std::uint64_t quota);

  private:
    enum class outcome { placed, was_there };

    result<std::uint64_t> limit(std::uint64_t quota);
    result<bool> was_begun_before();
    result<file_handle> make_temporary();
    result<void> write(body_reader& body, std::uint64_t limit);
    result<void> copy(body_reader& body, const file_handle& file, std::uint64_t limit);
    result<void> put(const file_handle& file, std::string_view octets, std::uint64_t limit);
    result<outcome> place();
    result<outcome> place_as(const std::string& name);
    result<bool> is_same_as(const std::string& name);
    std::string final_name(int number) const;

    file_env& files_;
    const open_maildir& folders_;
    const maildir_delivery& what_;
    std::uint64_t size_ = 0; // octets written
};

// A crash after the last delivery under this name may have left the message there, and so the mailbox full.
result<bool> delivery::was_begun_before() {
    bool found = false;
    const auto listed = files_.list(folders_.fresh, [&](const std::string& name) {
        const auto rest = std::string_view(name).substr(std::min(what_.name.size(), name.size()));
        found = name.starts_with(what_.name) && (rest.starts_with(",S=") || rest.starts_with('_'));
        return !found;
    });
    if (!listed) return {in_place_error, listed.error()};
    return found;
}

result<std::uint64_t> delivery::limit(std::uint64_t quota) {
    if (quota == 0) return no_limit;
    const auto wanted = what_.head.size() + what_.body_size; // or less, when there are fields to drop
    const auto room = maildir_room(files_, folders_.box, quota, wanted);
    if (!room || *room >= wanted) return room;
    const auto before = was_begun_before();
    if (!before) return before.error();
    return *before ? no_limit : *room;
}

result<void> delivery::put(const file_handle& file, std::string_view octets, std::uint64_t limit) {
    if (octets.size() > limit - size_) return storage_errc::over_quota;
    size_ += octets.size();
    return files_.write_all(file, octets);
}

result<void> delivery::copy(body_reader& body, const file_handle& file, std::uint64_t limit) {
    protocol::field_filter filter("return-path");
    std::string in(block_size, '\0');
    std::string out;
    for (std::uint64_t left = what_.body_size;;) {
        const auto got = body.read(in);
        if (!got) return got.error();
        if (*got > left || (*got == 0 && left > 0))
            return storage_errc::corrupt; // not the body that was announced
        left -= *got;
        out.clear();
        if (*got == 0)
            filter.finish(out);
        else
            filter.feed(std::string_view(in).substr(0, *got), out);
        if (auto done = put(file, out, limit); !done || *got == 0) return done;
    }
}

// One that a crash left is removed, never written over: where a file can't be renamed in one step it may have
// its name in new/ already.
result<file_handle> delivery::make_temporary() {
    auto file = files_.open_file(&folders_.temporary, what_.name, open_mode::create_new);
    if (file || file.error() != storage_errc::exists) return file;
    if (auto removed = files_.remove(folders_.temporary, what_.name); !removed) return removed.error();
    return files_.open_file(&folders_.temporary, what_.name, open_mode::create_new);
}

result<void> delivery::write(body_reader& body, std::uint64_t limit) {
    const auto file = make_temporary();
    if (!file) return file.error();
    if (auto done = put(*file, what_.head, limit); !done) return done;
    if (auto done = copy(body, *file, limit); !done) return done;
    return files_.sync_data(*file);
}

std::string delivery::final_name(int number) const {
    return what_.name + (number == 0 ? "" : "_" + std::to_string(number)) + ",S=" + std::to_string(size_);
}

result<bool> delivery::is_same_as(const std::string& name) {
    const auto ours = files_.open_file(&folders_.temporary, what_.name, open_mode::read);
    if (!ours) return {in_place_error, ours.error()};
    const auto theirs = files_.open_file(&folders_.fresh, name, open_mode::read);
    if (!theirs) return {in_place_error, theirs.error()};
    return same_octets(files_, *ours, *theirs);
}

// `exists` when another message has the name.
result<delivery::outcome> delivery::place_as(const std::string& name) {
    if (const auto renamed = files_.rename(folders_.temporary, what_.name, folders_.fresh, name)) {
        const auto flushed = files_.sync_folder(folders_.fresh);
        if (flushed) return outcome::placed;
        // A second flush that succeeds proves nothing after one that failed, so the message is taken back.
        (void)files_.remove(folders_.fresh, name);
        return flushed.error();
    } else if (renamed.error() != storage_errc::exists) {
        return renamed.error();
    }
    const auto same = is_same_as(name);
    if (!same) return same.error();
    if (!*same) return storage_errc::exists;
    (void)files_.remove(folders_.temporary, what_.name);
    if (auto flushed = files_.sync_folder(folders_.fresh); !flushed) return flushed.error();
    return outcome::was_there;
}

result<delivery::outcome> delivery::place() {
    result<outcome> placed = storage_errc::exists;
    for (int number = 0; number < max_names; ++number) {
        placed = place_as(final_name(number));
        if (placed || placed.error() != storage_errc::exists) return placed;
    }
    return placed;
}

result<void> delivery::run(body_reader& body, std::uint64_t quota) {
    const auto most = limit(quota);
    if (!most) return most.error();
    auto written = write(body, *most);
    result<outcome> placed = written ? place() : result<outcome>(written.error());
    if (!placed) {
        (void)files_.remove(folders_.temporary, what_.name);
        return placed.error();
    }
    switch (*placed) {
    case outcome::placed: note_delivery(files_, folders_.box, quota, size_); break;
    case outcome::was_there:
        forget_count(files_, folders_.box);
        break; // whether it was counted, nobody knows
    }
    return {};
}

bool can_be_delivered(const maildir_target& target, const maildir_delivery& what) {
    const bool plain = !what.name.empty() && !what.name.starts_with('.') && what.name.size() <= 200 &&
                       what.name.find_first_of(std::string_view("/:\0", 3)) == std::string::npos;
    return plain && (what.folder.empty() || is_folder_name(what.folder)) && !target.relative.empty() &&
           what.body_size <= no_limit - what.head.size();
}

} // namespace

bool is_folder_name(std::string_view name) {
    return !name.empty() && name.size() <= maildir_folder_max && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

result<void> deliver_to_maildir(file_env& files, const maildir_target& target, const maildir_delivery& what,
                                body_reader& body) {
    if (!can_be_delivered(target, what)) return storage_errc::invalid;
    const auto folders = open_or_make(files, target, what.folder);
    if (!folders) return folders.error();
    return delivery(files, *folders, what).run(body, target.quota);
}

result<bool> maildir_has_room(file_env& files, const maildir_target& target, std::uint64_t size) {
    if (target.quota == 0) return true;
    const auto base = files.open_folder(nullptr, target.base, folder_links::follow);
    if (!base) return {in_place_error, base.error()};
    const auto box = files.open_folder(&*base, target.relative, folder_links::refuse);
    if (!box && box.error() == storage_errc::not_found) return size <= target.quota;
    if (!box) return {in_place_error, box.error()};
    const auto room = maildir_room(files, *box, target.quota, size);
    if (!room) return {in_place_error, room.error()};
    return *room >= size;
}

} // namespace postern::storage
