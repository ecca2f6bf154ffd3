// ContentInfo { OID, [0] SignedData { version, digests, { OID, [0] OCTET STRING } } } (RFC 5652 §3, §5.1).
#include "policy/content/cms.hpp"

#include <algorithm>
#include <optional>

namespace postern::policy::content {
namespace {

using namespace std::string_view_literals;

constexpr unsigned char integer = 0x02, octet_string = 0x04, identifier = 0x06, octet_strings = 0x24,
                        sequence = 0x30, set = 0x31, tagged = 0xa0;
// pkcs7-signedData, -envelopedData, -signedAndEnvelopedData, -encryptedData; id-smime-ct-authEnvelopedData,
// -compressedData.
constexpr auto signed_id = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"sv,
               enveloped_id = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"sv,
               both_id = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04"sv,
               encrypted_id = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"sv,
               compressed_id = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09"sv,
               authenticated_id = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"sv;

struct head {
    unsigned char tag = 0;
    std::optional<std::size_t> length; // none: until two zeros
};

// X.690 §8.1, forwards only.
class reader {
  public:
    explicit reader(std::string_view octets) : left_(octets) {}

    // The next element's head; false, and nothing is taken: there is none, or of another tag.
    bool enter(unsigned char tag) {
        const auto before = left_;
        const auto read = take_head();
        if (read && read->tag == tag) return true;
        left_ = before;
        return false;
    }
    std::optional<std::string_view> take(unsigned char tag) {
        const auto read = take_head();
        if (!read || read->tag != tag || !read->length) return std::nullopt;
        return take_octets(*read->length);
    }
    bool skip(unsigned char tag) {
        auto read = take_head();
        if (!read || read->tag != tag) return false;
        std::size_t open = 0;
        for (;;) {
            if (!read) return false;
            if (!read->length)
                ++open;
            else if (read->tag == 0 && *read->length == 0 && open > 0)
                --open;
            else
                take_octets(*read->length);
            if (open == 0) return true;
            read = take_head();
        }
    }
    // An octet string, whole or in pieces. What is cut off is told as far as it is there.
    bool tell(const std::function<bool(std::string_view)>& told) {
        auto read = take_head();
        if (!read) return false;
        if (read->tag == octet_string && read->length) return told(take_octets(*read->length));
        if (read->tag != octet_strings) return false;
        auto end = read->length ? left_.size() - std::min(*read->length, left_.size()) : 0;
        for (std::size_t open = read->length ? 0 : 1; left_.size() > end;) {
            read = take_head();
            if (!read) return false;
            if (read->tag == octet_string && read->length) {
                if (!told(take_octets(*read->length))) return true;
            } else if (read->tag == octet_strings) {
                if (!read->length) ++open; // one of known length is read through
            } else if (read->tag != 0 || open == 0) {
                return false;
            } else if (--open == 0 && end == 0) {
                return true;
            }
        }
        return end != 0 || left_.empty();
    }

  private:
    std::optional<head> take_head() {
        if (left_.size() < 2) return std::nullopt;
        head read{static_cast<unsigned char>(left_[0]), std::nullopt};
        const auto first = static_cast<unsigned char>(left_[1]);
        left_.remove_prefix(2);
        if (first == 0x80) return read;
        std::size_t value = first;
        if (first > 0x80) {
            const std::size_t count = first & 0x7fU;
            if (count > 8 || left_.size() < count) return std::nullopt;
            value = 0;
            for (const char c : left_.substr(0, count)) value = value << 8U | static_cast<unsigned char>(c);
            left_.remove_prefix(count);
        }
        read.length = value;
        return read;
    }
    std::string_view take_octets(std::size_t length) {
        const auto taken = left_.substr(0, length);
        left_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view left_;
};

} // namespace

cms_kind read_cms(std::string_view octets, const std::function<bool(std::string_view)>& told) {
    reader from(octets);
    if (!from.enter(sequence)) return cms_kind::none;
    const auto what = from.take(identifier);
    if (what == enveloped_id || what == both_id || what == encrypted_id || what == authenticated_id)
        return cms_kind::encrypted;
    if (what == compressed_id) return cms_kind::compressed;
    if (what != signed_id) return cms_kind::none;
    const bool there = from.enter(tagged) && from.enter(sequence) && from.skip(integer) && from.skip(set) &&
                       from.enter(sequence) && from.skip(identifier);
    if (!there) return cms_kind::broken;
    if (!from.enter(tagged)) return cms_kind::signed_data;
    return from.tell(told) ? cms_kind::signed_data : cms_kind::broken;
}

} // namespace postern::policy::content
