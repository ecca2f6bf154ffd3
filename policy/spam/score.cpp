#include "policy/spam/score.hpp"

#include <algorithm>
#include <bitset>
#include <fmt/format.h>

namespace postern::policy::spam {
namespace {

constexpr std::size_t line_max = 78;        // RFC 5322 §2.1.1
constexpr std::size_t signs_told_max = 100; // in a header or a log line

struct likelihood_row {
    double from; // this likelihood on
    std::string_view name;
    double weight;
};

// Wanted mail that looks like junk costs more than the reverse, so the weights are not the same on both
// sides.
constexpr likelihood_row likelihoods[] = {
    {0.99, "LEARNED_99", 4.0},  {0.95, "LEARNED_95", 3.0},  {0.80, "LEARNED_80", 2.0},
    {0.60, "LEARNED_60", 0.8},  {0.40, "LEARNED_50", 0.0},  {0.20, "LEARNED_20", -0.5},
    {0.05, "LEARNED_05", -1.5}, {0.01, "LEARNED_01", -2.5}, {0.00, "LEARNED_00", -3.5},
};

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& c : made) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return made;
}

// One is the other, or lies below it: "mail.example.com" sends for "example.com".
bool is_related(std::string_view a, std::string_view b) {
    if (a.size() < b.size()) std::swap(a, b);
    return a == b || (a.ends_with(b) && a[a.size() - b.size() - 1] == '.');
}

bool is_elsewhere(const protocol::scan::facts& about, const circumstances& around) {
    if (around.sender_domain.empty() || about.authors.empty()) return false;
    const auto is_near = [&](const std::string& author) {
        return is_related(lower(std::string_view(author).substr(author.rfind('@') + 1)),
                          lower(around.sender_domain));
    };
    return std::none_of(about.authors.begin(), about.authors.end(), is_near);
}

class weigher {
  public:
    weigher(const protocol::scan::facts& about, const circumstances& around, const score_terms& terms)
        : about_(about), around_(around), terms_(terms) {}

    std::vector<shown_sign> run() {
        for (const auto number : about_.signs)
            if (const auto* row = find_sign(number); row != nullptr && row->where == seen_by::scanner)
                add(row->what);
        if (is_elsewhere(about_, around_)) add(sign::envelope_elsewhere);
        if (!around_.client_has_name) add(sign::client_nameless);
        if (around_.spf_softfail) add(sign::spf_softfail);
        for (const auto index : about_.phrases)
            if (index < terms_.phrases.size())
                add(fmt::format("PHRASE_{}", index + 1), sign_kind::phrase, terms_.phrases[index].weight);
        if (around_.junk_likelihood) add_learned(*around_.junk_likelihood);
        return std::move(shown_);
    }

  private:
    void add(sign what) {
        const auto& row = row_of(what);
        add(std::string(row.name), row.kind, terms_.weights[static_cast<std::size_t>(what)]);
    }
    // A scanner that was taken over may say everything twice.
    void add(std::string name, sign_kind kind, double weight) {
        const auto same = [&](const shown_sign& one) { return one.name == name; };
        if (weight == 0 || std::any_of(shown_.begin(), shown_.end(), same)) return;
        shown_.push_back({std::move(name), kind, weight});
    }
    void add_learned(double likelihood) {
        for (const auto& row : likelihoods)
            if (likelihood >= row.from) return add(std::string(row.name), sign_kind::learned, row.weight);
    }

    const protocol::scan::facts& about_;
    const circumstances& around_;
    const score_terms& terms_;
    std::vector<shown_sign> shown_;
};

double bounded_sum(const std::vector<shown_sign>& signs, double junk_score) {
    std::array<double, sign_kind_count> against{};
    double points = 0;
    for (const auto& one : signs) {
        if (one.weight > 0)
            against[static_cast<std::size_t>(one.kind)] += one.weight;
        else
            points += one.weight;
    }
    for (const double sum : against) points += std::min(sum, junk_score * kind_share);
    return points;
}

bool are_different_enough(const std::vector<shown_sign>& signs) {
    std::bitset<sign_kind_count> kinds;
    std::size_t count = 0;
    for (const auto& one : signs) {
        if (one.weight < sign_least) continue;
        ++count;
        kinds.set(static_cast<std::size_t>(one.kind));
    }
    return count >= signs_needed && kinds.count() >= kinds_needed;
}

judgement judge(double points, const score_terms& terms) {
    if (points < terms.junk_score) return judgement::clean;
    return points < terms.reject_score ? judgement::junk : judgement::reject;
}

void sort(std::vector<shown_sign>& signs) {
    std::sort(signs.begin(), signs.end(), [](const shown_sign& a, const shown_sign& b) {
        return a.weight != b.weight ? a.weight > b.weight : a.name < b.name;
    });
}

} // namespace

score weigh(const protocol::scan::facts& about, const circumstances& around, const score_terms& terms) {
    score made;
    made.signs = weigher(about, around, terms).run();
    made.junk_score = terms.junk_score;
    made.points = bounded_sum(made.signs, terms.junk_score);
    if (!are_different_enough(made.signs))
        made.points = std::min(made.points, terms.junk_score - short_of_junk);
    made.result = judge(made.points, terms);
    sort(made.signs);
    return made;
}

score score_of_engine(double points, std::vector<shown_sign> signs, const score_terms& terms) {
    score made;
    made.points = points;
    made.junk_score = terms.junk_score;
    made.result = judge(points, terms);
    made.signs = std::move(signs);
    sort(made.signs);
    return made;
}

std::string status_text(const score& of, std::size_t name_octets) {
    std::string text = fmt::format("{}, score={:.1f} required={:.1f}",
                                   of.result == judgement::clean ? "No" : "Yes", of.points, of.junk_score);
    std::size_t column = name_octets + 1 + text.size();
    const auto put = [&](std::string_view word, std::string_view before) {
        const bool fits = column + before.size() + word.size() + 1 <= line_max; // a comma may follow
        if (!fits) {
            // A comma stays on its line; a blank becomes the fold.
            if (before == ",") text += ',';
            text += "\r\n\t";
            column = 8;
        } else {
            text += before;
            column += before.size();
        }
        text += word;
        column += word.size();
    };
    if (of.signs.empty()) {
        put("tests=none", " ");
        return text;
    }
    for (std::size_t at = 0; at < std::min(of.signs.size(), signs_told_max); ++at) {
        const auto& one = of.signs[at];
        const auto word = fmt::format("{}{}={:.1f}", at == 0 ? "tests=" : "", one.name, one.weight);
        put(word, at == 0 ? " " : ",");
    }
    return text;
}

std::string spam_fields(const score& of) {
    constexpr std::string_view status = "X-Spam-Status:";
    std::string fields = fmt::format("{} {}\r\n", status, status_text(of, status.size()));
    if (of.result != judgement::clean) fields += "X-Spam-Flag: YES\r\n";
    return fields;
}

std::string cause_text(const score& of) {
    std::string text = fmt::format("score {:.1f} of {:.1f}", of.points, of.junk_score);
    for (std::size_t at = 0; at < std::min(of.signs.size(), signs_told_max); ++at)
        text += fmt::format("{} {} {:.1f}", at == 0 ? ":" : ",", of.signs[at].name, of.signs[at].weight);
    return text;
}

} // namespace postern::policy::spam
