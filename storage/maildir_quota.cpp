// Maildir++ as Courier and Dovecot write it: "<n>S[,<n>C]", then "<octets> <messages>" lines, which may be
// negative.
#include "storage/maildir_quota.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <optional>
#include <thread>
#include <vector>

namespace postern::storage {
namespace {

using boost::system::in_place_error;
constexpr const char* file_name = "maildirsize";
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::uint64_t sum(std::uint64_t a, std::uint64_t b) { return b > most - a ? most : a + b; }

// Takes a field that ends at `separator` off the front; all of it when there is none.
std::string_view take_field(std::string_view& from, char separator) {
    const auto end = std::min(from.find(separator), from.size());
    const auto field = from.substr(0, end);
    from.remove_prefix(std::min(end + 1, from.size()));
    return field;
}

// The octets of a quota line; nullopt when it isn't one. Limits of other kinds than S are not ours to judge.
std::optional<std::uint64_t> quota_of(std::string_view line) {
    std::optional<std::uint64_t> octets;
    while (!line.empty()) {
        const auto limit = take_field(line, ',');
        if (limit.empty()) return std::nullopt;
        const auto value = protocol::parse_number(limit.substr(0, limit.size() - 1));
        if (!value) return std::nullopt;
        if (limit.back() == 'S') octets = value;
    }
    return octets;
}

std::optional<std::int64_t> signed_number(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const auto value = protocol::parse_number(text);
    if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return std::nullopt;
    return negative ? -static_cast<std::int64_t>(*value) : static_cast<std::int64_t>(*value);
}

// The first number of "  1234   1".
std::optional<std::int64_t> octets_of(std::string_view line) {
    const auto skip = [&] { line.remove_prefix(std::min(line.find_first_not_of(' '), line.size())); };
    skip();
    const auto octets = signed_number(take_field(line, ' '));
    skip();
    if (!signed_number(take_field(line, ' '))) return std::nullopt;
    skip();
    return line.empty() ? octets : std::nullopt;
}

// nullopt: count again.
std::optional<std::uint64_t> used_by(std::string_view text, std::uint64_t quota) {
    if (text.size() > maildirsize_max || !text.ends_with('\n')) return std::nullopt; // a line is torn
    if (quota_of(take_field(text, '\n')) != quota) return std::nullopt;
    std::int64_t used = 0;
    while (!text.empty()) {
        const auto octets = octets_of(take_field(text, '\n'));
        if (!octets || __builtin_add_overflow(used, *octets, &used)) return std::nullopt;
    }
    if (used < 0) return std::nullopt;
    return static_cast<std::uint64_t>(used);
}

result<std::optional<std::uint64_t>> read_count(file_env& files, const file_handle& box,
                                                std::uint64_t quota) {
    const auto file = files.open_file(&box, file_name, open_mode::read);
    if (!file && file.error() == storage_errc::not_found) return std::optional<std::uint64_t>();
    if (!file) return file.error();
    std::string text(maildirsize_max + 1, '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto got = files.read(*file, std::span(text).subspan(filled));
        if (!got) return got.error();
        if (*got == 0) break;
        filled += *got;
    }
    return used_by(std::string_view(text).substr(0, filled), quota);
}

// ",S=<octets>" in a message's name, as its deliverer measured it.
std::optional<std::uint64_t> size_in_name(std::string_view name) {
    const auto at = name.find(",S=");
    if (at == std::string_view::npos) return std::nullopt;
    name.remove_prefix(at + 3);
    return protocol::parse_number(name.substr(0, name.find_first_of(",:")));
}

// The folders that hold messages: new and cur of the Maildir and of those below it (".name", one level:
// Maildir++). What vanishes while it is looked at is no error; a link is nobody's folder.
class message_folders {
  public:
    using visitor = std::function<result<void>(const file_handle& parent, const std::string& name)>;

    explicit message_folders(file_env& files) : files_(files) {}

    result<void> each(const file_handle& box, const visitor& visit) const {
        if (auto seen = each_part(box, visit); !seen) return seen;
        std::vector<std::string> subfolders;
        const auto listed = files_.list(box, [&](const std::string& name) {
            if (name.starts_with('.')) subfolders.push_back(name);
            return true;
        });
        if (!listed) return listed;
        for (const auto& name : subfolders) {
            const auto folder = open(box, name);
            if (!folder) return folder.error();
            if (!folder->is_open()) continue;
            if (auto seen = each_part(*folder, visit); !seen) return seen;
        }
        return {};
    }

    // Not open when there is no such folder.
    result<file_handle> open(const file_handle& parent, const std::string& name) const {
        const auto facts = files_.facts(&parent, name);
        if (!facts && facts.error() != storage_errc::not_found) return facts.error();
        if (!facts || !facts->is_folder) return file_handle();
        auto folder = files_.open_folder(&parent, name, folder_links::refuse);
        if (!folder && folder.error() == storage_errc::not_found) return file_handle();
        return folder;
    }

  private:
    static result<void> each_part(const file_handle& parent, const visitor& visit) {
        for (const auto* const name : {"new", "cur"})
            if (auto seen = visit(parent, name); !seen) return seen;
        return {};
    }

    file_env& files_;
};

struct message_count {
    std::uint64_t octets = 0;
    std::uint64_t messages = 0;
};

result<void> add_message(file_env& files, const file_handle& folder, const std::string& name,
                         message_count& to) {
    if (name.starts_with('.')) return {};
    auto size = size_in_name(name);
    if (!size) {
        const auto facts = files.facts(&folder, name);
        if (!facts && facts.error() == storage_errc::not_found) return {}; // deleted in the meantime
        if (!facts) return facts.error();
        if (facts->is_folder) return {};
        size = facts->size;
    }
    to.octets = sum(to.octets, *size);
    ++to.messages;
    return {};
}

result<message_count> count_messages(file_env& files, const file_handle& box) {
    message_count count;
    const message_folders folders(files);
    const auto counted =
        folders.each(box, [&](const file_handle& parent, const std::string& part) -> result<void> {
            const auto folder = folders.open(parent, part);
            if (!folder) return folder.error();
            if (!folder->is_open()) return {};
            result<void> trouble;
            const auto listed = files.list(*folder, [&](const std::string& name) {
                trouble = add_message(files, *folder, name, count);
                return trouble.has_value();
            });
            return listed ? trouble : listed;
        });
    if (!counted) return counted.error();
    return count;
}

// Whole seconds: a change within the second that the file was written in counts as later.
result<bool> changed_since_count(file_env& files, const file_handle& box) {
    const auto counted = files.facts(&box, file_name);
    if (!counted) return {in_place_error, counted.error()};
    bool changed = false;
    const auto seen = message_folders(files).each(
        box, [&](const file_handle& parent, const std::string& part) -> result<void> {
            const auto facts = files.facts(&parent, part);
            if (!facts && facts.error() == storage_errc::not_found) return {};
            if (!facts) return facts.error();
            changed = changed || facts->modified >= counted->modified;
            return {};
        });
    if (!seen) return {in_place_error, seen.error()};
    return changed;
}

// Its own name for each thread, so that two that count at once don't write into one file; what a crash left
// is overwritten.
std::string temporary_name() {
    return "maildirsize." + std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id()));
}

result<void> write_count(file_env& files, const file_handle& box, std::uint64_t quota,
                         const message_count& count) {
    const auto tmp = files.open_folder(&box, "tmp", folder_links::refuse);
    if (!tmp) return tmp.error();
    const auto name = temporary_name();
    const auto text = fmt::format("{}S\n{} {}\n", quota, count.octets, count.messages);
    auto written = [&]() -> result<void> {
        const auto file = files.open_file(&*tmp, name, open_mode::create_empty);
        if (!file) return file.error();
        return files.write_all(*file, text);
    }();
    if (written) {
        forget_count(files, box);
        written = files.rename(*tmp, name, box, file_name);
    }
    if (!written) (void)files.remove(*tmp, name);
    return written;
}

result<std::uint64_t> count_again(file_env& files, const file_handle& box, std::uint64_t quota) {
    const auto count = count_messages(files, box);
    if (!count) return count.error();
    (void)write_count(files, box, quota, *count); // it only saves the next one from counting
    return count->octets;
}

bool fits(std::uint64_t used, std::uint64_t wanted, std::uint64_t quota) {
    return sum(used, wanted) <= quota;
}

} // namespace

result<std::uint64_t> maildir_room(file_env& files, const file_handle& box, std::uint64_t quota,
                                   std::uint64_t wanted) {
    auto known = read_count(files, box, quota);
    if (!known) return known.error();
    bool stale = !known->has_value();
    if (!stale && !fits(**known, wanted, quota)) {
        const auto changed = changed_since_count(files, box);
        if (!changed && changed.error() != storage_errc::not_found) return changed.error();
        stale = !changed || *changed;
    }
    if (stale) {
        const auto used = count_again(files, box, quota);
        if (!used) return used.error();
        known = *used;
    }
    return quota - std::min(**known, quota);
}

void note_delivery(file_env& files, const file_handle& box, std::uint64_t quota, std::uint64_t size) {
    if (quota == 0 && !files.facts(&box, file_name)) return;
    const auto line = fmt::format("{} 1\n", size);
    const auto file = files.open_file(&box, file_name, open_mode::append);
    const auto written = file ? files.write(*file, line) : result<std::size_t>(file.error());
    if (!written || *written != line.size()) forget_count(files, box);
}

void forget_count(file_env& files, const file_handle& box) { (void)files.remove(box, file_name); }

} // namespace postern::storage
