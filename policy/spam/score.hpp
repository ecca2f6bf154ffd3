// Facts weighed: how much a message looks like junk, and why. Pure; what a score leads to is for others.
//
// The rule that keeps one odd thing from costing anybody a letter, in three parts:
//   1. The signs of one kind (signs.hpp) add up to three quarters of junk_score at the most.
//   2. A message is junk only when it shows three signs or more, of two kinds or more. A sign counts here
//   when it
//      weighs sign_least or more.
//   3. A message that doesn't meet 2 has less than junk_score, whatever its signs add up to.
// What speaks for a message (weights below zero) is taken off whole.
#pragma once

#include "policy/spam/signs.hpp"
#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::spam {

inline constexpr double kind_share = 0.75; // of junk_score
inline constexpr double sign_least = 0.3;
inline constexpr std::size_t signs_needed = 3, kinds_needed = 2;
inline constexpr double short_of_junk = 0.1; // how far below junk_score part 3 stays

struct weighed_phrase {
    protocol::scan::phrase phrase; // goes into the scanner's order, in this place
    double weight = 0;
};

// What the configuration says.
struct score_terms {
    double junk_score = 6, reject_score = 15;
    std::array<double, sign_rows.size()> weights = default_weights();
    std::vector<weighed_phrase> phrases; // those of the order that the facts answer to

    static constexpr std::array<double, sign_rows.size()> default_weights() {
        std::array<double, sign_rows.size()> made{};
        for (std::size_t at = 0; at < made.size(); ++at) made[at] = sign_rows[at].weight;
        return made;
    }
};

// What the server knows of a transaction beside the message.
struct circumstances {
    std::string sender_domain;             // of the envelope; "" = the empty sender
    bool client_has_name = true;           // reverse DNS that leads back
    bool spf_softfail = false;             // softfail, or a fail that was only reported
    std::optional<double> junk_likelihood; // bayes.hpp
};

struct shown_sign {
    std::string name; // "DATE_MISSING", "PHRASE_2" (the second one of the configuration), "LEARNED_99"
    sign_kind kind = sign_kind::header;
    double weight = 0;
};

enum class judgement : std::uint8_t { clean, junk, reject };

struct score {
    double points = 0;
    double junk_score = 0;
    judgement result = judgement::clean;
    std::vector<shown_sign> signs; // those that weigh something, the heaviest first
};

// Numbers in `about` that stand for nothing are passed over.
score weigh(const protocol::scan::facts& about, const circumstances& around, const score_terms& terms);
// Of another engine, whose score is believed as it is.
score score_of_engine(double points, std::vector<shown_sign> signs, const score_terms& terms);

// The value of X-Spam-Status, folded with CRLF and a tab, no line beyond 78 octets but for a long name:
// "Yes, score=7.2 required=6.0 tests=A=1.5,B=2.0". `name_octets`: of the field's name and colon.
std::string status_text(const score& of, std::size_t name_octets);
// "X-Spam-Status: ...", and "X-Spam-Flag: YES" for what is junk; each line with CRLF.
std::string spam_fields(const score& of);
// "score 7.2 of 6.0: A 1.5, B 2.0", for logs.
std::string cause_text(const score& of);

} // namespace postern::policy::spam
