// A question in flight is a coroutine of its own, which ends by its own time; whoever waits for it has a
// timer for his. So nobody's going away ends a question, and no question's end is missed.
#include "server/resolver.hpp"

#include "server/awaiting.hpp"
#include "server/dns_asker.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::server {
namespace asio = boost::asio;
using policy::dns_deadline;
using policy::dns_result;
using policy::dns_try_later;
using steady = std::chrono::steady_clock;

namespace {

dns_try_later later(dns_try_later::cause why) {
    dns_try_later made;
    made.why = why;
    return made;
}

// A question in flight and those who wait for it.
struct flight {
    protocol::dns_question question;
    std::optional<dns_known> known;
    std::vector<asio::steady_timer*> waiting;

    void end(const dns_known& with) {
        known = with;
        for (auto* timer : waiting) timer->cancel();
    }
};

class place_in_flight {
  public:
    place_in_flight(std::shared_ptr<flight> of, asio::steady_timer& timer)
        : of_(std::move(of)), timer_(&timer) {
        of_->waiting.push_back(timer_);
    }
    ~place_in_flight() { std::erase(of_->waiting, timer_); }
    place_in_flight(const place_in_flight&) = delete;
    place_in_flight& operator=(const place_in_flight&) = delete;

  private:
    std::shared_ptr<flight> of_;
    asio::steady_timer* timer_;
};

asio::awaitable<dns_known> end_of(std::shared_ptr<flight> of, dns_deadline until) {
    asio::steady_timer timer(co_await asio::this_coro::executor, until);
    const place_in_flight place(of, timer);
    if (of->known) co_return *of->known;
    auto waiting = timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto [ec] = co_await std::move(waiting);
    if (of->known) co_return *of->known;
    co_return later(ec ? dns_try_later::cause::stopped : dns_try_later::cause::silent);
}

// The answer so far of a look-up that goes along aliases.
class along_aliases {
  public:
    // The end; nullopt: an alias, and `question` is what to ask next.
    std::optional<dns_result> take(dns_known&& known, protocol::dns_question& question) {
        if (auto* found = std::get_if<protocol::dns_found>(&known)) return end(std::move(*found));
        if (auto* absent = std::get_if<protocol::dns_absent>(&known)) return end(std::move(*absent));
        if (auto* trouble = std::get_if<dns_try_later>(&known)) return std::move(*trouble);
        const auto& alias = std::get<protocol::dns_alias>(known);
        add(alias);
        if (followed > protocol::dns_aliases_max) {
            dns_try_later trouble;
            trouble.why = dns_try_later::cause::answer;
            trouble.answer.why = protocol::dns_trouble::too_many_aliases;
            return trouble;
        }
        question.name = alias.name;
        return std::nullopt;
    }

  private:
    void add(const protocol::dns_alias& one) {
        followed += one.followed;
        ttl = std::min(ttl, one.ttl);
        authenticated = authenticated && one.authenticated;
    }
    template <class Answer> dns_result end(Answer answer) const {
        answer.ttl = std::min(answer.ttl, ttl);
        answer.authenticated = answer.authenticated && authenticated;
        return answer;
    }

    std::size_t followed = 0;
    std::uint32_t ttl = protocol::dns_ttl_max;
    bool authenticated = true;
};

} // namespace

struct dns_resolver::impl : std::enable_shared_from_this<impl> {
    impl(asio::any_io_executor executor, resolver_settings given, dns_counts& counted)
        : on(std::move(executor)), settings(std::move(given)), counts(counted), cache(settings.cache) {}

    asio::awaitable<dns_known> know(protocol::dns_question question, dns_deadline until);
    std::shared_ptr<flight> join(const protocol::dns_question& question);
    static asio::awaitable<void> fly(std::shared_ptr<impl> self, std::shared_ptr<dns_asker> asker,
                                     std::shared_ptr<flight> one);
    void end(const std::shared_ptr<flight>& one, const dns_known& known);
    std::optional<dns_known> recall(const protocol::dns_question& question);
    dns_result counted(dns_result answer) const;
    void begin_asking();

    asio::any_io_executor on;
    resolver_settings settings;
    dns_counts& counts;
    dns_cache cache;
    std::shared_ptr<dns_asker> asker;
    std::unordered_map<std::string, std::shared_ptr<flight>> flights;
    bool stopped = false;
};

// What the former one has in flight is asked anew, of the new one.
void dns_resolver::impl::begin_asking() {
    auto next = std::make_shared<dns_asker>(on, settings, counts);
    if (asker) asker->stop();
    asker = std::move(next);
}

void dns_resolver::impl::end(const std::shared_ptr<flight>& one, const dns_known& known) {
    if (one->known) return;
    const auto at = flights.find(key_of(one->question));
    if (at != flights.end() && at->second == one) {
        flights.erase(at);
        counts.in_flight.fetch_sub(1, std::memory_order_relaxed);
        cache.keep(one->question, known, steady::now());
    }
    one->end(known);
}

asio::awaitable<void> dns_resolver::impl::fly(std::shared_ptr<impl> self, std::shared_ptr<dns_asker> asker,
                                              std::shared_ptr<flight> one) {
    for (;;) {
        auto asking = asker->ask(one->question);
        const dns_known known = co_await std::move(asking);
        const auto* what = std::get_if<dns_try_later>(&known);
        const bool is_stopped = what != nullptr && what->why == dns_try_later::cause::stopped;
        if (!is_stopped || self->stopped) co_return self->end(one, known);
        asker = self->asker;
    }
}

// Null: there is no room for another question.
std::shared_ptr<flight> dns_resolver::impl::join(const protocol::dns_question& question) {
    auto key = key_of(question);
    if (const auto at = flights.find(key); at != flights.end()) return at->second;
    if (flights.size() >= settings.max_in_flight) return nullptr;
    auto one = std::make_shared<flight>();
    one->question = question;
    flights.emplace(std::move(key), one);
    counts.in_flight.fetch_add(1, std::memory_order_relaxed);
    const auto abandon = [self = shared_from_this(), one] {
        self->end(one, later(dns_try_later::cause::busy));
    };
    try {
        spawn(on, fly(shared_from_this(), asker, one), [](std::string_view) {}, abandon);
    } catch (const std::bad_alloc&) {
        abandon();
    }
    return one;
}

std::optional<dns_known> dns_resolver::impl::recall(const protocol::dns_question& question) {
    auto kept = cache.find(question, steady::now());
    if (kept) counts.from_cache.fetch_add(1, std::memory_order_relaxed);
    return kept;
}

dns_result dns_resolver::impl::counted(dns_result answer) const {
    counts.looked_up.fetch_add(1, std::memory_order_relaxed);
    if (std::holds_alternative<dns_try_later>(answer)) counts.later.fetch_add(1, std::memory_order_relaxed);
    return answer;
}

asio::awaitable<dns_known> dns_resolver::impl::know(protocol::dns_question question, dns_deadline until) {
    if (stopped) co_return later(dns_try_later::cause::stopped);
    if (auto kept = recall(question)) co_return std::move(*kept);
    auto one = join(question);
    if (!one) co_return later(dns_try_later::cause::busy);
    auto waiting = end_of(std::move(one), until);
    co_return co_await std::move(waiting);
}

dns_resolver::dns_resolver(asio::any_io_executor on, resolver_settings settings, dns_counts& counts)
    : impl_(std::make_shared<impl>(std::move(on), std::move(settings), counts)) {
    impl_->begin_asking();
}

dns_resolver::~dns_resolver() { stop(); }

asio::awaitable<dns_result> dns_resolver::look_up(protocol::dns_question question, dns_deadline until) {
    const auto self = impl_; // this may go away meanwhile
    along_aliases way;
    for (;;) {
        auto knowing = self->know(question, until);
        dns_known known = co_await std::move(knowing);
        if (auto end = way.take(std::move(known), question)) co_return self->counted(std::move(*end));
    }
}

std::optional<dns_result> dns_resolver::remembered(protocol::dns_question question) {
    if (impl_->stopped) return std::nullopt;
    along_aliases way;
    for (;;) {
        auto known = impl_->recall(question);
        if (!known) return std::nullopt;
        if (auto end = way.take(std::move(*known), question)) return impl_->counted(std::move(*end));
    }
}

dns_deadline dns_resolver::deadline(std::chrono::milliseconds from_now) const {
    return steady::now() + from_now;
}

void dns_resolver::configure(resolver_settings settings) {
    if (impl_->stopped || settings == impl_->settings) return;
    const bool keeps_servers =
        settings.servers == impl_->settings.servers && settings.trust_ad == impl_->settings.trust_ad;
    const bool keeps_time = settings.timeout == impl_->settings.timeout;
    impl_->settings = std::move(settings);
    if (!keeps_servers) impl_->cache = dns_cache(impl_->settings.cache);
    impl_->cache.set_limits(impl_->settings.cache);
    if (!keeps_servers || !keeps_time) impl_->begin_asking();
}

void dns_resolver::stop() {
    if (impl_->stopped) return;
    impl_->stopped = true;
    auto flights = std::move(impl_->flights);
    impl_->flights.clear();
    impl_->counts.in_flight.fetch_sub(flights.size(), std::memory_order_relaxed);
    for (const auto& [key, one] : flights) one->end(later(dns_try_later::cause::stopped));
    impl_->asker->stop();
}

std::size_t dns_resolver::in_flight() const { return impl_->flights.size(); }
std::size_t dns_resolver::kept() const { return impl_->cache.entries(); }

} // namespace postern::server
