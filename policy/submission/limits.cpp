#include "policy/submission/limits.hpp"

#include <algorithm>
#include <utility>

namespace postern::policy {
namespace {

using boost::system::in_place_error;

// The one that there is no room for `copies` and `first_time` in; marks it as told.
std::optional<over_limit> over(account_record& record, std::uint32_t copies, std::uint32_t first_time,
                               const sending_terms& terms, rate_seconds now) {
    if (terms.copies != 0 && copies > terms.copies)
        return over_limit{over_limit::kind::too_wide, terms.copies, now, false};
    if (terms.copies != 0 &&
        copies > terms.copies - std::min(record.copies.counted(now, terms.window), terms.copies))
        return over_limit{over_limit::kind::copies, terms.copies, record.copies.ends(now, terms.window),
                          !std::exchange(record.told_of_copies, true)};
    const auto used = record.first_time.counted(now, rate_day);
    if (terms.first_time == 0 || first_time == 0 ||
        (used < terms.first_time && first_time <= terms.first_time - used))
        return std::nullopt;
    if (first_time > terms.first_time)
        return over_limit{over_limit::kind::too_wide, terms.first_time, now, false};
    return over_limit{over_limit::kind::first_time, terms.first_time, record.first_time.ends(now, rate_day),
                      !std::exchange(record.told_of_first_time, true)};
}

// What was told of a window that is over is forgotten.
void begin_anew(account_record& record, const sending_terms& terms, rate_seconds now) {
    if (!record.copies.is_open(now, terms.window)) record.told_of_copies = false;
    if (!record.first_time.is_open(now, rate_day)) record.told_of_first_time = false;
}

void note_network(account_record& record, std::uint64_t digest, rate_seconds now) {
    auto& networks = record.networks;
    std::erase_if(networks, [&](const seen_network& one) {
        return one.digest == digest || one.last + rate_day <= now;
    });
    if (networks.size() >= networks_max) networks.erase(networks.begin());
    networks.push_back({digest, now});
}

} // namespace

reservation::reservation(reservation&& other) noexcept
    : from_(std::exchange(other.from_, nullptr)), account_(std::move(other.account_)), terms_(other.terms_),
      when_(other.when_), copies_(other.copies_), first_time_(other.first_time_),
      copies_begun_(other.copies_begun_), first_time_begun_(other.first_time_begun_),
      hour_begun_(other.hour_begun_), remember_(std::move(other.remember_)) {}

reservation& reservation::operator=(reservation&& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(account_, other.account_);
    std::swap(terms_, other.terms_);
    std::swap(when_, other.when_);
    std::swap(copies_, other.copies_);
    std::swap(first_time_, other.first_time_);
    std::swap(copies_begun_, other.copies_begun_);
    std::swap(first_time_begun_, other.first_time_begun_);
    std::swap(hour_begun_, other.hour_begun_);
    std::swap(remember_, other.remember_);
    return *this;
}

reservation::~reservation() {
    if (from_ != nullptr) from_->give_back(*this);
}

// A recipient that can't be written down counts as a first-time one again: no more is lost.
void reservation::kept() {
    auto* const in = std::exchange(from_, nullptr);
    if (in == nullptr) return;
    for (const auto whom : remember_)
        if (!in->book_.remember(account_, whom, when_, terms_.remembered)) break;
}

result<std::optional<over_limit>> sending_limits::look(std::string_view account, const sending_terms& terms,
                                                       rate_seconds now) {
    auto found = book_.look(account);
    if (!found) return {in_place_error, found.error()};
    if (terms.copies == 0 || found->copies.counted(now, terms.window) < terms.copies)
        return std::optional<over_limit>();
    std::optional<over_limit> answer;
    const auto changed = book_.change(account, now, terms.window, [&](account_record& record) {
        const bool told = record.told_of_copies;
        begin_anew(record, terms, now);
        answer = over(record, 1, 0, terms, now);
        return record.told_of_copies != told;
    });
    if (!changed) return {in_place_error, changed.error()};
    return answer;
}

// A known recipient is written down again once a day: that is exact enough, and costs few writes.
result<sending_limits::newcomers> sending_limits::newcomers_in(std::string_view account,
                                                               std::span<const std::string> recipients,
                                                               const sending_terms& terms,
                                                               rate_seconds now) const {
    newcomers made;
    for (const auto& one : recipients) {
        const auto digest = book_.digest_of(account, one);
        const auto last = book_.last_written_to(account, digest);
        if (!last) return {in_place_error, last.error()};
        const bool is_new = !*last || now - **last >= terms.remembered;
        if (is_new) ++made.count;
        if (is_new || now - **last >= rate_day) made.remember.push_back(digest);
    }
    return made;
}

result<std::variant<reservation, over_limit>> sending_limits::reserve(std::string_view account,
                                                                      const protocol::ip_address& client,
                                                                      std::span<const std::string> recipients,
                                                                      const sending_terms& terms,
                                                                      rate_seconds now) {
    auto fresh = newcomers_in(account, recipients, terms, now);
    if (!fresh) return {in_place_error, fresh.error()};
    const auto network = book_.digest_of_network(client);
    reservation made;
    made.account_ = account;
    made.terms_ = terms;
    made.when_ = now;
    made.copies_ = static_cast<std::uint32_t>(recipients.size());
    made.first_time_ = fresh->count;
    made.remember_ = std::move(fresh->remember);
    std::optional<over_limit> refused;
    const auto changed = book_.change(account, now, terms.window, [&](account_record& record) {
        begin_anew(record, terms, now);
        note_network(record, network, now);
        refused = over(record, made.copies_, made.first_time_, terms, now);
        if (refused) return true;
        record.copies.add(now, terms.window, made.copies_);
        record.first_time.add(now, rate_day, made.first_time_);
        record.first_time_hour.add(now, rate_hour, made.first_time_);
        made.copies_begun_ = record.copies.start;
        made.first_time_begun_ = record.first_time.start;
        made.hour_begun_ = record.first_time_hour.start;
        return true;
    });
    if (!changed) return {in_place_error, changed.error()};
    if (refused) return std::variant<reservation, over_limit>(*refused);
    made.from_ = this;
    return std::variant<reservation, over_limit>(std::move(made));
}

// Trouble here leaves the account with less than it might have, for an hour; nobody can be told.
void sending_limits::give_back(const reservation& what) {
    [[maybe_unused]] const auto done =
        book_.change(what.account_, what.when_, what.terms_.window, [&](account_record& record) {
            record.copies.take_back(what.copies_begun_, what.copies_);
            record.first_time.take_back(what.first_time_begun_, what.first_time_);
            record.first_time_hour.take_back(what.hour_begun_, what.first_time_);
            return true;
        });
}

} // namespace postern::policy
