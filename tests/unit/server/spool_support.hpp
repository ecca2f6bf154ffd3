// A small message for the tests of the queue's writers.
#pragma once

#include "storage/queue.hpp"

namespace postern::testing {

inline storage::queue_operation message(std::uint64_t id) {
    storage::insert_message insert;
    insert.message.id = {id};
    insert.message.recipients.resize(1);
    insert.message.recipients[0].address = "u@d.test";
    insert.body = "Subject: x\r\n\r\n";
    insert.message.size = insert.body.size();
    return insert;
}

} // namespace postern::testing
