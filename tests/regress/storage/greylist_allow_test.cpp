// `greylist allow` was undone by an attempt that the server had noted and not yet written: the sender who had
// just been told to come back is the one that the operator is called about.
#include "storage/tables/greylist.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::storage;

namespace {

constexpr std::int64_t start = 1'800'000'000;
constexpr greylist_terms terms{};

greylist_key a_key() { return {"a@s.test", *postern::protocol::ip_address::parse("192.0.2.1")}; }

std::unique_ptr<greylist> open(const std::string& folder) { return open_lmdb_greylist(folder).value(); }

// As the command does it: in a process of its own, which had nothing open before.
class allowing {
  public:
    explicit allowing(const std::string& folder) {
        REQUIRE(::pipe(go_) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ != 0) return;
        char octet = 0;
        if (::read(go_[0], &octet, 1) != 1) ::_exit(2);
        auto pairs = open_lmdb_greylist(folder);
        ::_exit(pairs && (*pairs)->allow(a_key(), start + 1) ? 0 : 4);
    }
    ~allowing() {
        ::close(go_[0]);
        ::close(go_[1]);
    }
    void now() {
        REQUIRE(::write(go_[1], "x", 1) == 1);
        int status = -1;
        REQUIRE(::waitpid(pid_, &status, 0) == pid_);
        REQUIRE(status == 0);
    }

  private:
    int go_[2] = {-1, -1};
    pid_t pid_ = -1;
};

} // namespace

TEST_CASE("a pair that is let through stays so when an attempt before it is written after it", "[greylist]") {
    const postern::testing::temporary_folder folder;
    allowing command(folder.path());
    const auto pairs = open(folder.path());
    REQUIRE(pairs->attempt(a_key(), start, terms).value() == greylist_answer::first);
    command.now();
    REQUIRE(pairs->flush());
    CHECK(pairs->attempt(a_key(), start + 2, terms).value() == greylist_answer::pass);
}

TEST_CASE("a first attempt after the window is remembered over the pass that it comes too late for",
          "[greylist]") {
    const postern::testing::temporary_folder folder;
    const auto pairs = open(folder.path());
    REQUIRE(pairs->allow(a_key(), start));
    const std::int64_t late = start + terms.window;
    REQUIRE(pairs->attempt(a_key(), late, terms).value() == greylist_answer::first);
    REQUIRE(pairs->flush());
    CHECK(pairs->attempt(a_key(), late + terms.delay, terms).value() == greylist_answer::pass);
}
