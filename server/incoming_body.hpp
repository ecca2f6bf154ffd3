// The body of one message while it comes in: nothing but memory up to the inline limit (the session holds
// that), a file from the first `store` on. Dropped before finish(): the file goes too.
#pragma once

#include "server/async_spool.hpp"
#include "server/offload_pool.hpp"
#include "storage/queue.hpp"
#include "storage/spool_file.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>

namespace postern::server {

class incoming_body {
  public:
    // `spool`, which will be given the message, and `pool` outlive it.
    incoming_body(async_spool& spool, offload_pool& pool, storage::queue_id id);

    // Appends on a pool thread; gives the emptied buffer back. busy when the pool is full. After an error, or
    // after `give_up` (awaiting.hpp) ended the wait, the object must only be destroyed.
    struct stored {
        boost::system::error_code ec;
        std::string recycled;
    };
    boost::asio::awaitable<stored> append(std::string bytes, resumer* give_up);
    // Appends what is left, then flushes file and folder; as append().
    boost::asio::awaitable<boost::system::error_code> finish(std::string rest, resumer* give_up);
    // Of one in a file: appends, and opens all that was appended for reading; as append().
    struct opened {
        boost::system::error_code ec;
        storage::file_handle file;
    };
    boost::asio::awaitable<opened> open(std::string rest, resumer* give_up);
    bool in_file() const { return state_->file != nullptr; }
    std::uint64_t size() const { return state_->file ? state_->file->size() : 0; }
    void keep(); // the queue names it now
    storage::queue_id id() const { return state_->id; }

  private:
    // Shared with the job on the pool: a session that dies in between leaves it to the job.
    struct state {
        const storage::queue& queue;
        storage::queue_id id;
        std::unique_ptr<storage::spool_file> file;
        std::string bytes;
        boost::system::error_code ec;
        storage::file_handle reader;
        void add();
        void open();
    };
    boost::asio::awaitable<boost::system::error_code> on_pool(std::function<void(state&)> work,
                                                              resumer* give_up);

    async_spool::to_come to_come_;
    offload_pool& pool_;
    std::shared_ptr<state> state_;
};

} // namespace postern::server
