#include "storage/journal_frame.hpp"

#include "storage/big_endian.hpp"

#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace postern::storage {
namespace {

constexpr std::size_t head_octets = 40, checksum_at = 32, message_head_octets = 45;
constexpr unsigned char has_due = 1, has_place = 2, has_body = 4, flags_known = 7;

std::size_t aligned(std::size_t octets) {
    return (octets + journal_alignment - 1) / journal_alignment * journal_alignment;
}

// Of all but the checksum itself.
std::uint64_t checksum_of(std::string_view frame) {
    const std::uint64_t of_head = XXH3_64bits(frame.data(), checksum_at);
    const std::string_view rest = frame.substr(head_octets);
    return XXH3_64bits_withSeed(rest.data(), rest.size(), of_head);
}

struct texts {
    std::string record, states;
};

const insert_message& insert_of(const queue_operation* operation) {
    return std::get<insert_message>(*operation);
}

std::string head_of(const message_rows& message) {
    std::string head = id_key(message.id);
    head.push_back(static_cast<char>((message.due ? has_due : 0) | (message.place ? has_place : 0) |
                                     (message.body ? has_body : 0)));
    append_big_endian(head, static_cast<std::uint64_t>(message.due.value_or(0)));
    const packed_place place = message.place.value_or(packed_place());
    append_big_endian(head, place.pack.value);
    append_big_endian(head, place.offset);
    for (const std::size_t size :
         {message.record.size(), message.states.size(), message.body ? message.body->size() : std::size_t{0}})
        append_big_endian(head, size, 4);
    return head;
}

} // namespace

// Not operator new with an alignment: glibc before 2.38 can't use again what it freed of such memory.
journal_frame::journal_frame(std::size_t size)
    : memory_(new char[aligned(size) + journal_alignment]), size_(aligned(size)) {
    void* start = memory_.get();
    std::size_t space = size_ + journal_alignment;
    start_ = static_cast<char*>(std::align(journal_alignment, size_, start, space));
}

journal_frame::journal_frame(std::span<const queue_operation* const> inserts, const packed_places& places) {
    std::vector<texts> encoded;
    encoded.reserve(inserts.size());
    std::size_t octets = head_octets;
    for (const queue_operation* operation : inserts) {
        const insert_message& insert = insert_of(operation);
        encoded.push_back({encode_message(insert.message), encode_states(insert.message)});
        octets += message_head_octets + encoded.back().record.size() + encoded.back().states.size() +
                  insert.body.size();
    }
    *this = journal_frame(octets);
    messages_.reserve(inserts.size());
    used_ = head_octets;
    const auto append = [this](std::string_view text) {
        std::memcpy(start_ + used_, text.data(), text.size());
        used_ += text.size();
        return std::string_view(start_ + used_ - text.size(), text.size());
    };
    for (std::size_t i = 0; i < inserts.size(); ++i) {
        const insert_message& insert = insert_of(inserts[i]);
        message_rows message{insert.message.id, due_time(insert.message), {},
                             encoded[i].record, encoded[i].states,        {}};
        if (!insert.pieces.empty()) message.place = places.at(insert.message.id);
        if (!insert.message.body_in_file) message.body = insert.body;
        append(head_of(message));
        message.record = append(message.record);
        message.states = append(message.states);
        if (message.body) message.body = append(*message.body);
        messages_.push_back(message);
    }
    std::memset(start_ + used_, 0, size_ - used_);
}

void journal_frame::seal(const journal_key& key, std::uint64_t position) {
    position_ = position;
    sealed_ = true;
    std::string head(key.data(), key.size());
    append_big_endian(head, position);
    append_big_endian(head, used_, 4);
    append_big_endian(head, messages_.size(), 4);
    std::memcpy(start_, head.data(), head.size());
    const std::string checksum = big_endian_octets(checksum_of({start_, used_}));
    std::memcpy(start_ + checksum_at, checksum.data(), checksum.size());
}

std::size_t journal_frame::size_of(std::string_view head) {
    return head.size() < head_octets ? 0 : aligned(big_endian(head.substr(24, 4)));
}

void journal_frame::spoil() { std::memset(start_, 0, head_octets); }

result<std::optional<journal_frame>> journal_frame::read(std::string_view octets, const journal_key& key,
                                                         std::uint64_t from) {
    std::optional<journal_frame> none;
    if (octets.size() < head_octets || !octets.starts_with(std::string_view(key.data(), key.size())))
        return none;
    const std::uint64_t position = big_endian(octets.substr(16, 8));
    const std::size_t size = big_endian(octets.substr(24, 4)), count = big_endian(octets.substr(28, 4));
    if (position < from || size < head_octets || size > octets.size()) return none;
    if (big_endian(octets.substr(checksum_at, 8)) != checksum_of(octets.substr(0, size))) return none;
    journal_frame found(size);
    found.position_ = position;
    found.sealed_ = true;
    std::memcpy(found.start_, octets.data(), size);
    std::memset(found.start_ + size, 0, found.size_ - size);
    if (const auto sound = found.find_messages(size, count); !sound) return sound.error();
    return std::optional<journal_frame>(std::move(found));
}

result<void> journal_frame::find_messages(std::size_t octets, std::size_t count) {
    used_ = head_octets;
    const auto take = [&](std::size_t size) {
        used_ += size;
        return std::string_view(start_ + used_ - size, size);
    };
    for (std::size_t i = 0; i < count; ++i) {
        if (octets - used_ < message_head_octets) return storage_errc::corrupt;
        const std::string_view head = take(message_head_octets);
        const auto flags = static_cast<unsigned char>(head[8]);
        const std::size_t record = big_endian(head.substr(33, 4)), states = big_endian(head.substr(37, 4)),
                          body = big_endian(head.substr(41, 4));
        if (record + states + body > octets - used_) return storage_errc::corrupt;
        const bool in_pack = (flags & has_place) != 0, has_its_body = (flags & has_body) != 0;
        if (flags > flags_known || (in_pack && has_its_body) || (!has_its_body && body != 0))
            return storage_errc::corrupt;
        message_rows message{{big_endian(head)}, {}, {}, take(record), take(states), {}};
        if ((flags & has_due) != 0) message.due = static_cast<std::int64_t>(big_endian(head.substr(9, 8)));
        if (in_pack)
            message.place = packed_place{{big_endian(head.substr(17, 8))}, big_endian(head.substr(25, 8))};
        const std::string_view text = take(body);
        if (has_its_body) message.body = text;
        messages_.push_back(message);
    }
    return octets == used_ ? result<void>() : storage_errc::corrupt;
}

} // namespace postern::storage
