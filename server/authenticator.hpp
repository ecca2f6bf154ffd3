// Logins against the table of accounts. Hashes are computed by a few threads of its own, which give way to
// sessions; a correct login is remembered for minutes and then costs a digest. A login that isn't anybody's
// costs what one that is does. Thread-safe; outlives the sessions that ask it.
#pragma once

#include "policy/submission/decoys.hpp"
#include "server/login_memory.hpp"
#include "server/login_source.hpp"
#include "server/offload_pool.hpp"
#include "storage/tables/directory.hpp"

#include <atomic>
#include <memory>
#include <mutex>

namespace postern::server {

class authenticator final : public login_source {
  public:
    static constexpr std::size_t remembered_max = 20'000;    // logins; some 4 MB
    static constexpr std::chrono::minutes counted_again{10}; // the kinds of hash that accounts have

    struct settings {
        unsigned workers = 1;
        std::size_t waiting = 200;          // logins that wait for a worker
        std::chrono::seconds remember{600}; // 0 = not at all
    };
    // `accounts` outlives it. `secret` is the installation's (storage/server_secret.hpp), `process_key` 32
    // octets that nobody else knows and that are forgotten at the end.
    authenticator(const storage::directory& accounts, std::string secret, std::string process_key,
                  const settings& how);

    boost::asio::awaitable<login_answer> check(login_question what) override;
    bool has_keys() const override { return true; }
    boost::asio::awaitable<login_keys> find_keys(std::string login) override;

    void remember_for(std::chrono::seconds time) override; // 0 forgets at once
    void stop();                                           // no more hashes; waits for those under way

  private:
    struct attempt;
    using time_point = std::chrono::steady_clock::time_point;
    struct counted {
        policy::decoys kinds;
        time_point at;
    };

    std::shared_ptr<attempt> prepare(const std::string& login, protocol::sasl::secret password,
                                     login_answer& trouble) const;
    bool is_remembered(const attempt& of, time_point now);
    login_answer judge(const attempt& of, time_point now);
    std::shared_ptr<const counted> kinds() const;
    void count_kinds();
    void count_again_in_time(time_point now);

    const storage::directory& accounts_;
    const std::string secret_, process_key_;
    std::atomic<std::chrono::seconds::rep> remember_; // seconds
    std::mutex memory_mutex_;
    login_memory memory_{remembered_max};
    mutable std::mutex kinds_mutex_;
    std::shared_ptr<const counted> kinds_;
    std::atomic<bool> counting_ = false;
    offload_pool pool_; // last: its jobs use the others
};

} // namespace postern::server
