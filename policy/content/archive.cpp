// libarchive is given one format at a time, that which the octets have. A fatal error ends its reading of an
// archive; then the names that come behind are read without octets, as far as that goes.
#include "policy/content/archive.hpp"

#include "policy/content/gathered.hpp"
#include "policy/content/rar.hpp"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <fmt/format.h>
#include <memory>

namespace postern::policy::content {
namespace {

using protocol::scan::finding_kind;

// libarchive knows an ISO image by its first 24 sectors, and takes no shorter one for it.
constexpr std::size_t iso_octets_min = std::size_t{24} * 2048;

struct freed {
    void operator()(archive* one) const { archive_read_free(one); }
};
using handle = std::unique_ptr<archive, freed>;

// How an archive is read that may be read in several ways.
enum class way : std::uint8_t {
    plain,   // a ZIP: by its directory
    headers, // a ZIP: by the headers of its entries
    alone,   // a compressed file: never as a tar archive
    latin,   // names are Latin-1, which every octet is of
};

void support(archive* reader, container what, way how) {
    switch (what) {
    case container::zip:
        if (how == way::headers)
            archive_read_support_format_zip_streamable(reader);
        else
            archive_read_support_format_zip_seekable(reader);
        return;
    case container::rar:
        archive_read_support_format_rar(reader);
        archive_read_support_format_rar5(reader);
        return;
    case container::seven_zip: archive_read_support_format_7zip(reader); return;
    case container::tar: archive_read_support_format_tar(reader); return;
    case container::cab: archive_read_support_format_cab(reader); return;
    case container::iso: archive_read_support_format_iso9660(reader); return;
    case container::lha: archive_read_support_format_lha(reader); return;
    case container::cpio: archive_read_support_format_cpio(reader); return;
    case container::xar: archive_read_support_format_xar(reader); return;
    case container::ar: archive_read_support_format_ar(reader); return;
    case container::compressed:
        archive_read_support_filter_gzip(reader);
        archive_read_support_filter_bzip2(reader);
        archive_read_support_filter_xz(reader);
        archive_read_support_filter_lzma(reader);
        archive_read_support_filter_zstd(reader);
        archive_read_support_filter_lz4(reader);
        archive_read_support_filter_lzip(reader);
        archive_read_support_filter_compress(reader);
        archive_read_support_filter_rpm(reader);
        archive_read_support_format_raw(reader);
        if (how == way::alone) return;
        archive_read_support_format_tar(reader);
        archive_read_support_format_cpio(reader);
        return;
    case container::tnef:
    case container::unknown: return;
    }
}

std::string_view error_of(archive* reader) {
    const char* text = archive_error_string(reader);
    return text == nullptr ? std::string_view("can't be read") : std::string_view(text);
}

// libarchive tells of it in its messages only where it knows no flag (RAR5, and headers of RAR4 and 7z).
bool is_about_encryption(std::string_view error) {
    return error.find("ncrypt") != error.npos || error.find("rypto") != error.npos;
}

std::string name_of(archive_entry* entry) {
    if (const char* name = archive_entry_pathname(entry)) return name;
    if (const char* name = archive_entry_pathname_utf8(entry)) return name;
    std::string made;
    const wchar_t* wide = archive_entry_pathname_w(entry);
    if (wide == nullptr) return made;
    for (; *wide != 0; ++wide) // not convertible: what is ASCII in it is enough for an extension
        made += *wide > 0 && *wide < 0x80 ? static_cast<char>(*wide) : '?';
    return made;
}

class unpacking {
  public:
    unpacking(look& shared, const piece& around, const recognised& what, std::string_view octets,
              bool counted)
        : shared_(shared), around_(around), what_(what), octets_(octets), counted_(counted) {}

    void run(way how);

  private:
    enum class outcome : std::uint8_t { went_on, stopped };
    enum class ended : std::uint8_t { whole, header_failed, stopped };
    bool open(way how);
    ended read_all(way how);
    bool is_sealed(archive_entry* entry) const;
    bool deep_enough();
    outcome take(archive_entry* entry);
    outcome unpack(archive_entry* entry, gathered& into);
    void tell(const std::string& name, look::readable how, archive_entry* entry);
    void look_within(const std::string& name, gathered& octets);
    void fail(std::string_view error);
    void list_behind(way how);
    bool is_raw() const { return archive_format(reader_.get()) == ARCHIVE_FORMAT_RAW; }
    std::vector<std::string> names_within() const;

    look& shared_;
    const piece& around_;
    const recognised& what_;
    std::string_view octets_;
    bool counted_;        // entries and names were told already
    bool failed_ = false; // fatally
    bool encrypted_ = false;
    std::uint64_t entries_ = 0, unpacked_ = 0;
    unsigned layers_ = 1; // of compression within each other
    handle reader_;
    std::vector<bool> sealed_; // the entries of a RAR 5 archive that are encrypted
};

bool unpacking::open(way how) {
    reader_.reset(archive_read_new());
    if (!reader_) throw std::bad_alloc();
    support(reader_.get(), what_.what, how);
    if (how == way::latin) archive_read_set_options(reader_.get(), "hdrcharset=ISO-8859-1");
    return archive_read_open_memory(reader_.get(), octets_.data(), octets_.size()) == ARCHIVE_OK;
}

unpacking::ended unpacking::read_all(way how) {
    if (!open(how)) return ended::header_failed;
    while (!shared_.out_of_time(around_.where)) {
        archive_entry* entry = nullptr;
        const int got = archive_read_next_header(reader_.get(), &entry);
        if (got == ARCHIVE_EOF) return ended::whole;
        if (got == ARCHIVE_RETRY) continue;
        if (got == ARCHIVE_FATAL || got == ARCHIVE_FAILED) return ended::header_failed;
        if (entries_ == 0 && !deep_enough()) return ended::stopped;
        ++entries_;
        if (take(entry) == outcome::stopped) return ended::stopped;
    }
    return ended::stopped;
}

void unpacking::run(way how) {
    if (what_.what == container::rar) sealed_ = rar5_encrypted(octets_, std::size_t(shared_.entries_left()));
    auto got = read_all(how);
    // Zeros are an empty tar archive, too; and names that are no UTF-8 end the reading of a LHA one.
    if (what_.what == container::compressed && got == ended::whole && entries_ == 0) {
        how = way::alone;
        got = read_all(how);
    } else if (what_.what == container::lha && got == ended::header_failed) {
        how = way::latin;
        entries_ = 0;
        got = read_all(how);
    }
    if (got == ended::header_failed) fail(error_of(reader_.get()));
    if (got == ended::stopped && failed_) list_behind(how);
}

// A file compressed more often than libarchive goes along with.
bool is_about_depth(std::string_view error) { return error.find("too many filters") != error.npos; }

bool unpacking::is_sealed(archive_entry* entry) const {
    return archive_entry_is_data_encrypted(entry) > 0 || archive_entry_is_metadata_encrypted(entry) > 0 ||
           (entries_ <= sealed_.size() && sealed_[std::size_t(entries_) - 1]);
}

// A file that was compressed several times is as many archives deep.
bool unpacking::deep_enough() {
    layers_ = static_cast<unsigned>(std::max(archive_filter_count(reader_.get()) - 1, 1));
    if (around_.archives + layers_ <= shared_.asked().max_depth) return true;
    shared_.limit(around_.where, "depth");
    return false;
}

void unpacking::fail(std::string_view error) {
    failed_ = true;
    if (is_about_depth(error)) {
        shared_.limit(around_.where, "depth");
    } else if (is_about_encryption(error)) {
        encrypted_ = true;
        shared_.add(finding_kind::encrypted, around_.where, what_.label);
    } else if (what_.sure || entries_ > 0) {
        shared_.add(finding_kind::unreadable, around_.where, fmt::format("{}: {}", what_.label, error));
    }
}

std::vector<std::string> unpacking::names_within() const {
    std::vector<std::string> names;
    for (const std::string& name : around_.names) names.push_back(name_within(name));
    if (const auto stored = gzip_name(octets_); !stored.empty()) names.emplace_back(stored);
    return names;
}

unpacking::outcome unpacking::take(archive_entry* entry) {
    if (!counted_ && !shared_.one_more_entry(around_.where)) return outcome::stopped;
    auto name = name_of(entry);
    if (name.empty()) shared_.add(finding_kind::unreadable, around_.where, "an entry without a name");
    const auto type = archive_entry_filetype(entry);
    // A type of 0: the format has none.
    const bool file = (type == AE_IFREG || type == 0) && archive_entry_hardlink(entry) == nullptr;
    const bool sealed = is_sealed(entry);
    gathered octets(shared_.folder());
    auto after = outcome::went_on;
    const bool was_encrypted = encrypted_;
    if (sealed)
        shared_.add(finding_kind::encrypted, around_.where, what_.label);
    else if (file)
        after = unpack(entry, octets);
    const bool hidden = sealed || (encrypted_ && !was_encrypted);
    const auto how = hidden ? look::readable::encrypted : look::readable::yes;
    if (is_raw()) {
        const auto names = names_within();
        for (const std::string& one : names) tell(one, how, entry);
        name = names.empty() ? "data" : names.front();
    } else if (!counted_) {
        tell(name, how, entry);
    }
    if (octets.size() > 0) look_within(name, octets);
    return after;
}

void unpacking::tell(const std::string& name, look::readable how, archive_entry* entry) {
    constexpr std::size_t name_max = 4096;
    if (shared_.everything())
        shared_.see("entry", around_.where.below(name),
                    fmt::format("{}, {} octets{}", what_.label, archive_entry_size(entry),
                                how == look::readable::encrypted ? ", encrypted" : ""));
    if (name.size() > name_max) shared_.limit(around_.where, "name");
    shared_.judge(std::string_view(name).substr(name.size() - std::min(name.size(), name_max)), around_.where,
                  how);
}

// What could be unpacked is kept, even if it isn't all.
unpacking::outcome unpacking::unpack(archive_entry* entry, gathered& into) {
    constexpr std::uint64_t ratio_from = 1024 * 1024; // what unpacks to less harms nobody
    std::array<char, 64 * 1024> some;                 // NOLINT: filled before it is read
    while (true) {
        const auto got = archive_read_data(reader_.get(), some.data(), some.size());
        if (got == 0) return outcome::went_on;
        if (got == ARCHIVE_RETRY) continue;
        if (got < 0) {
            const bool over = got == ARCHIVE_FATAL;
            fail(error_of(reader_.get()));
            failed_ = over;
            return over ? outcome::stopped : outcome::went_on;
        }
        const auto size = static_cast<std::size_t>(got);
        unpacked_ += size;
        const auto ratio = shared_.asked().max_ratio;
        if (ratio != 0 && unpacked_ > ratio_from && unpacked_ / ratio > octets_.size()) {
            shared_.limit(around_.where.below(name_of(entry)), "ratio");
            return outcome::stopped;
        }
        if (shared_.out_of_time(around_.where) || !shared_.unpacked(size, around_.where))
            return outcome::stopped;
        if (!into.append({some.data(), size})) {
            shared_.limit(around_.where, "room");
            return outcome::stopped;
        }
    }
}

void unpacking::look_within(const std::string& name, gathered& octets) {
    piece inner;
    inner.octets = octets.octets();
    inner.where = around_.where.below(name);
    inner.names = is_raw() ? names_within() : std::vector{name};
    inner.archives = around_.archives + layers_;
    inner.messages = around_.messages;
    if (inner.octets.size() < octets.size()) shared_.limit(inner.where, "room");
    look_at(shared_, inner);
}

// The entry that failed is left out: it was told.
void unpacking::list_behind(way how) {
    if (counted_ || is_raw()) return;
    const auto told = entries_;
    if (!open(how)) return;
    archive_entry* entry = nullptr;
    for (std::uint64_t at = 0; !shared_.out_of_time(around_.where); ++at) {
        const int got = archive_read_next_header(reader_.get(), &entry);
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return;
        if (at < told) continue;
        if (!shared_.one_more_entry(around_.where)) return;
        tell(name_of(entry), encrypted_ ? look::readable::encrypted : look::readable::yes, entry);
    }
}

} // namespace

void look_at_archive(look& shared, const piece& around, const recognised& what) {
    if (what.what == container::tnef && around.of_walk) return;
    if (around.archives >= shared.asked().max_depth) return shared.limit(around.where, "depth");
    if (what.what == container::unknown)
        return shared.add(finding_kind::unreadable, around.where, fmt::format("{}: no reader", what.label));
    if (what.what == container::tnef) return look_at_tnef(shared, around);
    const auto octets = around.octets.substr(what.at);
    if (what.what == container::rar && is_rar_volume(octets))
        shared.add(finding_kind::unreadable, around.where, "rar: a volume of several");
    if (what.what == container::iso && octets.size() < iso_octets_min) {
        std::string padded(octets);
        padded.resize(iso_octets_min);
        return unpacking(shared, around, what, padded, false).run(way::plain);
    }
    if (what.what != container::zip) return unpacking(shared, around, what, octets, false).run(way::plain);
    const auto ways = look_at_zip_directory(shared, around, what);
    if (!ways.is_zip && !what.sure) return;
    // Octets behind the end would keep libarchive from finding it.
    if (ways.by_directory) unpacking(shared, around, what, octets.substr(0, ways.end), true).run(way::plain);
    if (ways.by_headers)
        unpacking(shared, around, what, around.octets.substr(ways.first), true).run(way::headers);
}

} // namespace postern::policy::content
