// postern dns: what to publish for a domain, and what of it is there. Asks the servers that [dns] names, from
// the command's own process: it needs no server, and changes nothing.
#include "server/admin/handlers.hpp"
#include "server/admin/spf_trial.hpp"
#include "server/admin/support.hpp"
#include "server/awaiting.hpp"
#include "server/resolver.hpp"

#include "policy/publishing/records.hpp"
#include "protocol/smtp/grammar.hpp"
#include "storage/resolve.hpp"
#include "tls/self_signed.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <map>
#include <ostream>
#include <unistd.h>

namespace postern::server {

namespace {

using policy::dns_result;
using policy::published_record;
using policy::record_state;
using policy::wanted_records;

// The domain as it was named, and as the accounts know it.
struct subject {
    std::string name; // canonical
    bool is_hosted = false;
    std::string mailboxes; // the domain that an alias domain stands for, or `name`
};

exit_code read_subject(const arguments& given, const storage::directory& accounts, subject& into,
                       terminal& with) {
    const auto text = given.one("DOMAIN");
    auto name = protocol::canonical_domain(text, protocol::unicode::allow);
    if (!name) return fail(with, exit_code::bad_data, text, "is no domain name: " + describe(name.error()));
    auto real = storage::real_domain(accounts, *name);
    if (!real) return fail(with, *name, real.error());
    into.is_hosted = real->has_value();
    into.mailboxes = real->value_or(*name);
    into.name = std::move(*name);
    if (!into.is_hosted) warn(with, into.name, "is not hosted here (postern domain add)");
    return exit_code::ok;
}

// What handshakes show. Without a configured certificate it is the server's own, made at its first start.
policy::publication plan(const conf::config& config, const subject& about, terminal& with) {
    auto settings = config.tls;
    auto origin = policy::key_origin::configured;
    if (settings.certificates.empty()) {
        const auto own = tls::self_signed_files(config.server.state_dir + "/tls");
        const bool is_made = ::access(own.cert.c_str(), F_OK) == 0;
        if (is_made) settings.certificates.push_back(own);
        origin = is_made ? policy::key_origin::self_made : policy::key_origin::none_yet;
    }
    std::vector<std::string> flaws;
    const tls::published_keys keys(settings, flaws);
    for (const auto& flaw : flaws) warn(with, "tls.certificate", flaw);
    return policy::records_to_publish(config, keys, origin, about.name, about.mailboxes);
}

struct answers {
    std::optional<dns_result> of_name, of_target;
    std::optional<spf_trial> trial; // of SPF
};

boost::asio::awaitable<dns_result> look_up_address(dns_resolver& dns, protocol::dns_name name,
                                                   policy::dns_deadline until) {
    auto asking = dns.look_up({name, protocol::dns_type::a}, until);
    auto answer = co_await std::move(asking);
    if (!std::holds_alternative<protocol::dns_absent>(answer)) co_return answer;
    auto again = dns.look_up({name, protocol::dns_type::aaaa}, until);
    co_return co_await std::move(again);
}

boost::asio::awaitable<spf_trial> try_to_send(dns_resolver& dns, std::string domain, std::string hostname) {
    constexpr std::chrono::seconds patience{20}; // RFC 7208 §4.6.4
    const auto until = dns.deadline(patience);
    std::vector<protocol::ip_address> addresses;
    const auto name = protocol::dns_name::parse(hostname);
    for (const auto type : {protocol::dns_type::a, protocol::dns_type::aaaa}) {
        if (!name) break;
        auto asking = dns.look_up({*name, type}, until);
        const auto answer = co_await std::move(asking);
        const auto* found = std::get_if<protocol::dns_found>(&answer);
        if (found != nullptr) std::ranges::copy(found->records.addresses, std::back_inserter(addresses));
    }
    auto trying = try_spf(dns, std::move(domain), std::move(hostname), std::move(addresses), until);
    co_return co_await std::move(trying);
}

// All but `until` outlive it.
boost::asio::awaitable<void> ask(dns_resolver& dns, const wanted_records& about, const std::string& hostname,
                                 answers& into, policy::dns_deadline until) {
    if (about.how == wanted_records::kind::records) {
        auto asking = dns.look_up({about.name, about.type}, until);
        into.of_name = co_await std::move(asking);
        if (about.what != policy::record_purpose::spf) co_return;
        auto trying = try_to_send(dns, about.name.to_string(), hostname);
        into.trial = co_await std::move(trying);
        co_return;
    }
    auto asking = look_up_address(dns, about.name, until);
    into.of_name = co_await std::move(asking);
    if (about.how != wanted_records::kind::alias) co_return;
    auto target = look_up_address(dns, about.target, until);
    into.of_target = co_await std::move(target);
}

// Everything at the same time, so that silence costs its time once.
std::vector<answers> ask_all(const conf::config& config, const std::vector<wanted_records>& wanted) {
    std::vector<answers> come(wanted.size());
    boost::asio::io_context loop(1);
    dns_counts counts;
    dns_resolver dns(loop.get_executor(), resolver_settings_of(config.dns), counts);
    const auto until = dns.deadline(config.dns.timeout);
    std::size_t open = wanted.size();
    const auto ended = [&] {
        if (--open == 0) dns.stop();
    };
    for (std::size_t i = 0; i < wanted.size(); ++i)
        spawn(
            loop.get_executor(), ask(dns, wanted[i], config.server.hostname, come[i], until),
            [](std::string_view) {}, ended);
    loop.run();
    return come;
}

std::vector<published_record> judge(const std::vector<wanted_records>& wanted,
                                    const std::vector<answers>& come) {
    std::vector<published_record> rows;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto answer = come[i].of_name.value_or(policy::dns_try_later{});
        for (auto& row : policy::compare(wanted[i], answer, come[i].of_target)) {
            const auto& trial = come[i].trial;
            if (trial && trial->is_whole) policy::judge_by_trial(row, trial->passed, trial->refused);
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

std::string detail_of(const published_record& row) {
    auto text = shown(row.there);
    if (row.state == record_state::different && !text.empty()) text = "there is " + text;
    if (!row.note.empty()) text += (text.empty() ? "" : "; ") + shown(row.note);
    return text.empty() ? "-" : text;
}

void print_text(const subject& about, const std::vector<published_record>& rows, std::ostream& out) {
    if (about.mailboxes != about.name)
        out << fmt::format("{} is an alias domain of {}\n\n", about.name, about.mailboxes);
    text_table table({"STATE", "NAME", "TYPE", "VALUE", "DETAIL"});
    std::map<record_state, unsigned> counts;
    for (const auto& row : rows) {
        ++counts[row.state];
        table.add({std::string(name_of(row.state)), shown(row.name), row.type,
                   row.value.empty() ? "-" : shown(row.value), detail_of(row)});
    }
    table.print(out);
    std::string sum;
    for (const auto& [state, count] : counts)
        sum += fmt::format("{}{} {}", sum.empty() ? "" : ", ", count, name_of(state));
    out << '\n' << sum << '\n';
}

void print_json(const subject& about, const std::vector<published_record>& rows, std::ostream& out) {
    boost::json::array records;
    for (const auto& row : rows)
        records.push_back({{"purpose", name_of(row.what)},
                           {"state", name_of(row.state)},
                           {"name", shown(row.name)},
                           {"type", row.type},
                           {"value", shown(row.value)},
                           {"there", shown(row.there)},
                           {"note", shown(row.note)}});
    const boost::json::object whole{{"domain", about.name},
                                    {"hosted", about.is_hosted},
                                    {"alias_of", about.mailboxes == about.name ? "" : about.mailboxes},
                                    {"records", std::move(records)}};
    out << boost::json::serialize(whole) << '\n';
}

} // namespace

exit_code run_dns(const arguments& given, terminal& with) {
    const auto config = read_config(given, with);
    if (!config) return exit_code::config;
    const open_accounts accounts(*config, with);
    if (!accounts.tables) return accounts.code;
    subject about;
    if (const auto code = read_subject(given, *accounts.tables, about, with); code != exit_code::ok)
        return code;
    auto planned = plan(*config, about, with);
    auto rows = judge(planned.wanted, ask_all(*config, planned.wanted));
    const bool nothing_known =
        std::ranges::all_of(rows, [](const auto& row) { return row.state == record_state::unknown; });
    for (auto& row : planned.left_out)
        rows.insert(std::ranges::upper_bound(rows, row.what, {}, &published_record::what), std::move(row));
    if (given.has("--json"))
        print_json(about, rows, with.out);
    else
        print_text(about, rows, with.out);
    if (!nothing_known) return exit_code::ok;
    return fail(with, exit_code::temporary, about.name, "DNS could not be asked (dns.servers)");
}

} // namespace postern::server
