#include "policy/content/facts.hpp"

#include "policy/content/folded_text.hpp"
#include "policy/content/header_signs.hpp"
#include "policy/content/links.hpp"
#include "policy/content/text_decoding.hpp"
#include "protocol/mime/walker.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <utility>

namespace postern::policy::content {
namespace {

namespace mime = protocol::mime;
namespace scan = protocol::scan;
using spam::sign;

// Newsletters hide a line or two, for the list of messages in a client.
constexpr std::size_t hidden_many = 200;
constexpr std::size_t next_to_nothing = 60; // octets of text beside pictures
constexpr unsigned mixed_words_many = 3, invisible_many = 10;

bool is_text(std::string_view type) { return type.empty() || type.starts_with("text/"); }

// Without controls, at most subject_max octets, cut between characters.
std::string shown_subject(std::string_view utf8) {
    std::string made;
    while (!utf8.empty()) {
        const auto next = first_character(utf8);
        if (made.size() + next.length > scan::subject_max) break;
        const bool control = next.point < 0x20 || (next.point >= 0x7f && next.point < 0xa0);
        if (control)
            made += ' ';
        else
            made += utf8.substr(0, next.length);
        utf8.remove_prefix(next.length);
    }
    return made;
}

std::size_t solid(std::string_view text) {
    return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
               return c == ' ' || c == '\r' || c == '\n' || c == '\t';
           }));
}

} // namespace

void fact_collector::read_header(std::string_view message) {
    const auto known = read_header_facts(read_mail_header(message), now_);
    for (const auto what : known.signs) add(what);
    subject_ = shown_subject(known.subject);
    const auto folded = fold(known.subject).text;
    finder_.look(folded, scan::phrase_place::subject);
    tokens_.add_text('s', folded);
    for (const auto& one : known.authors) {
        if (authors_.size() < scan::authors_max) authors_.push_back(one.address);
        tokens_.add_word('f', protocol::to_lower(one.address));
        tokens_.add_word('f', one.domain());
        tokens_.add_text('f', fold(one.name).text);
    }
    tokens_.add_text('m', fold(utf8_of({}, known.mailer)).text);
}

void fact_collector::begin_part(const mime::part& begun) {
    if (begun.alternative_of != 0) return; // the first reading has been looked at
    if (begun.kind == mime::part_kind::embedded) has_file_ = true;
    if (begun.kind != mime::part_kind::leaf) return;
    if (!is_text(begun.type)) {
        has_file_ = has_file_ || !begun.type.starts_with("image/");
        return;
    }
    auto& made = open_[begun.id];
    made.html = begun.type == "text/html";
    made.base64 = begun.encoding == "base64";
    made.charset = begun.charset;
}

void fact_collector::octets(mime::part_id id, std::string_view decoded) {
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    decoded = decoded.substr(0, text_octets_max - kept_);
    at->second.octets += decoded;
    kept_ += decoded.size();
}

void fact_collector::end_part(mime::part_id id) {
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    end_text(at->second);
    open_.erase(at);
}

void fact_collector::end_text(const open_text& text) {
    const std::string utf8 = utf8_of(text.charset, text.octets);
    if (text.base64 && !text.octets.empty() && protocol::is_ascii(text.octets)) add(sign::text_base64);
    if (text.html) {
        has_html_ = true;
        return end_html(read_html(utf8));
    }
    for (const auto url : links_in_text(utf8, links_max)) look_at_link(url, {});
    look_at_text(utf8);
    plain_octets_ += solid(utf8);
}

void fact_collector::end_html(const html_text& seen) {
    hidden_octets_ += seen.hidden;
    html_octets_ += seen.visible;
    pictures_ += seen.pictures;
    if (seen.form) add(sign::html_form);
    if (seen.script) add(sign::html_script);
    for (const auto& one : seen.links) look_at_link(one.to, one.shown);
    look_at_text(seen.text);
}

void fact_collector::look_at_text(std::string_view utf8) {
    const auto folded = fold(utf8);
    mixed_ += folded.mixed_scripts;
    invisible_ += folded.within_words;
    finder_.look(folded.text, scan::phrase_place::body);
    tokens_.add_text('\0', folded.text);
}

void fact_collector::look_at_link(std::string_view url, std::string_view shown) {
    if (++links_ > links_max) return;
    const auto to = host_of(url);
    if (to.host.empty()) return;
    const std::string domain(registered_domain(to.host));
    if (to.numeric) add(sign::link_numeric);
    if (to.disguised) add(sign::link_disguised);
    if (is_shortener(domain)) add(sign::link_shortened);
    const auto named = host_of(shown);
    if (named.host.find('.') != std::string::npos && registered_domain(named.host) != domain)
        add(sign::html_link_elsewhere);
    tokens_.add_word('u', domain);
    if (to.host != domain) tokens_.add_word('u', to.host);
}

void fact_collector::add_whole_signs() {
    if (has_html_ && plain_octets_ == 0) add(sign::html_only);
    if (hidden_octets_ >= hidden_many && hidden_octets_ * 2 > html_octets_) add(sign::html_hidden_text);
    if (pictures_ > 0 && html_octets_ < next_to_nothing && plain_octets_ < next_to_nothing)
        add(sign::html_picture_only);
    if (has_file_ && plain_octets_ == 0 && html_octets_ == 0) add(sign::text_missing);
    if (mixed_ >= mixed_words_many) add(sign::text_mixed_scripts);
    if (invisible_ >= invisible_many) add(sign::text_invisible);
}

scan::facts fact_collector::take() {
    for (const auto& [id, text] : std::exchange(open_, {})) end_text(text);
    add_whole_signs();
    scan::facts made;
    made.subject = std::move(subject_);
    made.authors = std::move(authors_);
    made.signs.assign(signs_.begin(), signs_.end());
    made.phrases = finder_.found();
    made.tokens = tokens_.take();
    return made;
}

namespace {

class fact_visitor final : public mime::visitor {
  public:
    explicit fact_visitor(fact_collector& to) : to_(to) {}
    void begin_part(const mime::part& begun) override { to_.begin_part(begun); }
    void name_of_part(mime::part_id, const mime::name&) override {}
    void octets(mime::part_id id, std::string_view decoded) override { to_.octets(id, decoded); }
    void end_part(mime::part_id id) override { to_.end_part(id); }
    void found(mime::part_id, mime::finding) override {}

  private:
    fact_collector& to_;
};

} // namespace

void walk_for_facts(std::string_view message, fact_collector& to) {
    fact_visitor visitor(to);
    mime::walker walk(visitor);
    walk.feed(message.substr(0, facts_octets_max));
    walk.finish();
}

scan::facts read_facts(std::string_view message, std::span<const scan::phrase> phrases, std::int64_t now) {
    fact_collector collector(phrases, now);
    collector.read_header(message);
    walk_for_facts(message, collector);
    return collector.take();
}

} // namespace postern::policy::content
