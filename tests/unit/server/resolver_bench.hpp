// A resolver and the loop that it and its servers run on.
#pragma once

#include "server/awaiting.hpp"
#include "server/resolver.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

namespace postern::testing {

struct resolver_bench {
    explicit resolver_bench(std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
        settings.timeout = timeout;
    }

    server::dns_resolver& resolver() {
        if (!made) made.emplace(context.get_executor(), settings, counts);
        return *made;
    }

    // Begins a look-up; its result comes into the place while the loop runs.
    void begin(const std::string& name, std::optional<policy::dns_result>& into,
               protocol::dns_type type = protocol::dns_type::a,
               std::chrono::milliseconds within = std::chrono::seconds(30)) {
        const protocol::dns_question question{*protocol::dns_name::parse(name), type};
        auto task = ask(resolver(), question, resolver().deadline(within), into);
        boost::asio::co_spawn(context, std::move(task), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);
        });
    }
    policy::dns_result look_up(const std::string& name, protocol::dns_type type = protocol::dns_type::a,
                               std::chrono::milliseconds within = std::chrono::seconds(30)) {
        std::optional<policy::dns_result> result;
        begin(name, result, type, within);
        run_until([&] { return result.has_value(); });
        return *result;
    }
    template <class Truth> void run_until(Truth is_so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!is_so()) {
            if (context.stopped()) context.restart(); // it had nothing to do
            context.run_one_until(end);
            REQUIRE(std::chrono::steady_clock::now() < end);
        }
    }

    server::dns_counts counts;
    server::resolver_settings settings; // until the first look-up
    boost::asio::io_context context{1};
    std::optional<server::dns_resolver> made;

  private:
    static boost::asio::awaitable<void> ask(server::dns_resolver& whom, protocol::dns_question question,
                                            policy::dns_deadline until,
                                            std::optional<policy::dns_result>& into) {
        auto asking = whom.look_up(std::move(question), until);
        into = co_await std::move(asking);
    }
};

inline bool is_later(const policy::dns_result& result, policy::dns_try_later::cause why) {
    const auto* what = std::get_if<policy::dns_try_later>(&result);
    return what != nullptr && what->why == why;
}
inline bool is_trouble(const policy::dns_result& result, protocol::dns_trouble why) {
    const auto* what = std::get_if<policy::dns_try_later>(&result);
    return what != nullptr && what->why == policy::dns_try_later::cause::answer && what->answer.why == why;
}
// The last octet of the one address; -1: it is no such answer.
inline int address_in(const policy::dns_result& result) {
    const auto* found = std::get_if<protocol::dns_found>(&result);
    if (found == nullptr || found->records.addresses.size() != 1) return -1;
    return found->records.addresses[0].bytes().back();
}

} // namespace postern::testing
