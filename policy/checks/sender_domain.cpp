// Test 2: can mail come back to the sender's domain? By its MX records, or where it has none by its
// addresses; an MX that leads nowhere (this machine, private networks, no address) is as good as none.
// Trouble with DNS defers.
#include "policy/check.hpp"
#include "policy/questions.hpp"
#include "policy/reachable.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using kind = sender_domain_finding::kind;
using protocol::dns_type;
using protocol::make_reply;
using protocol::reply_id;

constexpr std::size_t exchangers_max = 10; // whose addresses are looked up, the preferred first

std::string trouble(const protocol::dns_name& name, const dns_result& answer) {
    return name.to_string() + ": " + std::string(dns_cause_text(std::get<dns_try_later>(answer)));
}

using finding = sender_domain_finding;

// Looks for the MX hosts of a domain, or for itself, and then for one of them that mail can be sent to.
class search {
  public:
    search(const context& about, dns_deadline until)
        : own_(about.own), asked_(about.ask.dns, about.ask.beside, until) {
        auto name = protocol::dns_name::parse(about.envelope.sender->domain, protocol::dns_escapes::none);
        if (!name) {
            done_ = finding{kind::takes_none, "it is no name of DNS"};
            return;
        }
        domain_ = std::move(*name);
        asked_.ask({domain_, dns_type::mx}, 0);
    }

    // Goes as far as answers are at hand; nullopt: it has to wait for one.
    std::optional<finding> advance() {
        while (!done_) {
            const auto one = asked_.take();
            if (!one) return std::nullopt;
            hear(*one);
        }
        return done_;
    }
    static boost::asio::awaitable<finding> end(search self) {
        for (;;) {
            if (auto done = self.advance()) co_return std::move(*done);
            auto coming = self.asked_.next();
            self.hear(co_await std::move(coming));
        }
    }

  private:
    void hear(const questions::answer& one) {
        if (one.to.type == dns_type::mx) {
            hear_exchangers(one.what);
        } else {
            hear_addresses(one);
        }
        if (done_ || asked_.open() != 0) return;
        if (!later_.empty()) {
            done_ = finding{kind::later, later_};
        } else {
            done_ = finding{kind::takes_none, nowhere_.empty() ? otherwise_ : nowhere_};
        }
    }
    void hear_exchangers(const dns_result& answer) {
        if (std::holds_alternative<dns_try_later>(answer)) {
            done_ = finding{kind::later, trouble(domain_, answer)};
        } else if (const auto* absent = std::get_if<protocol::dns_absent>(&answer)) {
            if (absent->what == protocol::dns_absent::kind::no_name) {
                done_ = finding{kind::takes_none, "there is no such domain"};
                return;
            }
            otherwise_ = "it has neither MX nor address";
            ask_addresses({domain_}); // RFC 5321 §5.1: the implicit MX
        } else {
            ask_exchangers(std::get<protocol::dns_found>(answer).records.exchangers);
        }
    }
    void ask_exchangers(std::vector<protocol::mx_record> exchangers) {
        protocol::sort_by_preference(exchangers);
        std::vector<protocol::dns_name> hosts;
        for (const auto& one : exchangers)
            if (!one.exchange.is_root() && hosts.size() < exchangers_max) hosts.push_back(one.exchange);
        if (hosts.empty()) done_ = finding{kind::null_mx, "null MX"};
        otherwise_ = "its MX hosts have no address";
        ask_addresses(hosts);
    }
    void ask_addresses(const std::vector<protocol::dns_name>& hosts) {
        for (const auto& host : hosts)
            for (const auto type : {dns_type::a, dns_type::aaaa}) asked_.ask({host, type}, 0);
    }
    void hear_addresses(const questions::answer& one) {
        if (std::holds_alternative<dns_try_later>(one.what)) later_ = trouble(one.to.name, one.what);
        const auto* found = std::get_if<protocol::dns_found>(&one.what);
        if (found == nullptr) return;
        for (const auto& address : found->records.addresses) {
            const bool ours = std::find(own_->begin(), own_->end(), address) != own_->end();
            if (is_reachable(address) && !ours) {
                done_ = finding{kind::takes_mail, {}};
                return;
            }
            nowhere_ =
                one.to.name.to_string() + " is " + address.to_string() + ", where no mail can be sent to";
        }
    }

    std::shared_ptr<const std::vector<protocol::ip_address>> own_;
    questions asked_;
    protocol::dns_name domain_;
    std::string later_, nowhere_, otherwise_;
    std::optional<finding> done_;
};

// Whom nothing needs to be asked about: bounces, addresses instead of a domain, and our own domains.
bool needs_no_answer(const context& about) {
    const auto& sender = about.envelope.sender;
    if (!sender || sender->domain.empty() || sender->is_literal()) return true;
    const auto ours = about.ask.accounts.find_domain(sender->domain);
    return ours && *ours;
}

} // namespace

void begin_sender_domain(stage, context& about) {
    if (needs_no_answer(about)) return;
    search begun(about, about.ask.dns.deadline(about.config->dns.timeout));
    if (auto done = begun.advance()) return about.learned.sender_domain.know(std::move(*done));
    auto work = search::end(std::move(begun));
    about.learned.sender_domain.begin(about.ask.beside, std::move(work), {kind::later, "no memory"});
}

boost::asio::awaitable<verdict> check_sender_domain(stage, context& about) {
    if (!about.learned.sender_domain.begun()) co_return verdict::pass("no domain, or one of ours");
    const std::string sender = about.envelope.sender_text();
    auto found = co_await about.learned.sender_domain.get();
    switch (found.what) {
    case kind::takes_mail: break;
    case kind::takes_none:
        co_return verdict::refuse(make_reply(reply_id::sender_domain_takes_none, {sender, found.why}),
                                  found.why);
    case kind::null_mx: co_return verdict::refuse(make_reply(reply_id::sender_domain_null_mx, {sender}));
    case kind::later:
        co_return verdict::refuse(make_reply(reply_id::sender_domain_unknown_now, {sender}),
                                  std::move(found.why));
    }
    co_return verdict::pass("takes mail");
}

} // namespace postern::policy
