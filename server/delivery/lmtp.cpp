// A connection that was kept may have been closed by the server in the meantime. Only while nothing of the
// message has gone out is that no answer of its: then a new one is tried.
#include "server/delivery/lmtp.hpp"

#include "server/delivery/connect.hpp"
#include "server/delivery/text_content.hpp"

#include <utility>

namespace postern::server {
namespace asio = boost::asio;
using protocol::client_session;
using protocol::recipient_outcome;

namespace {

std::vector<recipient_outcome> all_deferred(std::size_t recipients, const std::string& why) {
    recipient_outcome one;
    one.what = recipient_outcome::kind::deferred;
    one.status = {4, 4, 1};
    one.text = why;
    return std::vector<recipient_outcome>(recipients, one);
}

// It would be so at every try.
void fail_for_its_content(std::vector<recipient_outcome>& outcomes) {
    for (auto& each : outcomes) {
        if (each.said_by_peer) continue;
        each = {};
        each.what = recipient_outcome::kind::failed;
        each.status = {5, 6, 0};
        each.text = "the message holds a bare CR or LF, or a NUL, and can't be sent as text";
    }
}

} // namespace

std::unique_ptr<lmtp_client::connection> lmtp_client::take_kept(const conf::lmtp_server& where) {
    const auto now = std::chrono::steady_clock::now();
    while (!kept_.empty()) {
        auto last = std::move(kept_.back()); // the one used last is the likeliest to live
        kept_.pop_back();
        const bool fresh =
            now - last->used < idle_time && last->where == where && !last->wire->has_unread_input();
        if (fresh) return last;
        last->wire->close();
    }
    return nullptr;
}

void lmtp_client::keep(std::unique_ptr<connection> one) {
    one->used = std::chrono::steady_clock::now();
    kept_.push_back(std::move(one));
    if (kept_.size() <= idle_max) return;
    kept_.front()->wire->close();
    kept_.pop_front();
}

void lmtp_client::close() {
    for (auto& each : kept_) each->wire->close();
    kept_.clear();
}

asio::awaitable<std::vector<recipient_outcome>> lmtp_client::deliver(conf::lmtp_server where,
                                                                     std::string hostname,
                                                                     protocol::outgoing_message message,
                                                                     content_maker make_content) {
    const std::size_t recipients = message.recipients.size();
    for (;;) {
        auto link = take_kept(where);
        const bool reused = link != nullptr;
        if (!reused) {
            auto wire = co_await connect_to(where, connect_time, buffers_);
            if (!wire) co_return all_deferred(recipients, "cannot connect: " + wire.error().message());
            link = std::make_unique<connection>();
            link->where = where;
            link->wire = std::move(*wire);
            const protocol::client_settings settings{protocol::client_protocol::lmtp, hostname,
                                                     protocol::client_tls::never};
            link->session = std::make_unique<client_session>(settings);
        }
        auto& session = *link->session;
        session.begin(message);
        const auto stored = make_content();
        text_content text(*stored);
        const bool binary = message.body == protocol::body_type::binary_mime;
        content_source* const content = binary ? stored.get() : &text;
        co_await converse(session, *link->wire, content, {});
        const auto outcomes = session.outcomes();
        std::vector<recipient_outcome> made(outcomes.begin(), outcomes.end());
        if (session.next() == protocol::client_step::idle) {
            keep(std::move(link));
            co_return made;
        }
        link->wire->close();
        if (text.refused()) {
            fail_for_its_content(made);
            co_return made;
        }
        const bool unheard = reused && session.fault() &&
                             session.fault()->what == client_session::trouble::kind::lost &&
                             session.replies_to_message() == 0;
        if (!unheard) co_return made;
    }
}

} // namespace postern::server
