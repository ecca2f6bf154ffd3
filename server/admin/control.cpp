// The server's side of the control socket. Every client is one coroutine with one deadline; the deadline
// closes the socket, whatever the client is at. Nothing that a client sends, or does not send, ends anything
// but its own connection.
#include "server/admin/control.hpp"

#include "server/admin/control_socket.hpp"
#include "server/admin/status_report.hpp"
#include "server/admin/support.hpp"
#include "server/awaiting.hpp"
#include "server/close_on_exec.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <list>
#include <optional>

namespace postern::server {

namespace {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

constexpr std::chrono::seconds client_time_max{5};                                    // to ask
constexpr std::chrono::seconds answer_time_max = steering_time_max + client_time_max; // to be answered
constexpr std::chrono::milliseconds pause_after_failure{100}; // out of descriptors: don't spin
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using document = asio::awaitable<boost::json::object>;

document on_status(control_target& target, const boost::json::object&) {
    co_return status_document(target.status());
}

document on_reload(control_target& target, const boost::json::object&) {
    const auto outcome = target.reload();
    boost::json::array messages;
    for (const auto& message : outcome.messages) messages.emplace_back(shown(message));
    co_return boost::json::object{{"ok", outcome.ok}, {"messages", std::move(messages)}};
}

document on_wake_queue(control_target& target, const boost::json::object&) {
    target.wake_queue();
    co_return boost::json::object{{"ok", true}};
}

document on_destinations(control_target& target, const boost::json::object&) {
    boost::json::array rows;
    for (const auto& one : target.destinations()) rows.push_back(destination_object(one));
    co_return boost::json::object{{"destinations", std::move(rows)}};
}

document on_unblock(control_target& target, const boost::json::object& request) {
    const auto* network = request.if_contains("network");
    if (network == nullptr || !network->is_string())
        co_return boost::json::object{{"error", "\"network\" is missing"}};
    const std::string_view text = network->get_string();
    const auto named = protocol::cidr::parse(text);
    if (!text.empty() && !named) co_return boost::json::object{{"error", "\"network\" is none"}};
    const auto lifted = target.unblock(named);
    if (!lifted) co_return boost::json::object{{"error", lifted.error().message()}};
    co_return boost::json::object{{"unblocked", static_cast<std::int64_t>(*lifted)}};
}

// Nothing when it asks for what there is not.
std::optional<std::vector<storage::queue_id>> ids_of(const boost::json::object& request) {
    const auto* list = request.if_contains("ids");
    if (list == nullptr || !list->is_array() || list->get_array().size() > steered_at_once_max)
        return std::nullopt;
    std::vector<storage::queue_id> ids;
    for (const auto& item : list->get_array()) {
        const auto id = item.is_string() ? storage::queue_id::parse(std::string_view(item.get_string()))
                                         : std::optional<storage::queue_id>();
        if (!id) return std::nullopt;
        ids.push_back(*id);
    }
    return ids;
}

document on_queue(control_target& target, const boost::json::object& request) {
    const auto* name = request.if_contains("do");
    const auto wish = name != nullptr && name->is_string()
                          ? storage::find_wish(std::string_view(name->get_string()))
                          : std::optional<storage::queue_wish>();
    auto ids = ids_of(request);
    if (!wish || !ids) co_return boost::json::object{{"error", "\"do\" or \"ids\" is missing or wrong"}};
    const auto outcomes = co_await target.steer_queue(*wish, std::move(*ids));
    boost::json::array names;
    for (const auto outcome : outcomes) names.emplace_back(storage::outcome_name(outcome));
    co_return boost::json::object{{"outcomes", std::move(names)}};
}

document on_ask_owner(control_target& target, const boost::json::object& request) {
    const auto* account = request.if_contains("account");
    const auto* address = request.if_contains("address");
    if (account == nullptr || address == nullptr || !account->is_string() || !address->is_string())
        co_return boost::json::object{{"error", "\"account\" or \"address\" is missing"}};
    const auto answer = target.ask_owner(account->get_string(), address->get_string());
    co_return boost::json::object{{"ok", answer == desk_answer::done}, {"answer", text_of(answer)}};
}

struct request_row {
    std::string_view command;
    document (*answer)(control_target& target, const boost::json::object& request);
};

constexpr request_row request_rows[] = {
    {"status", &on_status},
    {"reload", &on_reload},
    {"wake_queue", &on_wake_queue},
    {"unblock", &on_unblock},
    {"queue", &on_queue},
    {"ask_owner", &on_ask_owner},
    {"destinations", &on_destinations},
};

std::string error_document(std::string_view problem) {
    const boost::json::object made{{"error", problem}};
    return boost::json::serialize(made);
}

struct control_client {
    explicit control_client(local::socket from) : socket(std::move(from)), deadline(socket.get_executor()) {}
    local::socket socket;
    asio::steady_timer deadline;
    std::array<char, control_request_max> request{};
    std::size_t length = 0;
};

void close_quietly(local::socket& socket) {
    boost::system::error_code ignored; // closing a socket that is gone is no news
    socket.close(ignored);
}

// The clients that are connected. Shared with each client's coroutine, so that it is there until the last of
// them is done.
struct control_clients {
    explicit control_clients(const asio::any_io_executor& executor)
        : all_gone(executor, asio::steady_timer::time_point::max()) {}
    std::list<std::shared_ptr<control_client>> connected;
    asio::steady_timer all_gone; // cancelled by the last client
};

// Reads up to the line end; false when there is none within control_request_max octets, or the client went
// away.
asio::awaitable<bool> read_request(control_client& client) {
    while (client.length < client.request.size()) {
        const auto room =
            asio::buffer(client.request.data() + client.length, client.request.size() - client.length);
        const auto [failure, octets] = co_await client.socket.async_read_some(room, as_result);
        if (failure) co_return false;
        const std::string_view fresh(client.request.data() + client.length, octets);
        client.length += octets;
        if (fresh.find('\n') != std::string_view::npos) co_return true;
    }
    co_return false;
}

// In place of the one before.
void set_deadline(const std::shared_ptr<control_client>& client, std::chrono::seconds from_now) {
    client->deadline.expires_after(from_now);
    std::weak_ptr<control_client> watched = client;
    client->deadline.async_wait([watched](boost::system::error_code cancelled) {
        const auto late = watched.lock();
        if (!cancelled && late) close_quietly(late->socket);
    });
}

asio::awaitable<void> serve_client(std::shared_ptr<control_client> client, control_target& target) {
    set_deadline(client, client_time_max);
    std::string answer;
    if (co_await read_request(*client)) {
        const std::string_view request(client->request.data(), client->length);
        set_deadline(client, answer_time_max);
        answer = co_await answer_control_request(request.substr(0, request.find('\n')), target);
    } else if (client->length == client->request.size()) {
        answer = error_document("the request is too long");
    }
    if (!answer.empty()) {
        answer += '\n';
        const auto octets = asio::buffer(answer);
        [[maybe_unused]] const auto outcome =
            co_await asio::async_write(client->socket, octets, as_result); // it left: nothing to do
    }
    client->deadline.cancel();
    close_quietly(client->socket);
}

void start_client(local::socket socket, const std::shared_ptr<control_clients>& clients,
                  control_target& target) {
    if (clients->connected.size() >= control_clients_max) {
        const std::string answer = error_document("there are too many clients") + "\n";
        boost::system::error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(answer), ignored); // a new socket has room for a line
        return;                                           // and closes here
    }
    const auto executor = socket.get_executor();
    auto client = std::make_shared<control_client>(std::move(socket));
    clients->connected.push_back(client);
    const auto place = std::prev(clients->connected.end());
    const auto no_memory = [](std::string_view) {}; // it costs this client only
    spawn(executor, serve_client(client, target), no_memory, [clients, place] {
        close_quietly((*place)->socket);
        (*place)->deadline.cancel();
        clients->connected.erase(place);
        if (clients->connected.empty()) clients->all_gone.cancel();
    });
}

asio::awaitable<void> accept_clients(local::acceptor& acceptor, std::shared_ptr<control_clients> clients,
                                     control_target& target) {
    asio::steady_timer pause(acceptor.get_executor());
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(as_result);
        if (failure == asio::error::operation_aborted) co_return;
        if (!failure) {
            close_on_exec(socket.native_handle());
            start_client(std::move(socket), clients, target);
            continue;
        }
        pause.expires_after(pause_after_failure);
        const auto [cancelled] = co_await pause.async_wait(as_result);
        if (cancelled) co_return;
    }
}

} // namespace

asio::awaitable<std::string> answer_control_request(std::string_view request_line, control_target& target) {
    boost::system::error_code failure;
    const auto request = boost::json::parse(request_line, failure);
    const auto* object = failure ? nullptr : request.if_object();
    if (object == nullptr) co_return error_document("a request is one JSON object on one line");
    const auto* command = object->if_contains("command");
    if (command == nullptr || !command->is_string()) co_return error_document("\"command\" is missing");
    for (const auto& row : request_rows) {
        if (command->get_string() != row.command) continue;
        const auto made = co_await row.answer(target, *object);
        co_return boost::json::serialize(made);
    }
    co_return error_document("there is no such command");
}

asio::awaitable<void> serve_control(std::unique_ptr<control_listener> on, control_target& target) {
    const auto executor = co_await asio::this_coro::executor;
    local::acceptor acceptor(executor, local(), on->release());
    const auto clients = std::make_shared<control_clients>(executor);
    try {
        co_await accept_clients(acceptor, clients, target);
    } catch (const std::exception&) {
        // Cancelled between two waits, or no memory: the end is the same.
    }
    co_await asio::this_coro::reset_cancellation_state();
    boost::system::error_code ignored;
    acceptor.close(ignored);
    for (const auto& client : clients->connected) close_quietly(client->socket);
    while (!clients->connected.empty()) {
        [[maybe_unused]] const auto gone = co_await clients->all_gone.async_wait(as_result);
    }
}

} // namespace postern::server
