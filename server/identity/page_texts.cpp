#include "server/identity/page_texts.hpp"

namespace postern::server {

namespace {

constexpr page_texts english{
    .title = "Sender addresses",
    .question = "May {account} send e-mail as {address}?",
    .question_more = "{account} is trying to use {address}, which is yours, to send e-mail through {host}. "
                     "Nothing changes until you answer.",
    .yes = "Yes, allow it",
    .no = "No",
    .wish = "Do you want to send e-mail as {address}?",
    .wish_more = "The owner of {address} will be asked by e-mail whether {account} may use it.",
    .wish_yes = "Yes, ask the owner",
    .confirmed = "{account} may send e-mail as {address} now.",
    .declined = "{account} may not send e-mail as {address}.",
    .asked = "The owner of {address} has been asked by e-mail.",
    .users = "Who may send e-mail as {address}",
    .no_users = "Nobody but the owner of its mailbox.",
    .revoke = "Take it back",
    .revoked = "{account} may send e-mail as {address} no more.",
    .state_asked = "you were asked",
    .state_learned = "used before",
    .state_confirmed = "allowed",
    .start = "Sender addresses",
    .address_label = "Address",
    .account_label = "Your mailbox",
    .code_label = "Code",
    .start_code = "You have got a code",
    .code_button = "Go on",
    .start_manage = "See who may send e-mail as your address",
    .manage_button = "Mail me a link",
    .start_add = "Send e-mail as another address of yours",
    .add_button = "Mail me a link",
    .sent =
        "If there is something to tell, a mail is on its way. It may take some minutes; not more than one an "
        "hour is sent.",
    .unknown_code = "The code is not known, or it was used already.",
    .expired_code = "The code has expired. Ask again.",
    .limited = "Enough mails about it were sent. Try again later.",
    .known = "It is allowed already.",
    .bad_address = "That is no e-mail address.",
    .trouble = "Not possible now. Try again later.",
    .foreign_form = "The form was sent from another page. Open this one and send it from here.",
};

constexpr page_texts czech{
    .title = "Adresy odesílatele",
    .question = "Smí {account} posílat e-maily jako {address}?",
    .question_more =
        "{account} chce přes {host} posílat e-maily z vaší adresy {address}. Dokud neodpovíte, nic "
        "se nezmění.",
    .yes = "Ano, povolit",
    .no = "Ne",
    .wish = "Chcete posílat e-maily jako {address}?",
    .wish_more = "Majitele adresy {address} se e-mailem zeptáme, zda ji {account} smí používat.",
    .wish_yes = "Ano, zeptat se majitele",
    .confirmed = "{account} teď smí posílat e-maily jako {address}.",
    .declined = "{account} nesmí posílat e-maily jako {address}.",
    .asked = "Majitele adresy {address} jsme se zeptali e-mailem.",
    .users = "Kdo smí posílat e-maily jako {address}",
    .no_users = "Nikdo kromě majitele její schránky.",
    .revoke = "Odebrat",
    .revoked = "{account} už nesmí posílat e-maily jako {address}.",
    .state_asked = "čeká na vaši odpověď",
    .state_learned = "používá ji odedřív",
    .state_confirmed = "povoleno",
    .start = "Adresy odesílatele",
    .address_label = "Adresa",
    .account_label = "Vaše schránka",
    .code_label = "Kód",
    .start_code = "Dostali jste kód",
    .code_button = "Pokračovat",
    .start_manage = "Kdo smí posílat e-maily z vaší adresy",
    .manage_button = "Pošlete mi odkaz",
    .start_add = "Posílat e-maily z další vaší adresy",
    .add_button = "Pošlete mi odkaz",
    .sent = "Pokud je co sdělit, e-mail je na cestě. Může to trvat několik minut; posíláme nejvýše jeden za "
            "hodinu.",
    .unknown_code = "Kód neznáme, nebo už byl použit.",
    .expired_code = "Platnost kódu vypršela. Požádejte znovu.",
    .limited = "E-mailů už odešlo dost. Zkuste to později.",
    .known = "Už je to povoleno.",
    .bad_address = "To není e-mailová adresa.",
    .trouble = "Teď to nejde. Zkuste to později.",
    .foreign_form = "Formulář byl odeslán z jiné stránky. Otevřete tuto a odešlete jej odtud.",
};

} // namespace

const page_texts& texts_in(conf::mail_language language) {
    return language == conf::mail_language::cs ? czech : english;
}

} // namespace postern::server
