#include "server/admin/ask_server.hpp"

#include "server/admin/control.hpp"
#include "server/admin/support.hpp"

#include <boost/json/parse.hpp>

namespace postern::server {

std::string_view text_of(const boost::json::value& value) {
    return value.is_string() ? std::string_view(value.get_string()) : std::string_view("?");
}

boost::json::value ask_server(const conf::config& settings, std::string_view request, terminal& with,
                              exit_code& code) {
    const std::string answer = ask_control(settings.admin.socket, request);
    if (answer.empty()) {
        code = fail(with, exit_code::unavailable, settings.admin.socket, "no server answers there");
        return nullptr;
    }
    boost::system::error_code failure;
    auto document = boost::json::parse(answer, failure);
    if (failure || !document.is_object()) {
        code =
            fail(with, exit_code::unavailable, settings.admin.socket, "the answer is not one of Postern's");
        return nullptr;
    }
    if (const auto* problem = document.get_object().if_contains("error")) {
        code = fail(with, exit_code::temporary, settings.admin.socket, text_of(*problem));
        return nullptr;
    }
    return document;
}

} // namespace postern::server
