#include "policy/spam/score.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace postern::policy::spam;
using postern::protocol::scan::facts;

facts with(std::initializer_list<sign> signs) {
    facts made;
    for (const auto one : signs) made.signs.push_back(static_cast<std::uint16_t>(one));
    return made;
}

facts with_all_of(sign_kind kind) {
    facts made;
    for (const auto& row : sign_rows)
        if (row.kind == kind) made.signs.push_back(static_cast<std::uint16_t>(row.what));
    return made;
}

score_terms heavy() {
    score_terms terms;
    terms.weights.fill(100);
    return terms;
}

TEST_CASE("one sign never makes junk, whatever it weighs") {
    for (const auto& row : sign_rows) {
        CAPTURE(row.name);
        const auto made = weigh(with({row.what}), {}, heavy());
        CHECK(made.result == judgement::clean);
        CHECK(made.points < 6);
    }
    circumstances learned;
    learned.junk_likelihood = 1.0;
    CHECK(weigh({}, learned, {}).result == judgement::clean);
}

TEST_CASE("one kind of sign never makes junk, however many they are") {
    for (std::size_t kind = 0; kind < sign_kind_count; ++kind) {
        const auto made = weigh(with_all_of(static_cast<sign_kind>(kind)), {}, heavy());
        CHECK(made.result == judgement::clean);
        CHECK(made.points <= 4.5);
    }
    score_terms phrases;
    facts about;
    for (std::uint16_t at = 0; at < 50; ++at) {
        phrases.phrases.push_back({{"x", {}}, 5});
        about.phrases.push_back(at);
    }
    CHECK(weigh(about, {}, phrases).points == Approx(4.5));
}

TEST_CASE("two signs of two kinds are too few, three are enough") {
    auto two = with({sign::date_missing, sign::from_missing});
    CHECK(weigh(two, {}, heavy()).points == Approx(5.9));
    CHECK(weigh(two, {}, heavy()).result == judgement::clean);
    const auto three = with({sign::date_missing, sign::message_id_missing, sign::from_missing});
    CHECK(weigh(three, {}, heavy()).result == judgement::junk);
    CHECK(weigh(three, {}, heavy()).points == Approx(9.0));
    score_terms light = heavy();
    light.weights[static_cast<std::size_t>(sign::message_id_missing)] = 0.2; // adds, but doesn't count
    CHECK(weigh(three, {}, light).result == judgement::clean);
}

TEST_CASE("the same sign said twice counts once") {
    const auto twice = with({sign::date_missing, sign::date_missing, sign::from_missing, sign::from_missing});
    CHECK(weigh(twice, {}, heavy()).result == judgement::clean);
}

TEST_CASE("four kinds are needed to reach what is refused by default") {
    facts about = with_all_of(sign_kind::header);
    const auto add = [&](sign_kind kind) {
        for (const auto number : with_all_of(kind).signs) about.signs.push_back(number);
    };
    add(sign_kind::sender);
    add(sign_kind::subject);
    CHECK(weigh(about, {}, heavy()).result == judgement::junk);
    add(sign_kind::body);
    CHECK(weigh(about, {}, heavy()).result == judgement::reject);
}

TEST_CASE("a scanner's numbers that stand for nothing are passed over, and it can't speak for the server") {
    facts about;
    about.signs = {65535, static_cast<std::uint16_t>(sign_rows.size()),
                   static_cast<std::uint16_t>(sign::spf_softfail)};
    about.phrases = {0, 7, 65535};
    CHECK(weigh(about, {}, {}).signs.empty());
}

TEST_CASE("what the server knows adds its signs") {
    facts about;
    about.authors = {"Jana@Example.ORG"};
    circumstances around;
    around.sender_domain = "other.test";
    around.client_has_name = false;
    around.spf_softfail = true;
    const auto made = weigh(about, around, {});
    REQUIRE(made.signs.size() == 3);
    CHECK(made.signs[0].name == "SPF_SOFTFAIL");
    CHECK(made.points == Approx(2.2));
    for (const auto domain : {"", "example.org", "mail.example.org", "EXAMPLE.org"}) {
        circumstances fitting;
        fitting.sender_domain = domain;
        CHECK(weigh(about, fitting, {}).signs.empty());
    }
    circumstances near;
    near.sender_domain = "notexample.org";
    CHECK(weigh(about, near, {}).signs.size() == 1);
}

TEST_CASE("what was learned speaks for a message and against it") {
    const auto points = [](double likelihood) {
        circumstances around;
        around.junk_likelihood = likelihood;
        return weigh({}, around, {}).points;
    };
    CHECK(points(1.0) == Approx(4.0));
    CHECK(points(0.9) == Approx(2.0));
    CHECK(points(0.5) == Approx(0.0));
    CHECK(points(0.1) == Approx(-1.5));
    CHECK(points(0.0) == Approx(-3.5));
    const auto junk = with({sign::date_missing, sign::message_id_missing, sign::from_missing});
    circumstances wanted;
    wanted.junk_likelihood = 0.0;
    CHECK(weigh(junk, wanted, heavy()).result == judgement::clean);
}

TEST_CASE("the header says what was found, the heaviest first, in lines that are short") {
    const auto made = weigh(with({sign::date_missing, sign::message_id_missing, sign::from_missing}), {}, {});
    CHECK(spam_fields(made) == "X-Spam-Status: No, score=3.7 required=6.0 tests=FROM_MISSING=1.5,\r\n"
                               "\tDATE_MISSING=1.2,MESSAGE_ID_MISSING=1.0\r\n");
    CHECK(cause_text(made) == "score 3.7 of 6.0: FROM_MISSING 1.5, DATE_MISSING 1.2, MESSAGE_ID_MISSING 1.0");
    CHECK(spam_fields(weigh({}, {}, {})) == "X-Spam-Status: No, score=0.0 required=6.0 tests=none\r\n");
    facts all;
    for (std::uint16_t at = 0; at < sign_rows.size(); ++at) all.signs.push_back(at);
    const auto fields = spam_fields(weigh(all, {}, heavy()));
    CHECK(fields.starts_with("X-Spam-Status: Yes, score=18.0 required=6.0 tests="));
    CHECK(fields.ends_with("\r\nX-Spam-Flag: YES\r\n"));
    for (std::size_t at = 0; at < fields.size();) {
        const auto end = fields.find("\r\n", at);
        CHECK(end - at + (fields[at] == '\t' ? 7 : 0) <= 78);
        at = end + 2;
    }
}

TEST_CASE("another engine's score is taken as it is") {
    CHECK(score_of_engine(15, {{"GTUBE", sign_kind::body, 0}}, {}).result == judgement::reject);
    CHECK(score_of_engine(6, {}, {}).result == judgement::junk);
    CHECK(score_of_engine(5.99, {}, {}).result == judgement::clean);
}

TEST_CASE("names of signs are unlike each other, and fit into a header") {
    for (const auto& row : sign_rows) {
        CAPTURE(row.name);
        CHECK(find_sign(row.name) == &row);
        CHECK(row.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos);
        CHECK(row.name.size() <= 30);
        CHECK(row.weight >= sign_least);
    }
    CHECK(find_sign("NO_SUCH") == nullptr);
}

} // namespace
