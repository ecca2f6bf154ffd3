// Any octets decode to a message, or to a history of tries, or to an error; what decodes encodes to the same
// octets, and a history stays within its bounds whatever comes behind it.
#include "storage/queue.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

using namespace postern::storage;

namespace {

void try_history(std::string_view record) {
    auto tries = decode_history(record);
    if (!tries) return;
    if (encode_history(*tries) != record) std::abort();
    const auto fresh = *tries;
    add_tries(*tries, fresh);
    const auto longer = encode_history(*tries);
    if (longer.size() > history_octets_max) std::abort();
    if (fresh.empty() != tries->empty()) std::abort();
    const auto again = decode_history(longer);
    if (!again || *again != *tries) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    try_history(input);
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
