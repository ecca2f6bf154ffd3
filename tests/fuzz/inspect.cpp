// Whatever a message is, looking into it ends, tells the same again, and what it tells goes over the wire to
// the server as it is. Without signatures: libclamav has fuzzing of its own.
#include "policy/content/inspect.hpp"

#include "protocol/scan/report.hpp"
#include "tests/fuzz/split.hpp"

using namespace postern;
using namespace postern::fuzz;
using protocol::scan::report;
using protocol::scan::report_reader;

namespace {

protocol::scan::order order_of_all() {
    protocol::scan::order asked;
    asked.id = 7;
    asked.attachments = asked.facts = asked.everything = true;
    asked.extensions = {".exe", ".js"};
    asked.phrases = {{"win big", protocol::scan::phrase_place::anywhere}};
    asked.max_depth = 4;
    asked.max_entries = 100;
    asked.max_unpacked = 1'000'000;
    asked.max_ratio = 100;
    return asked;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool prepared = policy::content::prepare();
    static const std::string folder = "/tmp";
    static const auto asked = order_of_all();
    require(prepared);
    const auto input = as_text(data, size);
    const auto made = policy::content::inspect(input, asked, nullptr, folder, {});
    require(made == policy::content::inspect(input, asked, nullptr, folder, {}));
    report_reader reader(true);
    for (const auto& one : protocol::scan::encode(made)) {
        require(one.size() <= protocol::scan::datagram_max);
        require(reader.feed(one) != report_reader::outcome::broken);
    }
    require(reader.take().findings == made.findings);
    return 0;
}
