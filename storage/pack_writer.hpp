// The bodies of one batch that came whole in memory and are too large for the tables, one behind the other in
// one file: they share its making and its flushes. A pack is written once, before the transaction that names
// it, and goes with the last of its bodies.
#pragma once

#include "storage/queue_impl.hpp"
#include "storage/spool_file.hpp"

#include <memory>
#include <vector>

namespace postern::storage {

// A batch with more makes several: a pack stays until its last body may go.
inline constexpr std::uint64_t pack_octets_max = 8 * 1024 * 1024;

class pack_writer {
  public:
    // `bodies` as for spool_file::create().
    pack_writer(file_env& files, const file_handle& bodies) : files_(files), bodies_(bodies) {}

    // Durable when it returns without an error: the bodies in pieces of the batch's messages, and `places`
    // says where. After an error nothing of them stays.
    result<void> write(operation_list batch, packed_places& places);
    void keep(); // a transaction that names them is begun
    void drop(); // it failed: they go, with this

  private:
    result<void> add(const insert_message& wanted, packed_places& places);
    result<void> end_pack();

    file_env& files_;
    const file_handle& bodies_;
    queue_id current_;
    std::vector<std::unique_ptr<spool_file>> packs_; // the last one may be open for more
};

} // namespace postern::storage
