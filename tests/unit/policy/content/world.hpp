// Messages, orders and signatures for the tests of what looks into a message.
#pragma once

#include "policy/content/clamav.hpp"
#include "policy/content/inspect.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content::testing {

using protocol::scan::finding_kind;
using protocol::scan::order;
using protocol::scan::report;

// In two pieces, so that no scanner takes this file for one.
inline const std::string eicar =
    std::string("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-") + "ANTIVIRUS-TEST-FILE!$H+H*";
// Has a signature of our own: "Postern.Test.Marker".
inline const std::string marker = std::string("postern-marker-") + "7f3a9c51e2d84b60";

enum class engine { none, ours };

order attachments_order(); // test 6 with the extensions by default
order all_order();         // tests 6 and 7, everything told

std::string base64(std::string_view octets);
// A message with text and one attachment in base64.
std::string with_attachment(const std::string& name, std::string_view octets,
                            const std::string& type = "application/octet-stream");
// "\n" becomes CRLF.
std::string crlf(std::string_view text);

const signatures& our_signatures();
report look_at_octets(std::string_view message, const order& asked, engine with = engine::ours);
// Of a message that has them as an attachment.
report look_at_file(const std::string& name, std::string_view octets, const order& asked = all_order());

bool has(const report& made, finding_kind kind, std::string_view where = {}, std::string_view what = {});
bool has_any(const report& made, finding_kind kind);
std::string text_of(const report& made); // for the report of a failure
bool saw(const report& made, std::string_view what, std::string_view detail);

} // namespace postern::policy::content::testing
