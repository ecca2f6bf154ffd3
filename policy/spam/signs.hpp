// The signs that test 8 weighs: what each is called, of what kind it is, and what it weighs unless the
// configuration says otherwise. The scanner sees most of them in a message and answers with their numbers
// (protocol/scan/report.hpp); those of the server come from what it knows of the transaction. Numbers travel
// between two programs of one version and are stored nowhere.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace postern::policy::spam {

// Signs of one kind are often several faces of one fact, so no kind may decide alone (score.hpp).
enum class sign_kind : std::uint8_t { header, sender, subject, body, phrase, learned };
inline constexpr std::size_t sign_kind_count = 6;

enum class seen_by : std::uint8_t { scanner, server };

enum class sign : std::uint16_t {
    date_missing,
    date_malformed,
    date_ahead,
    date_past,
    message_id_missing,
    message_id_malformed,
    field_twice,
    recipients_undisclosed,
    recipients_many,
    mailer_bulk,
    mime_version_missing,
    priority_high,

    from_missing,
    from_malformed,
    from_several,
    from_name_is_address,
    reply_to_elsewhere,
    reply_to_freemail,
    envelope_elsewhere,
    client_nameless,
    spf_softfail,

    subject_missing,
    subject_capitals,
    subject_exclaims,
    subject_invisible,
    subject_mixed_scripts,
    subject_fake_reply,
    subject_spaced,

    html_only,
    html_hidden_text,
    html_link_elsewhere,
    html_picture_only,
    html_form,
    html_script,
    link_numeric,
    link_shortened,
    link_disguised,
    text_base64,
    text_missing,
    text_mixed_scripts,
    text_invisible,
};

struct sign_row {
    sign what = sign::date_missing;
    std::string_view name; // as X-Spam-Status and `spam.weight` write it
    sign_kind kind = sign_kind::header;
    seen_by where = seen_by::scanner;
    double weight = 0;
    std::string_view meaning; // one line, for operators
};

// In the order of the enum.
inline constexpr std::array sign_rows = std::to_array<sign_row>({
    {sign::date_missing, "DATE_MISSING", sign_kind::header, seen_by::scanner, 1.2, "there is no Date"},
    {sign::date_malformed, "DATE_MALFORMED", sign_kind::header, seen_by::scanner, 1.0,
     "Date is no date (RFC 5322 §3.3)"},
    {sign::date_ahead, "DATE_AHEAD", sign_kind::header, seen_by::scanner, 1.5,
     "Date lies more than a day ahead"},
    {sign::date_past, "DATE_PAST", sign_kind::header, seen_by::scanner, 0.8,
     "Date lies more than ten days back"},
    {sign::message_id_missing, "MESSAGE_ID_MISSING", sign_kind::header, seen_by::scanner, 1.0,
     "there is no Message-ID"},
    {sign::message_id_malformed, "MESSAGE_ID_MALFORMED", sign_kind::header, seen_by::scanner, 0.8,
     "Message-ID is not <left@right>"},
    {sign::field_twice, "FIELD_TWICE", sign_kind::header, seen_by::scanner, 1.0,
     "a field that RFC 5322 §3.6 allows once stands there twice"},
    {sign::recipients_undisclosed, "RECIPIENTS_UNDISCLOSED", sign_kind::header, seen_by::scanner, 0.8,
     "neither To nor Cc names anybody"},
    {sign::recipients_many, "RECIPIENTS_MANY", sign_kind::header, seen_by::scanner, 0.8,
     "To and Cc name fifty or more"},
    {sign::mailer_bulk, "MAILER_BULK", sign_kind::header, seen_by::scanner, 2.0,
     "X-Mailer names a program that is sold for junk"},
    {sign::mime_version_missing, "MIME_VERSION_MISSING", sign_kind::header, seen_by::scanner, 0.5,
     "there is a Content-Type but no MIME-Version"},
    {sign::priority_high, "PRIORITY_HIGH", sign_kind::header, seen_by::scanner, 0.3,
     "the message calls itself urgent"},

    {sign::from_missing, "FROM_MISSING", sign_kind::sender, seen_by::scanner, 1.5, "there is no From"},
    {sign::from_malformed, "FROM_MALFORMED", sign_kind::sender, seen_by::scanner, 1.5,
     "no address can be read in From"},
    {sign::from_several, "FROM_SEVERAL", sign_kind::sender, seen_by::scanner, 1.0,
     "From names several addresses"},
    {sign::from_name_is_address, "FROM_NAME_IS_ADDRESS", sign_kind::sender, seen_by::scanner, 2.0,
     "the name in From is an address of another domain"},
    {sign::reply_to_elsewhere, "REPLY_TO_ELSEWHERE", sign_kind::sender, seen_by::scanner, 0.6,
     "Reply-To is of another domain than From"},
    {sign::reply_to_freemail, "REPLY_TO_FREEMAIL", sign_kind::sender, seen_by::scanner, 1.2,
     "Reply-To is at a free mail provider, and not the one of From"},
    {sign::envelope_elsewhere, "ENVELOPE_ELSEWHERE", sign_kind::sender, seen_by::server, 0.4,
     "the envelope sender is of another domain than From"},
    {sign::client_nameless, "CLIENT_NAMELESS", sign_kind::sender, seen_by::server, 0.8,
     "the client's address has no name that leads back to it"},
    {sign::spf_softfail, "SPF_SOFTFAIL", sign_kind::sender, seen_by::server, 1.0,
     "SPF says softfail, or a fail that only was reported"},

    {sign::subject_missing, "SUBJECT_MISSING", sign_kind::subject, seen_by::scanner, 0.7,
     "there is no Subject, or nothing in it"},
    {sign::subject_capitals, "SUBJECT_CAPITALS", sign_kind::subject, seen_by::scanner, 1.0,
     "Subject is in capitals"},
    {sign::subject_exclaims, "SUBJECT_EXCLAIMS", sign_kind::subject, seen_by::scanner, 0.8,
     "Subject has three or more exclamation, question or currency marks"},
    {sign::subject_invisible, "SUBJECT_INVISIBLE", sign_kind::subject, seen_by::scanner, 1.8,
     "Subject has characters that nobody sees"},
    {sign::subject_mixed_scripts, "SUBJECT_MIXED_SCRIPTS", sign_kind::subject, seen_by::scanner, 2.0,
     "a word of Subject mixes Latin with Cyrillic or Greek letters"},
    {sign::subject_fake_reply, "SUBJECT_FAKE_REPLY", sign_kind::subject, seen_by::scanner, 0.8,
     "Subject begins with Re: but nothing says what it answers"},
    {sign::subject_spaced, "SUBJECT_SPACED", sign_kind::subject, seen_by::scanner, 1.5,
     "Subject has a word that is s p a c e d out"},

    {sign::html_only, "HTML_ONLY", sign_kind::body, seen_by::scanner, 0.6, "there is HTML but no plain text"},
    {sign::html_hidden_text, "HTML_HIDDEN_TEXT", sign_kind::body, seen_by::scanner, 1.8,
     "much text is hidden by its style"},
    {sign::html_link_elsewhere, "HTML_LINK_ELSEWHERE", sign_kind::body, seen_by::scanner, 2.0,
     "a link shows another domain than the one it leads to"},
    {sign::html_picture_only, "HTML_PICTURE_ONLY", sign_kind::body, seen_by::scanner, 1.0,
     "there are pictures and next to no text"},
    {sign::html_form, "HTML_FORM", sign_kind::body, seen_by::scanner, 1.2, "there is a form to fill in"},
    {sign::html_script, "HTML_SCRIPT", sign_kind::body, seen_by::scanner, 1.0, "there is a script"},
    {sign::link_numeric, "LINK_NUMERIC", sign_kind::body, seen_by::scanner, 1.8,
     "a link leads to an address instead of a name"},
    {sign::link_shortened, "LINK_SHORTENED", sign_kind::body, seen_by::scanner, 0.7,
     "a link leads through a link shortener"},
    {sign::link_disguised, "LINK_DISGUISED", sign_kind::body, seen_by::scanner, 1.5,
     "a link writes something before an @ or percent signs into its host"},
    {sign::text_base64, "TEXT_BASE64", sign_kind::body, seen_by::scanner, 0.8,
     "text in ASCII alone is hidden in base64"},
    {sign::text_missing, "TEXT_MISSING", sign_kind::body, seen_by::scanner, 0.8,
     "there is a file but no text"},
    {sign::text_mixed_scripts, "TEXT_MIXED_SCRIPTS", sign_kind::body, seen_by::scanner, 1.8,
     "three or more words mix Latin with Cyrillic or Greek letters"},
    {sign::text_invisible, "TEXT_INVISIBLE", sign_kind::body, seen_by::scanner, 1.2,
     "ten or more characters that nobody sees stand within words"},
});

consteval bool rows_follow_enum() {
    for (std::size_t at = 0; at < sign_rows.size(); ++at)
        if (static_cast<std::size_t>(sign_rows[at].what) != at) return false;
    return sign_rows.size() == static_cast<std::size_t>(sign::text_invisible) + 1;
}
static_assert(rows_follow_enum());

constexpr const sign_row& row_of(sign what) { return sign_rows[static_cast<std::size_t>(what)]; }

// nullptr: a scanner's number that stands for nothing.
constexpr const sign_row* find_sign(std::uint16_t number) {
    return number < sign_rows.size() ? &sign_rows[number] : nullptr;
}
constexpr const sign_row* find_sign(std::string_view name) {
    for (const auto& row : sign_rows)
        if (row.name == name) return &row;
    return nullptr;
}

constexpr std::string_view name_of(sign_kind kind) {
    constexpr std::array<std::string_view, sign_kind_count> names{"header", "sender", "subject",
                                                                  "body",   "phrase", "learned"};
    return names[static_cast<std::size_t>(kind)];
}

} // namespace postern::policy::spam
