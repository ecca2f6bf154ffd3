// Whether a name has one of the extensions that an order forbids.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace postern::policy::content {

class extension_judge {
  public:
    // In lower case, with their dots.
    explicit extension_judge(const std::vector<std::string>& forbidden);
    // The extension that `name` (normalised, any case) ends in: the shortest one that is forbidden; "" if
    // none is. Linear in the name.
    std::string_view forbidden(std::string_view name) const;

  private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    std::unordered_set<std::string, hash, std::equal_to<>> forbidden_;
    std::size_t longest_ = 0;
};

} // namespace postern::policy::content
