#include "tls/handles.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace postern::tls {

void free_bio::operator()(bio_st* owned) const { BIO_free_all(owned); }
void free_key::operator()(evp_pkey_st* owned) const { EVP_PKEY_free(owned); }
void free_context::operator()(ssl_ctx_st* owned) const { SSL_CTX_free(owned); }
void free_session::operator()(ssl_session_st* owned) const { SSL_SESSION_free(owned); }
void free_x509::operator()(x509_st* owned) const { X509_free(owned); }
void free_store::operator()(x509_store_st* owned) const { X509_STORE_free(owned); }

} // namespace postern::tls
