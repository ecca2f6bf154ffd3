// postern queue retry, hold, release, bounce, delete: the running server does it, or the command itself when
// none runs. Many messages go in portions, so that a million costs no more memory than a thousand.
#include "server/admin/ask_server.hpp"
#include "server/admin/control.hpp"
#include "server/admin/handlers.hpp"
#include "server/admin/queue_access.hpp"
#include "server/admin/queue_filter.hpp"

#include "storage/steering.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <iostream>
#include <span>
#include <unistd.h>

namespace postern::server {
using storage::queue_id;
using storage::queue_wish;
using storage::wish_outcome;

namespace {

constexpr std::chrono::seconds progress_interval{2};

std::string_view done_words(queue_wish wish) {
    switch (wish) {
    case queue_wish::retry: return "made due";
    case queue_wish::hold: return "held";
    case queue_wish::release: return "released";
    case queue_wish::bounce: return "given up, senders are told";
    case queue_wish::remove: return "deleted";
    }
    return "";
}

std::string_view would_words(queue_wish wish) {
    switch (wish) {
    case queue_wish::retry: return "would be made due";
    case queue_wish::hold: return "would be held";
    case queue_wish::release: return "would be released";
    case queue_wish::bounce: return "would be given up, and their senders told";
    case queue_wish::remove: return "would be deleted";
    }
    return "";
}

enum class earnest : bool { only_looks, changes };

// Where the wishes go.
class steerer {
  public:
    steerer(const conf::config& settings, terminal& with, earnest how)
        : settings_(settings), with_(with), how_(how),
          alone_(how == earnest::changes &&
                 ask_control(settings.admin.socket, R"({"command":"status"})").empty()),
          queue_(settings, with, alone_ ? queue_use::change : queue_use::read) {
        code = queue_.code;
    }

    const storage::queue* messages() const { return queue_.messages.get(); }

    // The outcome for each, at most queue_page_max; fewer when it could not be asked (see code).
    std::vector<wish_outcome> steer(queue_wish wish, std::span<const queue_id> ids) {
        if (how_ == earnest::only_looks) return look(wish, ids);
        return alone_ ? steer_alone(wish, ids) : ask(wish, ids);
    }

    exit_code code = exit_code::ok;

  private:
    std::vector<wish_outcome> ask(queue_wish wish, std::span<const queue_id> ids) {
        boost::json::array names;
        for (const auto id : ids) names.emplace_back(id.to_string());
        const boost::json::object request{
            {"command", "queue"}, {"do", storage::wish_name(wish)}, {"ids", std::move(names)}};
        const auto document = ask_server(settings_, boost::json::serialize(request), with_, code);
        std::vector<wish_outcome> outcomes;
        const auto* list = document.is_object() ? document.get_object().if_contains("outcomes") : nullptr;
        if (list == nullptr || !list->is_array()) return outcomes;
        for (const auto& name : list->get_array())
            outcomes.push_back(storage::find_outcome(text_of(name)).value_or(wish_outcome::failed));
        outcomes.resize(std::min(outcomes.size(), ids.size()));
        return outcomes;
    }

    std::vector<wish_outcome> look(queue_wish wish, std::span<const queue_id> ids) {
        std::vector<wish_outcome> outcomes;
        for (const auto id : ids)
            outcomes.push_back(
                storage::steer_found(wish, id, queue_.messages->find(id), std::time(nullptr)).outcome);
        return outcomes;
    }

    std::vector<wish_outcome> steer_alone(queue_wish wish, std::span<const queue_id> ids) {
        std::vector<wish_outcome> outcomes;
        std::vector<storage::queue_operation> changes;
        std::vector<std::size_t> changed;
        for (const auto id : ids) {
            auto steered = storage::steer_found(wish, id, queue_.messages->find(id), std::time(nullptr));
            outcomes.push_back(steered.outcome);
            if (!steered.change) continue;
            changed.push_back(outcomes.size() - 1);
            changes.push_back(std::move(*steered.change));
        }
        const auto written = queue_.messages->commit_each(changes);
        for (std::size_t i = 0; i < changed.size(); ++i)
            if (written[i]) outcomes[changed[i]] = wish_outcome::failed;
        return outcomes;
    }

    const conf::config& settings_; // the caller's, as is with_
    terminal& with_;
    const earnest how_;
    const bool alone_; // no server runs: we do it ourselves
    queue_access queue_;
};

// How far it is, for a person who waits.
class progress {
  public:
    explicit progress(terminal& with)
        : with_(with), shown_(&with.err == &std::cerr && ::isatty(STDERR_FILENO) != 0) {}
    void at(std::uint64_t looked_at, std::uint64_t done) {
        const auto now = std::chrono::steady_clock::now();
        if (!shown_ || now - last_ < progress_interval) return;
        last_ = now;
        with_.err << fmt::format("{} messages so far, of {} looked at\n", done, looked_at);
    }

  private:
    terminal& with_;
    const bool shown_;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

class wish_command {
  public:
    wish_command(queue_wish wish, const conf::config& settings, terminal& with,
                 earnest how = earnest::changes)
        : wish_(wish), settings_(settings), with_(with), how_(how), to_(settings, with, how) {}

    exit_code steer(const std::vector<queue_id>& ids) {
        code_ = to_.code;
        for (std::size_t at = 0; at < ids.size() && code_keeps_on(); at += queue_page_max)
            steer_portion(std::span(ids).subspan(at, std::min(queue_page_max, ids.size() - at)), true);
        return end();
    }

    // All, or those that the filter means.
    exit_code steer_all(const std::optional<queue_filter>& which) {
        code_ = to_.code;
        progress shown(with_);
        queue_id after{};
        std::uint64_t looked_at = 0;
        const auto last = last_meant();
        while (code_keeps_on() && after < last) {
            const auto found = to_.messages()->list(after, queue_page_max);
            if (!found) {
                code_ = fail(with_, "queue", found.error());
                break;
            }
            if (!found->last) break;
            after = *found->last;
            steer_portion(those_meant(*found, last, which), false);
            looked_at += found->messages.size() + found->unreadable.size();
            shown.at(looked_at, done_);
        }
        return end();
    }

  private:
    bool code_keeps_on() const { return to_.code == exit_code::ok; }

    // What comes meanwhile isn't: it may be a notice that a message was given up.
    queue_id last_meant() {
        if (!code_keeps_on() || to_.messages() == nullptr) return {};
        const auto highest = to_.messages()->highest_id();
        if (highest) return *highest;
        code_ = fail(with_, "queue", highest.error());
        return {};
    }

    // Of the damaged ones only a removal is possible, and whether a filter means them nobody knows: they are
    // said.
    std::vector<queue_id> those_meant(const storage::queue_page& page, queue_id last,
                                      const std::optional<queue_filter>& which) {
        const auto history = history_of(*to_.messages());
        std::vector<queue_id> ids;
        for (const auto& message : page.messages)
            if (!which || which->matches(message, settings_, history)) ids.push_back(message.id);
        for (const auto id : page.unreadable) {
            if (wish_ == queue_wish::remove && !which)
                ids.push_back(id);
            else if (id <= last)
                code_ = tell_damaged(with_, id);
        }
        std::erase_if(ids, [last](queue_id id) { return id > last; });
        return ids;
    }

    void steer_portion(std::span<const queue_id> ids, bool named) {
        if (ids.empty()) return;
        std::vector<wish_outcome> outcomes;
        if (to_.messages() != nullptr)
            outcomes = to_.steer(wish_, ids);
        else
            outcomes.assign(ids.size(), wish_outcome::gone); // there is no queue yet
        if (to_.code != exit_code::ok) code_ = to_.code;
        for (std::size_t i = 0; i < outcomes.size(); ++i) tell(ids[i].to_string(), outcomes[i], named);
    }

    void tell(const std::string& id, wish_outcome outcome, bool named) {
        switch (outcome) {
        case wish_outcome::done: ++done_; return;
        case wish_outcome::gone:
            if (named) code_ = fail(with_, exit_code::no_user, id, "is not in the queue");
            return;
        case wish_outcome::held:
            ++held_;
            if (named) code_ = fail(with_, exit_code::bad_data, id, "is held: release it first");
            return;
        case wish_outcome::busy:
            code_ = fail(with_, exit_code::temporary, id, "is being tried at the moment; ask again");
            return;
        case wish_outcome::failed:
            code_ = fail(with_, exit_code::temporary, id, "could not be read or changed; it is as it was");
            return;
        }
    }

    exit_code end() {
        if (code_ != exit_code::ok && done_ == 0) return code_;
        const auto words = how_ == earnest::changes ? done_words(wish_) : would_words(wish_);
        with_.out << fmt::format("{} message{} {}", done_, done_ == 1 ? "" : "s", words);
        if (held_ != 0) with_.out << fmt::format("; {} held, as before", held_);
        with_.out << '\n';
        return code_;
    }

    const queue_wish wish_;
    const conf::config& settings_; // the caller's, as is with_
    terminal& with_;
    const earnest how_;
    steerer to_;
    exit_code code_ = exit_code::ok;
    std::uint64_t done_ = 0, held_ = 0;
};

exit_code run_wish(queue_wish wish, const arguments& given, terminal& with) {
    const auto name = fmt::format("queue {}", storage::wish_name(wish));
    const auto& words = given.all("ID");
    const bool is_filtered = queue_filter::is_given(given);
    if (int{!words.empty()} + int{given.has("--all")} + int{is_filtered} != 1)
        return fail(with, exit_code::usage, name,
                    "needs queue ids, or --sender, --recipient or --destination, or --all alone");
    std::optional<queue_filter> which;
    if (is_filtered && !(which = queue_filter::read(given, with))) return exit_code::bad_data;
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    std::vector<queue_id> ids;
    for (const auto& word : words) {
        const auto id = queue_id::parse(word);
        if (!id) return fail(with, exit_code::bad_data, word, "is not a queue id");
        ids.push_back(*id);
    }
    wish_command command(wish, *settings, with,
                         given.has("--dry-run") ? earnest::only_looks : earnest::changes);
    return words.empty() ? command.steer_all(which) : command.steer(ids);
}

} // namespace

exit_code steer_messages(queue_wish wish, const std::vector<queue_id>& ids, const conf::config& settings,
                         terminal& with) {
    return wish_command(wish, settings, with).steer(ids);
}

exit_code run_queue_retry(const arguments& given, terminal& with) {
    return run_wish(queue_wish::retry, given, with);
}
exit_code run_queue_hold(const arguments& given, terminal& with) {
    return run_wish(queue_wish::hold, given, with);
}
exit_code run_queue_release(const arguments& given, terminal& with) {
    return run_wish(queue_wish::release, given, with);
}
exit_code run_queue_bounce(const arguments& given, terminal& with) {
    return run_wish(queue_wish::bounce, given, with);
}
exit_code run_queue_delete(const arguments& given, terminal& with) {
    return run_wish(queue_wish::remove, given, with);
}

} // namespace postern::server
