// A frame of the journal: what comes back of it, and that it is whole or nothing.
#include "storage/journal_frame.hpp"

#include "queue_support.hpp"

#include <catch2/catch.hpp>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr journal_key key{'a', 'k', 'e', 'y'};
constexpr std::uint64_t position = 3 * journal_alignment;

journal_frame frame_of(const std::vector<queue_operation>& inserts, const packed_places& places = {}) {
    std::vector<const queue_operation*> operations;
    for (const auto& operation : inserts) operations.push_back(&operation);
    return {operations, places};
}

insert_message in_pack(std::uint64_t id) {
    insert_message made{message_of(id, 70'000), "", {body_of(id, 70'000)}};
    made.message.body_in_file = true;
    return made;
}

std::optional<journal_frame> read(std::string_view octets, std::uint64_t from = 0) {
    auto found = journal_frame::read(octets, key, from);
    REQUIRE(found.has_value());
    return std::move(*found);
}

} // namespace

TEST_CASE("a frame gives back every message as the tables take it", "[journal]") {
    auto held = std::get<insert_message>(insert_of(4, 0));
    held.message.held = true;
    auto in_file = std::get<insert_message>(insert_of(5, 90'000));
    in_file.message.body_in_file = true;
    in_file.body.clear();
    const std::vector<queue_operation> inserts{insert_of(1, 10), insert_of(2, 20'000), in_pack(3), held,
                                               in_file};
    auto made = frame_of(inserts, {{{3}, {{1}, 4711}}});
    made.seal(key, position);
    CHECK(made.octets().size() % journal_alignment == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(made.octets().data()) % journal_alignment == 0);
    const auto back = read(made.octets());
    REQUIRE(back);
    CHECK(back->position() == position);
    CHECK(back->end() == position + made.octets().size());
    CHECK(back->octets() == made.octets());
    REQUIRE(back->messages().size() == inserts.size());
    for (const journal_frame* frame : std::initializer_list<const journal_frame*>{&made, &*back}) {
        for (std::size_t i = 0; i < inserts.size(); ++i) {
            const auto& wanted = std::get<insert_message>(inserts[i]);
            const auto& found = frame->messages()[i];
            CHECK(found.id == wanted.message.id);
            CHECK(found.due == due_time(wanted.message));
            CHECK(found.record == encode_message(wanted.message));
            CHECK(found.states == encode_states(wanted.message));
            CHECK(found.body.has_value() == !wanted.message.body_in_file);
            if (found.body) CHECK(*found.body == wanted.body);
            CHECK(found.place.has_value() == !wanted.pieces.empty());
        }
        CHECK(frame->messages()[2].place->pack == queue_id{1});
        CHECK(frame->messages()[2].place->offset == 4711);
        CHECK_FALSE(frame->messages()[3].due);
    }
}

TEST_CASE("a frame of which one bit is another, which was cut, or which is not of its place is none",
          "[journal]") {
    auto made = frame_of({insert_of(1, 100)});
    made.seal(key, position);
    const std::string whole(made.octets());
    REQUIRE(read(whole));
    const std::size_t used =
        40 + 45 + encode_message(message_of(1, 100)).size() + encode_states(message_of(1, 100)).size() + 100;
    for (std::size_t at = 0; at < used; ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        INFO("octet " << at);
        CHECK_FALSE(read(damaged));
    }
    for (std::size_t size = 0; size < used; ++size)
        CHECK_FALSE(read(std::string_view(whole).substr(0, size)));
    CHECK(read(std::string_view(whole).substr(0, used)));
    CHECK(read(whole, position));
    CHECK_FALSE(read(whole, position + 1));
    const auto with_another = journal_frame::read(whole, {'b'}, 0);
    CHECK_FALSE(with_another->has_value());
}

TEST_CASE("a frame that is whole and not of our form is damage, not a message", "[journal]") {
    // As another version would make it: the checksum holds, the numbers within don't.
    auto made = frame_of({insert_of(1, 100)});
    char* octets = const_cast<char*>(made.octets().data());
    for (const std::size_t at : {std::size_t{40 + 8}, std::size_t{40 + 33}, std::size_t{40 + 44}}) {
        const char before = octets[at];
        octets[at] = 0x7f;
        made.seal(key, position);
        INFO("octet " << at);
        const auto found = journal_frame::read(made.octets(), key, 0);
        CHECK(found.error() == storage_errc::corrupt);
        octets[at] = before;
    }
}
