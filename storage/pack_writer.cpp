#include "storage/pack_writer.hpp"

#include <numeric>

namespace postern::storage {

std::uint64_t octets_of(std::span<const std::string> pieces) {
    return std::accumulate(pieces.begin(), pieces.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const std::string& piece) { return sum + piece.size(); });
}

result<void> pack_writer::end_pack() {
    if (packs_.empty()) return {};
    return packs_.back()->make_durable();
}

result<void> pack_writer::add(const insert_message& wanted, packed_places& places) {
    if (packs_.empty() || packs_.back()->size() + wanted.message.size > pack_octets_max) {
        if (const auto ended = end_pack(); !ended) return ended;
        current_ = wanted.message.id;
        auto made = spool_file::create(files_, bodies_, pack_path(current_), spool_use::all_in_a_row);
        if (!made) return made.error();
        packs_.push_back(std::move(*made));
    }
    places[wanted.message.id] = {current_, packs_.back()->size()};
    for (const std::string& piece : wanted.pieces) {
        if (const auto appended = packs_.back()->append(piece); !appended) return appended;
    }
    return {};
}

result<void> pack_writer::write(operation_list batch, packed_places& places) {
    for (const queue_operation* operation : batch) {
        const auto* insert = std::get_if<insert_message>(operation);
        if (insert == nullptr || insert->pieces.empty()) continue;
        if (const auto added = add(*insert, places); !added) return added;
    }
    return end_pack();
}

void pack_writer::keep() {
    for (const auto& pack : packs_) pack->keep();
}

void pack_writer::drop() {
    for (const auto& pack : packs_) pack->drop();
}

} // namespace postern::storage
