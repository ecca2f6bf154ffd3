#include "storage/tables/ledger.hpp"

#include <algorithm>

namespace postern::storage {
namespace {

bool can_be_key(const std::optional<protocol::address>& whom) {
    const std::string folded = whom ? whom->folded() : std::string();
    return folded.size() <= ledger_address_max && folded.find('\0') == std::string::npos;
}

} // namespace

result<ledger_row> kept_form(ledger_row row) {
    if (!can_be_key(row.recipient) || !can_be_key(row.sender)) return storage_errc::invalid;
    row.time = std::max(row.time, std::int64_t{0});
    for (auto* name : {&row.helo, &row.listener, &row.test})
        *name = protocol::printable(*name, ledger_name_max);
    for (auto* text : {&row.reply, &row.cause}) *text = protocol::printable(*text, ledger_text_max);
    return row;
}

} // namespace postern::storage
