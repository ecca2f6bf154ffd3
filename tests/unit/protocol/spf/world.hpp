// A DNS made of lines, and the SPF evaluator let loose in it in every way that a caller may drive it. The
// form of the files in cases/ is told in world.cpp.
#pragma once

#include "protocol/spf/evaluator.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace postern::tests {

class spf_world {
  public:
    // "example.com A 192.0.2.1"; see the file form.
    void add(std::string_view line);
    protocol::spf::looked_up look_up(const protocol::dns_question& what) const;

  private:
    std::map<std::pair<std::string, protocol::dns_type>, protocol::spf::looked_up> answers_;
    std::set<std::string> failing_;
};

// In which order a caller asks and answers.
enum class drive {
    needed_only,      // no early questions; all that is stated is answered before the next step
    newest_first,     // no early questions; one answer a step, the last question first
    early_together,   // all that is stated is answered before the next step
    early_in_order,   // one answer a step
    early_newest,     // one answer a step, the last question first
    early_needed_last // one answer a step, needed ones only when nothing else is left
};
inline constexpr drive all_drives[] = {drive::needed_only,    drive::newest_first, drive::early_together,
                                       drive::early_in_order, drive::early_newest, drive::early_needed_last};

struct spf_run {
    protocol::spf::conclusion end;
    std::size_t questions = 0;
    std::size_t rounds = 0; // steps that had to wait for answers
};
spf_run run_spf(const spf_world& world, const protocol::spf::query& subject, drive how);

struct spf_case {
    std::string file_line; // "limits.txt:12"
    std::string title;
    std::shared_ptr<const spf_world> world;
    protocol::spf::query subject;
    std::string result;
    std::map<std::string, std::string> also; // by, in, via, terms, voids, questions, rounds
};
std::vector<spf_case> read_spf_cases(const std::string& path);

// "\x00" is that octet; "<<3*ab>>" is "ababab".
std::string unescaped(std::string_view text);
// "local@domain", or "<>".
protocol::spf::query spf_query(std::string_view client, std::string_view sender, std::string_view helo);

} // namespace postern::tests
