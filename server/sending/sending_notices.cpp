#include "server/sending/sending_notices.hpp"

#include "conf/mail_templates.hpp"
#include "server/admin/support.hpp"
#include "server/sending/own_mail.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {
namespace {

constexpr std::size_t listed_max = 20; // accounts that an alarm is made for each

std::string limit_text(const policy::over_limit& which) {
    if (which.which == policy::over_limit::kind::first_time)
        return fmt::format("{} new recipients a day", which.limit);
    return fmt::format("{} copies an hour", which.limit);
}

} // namespace

void sending_notices::add(letter what) {
    const std::lock_guard hold(mutex_);
    if (waiting_.size() < waiting_max)
        waiting_.push_back(std::move(what));
    else
        ++dropped_;
}

void sending_notices::limit_reached(std::string_view account, const policy::over_limit& which) {
    const auto limit = limit_text(which);
    const auto until = with_.clock.wall_time_of(which.ends);
    with_.journal.fault(fmt::format("account {} has reached its limit of {} until {}", account, limit,
                                    local_time_text(until)));
    add({std::string(account), "limit_reached", std::string(account), limit, {}, which.ends});
    const std::lock_guard hold(mutex_);
    if (reached_.size() >= alarms_max) reached_.erase(reached_.begin());
    reached_.push_back({std::string(account), limit, which.ends});
}

void sending_notices::suspicious(std::string_view account, std::string_view why, done what) {
    if (what == done::reported) {
        with_.journal.fault(fmt::format("account {} would be suspended: {}", account, why));
        return;
    }
    with_.journal.fault(
        fmt::format("account {} is suspended: {} (postern account release {})", account, why, account));
    const auto postmaster = resolve_settings_of(*with_.config.get()->config).postmaster;
    for (const auto& to : {std::string(account), postmaster})
        add({to, "account_suspended", std::string(account), {}, std::string(why), 0});
}

void sending_notices::open(mail_sink sink) {
    const std::lock_guard hold(mutex_);
    sink_ = std::move(sink);
}

void sending_notices::close() {
    const std::lock_guard hold(mutex_);
    sink_ = nullptr;
}

// True: it is done with, or can never be done.
bool sending_notices::send(const letter& what) {
    const auto config = with_.config.get()->config;
    auto mail = compose_own_mail(with_.accounts, with_.ids, *config, what.to, what.name,
                                 {{"account", what.account},
                                  {"host", config->server.hostname},
                                  {"limit", what.limit},
                                  {"why", what.why},
                                  {"until", local_time_text(with_.clock.wall_time_of(what.until))}});
    if (!mail) {
        with_.journal.fault(fmt::format("{} can't be told of {}: the address leads nowhere, or can't be "
                                        "looked up",
                                        what.to, what.name));
        return true;
    }
    const auto id = mail->message.id.to_string();
    const std::lock_guard hold(mutex_);
    if (!sink_ || !sink_(std::move(*mail))) return false;
    with_.journal.note(fmt::format("{}: {} to <{}>", id, what.name, what.to));
    return true;
}

result<void> sending_notices::flush() {
    std::vector<letter> now;
    {
        const std::lock_guard hold(mutex_);
        if (!sink_) return {};
        now.swap(waiting_);
    }
    std::erase_if(now, [this](const letter& one) { return send(one); });
    const std::lock_guard hold(mutex_);
    waiting_.insert(waiting_.begin(), now.begin(), now.end());
    return {};
}

std::uint64_t sending_notices::dropped() const {
    const std::lock_guard hold(mutex_);
    return dropped_;
}

std::vector<alarm> sending_notices::alarms(const policy::suspensions& suspended) const {
    std::vector<alarm> made;
    if (const auto found = suspended.list("", listed_max); found)
        for (const auto& one : *found)
            made.push_back({fmt::format("account {} is suspended: {}", one.account, one.how.why)});
    const auto now = with_.clock.now();
    const std::lock_guard hold(mutex_);
    for (const auto& one : reached_)
        if (one.until > now && made.size() < 2 * listed_max)
            made.push_back({fmt::format("account {} has reached its limit of {} until {}", one.account,
                                        one.limit, local_time_text(with_.clock.wall_time_of(one.until)))});
    return made;
}

} // namespace postern::server
