// The listening sockets: what the service manager kept, what a running server hands over, what is opened. A
// newcomer asks for the sockets, opens what it needs besides, and only when nothing that can be foreseen
// stands against it lets the other stop: until then nothing has changed. Connections that come between the
// two wait in the sockets.
#include "server/app.hpp"

#include "server/admin/named_things.hpp"
#include "server/admin/support.hpp"
#include "server/poller.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <sys/socket.h>
#include <thread>

namespace postern::server {
using storage::storage_errc;

// What would keep this server from serving and can be seen while the other one does.
start_problem app::foresee() const {
    const auto config = config_.get()->config;
    std::string found;
    for (const auto& finding : check_named_things(*config, config_file_))
        if (finding.how == conf::finding::weight::error)
            found += (found.empty() ? "" : "; ") + finding.to_string();
    if (!found.empty()) return {exit_code::config, found};
    const as_service_user reader(config->server);
    const auto queue = storage::queue::open_for_reading(storage::system_files(), config->server.state_dir);
    if (!queue && queue.error() == storage_errc::newer_format)
        return {exit_code::cant_create, fmt::format("{}: the queue cannot be opened: {}",
                                                    config->server.state_dir, queue.error().message())};
    return {};
}

start_problem app::receive_sockets() {
    auto all = manager_.take_sockets();
    if (how_ == start_way::take_over) {
        if (auto problem = foresee(); !problem.text.empty()) return problem;
        auto offer = predecessor_.ask(config_.get()->config->server.state_dir);
        if (!offer.problem.empty() && !offer.nobody)
            return {exit_code::temporary, "--take-over: " + offer.problem};
        takes_over_ = !offer.nobody;
        if (offer.nobody) remarks_.push_back("there is no server to take over from: an ordinary start");
        std::move(offer.sockets.begin(), offer.sockets.end(), std::back_inserter(all));
    }
    handed_over_ = recognised(std::move(all));
    return {};
}

start_problem app::bind_listeners() {
    const auto config = config_.get()->config;
    const unsigned count = config->server.threads != 0 ? config->server.threads
                                                       : std::max(1U, std::thread::hardware_concurrency());
    try {
        poller::of(main_); // now, while there are descriptors
        for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<worker>());
    } catch (const std::exception& failure) { // Asio's way to say that there is no descriptor left
        return {exit_code::config, fmt::format("server.threads = {}: {}; LimitNOFILE= in systemd, ulimit -n",
                                               count, failure.what())};
    }
    for (const auto& row : config->listeners)
        for (const auto& address : row.addresses)
            if (auto problem = bind(row, address); !problem.text.empty()) return problem;
    forget_unused_sockets();
    return {};
}

start_problem app::bind(const conf::listener_settings& row, const conf::endpoint& address) {
    const auto refused = [&row](const std::string& why) {
        return start_problem{exit_code::unavailable, fmt::format("listener {}: {}", row.name, why)};
    };
    auto theirs = take_those_on(address, handed_over_);
    if (!theirs.empty())
        remarks_.push_back(fmt::format("listener {}: {} sockets on {} were handed over", row.name,
                                       theirs.size(), address.to_string()));
    auto group = listen_for(address, workers_.size(), std::move(theirs));
    if (!group.problem.empty()) return refused(group.problem);
    auto bound = std::make_shared<bound_listener>();
    bound->settings = std::shared_ptr<const conf::listener_settings>(config_.get()->config, &row);
    bound->address = group.sockets.front().address;
    for (std::size_t i = 0; i < group.sockets.size(); ++i)
        if (!workers_[i % workers_.size()]->attend(bound, std::move(group.sockets[i])))
            return refused("the event loop can't take its socket");
    listeners_.push_back(std::move(bound));
    return {};
}

// Of listeners that the configuration has no more.
void app::forget_unused_sockets() {
    std::map<std::string, std::size_t> closed;
    for (const auto& each : handed_over_) ++closed[each.address.to_string()];
    handed_over_.clear();
    for (const auto& [address, count] : closed) {
        manager_.forget(address);
        remarks_.push_back(
            fmt::format("no listener is configured on {}: {} sockets that were handed over are "
                        "closed",
                        address, count));
    }
}

// From here on there is no way back: the other accepts nobody.
start_problem app::agree_to_take_over() {
    if (!takes_over_) return {};
    const auto agreed = predecessor_.agree();
    if (!agreed.problem.empty()) return {exit_code::temporary, "--take-over: " + agreed.problem};
    predecessor_ends_within_ = agreed.ends_within ? *agreed.ends_within : ending_time();
    return {};
}

// Some were only bound until now: what listens beside the sockets of a running server gets its connections.
start_problem app::listen_on_all() {
    for (const auto& each : workers_)
        for (const auto& entrance : each->entrances())
            if (::listen(entrance.descriptor, SOMAXCONN) != 0)
                return {exit_code::unavailable,
                        fmt::format("listener {}: {}", entrance.on->settings->name, std::strerror(errno))};
    return {};
}

void app::give_sockets_to_manager() {
    if (!manager_.is_there()) return;
    std::map<std::string, std::vector<int>> by_address;
    for (const auto& each : workers_)
        for (const auto& entrance : each->entrances())
            by_address[entrance.on->address.to_string()].push_back(entrance.descriptor);
    for (const auto& [address, descriptors] : by_address) manager_.keep(address, descriptors);
}

std::vector<int> app::listening_descriptors() {
    std::vector<int> all;
    if (draining_) return all;
    for (const auto& each : workers_)
        for (const auto& entrance : each->entrances()) all.push_back(entrance.descriptor);
    return all;
}

std::chrono::seconds app::let_go() {
    if (!draining_)
        begin_drain("another server takes over: no new connections; running transactions may finish");
    return ending_time();
}

bool app::accepts() const {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& each) { return each->accepts(); });
}

} // namespace postern::server
