// ClamAV's engine with the signatures of one folder. Loaded once, before the process forks; each child scans
// by itself. libclamav is not trusted to fail closed (its answer "clean" may mean "not looked at").
#pragma once

#include "protocol/result.hpp"
#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <memory>
#include <string>

namespace postern::policy::content {

class signatures {
  public:
    // Loads every signature file of `folder`. What is wrong is a sentence for an operator; a folder without
    // any signature is an error. Slow: seconds, and a gigabyte, for ClamAV's own ones. Temporary files go to
    // `loading` meanwhile, those of scans to `scratch`. Call before fork, from one thread.
    static result<std::unique_ptr<signatures>, std::string>
    load(const std::string& folder, const std::string& loading, const std::string& scratch);
    ~signatures();
    signatures(const signatures&) = delete;
    signatures& operator=(const signatures&) = delete;

    unsigned count() const;

    // Looks at `octets`, called `where` in findings: adds virus or not_scanned (or encrypted) ones to
    // `found`; nothing = it was looked at as a whole and is clean. `deadline_ms`: what is left of the order's
    // time.
    void scan(std::string_view octets, const std::string& where, const protocol::scan::order& limits,
              std::uint32_t deadline_ms, protocol::scan::report& found) const;

  private:
    struct state;
    explicit signatures(std::unique_ptr<state> loaded);
    std::unique_ptr<state> state_;
};

} // namespace postern::policy::content
