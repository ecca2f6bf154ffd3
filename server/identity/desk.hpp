// What the server does about identities: asks owners by mail, takes answers, tells users what was learned.
// The commands (through the control socket), the web page and the keeper of foreign senders all come here.
// Blocking: each call is a transaction or two in the accounts' tables. Any thread.
#pragma once

#include "conf/config.hpp"
#include "server/log.hpp"
#include "storage/queue.hpp"
#include "storage/resolve.hpp"
#include "storage/tables/identities.hpp"

#include <functional>
#include <mutex>

namespace postern::server {

enum class desk_answer {
    done,
    known,         // it is confirmed already
    own,           // it is an address of the account without that
    no_account,    // there is no such mailbox
    bad_address,   // not local@domain, or too long
    limited,       // too many mails about it: later
    unknown_token, // not ours, used, or of another purpose
    expired_token,
    trouble, // a table or the queue: try again
};

class identity_desk {
  public:
    // How a mail of the server's own gets into the queue; false: it can't now.
    using mail_sink = std::function<bool(storage::insert_message)>;

    struct surroundings {
        const storage::directory& accounts;
        storage::identities& identities;
        storage::queue_id_source& ids;
        log& journal;
    };
    explicit identity_desk(const surroundings& with) : with_(with) {}

    void open(mail_sink sink); // before this no mail goes out: `trouble`
    void close();              // none goes out after it returns

    // The owner of `address` is asked whether `account` may use it.
    desk_answer ask_owner(const conf::config& config, std::string_view account, std::string_view address);
    // The account's user is asked whether he wants that.
    desk_answer ask_account(const conf::config& config, std::string_view account, std::string_view address);
    // The owner of an address that somebody uses gets a link to see who does. Says `done` whether he does or
    // not: nobody learns from it whose addresses are known.
    desk_answer send_manage_link(const conf::config& config, std::string_view address);
    // Once for an account.
    desk_answer tell_learned(const conf::config& config, const std::string& account);

    struct seen_token {
        desk_answer what = desk_answer::unknown_token;
        storage::token_record about; // of done and expired_token
    };
    seen_token look(std::string_view token) const;
    // Of a token for `ask`, whose yes asks the owner, or for `confirm`.
    seen_token answer(const conf::config& config, std::string_view token, bool yes);
    // With a token for `manage`.
    desk_answer revoke(std::string_view token, std::string_view account);
    // A manage token for the owner who has just shown himself; "" when there is none.
    std::string new_manage_token(const std::string& address);
    result<std::vector<storage::identity_record>> users_of(std::string_view address) const;

  private:
    struct pair {
        std::string account, address;
    };
    result<pair, desk_answer> pair_of(std::string_view account, std::string_view address) const;
    desk_answer ask(const conf::config& config, storage::token_record what, std::string_view letter);
    bool send(const conf::config& config, const std::string& to, std::string_view letter,
              std::initializer_list<std::pair<std::string_view, std::string_view>> values);
    desk_answer trouble(std::string_view what, const boost::system::error_code& ec) const;

    surroundings with_;
    std::mutex mutex_; // of the sink
    mail_sink sink_;
};

// How a person is told of it.
std::string_view text_of(desk_answer answer);

} // namespace postern::server
