#include "storage/tables/directory.hpp"

#include "protocol/smtp/address.hpp"

namespace postern::storage {

result<std::vector<std::string>> directory::aliases_to(std::string_view target, std::size_t limit) const {
    std::vector<std::string> found;
    const auto walked = each_alias({}, [&](std::string_view address, std::string_view to) {
        const auto written = protocol::parse_address(to);
        if (written && written->folded() == target) found.emplace_back(address);
        return found.size() < limit;
    });
    if (!walked) return walked.error();
    return found;
}

result<std::vector<std::string>> directory::alias_domains_of(std::string_view name, std::size_t limit) const {
    std::vector<std::string> found;
    const auto walked = each_domain([&](const domain_record& one) {
        if (one.alias_of == name) found.push_back(one.name);
        return found.size() < limit;
    });
    if (!walked) return walked.error();
    return found;
}

} // namespace postern::storage
