// Large bodies arrive whole whatever the file system thinks of O_DIRECT.
#include "queue_support.hpp"
#include "storage/spool_file.hpp"
#include "tests/support/failing_files.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <vector>

using namespace postern::storage;
using namespace postern::testing;

namespace {

constexpr queue_id id{1'700'000'000'000'123ULL << 10};
constexpr std::size_t mebibyte = 1024 * 1024;

struct bench {
    temporary_folder folder;
    failing_files files;
    std::unique_ptr<queue> opened;
    std::size_t before = 0;

    bench() {
        auto made = queue::open(files, folder.path(), {1 << 24});
        REQUIRE(made.has_value());
        opened = std::move(*made);
        before = files.calls(file_call::set_direct); // the journal's
    }

    postern::result<void> accept(std::size_t size, std::size_t piece) {
        const auto file = opened->create_body(id);
        if (!file) return file.error();
        const std::string body = body_of(id.value, size);
        for (std::size_t at = 0; at < size; at += piece) {
            if (const auto done = (*file)->append(std::string_view(body).substr(at, piece)); !done)
                return done;
        }
        if ((*file)->size() != size) return storage_errc::corrupt;
        if (const auto durable = (*file)->make_durable(); !durable) return durable;
        queued_message message = message_of(id.value, size);
        message.body_in_file = true;
        if (const auto committed = commit_one(*opened, insert_message{message, ""}); !committed)
            return committed;
        (*file)->keep();
        return {};
    }

    bool has_whole(std::size_t size) const {
        return stored_body(*opened, **opened->find(id)) == body_of(id.value, size);
    }
};

} // namespace

TEST_CASE("a large body comes back as it came, in pieces of any size") {
    for (const std::size_t size : {mebibyte - 1, mebibyte, mebibyte + 1, mebibyte + 4096,
                                   mebibyte + direct_block_size, 2 * mebibyte + direct_block_size + 4097}) {
        for (const std::size_t piece : {std::size_t{65536}, std::size_t{10'007}, 3 * mebibyte}) {
            INFO(size << " octets in pieces of " << piece);
            bench with;
            REQUIRE(with.accept(size, piece));
            CHECK(with.has_whole(size));
            CHECK(with.files.calls(file_call::set_direct) - with.before ==
                  (size > mebibyte ? 2 : 0)); // on, and off
        }
    }
}

TEST_CASE("a large body is whole on a file system without O_DIRECT") {
    bench with;
    with.files.fail_from(file_call::set_direct, 1, EINVAL);
    REQUIRE(with.accept(3 * mebibyte + 5, 65536));
    CHECK(with.files.failures() == 1); // it is asked once
    CHECK(with.has_whole(3 * mebibyte + 5));
}

TEST_CASE("a large body is whole where the disk refuses the alignment") {
    bench with;
    with.files.fail(file_call::write, 17, EINVAL); // 16 pieces make a mebibyte
    REQUIRE(with.accept(3 * mebibyte + 5, 65536));
    CHECK(with.files.failures() == 1);
    CHECK(with.has_whole(3 * mebibyte + 5));
}

TEST_CASE("a large body is whole when a block is written in part") {
    bench with;
    const auto file = with.opened->create_body(id);
    REQUIRE(file.has_value());
    const std::string body = body_of(id.value, mebibyte + direct_block_size + 100);
    REQUIRE((*file)->append(std::string_view(body).substr(0, mebibyte)));
    with.files.halve_next_write(); // what a disk does that has room for half of it
    REQUIRE((*file)->append(std::string_view(body).substr(mebibyte)));
    REQUIRE((*file)->make_durable());
    queued_message message = message_of(id.value, body.size());
    message.body_in_file = true;
    REQUIRE(commit_one(*with.opened, insert_message{message, ""}));
    (*file)->keep();
    CHECK(with.has_whole(body.size()));
}

TEST_CASE("each write of a large body that fails fails the message") {
    std::size_t failed_runs = 0;
    for (std::size_t nth = 1;; ++nth) {
        INFO("write " << nth);
        bench with;
        with.files.fail(file_call::write, nth, ENOSPC);
        const auto accepted = with.accept(2 * mebibyte + 5, 65536);
        if (with.files.failures() == 0) {
            CHECK(accepted);
            break;
        }
        ++failed_runs;
        REQUIRE_FALSE(accepted);
        CHECK(accepted.error() == storage_errc::no_space);
        CHECK(with.opened->totals()->messages == 0);
    }
    CHECK(failed_runs == 21); // 16 pieces, 4 blocks, the rest
}

TEST_CASE("no more files than so many go past the cache at a time") {
    bench with;
    std::vector<std::unique_ptr<spool_file>> files;
    const std::string body = body_of(1, mebibyte + 1);
    for (std::uint64_t i = 0; i <= direct_writers_max; ++i) {
        auto file = with.opened->create_body({id.value + i});
        REQUIRE(file.has_value());
        REQUIRE((*file)->append(body));
        files.push_back(std::move(*file));
    }
    CHECK(with.files.calls(file_call::set_direct) - with.before == direct_writers_max);
    files.front().reset();
    REQUIRE((*with.opened->create_body({id.value + direct_writers_max + 1}))->append(body));
    CHECK(with.files.calls(file_call::set_direct) - with.before == direct_writers_max + 1);
}
