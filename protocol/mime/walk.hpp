// What all parts of one walk share: the visitor, the limits and what has been used of them; and the face of
// everything that takes octets.
#pragma once

#include "protocol/mime/header_section.hpp"

#include <array>
#include <memory>

namespace postern::protocol::mime {

// Takes the octets of one reading of something. end() comes once and last.
class sink {
  public:
    virtual ~sink() = default;
    virtual void feed(std::string_view octets) = 0;
    virtual void end() = 0;
    // Adds the boundaries of the multiparts in it that have not come to their last delimiter.
    virtual void open_boundaries(std::vector<std::string>&) const {}
};

class walk {
  public:
    walk(visitor& told, const limits& bounds) : told_(told), bounds_(bounds) {}

    visitor& told() { return told_; }
    const limits& bounds() const { return bounds_; }

    // Tells of a part and gives it a number; 0 when there are too many: then it isn't told.
    part_id begin(part begun);
    // Once for a part and kind, as far as that is remembered.
    void report(part_id id, finding what);
    void report(part_id id, const findings& all);

    // Tells of the names that clients make of `raw`, which stands in the octets of a part: those may name as
    // many files as they have lines. `told` counts them.
    void tell_names(part_id id, name_source source, std::string_view raw, unsigned& told);

    // A further reading beside another one: true if it may be opened; then end_reading comes once.
    bool begin_reading(part_id id);
    void end_reading() { --readings_; }

    void came(std::size_t octets) { came_ += octets; } // of the message
    void work(std::uint64_t octets);                   // are looked at
    bool given_up() const { return given_up_; }

  private:
    visitor& told_;
    limits bounds_;
    part_id parts_ = 0;
    unsigned readings_ = 0;
    std::uint64_t came_ = 0, work_ = 0;
    bool given_up_ = false;
    // The part that each kind was last reported for, and one more: 0 is a part too.
    std::array<std::uint64_t, finding_count> last_reported_{};
};

// The parts of the house that walker.cpp, entity.cpp and multipart.cpp build of each other.
struct leaf_hints {
    bool text = false; // a lenient client looks for files in it
    bool tnef = false; // its header says that it is one
};
// `entity`: the part that was told first of those with the same header; findings of its octets go there.
std::unique_ptr<sink> make_leaf(walk& shared, part_id id, part_id entity, leaf_hints hints, unsigned depth);
// A leaf that begins with its first octet that ends no line.
std::unique_ptr<sink> make_text_beside(walk& shared, part_kind kind, part_id parent, unsigned depth);
enum class default_type : unsigned char { text, message }; // RFC 2046 §5.1.5
std::unique_ptr<sink> make_entity(walk& shared, part_id parent, unsigned depth, default_type what);
// `boundary` may be empty: then the first line that starts with "--" names it.
std::unique_ptr<sink> make_multipart(walk& shared, part_id id, std::string boundary, unsigned depth,
                                     default_type of_parts);

} // namespace postern::protocol::mime
