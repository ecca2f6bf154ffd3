// Every blocking call runs on the pool; the session's coroutine waits for it and holds no lock.
#include "server/incoming_body.hpp"

namespace postern::server {
using boost::system::error_code;

incoming_body::incoming_body(async_spool& spool, offload_pool& pool, storage::queue_id id)
    : to_come_(spool), memory_(std::make_shared<async_spool::body_memory>(spool)), pool_(pool),
      state_(std::make_shared<state>(state{spool.queue(), id, {}, {}, {}, {}, {}})) {}

boost::asio::awaitable<error_code> incoming_body::on_pool(std::function<void(state&)> work,
                                                          resumer* give_up) {
    std::function<void()> job = [shared = state_, work = std::move(work)] { work(*shared); };
    failed_ = co_await pool_.run(std::move(job), give_up);
    if (!failed_) failed_ = state_->ec;
    co_return failed_;
}

void incoming_body::state::add() {
    if (!file) {
        auto made = queue.create_body(id);
        if (!made) {
            ec = made.error();
            return;
        }
        file = std::move(*made);
    }
    pieces.push_back(std::move(bytes));
    for (const auto& piece : pieces) {
        if (const auto written = file->append(piece); !written) {
            ec = written.error();
            return;
        }
    }
    bytes = std::move(pieces.back());
    pieces.clear();
}

// A session that gives pieces away gets no buffer back for them.
bool incoming_body::keep_in_memory(std::string& bytes) {
    if (!memory_ || octets_ + bytes.size() > storage::packed_body_max || !memory_->grow(bytes.size()))
        return false;
    octets_ += bytes.size();
    state_->pieces.push_back(std::move(bytes));
    return true;
}

boost::asio::awaitable<incoming_body::stored> incoming_body::append(std::string bytes, resumer* give_up) {
    if (failed_) co_return stored{failed_, {}};
    const std::size_t usual = bytes.capacity();
    if (keep_in_memory(bytes)) {
        stored kept;
        kept.recycled.reserve(usual); // or it would grow again, copied at each step
        co_return kept;
    }
    state_->bytes = std::move(bytes);
    std::function<void(state&)> work = [](state& s) { s.add(); };
    const error_code ec = co_await on_pool(std::move(work), give_up);
    memory_.reset();
    stored outcome{ec, {}};
    if (!ec) outcome.recycled = std::move(state_->bytes);
    co_return outcome;
}

void incoming_body::state::open() {
    if (!bytes.empty()) add();
    if (ec) return;
    auto opened = file->reader();
    if (opened)
        reader = std::move(*opened);
    else
        ec = opened.error();
}

boost::asio::awaitable<incoming_body::opened> incoming_body::open(std::string rest, resumer* give_up) {
    if (failed_) co_return opened{failed_, {}};
    state_->bytes = std::move(rest);
    std::function<void(state&)> work = [](state& s) { s.open(); };
    const error_code ec = co_await on_pool(std::move(work), give_up);
    opened outcome{ec, {}};
    if (!ec) outcome.file = std::move(state_->reader);
    co_return outcome;
}

boost::asio::awaitable<error_code> incoming_body::finish(std::string rest, resumer* give_up) {
    if (failed_) co_return failed_; // a job may still be at it
    if (keep_in_memory(rest)) co_return error_code{};
    state_->bytes = std::move(rest);
    std::function<void(state&)> work = [](state& s) {
        if (!s.bytes.empty() || !s.file) s.add();
        if (s.ec) return;
        const auto flushed = s.file->make_durable();
        if (!flushed) s.ec = flushed.error();
    };
    co_return co_await on_pool(std::move(work), give_up);
}

void incoming_body::keep() {
    if (state_->file) state_->file->keep();
}

} // namespace postern::server
