// What a server's handshakes will show, said beforehand: for the TLSA records that it should publish, and for
// the names that its certificates have. Reads certificates, never keys.
#pragma once

#include "protocol/dns/records.hpp"
#include "tls/certificate_choice.hpp"

namespace postern::tls {

class published_keys {
  public:
    // Certificates that can't be read are left out, and `flaws` says why: "FILE: what is wrong".
    published_keys(const conf::tls_settings& settings, std::vector<std::string>& flaws);

    // Digests of the keys that may answer a client that asks for the host by SNI: one for each type of key.
    // Those of the first certificate when none has the name; none without any certificate.
    std::vector<std::array<std::uint8_t, 32>> digests_for(std::string_view host) const;
    // Those of the keys that are to come (next_key) for the same certificates.
    std::vector<std::array<std::uint8_t, 32>> next_digests_for(std::string_view host) const;
    // Does each certificate that may answer for the host fit one of the usable records? Without any that can
    // be read nothing is unfit.
    bool all_fit(std::string_view host, const std::vector<protocol::tlsa_record>& usable) const;
    bool has_name(std::string_view host) const; // in a certificate

  private:
    const certificate_group* group_of(std::string_view host) const; // null: there is none

    certificates all_;
    std::vector<std::optional<std::array<std::uint8_t, 32>>> next_; // in step with them
    std::vector<certificate_group> groups_;
    name_table names_;
};

} // namespace postern::tls
