// Owners of OpenSSL's objects. The deleters live in handles.cpp, so that no header names OpenSSL's own.
#pragma once

#include <memory>

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct x509_st;
struct x509_store_st;

namespace postern::tls {

struct free_bio {
    void operator()(bio_st* owned) const;
};
struct free_key {
    void operator()(evp_pkey_st* owned) const;
};
struct free_context {
    void operator()(ssl_ctx_st* owned) const;
};
struct free_session {
    void operator()(ssl_session_st* owned) const;
};
struct free_x509 {
    void operator()(x509_st* owned) const;
};
struct free_store {
    void operator()(x509_store_st* owned) const;
};

using bio_handle = std::unique_ptr<bio_st, free_bio>;
using key_handle = std::unique_ptr<evp_pkey_st, free_key>;
using context_handle = std::unique_ptr<ssl_ctx_st, free_context>;
using session_handle = std::unique_ptr<ssl_session_st, free_session>;
using x509_handle = std::unique_ptr<x509_st, free_x509>;
using store_handle = std::unique_ptr<x509_store_st, free_store>;

} // namespace postern::tls
