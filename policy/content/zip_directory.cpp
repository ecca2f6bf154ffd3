// From the end: each end of a directory, the directory, the local header of each entry. What the entries
// leave over is searched for headers that no directory knows.
#include "policy/content/zip_directory.hpp"

#include "policy/content/zip_records.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <bitset>

namespace postern::policy::content {
namespace {

constexpr std::size_t directories_max = 16; // no honest file has more than one

struct range {
    std::size_t from = 0, to = 0;
    bool entry = false; // else a directory
    std::string_view name;
};

std::string_view extension_of(std::string_view name) {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(dot);
}

class reader {
  public:
    reader(std::string_view octets, std::size_t most) : octets_(octets), most_(most) {}
    zip_listing read();

  private:
    void read_end(const zip_end& end);
    void walk(const zip_end& end, std::size_t start, std::size_t base);
    void take(const zip_header& central, std::size_t base);
    void compare(const zip_header& central, const zip_header& local);
    void add_name(const zip_header& from, zip_place place, bool encrypted);
    void sort_ranges();
    bool is_within_entry(std::size_t at) const;
    void look_for_overlaps();
    void look_between();
    void search(std::size_t from, std::size_t to);
    bool is_central(std::size_t at) const { return read_zip_central(octets_, at).has_value(); }
    bool full() {
        if (listing_.entries < most_) return false;
        note(zip_oddity::too_many, {});
        return true;
    }
    // Honest headers don't lie in each other: all of them together are no larger than the file.
    bool too_much() {
        constexpr std::uint64_t times = 4, at_least = 1024 * 1024;
        if (looked_at_ <= times * octets_.size() + at_least) return false;
        note(zip_oddity::overlapping_entries, {});
        return true;
    }
    void note(zip_oddity what, std::string_view name) {
        const auto bit = static_cast<std::size_t>(what);
        if (!noted_.test(bit)) listing_.odd.push_back({what, name});
        noted_.set(bit);
    }

    std::string_view octets_;
    std::size_t most_;
    zip_listing listing_;
    std::bitset<zip_oddity_count> noted_;
    std::vector<range> ranges_;      // sorted by their beginnings, but for those of the walk going on
    std::vector<std::size_t> reach_; // the furthest end of an entry up to that range
    std::uint64_t looked_at_ = 0;    // octets of headers
    bool directory_ = false;
};

zip_listing reader::read() {
    std::vector<std::size_t> signs;
    for (auto at = octets_.find(zip_end_sign); at != octets_.npos; at = octets_.find(zip_end_sign, at + 4))
        signs.push_back(at);
    std::size_t read = 0, last = octets_.size();
    for (auto sign = signs.rbegin(); sign != signs.rend(); ++sign) {
        const auto end = read_zip_end(octets_, *sign);
        if (!end || is_within_entry(*sign)) continue;
        if (read > 0)
            note(end->after > last ? zip_oddity::end_in_comment : zip_oddity::several_directories, {});
        if (++read > directories_max) {
            note(zip_oddity::too_many, {});
            break;
        }
        read_end(*end);
        last = *sign;
    }
    look_for_overlaps();
    look_between();
    if (!directory_ && listing_.entries > 0) note(zip_oddity::no_directory, {});
    listing_.is_zip = directory_ || listing_.entries > 0;
    return std::move(listing_);
}

// Its directory is right before it, or where it says; a prefix shifts the latter.
void reader::read_end(const zip_end& end) {
    if (end.entries == 0 && end.size == 0) {
        directory_ = directory_ || (end.at == 0 && end.offset == 0);
        listing_.end = std::max(listing_.end, end.after);
        ranges_.push_back({end.above, end.after, false, {}});
        return sort_ranges();
    }
    const bool before = end.size <= end.above && is_central(end.above - std::size_t(end.size));
    const std::size_t start = before ? end.above - std::size_t(end.size) : 0;
    const bool claimed = end.offset < octets_.size() && is_central(std::size_t(end.offset));
    // Without either these octets are no end, or that of the last volume.
    if (end.several_volumes && (before || claimed || octets_.starts_with(zip_local_sign)))
        note(zip_oddity::several_volumes, {});
    if (!before && !claimed) return;
    if (end.zip64_differs) note(zip_oddity::zip64_differs, {});
    if (before) walk(end, start, start >= end.offset ? start - std::size_t(end.offset) : 0);
    if (before && start < end.offset) note(zip_oddity::directory_misplaced, {});
    if (claimed && (!before || end.offset != start)) {
        note(zip_oddity::directory_misplaced, {});
        walk(end, std::size_t(end.offset), 0);
    }
    sort_ranges();
}

void reader::walk(const zip_end& end, std::size_t start, std::size_t base) {
    directory_ = true;
    listing_.end = std::max(listing_.end, end.after);
    std::uint64_t count = 0;
    std::size_t at = start;
    while (at < end.above && !too_much()) {
        const auto central = read_zip_central(octets_, at);
        if (!central || full()) break;
        looked_at_ += central->size;
        take(*central, base);
        at += central->size;
        ++count;
    }
    const bool cut = listing_.entries >= most_ || too_much();
    const bool same = end.zip64 ? count == end.entries : (count & 0xffffU) == (end.entries & 0xffffU);
    if (!same && !cut) note(zip_oddity::count_differs, {});
    ranges_.push_back({start, std::max(at, end.after), false, {}});
}

void reader::take(const zip_header& central, std::size_t base) {
    ++listing_.entries;
    const auto sum = listing_.unpacked + central.unpacked;
    listing_.unpacked = sum < central.unpacked ? ~std::uint64_t(0) : sum;
    if (central.bad_zip64) note(zip_oddity::zip64_differs, central.name);
    if ((central.flags & 0x2000U) != 0) note(zip_oddity::encrypted_directory, central.name);
    const auto place = central.local <= octets_.size() ? base + std::size_t(central.local) : octets_.size();
    const auto local = read_zip_local(octets_, place);
    add_name(central, zip_place::central, central.encrypted() || (local && local->encrypted()));
    if (!local) return note(zip_oddity::no_local_header, central.name);
    looked_at_ += local->size;
    if (central.several_unicode || local->several_unicode) note(zip_oddity::names_differ, central.name);
    compare(central, *local);
    const auto room = octets_.size() - place - local->size;
    const auto octets = local->size + std::size_t(std::min<std::uint64_t>(central.packed, room));
    ranges_.push_back({place, place + octets, true, central.name});
}

void reader::compare(const zip_header& central, const zip_header& local) {
    if (central.name != local.name) {
        note(zip_oddity::names_differ, central.name);
        add_name(local, zip_place::local, central.encrypted() || local.encrypted());
    }
    if (central.encrypted() != local.encrypted()) note(zip_oddity::flags_differ, central.name);
    if (central.method != local.method) note(zip_oddity::methods_differ, central.name);
    // A program that can't go back leaves them 0, and tells them behind the octets.
    const auto differ = [](std::uint64_t one, std::uint64_t other) { return one != other && one != 0; };
    if (!local.sizes_follow() &&
        (differ(local.packed, central.packed) || differ(local.unpacked, central.unpacked)))
        note(zip_oddity::sizes_differ, central.name);
}

void reader::add_name(const zip_header& from, zip_place place, bool encrypted) {
    listing_.names.push_back({from.name, place, encrypted, from.method, from.packed, from.unpacked});
    if (from.unicode_name.empty() || from.unicode_name == from.name) return;
    listing_.names.push_back(
        {from.unicode_name, zip_place::unicode, encrypted, from.method, from.packed, from.unpacked});
    if (!protocol::equals_ignoring_case(extension_of(from.name), extension_of(from.unicode_name)))
        note(zip_oddity::names_differ, from.name);
}

void reader::sort_ranges() {
    std::sort(ranges_.begin(), ranges_.end(), [](const range& a, const range& b) { return a.from < b.from; });
    reach_.clear();
    std::size_t reach = 0;
    for (const range& one : ranges_) {
        if (one.entry) reach = std::max(reach, one.to);
        reach_.push_back(reach);
    }
}

bool reader::is_within_entry(std::size_t at) const {
    const auto behind =
        std::upper_bound(ranges_.begin(), ranges_.end(), at,
                         [](std::size_t value, const range& one) { return value < one.from; });
    return behind != ranges_.begin() && reach_[std::size_t(behind - ranges_.begin()) - 1] > at;
}

void reader::look_for_overlaps() {
    std::size_t reach = 0;
    for (const range& one : ranges_) {
        if (!one.entry) continue;
        if (one.from < reach) note(zip_oddity::overlapping_entries, one.name);
        if (reach == 0) listing_.first = one.from;
        reach = std::max(reach, one.to);
    }
}

// A directory's range counts as read too.
void reader::look_between() {
    std::size_t reach = 0;
    for (const range& one : ranges_) {
        if (one.from > reach) search(reach, one.from);
        reach = std::max(reach, one.to);
    }
    search(reach, octets_.size());
}

// Headers that stand where none is known. One of a directory is told as it is: its entry may be gone.
void reader::search(std::size_t from, std::size_t to) {
    const bool alone = !directory_;
    for (auto at = octets_.find("PK", from); at < to && !full();) {
        const bool local = octets_.substr(at, 4) == zip_local_sign;
        const auto header = find_zip_header(octets_, at);
        if (!header) {
            at = octets_.find("PK", at + 2);
            continue;
        }
        if (listing_.entries == 0) listing_.first = at;
        ++listing_.entries;
        add_name(*header, local ? zip_place::local : zip_place::central, header->encrypted());
        if (!alone) note(zip_oddity::entry_not_listed, header->name);
        at = octets_.find("PK", at + header->size);
    }
}

} // namespace

std::string_view text_of(zip_oddity what) {
    static constexpr std::array<std::string_view, zip_oddity_count> texts{
        "zip: names differ",
        "zip: only one header says encrypted",
        "zip: methods differ",
        "zip: sizes differ",
        "zip: an entry is not there",
        "zip: entries overlap",
        "zip: an entry is in no directory",
        "zip: the number of entries differs",
        "zip: the directory is elsewhere",
        "zip: several directories",
        "zip: a directory's end in a comment",
        "zip: zip64 records differ",
        "zip: no directory",
        "zip: a volume of several",
        "zip: the directory is encrypted",
        "zip: too many entries",
    };
    return texts[static_cast<std::size_t>(what)];
}

zip_listing read_zip(std::string_view octets, std::size_t most) { return reader(octets, most).read(); }

} // namespace postern::policy::content
