// A resolver for tests that ask for no name: it knows nothing.
#pragma once

#include "policy/resolver.hpp"

namespace postern::testing {

class no_dns final : public policy::resolver {
  public:
    boost::asio::awaitable<policy::dns_result> look_up(protocol::dns_question,
                                                       policy::dns_deadline) override {
        policy::dns_try_later later;
        later.why = policy::dns_try_later::cause::no_server;
        co_return later;
    }
    std::optional<policy::dns_result> remembered(protocol::dns_question) override { return std::nullopt; }
    policy::dns_deadline deadline(std::chrono::milliseconds) const override { return {}; }
};

} // namespace postern::testing
