// The keys that are shown, and those that TLSA records publish. Renewed files whose keys are not published
// wait for the record, or for a reload; what is in use already is told of, and stays in use.
#include "server/app.hpp"

#include "server/key_watch.hpp"

#include <fmt/format.h>

namespace postern::server {

namespace {

constexpr std::chrono::minutes keys_interval{5}; // between looks at what is published for the keys in use

} // namespace

// True: they are not to be taken, or it isn't known yet.
bool app::waits_for_keys(const std::string& stamp) {
    if (keys_judged_ == stamp && keys_trouble_.empty()) return false;
    judge_keys(stamp);
    return true;
}

void app::look_at_keys(const std::string& stamp) {
    const auto now = std::chrono::steady_clock::now();
    if (now - keys_looked_ < keys_interval) return;
    keys_looked_ = now;
    judge_keys(stamp);
}

void app::judge_keys(const std::string& stamp) {
    if (std::exchange(judges_keys_, true)) return;
    spawn(
        main_.get_executor(), learn_of_keys(stamp),
        [this](std::string_view what) { journal_->fault("TLSA records: " + std::string(what)); },
        [this] { judges_keys_ = false; });
}

boost::asio::awaitable<void> app::learn_of_keys(std::string stamp) {
    const auto config = config_.get()->config;
    auto looking = unpublished_keys(*dns_, config, with_own(config->tls));
    auto trouble = co_await std::move(looking);
    const bool is_in_use = stamp == certificate_stamp_;
    if (!trouble.empty() && !is_in_use)
        trouble = "renewed certificates are not taken (tls.dane_check), a reload takes them: " + trouble;
    keys_judged_ = std::move(stamp);
    if (trouble != keys_trouble_) {
        keys_trouble_ = std::move(trouble);
        if (!keys_trouble_.empty()) journal_->fault(keys_trouble_);
    }
    if (keys_trouble_.empty() && !is_in_use) watch_certificates(); // not only at its next look
}

} // namespace postern::server
