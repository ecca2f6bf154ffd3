// Reading is strict: a field that runs past the end, a flag that is neither 0 nor 1 and octets left over are
// all `corrupt`, since a record half understood could open a mailbox or close one.
#include "storage/tables/directory_codec.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

constexpr char record_version = 1;
// With what the version before has no room for; a mailbox is written as the oldest version that has all it
// needs, so that older programs read it.
constexpr char with_phrases = 2; // and accept_redirected
constexpr char with_scram = 3;
constexpr char with_limit = 4;
constexpr char mailbox_version = with_limit;
constexpr char domain_with_limit = 2;

constexpr std::size_t limit_octets = 4;

void put_text(std::string& to, std::string_view text) {
    append_big_endian(to, text.size(), 2);
    to.append(text);
}

// Takes fields off the front; after the first that isn't there, ok() is false for good.
class field_reader {
  public:
    explicit field_reader(std::string_view octets) : rest_(octets) {}

    std::uint64_t number(std::size_t octets) { return big_endian(take(octets)); }
    bool flag() {
        const auto value = number(1);
        ok_ = ok_ && value <= 1;
        return value == 1;
    }
    std::string text(std::size_t limit) {
        const auto size = static_cast<std::size_t>(number(2));
        ok_ = ok_ && size <= limit;
        return std::string(take(size));
    }
    bool ok() const { return ok_; }
    bool complete() const { return ok_ && rest_.empty(); }

  private:
    std::string_view take(std::size_t octets) {
        ok_ = ok_ && octets <= rest_.size();
        if (!ok_) return {};
        const auto taken = rest_.substr(0, octets);
        rest_.remove_prefix(octets);
        return taken;
    }

    std::string_view rest_;
    bool ok_ = true;
};

result<std::uint64_t> check_version(field_reader& fields, char newest = record_version) {
    const auto version = fields.number(1);
    if (!fields.ok() || version == 0) return storage_errc::corrupt;
    if (version > static_cast<std::uint64_t>(newest)) return storage_errc::newer_format;
    return version;
}

bool are_sound(const std::vector<std::string>& phrases) {
    return phrases.size() <= subject_phrases_max &&
           std::all_of(phrases.begin(), phrases.end(), [](const std::string& one) {
               return !one.empty() && one.size() <= subject_phrase_max;
           });
}

void read_phrases(field_reader& fields, std::vector<std::string>& to) {
    for (auto left = fields.number(1); left > 0 && fields.ok(); --left)
        to.push_back(fields.text(subject_phrase_max));
}

char version_for(const mailbox_record& record) {
    if (record.hourly_limit != 0) return with_limit;
    if (!record.scram.empty()) return with_scram;
    return !record.subject_phrases.empty() || record.accept_redirected ? with_phrases : record_version;
}

} // namespace

result<std::string> encode_domain(const domain_record& record) {
    if (record.tier.size() > directory_key_max || record.alias_of.size() > directory_key_max)
        return storage_errc::invalid;
    std::string value(1, record.hourly_limit == 0 ? record_version : domain_with_limit);
    put_text(value, record.tier);
    put_text(value, record.alias_of);
    if (record.hourly_limit != 0) append_big_endian(value, record.hourly_limit, limit_octets);
    return value;
}

result<domain_record> decode_domain(std::string_view name, std::string_view value) {
    field_reader fields(value);
    const auto version = check_version(fields, domain_with_limit);
    if (!version) return version.error();
    domain_record record;
    record.name = name;
    record.tier = fields.text(directory_key_max);
    record.alias_of = fields.text(directory_key_max);
    if (*version >= domain_with_limit)
        record.hourly_limit = static_cast<std::uint32_t>(fields.number(limit_octets));
    if (!fields.complete()) return storage_errc::corrupt;
    return record;
}

result<std::string> encode_mailbox(const mailbox_record& record) {
    if (record.password.size() > password_max || record.scram.size() > scram_max ||
        !are_sound(record.subject_phrases))
        return storage_errc::invalid;
    const char version = version_for(record);
    std::string value(1, version);
    append_big_endian(value, record.quota, 8);
    append_big_endian(value, record.antispam ? 1 : 0, 1);
    append_big_endian(value, static_cast<std::uint64_t>(record.created), 8);
    put_text(value, record.password);
    if (version < with_phrases) return value;
    append_big_endian(value, record.accept_redirected ? 1 : 0, 1);
    append_big_endian(value, record.subject_phrases.size(), 1);
    for (const auto& phrase : record.subject_phrases) put_text(value, phrase);
    if (version >= with_scram) put_text(value, record.scram);
    if (version >= with_limit) append_big_endian(value, record.hourly_limit, limit_octets);
    return value;
}

result<mailbox_record> decode_mailbox(std::string_view address, std::string_view value) {
    field_reader fields(value);
    const auto version = check_version(fields, mailbox_version);
    if (!version) return version.error();
    mailbox_record record;
    record.address = address;
    record.quota = fields.number(8);
    record.antispam = fields.flag();
    record.created = static_cast<std::int64_t>(fields.number(8));
    record.password = fields.text(password_max);
    if (*version >= with_phrases) {
        record.accept_redirected = fields.flag();
        read_phrases(fields, record.subject_phrases);
    }
    if (*version >= with_scram) record.scram = fields.text(scram_max);
    if (*version >= with_limit) record.hourly_limit = static_cast<std::uint32_t>(fields.number(limit_octets));
    if (!fields.complete() || !are_sound(record.subject_phrases)) return storage_errc::corrupt;
    return record;
}

std::string alias_key(std::string_view address, std::string_view target) {
    std::string key(address);
    key.push_back('\0');
    return key.append(target);
}

std::string encode_alias() { return std::string(1, record_version); }

result<alias_record> decode_alias(std::string_view key, std::string_view value) {
    field_reader fields(value);
    if (auto known = check_version(fields); !known) return known.error();
    const auto end = key.find('\0');
    const bool has_both = end != std::string_view::npos && end > 0 && end + 1 < key.size();
    if (!fields.complete() || !has_both) return storage_errc::corrupt;
    return alias_record{std::string(key.substr(0, end)), std::string(key.substr(end + 1))};
}

} // namespace postern::storage
