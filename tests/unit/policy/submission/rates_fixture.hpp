// A table of rates in memory-backed files, which can be closed and opened again.
#pragma once

#include "protocol/net/ip_address.hpp"
#include "storage/tables/rates.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <memory>

namespace postern::testing {

struct rates_fixture {
    temporary_folder folder{temporary_folder::in_memory()};
    std::unique_ptr<storage::rates> rows = open();

    std::unique_ptr<storage::rates> open() const {
        auto opened = storage::open_lmdb_rates(folder.path());
        REQUIRE(opened.has_value());
        return std::move(*opened);
    }
    void restart() {
        REQUIRE(rows->flush().has_value());
        rows.reset();
        rows = open();
    }
};

inline protocol::ip_address address(std::string_view text) {
    const auto parsed = protocol::ip_address::parse(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}

} // namespace postern::testing
