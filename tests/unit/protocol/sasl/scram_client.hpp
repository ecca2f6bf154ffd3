// GNU SASL's own client, against which our server is tried.
#pragma once

#include "protocol/sasl/exchange.hpp"

#include <gsasl.h>
#include <memory>
#include <string>

namespace postern::testing {

class scram_client {
  public:
    scram_client(protocol::sasl::mechanism how, const std::string& login, const std::string& password,
                 const protocol::sasl::channel_binding& binding = {}, const std::string& authorize_as = "") {
        gsasl_init(&library_);
        gsasl_client_start(library_, std::string(protocol::sasl::row_of(how).name).c_str(), &session_);
        gsasl_property_set(session_, GSASL_AUTHID, login.c_str());
        gsasl_property_set(session_, GSASL_PASSWORD, password.c_str());
        if (!authorize_as.empty()) gsasl_property_set(session_, GSASL_AUTHZID, authorize_as.c_str());
        if (binding.type.empty()) return;
        const auto property = binding.type == "tls-exporter" ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE;
        gsasl_property_set(session_, property, to_base64(binding.data).c_str());
    }
    ~scram_client() {
        gsasl_finish(session_);
        gsasl_done(library_);
    }
    scram_client(const scram_client&) = delete;
    scram_client& operator=(const scram_client&) = delete;

    static std::string to_base64(const std::string& octets) {
        char* text = nullptr;
        gsasl_base64_to(octets.data(), octets.size(), &text, nullptr);
        std::string made(text);
        gsasl_free(text);
        return made;
    }
    // Of a challenge in octets; what to answer is base64.
    std::string answer(const std::string& challenge) {
        char* output = nullptr;
        last_ = gsasl_step64(session_, to_base64(challenge).c_str(), &output);
        std::string made(output == nullptr ? "" : output);
        gsasl_free(output);
        return made;
    }
    bool is_content() const { return last_ == GSASL_OK; } // the server has proved that it knows the keys

  private:
    Gsasl* library_ = nullptr;
    Gsasl_session* session_ = nullptr;
    int last_ = GSASL_OK;
};

} // namespace postern::testing
