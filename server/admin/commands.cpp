// The rows: every command with its arguments and its handler, in the order of the help text.
#include "server/admin/commands.hpp"

#include "conf/settings.hpp"
#include "server/admin/handlers.hpp"
#include "server/serve.hpp"
#include "server/version.hpp"

#include <array>
#include <ostream>

namespace postern::server {

namespace {

exit_code run_serve(const arguments& given, terminal& with) {
    return serve(given.config_file, given.has("--take-over") ? start_way::take_over : start_way::ordinary,
                 with);
}

exit_code run_version(const arguments&, terminal& with) {
    with.out << version_report();
    return exit_code::ok;
}

exit_code run_reference(const arguments&, terminal& with) {
    with.out << conf::reference_markdown();
    return exit_code::ok;
}

constexpr argument_row serve_how[] = {
    {"--take-over", "take the listening sockets of the server that runs now, which drains and ends"}};
constexpr argument_row json_only[] = {{"--json", "print one JSON document"}};
constexpr argument_row domain_add[] = {
    {"NAME", "the domain; Unicode names are fine"},
    {"--tier TIER", "its own tier of tests instead of the listener's"},
    {"--alias-of DOMAIN", "mail for it goes to the same names in DOMAIN"},
    {"--hourly-limit N", "copies that each account may send in an hour; 0 = the server's"}};
constexpr argument_row domain_name[] = {{"NAME", "the domain"}};
constexpr argument_row mailbox_settings[] = {
    {"ADDRESS", "local@domain"},
    {"--quota SIZE", "\"1GB\"; 0 = none"},
    {"--antispam on|off", "test its mail for spam (on)"},
    {"--hourly-limit N", "copies that it may send in an hour; 0 = its domain's limit"},
    {"--subject-phrase TEXT...",
     "refuse mail whose subject has it; may be given again, in place of all before"},
    {"--no-subject-phrases", "refuse no subjects any more"},
    {"--accept-redirected on|off", "take mail that other servers redirect to it (off)"},
    {"--password-stdin", "read the password from the first line of stdin"},
    {"--password-hash-stdin", "read a hash of it that another server made instead"}};
constexpr argument_row mailbox_address[] = {{"ADDRESS", "local@domain"}};
constexpr argument_row alias_add[] = {
    {"ADDRESS", "local@domain, or @domain with --catch-all"},
    {"TARGET...", "where its mail goes, here or elsewhere"},
    {"--catch-all", "ADDRESS is @domain: everybody there who has no mailbox or alias"}};
constexpr argument_row alias_list[] = {{"[ADDRESS]", "this alias only"},
                                       {"--json", "print one JSON document"}};
constexpr argument_row alias_remove[] = {{"ADDRESS", "the alias"},
                                         {"[TARGET...]", "only these targets of it"}};
constexpr argument_row rule_mailbox = {"--mailbox ADDRESS", "of this mailbox instead of the whole server"};
constexpr argument_row rule_add[] = {
    {"ACTION allow|deny", "let in what it matches, or refuse it"},
    {"PATTERN", "*@example.com, 192.0.2.0/24 or *.example.com; see docs/commands.md"},
    rule_mailbox};
constexpr argument_row rule_list[] = {{"--mailbox ADDRESS", "of this mailbox only"},
                                      {"--json", "print one JSON document"}};
constexpr argument_row rule_remove[] = {{"PATTERN", "as rule list shows it"}, rule_mailbox};
constexpr argument_row identity_pair[] = {{"ACCOUNT", "the mailbox that writes"},
                                          {"ADDRESS", "the address that it writes as"}};
constexpr argument_row identity_add[] = {{"ACCOUNT", "the mailbox that writes"},
                                         {"ADDRESS", "the address that it writes as"},
                                         {"--confirmed", "ask nobody"}};
constexpr argument_row identity_code[] = {{"TOKEN", "the code of the mail"}};
constexpr argument_row identity_list[] = {{"--account ADDRESS", "of this mailbox only"},
                                          {"--address ADDRESS", "who may write as this one"},
                                          {"--json", "print one JSON document"}};
constexpr argument_row greylist_pair[] = {{"SENDER", "local@domain, or <> for the empty sender"},
                                          {"IP", "the client's address; an IPv6 one stands for its /64"}};
constexpr argument_row dns_what[] = {{"DOMAIN", "the domain; Unicode names are fine"},
                                     {"--json", "print one JSON document"}};
constexpr argument_row learn_what[] = {{"KIND spam|ham", "spam, or wanted mail"},
                                       {"--mailbox ADDRESS", "for this mailbox instead of the whole server"},
                                       {"--json", "print one JSON document"}};
constexpr argument_row explain_what[] = {
    {"--listener NAME", "where the client connects"},
    {"--client IP", "its address"},
    {"--from ADDRESS", "the envelope sender; <> for the empty one"},
    {"--to ADDRESS", "the envelope recipient"},
    {"--account ADDRESS", "the mailbox that authenticated; on a submission listener"},
    {"--helo NAME", "what the client calls itself (its address in brackets)"},
    {"--message FILE", "a message to judge as well, in one file"},
    {"--json", "print one JSON document"}};
constexpr argument_row ledger_find[] = {
    {"ADDRESS", "of the sender or the recipient; <> for the empty sender"},
    {"--since AGE", "no further back than so long ago, such as 7d"},
    {"--json", "print one JSON document"}};
constexpr argument_row account_address[] = {{"ACCOUNT", "the mailbox that sends"},
                                            {"--json", "print one JSON document"}};
constexpr argument_row account_suspend[] = {{"ACCOUNT", "the mailbox that sends"},
                                            {"--reason TEXT", "why, for whoever looks later"}};
constexpr argument_row account_release[] = {{"ACCOUNT", "the mailbox that sends"},
                                            {"--purge", "delete what it has in the queue; nobody is told"}};
constexpr argument_row account_unblock[] = {{"[NETWORK]", "192.0.2.1, 192.0.2.0/24 or 2001:db8::/64"},
                                            {"--all", "every network"}};
constexpr argument_row queue_show[] = {{"ID", "the queue id"}, {"--json", "print one JSON document"}};
constexpr argument_row of_sender = {"--sender ADDRESS", "those of this sender, of @domain, or of <>"};
constexpr argument_row of_recipient = {"--recipient ADDRESS", "those that wait for this one, or for @domain"};
constexpr argument_row of_destination = {"--destination DOMAIN",
                                         "those that wait for this domain, or a server of this name or IP"};
constexpr argument_row queue_list[] = {of_sender,
                                       of_recipient,
                                       of_destination,
                                       {"--limit N", "the first N of them"},
                                       {"--json", "print one JSON document"}};
constexpr argument_row queue_wish[] = {{"[ID...]", "queue ids"},
                                       of_sender,
                                       of_recipient,
                                       of_destination,
                                       {"--all", "every message"},
                                       {"--dry-run", "change nothing, say how many it would be"}};

constexpr std::array rows = {
    command_row{"", "serve", "run the server in the foreground", serve_how, &run_serve},
    command_row{"", "check", "check the configuration and all it names", {}, &run_check},
    command_row{"", "reload", "make the running server read its configuration again", {}, &run_reload},
    command_row{"", "status", "what the running server is doing", json_only, &run_status},
    command_row{"domain", "add", "host a domain", domain_add, &run_domain_add},
    command_row{"domain", "list", "the hosted domains", json_only, &run_domain_list},
    command_row{"domain", "remove", "host it no longer; it must be empty", domain_name, &run_domain_remove},
    command_row{"mailbox", "add", "make a mailbox", mailbox_settings, &run_mailbox_add},
    command_row{"mailbox", "set", "change what is given", mailbox_settings, &run_mailbox_set},
    command_row{"mailbox", "list", "the mailboxes", json_only, &run_mailbox_list},
    command_row{"mailbox", "remove", "take no more mail for it; its Maildir stays", mailbox_address,
                &run_mailbox_remove},
    command_row{"alias", "add", "add targets to an alias", alias_add, &run_alias_add},
    command_row{"alias", "list", "the aliases", alias_list, &run_alias_list},
    command_row{"alias", "remove", "remove an alias, or targets of it", alias_remove, &run_alias_remove},
    command_row{"rule", "add", "allow or deny mail by sender or client", rule_add, &run_rule_add},
    command_row{"rule", "list", "the allow and deny rules", rule_list, &run_rule_list},
    command_row{"rule", "remove", "remove a rule", rule_remove, &run_rule_remove},
    command_row{"identity", "add", "ask an address's owner whether a mailbox may write as it", identity_add,
                &run_identity_add},
    command_row{"identity", "confirm", "answer yes for the owner, who told the code", identity_code,
                &run_identity_confirm},
    command_row{"identity", "list", "who may write as whom", identity_list, &run_identity_list},
    command_row{"identity", "revoke", "let a mailbox write as the address no more", identity_pair,
                &run_identity_revoke},
    command_row{"identity", "report", "who wrote as whom, and would be refused today", json_only,
                &run_identity_report},
    command_row{"limits", "show", "what an account has sent, and may send", account_address,
                &run_limits_show},
    command_row{"account", "list", "the suspended accounts", json_only, &run_account_list},
    command_row{"account", "show", "what an account sent, its signs, its mail", account_address,
                &run_account_show},
    command_row{"account", "suspend", "let it send no more, hold its mail", account_suspend,
                &run_account_suspend},
    command_row{"account", "release", "let it send again, with its held mail", account_release,
                &run_account_release},
    command_row{"account", "unblock", "let a network log in that guessed passwords", account_unblock,
                &run_account_unblock},
    command_row{"greylist", "list", "who waits, and who passes", json_only, &run_greylist_list},
    command_row{"greylist", "allow", "let a pair pass from now on", greylist_pair, &run_greylist_allow},
    command_row{"greylist", "remove", "forget a pair", greylist_pair, &run_greylist_remove},
    command_row{"", "dns", "the DNS records to publish for a domain, and whether they are there", dns_what,
                &run_dns},
    command_row{"", "learn", "learn from the message on stdin what is spam", learn_what, &run_learn},
    command_row{"", "explain", "what each test says of a recipient, without delivering", explain_what,
                &run_explain},
    command_row{"ledger", "find", "what was refused or deferred, newest first", ledger_find,
                &run_ledger_find},
    command_row{"queue", "list", "the messages that wait", queue_list, &run_queue_list},
    command_row{"queue", "show", "all about one message", queue_show, &run_queue_show},
    command_row{"queue", "destinations", "how much waits for each, and what came of it", json_only,
                &run_queue_destinations},
    command_row{"queue", "retry", "try now what waits", queue_wish, &run_queue_retry},
    command_row{"queue", "hold", "try no more until released", queue_wish, &run_queue_hold},
    command_row{"queue", "release", "let held messages go", queue_wish, &run_queue_release},
    command_row{"queue", "bounce", "try no more and tell the senders", queue_wish, &run_queue_bounce},
    command_row{"queue", "delete", "remove; nobody is told", queue_wish, &run_queue_delete},
    command_row{"", "version", "version, build and libraries", {}, &run_version},
    command_row{"", "reference", "every setting, as Markdown", {}, &run_reference},
};

} // namespace

std::span<const command_row> command_rows() { return rows; }

std::string arguments::one(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() || found->second.empty() ? std::string() : found->second.front();
}

const std::vector<std::string>& arguments::all(const std::string& name) const {
    static const std::vector<std::string> none;
    const auto found = values.find(name);
    return found == values.end() ? none : found->second;
}

} // namespace postern::server
