// A whole SMTP session: the first octets choose the settings, how the rest is cut into reads and which
// outside steps fail; the rest is what the peer sends. Whatever comes, replies are well-formed lines, what is
// acknowledged is what was kept, and what was begun is committed or abandoned.
#include "tests/fuzz/split.hpp"
#include "tests/support/session_rig.hpp"

#include <algorithm>

using namespace postern::protocol;
using namespace postern::fuzz;
using postern::testing::session_rig;

namespace {

// The choices that precede the conversation.
struct choices {
    std::uint8_t flags = 0;   // bits: see below
    std::uint8_t cutting = 0; // 0 whole, 1 octets, else reads of at most so many octets
    std::uint8_t failing = 0; // number of the first outside step that fails; 255 = none
    std::uint8_t ending = 0;  // 0 left open, 1 the peer ends, 2 a time-out, 3 early input
};
constexpr std::size_t choices_size = 4;
constexpr std::uint8_t small_limits = 1, implicit_tls = 2, fails_twice = 4, refuses_connect = 8,
                       recipients_differ = 16, people = 32;

session_settings settings_for(const choices& chosen) {
    auto made = session_rig::default_settings();
    made.body_block = 64;
    if ((chosen.flags & people) != 0) made.is_submission = made.offer_auth = made.auth_keys = true;
    if ((chosen.flags & small_limits) == 0) return made;
    made.max_message_size = 200;
    made.max_recipients = 2;
    made.max_header_size = 100;
    made.max_received = 2;
    made.max_text_line = 80;
    made.max_errors = 5;
    made.soft_errors = 2;
    made.max_junk = 6;
    return made;
}

struct seen {
    std::size_t acknowledged = 0;
    bool group_broken = false; // a refusal that depends on how the octets came
};

void check_line(std::string_view line, seen& so_far) {
    require(line.size() >= 4 && line.size() <= 510);
    require(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
    require(line[1] >= '0' && line[1] <= '9' && line[2] >= '0' && line[2] <= '9');
    require(std::none_of(line.begin(), line.end(), is_control));
    if (line[4] == '2' || line[4] == '4' || line[4] == '5') require(line[5] != '.' || line[4] == line[0]);
    if (line.starts_with("250 2.0.0 Ok: queued as ID")) ++so_far.acknowledged;
    if (line.starts_with("554 5.5.0 ")) so_far.group_broken = true;
}

seen check_output(std::string_view received) {
    seen result;
    while (!received.empty()) {
        const auto end = received.find("\r\n");
        require(end != std::string_view::npos);
        check_line(received.substr(0, end), result);
        received.remove_prefix(end + 2);
    }
    return result;
}

struct outcome {
    std::string received;
    std::vector<std::string> bodies;
    bool closed = false;
    bool group_broken = false;
};

void check_messages(const session_rig& rig, std::size_t acknowledged, bool lost_write) {
    require(acknowledged <= rig.messages().size());
    require(lost_write || acknowledged == rig.messages().size());
    const unsigned settled = rig.commits() + rig.abandoned();
    require(settled <= rig.opened() && rig.opened() - settled <= (rig.closed() ? 0U : 1U));
    for (const auto& message : rig.messages()) require(!message.recipients.empty());
    require(rig.largest_output() <= session_output_max + 2 * 512);
}

// An open session reads on: it wants octets and has nothing left to say.
void check_readable(session_rig& rig, bool people_only) {
    require(rig.session().next() == step::read && rig.session().output().empty());
    if (rig.session().reading() == waiting_for::content) return;
    require(rig.session().transaction().recipients.size() <= 100);
    // Nobody has a transaction here who hasn't proved who they are.
    const auto& session = rig.session();
    require(!session.account().empty() || !people_only || session.transaction().recipients.empty());
}

std::size_t read_size(const choices& chosen, std::size_t total) {
    return chosen.cutting == 0 ? std::max<std::size_t>(total, 1) : chosen.cutting;
}

std::string end_of(session_rig& rig, const choices& chosen) {
    if (rig.closed()) return {};
    if (chosen.ending == 1) return rig.end();
    if (chosen.ending == 2) return rig.time_out();
    check_readable(rig, (chosen.flags & people) != 0);
    return {};
}

// Every second recipient refuses, or all of them, where they may.
std::vector<std::optional<reply>> differ(std::size_t recipients) {
    const reply refusal{554, {5, 7, 1}, std::string(200, 's'), false};
    std::vector<std::optional<reply>> made(recipients);
    for (std::size_t i = 0; i < recipients; ++i)
        if (i % 2 == 0 || recipients == 3) made[i] = refusal;
    return made;
}

outcome converse(const choices& chosen, std::string_view octets) {
    session_rig rig(settings_for(chosen), (chosen.flags & implicit_tls) != 0 ? "TLSv1.3 with cipher X" : "");
    if ((chosen.flags & refuses_connect) != 0)
        rig.rule = [](question_stage) {
            return verdict_answer{verdict_answer::kind::refuse, {554, {5, 7, 1}, "no", false}};
        };
    if ((chosen.flags & recipients_differ) != 0) rig.of_recipients = differ;
    bool lost_write = false;
    rig.fails = [&](step what, unsigned number) {
        const bool twice = (chosen.flags & fails_twice) != 0 && number == chosen.failing + 2U;
        const bool failing = chosen.failing != 255 && (number == chosen.failing || twice);
        lost_write = lost_write || (failing && what == step::write);
        return failing;
    };
    if (chosen.ending == 3 && rig.session().next() == step::ask) rig.session().on_early_input();
    outcome result{rig.start(), {}, false, false};
    const auto size = read_size(chosen, octets.size());
    for (std::size_t at = 0; at < octets.size() && !rig.closed(); at += size) {
        const std::string read(octets.substr(at, size)); // of its own, so that a read beyond it is seen
        result.received += rig.feed(read);
    }
    result.received += end_of(rig, chosen);
    result.closed = rig.closed();
    const auto said = check_output(result.received);
    result.group_broken = said.group_broken;
    check_messages(rig, said.acknowledged, lost_write);
    for (const auto& message : rig.messages()) result.bodies.push_back(message.body);
    return result;
}

// The same octets cut in two other ways: the same replies and messages, unless a group rule or the numbering
// of failing steps depends on how they came.
void check_cutting(choices chosen, std::string_view octets) {
    chosen.failing = 255;
    chosen.cutting = 1;
    const auto by_octets = converse(chosen, octets);
    for (const std::uint8_t cutting : {std::uint8_t{0}, std::uint8_t{7}}) {
        chosen.cutting = cutting;
        const auto other = converse(chosen, octets);
        if (other.group_broken || by_octets.group_broken) continue;
        require(other.bodies == by_octets.bodies);
        require(other.received == by_octets.received);
        require(other.closed == by_octets.closed);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < choices_size || size > 8192) return 0;
    const choices chosen{data[0], data[1], data[2], static_cast<std::uint8_t>(data[3] % 4)};
    const auto octets = as_text(data + choices_size, size - choices_size);
    converse(chosen, octets);
    check_cutting(chosen, octets);
    return 0;
}
