// A file of cases is made of sections. Each has a DNS of its own:
//
//   == what the section is about
//   @ example.com TXT v=spf1 a -all     a record: TXT, A, AAAA, PTR, MX (its host alone; in this order)
//   @ slow.example FAIL A               every look-up of that type fails; of every type, when none is named
//   > pass 192.0.2.1 user@example.com by=a terms=1 -- what the case shows
//
// A case is a result, the client, the sender ("<>" is the null one), and whatever else it asserts: by= the
// mechanism, in= the domain of the record, via=, terms= and voids= (as counted), questions= and rounds=
// (without early questions). helo= sets the name; else it is "client.helo.test". Backslash escapes and
// repetitions as unescaped() has them, in records and in every word of a case.
#include "tests/unit/protocol/spf/world.hpp"

#include <algorithm>
#include <deque>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace postern::tests {
namespace {

using namespace protocol;
using namespace protocol::spf;

const std::map<std::string, dns_type, std::less<>> types{{"A", dns_type::a},
                                                         {"AAAA", dns_type::aaaa},
                                                         {"MX", dns_type::mx},
                                                         {"PTR", dns_type::ptr},
                                                         {"TXT", dns_type::txt}};

dns_name name_of(const std::string& text) {
    auto name = dns_name::parse(text, dns_escapes::none);
    if (!name) throw std::runtime_error("no DNS name: " + text);
    return *name;
}

std::string rest_of(std::istream& line) {
    std::string rest;
    std::getline(line >> std::ws, rest);
    return unescaped(rest);
}

ip_address address_of(const std::string& text) {
    const auto address = ip_address::parse(text);
    if (!address) throw std::runtime_error("no address: " + text);
    return *address;
}

} // namespace

std::string unescaped(std::string_view text) {
    std::string made;
    while (!text.empty()) {
        if (text.starts_with("<<")) {
            const std::size_t star = text.find('*');
            const std::size_t end = text.find(">>", star);
            const std::string piece = unescaped(text.substr(star + 1, end - star - 1));
            for (int i = std::stoi(std::string(text.substr(2, star - 2))); i > 0; --i) made += piece;
            text.remove_prefix(end + 2);
        } else if (text.starts_with("\\x")) {
            made += static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16));
            text.remove_prefix(4);
        } else {
            made += text.front();
            text.remove_prefix(1);
        }
    }
    return made;
}

void spf_world::add(std::string_view line) {
    std::istringstream words{std::string(line)};
    std::string name, type;
    words >> name >> type;
    name = unescaped(name);
    const std::string value = rest_of(words);
    if (type == "FAIL") {
        for (const auto& [word, one] : types)
            if (value.empty() || value == word)
                answers_[{name_of(name).key(), one}].state = answer_state::failed;
        return;
    }
    const dns_type kind = types.at(type);
    looked_up& answer = answers_[{name_of(name).key(), kind}];
    answer.state = answer_state::found;
    switch (kind) {
    case dns_type::a:
    case dns_type::aaaa: answer.records.addresses.push_back(address_of(value)); break;
    case dns_type::mx: answer.records.exchangers.push_back({10, name_of(value)}); break;
    case dns_type::ptr: answer.records.pointers.push_back(name_of(value)); break;
    case dns_type::txt: answer.records.texts.push_back(value); break;
    case dns_type::srv:
    case dns_type::tlsa: break;
    }
}

looked_up spf_world::look_up(const dns_question& what) const {
    const auto at = answers_.find({what.name.key(), what.type});
    return at == answers_.end() ? looked_up{} : at->second;
}

spf_run run_spf(const spf_world& world, const query& subject, drive how) {
    const bool early = how != drive::needed_only && how != drive::newest_first;
    const bool together = how == drive::needed_only || how == drive::early_together;
    evaluator machine(subject, early ? early_questions::ask : early_questions::none);
    spf_run run;
    std::deque<evaluator::asked> open;
    while (true) {
        const evaluator::step step = machine.next();
        if (step.done != nullptr) {
            run.end = *step.done;
            return run;
        }
        open.insert(open.end(), step.questions.begin(), step.questions.end());
        run.questions += step.questions.size();
        ++run.rounds;
        if (open.empty()) throw std::runtime_error("the evaluator waits for nothing");
        if (run.questions > questions_max) throw std::runtime_error("too many questions");
        auto chosen = open.begin();
        if (how == drive::newest_first || how == drive::early_newest) chosen = std::prev(open.end());
        if (how == drive::early_needed_last) {
            chosen = std::find_if(open.begin(), open.end(), [](const auto& one) { return !one.needed; });
            if (chosen == open.end()) chosen = open.begin();
        }
        if (together) {
            for (const auto& one : open) machine.answer(one.what, world.look_up(one.what));
            open.clear();
        } else {
            machine.answer(chosen->what, world.look_up(chosen->what));
            open.erase(chosen);
        }
    }
}

query spf_query(std::string_view client, std::string_view sender, std::string_view helo) {
    query made{.client = address_of(std::string(client)), .helo = unescaped(helo), .local = {}, .domain = {}};
    if (sender == "<>") return made;
    const std::string whole = unescaped(sender);
    const std::size_t at = whole.rfind('@');
    if (at != std::string::npos) made.local = whole.substr(0, at);
    made.domain = whole.substr(at + 1);
    return made;
}

std::vector<spf_case> read_spf_cases(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("no file " + path);
    std::vector<spf_case> cases;
    auto world = std::make_shared<spf_world>();
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        if (line.empty() || line.front() == '#') continue;
        const std::string file_line = path.substr(path.rfind('/') + 1) + ":" + std::to_string(number);
        if (line.starts_with("== ")) {
            world = std::make_shared<spf_world>();
        } else if (line.starts_with("@ ")) {
            world->add(std::string_view(line).substr(2));
        } else if (line.starts_with("> ")) {
            const std::size_t title = line.find(" -- ");
            if (title == std::string::npos) throw std::runtime_error(file_line + ": a case without a title");
            std::istringstream words(line.substr(2, title - 2));
            spf_case made{.file_line = file_line,
                          .title = line.substr(title + 4),
                          .world = world,
                          .subject = {},
                          .result = {},
                          .also = {}};
            std::string client, sender, word;
            words >> made.result >> client >> sender;
            std::string helo = "client.helo.test";
            while (words >> word) {
                const std::size_t sign = word.find('=');
                const std::string key = word.substr(0, sign);
                (key == "helo" ? helo : made.also[key]) = unescaped(word.substr(sign + 1));
            }
            made.subject = spf_query(client, sender, helo);
            cases.push_back(std::move(made));
        } else {
            throw std::runtime_error(file_line + ": neither a section, a record nor a case");
        }
    }
    return cases;
}

} // namespace postern::tests
