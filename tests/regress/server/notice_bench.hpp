// One message in a queue, and the notices that its recipients' states lead to.
#pragma once

#include "runner_bench.hpp"
#include "server/delivery/bouncer.hpp"

#include <catch2/catch.hpp>

namespace postern::testing {

class notice_bench : public runner_bench {
  public:
    notice_bench() {
        message.id = {1};
        message.sender = "a@s.test";
        message.session = "S1";
        resolving.postmaster = "postmaster@d.test";
        resolving.hostname = "mx.d.test";
    }

    void deliver_by(std::string transport) {
        auto settings = std::make_shared<conf::config>(*config.get()->config);
        settings->local.transport = std::move(transport);
        auto next = std::make_shared<server::snapshot>(*config.get());
        next->config = std::move(settings);
        config.swap(std::move(next));
    }

    void add_failed(std::string address, std::string last_reply) {
        storage::queued_recipient to;
        to.address = std::move(address);
        to.state = storage::recipient_state::failed;
        to.last_reply = std::move(last_reply);
        message.recipients.push_back(std::move(to));
    }

    // Stores the message with this body.
    void store(std::string body) {
        storage::insert_message insert;
        message.size = body.size();
        insert.message = message;
        insert.body = std::move(body);
        const storage::queue_operation operation = std::move(insert);
        REQUIRE(queue->commit({&operation, 1}));
    }

    // After an attempt before which everybody waited.
    result<std::vector<storage::insert_message>> notices() {
        const std::vector<storage::recipient_state> before(message.recipients.size());
        const auto snapshot = config.get();
        return server::notices_for({storage::system_files(), *queue, accounts, ids, journal, counts},
                                   *snapshot->config, resolving, message, before, 1'795'505'838);
    }
    // The body of the one notice.
    std::string notice() {
        auto made = notices();
        REQUIRE(made.has_value());
        REQUIRE(made->size() == 1);
        CHECK(made->front().message.size == made->front().body.size());
        return made->front().body;
    }

    storage::queued_message message;
    storage::resolve_settings resolving;
};

inline bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace postern::testing
