// A message that failed, and whose body could not be read for the notice, was tried again every 5 seconds for
// ever.
#include "notice_bench.hpp"

using namespace postern;

namespace {

void fail_and_store(testing::notice_bench& bench) {
    bench.add_failed("v@d.test", "5.2.2 full");
    bench.store("Subject: x\r\n\r\nbody\r\n");
}

} // namespace

TEST_CASE("a message whose body can't be read is told of without it") {
    testing::notice_bench bench;
    SECTION("it is gone") { bench.add_failed("v@d.test", "5.2.2 full"); }
    SECTION("it is of another size than its record says") {
        fail_and_store(bench);
        bench.message.size += 1;
    }
    SECTION("its file is gone") {
        fail_and_store(bench);
        bench.message.body_in_file = true;
    }
    SECTION("its file is a folder: reading gives an error") {
        fail_and_store(bench);
        bench.message.body_in_file = true;
        const auto id = bench.message.id.to_string();
        for (const auto& entry : std::filesystem::directory_iterator(bench.folder.path() + "/bodies"))
            if (entry.is_directory()) std::filesystem::create_directory(entry.path() / id);
    }
    const auto text = bench.notice();
    CHECK(bench.journal.faults().size() == 1);
    CHECK(testing::has(text, "Final-Recipient: rfc822; v@d.test\r\n"));
    CHECK(testing::has(text, "Nothing of your message is returned with this notice.\r\n"));
    CHECK_FALSE(testing::has(text, "Content-Description: Message Headers"));
}
