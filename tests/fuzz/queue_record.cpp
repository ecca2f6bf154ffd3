// Any octets decode to a message or to an error; what decodes encodes to the same octets.
#include "storage/queue.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

using namespace postern::storage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    // Two octets of length part the fixed record from the states record.
    if (size < 2) return 0;
    const std::size_t fixed = std::min<std::size_t>(data[0] + data[1] * 256U, size - 2);
    const std::string_view record = input.substr(2, fixed), states = input.substr(2 + fixed);
    auto message = decode_message(queue_id{1}, record);
    if (!message) return 0;
    if (encode_message(*message) != record) std::abort();
    if (message->recipients.size() > recipients_max) std::abort();
    if (!decode_states(states, *message)) return 0;
    if (encode_states(*message) != states) std::abort();
    return 0;
}
