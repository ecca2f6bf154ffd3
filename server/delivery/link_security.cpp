#include "server/delivery/link_security.hpp"

namespace postern::server {

std::string_view link_security::word() const {
    switch (what) {
    case kind::none: return "";
    case kind::plain: return "plain";
    case kind::encrypted: return "encrypted";
    case kind::verified: return "verified";
    case kind::refused: return "refused";
    }
    return "";
}

std::string link_security::to_string() const {
    if (protocol.empty()) return std::string(word());
    return proof.empty() ? protocol : protocol + " " + proof;
}

link_security security_of(const tls::connection* layer) {
    link_security made;
    made.what = link_security::kind::plain;
    if (layer == nullptr) return made;
    const auto facts = layer->facts();
    auto proof = layer->proof();
    made.what = proof.holds ? link_security::kind::verified : link_security::kind::encrypted;
    made.protocol = facts.protocol;
    made.cipher = facts.cipher;
    if (proof.holds) made.proof = std::move(proof.words);
    return made;
}

} // namespace postern::server
