// Each value has a size or says one; of a type that is not known nothing behind it can be read.
#include "protocol/mime/mapi.hpp"

#include "protocol/mime/charset.hpp"

#include <algorithm>
#include <utility>

namespace postern::protocol::mime {
namespace {

constexpr std::uint16_t several_values = 0x1000, named_from = 0x8000;
constexpr std::uint16_t type_object = 0x000d, type_string = 0x001e, type_unicode = 0x001f,
                        type_binary = 0x0102;
constexpr std::uint16_t id_display_name = 0x3001, id_data = 0x3701, id_body = 0x1000, id_rtf = 0x1009,
                        id_html = 0x1013, id_long_name = 0x3707;
// PR_ATTACH_EXTENSION, _FILENAME, _LONG_FILENAME, _PATHNAME, _TRANSPORT_NAME, _LONG_PATHNAME.
constexpr std::uint16_t name_ids[] = {0x3703, 0x3704, id_long_name, 0x3708, 0x370c, 0x370d};

std::uint32_t number(std::string_view octets, std::size_t at = 0, std::size_t size = 4) {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8U | static_cast<unsigned char>(octets[at + i]);
    return value;
}

std::uint64_t padded(std::uint64_t size) { return (size + 3) & ~std::uint64_t(3); }

bool is_variable(std::uint16_t type) {
    return type == type_object || type == type_string || type == type_unicode || type == type_binary;
}

// Of a type of fixed size; -1 of others. MS-OXCDATA §2.11.1.
int size_of(std::uint16_t type) {
    switch (type) {
    case 0x0001: return 0; // null
    case 0x0002: return 2; // short
    case 0x0003:
    case 0x0004: // long, float
    case 0x000a:
    case 0x000b: // error, boolean
        return 4;
    case 0x0005:
    case 0x0006:
    case 0x0007: // double, currency, time
    case 0x0014:
    case 0x0040: // long long, file time
        return 8;
    case 0x0048: return 16; // GUID
    default: return -1;
    }
}

} // namespace

void mapi_reader::feed(std::string_view octets, tnef_events& told) {
    const auto take = [&](std::uint64_t most) {
        const auto taken =
            octets.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(most, octets.size())));
        octets.remove_prefix(taken.size());
        return taken;
    };
    while (!octets.empty()) {
        if (value_ > 0) {
            const auto part = take(value_);
            value_ -= static_cast<std::uint32_t>(part.size());
            take_value(part, told);
            if (value_ == 0) end_value(told);
        } else if (skip_ > 0) {
            skip_ -= take(skip_).size();
        } else if (expected_ == expected::nothing) {
            if (octets.find_first_not_of('\0') != octets.npos) malformed_ = true;
            return;
        } else {
            const std::size_t size = expected_ == expected::property_name ? 20
                                     : expected_ == expected::interface   ? 16
                                                                          : 4;
            held_ += take(size - held_.size());
            if (held_.size() == size) step(told);
        }
    }
}

void mapi_reader::finish(tnef_events& told) {
    if (in_data_ || expected_ != expected::nothing || skip_ > 3) malformed_ = true;
    if (in_data_) told.data_ends();
    in_data_ = false;
    if (!has_long_name_ && !display_name_.empty()) told.attachment_name(display_name_);
    display_name_.clear();
}

void mapi_reader::expect(expected what) {
    expected_ = what;
    held_.clear();
}

void mapi_reader::step(tnef_events& told) {
    const std::string held = std::exchange(held_, {});
    switch (expected_) {
    case expected::property_count: properties_ = number(held); return next_property();
    case expected::tag:
        type_ = static_cast<std::uint16_t>(number(held, 0, 2));
        id_ = static_cast<std::uint16_t>(number(held, 2, 2));
        take_tag();
        return;
    case expected::property_name:
        return expect(number(held, 16) == 0 ? expected::name_number : expected::name_length);
    case expected::name_number: return begin_values();
    case expected::name_length: skip_ = padded(number(held)); return begin_values();
    case expected::value_count: return take_value_count(number(held));
    case expected::value_length: return begin_value(number(held), told);
    case expected::interface: return start_value(told);
    case expected::nothing: return;
    }
}

void mapi_reader::next_property() {
    if (properties_ == 0) return expect(expected::nothing);
    --properties_;
    expect(expected::tag);
}

void mapi_reader::take_tag() {
    choose_target();
    if (id_ >= named_from) return expect(expected::property_name);
    begin_values();
}

void mapi_reader::choose_target() {
    const auto type = static_cast<std::uint16_t>(type_ & ~several_values);
    const bool text = type == type_string || type == type_unicode;
    target_ = target::none;
    if (whose_ == owner::attachment) {
        const bool is_name = std::find(std::begin(name_ids), std::end(name_ids), id_) != std::end(name_ids);
        if (text && is_name) target_ = target::name;
        if (text && id_ == id_display_name) target_ = target::display_name;
        if (id_ == id_data && (type == type_binary || type == type_object)) target_ = target::data;
        data_ = tnef_data::file;
    } else if (text || type == type_binary) {
        target_ = id_ == id_body || id_ == id_html || id_ == id_rtf ? target::data : target::none;
        data_ = id_ == id_html ? tnef_data::html : id_ == id_rtf ? tnef_data::rtf : tnef_data::text;
    }
}

// What stands behind the tag and the name.
void mapi_reader::begin_values() {
    const bool several = (type_ & several_values) != 0;
    const auto type = static_cast<std::uint16_t>(type_ & ~several_values);
    if (several || is_variable(type)) return expect(expected::value_count);
    const int size = size_of(type);
    if (size < 0) return give_up();
    skip_ += padded(static_cast<std::uint64_t>(size));
    next_property();
}

void mapi_reader::take_value_count(std::uint32_t count) {
    const auto type = static_cast<std::uint16_t>(type_ & ~several_values);
    if (is_variable(type)) {
        values_ = count;
        return next_value();
    }
    const int size = size_of(type);
    if (size < 0) return give_up();
    skip_ = count * padded(static_cast<std::uint64_t>(size));
    next_property();
}

void mapi_reader::next_value() {
    if (values_ == 0) return next_property();
    --values_;
    expect(expected::value_length);
}

void mapi_reader::begin_value(std::uint32_t octets, tnef_events& told) {
    constexpr std::uint32_t interface_size = 16;
    padding_ = static_cast<unsigned>(padded(octets) - octets);
    due_ = octets;
    if (target_ != target::data) return start_value(told);
    if ((type_ & ~several_values) != type_object) return start_value(told);
    if (octets < interface_size) return give_up();
    due_ -= interface_size;
    expect(expected::interface);
}

void mapi_reader::start_value(tnef_events& told) {
    if (target_ == target::data) told.data_begins(data_);
    in_data_ = target_ == target::data;
    text_.clear();
    value_ = due_;
    if (value_ == 0) end_value(told);
}

void mapi_reader::take_value(std::string_view octets, tnef_events& told) {
    if (target_ == target::none) return;
    if (target_ == target::data) return told.data_octets(octets);
    const auto room = 2 * (name_octets_ + 1) - text_.size();
    if (octets.size() > room) malformed_ = true;
    text_ += octets.substr(0, room);
}

void mapi_reader::end_value(tnef_events& told) {
    if (std::exchange(in_data_, false)) told.data_ends();
    if (target_ == target::name || target_ == target::display_name) {
        const bool wide = (type_ & ~several_values) == type_unicode;
        std::string name = wide ? to_utf8("utf-16le", text_) : text_;
        name.erase(name.find_last_not_of('\0') + 1);
        has_long_name_ = has_long_name_ || (id_ == id_long_name && !name.empty());
        if (target_ == target::name)
            told.attachment_name(name);
        else
            display_name_ = std::move(name);
    }
    skip_ = padding_;
    next_value();
}

} // namespace postern::protocol::mime
