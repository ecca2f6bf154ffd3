// Runs before any session, so a body file without a record belongs to nobody who could still claim it. It
// walks one folder and one page of the queue at a time: memory does not grow with the queue.
#include "storage/recovery.hpp"

#include "storage/queue_tables.hpp"
#include "storage/spool_file.hpp"

namespace postern::storage {
namespace {

constexpr std::size_t messages_at_once = 64;

// Whether a file may go. A name that we would not have given stays: we remove only what is ours. So does the
// file of a record that can't be read.
result<bool> is_orphan(const std::string& subfolder, const std::string& name, const queue& from) {
    if (const auto pack = pack_of_name(name)) {
        if (pack_path(*pack) != subfolder + "/" + name) return {boost::system::in_place_value, false};
        if (from.owes(*pack)) return {boost::system::in_place_value, false};
        const auto body = from.any_in_pack(*pack);
        if (!body) return {boost::system::in_place_error, body.error()};
        return {boost::system::in_place_value, !*body};
    }
    const auto id = queue_id::parse(name);
    if (!id || body_path(*id) != subfolder + "/" + name) return {boost::system::in_place_value, false};
    if (from.owes(*id)) return {boost::system::in_place_value, false};
    const auto message = from.find(*id);
    if (!message && is_damage(message.error())) return {boost::system::in_place_value, false};
    if (!message) return {boost::system::in_place_error, message.error()};
    if (!*message || !(*message)->body_in_file) return {boost::system::in_place_value, true};
    const auto place = from.place_of(*id);
    if (!place && !is_damage(place.error())) return {boost::system::in_place_error, place.error()};
    return {boost::system::in_place_value, place && !place->alone};
}

result<std::uint64_t> sweep_subfolder(file_env& files, const file_handle& bodies,
                                      const std::string& subfolder, const queue& from) {
    std::uint64_t removed = 0;
    const auto folder = files.open_folder(&bodies, subfolder, folder_links::refuse);
    if (!folder && folder.error() == storage_errc::not_found) return removed;
    if (!folder) return folder.error();
    result<void> outcome;
    const auto listed = files.list(*folder, [&](const std::string& name) {
        const auto orphan = is_orphan(subfolder, name, from);
        if (!orphan) {
            outcome = orphan.error();
        } else if (*orphan) {
            outcome = files.remove(*folder, name);
            if (outcome) ++removed;
        }
        return outcome.has_value();
    });
    if (!outcome) return outcome.error();
    if (!listed) return listed.error();
    return removed;
}

// A file of another size than its record says was cut, or is another's. Not found is an answer; any other
// error isn't.
result<bool> is_damaged(file_env& files, const queue& from, const queued_message& message) {
    if (!message.body_in_file) return {boost::system::in_place_value, false};
    const auto place = from.place_of(message.id);
    if (!place && is_damage(place.error())) return {boost::system::in_place_value, true};
    if (!place) return {boost::system::in_place_error, place.error()};
    const auto facts = files.facts(&from.bodies(), place->path);
    if (facts && !place->alone) return facts->is_folder || facts->size < place->offset + message.size;
    if (facts) return facts->is_folder || facts->size != message.size;
    if (facts.error() == storage_errc::not_found) return {boost::system::in_place_value, true};
    return {boost::system::in_place_error, facts.error()};
}

result<void> check_messages(file_env& files, const queue& from, recovery_report& report) {
    queue_id after;
    for (;;) {
        const auto page = from.list(after, messages_at_once);
        if (!page) return page.error();
        if (!page->last) return {};
        for (const queued_message& message : page->messages) {
            const auto damaged = is_damaged(files, from, message);
            if (!damaged) return damaged.error();
            if (*damaged && !message.given_up) report.damaged.push_back(message.id);
        }
        report.damaged.insert(report.damaged.end(), page->unreadable.begin(), page->unreadable.end());
        report.messages += page->messages.size() + page->unreadable.size();
        after = *page->last;
    }
}

} // namespace

result<recovery_report> recover(file_env& files, queue& from) {
    recovery_report report;
    if (const auto cleared = from.clear_dead_readers(); !cleared) return cleared.error();
    const auto repaired = from.repair_due();
    if (!repaired) return repaired.error();
    report.due = *repaired;
    if (const auto swept = from.sweep_history(); !swept) return swept.error();
    report.journal = from.found_in_journal();
    for (std::size_t i = 0; i < body_subfolders; ++i) {
        const auto removed = sweep_subfolder(files, from.bodies(), body_subfolder(i), from);
        if (!removed) return removed.error();
        report.orphans_removed += *removed;
    }
    if (from.owes()) report.owing = !from.take_over(); // the orphans may have been what filled the disk
    if (const auto checked = check_messages(files, from, report); !checked) return checked.error();
    return report;
}

} // namespace postern::storage
