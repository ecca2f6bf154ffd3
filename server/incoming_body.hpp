// The body of one message while it comes in: memory up to the inline limit (the session holds that), pieces
// in memory from the first `store` on while there is room for them, and else a file. Dropped before finish():
// the file goes too.
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

    // Keeps a piece in memory, or appends on a pool thread and gives the emptied buffer back. busy when the
    // pool is full. After an error, or after `give_up` (awaiting.hpp) ended the wait, octets may be missing:
    // whatever is asked then ends by the same error.
    struct stored {
        boost::system::error_code ec;
        std::string recycled;
    };
    boost::asio::awaitable<stored> append(std::string bytes, resumer* give_up);
    // Keeps or appends what is left; a file and its folder are flushed. As append().
    boost::asio::awaitable<boost::system::error_code> finish(std::string rest, resumer* give_up);
    // Of one in a file: appends, and opens all that was appended for reading; as append().
    struct opened {
        boost::system::error_code ec;
        storage::file_handle file;
    };
    boost::asio::awaitable<opened> open(std::string rest, resumer* give_up);
    bool in_file() const { return state_->file != nullptr; }
    std::uint64_t size() const { return state_->file ? state_->file->size() : octets_; }
    std::vector<std::string> take_pieces() { return std::move(state_->pieces); } // none: it is in a file
    const std::vector<std::string>& pieces() const { return state_->pieces; }
    void keep(); // the queue names it now
    // For what is called when the pieces were written: their memory counts until then.
    std::shared_ptr<const void> memory() const { return memory_; }
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
        std::vector<std::string> pieces; // go before `bytes`
        void add();
        void open();
    };
    boost::asio::awaitable<boost::system::error_code> on_pool(std::function<void(state&)> work,
                                                              resumer* give_up);

    bool keep_in_memory(std::string& bytes);

    async_spool::to_come to_come_;
    std::shared_ptr<async_spool::body_memory> memory_; // none: it goes to a file
    std::size_t octets_ = 0;                           // of the pieces
    boost::system::error_code failed_;
    offload_pool& pool_;
    std::shared_ptr<state> state_;
};

} // namespace postern::server
