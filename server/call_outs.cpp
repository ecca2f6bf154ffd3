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

// Whoever asks doesn't wait for all of it, but who asks next finds the answer.
constexpr client_deadlines deadlines = [] {
    auto made = client_deadlines::of(call_outs::reply_time, std::chrono::seconds(120));
    made.connect = std::chrono::seconds(10);
    return made;
}();
constexpr std::chrono::seconds idle_look{10}; // for connections that are too old to be kept

// One who waits, and what he is told.
struct asker {
    call_out_answer answer{call_out_answer::kind::later, "it did not answer in time"};
    bool from_cache = false;
    resumer wake;
};

void count(call_out_counts& counts, call_out_answer::kind what) {
    auto& row = what == call_out_answer::kind::later   ? counts.unavailable
                : what == call_out_answer::kind::taken ? counts.known
                                                       : counts.unknown;
    row.fetch_add(1, std::memory_order_relaxed);
}

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

// One primary. It was missed: until it answers there is one question at a time, none before `away_until`.
struct standing {
    std::size_t open = 0;
    bool is_missed = false;
    time_point away_until{};
    std::string why;
};

struct call_outs::desk : std::enable_shared_from_this<desk> {
    desk(asio::any_io_executor on, live_snapshot& c, log& j, call_out_counts& n, policy::resolver* names)
        : main(std::move(on)), journal(j), counts(n), client(c, names), idle(main) {}

    std::optional<call_out_answer> known(const std::string& key, const call_out_question& question,
                                         time_point now);
    void enter(const std::string& key, const call_out_question& question, const std::shared_ptr<asker>& who);
    void begin(const std::string& key, const std::string& primary, const call_out_question& question);
    bool may_ask(const std::string& primary, time_point now, std::string& why);
    void close_idle();
    asio::awaitable<void> converse(std::shared_ptr<desk> self, std::string key, call_out_question question,
                                   std::shared_ptr<bool> answered);
    void learn(const std::string& primary, const std::string& away);
    void end_question(const std::string& primary);
    void answer(const std::string& key, const std::string& primary, const call_out_answer& told);
    void stop();

    asio::any_io_executor main;
    log& journal;
    call_out_counts& counts;
    hop_client client;       // the main thread's, as is the timer
    asio::steady_timer idle; // set while connections are kept
    bool idle_is_set = false;

    std::mutex mutex; // of what follows
    call_out_cache cache;
    std::map<std::string, std::vector<std::shared_ptr<asker>>> open; // by key
    std::map<std::string, standing> primaries;                       // those with open questions, or missed
    bool stopped = false;
};

// Under the mutex: what needs no conversation.
std::optional<call_out_answer> call_outs::desk::known(const std::string& key,
                                                      const call_out_question& question, time_point now) {
    using kind = call_out_answer::kind;
    if (stopped) return call_out_answer{kind::later, "this server ends"};
    if (auto kept = cache.find(key, now)) return kept;
    if (open.contains(key)) return std::nullopt; // is being asked
    call_out_answer later{kind::later, {}};
    if (may_ask(question.primary.to_string(), now, later.why)) return std::nullopt;
    return later;
}

// Under the mutex. `why` not, where it is so.
bool call_outs::desk::may_ask(const std::string& primary, time_point now, std::string& why) {
    const auto at = primaries.find(primary);
    const bool is_missed = at != primaries.end() && at->second.is_missed;
    const std::size_t of_it = at == primaries.end() ? 0 : at->second.open;
    if (is_missed && (now < at->second.away_until || of_it != 0))
        why = at->second.why;
    else if (of_it >= of_primary_max || open.size() >= at_once_max)
        why = "too many are asked at the same time";
    return why.empty();
}

void call_outs::desk::enter(const std::string& key, const call_out_question& question,
                            const std::shared_ptr<asker>& who) {
    auto name = question.primary.to_string();
    std::unique_lock lock(mutex);
    if (auto told = known(key, question, std::chrono::steady_clock::now())) {
        lock.unlock();
        who->answer = std::move(*told);
        who->from_cache = who->answer.what != call_out_answer::kind::later;
        return who->wake({});
    }
    if (const auto found = open.find(key); found != open.end()) return found->second.push_back(who);
    auto& primary = primaries[name];
    open.emplace(key, std::vector{who});
    ++primary.open;
    lock.unlock();
    try {
        // None of what it holds is const: Asio moves it once more before it runs, which must need no memory.
        asio::post(main, [self = shared_from_this(), mine = key, of = name, what = question] {
            self->begin(mine, of, what);
        });
    } catch (const std::exception&) {
        answer(key, name, {}); // no memory: the place must not be lost with it
    }
}

// On the main thread, as is what follows. Whatever becomes of the conversation, the question ends: one that
// finds no memory for a wait is only destroyed.
void call_outs::desk::begin(const std::string& key, const std::string& primary,
                            const call_out_question& question) {
    try {
        const auto answered = std::make_shared<bool>(false);
        auto task = converse(shared_from_this(), key, question, answered);
        auto ended = [self = shared_from_this(), key, primary, answered] {
            if (!*answered) self->answer(key, primary, {});
        };
        spawn(main, std::move(task), [](std::string_view) {}, std::move(ended));
    } catch (const std::exception&) {
        answer(key, primary, {});
    }
}

asio::awaitable<void> call_outs::desk::converse(std::shared_ptr<desk> self, std::string key,
                                                call_out_question question, std::shared_ptr<bool> answered) {
    const auto primary = question.primary.to_string();
    auto letter = letter_of(question);
    auto done = co_await self->client.deliver(std::move(question.primary), std::move(letter), {}, deadlines);
    const auto& said = done.of_server;
    self->learn(primary, said.away);
    auto told = understand(said.outcomes.front());
    if (said.is_ourselves) told = {call_out_answer::kind::later, said.outcomes.front().text};
    self->answer(key, primary, told);
    *answered = true;
    self->close_idle();
}

void call_outs::desk::close_idle() {
    client.client().close_idle();
    if (idle_is_set || client.client().kept() == 0) return;
    idle.expires_after(idle_look);
    idle.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = ec ? nullptr : weak.lock();
        if (!self) return;
        self->idle_is_set = false;
        self->close_idle();
    });
    idle_is_set = true;
}

void call_outs::desk::learn(const std::string& primary, const std::string& away) {
    const std::lock_guard lock(mutex);
    auto& known = primaries[primary];
    known.is_missed = !away.empty();
    known.why = away;
    known.away_until = std::chrono::steady_clock::now() + away_time;
}

void call_outs::desk::answer(const std::string& key, const std::string& primary,
                             const call_out_answer& told) {
    std::vector<std::shared_ptr<asker>> waiting;
    {
        const std::lock_guard lock(mutex);
        cache.keep(key, told, std::chrono::steady_clock::now());
        if (const auto found = open.find(key); found != open.end()) {
            for (const auto& one : found->second) one->answer = told;
            waiting = std::move(found->second); // no memory is needed from here on
            open.erase(found);
            end_question(primary);
        }
    }
    for (const auto& one : waiting) one->wake({});
}

// Under the mutex.
void call_outs::desk::end_question(const std::string& primary) {
    const auto at = primaries.find(primary);
    if (at == primaries.end() || --at->second.open != 0 || at->second.is_missed) return;
    primaries.erase(at);
}

void call_outs::desk::stop() {
    decltype(open) all;
    {
        const std::lock_guard lock(mutex);
        stopped = true;
        all.swap(open);
        primaries.clear();
    }
    for (const auto& [key, waiting] : all)
        for (const auto& one : waiting) one->wake({});
}

call_outs::call_outs(asio::any_io_executor main, live_snapshot& config, log& journal, call_out_counts& counts,
                     policy::resolver* names)
    : desk_(std::make_shared<desk>(std::move(main), config, journal, counts, names)) {}

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
    call_out_answer told{call_out_answer::kind::later, "it did not answer in time"};
    if (!late) {
        const std::lock_guard lock(desk_->mutex); // whoever answered may still hold it
        told = who->answer;
    }
    if (who->from_cache)
        desk_->counts.cached.fetch_add(1, std::memory_order_relaxed);
    else
        count(desk_->counts, told.what);
    co_return told;
}

} // namespace postern::server
