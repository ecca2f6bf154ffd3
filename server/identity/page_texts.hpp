// What the page about identities says, by language. "{account}" and so on stand for values, which are put in
// as text of HTML.
#pragma once

#include "conf/config.hpp"

#include <string_view>

namespace postern::server {

struct page_texts {
    std::string_view title;
    std::string_view question, question_more, yes, no;
    std::string_view wish, wish_more, wish_yes;
    std::string_view confirmed, declined, asked;
    std::string_view users, no_users, revoke, revoked, state_asked, state_learned, state_confirmed;
    std::string_view start, address_label, account_label, code_label;
    std::string_view start_code, code_button, start_manage, manage_button, start_add, add_button;
    std::string_view sent;
    std::string_view unknown_code, expired_code, limited, known, bad_address, trouble, foreign_form;
};

const page_texts& texts_in(conf::mail_language language);

} // namespace postern::server
