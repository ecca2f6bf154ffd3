#include "policy/content/extension.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::policy::content {

extension_judge::extension_judge(const std::vector<std::string>& forbidden) {
    for (const std::string& one : forbidden) {
        if (one.empty()) continue;
        longest_ = std::max(longest_, one.size());
        forbidden_.insert(one);
    }
}

std::string_view extension_judge::forbidden(std::string_view name) const {
    if (forbidden_.empty()) return {};
    const auto end = protocol::to_lower(name.substr(name.size() - std::min(name.size(), longest_)));
    // Extensions are few octets long, and so is what is looked at.
    for (auto dot = end.rfind('.'); dot != std::string::npos; dot = end.rfind('.', dot - 1)) {
        const auto known = forbidden_.find(std::string_view(end).substr(dot));
        if (known != forbidden_.end()) return *known;
        if (dot == 0) break;
    }
    return {};
}

} // namespace postern::policy::content
