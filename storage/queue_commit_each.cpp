// Operations of many owners in one transaction, and what becomes of them when it fails: whoever is not at
// fault must not pay for who is. After an error of the disk nothing is taken apart. Whatever is tried again
// is a new transaction, all of whose pages are written anew.
#include "storage/queue_impl.hpp"

#include <algorithm>
#include <functional>
#include <new>

namespace postern::storage {
namespace {

using boost::system::error_code;
using outcomes = std::vector<error_code>;

// What needs no room but for the pages that it copies.
bool is_removal(const queue_operation* operation) {
    const auto* settle = std::get_if<settle_message>(operation);
    if (settle != nullptr) return settle->remove && settle->notices.empty();
    return std::holds_alternative<remove_message>(*operation);
}

bool is_insert(const queue_operation* operation) {
    return std::holds_alternative<insert_message>(*operation);
}

class separate_commits {
  public:
    using committer = std::function<result<void>(operation_list)>;

    separate_commits(committer commit, std::span<const queue_operation> batch)
        : commit_(std::move(commit)), batch_(batch),
          outcomes_(batch.size(), make_error_code(storage_errc::busy)) {}

    outcomes run() {
        try {
            commit(those_to_write());
        } catch (const std::bad_alloc&) { // each has the outcome that is known of it
        }
        return std::move(outcomes_);
    }

  private:
    using part = std::vector<const queue_operation*>;

    part those_to_write() {
        part storable;
        for (const queue_operation& operation : batch_) {
            const auto checked = check_operation(operation);
            if (checked)
                storable.push_back(&operation);
            else
                outcome_of(&operation) = checked.error();
        }
        return storable;
    }

    error_code& outcome_of(const queue_operation* operation) {
        return outcomes_[static_cast<std::size_t>(operation - batch_.data())];
    }

    // The outcome of the part as a whole.
    error_code try_whole(operation_list operations) {
        for (const auto* operation : operations) outcome_of(operation) = storage_errc::timed_out;
        const auto committed = commit_(operations); // broken off by a lack of memory: nobody knows
        const error_code outcome = committed ? error_code() : committed.error();
        for (const auto* operation : operations) outcome_of(operation) = outcome;
        return outcome;
    }

    void commit(const part& operations) {
        const error_code outcome = try_whole(operations);
        if (!outcome || operations.size() == 1) return;
        if (is_of_one(outcome)) return commit_singly(operations);
        if (is_full(outcome)) commit_what_makes_room(operations);
    }

    void commit_singly(operation_list operations) {
        for (; !operations.empty(); operations = operations.subspan(1)) {
            const error_code outcome = try_whole(operations.first(1));
            if (!outcome || is_of_one(outcome) || is_full(outcome)) continue;
            for (const auto* untried : operations) outcome_of(untried) = outcome;
            return;
        }
    }

    // Updates go without the messages, removals without either.
    void commit_what_makes_room(const part& operations) {
        part changes, removals;
        std::ranges::copy_if(operations, std::back_inserter(changes), std::not_fn(is_insert));
        std::ranges::copy_if(changes, std::back_inserter(removals), is_removal);
        if (changes.empty()) return;
        if (changes.size() < operations.size()) return commit(changes);
        if (removals.empty()) return;
        if (removals.size() == operations.size()) return commit_in_halves(operations);
        commit(removals);
        std::erase_if(changes, is_removal);
        commit(changes);
    }

    // A removal copies pages before it frees any, and what is freed serves the transactions after it.
    void commit_in_halves(const part& operations) {
        const auto middle = operations.begin() + static_cast<std::ptrdiff_t>(operations.size() / 2);
        commit(part(operations.begin(), middle));
        commit(part(middle, operations.end()));
    }

    committer commit_;
    std::span<const queue_operation> batch_;
    outcomes outcomes_;
};

} // namespace

bool is_of_one(const error_code& error) {
    return error == storage_errc::invalid || error == storage_errc::too_large ||
           error == storage_errc::exists || is_damage(error);
}

std::vector<error_code> queue::commit_each(std::span<const queue_operation> batch) {
    const auto commit = [this](operation_list operations) { return impl_->commit(operations); };
    return separate_commits(commit, batch).run();
}

} // namespace postern::storage
