#include "server/dns_asker.hpp"

#include <algorithm>

namespace postern::server {
namespace asio = boost::asio;
using policy::dns_try_later;
using protocol::dns_trouble;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds attempt_least{50};

dns_try_later later(dns_try_later::cause why) {
    dns_try_later made;
    made.why = why;
    return made;
}

bool is(const dns_known& known, dns_try_later::cause why) {
    const auto* what = std::get_if<dns_try_later>(&known);
    return what != nullptr && what->why == why;
}

// FORMERR, NOTIMP and BADVERS: all that a server without EDNS may say of it (RFC 6891 §7, §6.1.3).
bool may_lack_edns(const dns_known& known) {
    const auto* what = std::get_if<dns_try_later>(&known);
    if (what == nullptr || what->why != dns_try_later::cause::answer) return false;
    const auto rcode = what->answer.rcode;
    return what->answer.why == dns_trouble::other_rcode && (rcode == 1 || rcode == 4 || rcode == 16);
}

// What comes by UDP is not the whole answer, or was cut on the way.
bool needs_tcp(const dns_known& known) {
    const auto* what = std::get_if<dns_try_later>(&known);
    if (what == nullptr || what->why != dns_try_later::cause::answer) return false;
    return what->answer.why == dns_trouble::truncated || what->answer.why == dns_trouble::malformed;
}

// What was asked may still be answered: by an echo of it we know no more than by silence.
dns_known known_of(const dns_reply& reply, std::uint16_t id, const protocol::dns_question& question,
                   bool is_believed) {
    using kind = dns_reply::kind;
    if (reply.what == kind::stopped) return later(dns_try_later::cause::stopped);
    if (reply.what == kind::unreachable) return later(dns_try_later::cause::no_server);
    if (reply.what == kind::silent) return later(dns_try_later::cause::silent);
    auto answer = protocol::read_answer(reply.message, id, question);
    if (auto* what = std::get_if<protocol::dns_later>(&answer)) {
        if (what->why == dns_trouble::not_ours) return later(dns_try_later::cause::silent);
        return dns_try_later{dns_try_later::cause::answer, *what};
    }
    if (auto* found = std::get_if<protocol::dns_found>(&answer)) {
        found->authenticated = found->authenticated && is_believed;
        return std::move(*found);
    }
    if (auto* absent = std::get_if<protocol::dns_absent>(&answer)) {
        absent->authenticated = absent->authenticated && is_believed;
        return std::move(*absent);
    }
    auto& alias = std::get<protocol::dns_alias>(answer);
    alias.authenticated = alias.authenticated && is_believed;
    return std::move(alias);
}

// Of two troubles the one that says more.
void explain(dns_try_later& so_far, const dns_try_later& next) {
    if (static_cast<int>(next.why) <= static_cast<int>(so_far.why)) so_far = next;
}

} // namespace

dns_asker::dns_asker(asio::any_io_executor on, const resolver_settings& settings, dns_counts& counts)
    : on_(std::move(on)), time_(settings.timeout), attempt_time_(attempt_time(settings)), counts_(counts),
      order_(settings.servers.size()) {
    for (const auto& one : settings.servers) {
        server made;
        made.at = one;
        made.is_believed = is_ad_believed(settings.trust_ad, one.address);
        servers_.push_back(std::move(made));
    }
}

std::chrono::milliseconds dns_asker::attempt_time(const resolver_settings& settings) {
    const auto servers = std::max<std::size_t>(settings.servers.size(), 1);
    const auto attempts = static_cast<long>(servers * rounds_of(servers));
    return std::max(settings.timeout / attempts, attempt_least);
}

void dns_asker::stop() { servers_.clear(); }

// A server that said something of no use is not asked again; one that was silent is.
asio::awaitable<dns_known> dns_asker::ask(protocol::dns_question question) {
    const auto end = steady::now() + time_;
    auto why = later(dns_try_later::cause::no_server);
    std::vector<std::size_t> left = order_.next(steady::now());
    const unsigned rounds = rounds_of(left.size());
    for (unsigned round = 0; round < rounds && !left.empty(); ++round) {
        std::vector<std::size_t> silent;
        for (const std::size_t index : left) {
            if (servers_.empty()) co_return later(dns_try_later::cause::stopped);
            if (steady::now() >= end) co_return why;
            auto asking = ask_server(index, question);
            dns_known known = co_await std::move(asking);
            const auto* what = std::get_if<dns_try_later>(&known);
            if (what == nullptr || what->why == dns_try_later::cause::stopped) co_return known;
            explain(why, *what);
            if (what->why == dns_try_later::cause::silent) silent.push_back(index);
        }
        left = std::move(silent);
    }
    co_return why;
}

asio::awaitable<dns_known> dns_asker::ask_server(std::size_t index, const protocol::dns_question& question) {
    auto& whom = servers_[index];
    const auto how = steady::now() < whom.plain_until ? extensions::plain : extensions::edns;
    auto first = attempt(whom, question, how);
    dns_known known = co_await std::move(first);
    if (servers_.empty()) co_return later(dns_try_later::cause::stopped);
    if (how == extensions::edns && may_lack_edns(known)) {
        auto second = attempt(whom, question, extensions::plain);
        known = co_await std::move(second);
        if (servers_.empty()) co_return later(dns_try_later::cause::stopped);
        if (!std::holds_alternative<dns_try_later>(known)) whom.plain_until = steady::now() + dns_plain_for;
    }
    note_health(index, known);
    co_return known;
}

void dns_asker::note_health(std::size_t index, const dns_known& known) {
    const bool is_silent =
        is(known, dns_try_later::cause::silent) || is(known, dns_try_later::cause::no_server);
    if (is_silent)
        order_.silent(index, steady::now());
    else
        order_.answered(index);
}

// A server whose TCP is of no use is not thought silent for it, or a name that needs TCP would make it ill.
asio::awaitable<dns_known> dns_asker::attempt(server& whom, const protocol::dns_question& question,
                                              extensions how) {
    auto first =
        exchange(whom, question, how, how == extensions::edns ? dns_way::udp_edns : dns_way::udp_plain);
    dns_known by_udp = co_await std::move(first);
    // Twice: the connection may have been closed there while nothing went over it.
    for (int tries = 0; needs_tcp(by_udp) && tries < 2; ++tries) {
        if (servers_.empty()) co_return later(dns_try_later::cause::stopped);
        auto second = exchange(whom, question, how, dns_way::tcp);
        dns_known by_tcp = co_await std::move(second);
        if (is(by_tcp, dns_try_later::cause::silent)) break;
        if (!is(by_tcp, dns_try_later::cause::no_server)) co_return by_tcp;
    }
    co_return by_udp;
}

asio::awaitable<dns_known> dns_asker::exchange(server& whom, const protocol::dns_question& question,
                                               extensions how, dns_way way) {
    const std::uint16_t id = ids_.take();
    const auto give_back = [this](const std::uint16_t* taken) { ids_.give_back(*taken); };
    const std::unique_ptr<const std::uint16_t, decltype(give_back)> on_any_way_out(&id, give_back);
    protocol::dns_asking asking;
    if (how == extensions::plain) asking.payload = 0;
    counts_.sent.fetch_add(1, std::memory_order_relaxed);
    const bool is_believed = whom.is_believed;
    auto pending = channel_of(whom, way).ask(make_question(id, question, asking));
    const dns_reply reply = co_await std::move(pending);
    dns_known known = known_of(reply, id, question, is_believed);
    if (is(known, dns_try_later::cause::silent)) counts_.silent.fetch_add(1, std::memory_order_relaxed);
    co_return known;
}

dns_channel& dns_asker::channel_of(server& whom, dns_way way) {
    std::erase_if(whom.left, [](const auto& one) { return one->in_flight() == 0; });
    auto& channel = whom.channels[static_cast<std::size_t>(way)];
    const bool is_used_up = channel && way != dns_way::tcp && channel->asked() >= dns_questions_of_a_channel;
    if (is_used_up && channel->in_flight() == 0) channel.reset();
    if (is_used_up && channel && whom.left.size() < dns_channels_left_max)
        whom.left.push_back(std::move(channel));
    if (!channel) channel = std::make_unique<dns_channel>(on_, whom.at, attempt_time_, way);
    return *channel;
}

} // namespace postern::server
