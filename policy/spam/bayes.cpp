#include "policy/spam/bayes.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace postern::policy::spam {
namespace {

constexpr double strength = 0.3;   // of the assumption below, in messages
constexpr double unknown = 0.5;    // what a word says that was met once or never
constexpr double says_least = 0.1; // how far from 0.5 a word must lie to be weighed

double estimate(const word_counts& word, const word_counts& learned) {
    const double in_spam = std::min(1.0, static_cast<double>(word.spam) / static_cast<double>(learned.spam));
    const double in_ham = std::min(1.0, static_cast<double>(word.ham) / static_cast<double>(learned.ham));
    const double both = static_cast<double>(word.spam) + static_cast<double>(word.ham);
    const double share = in_spam / (in_spam + in_ham);
    return (strength * unknown + both * share) / (strength + both);
}

// That a chi-square of `pairs` times two degrees of freedom is twice `half` or more. In logarithms: the terms
// are too small for numbers, their sum is not.
double chi_square_tail(double half, std::size_t pairs) {
    double log_term = -half, sum = std::exp(log_term);
    for (std::size_t at = 1; at < pairs; ++at) {
        log_term += std::log(half / static_cast<double>(at));
        sum += std::exp(log_term);
    }
    return std::min(sum, 1.0);
}

} // namespace

std::optional<double> junk_likelihood(std::span<const word_counts> words, const word_counts& learned) {
    if (learned.spam < learned_least || learned.ham < learned_least) return std::nullopt;
    std::vector<double> says;
    std::size_t known = 0;
    for (const auto& word : words) {
        if (word.spam == 0 && word.ham == 0) continue;
        ++known;
        const double one = estimate(word, learned);
        if (std::abs(one - unknown) >= says_least) says.push_back(one);
    }
    if (known < words_least) return std::nullopt;
    if (says.empty()) return unknown;
    const auto further = [](double a, double b) { return std::abs(a - unknown) > std::abs(b - unknown); };
    std::sort(says.begin(), says.end(), further);
    says.resize(std::min(says.size(), words_most));
    double spam = 0, ham = 0; // logarithms of products
    for (const double one : says) {
        spam -= std::log(one);
        ham -= std::log(1 - one);
    }
    // Each tells how well the words fit to pure chance on one side: small = they don't.
    const double not_ham = chi_square_tail(spam, says.size());
    const double not_spam = chi_square_tail(ham, says.size());
    return (1 + not_ham - not_spam) / 2;
}

} // namespace postern::policy::spam
