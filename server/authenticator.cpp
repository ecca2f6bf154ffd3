// The attempt belongs to both the coroutine that waits and the job that computes: whoever's deadline passes
// goes, and a job that finds nobody waiting computes nothing.
#include "server/authenticator.hpp"

#include "policy/submission/account_name.hpp"
#include "policy/submission/credentials.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

namespace postern::server {

namespace asio = boost::asio;
using policy::password_match;
using protocol::sasl::secret;
using steady = std::chrono::steady_clock;

namespace {

constexpr int gives_way = 10; // nice(2): sessions go first

} // namespace

struct authenticator::attempt {
    std::string account; // "" = nobody's
    std::string stored;  // what the password is checked against
    std::string why;     // there is an account, and yet it can't be
    secret password;
    policy::digest of{};
    std::atomic<bool> abandoned = false;
    password_match match = password_match::wrong;
};

authenticator::authenticator(const storage::directory& accounts, std::string secret, std::string process_key,
                             const settings& how)
    : accounts_(accounts), secret_(std::move(secret)), process_key_(std::move(process_key)),
      remember_(how.remember.count()), pool_(how.workers, how.waiting) {
    count_kinds();
}

void authenticator::count_kinds() {
    policy::decoys fresh(secret_);
    const auto walked = accounts_.each_mailbox([&](const storage::mailbox_record& record) {
        fresh.count(record.password);
        return true;
    });
    const std::lock_guard lock(kinds_mutex_);
    // With half of them counted, some logins would look different from before.
    if (!walked && kinds_) fresh = kinds_->kinds;
    kinds_ = std::make_shared<const counted>(counted{std::move(fresh), steady::now()});
}

std::shared_ptr<const authenticator::counted> authenticator::kinds() const {
    const std::lock_guard lock(kinds_mutex_);
    return kinds_;
}

void authenticator::count_again_in_time(time_point now) {
    if (now - kinds()->at < counted_again || counting_.exchange(true)) return;
    if (!pool_.try_post([this] {
            count_kinds();
            counting_ = false;
        }))
        counting_ = false;
}

// Null after trouble, which is `later`.
std::shared_ptr<authenticator::attempt> authenticator::prepare(const std::string& login, secret password,
                                                               login_answer& trouble) const {
    auto made = std::make_shared<attempt>();
    const auto account = policy::account_of(login);
    auto found = account ? accounts_.find_mailbox(*account)
                         : result<std::optional<storage::mailbox_record>>(std::nullopt);
    if (!found) {
        trouble.why = fmt::format("accounts: {}", found.error().message());
        return nullptr;
    }
    if (*found && !(*found)->password.empty()) {
        const auto problem = policy::setting_problem((*found)->password);
        if (problem.empty()) {
            made->account = *account;
            made->stored = std::move((*found)->password);
        } else {
            made->why = fmt::format("the stored password hash {}", problem);
        }
    }
    if (made->account.empty()) made->stored = kinds()->kinds.setting_for(account ? *account : login);
    made->of = policy::keyed_digest(process_key_, {login, password.view(), made->stored});
    made->password = std::move(password);
    return made;
}

bool authenticator::is_remembered(const attempt& of, time_point now) {
    if (of.account.empty() || remember_.load(std::memory_order_relaxed) == 0) return false;
    const std::lock_guard lock(memory_mutex_);
    return memory_.knows(of.account, of.of, now);
}

login_answer authenticator::judge(const attempt& of, time_point now) {
    login_answer answer;
    answer.what = login_answer::kind::denied;
    answer.why = of.why;
    if (of.account.empty() || of.match != password_match::right) return answer;
    answer.what = login_answer::kind::ok;
    answer.account = of.account;
    const std::chrono::seconds time(remember_.load(std::memory_order_relaxed));
    if (time.count() == 0) return answer;
    const std::lock_guard lock(memory_mutex_);
    memory_.keep(of.account, of.of, now + time);
    return answer;
}

asio::awaitable<login_answer> authenticator::check(login_question what) {
    login_answer answer;
    const auto asked = prepare(what.login, std::move(what.password), answer);
    if (!asked) co_return answer;
    count_again_in_time(steady::now());
    if (is_remembered(*asked, steady::now())) {
        answer.what = login_answer::kind::ok;
        answer.account = asked->account;
        co_return answer;
    }
    std::function<void()> job = [asked] {
        if (asked->abandoned.load()) return;
        ::setpriority(PRIO_PROCESS, 0, gives_way); // of this thread alone
        asked->match = policy::check_password(asked->password, asked->stored);
        asked->password = secret();
    };
    const auto here = co_await asio::this_coro::executor;
    asio::steady_timer timer(here, what.within);
    // Shared: the timer's handler may run after this coroutine has gone.
    auto give_up = std::make_shared<resumer>();
    timer.async_wait([give_up](boost::system::error_code ec) {
        if (ec || !*give_up) return;
        const resumer wake = *give_up;
        wake(make_error_code(storage::storage_errc::timed_out));
    });
    const auto ran = co_await pool_.run(std::move(job), give_up.get());
    if (ran) {
        asked->abandoned.store(true);
        answer.why = ran == storage::storage_errc::timed_out ? "no password was checked in time"
                                                             : "too many logins wait";
        co_return answer;
    }
    co_return judge(*asked, steady::now());
}

asio::awaitable<login_keys> authenticator::find_keys(std::string login) {
    login_keys answer;
    const auto account = policy::account_of(login);
    if (account) {
        const auto found = accounts_.find_mailbox(*account);
        if (!found) {
            answer.later = true;
            answer.why = fmt::format("accounts: {}", found.error().message());
            co_return answer;
        }
        // Without a password there is nothing to prove, whatever keys are left.
        const bool has_keys = *found && !(*found)->password.empty();
        if (auto keys = has_keys ? protocol::sasl::parse_scram_keys((*found)->scram) : std::nullopt) {
            answer.keys = std::move(*keys);
            answer.account = *account;
            co_return answer;
        }
    }
    answer.keys = kinds()->kinds.keys_for(account ? *account : login);
    co_return answer;
}

void authenticator::remember_for(std::chrono::seconds time) {
    remember_.store(time.count(), std::memory_order_relaxed);
    if (time.count() != 0) return;
    const std::lock_guard lock(memory_mutex_);
    memory_.forget_all();
}

void authenticator::stop() { pool_.stop(); }

} // namespace postern::server
