// Each sign that the scanner sees: a message that shows it, and one nearly like it that doesn't.
#include "tests/unit/policy/content/collected.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace postern;
using policy::spam::sign;
using testing::facts_of;
using testing::shows;

constexpr std::int64_t noon = 1'772'366'400; // 2026-03-01 12:00:00 UTC

// A letter with nothing odd about it; a field given anew takes the old one's place, "-Name" takes it away.
std::string letter(const std::vector<std::string>& fields,
                   const std::string& body = "Good day,\n\nsee you.\n") {
    std::vector<std::string> all = {"Date: Sun, 1 Mar 2026 11:59:00 +0000",   "Message-ID: <a1@example.org>",
                                    "From: Jana <jana@example.org>",          "To: petr@example.com",
                                    "Subject: Minutes of the meeting",        "MIME-Version: 1.0",
                                    "Content-Type: text/plain; charset=utf-8"};
    const auto name_of = [](const std::string& field) { return field.substr(0, field.find(':') + 1); };
    for (const auto& one : fields) {
        const bool adds = one.front() == '+', takes = one.front() == '-';
        const auto name = takes ? one.substr(1) + ":" : name_of(one);
        if (!adds) std::erase_if(all, [&](const std::string& old) { return name_of(old) == name; });
        if (!takes) all.push_back(adds ? one.substr(1) : one);
    }
    std::string made;
    for (const auto& one : all) made += one + "\n";
    return made + "\n" + body;
}

std::string html(const std::string& body) {
    return letter({"Content-Type: text/html; charset=utf-8"}, "<html><body>" + body + "</body></html>\n");
}

const std::string long_text =
    "<p>The meeting is on Thursday at nine in the large room, please bring the printed plans with you.</p>";

struct pair_row {
    sign what;
    std::string with, without;
};

std::string many(std::size_t count) {
    std::string made = "To: p0@example.com";
    for (std::size_t at = 1; at < count; ++at) made += ",\n p" + std::to_string(at) + "@example.com";
    return made;
}

const pair_row rows[] = {
    {sign::date_missing, letter({"-Date"}), letter({})},
    {sign::date_malformed, letter({"Date: yesterday"}), letter({"Date: 1 Mar 26 11:59 GMT"})},
    {sign::date_ahead, letter({"Date: Tue, 3 Mar 2026 12:00:00 +0000"}),
     letter({"Date: Mon, 2 Mar 2026 01:00:00 +1400"})},
    {sign::date_past, letter({"Date: Sun, 15 Feb 2026 12:00:00 +0000"}),
     letter({"Date: Sun, 22 Feb 2026 12:00:00 +0000"})},
    {sign::message_id_missing, letter({"-Message-ID"}), letter({})},
    {sign::message_id_malformed, letter({"Message-ID: <12345>"}), letter({"Message-ID:\n <x.y@z.example>"})},
    {sign::field_twice, letter({"+Subject: again"}), letter({"+Received: a", "+Received: b"})},
    {sign::recipients_undisclosed, letter({"To: undisclosed-recipients:;"}),
     letter({"-To", "Cc: a@example.com"})},
    {sign::recipients_many, letter({many(50)}), letter({many(49)})},
    {sign::mailer_bulk, letter({"X-Mailer: SendBlaster 4.1"}), letter({"X-Mailer: Thunderbird 128"})},
    {sign::mime_version_missing, letter({"-MIME-Version"}), letter({"-MIME-Version", "-Content-Type"})},
    {sign::priority_high, letter({"X-Priority: 1 (Highest)"}), letter({"X-Priority: 3"})},
    {sign::from_missing, letter({"-From"}), letter({})},
    {sign::from_malformed, letter({"From: The Bank"}), letter({"From: bank@example.org (The Bank)"})},
    {sign::from_several, letter({"From: a@example.org, b@example.org"}),
     letter({"From: \"Novak, Jan\" <a@example.org>"})},
    {sign::from_name_is_address, letter({"From: \"info@bank.example\" <x@elsewhere.test>"}),
     letter({"From: \"jana@mail.example.org\" <jana@example.org>"})},
    {sign::reply_to_elsewhere, letter({"Reply-To: a@other.test"}), letter({"Reply-To: a@lists.example.org"})},
    {sign::reply_to_freemail, letter({"Reply-To: claims@gmail.com"}), letter({"Reply-To: a@other.test"})},
    {sign::subject_missing, letter({"Subject:  "}), letter({"Subject: x"})},
    {sign::subject_capitals, letter({"Subject: YOU HAVE WON A PRIZE"}), letter({"Subject: NATO and UNO"})},
    {sign::subject_exclaims, letter({"Subject: Now!! Only $5"}), letter({"Subject: Now! Only $5"})},
    {sign::subject_invisible, letter({"Subject: =?utf-8?q?inv=E2=80=8Boice?="}),
     letter({"Subject: =?utf-8?q?na=C2=ADhled_smlouvy?=", "-X"})},
    {sign::subject_mixed_scripts, letter({"Subject: =?utf-8?q?p=D0=B0ypal?="}),
     letter({"Subject: =?utf-8?q?mail_=D0=BF=D0=BE=D1=87=D1=82=D0=B0?="})},
    {sign::subject_fake_reply, letter({"Subject: Re: your order"}),
     letter({"Subject: Re: your order", "In-Reply-To: <b@example.com>"})},
    {sign::subject_spaced, letter({"Subject: v i a g r a here"}), letter({"Subject: a b c plan"})},
    {sign::html_only, html(long_text), letter({})},
    {sign::html_hidden_text,
     html("<div style='display: none'>" + std::string(400, 'x') + "</div>" + long_text),
     html("<div style='display: none'>" + std::string(100, 'x') + "</div>" + long_text)},
    {sign::html_link_elsewhere, html(long_text + "<a href='http://evil.test/'>https://www.bank.example</a>"),
     html(long_text + "<a href='http://login.bank.example/'>www.bank.example</a>")},
    {sign::html_picture_only, html("<img src='cid:a'>Click"), html("<img src='cid:a'>" + long_text)},
    {sign::html_form, html(long_text + "<form action='http://x.test/'><input></form>"), html(long_text)},
    {sign::html_script, html(long_text + "<script>var a = '<form>';</script>"), html(long_text)},
    {sign::link_numeric, letter({}, "http://192.0.2.7/pay\n"), letter({}, "http://pay7.example/192.0.2.7\n")},
    {sign::link_shortened, letter({}, "see https://bit.ly/x\n"), letter({}, "see https://orbit.ly/x\n")},
    {sign::link_disguised, html(long_text + "<a href='http://bank.example@evil.test/'>pay</a>"),
     html(long_text + "<a href='http://bank.example/@evil'>pay</a>")},
    {sign::text_base64, letter({"Content-Transfer-Encoding: base64"}, "aGVsbG8gd29ybGQ=\n"),
     letter({"Content-Transfer-Encoding: base64"}, "xb5lbMO9IGRlbg==\n")},
    {sign::text_missing, letter({"Content-Type: application/pdf"}, "%PDF\n"),
     letter({"Content-Type: image/png"}, "x\n")},
    {sign::text_mixed_scripts, letter({}, "\u0430ccount p\u0430yment s\u0435curity\n"),
     letter({}, "\u0430ccount payment security\n")},
    {sign::text_invisible,
     letter({}, "c\u200bl\u200ci\u200dc\u200bk\u200b c\u200bl\u200ci\u200dc\u200bk\u200bn\u200bo\u200bw\n"),
     letter({}, "c\u200blick the family \U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466\n")},
};

TEST_CASE("each sign of the scanner is seen where it is, and not where it nearly is") {
    for (const auto& row : rows) {
        CAPTURE(policy::spam::row_of(row.what).name);
        CHECK(shows(facts_of(row.with, {}, noon), row.what));
        CHECK_FALSE(shows(facts_of(row.without, {}, noon), row.what));
    }
}

TEST_CASE("every sign that the scanner may see stands in the test above") {
    for (const auto& row : policy::spam::sign_rows) {
        CAPTURE(row.name);
        const bool tested = std::any_of(std::begin(rows), std::end(rows),
                                        [&](const pair_row& one) { return one.what == row.what; });
        CHECK(tested == (row.where == policy::spam::seen_by::scanner));
    }
}

TEST_CASE("an ordinary letter shows no sign") { CHECK(facts_of(letter({}), {}, noon).signs.empty()); }

TEST_CASE("without a clock a date is held against the newest Received field") {
    const auto with = [](const std::string& when) {
        return letter({"+Received: by mx.example.net; " + when, "Date: Sun, 1 Mar 2026 11:59:00 +0000"});
    };
    CHECK(shows(facts_of(with("Fri, 27 Feb 2026 11:00:00 +0000")), sign::date_ahead));
    CHECK(shows(facts_of(with("Sun, 29 Mar 2026 11:00:00 +0000")), sign::date_past));
    CHECK(facts_of(with("Sun, 1 Mar 2026 12:00:01 +0000")).signs.empty());
    CHECK(facts_of(letter({"Date: Sun, 1 Mar 2099 11:59:00 +0000"})).signs.empty());
}

} // namespace
