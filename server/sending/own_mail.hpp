// A mail of the server's own to one person, from a template: as the queue wants it. Reads the disk.
#pragma once

#include "conf/mail_templates.hpp"
#include "storage/queue.hpp"
#include "storage/tables/directory.hpp"

namespace postern::server {

// nullopt: `to` leads nowhere, or can't be looked up now.
std::optional<storage::insert_message> compose_own_mail(const storage::directory& accounts,
                                                        storage::queue_id_source& ids,
                                                        const conf::config& config, const std::string& to,
                                                        std::string_view letter,
                                                        std::initializer_list<conf::template_value> values);

} // namespace postern::server
