#include "policy/submission/suspension.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::policy {
namespace {

using boost::system::in_place_error;

constexpr char suspended_sort = 's';
constexpr char version = 1;
constexpr std::size_t head_octets = 2 + storage::number_octets;
// A suspension ends when it is released, never by time.
constexpr rate_seconds never = (rate_seconds{1} << 40) - 1;

std::string encode(const suspended& how) {
    std::string octets{version, static_cast<char>(how.whom)};
    storage::append_big_endian(octets, static_cast<std::uint64_t>(how.since));
    return octets.append(how.why.substr(0, reason_max));
}

// A damaged row still suspends: whoever was stolen stays so.
suspended decode(std::string_view octets) {
    suspended how;
    if (octets.size() < head_octets || octets.front() != version) {
        how.why = "its row is damaged";
        return how;
    }
    how.whom =
        octets[1] == static_cast<char>(suspended::by::person) ? suspended::by::person : suspended::by::signs;
    how.since = static_cast<rate_seconds>(storage::big_endian(octets.substr(2)));
    how.why = octets.substr(head_octets);
    return how;
}

} // namespace

account_signs signs_of(const account_record& record, rate_seconds now) {
    account_signs signs;
    signs.first_time_hour = record.first_time_hour.counted(now, rate_hour);
    signs.networks = static_cast<std::uint32_t>(
        std::ranges::count_if(record.networks, [&](const auto& one) { return one.last + rate_day > now; }));
    signs.settled = record.settled.counted(now, rate_day);
    signs.failed = std::min(record.failed.counted(now, rate_day), signs.settled);
    signs.unwanted = record.unwanted.counted(now, rate_day);
    return signs;
}

std::optional<std::string> suspicion(const account_signs& signs, const suspension_terms& terms) {
    const auto reaches = [](std::uint32_t count, std::uint32_t limit) {
        return limit != 0 && count >= limit;
    };
    if (reaches(signs.first_time_hour, terms.first_time))
        return fmt::format("it wrote to {} recipients within an hour that it never wrote to before",
                           signs.first_time_hour);
    if (reaches(signs.networks, terms.networks))
        return fmt::format("it was used from {} networks within a day", signs.networks);
    const bool fails =
        std::uint64_t{signs.failed} * 100 >= std::uint64_t{signs.settled} * terms.failed_percent;
    if (terms.failed_percent != 0 && reaches(signs.failed, std::max(terms.failed_min, 1U)) && fails)
        return fmt::format("{} of {} copies that it sent within a day could not be delivered", signs.failed,
                           signs.settled);
    if (reaches(signs.unwanted, terms.unwanted))
        return fmt::format("{} of its messages within a day were refused as spam or for a virus",
                           signs.unwanted);
    return std::nullopt;
}

result<std::optional<suspended>> suspensions::find(std::string_view account) const {
    const auto row = rows_.get(row_key(rows_, suspended_sort, account));
    if (!row) return {in_place_error, row.error()};
    return *row ? std::optional(decode(**row)) : std::nullopt;
}

result<std::vector<suspended_account>> suspensions::list(std::string_view position, std::size_t limit) const {
    const auto rows = rows_.list(std::string_view(&suspended_sort, 1), position, limit);
    if (!rows) return {in_place_error, rows.error()};
    std::vector<suspended_account> found;
    for (const auto& row : *rows)
        found.push_back({std::string(name_in(row.key)), decode(row.value), row.key});
    return found;
}

result<std::optional<std::string>>
suspensions::examine(std::string_view account, const suspension_terms& terms, use how, rate_seconds now) {
    const auto record = book_.look(account);
    if (!record) return {in_place_error, record.error()};
    auto why = suspicion(signs_of(*record, now), terms);
    if (!why) return std::optional<std::string>();
    const auto already = find(account);
    if (!already) return {in_place_error, already.error()};
    if (*already) return std::optional<std::string>();
    if (how == use::report) {
        bool is_news = false;
        const auto noted = book_.change(account, now, rate_hour, [&](account_record& changed) {
            is_news = changed.reported == 0 || now - changed.reported >= rate_day;
            if (is_news) changed.reported = now;
            return is_news;
        });
        if (!noted) return {in_place_error, noted.error()};
        return is_news ? why : std::nullopt;
    }
    const auto put =
        rows_.put(row_key(rows_, suspended_sort, account), encode({suspended::by::signs, now, *why}), never);
    if (!put) return {in_place_error, put.error()};
    return why;
}

result<void> suspensions::suspend(std::string_view account, std::string_view why, rate_seconds now) {
    return rows_.put_now(row_key(rows_, suspended_sort, account),
                         encode({suspended::by::person, now, std::string(why)}), never);
}

result<bool> suspensions::release(std::string_view account, rate_seconds now) {
    const auto forgotten = book_.change(account, now, rate_hour, [](account_record& record) {
        account_record rest;
        rest.copies = record.copies;
        rest.first_time = record.first_time;
        rest.told_of_copies = record.told_of_copies;
        rest.told_of_first_time = record.told_of_first_time;
        record = std::move(rest);
        return true;
    });
    if (!forgotten) return {in_place_error, forgotten.error()};
    if (const auto kept = rows_.flush(); !kept) return {in_place_error, kept.error()};
    return rows_.remove_now(row_key(rows_, suspended_sort, account));
}

result<void> suspensions::settled(std::string_view account, std::uint32_t delivered, std::uint32_t failed,
                                  rate_seconds now) {
    return book_.change(account, now, rate_hour, [&](account_record& record) {
        record.settled.add(now, rate_day, delivered + failed);
        // In one window with `settled`, or the share of one day would be taken of another's.
        if (record.failed.start != record.settled.start) record.failed = {record.settled.start, 0};
        record.failed.count += failed;
        return delivered + failed > 0;
    });
}

result<void> suspensions::refused_as_unwanted(std::string_view account, rate_seconds now) {
    return book_.change(account, now, rate_hour, [&](account_record& record) {
        record.unwanted.add(now, rate_day, 1);
        return true;
    });
}

} // namespace postern::policy
