// A full list keeps one finding of each kind: then the last of the kind that has most goes.
#include "protocol/scan/report.hpp"

#include <algorithm>
#include <array>

namespace postern::protocol::scan {

void add(finding what, report& to) {
    auto& all = to.findings;
    if (std::find(all.begin(), all.end(), what) != all.end()) return;
    if (all.size() < findings_max) return all.push_back(std::move(what));
    std::array<unsigned, finding_kind_count> counts{};
    for (const finding& one : all) ++counts[static_cast<std::size_t>(one.kind)];
    if (counts[static_cast<std::size_t>(what.kind)] > 0) return;
    const auto most =
        static_cast<finding_kind>(std::max_element(counts.begin(), counts.end()) - counts.begin());
    const auto last =
        std::find_if(all.rbegin(), all.rend(), [&](const finding& one) { return one.kind == most; });
    all.erase(std::next(last).base());
    all.push_back(std::move(what));
}

} // namespace postern::protocol::scan
