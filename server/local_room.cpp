#include "server/local_room.hpp"

#include "conf/settings.hpp"

namespace postern::server {

boost::asio::awaitable<result<bool>> local_room::has_room(storage::final_recipient box,
                                                          std::uint64_t octets) {
    const auto config = config_.get()->config;
    auto server = conf::parse_lmtp(config->local.transport);
    if (!server) co_return co_await maildirs_.has_room(std::move(box), octets);
    auto asking = servers_.has_room(std::move(*server), identity_of(*config), std::move(box.address));
    const bool answer = co_await std::move(asking);
    co_return result<bool>(boost::system::in_place_value, answer);
}

} // namespace postern::server
