// The MAPI properties of a message or of an attachment as TNEF has them (MS-OXTNEF §2.1.3.4), in pieces of
// any size: names of attachments, their octets, the message's texts. Everything else is passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol::mime {

enum class tnef_data : unsigned char { file, text, html, rtf };

class tnef_events {
  public:
    virtual ~tnef_events() = default;
    virtual void attachment_begins() = 0; // and the one before ends
    // Of the attachment; in UTF-8, or octets of a code page that is not known.
    virtual void attachment_name(std::string_view raw) = 0;
    virtual void data_begins(tnef_data what) = 0; // octets follow, then data_ends
    virtual void data_octets(std::string_view octets) = 0;
    virtual void data_ends() = 0;
};

class mapi_reader {
  public:
    enum class owner : unsigned char { message, attachment };
    // Names longer than `name_octets` are cut, and the properties count as malformed.
    mapi_reader(owner whose, std::size_t name_octets) : whose_(whose), name_octets_(name_octets) {}

    void feed(std::string_view octets, tnef_events& told);
    void finish(tnef_events& told); // no more octets come
    bool malformed() const { return malformed_; }

  private:
    enum class expected : unsigned char {
        property_count,
        tag,
        property_name, // its GUID, and whether a number or a text follows
        name_number,
        name_length,
        value_count,
        value_length,
        interface, // which kind of object follows
        nothing,   // all are read
    };
    enum class target : unsigned char { none, name, display_name, data };

    void step(tnef_events& told);
    void expect(expected what);
    void take_tag();
    void begin_values();
    void take_value_count(std::uint32_t count);
    void next_value();
    void begin_value(std::uint32_t octets, tnef_events& told);
    void start_value(tnef_events& told);
    void take_value(std::string_view octets, tnef_events& told);
    void end_value(tnef_events& told);
    void choose_target();
    void next_property();
    void give_up() {
        malformed_ = true;
        expect(expected::nothing);
    }

    owner whose_;
    std::size_t name_octets_;
    bool malformed_ = false;
    expected expected_ = expected::property_count;
    std::string held_; // of what is expected
    std::uint32_t properties_ = 0, values_ = 0;
    std::uint16_t type_ = 0, id_ = 0;
    std::uint64_t skip_ = 0;  // octets that don't matter
    std::uint32_t due_ = 0;   // octets of the value that begins
    std::uint32_t value_ = 0; // of it, to come
    unsigned padding_ = 0;    // behind it
    target target_ = target::none;
    tnef_data data_ = tnef_data::file;
    bool in_data_ = false, has_long_name_ = false;
    std::string text_, display_name_;
};

} // namespace postern::protocol::mime
