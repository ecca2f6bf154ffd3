// SPF checks in a world that the input makes up: the first line is the sender, the second the HELO name, all
// others are TXT records; which name has which record, which hosts and which trouble follows from the name.
// The check ends, asks each question once and not too many, and comes to the same conclusion whatever is
// asked early and in whatever order it is answered; what it says can be shown.
#include "protocol/spf/header.hpp"

#include "tests/fuzz/split.hpp"

#include <algorithm>
#include <deque>
#include <set>

using namespace postern::protocol;
using namespace postern::protocol::spf;
using namespace postern::fuzz;

namespace {

struct world {
    query subject;
    std::vector<std::string> records;

    looked_up look_up(const dns_question& what) const;
};

std::uint64_t digest(std::string_view text, std::uint64_t state) {
    for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return state ^ (state >> 29U);
}

looked_up world::look_up(const dns_question& what) const {
    std::uint64_t chance =
        digest(what.name.key(), 0xcbf29ce484222325U + static_cast<std::uint64_t>(what.type));
    const auto draw = [&](std::uint64_t below) {
        chance = chance * 6364136223846793005U + 1442695040888963407U;
        return (chance >> 33U) % below;
    };
    looked_up made;
    made.state = draw(16) == 0  ? answer_state::failed
                 : draw(4) == 0 ? answer_state::absent
                                : answer_state::found;
    if (made.state != answer_state::found) return made;
    if (what.type == dns_type::txt && !records.empty()) {
        for (std::uint64_t i = draw(8) == 0 ? 2 : 1; i > 0; --i)
            made.records.texts.push_back(records[draw(records.size())]);
    } else if (what.type == dns_type::mx || what.type == dns_type::ptr) {
        for (std::uint64_t i = draw(13); i > 0; --i) {
            const dns_name host =
                *dns_name::parse(draw(9) == 0 ? "." : "h" + std::to_string(draw(40)) + ".a.test");
            made.records.exchangers.push_back({10, host});
            made.records.pointers.push_back(host);
        }
    } else {
        for (std::uint64_t i = draw(4); i > 0; --i) {
            std::array<std::uint8_t, 4> octets{192, 0, 2, static_cast<std::uint8_t>(draw(256))};
            made.records.addresses.push_back(draw(3) == 0 ? subject.client : ip_address::v4(octets));
        }
    }
    return made;
}

enum class order { as_stated, last_first, by_chance };

conclusion run(const world& here, early_questions early, order how) {
    evaluator machine(here.subject, early);
    std::deque<dns_question> open;
    std::set<std::pair<std::string, dns_type>> stated;
    std::uint64_t chance = 88172645463325252U;
    while (true) {
        const evaluator::step step = machine.next();
        if (step.done != nullptr) {
            require(step.questions.empty());
            return *step.done;
        }
        for (const auto& one : step.questions) {
            require(early == early_questions::ask || one.needed);
            require(stated.insert({one.what.name.key(), one.what.type}).second);
            open.push_back(one.what);
        }
        require(!open.empty() && stated.size() <= questions_max);
        chance = chance * 6364136223846793005U + 1442695040888963407U;
        const std::size_t place = how == order::as_stated    ? 0
                                  : how == order::last_first ? open.size() - 1
                                                             : (chance >> 33U) % open.size();
        const dns_question what = open[place];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
        machine.answer(what, here.look_up(what));
    }
}

void check_text(std::string_view text) {
    require(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> lines;
    const std::string_view input = as_text(data, std::min<std::size_t>(size, 20000));
    for (std::size_t from = 0; from <= input.size() && lines.size() < 12;) {
        lines.emplace_back(input.substr(from, input.find('\n', from) - from));
        from += lines.back().size() + 1;
    }
    if (lines.size() < 3) return 0;
    world here;
    const std::size_t at = std::min(lines[0].rfind('@'), lines[0].size());
    here.subject.local = lines[0].substr(0, at);
    here.subject.domain = lines[0].substr(std::min(at + 1, lines[0].size()));
    here.subject.helo = lines[1];
    here.subject.client = *ip_address::parse(digest(lines[0], 1) % 3 == 0 ? "2001:db8::1" : "192.0.2.1");
    here.records.assign(lines.begin() + 2, lines.end());

    const conclusion end = run(here, early_questions::none, order::as_stated);
    for (const order how : {order::as_stated, order::last_first, order::by_chance}) {
        require(run(here, early_questions::ask, how) == end);
        require(run(here, early_questions::none, how) == end);
    }
    require(end.lookup_terms <= lookup_terms_max + 1 && end.void_terms <= void_terms_max + 1);
    require(end.problem.empty() == (end.result != outcome::temperror && end.result != outcome::permerror));
    for (const std::string* text :
         {&end.explanation, &end.problem, &end.mechanism, &end.record_domain, &end.via})
        check_text(*text);
    const std::string field = received_spf_field(here.subject, end, "mx.test");
    require(field.ends_with("\r\n") && std::count(field.begin(), field.end(), '\n') <= 8);
    require(authentication_result(here.subject, end).find_first_of("\r\n") == std::string::npos);
    return 0;
}
