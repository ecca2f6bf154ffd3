// A CR at a block's end is judged by the next block, or by the end.
#include "server/delivery/text_content.hpp"

namespace postern::server {

boost::asio::awaitable<result<std::string>> text_content::next() {
    auto block = co_await from_.next();
    if (!block) co_return block;
    if (block->empty())
        look_.finish();
    else
        look_.feed(*block);
    refused_ = look_.facts().bare_line_end || look_.facts().nul;
    if (refused_) co_return boost::system::errc::make_error_code(boost::system::errc::illegal_byte_sequence);
    co_return block;
}

void text_content::restart() {
    from_.restart();
    look_ = {};
}

} // namespace postern::server
