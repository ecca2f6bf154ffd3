// A world of names for tests: what is not in it is absent, and trouble comes on demand. Answers may take
// their time, all the same one, so that a test sees what was asked side by side.
#pragma once

#include "policy/resolver.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

namespace postern::testing {

class dns_world final : public policy::resolver {
  public:
    std::chrono::milliseconds delay{0};
    std::vector<std::string> asked; // "name type"
    // All answers are at hand, unless they take their time: a second run of the tests that use this has it
    // so.
    bool remembers = std::getenv("POSTERN_TEST_ANSWERS_AT_HAND") != nullptr;

    static protocol::dns_name name(const std::string& text) { return *protocol::dns_name::parse(text); }
    void a(const std::string& at, const std::string& address) {
        at_name(at, protocol::dns_type::a).addresses.push_back(*protocol::ip_address::parse(address));
    }
    void aaaa(const std::string& at, const std::string& address) {
        at_name(at, protocol::dns_type::aaaa).addresses.push_back(*protocol::ip_address::parse(address));
    }
    void mx(const std::string& at, std::uint16_t preference, const std::string& host) {
        at_name(at, protocol::dns_type::mx).exchangers.push_back({preference, name(host)});
    }
    void txt(const std::string& at, const std::string& text) {
        at_name(at, protocol::dns_type::txt).texts.push_back(text);
    }
    void ptr(const std::string& address, const std::string& host) {
        const auto reverse = protocol::reverse_name(*protocol::ip_address::parse(address));
        at_name(reverse.to_string(), protocol::dns_type::ptr).pointers.push_back(name(host));
    }
    // As a blocklist has it: the answer for a client in a zone.
    void listed(const std::string& client, const std::string& zone, const std::string& code) {
        a(reverse(client, zone), code);
    }
    static std::string reverse(const std::string& client, const std::string& zone) {
        return (*protocol::reverse_name(*protocol::ip_address::parse(client), name(zone))).to_string();
    }
    void fails(const std::string& at, protocol::dns_type type) { trouble_.insert({name(at).key(), type}); }
    void tlsa(const std::string& at, protocol::tlsa_record record) {
        at_name(at, protocol::dns_type::tlsa).tlsa.push_back(std::move(record));
    }
    // Answers about the name, of any type, were validated.
    void secure(const std::string& at) { secure_.insert(name(at).key()); }
    void no_such_name(const std::string& at) { missing_.insert(name(at).key()); }

    boost::asio::awaitable<policy::dns_result> look_up(protocol::dns_question question,
                                                       policy::dns_deadline) override {
        note(question);
        if (delay.count() != 0) {
            const auto here = co_await boost::asio::this_coro::executor;
            boost::asio::steady_timer timer(here, delay);
            (void)co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        co_return answer_to(question);
    }
    std::optional<policy::dns_result> remembered(protocol::dns_question question) override {
        if (!remembers || delay.count() != 0) return std::nullopt;
        note(question);
        return answer_to(question);
    }
    policy::dns_deadline deadline(std::chrono::milliseconds from_now) const override {
        return std::chrono::steady_clock::now() + from_now;
    }

  private:
    using key = std::pair<std::string, protocol::dns_type>;

    protocol::dns_records& at_name(const std::string& at, protocol::dns_type type) {
        return records_[{name(at).key(), type}];
    }
    void note(const protocol::dns_question& question) {
        asked.push_back(question.name.to_string() + " " + std::to_string(static_cast<int>(question.type)));
    }
    policy::dns_result answer_to(const protocol::dns_question& question) const {
        const key wanted{question.name.key(), question.type};
        if (trouble_.contains(wanted)) {
            policy::dns_try_later later;
            later.why = policy::dns_try_later::cause::silent;
            return later;
        }
        const bool is_secure = secure_.contains(wanted.first);
        const auto at = records_.find(wanted);
        if (at != records_.end()) return protocol::dns_found{at->second, question.name, 60, is_secure};
        protocol::dns_absent absent;
        absent.authenticated = is_secure;
        if (missing_.contains(wanted.first)) absent.what = protocol::dns_absent::kind::no_name;
        return absent;
    }

    std::map<key, protocol::dns_records> records_;
    std::set<key> trouble_;
    std::set<std::string> missing_, secure_;
};

} // namespace postern::testing
