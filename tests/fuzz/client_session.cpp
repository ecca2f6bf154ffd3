// A server that says anything to a client: the first octets choose settings and message, the others what it
// says, as replies by number or as raw octets. Whatever comes, nobody is delivered to without consent to the
// content that named him, nobody is named again once he has an outcome, and all have one in the end.
#include "protocol/smtp/client_session.hpp"
#include "protocol/smtp/grammar.hpp"

#include "tests/fuzz/split.hpp"

#include <algorithm>
#include <array>
#include <set>

using namespace postern::protocol;
using namespace postern::fuzz;
using kind = recipient_outcome::kind;

namespace {

constexpr std::size_t choices_size = 3;
constexpr std::uint8_t lmtp = 1, tls = 2, tls_required = 4, raw = 8, question = 16, needed_chunks = 32,
                       many = 64, breaks = 128;
constexpr std::size_t output_max = (recipients_group_max + 3) * 800;

constexpr std::uint8_t logs_in = 128;           // of the third octet
constexpr std::string_view secret = "AHUAcHc="; // "", "u", "pw"

constexpr std::array<std::string_view, 36> said = {
    "250 2.0.0 ok\r\n",
    "220 mx\r\n",
    "354 go\r\n",
    "250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2 MAILMAX=3\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 LIMITS RCPTDOMAINMAX=1\r\n",
    "250-mx\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
    "250-mx\r\n250 STARTTLS\r\n",
    "452 4.5.3 too many\r\n",
    "452 full\r\n",
    "552 5.5.3 too many\r\n",
    "552 full\r\n",
    "421 4.3.2 closing\r\n",
    "451 4.3.0 later\r\n",
    "550 5.1.1 no\r\n",
    "500 what\r\n",
    "503 5.5.1 order\r\n",
    "554 5.7.1 no\r\n",
    "221 bye\r\n",
    "251 forwarded\r\n",
    "252 perhaps\r\n",
    "220 go\r\n250-evil\r\n",
    "250 ok\r\n250 ok\r\n",
    "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",
    "250 ok\r\n550 no\r\n550 no\r\n554 no\r\n",
    "250 ok\r\n250 ok\r\n452 4.5.3 enough\r\n250 ok\r\n354 go\r\n",
    "250-a\r\n251 b\r\n",
    "hello\r\n",
    "250",
    "599 x\r\n",
    "", // the connection breaks
    "250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n",
    "334 VXNlcm5hbWU6\r\n",
    "235 2.7.0 in\r\n",
};

client_settings settings_for(std::uint8_t flags, bool with_login) {
    client_settings made;
    if (with_login) made.login = std::make_shared<const client_login>("u", sasl::secret("pw"));
    if ((flags & lmtp) != 0) made.protocol = client_protocol::lmtp;
    if ((flags & tls) != 0) made.tls = client_tls::when_offered;
    if ((flags & tls_required) != 0) made.tls = client_tls::required;
    if ((flags & needed_chunks) != 0) made.chunks = client_chunks::when_needed;
    made.hostname = "c.test";
    made.own_names = {"ours.test"};
    return made;
}

outgoing_message message_for(std::uint8_t flags, std::uint8_t shape) {
    outgoing_message made;
    made.sender = "a@s.test";
    const std::size_t count = (flags & many) != 0 ? 103 + shape % 4 : 1 + shape % 4;
    for (std::size_t i = 0; i < count; ++i)
        made.recipients.push_back({"u" + std::to_string(i) + (i % 3 == 2 ? "@e.test" : "@d.test")});
    made.size = 500 + shape * 4U;
    made.body = static_cast<body_type>(shape / 4 % 3);
    made.needs_smtputf8 = (shape & 32) != 0;
    made.envelope_id = (shape & 64) != 0 ? "id 1" : "";
    if ((flags & question) != 0) made.purpose = message_purpose::question;
    return made;
}

// Follows the conversation by what is written and heard alone.
class follower {
  public:
    follower(std::uint8_t flags, std::uint8_t shape, bool with_login)
        : message_(message_for(flags, shape)), session_(settings_for(flags, with_login)),
          asks_((flags & question) != 0), breaks_((flags & breaks) != 0), with_login_(with_login) {
        begin();
    }

    void hear(std::string_view octets) {
        act();
        if (session_.next() != client_step::read) return;
        heard_ += octets;
        logged_in_ = heard_.find("235") != heard_.npos;
        if (octets.empty())
            session_.on_lost("lost");
        else
            session_.on_input(octets);
        act();
    }

    void end() {
        act();
        session_.on_lost("the end");
        act();
        require(session_.next() == client_step::close);
        check_settled();
    }

  private:
    void begin() {
        ++begun_;
        named_.clear();
        offered_.clear();
        session_.begin(message_);
    }

    // All that it wants to do by itself. Ends: each step needs a reply, but for the few behind one.
    void act() {
        for (int steps = 0;; ++steps) {
            require(steps < 16);
            const auto outcomes = session_.outcomes();
            require(outcomes.size() == message_.recipients.size());
            switch (session_.next()) {
            case client_step::read: require(session_.output().empty()); return;
            case client_step::write: written(); break;
            case client_step::start_tls:
                secured_ = true;
                session_.on_tls(true);
                break;
            case client_step::send_content: sent(false); break;
            case client_step::send_chunk: sent(true); break;
            case client_step::idle:
                require(session_.output().empty() && !session_.fault());
                check_settled();
                if (begun_ == 3) return session_.quit();
                begin();
                break;
            case client_step::close:
                require(session_.output().empty());
                check_settled();
                return;
            }
        }
    }

    void written() {
        check_lines(session_.output());
        session_.on_written();
    }

    void sent(bool chunk) {
        require(!asks_);
        require(chunk ? session_.output().starts_with("BDAT ") : session_.output().empty());
        check_lines(session_.output());
        require(!named_.empty());
        if (breaks_ && ++contents_ % 2 == 0) return session_.on_content_broken();
        offered_.insert(named_.begin(), named_.end());
        session_.on_content_sent();
    }

    void check_lines(std::string_view output) {
        require(output.size() <= output_max);
        while (!output.empty()) {
            const auto end = output.find("\r\n");
            require(end != std::string_view::npos);
            check_line(output.substr(0, end));
            output.remove_prefix(end + 2);
        }
    }

    void check_line(std::string_view line) {
        require(is_printable(line) && line.size() < 800);
        require(secured_ || (line.find(secret) == line.npos && !line.starts_with("AUTH")));
        if (line.starts_with("MAIL ")) {
            named_.clear();
            require(!with_login_ || logged_in_);
        }
        if (!line.starts_with("RCPT TO:<u")) return;
        const auto index = parse_number(line.substr(10, line.find('@') - 10));
        require(index && *index < message_.recipients.size());
        require(session_.outcomes()[*index].what == kind::pending);
        require(named_.insert(*index).second); // once a transaction
    }

    void check_settled() {
        const auto outcomes = session_.outcomes();
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            const auto& one = outcomes[i];
            require(one.what != kind::pending);
            require((one.what == kind::taken) <= asks_);
            require(is_printable(one.text) && one.text.size() <= peer_reply::text_max);
            const bool was_offered = offered_.contains(i);
            require(was_offered || (one.what != kind::delivered && !one.perhaps_delivered));
            require(!one.perhaps_delivered || one.what == kind::deferred);
            require(one.what != kind::delivered || one.text.starts_with("2"));
        }
    }

    outgoing_message message_;
    client_session session_;
    bool asks_, breaks_, with_login_;
    bool secured_ = false;
    std::string heard_;
    bool logged_in_ = false; // or it may be: the code was heard, perhaps inside of something else
    unsigned contents_ = 0;
    int begun_ = 0;
    std::set<std::uint64_t> named_;   // in the transaction
    std::set<std::uint64_t> offered_; // their content was sent
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < choices_size || size > 4096) return 0;
    follower one(data[0], data[1], (data[2] & logs_in) != 0);
    const auto rest = as_text(data + choices_size, size - choices_size);
    if ((data[0] & raw) != 0) {
        for (const std::string& piece : pieces(rest, static_cast<cut>(data[2] % 3))) one.hear(piece);
    } else {
        for (const char c : rest) one.hear(said[static_cast<unsigned char>(c) % said.size()]);
    }
    one.end();
    return 0;
}
