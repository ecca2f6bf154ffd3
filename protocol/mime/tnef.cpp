// A row of attributes: level, identifier, length, data, checksum. One that begins an attachment comes before
// all that is said of it.
#include "protocol/mime/tnef.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace postern::protocol::mime {
namespace {

constexpr std::size_t signature_size = 6, header_size = 9, checksum_size = 2;
// MS-OXTNEF §2.1.3.3; of the identifier its lower half.
constexpr std::uint16_t id_body = 0x800c, id_attachment_begins = 0x9002, id_title = 0x8010,
                        id_transport_name = 0x9001, id_data = 0x800f, id_message_properties = 0x9003,
                        id_attachment_properties = 0x9005;

std::uint32_t number(std::string_view octets, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8U | static_cast<unsigned char>(octets[at + i]);
    return value;
}

} // namespace

void tnef_reader::feed(std::string_view octets, tnef_events& told) {
    while (!octets.empty()) {
        const std::size_t size = state_ == state::data        ? due_
                                 : state_ == state::signature ? signature_size
                                 : state_ == state::header    ? header_size
                                                              : checksum_size;
        const auto part = octets.substr(0, size - held_.size());
        octets.remove_prefix(part.size());
        if (state_ == state::data) {
            due_ -= static_cast<std::uint32_t>(part.size());
            take_data(part, told);
            if (due_ == 0) end_attribute(told);
        } else {
            held_ += part;
            if (held_.size() == size) step(told);
        }
    }
}

void tnef_reader::finish(tnef_events& told) {
    // Line ends and padding that somebody added are of no matter.
    const bool between = state_ == state::header && held_.find_first_not_of("\r\n\0", 0, 3) == held_.npos;
    if (!between) malformed_ = true;
    if (state_ == state::data) end_attribute(told);
}

void tnef_reader::step(tnef_events& told) {
    const std::string held = std::exchange(held_, {});
    switch (state_) {
    case state::signature: state_ = state::header; return;
    case state::header: return begin_attribute(held, told);
    case state::data: return;
    case state::checksum:
        if (number(held, 0, 2) != checksum_) malformed_ = true;
        state_ = state::header;
        return;
    }
}

void tnef_reader::begin_attribute(std::string_view header, tnef_events& told) {
    const auto level = header.front();
    if (level != 1 && level != 2) malformed_ = true;
    due_ = number(header, 5, 4);
    checksum_ = 0;
    name_.clear();
    use_ = use::none;
    switch (number(header, 1, 2)) {
    case id_attachment_begins: told.attachment_begins(); break;
    case id_title:
    case id_transport_name: use_ = use::name; break;
    case id_data:
        use_ = use::file;
        told.data_begins(tnef_data::file);
        break;
    case id_body:
        use_ = use::text;
        told.data_begins(tnef_data::text);
        break;
    case id_message_properties:
    case id_attachment_properties:
        use_ = use::properties;
        properties_.emplace(number(header, 1, 2) == id_message_properties ? mapi_reader::owner::message
                                                                          : mapi_reader::owner::attachment,
                            name_octets_);
        break;
    default: break;
    }
    state_ = state::data;
    if (due_ == 0) end_attribute(told);
}

void tnef_reader::take_data(std::string_view octets, tnef_events& told) {
    const auto sum =
        std::accumulate(octets.begin(), octets.end(), std::uint32_t(0),
                        [](std::uint32_t all, char c) { return all + static_cast<unsigned char>(c); });
    checksum_ = static_cast<std::uint16_t>(checksum_ + sum);
    switch (use_) {
    case use::none: return;
    case use::file:
    case use::text: return told.data_octets(octets);
    case use::properties: return properties_->feed(octets, told);
    case use::name:
        const auto room = name_octets_ + 1 - name_.size();
        if (octets.size() > room) malformed_ = true;
        name_ += octets.substr(0, room);
        return;
    }
}

void tnef_reader::end_attribute(tnef_events& told) {
    state_ = state::checksum;
    switch (std::exchange(use_, use::none)) {
    case use::none: return;
    case use::file:
    case use::text: return told.data_ends();
    case use::name: name_.erase(name_.find_last_not_of('\0') + 1); return told.attachment_name(name_);
    case use::properties:
        properties_->finish(told);
        if (properties_->malformed()) malformed_ = true;
        properties_.reset();
        return;
    }
}

} // namespace postern::protocol::mime
