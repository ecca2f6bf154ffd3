// What one inspection shares: the order, what has been used of its limits, and the report. Borrowed by all
// that looks at a piece of the message.
#pragma once

#include "policy/content/extension.hpp"
#include "policy/content/inspect.hpp"

#include <string>
#include <vector>

namespace postern::policy::content {

// The names by which somebody would get to a piece, as a person may read them.
class path {
  public:
    path() = default;
    // Controls, marks of no width and octets that are no UTF-8 are shown escaped; long names are cut in their
    // middle.
    path below(std::string_view name) const;
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};
std::string shown(std::string_view name);

class look {
  public:
    // All are borrowed and outlive it.
    look(const protocol::scan::order& asked, const signatures* known, const std::string& folder,
         const stopwatch& elapsed);

    const protocol::scan::order& asked() const { return asked_; }
    const std::string& folder() const { return folder_; }
    std::uint32_t milliseconds_left() const;
    // True once the time is up; then that is a finding.
    bool out_of_time(const path& where);

    void add(protocol::scan::finding_kind kind, const path& where, std::string_view what);
    // A limit; what lies beyond was not scanned either.
    void limit(const path& where, std::string_view what);
    void see(std::string_view what, const path& where, std::string detail);
    bool everything() const { return asked_.everything; }

    // Finds a forbidden extension among the names that clients could make of `raw`, or in one that is
    // normalised already. `around` is where the named thing is.
    enum class readable : std::uint8_t { yes, encrypted };
    void judge(std::string_view raw, const path& around, readable how = readable::yes);
    void judge_normalised(std::string_view name, const path& around, readable how = readable::yes);

    // Asks the antivirus engine, if the order wants it.
    void scan(std::string_view octets, const path& where);
    std::size_t viruses() const; // found so far

    // Of all archives together; false once there are too many.
    bool one_more_entry(const path& where);
    bool unpacked(std::uint64_t octets, const path& where);
    std::uint64_t entries_left() const { return asked_.max_entries - entries_; }
    bool full() const { return full_; } // one of the limits on archives together was reached

    protocol::scan::report take();

  private:
    const protocol::scan::order& asked_;
    const signatures* known_;
    const std::string& folder_;
    const stopwatch& elapsed_;
    extension_judge extensions_;
    protocol::scan::report report_;
    std::uint64_t entries_ = 0, unpacked_ = 0;
    bool late_ = false, full_ = false;
};

} // namespace postern::policy::content
