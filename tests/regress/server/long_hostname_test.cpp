// With a long server.hostname the names of the files in a Maildir were too long, and nothing was delivered.
#include "runner_bench.hpp"

#include <catch2/catch.hpp>
#include <ctime>

using namespace postern;

TEST_CASE("the longest host name there can be delivers") {
    testing::runner_bench bench;
    auto settings = std::make_shared<conf::config>(*bench.config.get()->config);
    const std::string label = std::string(62, 'a') + '.';
    settings->server.hostname = label + label + label + std::string(64, 'b'); // 253 octets
    auto next = std::make_shared<server::snapshot>();
    next->config = settings;
    bench.config.swap(std::move(next));
    bench.insert(1, std::time(nullptr));
    bench.insert(2, std::time(nullptr));
    CHECK(bench.run_until([&] { return bench.queue->totals()->messages == 0; }, std::chrono::seconds(10)));
    CHECK(bench.delivered() == 2);
}
