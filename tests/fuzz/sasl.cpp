// SASL exchanges: the first octets choose the mechanism, what is answered and how lines come; each line of
// the rest is what the client sends. Nobody is let in whom nobody vouched for, what is handed on is within
// its bounds, and what is over stays over. Beside them the readers of what is stored and of what Dovecot
// says.
#include "policy/submission/account_name.hpp"
#include "policy/submission/credentials.hpp"
#include "protocol/sasl/base64.hpp"
#include "protocol/sasl/scram_server.hpp"
#include "protocol/smtp/grammar.hpp"
#include "server/dovecot_words.hpp"
#include "tests/fuzz/split.hpp"

#include <algorithm>
#include <optional>

using namespace postern::protocol::sasl;
using namespace postern::fuzz;
using postern::protocol::is_control;
using postern::protocol::is_valid_utf8;

namespace {

constexpr std::uint8_t password_is_right = 1, octets_come_plain = 2, is_bound = 4, has_initial = 8;

void check_login(const step& now) {
    require(!now.login.empty() && now.login.size() <= login_max && is_valid_utf8(now.login));
    require(std::none_of(now.login.begin(), now.login.end(), is_control));
}

void check_form(const step& now, bool vouched) {
    if (now.kind == step_kind::check_password) {
        check_login(now);
        require(!now.password.empty() && now.password.size() <= password_max);
        require(now.password.view().find('\0') == std::string_view::npos);
    } else {
        require(now.password.empty());
    }
    if (now.kind == step_kind::find_keys || now.kind == step_kind::done) check_login(now);
    if (now.kind == step_kind::done) require(vouched);
}

class conversation {
  public:
    conversation(std::uint8_t mechanism_number, std::uint8_t flags)
        : flags_(flags), how_(static_cast<mechanism>(mechanism_number % 4)),
          attempt_(how_, (flags & is_bound) != 0 ? channel_binding{"tls-exporter", std::string(32, 'b')}
                                                 : channel_binding{}) {}

    void run(std::string_view input) {
        bool begun = false;
        for (std::size_t from = 0; from <= input.size();) {
            const auto end = std::min(input.find('\n', from), input.size());
            const std::string line = wire(input.substr(from, end - from));
            from = end + 1;
            if (!begun && (flags_ & has_initial) == 0) answer(attempt_.begin(std::nullopt));
            answer(begun || (flags_ & has_initial) == 0 ? attempt_.receive(line)
                                                        : attempt_.begin(std::string_view(line)));
            begun = true;
        }
    }

  private:
    std::string wire(std::string_view text) const {
        return (flags_ & octets_come_plain) != 0 && text != "*" ? encode_base64(text) : std::string(text);
    }
    void answer(step next) {
        for (int i = 0; i < 3; ++i) {
            if (over_) require(next.kind == step_kind::failed);
            check_form(next, vouched_);
            over_ = over_ || next.kind == step_kind::failed || next.kind == step_kind::done;
            if (next.kind == step_kind::check_password) {
                vouched_ = (flags_ & password_is_right) != 0;
                next = attempt_.on_password_checked(vouched_);
                require(next.kind == (vouched_ ? step_kind::done : step_kind::failed));
            } else if (next.kind == step_kind::find_keys) {
                next =
                    attempt_.on_keys({4096, "salt of the user", std::string(32, 's'), std::string(32, 'k')});
            } else {
                return;
            }
        }
    }
    std::uint8_t flags_;
    mechanism how_;
    exchange attempt_;
    bool vouched_ = false, over_ = false;
};

void check_readers(std::string_view text) {
    if (const auto octets = decode_base64(text)) require(encode_base64(octets->view()) == text);
    const auto encoded = encode_base64(text);
    const auto back = decode_base64(encoded);
    require(back && back->view() == text);
    if (const auto keys = parse_scram_keys(text)) require(parse_scram_keys(to_text(*keys)) == keys);
    if (const auto first = parse_scram_first(text)) require(!first->login.empty());
    const bool usable = postern::policy::setting_problem(text).empty();
    const auto decoy = postern::policy::decoy_of(text);
    require(!usable || !decoy.empty());
    require(postern::policy::cost_of(decoy) == postern::policy::cost_of(text));
    if (const auto account = postern::policy::account_of(text))
        require(postern::policy::account_of(*account) == account);
    const auto line = postern::server::read_dovecot_line("X\t" + postern::server::escape_dovecot(text));
    require(line.fields.size() == 1 && line.fields.front() == text);
    (void)postern::server::read_dovecot_line(text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 16384) return 0;
    const auto input = as_text(data + 2, size - 2);
    conversation(data[0], data[1]).run(input);
    check_readers(input);
    return 0;
}
