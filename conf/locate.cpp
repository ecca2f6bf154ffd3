#include "conf/locate.hpp"

#include "conf/load.hpp"
#include "conf/nesting.hpp"
#include "protocol/smtp/grammar.hpp"

namespace postern::conf {

namespace {

// Takes the first step off `key`: "name" or "[7]".
std::string_view take_step(std::string_view& key) {
    if (key.starts_with('.')) key.remove_prefix(1);
    const auto end = std::min(key.find_first_of(".[", 1), key.size());
    const auto step = key.substr(0, end);
    key.remove_prefix(end);
    return step;
}

const toml::node* inside(const toml::node& node, std::string_view step) {
    if (!step.starts_with('[')) {
        const auto* table = node.as_table();
        return table == nullptr ? nullptr : table->get(step);
    }
    const auto* array = node.as_array();
    const auto index = protocol::parse_number(step.substr(1, step.size() - 2));
    return array == nullptr || !step.ends_with(']') || !index || *index >= array->size()
               ? nullptr
               : array->get(static_cast<std::size_t>(*index));
}

} // namespace

const toml::node* node_at(const toml::table& root, std::string_view key) {
    const toml::node* node = key.empty() ? nullptr : &root;
    while (node != nullptr && !key.empty()) node = inside(*node, take_step(key));
    return node;
}

toml::source_region place_of(const toml::table& root, std::string_view key) {
    for (; !key.empty();
         key = key.substr(0, key.find_last_of(".[") == std::string_view::npos ? 0 : key.find_last_of(".["))) {
        if (const auto* node = node_at(root, key)) return node->source();
    }
    return {};
}

finding locate(std::string_view toml, const std::string& file_name, std::string_view key) {
    finding where{finding::weight::error, file_name, 0, 0, std::string{key}, ""};
    if (toml.size() > config_file_max || too_many_key_parts(toml)) return where;
    try {
        const auto root = toml::parse(toml, std::string_view{file_name});
        if (const auto* node = node_at(root, key)) {
            where.line = node->source().begin.line;
            where.column = node->source().begin.column;
        }
    } catch (const toml::parse_error&) {
        // The file has changed since it was loaded: its errors are for the next load to tell.
    }
    return where;
}

} // namespace postern::conf
