#include "server/spam_engine.hpp"

#include "conf/settings.hpp"

namespace postern::server {

boost::asio::awaitable<policy::engine_opinion> spam_engine::ask(const conf::spam_settings& settings,
                                                                rspamd_question what) {
    if (!client_ || settings.rspamd != of_ || settings.timeout != timeout_) {
        std::vector<conf::endpoint> servers;
        for (const auto& text : settings.rspamd)
            if (const auto one = conf::parse_http_server(text)) servers.push_back(*one);
        of_ = settings.rspamd;
        timeout_ = settings.timeout;
        client_ = std::make_shared<rspamd_client>(on_, std::move(servers), timeout_);
    }
    const auto client = client_; // a reload may bring another one while this is awaited
    const auto answer = co_await client->ask(std::move(what));
    policy::engine_opinion made;
    if (!answer) {
        made.trouble = answer.error();
        co_return made;
    }
    made.points = answer->score;
    for (const auto& one : answer->symbols) made.signs.emplace_back(one.name, one.score);
    co_return made;
}

} // namespace postern::server
