// The epoll descriptor of ours is one of Asio's: when it has news, all of them are noted first, then each
// that waited for them goes on. So one that goes while another is resumed only leaves its list.
#include "server/poller.hpp"

#include "server/reserved_room.hpp"
#include "storage/file_handle.hpp"

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <sys/epoll.h>
#include <utility>

namespace postern::server {
namespace asio = boost::asio;

namespace {

constexpr std::uint32_t input_events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
constexpr std::size_t events_at_once = 128; // what is left is told at the next turn

storage::file_handle open_epoll() {
    storage::file_handle made(::epoll_create1(EPOLL_CLOEXEC));
    if (!made.is_open())
        throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
    return made;
}

} // namespace

struct poller::impl {
    using loop_executor = asio::io_context::executor_type;
    using list = boost::intrusive::list<polled, boost::intrusive::constant_time_size<false>>;

    explicit impl(asio::io_context& loop) : news(loop.get_executor()) {
        auto epoll = open_epoll();
        news.assign(epoll.get());
        epoll.release();
    }

    void arm();
    void disarm();
    void take_news();
    void note(polled& one, std::uint32_t events);
    void resume_due();
    void resume_soon();

    asio::posix::basic_stream_descriptor<loop_executor> news;
    list waiting;
    list due; // they have their answer
    bool is_armed = false, is_posted = false, is_resuming = false;
    reserved_room news_room, post_room;
};

asio::execution_context::id poller::id;

poller::poller(asio::execution_context& loop)
    : service(loop), impl_(std::make_unique<impl>(static_cast<asio::io_context&>(loop))) {}

poller::~poller() = default;

poller& poller::of(asio::io_context& loop) { return asio::use_service<poller>(loop); }

asio::io_context::executor_type poller::executor() { return impl_->news.get_executor(); }

// Who waits is destroyed with its coroutine.
void poller::shutdown() {
    impl_->is_armed = false; // Asio's part of it goes with Asio's services
    for (auto* each : {&impl_->waiting, &impl_->due}) {
        while (!each->empty()) {
            polled& one = each->front();
            each->pop_front();
            const auto gone = std::move(one.waiting_);
            one.waiting_.reset();
        }
    }
}

// Only while somebody waits, so that a loop without anything to do ends.
void poller::impl::arm() {
    if (is_armed || is_resuming || waiting.empty()) return;
    is_armed = true;
    news.async_wait(asio::posix::descriptor_base::wait_read,
                    in_room(news_room, [this](const boost::system::error_code& ec) {
                        is_armed = false;
                        if (ec != asio::error::operation_aborted) return take_news();
                        arm(); // somebody may have begun to wait since
                    }));
}

void poller::impl::disarm() {
    if (!is_armed || !waiting.empty()) return;
    boost::system::error_code ignored;
    news.cancel(ignored);
}

void poller::impl::take_news() {
    std::array<epoll_event, events_at_once> events;
    const int count = ::epoll_wait(news.native_handle(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i)
        note(*static_cast<polled*>(events[static_cast<std::size_t>(i)].data.ptr),
             events[static_cast<std::size_t>(i)].events);
    resume_due();
}

void poller::impl::note(polled& one, std::uint32_t events) {
    const bool has_ended = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    const bool is_broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
    const bool has_input = has_ended || is_broken || (events & (EPOLLIN | EPOLLPRI)) != 0;
    const bool has_room = is_broken || (events & EPOLLOUT) != 0;
    one.has_ended_ = one.has_ended_ || has_ended;
    one.may_have_input_ = one.may_have_input_ || has_input;
    one.reads_may_stop_short_ = one.reads_may_stop_short_ || (events & EPOLLPRI) != 0;
    if (!one.waiting_ || !(one.wanted_ == polled::until::readable ? has_input : has_room)) return;
    one.unlink();
    due.push_back(one);
}

// Those that are due now: who waits again for what is there already has its next turn behind the others of
// the loop. One that is resumed may throw, out of memory: the others still get their turn.
void poller::impl::resume_due() {
    list now;
    now.swap(due);
    is_resuming = true;
    const auto go_on = [&now](impl* self) {
        self->due.splice(self->due.begin(), now);
        self->is_resuming = false;
        self->resume_soon();
        self->arm();
    };
    const std::unique_ptr<impl, decltype(go_on)> on_any_way_out(this, go_on);
    while (!now.empty()) {
        polled& one = now.front();
        now.pop_front();
        auto resumed = std::move(*one.waiting_);
        one.waiting_.reset();
        const auto answer = one.answer_;
        std::move(resumed)(answer);
    }
}

void poller::impl::resume_soon() {
    if (is_posted || due.empty()) return;
    is_posted = true;
    asio::post(news.get_executor(), in_room(post_room, [this] {
                   is_posted = false;
                   resume_due();
               }));
}

polled::polled(poller& by, int descriptor) : by_(by), descriptor_(descriptor) {
    is_registered_ = tell_kernel(EPOLL_CTL_ADD, input_events);
}

bool polled::tell_kernel(int what, std::uint32_t events) {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.ptr = this;
    return ::epoll_ctl(by_.impl_->news.native_handle(), what, descriptor_, &wanted) == 0;
}

polled::~polled() {
    if (is_linked()) unlink();
    by_.impl_->disarm();
    forget();
}

void polled::end() {
    cancel();
    forget();
}

// Closing the descriptor is not enough: a process that is being started may hold it for a moment.
void polled::forget() {
    if (std::exchange(is_registered_, false)) tell_kernel(EPOLL_CTL_DEL, 0);
}

bool polled::watch_writing() {
    watches_writing_ = watches_writing_ || tell_kernel(EPOLL_CTL_MOD, input_events | EPOLLOUT);
    return watches_writing_;
}

// Once it was begun nothing throws: Asio would destroy the coroutine, and needs memory for that.
asio::awaitable<stream_status> polled::wait(until what) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(stream_status)>(
        [this, what](handler waiting) { begin(what, std::move(waiting)); }, asio::use_awaitable);
}

void polled::begin(until what, handler waiting) {
    waiting_.emplace(std::move(waiting));
    wanted_ = what;
    answer_ = stream_status::ok;
    const bool can_wait = is_registered_ && (what == until::readable || watch_writing());
    if (!can_wait) answer_ = stream_status::failed;
    auto& by = *by_.impl_;
    if (can_wait && !(what == until::readable && has_ended_)) {
        by.waiting.push_back(*this);
        return by.arm();
    }
    by.due.push_back(*this);
    by.resume_soon();
}

void polled::cancel() {
    if (!waiting_) return;
    unlink();
    answer_ = stream_status::cancelled;
    auto& by = *by_.impl_;
    by.due.push_back(*this);
    by.resume_soon();
    by.disarm();
}

} // namespace postern::server
