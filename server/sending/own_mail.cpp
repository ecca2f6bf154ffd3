#include "server/sending/own_mail.hpp"

#include "protocol/mail/text_notice.hpp"
#include "protocol/smtp/envelope.hpp"
#include "protocol/smtp/grammar.hpp"
#include "server/clock.hpp"
#include "server/snapshot.hpp"
#include "storage/resolve.hpp"

namespace postern::server {

std::optional<storage::insert_message> compose_own_mail(const storage::directory& accounts,
                                                        storage::queue_id_source& ids,
                                                        const conf::config& config, const std::string& to,
                                                        std::string_view letter,
                                                        std::initializer_list<conf::template_value> values) {
    const auto address = protocol::parse_address(to);
    if (!address) return std::nullopt;
    const auto way = storage::resolve(accounts, *address, resolve_settings_of(config));
    if (!way) return std::nullopt;
    storage::insert_message mail;
    const auto add = [&](const std::string& final_address, bool local) {
        storage::queued_recipient recipient;
        recipient.address = final_address;
        recipient.original = to;
        recipient.notify = protocol::dsn_notify::never;
        recipient.route = local ? storage::recipient_route::local : storage::recipient_route::outside;
        recipient.next_try = now_seconds();
        mail.message.recipients.push_back(std::move(recipient));
    };
    if (way->kind == storage::resolution_kind::not_ours) add(to, false);
    for (const auto& one : way->recipients) add(one.address, one.local);
    if (mail.message.recipients.empty()) return std::nullopt;
    const auto filled = conf::fill_template(conf::find_template(config.identity, letter), values);
    mail.message.id = ids.next(now_microseconds());
    const auto id = mail.message.id.to_string();
    mail.body = protocol::make_notice(
        {config.server.hostname, id, now_seconds(), *address, filled.subject, filled.text});
    mail.message.arrived = now_microseconds();
    mail.message.size = mail.body.size();
    mail.message.smtputf8 = !protocol::is_ascii(to);
    mail.message.helo = config.server.hostname;
    return mail;
}

} // namespace postern::server
