// The desk is shared by those who ask, on their threads, and the conversations, on the main thread; its mutex
// is held for look-ups only. Whoever asks waits under a deadline of his own thread, so that nothing hangs
// when the main thread ends.
#include "server/call_outs.hpp"

#include "protocol/smtp/address.hpp"
#include "server/call_out_words.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::server {
namespace asio = boost::asio;
using policy::call_out_answer;
using policy::call_out_question;
using time_point = std::chrono::steady_clock::time_point;

namespace {

constexpr client_deadlines deadlines{call_outs::reply_time, call_outs::reply_time, call_outs::reply_time,
                                     call_outs::reply_time};

// One who waits, and what he is told.
struct asker {
    call_out_answer answer{call_out_answer::kind::later, "it did not answer in time"};
    resumer wake;
};

std::string key_of(const call_out_question& question) {
    const auto address = protocol::parse_address(question.recipient);
    return question.primary.to_string() + (question.utf8 ? " utf8 " : " ") +
           (address ? address->folded() : question.recipient);
}

protocol::outgoing_message letter_of(const call_out_question& question) {
    protocol::outgoing_message made;
    made.purpose = protocol::message_purpose::question;
    made.recipients.push_back({question.recipient});
    made.needs_smtputf8 = question.utf8 || !protocol::is_ascii(question.recipient);
    return made;
}

} // namespace

struct call_outs::desk : std::enable_shared_from_this<desk> {
    desk(asio::any_io_executor on, live_snapshot& c, log& j)
        : main(std::move(on)), config(c), journal(j), client(tls::client_context::make()) {}

    std::optional<call_out_answer> known(const std::string& key, const call_out_question& question,
                                         time_point now);
    void enter(const std::string& key, const call_out_question& question, const std::shared_ptr<asker>& who);
    void begin(std::string key, call_out_question question);
    asio::awaitable<void> converse(std::shared_ptr<desk> self, std::string key, call_out_question question);
    void answer(const std::string& key, const call_out_answer& told);
    void stop();

    asio::any_io_executor main;
    live_snapshot& config;
    log& journal;
    mail_client client; // the main thread's

    std::mutex mutex; // of what follows
    call_out_cache cache;
    std::map<std::string, std::vector<std::shared_ptr<asker>>> open; // by key
    std::map<std::string, std::pair<time_point, std::string>> away;  // by primary: until when, why
    bool stopped = false;
};

// Under the mutex: what needs no conversation.
std::optional<call_out_answer> call_outs::desk::known(const std::string& key,
                                                      const call_out_question& question, time_point now) {
    using kind = call_out_answer::kind;
    if (stopped) return call_out_answer{kind::later, "this server ends"};
    if (auto kept = cache.find(key, now)) return kept;
    std::erase_if(away, [now](const auto& one) { return one.second.first <= now; });
    const auto is_away = away.find(question.primary.to_string());
    if (is_away != away.end()) return call_out_answer{kind::later, is_away->second.second};
    if (!open.contains(key) && open.size() >= at_once_max)
        return call_out_answer{kind::later, "too many are asked at the same time"};
    return std::nullopt;
}

void call_outs::desk::enter(const std::string& key, const call_out_question& question,
                            const std::shared_ptr<asker>& who) {
    std::unique_lock lock(mutex);
    if (auto told = known(key, question, std::chrono::steady_clock::now())) {
        lock.unlock();
        who->answer = std::move(*told);
        return who->wake({});
    }
    auto& waiting = open[key];
    const bool is_first = waiting.empty();
    waiting.push_back(who);
    lock.unlock();
    if (!is_first) return;
    try {
        asio::post(main, [self = shared_from_this(), key, question] { self->begin(key, question); });
    } catch (const std::exception&) {
        answer(key, {}); // no memory: the place must not be lost with it
    }
}

// On the main thread, as is what follows.
void call_outs::desk::begin(std::string key, call_out_question question) {
    try {
        auto task = converse(shared_from_this(), key, std::move(question));
        spawn(main, std::move(task), [self = shared_from_this(), key](std::string_view what) {
            self->answer(key, {call_out_answer::kind::later, std::string(what)});
        });
    } catch (const std::exception&) {
        answer(key, {});
    }
}

asio::awaitable<void> call_outs::desk::converse(std::shared_ptr<desk> self, std::string key,
                                                call_out_question question) {
    const mail_peer peer{{{}, question.primary}, protocol::client_protocol::smtp};
    auto who = identity_of(*self->config.get()->config);
    auto letter = letter_of(question);
    auto done = co_await self->client.deliver(peer, std::move(who), std::move(letter), {}, deadlines);
    if (!done.away.empty()) {
        const std::lock_guard lock(self->mutex);
        self->away[question.primary.to_string()] = {std::chrono::steady_clock::now() + away_time, done.away};
    }
    auto told = understand(done.outcomes.front());
    if (done.is_ourselves) told = {call_out_answer::kind::later, done.outcomes.front().text};
    self->answer(key, told);
}

void call_outs::desk::answer(const std::string& key, const call_out_answer& told) {
    std::vector<std::shared_ptr<asker>> waiting;
    {
        const std::lock_guard lock(mutex);
        if (const auto found = open.find(key); found != open.end()) {
            waiting = std::move(found->second);
            open.erase(found);
        }
        cache.keep(key, told, std::chrono::steady_clock::now());
        for (const auto& one : waiting) one->answer = told;
    }
    for (const auto& one : waiting) one->wake({});
}

void call_outs::desk::stop() {
    decltype(open) all;
    {
        const std::lock_guard lock(mutex);
        stopped = true;
        all.swap(open);
    }
    for (const auto& [key, waiting] : all)
        for (const auto& one : waiting) one->wake({});
}

call_outs::call_outs(asio::any_io_executor main, live_snapshot& config, log& journal)
    : desk_(std::make_shared<desk>(std::move(main), config, journal)) {}

call_outs::~call_outs() { stop(); }

void call_outs::stop() { desk_->stop(); }

asio::awaitable<call_out_answer> call_outs::ask(call_out_question question) {
    const auto here = co_await asio::this_coro::executor;
    auto who = std::make_shared<asker>();
    const std::string key = key_of(question);
    auto until = std::make_shared<asio::steady_timer>(here, patience);
    std::function<void(resumer)> start = [&](resumer resume) {
        who->wake = std::move(resume);
        until->async_wait([wake = who->wake, until](boost::system::error_code ec) {
            if (!ec) wake(make_error_code(boost::system::errc::timed_out));
        });
        desk_->enter(key, question, who);
    };
    const auto late = co_await suspend_until(std::move(start));
    until->cancel();
    if (late) co_return call_out_answer{call_out_answer::kind::later, "it did not answer in time"};
    const std::lock_guard lock(desk_->mutex); // whoever answered may still hold it
    co_return who->answer;
}

} // namespace postern::server
