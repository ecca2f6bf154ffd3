// What logins cost: a correct one again, a correct one for the first time, a wrong one; and whether the time
// tells an unknown login from a wrong password. logins [--accounts N] [--attempts N] [--kinds K] [--seconds
// S]; all on one thread and one worker, against accounts in a folder of its own.
#include "policy/password.hpp"
#include "server/authenticator.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cmath>
#include <crypt.h>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <random>

using namespace postern;
using clock_type = std::chrono::steady_clock;

namespace {

const std::string password = "Zwölf graue Fahrräder";

std::string address(std::size_t number) { return fmt::format("user{:06}@f.test", number); }

// Of another server: each kind costs another time.
std::string hash_of_kind(const char* prefix, unsigned long count) {
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    crypt_gensalt_rn(prefix, count, nullptr, 0, setting, sizeof setting);
    const auto data = std::make_unique<crypt_data>();
    return crypt_r(password.c_str(), setting, data.get());
}

// Two in three ours, the others of two older kinds, where `mixed`.
void make_accounts(storage::directory& in, std::size_t accounts, bool mixed) {
    const auto ours = policy::store_password(password).value();
    const std::string older[] = {hash_of_kind("$2y$", 10), hash_of_kind("$6$", 0)};
    in.put_domain({"f.test", "", ""});
    for (std::size_t i = 0; i < accounts; ++i) {
        storage::mailbox_record record;
        record.address = address(i);
        record.password = mixed && i % 3 == 2 ? older[i / 3 % 2] : ours.setting;
        record.scram = ours.scram;
        in.put_mailbox(record);
    }
}

struct login_bench {
    boost::asio::io_context context{1};
    server::authenticator& source;

    server::login_answer check(const std::string& login, const std::string& with) {
        server::login_question what{login, protocol::sasl::secret(with), "", std::chrono::seconds(60)};
        auto later = boost::asio::co_spawn(context, source.check(std::move(what)), boost::asio::use_future);
        context.restart();
        context.run();
        return later.get();
    }
    double microseconds_of(const std::string& login, const std::string& with) {
        const auto began = clock_type::now();
        check(login, with);
        return std::chrono::duration<double, std::micro>(clock_type::now() - began).count();
    }
};

void rate(const char* what, double seconds, login_bench& with, server::login_answer::kind expected,
          const std::function<std::pair<std::string, std::string>(std::size_t)>& attempt) {
    const auto began = clock_type::now();
    const auto processor = std::clock();
    std::size_t done = 0, wrong = 0;
    double took = 0;
    for (; took < seconds; took = std::chrono::duration<double>(clock_type::now() - began).count(), ++done) {
        const auto [login, word] = attempt(done);
        wrong += with.check(login, word).what == expected ? 0 : 1;
    }
    const double cpu = static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
    fmt::print("{:<44} {:>10.0f} a second {:>10.1f} us of processor each{}\n", what,
               static_cast<double>(done) / took, cpu * 1e6 / static_cast<double>(done),
               wrong == 0 ? "" : "  WRONG ANSWERS");
}

// The two-sided p of Mann and Whitney's test, by its normal approximation: fine for hundreds.
double mann_whitney(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<std::pair<double, bool>> all;
    for (const double one : a) all.emplace_back(one, true);
    for (const double one : b) all.emplace_back(one, false);
    std::sort(all.begin(), all.end());
    double ranks = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].second) ranks += static_cast<double>(i + 1);
    const auto n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
    const double u = ranks - n * (n + 1) / 2;
    const double z = (u - n * m / 2) / std::sqrt(n * m * (n + m + 1) / 12);
    return std::erfc(std::abs(z) / std::sqrt(2.0));
}

double median(std::vector<double> of) {
    std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
    return of[of.size() / 2];
}

// Unknown logins beside known ones with a wrong password of the same length, in turns. With one kind of hash
// each attempt is of another login; with several, what one sees over many logins must not differ.
void compare_times(login_bench& with, std::size_t attempts, std::size_t accounts, const char* what) {
    std::vector<double> unknown, known;
    std::mt19937 random(1);
    for (std::size_t i = 0; i < attempts; ++i) {
        const std::string nobody = fmt::format("user{:06}@f.test", accounts + random() % 900'000);
        const std::string somebody = address(random() % accounts);
        const std::string word = fmt::format("wrong password {:06}", i);
        const bool first = random() % 2 == 0;
        if (first) unknown.push_back(with.microseconds_of(nobody, word));
        known.push_back(with.microseconds_of(somebody, word));
        if (!first) unknown.push_back(with.microseconds_of(nobody, word));
    }
    fmt::print("{:<44} median {:.0f} us unknown, {:.0f} us known; Mann-Whitney p = {:.3f} (2 x {})\n", what,
               median(unknown), median(known), mann_whitney(unknown, known), attempts);
}

void run(std::size_t accounts, std::size_t attempts, double seconds, bool mixed) {
    char folder[] = "/tmp/postern-logins-XXXXXX";
    if (::mkdtemp(folder) == nullptr) return;
    {
        const auto tables = storage::open_lmdb_directory(folder).value();
        make_accounts(*tables, accounts, mixed);
        server::authenticator source(*tables, "secret", "key", {.workers = 1, .waiting = 10});
        login_bench with{.source = source};
        using kind = server::login_answer::kind;
        if (!mixed) {
            const std::size_t known = std::min<std::size_t>(accounts, 100);
            for (std::size_t i = 0; i < known; ++i) with.check(address(i), password);
            rate("a correct login again", seconds, with, kind::ok,
                 [&](std::size_t i) { return std::pair(address(i % known), password); });
            rate("a wrong password", seconds, with, kind::denied,
                 [&](std::size_t i) { return std::pair(address(i % accounts), fmt::format("wrong {}", i)); });
            source.remember_for(std::chrono::seconds(0));
            rate("a correct login, nothing remembered", seconds, with, kind::ok,
                 [&](std::size_t i) { return std::pair(address(i % accounts), password); });
        }
        compare_times(with, attempts, accounts, mixed ? "hashes of three kinds" : "hashes of one kind");
    }
    std::filesystem::remove_all(folder);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App options("What logins cost, and what their time tells.");
    std::size_t accounts = 1000, attempts = 1000;
    double seconds = 3;
    options.add_option("--accounts", accounts, "in the table");
    options.add_option("--attempts", attempts, "of each kind whose times are compared");
    options.add_option("--seconds", seconds, "for each rate");
    CLI11_PARSE(options, argc, argv);
    run(accounts, attempts, seconds, false);
    run(accounts, attempts, seconds, true);
    return 0;
}
