// No script, no cookie, no state but the tokens. Every value of a form or a table is text of HTML before it
// is shown.
#include "server/identity/page.hpp"

#include "conf/mail_templates.hpp"
#include "server/identity/page_texts.hpp"

#include <fmt/format.h>

namespace postern::server {

namespace {

using storage::identity_state;
using storage::token_purpose;

constexpr std::string_view html_type = "text/html; charset=utf-8";
constexpr std::string_view own_path = "/identity";

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 17px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 36rem; padding: 1.5rem; }}
h1 {{ font-size: 1.35rem; overflow-wrap: anywhere; }} h2 {{ font-size: 1.05rem; margin-top: 2rem; }}
p, td {{ overflow-wrap: anywhere; }}
label {{ display: block; margin: .6rem 0; }}
input {{ display: block; font: inherit; box-sizing: border-box; padding: .4rem; width: 100%; }}
button {{ font: inherit; margin: .4rem .6rem .4rem 0; padding: .45rem 1.1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td {{ border-bottom: 1px solid #8886; padding: .4rem .6rem .4rem 0; }} td form {{ margin: 0; }}
</style>
</head>
<body>
)";

// One visit: what was asked, and the words to answer in.
class visit {
  public:
    visit(identity_desk& desk, const conf::config& config, const http_request& request)
        : desk_(desk), config_(config), request_(request), language_(language_of()),
          say_(texts_in(language_)) {}

    http_answer get();
    http_answer post();

  private:
    conf::mail_language language_of() const;
    std::string filled(std::string_view text, const storage::token_record& about) const;
    http_answer page(unsigned status, const std::string& body) const;
    http_answer message(unsigned status, std::string_view text,
                        const storage::token_record& about = {}) const;
    http_answer failed(desk_answer answer) const;
    http_answer start_page() const;
    http_answer token_page(const std::string& token);
    http_answer users_page(const std::string& token, const std::string& address,
                           const std::string& above) const;
    http_answer decide(const std::string& token, bool yes);
    http_answer revoke(const std::string& token, const std::string& account);
    std::string question(const std::string& token, const storage::token_record& about) const;

    identity_desk& desk_;
    const conf::config& config_;
    const http_request& request_;
    conf::mail_language language_;
    const page_texts& say_;
};

conf::mail_language visit::language_of() const {
    const auto wanted = preferred_language(request_.accept_language, {"en", "cs", "sk"});
    if (wanted.empty()) return config_.identity.language;
    return wanted == "en" ? conf::mail_language::en : conf::mail_language::cs;
}

std::string visit::filled(std::string_view text, const storage::token_record& about) const {
    const auto account = html_escaped(about.account), address = html_escaped(about.address);
    const std::string form = "Subject: \n\n" + std::string(text);
    return conf::fill_template(form, {{"account", "<strong>" + account + "</strong>"},
                                      {"address", "<strong>" + address + "</strong>"},
                                      {"host", html_escaped(config_.server.hostname)}})
        .text;
}

http_answer visit::page(unsigned status, const std::string& body) const {
    http_answer made{status, html_type, {}, true};
    made.body =
        fmt::format(head, fmt::arg("language", conf::name_of(language_)), fmt::arg("title", say_.title));
    made.body += body;
    made.body += "</body>\n</html>\n";
    return made;
}

http_answer visit::message(unsigned status, std::string_view text, const storage::token_record& about) const {
    return page(status, "<h1>" + filled(text, about) + "</h1>\n");
}

http_answer visit::failed(desk_answer answer) const {
    switch (answer) {
    case desk_answer::done: return message(200, say_.sent);
    case desk_answer::known:
    case desk_answer::own: return message(200, say_.known);
    case desk_answer::no_account:
    case desk_answer::bad_address: return message(400, say_.bad_address);
    case desk_answer::limited: return message(429, say_.limited);
    case desk_answer::unknown_token: return message(404, say_.unknown_code);
    case desk_answer::expired_token: return message(410, say_.expired_code);
    case desk_answer::trouble: break;
    }
    return message(503, say_.trouble);
}

http_answer visit::start_page() const {
    const auto field = [](std::string_view name, std::string_view label, std::string_view type) {
        return fmt::format("<label>{}<input name=\"{}\" type=\"{}\" required maxlength=\"254\"></label>\n",
                           label, name, type);
    };
    const auto form = [](std::string_view title, std::string_view what, std::string_view fields,
                         std::string_view button) {
        return fmt::format("<h2>{}</h2>\n<form method=\"post\" action=\"?\">\n{}<button name=\"do\" "
                           "value=\"{}\">{}</button>\n</form>\n",
                           title, fields, what, button);
    };
    const auto address = field("address", say_.address_label, "email");
    return page(200,
                fmt::format("<h1>{}</h1>\n", say_.start) +
                    form(say_.start_code, "show", field("t", say_.code_label, "text"), say_.code_button) +
                    form(say_.start_manage, "manage", address, say_.manage_button) +
                    form(say_.start_add, "add", field("account", say_.account_label, "email") + address,
                         say_.add_button));
}

std::string visit::question(const std::string& token, const storage::token_record& about) const {
    const bool wish = about.purpose == token_purpose::ask;
    return "<h1>" + filled(wish ? say_.wish : say_.question, about) + "</h1>\n<p>" +
           filled(wish ? say_.wish_more : say_.question_more, about) +
           fmt::format("</p>\n<form method=\"post\" action=\"?\">\n<input type=\"hidden\" name=\"t\" "
                       "value=\"{}\">\n<button name=\"do\" value=\"yes\">{}</button>\n<button name=\"do\" "
                       "value=\"no\">{}</button>\n</form>\n",
                       html_escaped(token), wish ? say_.wish_yes : say_.yes, say_.no);
}

http_answer visit::users_page(const std::string& token, const std::string& address,
                              const std::string& above) const {
    const auto users = desk_.users_of(address);
    if (!users) return failed(desk_answer::trouble);
    std::string body = above + "<h2>" + filled(say_.users, {{}, {}, address, 0}) + "</h2>\n";
    if (users->empty()) return page(200, body + fmt::format("<p>{}</p>\n", say_.no_users));
    body += "<table>\n";
    for (const auto& one : *users) {
        const auto state = one.state == identity_state::pending   ? say_.state_asked
                           : one.state == identity_state::learned ? say_.state_learned
                                                                  : say_.state_confirmed;
        body +=
            fmt::format("<tr><td>{0}<br><small>{1}</small></td><td><form method=\"post\" action=\"?\"><input "
                        "type=\"hidden\" name=\"t\" value=\"{2}\"><input type=\"hidden\" name=\"account\" "
                        "value=\"{0}\"><button name=\"do\" value=\"revoke\">{3}</button></form></td></tr>\n",
                        html_escaped(one.account), state, html_escaped(token), say_.revoke);
    }
    return page(200, body + "</table>\n");
}

http_answer visit::token_page(const std::string& token) {
    const auto seen = desk_.look(token);
    if (seen.what != desk_answer::done) return failed(seen.what);
    if (seen.about.purpose == token_purpose::manage) return users_page(token, seen.about.address, {});
    return page(200, question(token, seen.about));
}

http_answer visit::get() {
    const auto query = parse_form(request_.query);
    const auto token = query.find("t");
    return token == query.end() ? start_page() : token_page(token->second);
}

http_answer visit::decide(const std::string& token, bool yes) {
    const auto seen = desk_.answer(config_, token, yes);
    if (seen.what != desk_answer::done) return failed(seen.what);
    if (seen.about.purpose == token_purpose::ask)
        return message(200, yes ? say_.asked : say_.declined, seen.about);
    const auto said = "<h1>" + filled(yes ? say_.confirmed : say_.declined, seen.about) + "</h1>\n";
    const auto next = desk_.new_manage_token(seen.about.address);
    return next.empty() ? page(200, said) : users_page(next, seen.about.address, said);
}

http_answer visit::revoke(const std::string& token, const std::string& account) {
    const auto seen = desk_.look(token);
    if (seen.what != desk_answer::done) return failed(seen.what);
    const auto gone = desk_.revoke(token, account);
    if (gone != desk_answer::done) return failed(gone);
    const storage::token_record about{{}, account, seen.about.address, 0};
    return users_page(token, seen.about.address, "<h1>" + filled(say_.revoked, about) + "</h1>\n");
}

http_answer visit::post() {
    const auto type = std::string_view(request_.content_type);
    if (type.substr(0, type.find(';')) != "application/x-www-form-urlencoded")
        return message(415, say_.foreign_form);
    const auto own = place_of(config_.identity.url);
    if (!is_sent_by_own_page(request_, own.origin)) return message(403, say_.foreign_form);
    const auto fields = parse_form(request_.body);
    const auto value = [&](std::string_view name) {
        const auto found = fields.find(name);
        return found == fields.end() ? std::string() : found->second;
    };
    const auto what = value("do"), token = value("t");
    if (what == "show") return token_page(token);
    if (what == "yes" || what == "no") return decide(token, what == "yes");
    if (what == "revoke") return revoke(token, value("account"));
    if (what == "manage") return failed(desk_.send_manage_link(config_, value("address")));
    if (what != "add") return message(400, say_.unknown_code);
    const auto sent = desk_.ask_account(config_, value("account"), value("address"));
    // Who has a mailbox here, or asked before, is nobody's business.
    const bool hidden =
        sent == desk_answer::no_account || sent == desk_answer::limited || sent == desk_answer::known;
    return failed(hidden ? desk_answer::done : sent);
}

} // namespace

bool identity_page::takes_post(std::string_view path) const {
    return path == own_path || path == place_of(config_.get()->config->identity.url).path;
}

std::optional<http_answer> identity_page::answer(const http_request& request) {
    const auto now = config_.get();
    const auto& url = now->config->identity.url;
    if (url.empty()) return std::nullopt; // there is no page
    const auto own = place_of(url);
    if (request.path != own_path && request.path != own.path) return std::nullopt;
    const bool named = host_name(request.host) == host_name(own.host);
    if (!named && !is_asked_for_here(request.host))
        return http_answer{421, "text/plain; charset=utf-8", "Misdirected Request\n"};
    visit one(desk_, *now->config, request);
    return request.method == http_method::post ? one.post() : one.get();
}

} // namespace postern::server
