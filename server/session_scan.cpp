// A message that has come whole, on its way to a scanner: what is still in memory as a sealed copy, what is
// in a file as that file, open for reading. Nothing of it is acknowledged yet.
#include "server/scanning/subject.hpp"
#include "server/session_driver.hpp"

namespace postern::server {

namespace {

// The pool ends a scan by its own deadline; this is for the disk before it, and in case.
constexpr std::chrono::seconds more_than_the_scan{30};

} // namespace

boost::asio::awaitable<session_driver::scan_subject> session_driver::message_to_scan() {
    scan_subject made;
    if (!body_->in_file()) {
        auto copy = scanning::in_memory(body_->pieces(), session_->body());
        if (!copy) made.trouble = copy.error().message();
        if (copy) made.message = std::move(*copy);
        made.octets = body_->size() + session_->body().size();
        co_return made;
    }
    auto opened = co_await body_->open(session_->take_body(), &give_up_);
    if (opened.ec) made.trouble = opened.ec.message();
    if (!opened.ec) made.message = std::move(opened.file);
    made.octets = body_->size();
    co_return made;
}

boost::asio::awaitable<policy::scan_outcome> session_driver::scan(protocol::scan::order asked) {
    if (services_.scanners == nullptr) co_return policy::scan_outcome{{}, "there is no scanner"};
    const auto timeout = config_->config->scanner.timeout;
    set_deadline(timeout + more_than_the_scan);
    auto subject = co_await message_to_scan();
    policy::scan_outcome outcome{{}, subject.trouble};
    if (subject.message.is_open()) {
        asked.from = session_->fields_before();
        asked.size = subject.octets - asked.from;
        outcome = co_await services_.scanners->scan(std::move(asked), std::move(subject.message), timeout,
                                                    &give_up_);
    }
    clear_deadline();
    co_return outcome;
}

rspamd_question session_driver::question_for_engine() const {
    rspamd_question made;
    const auto& envelope = session_->transaction();
    made.sender = envelope.sender_text();
    for (const auto& one : envelope.recipients) made.recipients.push_back(one.mailbox.to_string());
    made.client = client_text_;
    made.helo = session_->helo();
    made.queue_id = session_->message_id_text();
    if (made.recipients.size() == 1) made.deliver_to = made.recipients.front();
    return made;
}

boost::asio::awaitable<policy::engine_opinion> session_driver::ask_engine(std::string host_name) {
    if (services_.engine == nullptr) co_return policy::engine_opinion{0, {}, "there is no engine"};
    const auto& settings = config_->config->spam;
    set_deadline(settings.timeout + more_than_the_scan);
    auto what = question_for_engine();
    what.host_name = std::move(host_name);
    const auto subject = co_await message_to_scan();
    policy::engine_opinion said{0, {}, subject.trouble};
    if (subject.message.is_open()) {
        what.descriptor = subject.message.get();
        what.from = 0; // with our Received field, which rspamd reads
        what.size = subject.octets;
        said = co_await services_.engine->ask(settings, std::move(what));
    }
    clear_deadline();
    co_return said;
}

} // namespace postern::server
