// TLS sessions that servers gave us, for a quicker handshake next time. Each is given out once (RFC 8446
// §C.4), and only to a connection with the same demand: what was proved of the server is believed with it, so
// that what is believed is never older than session_time. Any thread.
#pragma once

#include "tls/demand.hpp"
#include "tls/handles.hpp"

#include <map>
#include <mutex>
#include <optional>

namespace postern::tls {

inline constexpr std::size_t client_sessions_max = 1000;
inline constexpr std::int64_t session_time = 3600; // seconds, from the handshake that proved the server

struct client_session_kept {
    session_handle session;
    std::string proof;          // words of the proof; "" = nothing was to be proved
    std::int64_t proved_at = 0; // unix seconds
};

class client_sessions {
  public:
    // "" = none is kept under this demand: a server without a name could be any other.
    static std::string key_of(const demand& wanted);

    std::optional<client_session_kept> take(const std::string& key, std::int64_t now);
    void keep(const std::string& key, client_session_kept one);
    std::size_t size() const;

  private:
    mutable std::mutex guard_;
    std::map<std::string, client_session_kept> kept_;
};

} // namespace postern::tls
