// The handlers of the rows in commands.cpp, one a command. Each reads its arguments, says its own errors, and
// returns the exit code.
#pragma once

#include "server/admin/commands.hpp"

namespace postern::server {

exit_code run_check(const arguments& given, terminal& with);
exit_code run_reload(const arguments& given, terminal& with);
exit_code run_status(const arguments& given, terminal& with);

exit_code run_domain_add(const arguments& given, terminal& with);
exit_code run_domain_list(const arguments& given, terminal& with);
exit_code run_domain_remove(const arguments& given, terminal& with);

exit_code run_mailbox_add(const arguments& given, terminal& with);
exit_code run_mailbox_set(const arguments& given, terminal& with);
exit_code run_mailbox_list(const arguments& given, terminal& with);
exit_code run_mailbox_remove(const arguments& given, terminal& with);

exit_code run_alias_add(const arguments& given, terminal& with);
exit_code run_alias_list(const arguments& given, terminal& with);
exit_code run_alias_remove(const arguments& given, terminal& with);

exit_code run_rule_add(const arguments& given, terminal& with);
exit_code run_rule_list(const arguments& given, terminal& with);
exit_code run_rule_remove(const arguments& given, terminal& with);

exit_code run_identity_add(const arguments& given, terminal& with);
exit_code run_identity_confirm(const arguments& given, terminal& with);
exit_code run_identity_list(const arguments& given, terminal& with);
exit_code run_identity_revoke(const arguments& given, terminal& with);
exit_code run_identity_report(const arguments& given, terminal& with);

exit_code run_limits_show(const arguments& given, terminal& with);
exit_code run_account_list(const arguments& given, terminal& with);
exit_code run_account_show(const arguments& given, terminal& with);
exit_code run_account_suspend(const arguments& given, terminal& with);
exit_code run_account_release(const arguments& given, terminal& with);
exit_code run_account_unblock(const arguments& given, terminal& with);

exit_code run_greylist_list(const arguments& given, terminal& with);
exit_code run_greylist_allow(const arguments& given, terminal& with);
exit_code run_greylist_remove(const arguments& given, terminal& with);

exit_code run_dns(const arguments& given, terminal& with);

exit_code run_learn(const arguments& given, terminal& with);

exit_code run_explain(const arguments& given, terminal& with);
exit_code run_ledger_find(const arguments& given, terminal& with);

exit_code run_queue_list(const arguments& given, terminal& with);
exit_code run_queue_show(const arguments& given, terminal& with);
exit_code run_queue_destinations(const arguments& given, terminal& with);
exit_code run_queue_retry(const arguments& given, terminal& with);
exit_code run_queue_hold(const arguments& given, terminal& with);
exit_code run_queue_release(const arguments& given, terminal& with);
exit_code run_queue_bounce(const arguments& given, terminal& with);
exit_code run_queue_delete(const arguments& given, terminal& with);

} // namespace postern::server
