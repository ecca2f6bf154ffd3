#include "protocol/sasl/scram_server.hpp"

#include "protocol/sasl/base64.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <cstdlib>
#include <gsasl.h>
#include <new>

namespace postern::protocol::sasl {

namespace {

// Up to the comma, which goes too; nullopt without one.
std::optional<std::string_view> take_field(std::string_view& rest) {
    const auto comma = rest.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const auto field = rest.substr(0, comma);
    rest.remove_prefix(comma + 1);
    return field;
}

// saslname: "=2C" is a comma, "=3D" an equals sign, no other "=" and no comma.
std::optional<std::string> decode_name(std::string_view text) {
    std::string name;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '=') {
            name += text[at];
            continue;
        }
        const auto code = text.substr(at, 3);
        if (code != "=2C" && code != "=3D") return std::nullopt;
        name += code == "=2C" ? ',' : '=';
        at += 2;
    }
    if (name.empty()) return std::nullopt;
    return name;
}

bool take_binding(std::string_view field, scram_first& into) {
    using flag = scram_first::binding_flag;
    if (field.starts_with("p=") && field.size() > 2) {
        into.binding = flag::used;
        into.binding_type = field.substr(2);
        return true;
    }
    into.binding = field == "y" ? flag::not_offered : flag::not_supported;
    return field == "y" || field == "n";
}

bool is_nonce(std::string_view text) { // RFC 5802 §7 "c-nonce": printable ASCII without a comma
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

} // namespace

std::optional<scram_first> parse_scram_first(std::string_view message) {
    scram_first read;
    if (message.size() > scram_message_max) return std::nullopt;
    const auto binding = take_field(message);
    const auto authorize_as = take_field(message);
    const auto login = take_field(message);
    if (!binding || !authorize_as || !login) return std::nullopt;
    if (!take_binding(*binding, read)) return std::nullopt;
    if (!authorize_as->empty()) {
        const auto name = decode_name(authorize_as->substr(std::min<std::size_t>(2, authorize_as->size())));
        if (!authorize_as->starts_with("a=") || !name) return std::nullopt;
        read.authorize_as = *name;
    }
    const auto name = decode_name(login->substr(std::min<std::size_t>(2, login->size())));
    if (!login->starts_with("n=") || !name) return std::nullopt; // "m=" asks for what nobody defined
    if (!message.starts_with("r=") || !is_nonce(message.substr(2, message.find(',') - 2)))
        return std::nullopt;
    read.login = *name;
    return read;
}

void scram_server::library_end::operator()(Gsasl* library) const { gsasl_done(library); }
void scram_server::session_end::operator()(Gsasl_session* session) const { gsasl_finish(session); }

scram_server::scram_server(mechanism how, const channel_binding& binding, const scram_keys& keys)
    : binding_(binding), keys_(keys) {
    Gsasl* library = nullptr;
    if (gsasl_init(&library) != GSASL_OK) throw std::bad_alloc();
    library_.reset(library);
    gsasl_callback_set(library, [](Gsasl* of, Gsasl_session* asking, Gsasl_property what) {
        return answer(of, asking, what);
    });
    gsasl_callback_hook_set(library, this);
    Gsasl_session* session = nullptr;
    const std::string name(row_of(how).name);
    if (gsasl_server_start(library, name.c_str(), &session) == GSASL_OK) session_.reset(session);
}

scram_server::~scram_server() = default;

int scram_server::answer(Gsasl* library, Gsasl_session* session, int property) {
    const auto& self = *static_cast<const scram_server*>(gsasl_callback_hook_get(library));
    const auto set = [=](const std::string& value) {
        return gsasl_property_set(session, static_cast<Gsasl_property>(property), value.c_str());
    };
    const auto binding_of = [&](std::string_view type) {
        return self.binding_.type == type ? set(encode_base64(self.binding_.data)) : GSASL_NO_CALLBACK;
    };
    switch (property) {
    case GSASL_SCRAM_ITER: return set(std::to_string(self.keys_.iterations));
    case GSASL_SCRAM_SALT: return set(encode_base64(self.keys_.salt));
    case GSASL_SCRAM_STOREDKEY: return set(encode_base64(self.keys_.stored_key));
    case GSASL_SCRAM_SERVERKEY: return set(encode_base64(self.keys_.server_key));
    case GSASL_CB_TLS_EXPORTER: return binding_of("tls-exporter");
    case GSASL_CB_TLS_UNIQUE: return binding_of("tls-unique");
    default: return GSASL_NO_CALLBACK; // the password and what is made of it: nobody has them
    }
}

result<std::string, failure> scram_server::advance(std::string_view message, round which) {
    if (!session_ || message.size() > scram_message_max) return failure::malformed;
    char* output = nullptr;
    std::size_t size = 0;
    const int outcome = gsasl_step(session_.get(), message.data(), message.size(), &output, &size);
    const std::unique_ptr<char, decltype(&gsasl_free)> owned(output, &gsasl_free);
    if (outcome == GSASL_MALLOC_ERROR) throw std::bad_alloc();
    if (outcome == (which == round::first ? GSASL_NEEDS_MORE : GSASL_OK))
        return std::string(output == nullptr ? "" : output, size);
    return outcome == GSASL_MECHANISM_PARSE_ERROR || outcome == GSASL_BASE64_ERROR ? failure::malformed
                                                                                   : failure::denied;
}

} // namespace postern::protocol::sasl
