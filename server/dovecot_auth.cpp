// The timer closes the socket, so that the one wait under way ends by itself.
#include "server/dovecot_auth.hpp"

#include "policy/submission/account_name.hpp"
#include "protocol/smtp/grammar.hpp"
#include "server/close_on_exec.hpp"
#include "server/delivery/connect.hpp"
#include "server/dovecot_words.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace postern::server {

namespace asio = boost::asio;
using generic = asio::generic::stream_protocol;
using protocol::sasl::secret;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t greeting_lines_max = 100;
constexpr std::size_t shown_max = 200; // octets of what Dovecot says, in our log
constexpr unsigned request_id = 1;
// Above every process id of Linux: other programs tell Dovecot theirs.
constexpr unsigned clients_from = 1U << 30U, clients = 1U << 30U;

login_answer later(std::string why) {
    login_answer answer;
    answer.why = std::move(why);
    return answer;
}

// One connection to Dovecot's auth service.
class conversation {
  public:
    explicit conversation(std::shared_ptr<generic::socket> socket) : socket_(std::move(socket)) {}

    // "" = it went well.
    asio::awaitable<std::string> send(std::string_view octets) {
        const auto buffer = asio::buffer(octets);
        const auto [failed, size] = co_await asio::async_write(*socket_, buffer, as_result);
        co_return failed ? trouble(failed) : std::string();
    }
    struct received {
        dovecot_line line;
        std::string why; // "" = there is one
    };
    asio::awaitable<received> receive() {
        received got;
        auto into = asio::dynamic_buffer(unread_, dovecot_line_max);
        const auto [failed, size] = co_await asio::async_read_until(*socket_, into, '\n', as_result);
        if (failed) {
            got.why = failed == asio::error::not_found ? "its line is too long" : trouble(failed);
            co_return got;
        }
        got.line = read_dovecot_line(std::string_view(unread_).substr(0, size - 1));
        unread_.erase(0, size);
        co_return got;
    }

  private:
    std::string trouble(const boost::system::error_code& ec) const {
        if (ec == asio::error::operation_aborted || !socket_->is_open()) return "it did not answer in time";
        if (ec == asio::error::eof) return "it closed the connection";
        return ec.message();
    }
    std::shared_ptr<generic::socket> socket_;
    std::string unread_;
};

// "" = it is Dovecot, it speaks our version, and it checks passwords.
asio::awaitable<std::string> greet(conversation& with, unsigned client) {
    const std::string hello = fmt::format("VERSION\t1\t1\nCPID\t{}\n", client);
    const std::string unsent = co_await with.send(hello);
    if (!unsent.empty()) co_return unsent;
    bool takes_plain = false;
    for (std::size_t lines = 0; lines < greeting_lines_max; ++lines) {
        const auto got = co_await with.receive();
        if (!got.why.empty()) co_return got.why;
        const auto& line = got.line;
        const std::string first = line.fields.empty() ? "" : line.fields.front();
        if (line.word == "VERSION" && first != "1") co_return "it speaks another version";
        if (line.word == "MECH" && protocol::equals_ignoring_case(first, "PLAIN")) takes_plain = true;
        if (line.word == "DONE") co_return takes_plain ? "" : "it doesn't offer PLAIN (auth_mechanisms)";
    }
    co_return "its greeting has no end";
}

login_answer conclude(const dovecot_line& said, const std::string& account) {
    if (said.fields.empty() || said.fields.front() != std::to_string(request_id))
        return later("it answers something else");
    if (said.word == "OK") {
        const auto user = said.value("user");
        login_answer answer;
        // One that Dovecot takes for somebody else is nobody here.
        const bool is_same = user && policy::account_of(*user) == account;
        answer.what = is_same ? login_answer::kind::ok : login_answer::kind::denied;
        answer.account = is_same ? account : "";
        if (!is_same)
            answer.why = fmt::format("Dovecot takes {} for {}", account,
                                     protocol::printable(user.value_or("nobody"), shown_max));
        return answer;
    }
    if (said.word != "FAIL")
        return later(fmt::format("it answers {}", protocol::printable(said.word, shown_max)));
    if (said.has("temp") || said.value("code") == "temp_fail")
        return later(protocol::printable(said.value("reason").value_or("it has trouble"), shown_max));
    login_answer answer;
    answer.what = login_answer::kind::denied;
    return answer;
}

asio::awaitable<login_answer> ask(conversation& with, unsigned client, const login_question& what,
                                  const std::string& account) {
    const std::string unfit = co_await greet(with, client);
    if (!unfit.empty()) co_return later(unfit);
    const secret request = dovecot_request(request_id, what.login, what.password.view(), what.client);
    const std::string unsent = co_await with.send(request.view());
    if (!unsent.empty()) co_return later(unsent);
    const auto got = co_await with.receive();
    if (!got.why.empty()) co_return later(got.why);
    co_return conclude(got.line, account);
}

struct counted {
    explicit counted(std::atomic<std::size_t>& of) : of_(of), number(of.fetch_add(1)) {}
    ~counted() { of_.fetch_sub(1); }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    std::atomic<std::size_t>& of_;
    const std::size_t number;
};

} // namespace

dovecot_auth::dovecot_auth(conf::next_hop where, std::size_t at_once)
    : where_(std::move(where)), at_once_(at_once), next_client_(0) {
    unsigned random = 0; // a server that drains beside us counts from elsewhere
    if (::getentropy(&random, sizeof random) == 0) next_client_ = random;
}

asio::awaitable<login_answer> dovecot_auth::check(login_question what) {
    const auto account = policy::account_of(what.login);
    if (!account || what.password.empty()) {
        login_answer nobody;
        nobody.what = login_answer::kind::denied;
        co_return nobody;
    }
    const counted one(under_way_);
    if (one.number >= at_once_) co_return later("too many logins wait");
    const auto here = co_await asio::this_coro::executor;
    auto socket = std::make_shared<generic::socket>(here);
    asio::steady_timer timer(here, what.within);
    timer.async_wait([weak = std::weak_ptr(socket)](boost::system::error_code ec) {
        boost::system::error_code ignored;
        if (const auto late = weak.lock(); late && !ec) late->close(ignored);
    });
    const std::string place = where_.to_string();
    const auto failed = co_await connect_socket(where_, *socket);
    if (failed) co_return later(fmt::format("Dovecot at {}: {}", place, failed.message()));
    conversation with(socket);
    const unsigned client = clients_from + next_client_.fetch_add(1) % clients;
    auto answer = co_await ask(with, client, what, *account);
    if (answer.what == login_answer::kind::later)
        answer.why = fmt::format("Dovecot at {}: {}", place, answer.why);
    co_return answer;
}

asio::awaitable<login_keys> dovecot_auth::find_keys(std::string) {
    login_keys none;
    none.later = true;
    none.why = "Dovecot doesn't show keys";
    co_return none;
}

} // namespace postern::server
