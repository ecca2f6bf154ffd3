// Content on its way into DATA, looked at once more: a bare CR or LF, or a NUL, can't be sent there (RFC 5321
// §2.3.8), and a server that takes "\n.\r\n" for the end would read commands behind it. The block that holds
// one is never given out; the source ends with an error instead.
#pragma once

#include "protocol/smtp/data_decoder.hpp"
#include "server/delivery/conversation.hpp"

namespace postern::server {

class text_content final : public content_source {
  public:
    explicit text_content(content_source& from) : from_(from) {} // `from` outlives it
    boost::asio::awaitable<result<std::string>> next() override;
    void restart() override;
    bool refused() const { return refused_; }

  private:
    content_source& from_;
    protocol::chunk_decoder look_;
    bool refused_ = false;
};

} // namespace postern::server
