#include "policy/content/header_signs.hpp"

#include "policy/content/folded_text.hpp"
#include "policy/content/links.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <array>

namespace postern::policy::content {
namespace {

using spam::sign;

constexpr std::int64_t day = 86400;
constexpr std::int64_t ahead_max = day;     // clocks and zones go wrong by hours
constexpr std::int64_t past_max = 10 * day; // queues give up after five days
constexpr std::size_t recipients_many = 50;
constexpr unsigned marks_many = 3;
constexpr std::size_t capitals_least = 10; // letters, below which capitals say nothing

constexpr std::string_view bulk_mailers[] = {
    "atomic mail sender", "advanced mass sender", "massmail",        "mass mailer",       "sendblaster",
    "xmailer lite",       "dark mailer",          "darkmailer",      "leaf phpmailer",    "leafmailer",
    "gammadyne",          "group mail",           "ultimate mailer", "inbox mass mailer",
};

class header_reader {
  public:
    header_reader(const std::vector<mail_field>& fields, std::int64_t now) : fields_(fields), now_(now) {}

    header_facts run() {
        look_at_date();
        look_at_message_id();
        look_at_repeats();
        look_at_recipients();
        look_at_the_rest();
        look_at_author();
        look_at_reply_to();
        look_at_subject();
        return std::move(made_);
    }

  private:
    void add(sign what) { made_.signs.push_back(what); }
    void add_if(bool is_so, sign what) {
        if (is_so) add(what);
    }
    const std::string* find(std::string_view name) const {
        const auto at = std::find_if(fields_.begin(), fields_.end(),
                                     [&](const mail_field& one) { return one.name == name; });
        return at == fields_.end() ? nullptr : &at->value;
    }

    void look_at_date() {
        const auto* value = find("date");
        if (value == nullptr) return add(sign::date_missing);
        const auto date = read_mail_date(*value);
        if (!date) return add(sign::date_malformed);
        const auto when = now_ != 0 ? std::optional(now_) : last_received();
        if (!when) return;
        add_if(*date > *when + ahead_max, sign::date_ahead);
        add_if(*date < *when - past_max, sign::date_past);
    }
    std::optional<std::int64_t> last_received() const {
        const auto* value = find("received");
        if (value == nullptr) return std::nullopt;
        const auto semicolon = value->rfind(';');
        if (semicolon == std::string::npos) return std::nullopt;
        return read_mail_date(std::string_view(*value).substr(semicolon + 1));
    }
    // RFC 5322 §3.6.4
    void look_at_message_id() {
        const auto* value = find("message-id");
        if (value == nullptr) return add(sign::message_id_missing);
        const auto at = value->find('@');
        const bool framed = value->size() > 4 && value->starts_with('<') && value->ends_with('>');
        const bool sound = framed && at != std::string::npos && at > 1 && at + 2 < value->size() &&
                           value->find_first_of(" \t") == std::string::npos;
        add_if(!sound, sign::message_id_malformed);
    }
    void look_at_repeats() {
        constexpr std::string_view once[] = {"date", "from",       "sender",  "reply-to",   "to",
                                             "cc",   "message-id", "subject", "in-reply-to"};
        const auto is_twice = [&](std::string_view name) {
            return std::count_if(fields_.begin(), fields_.end(),
                                 [&](const mail_field& one) { return one.name == name; }) > 1;
        };
        add_if(std::any_of(std::begin(once), std::end(once), is_twice), sign::field_twice);
    }
    void look_at_recipients() {
        std::size_t count = 0;
        for (const std::string_view name : {"to", "cc"}) {
            const auto* value = find(name);
            if (value == nullptr) continue;
            for (const auto& one : read_addresses(*value)) count += one.address.empty() ? 0U : 1U;
        }
        add_if(count == 0, sign::recipients_undisclosed);
        add_if(count >= recipients_many, sign::recipients_many);
    }
    void look_at_the_rest() {
        for (const std::string_view name : {"x-mailer", "user-agent"})
            if (const auto* value = find(name); value != nullptr && made_.mailer.empty())
                made_.mailer = *value;
        const std::string mailer = protocol::to_lower(made_.mailer);
        add_if(std::any_of(std::begin(bulk_mailers), std::end(bulk_mailers),
                           [&](std::string_view one) { return mailer.find(one) != std::string::npos; }),
               sign::mailer_bulk);
        add_if(find("content-type") != nullptr && find("mime-version") == nullptr,
               sign::mime_version_missing);
        const auto* priority = find("x-priority");
        const auto* importance = find("importance");
        add_if((priority != nullptr && (priority->starts_with('1') || priority->starts_with('2'))) ||
                   (importance != nullptr && protocol::equals_ignoring_case(*importance, "high")),
               sign::priority_high);
    }

    void look_at_author() {
        const auto* value = find("from");
        if (value == nullptr) return add(sign::from_missing);
        made_.authors = read_addresses(*value);
        std::erase_if(made_.authors, [](const mail_author& one) { return !is_usable(one); });
        if (made_.authors.empty()) return add(sign::from_malformed);
        add_if(made_.authors.size() > 1, sign::from_several);
        add_if(std::any_of(made_.authors.begin(), made_.authors.end(), is_misnamed),
               sign::from_name_is_address);
    }
    static bool is_usable(const mail_author& one) {
        const auto domain = one.domain();
        return !domain.empty() && domain.find_first_of(" \t<>") == std::string::npos &&
               one.address.find('@') > 0;
    }
    static bool is_misnamed(const mail_author& one) {
        const auto at = one.name.find('@');
        if (at == std::string::npos || at == 0 || one.name[at - 1] == ' ') return false;
        auto domain = protocol::to_lower(std::string_view(one.name).substr(at + 1));
        domain.resize(std::min(domain.size(), domain.find_first_of(" \t\"'<>()[],;")));
        return domain.find('.') != std::string::npos &&
               registered_domain(domain) != registered_domain(one.domain());
    }
    void look_at_reply_to() {
        const auto* value = find("reply-to");
        if (value == nullptr || made_.authors.empty()) return;
        const auto from = made_.authors.front().domain();
        const auto is_elsewhere = [&](const mail_author& one) {
            return is_usable(one) && registered_domain(one.domain()) != registered_domain(from);
        };
        const auto answers = read_addresses(*value);
        const auto other = std::find_if(answers.begin(), answers.end(), is_elsewhere);
        if (other == answers.end()) return;
        add(sign::reply_to_elsewhere);
        add_if(is_freemail(other->domain()), sign::reply_to_freemail);
    }

    void look_at_subject() {
        if (const auto* value = find("subject"); value != nullptr) made_.subject = decoded(*value);
        const auto folded = fold(made_.subject);
        if (folded.text.empty()) return add(sign::subject_missing);
        add_if(folded.invisible > 0, sign::subject_invisible);
        add_if(folded.mixed_scripts > 0, sign::subject_mixed_scripts);
        const bool answers = folded.text.starts_with("re:") || folded.text.starts_with("re ");
        add_if(answers && find("in-reply-to") == nullptr && find("references") == nullptr,
               sign::subject_fake_reply);
        look_at_letters(folded.text);
    }
    void look_at_letters(std::string_view folded) {
        unsigned marks = 0;
        std::size_t letters = 0, capitals = 0;
        for (std::string_view left = made_.subject; !left.empty();) {
            const auto next = first_character(left);
            left.remove_prefix(next.length);
            marks += is_mark(next.point) ? 1U : 0U;
            if (next.point >= 0x80 || !is_word_character(next.point) || next.point <= '9') continue;
            ++letters;
            capitals += next.point < 'a' ? 1U : 0U;
        }
        add_if(marks >= marks_many, sign::subject_exclaims);
        add_if(letters >= capitals_least && capitals * 10 >= letters * 9, sign::subject_capitals);
        add_if(is_spaced(folded), sign::subject_spaced);
    }
    static bool is_mark(std::uint32_t point) {
        constexpr std::array<std::uint32_t, 8> marks{'!', '?', '$', 0xa3, 0xa5, 0x20ac, 0xa1, 0xff01};
        return std::find(marks.begin(), marks.end(), point) != marks.end();
    }
    // "v i a g r a": five letters alone in a row.
    static bool is_spaced(std::string_view folded) {
        unsigned alone = 0;
        for (std::size_t at = 0; at < folded.size();) {
            const auto end = std::min(folded.find_first_of(" .-_*", at), folded.size());
            const bool letter = end == at + 1 && folded[at] >= 'a' && folded[at] <= 'z';
            alone = letter ? alone + 1 : 0;
            if (alone == 5) return true;
            at = end + 1;
        }
        return false;
    }

    const std::vector<mail_field>& fields_;
    const std::int64_t now_;
    header_facts made_;
};

} // namespace

header_facts read_header_facts(const std::vector<mail_field>& fields, std::int64_t now) {
    return header_reader(fields, now).run();
}

} // namespace postern::policy::content
