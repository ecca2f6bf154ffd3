// Delivery into a Maildir: tmp -> new, durable before it counts; quota by maildirsize (Maildir++). Blocking:
// worker threads only. A delivery repeated after a crash under the same name with the same octets counts as
// done, so that most crashes duplicate nothing.
#pragma once

#include "storage/file_env.hpp"
#include "storage/queue.hpp"

namespace postern::storage {

// The folder of a mailbox by the template ("/var/mail/{domain}/{local}"). Octets of the address that could
// leave the folder or hide ('/', NUL, controls, a leading '.', '%') become %XX; an empty name is "%"; a
// component over 255 octets goes on in a folder below it ("...%+/%+..."). No two addresses share a folder.
// `local` is unquoted and folded.
std::string maildir_path(std::string_view path_template, std::string_view local, std::string_view domain);

struct maildir_target {
    std::string base; // the template up to its first placeholder's folder: links in it are the operator's and
                      // are followed
    std::string relative; // below it, no component may be a symbolic link
    std::uint64_t quota = 0;
};
maildir_target maildir_target_for(std::string_view path_template, std::string_view local,
                                  std::string_view domain, std::uint64_t quota);

inline constexpr std::size_t maildir_folder_max = 100;
// A name that `maildir_delivery::folder` may have: letters, digits, "-" and "_".
bool is_folder_name(std::string_view name);

struct maildir_delivery {
    std::string name; // unique for ever: "<seconds>.Q<queue id>R<recipient>.<host>"
    std::string head; // Return-Path and Delivered-To, with CRLF
    std::uint64_t body_size = 0;
    // A folder of the Maildir (Maildir++: ".Junk" is that of "Junk"), made when it is missing; "" = the
    // inbox. The quota is that of the whole Maildir.
    std::string folder = {};
};

// The base must exist (not_found: a store that isn't mounted); what is missing below it is made with mode
// 0700. over_quota when the message does not fit; nothing is left behind then. Lines are stored as they came
// (CRLF). Return-Path fields already in the message are left out (RFC 5321 §4.4).
// After an error nothing is in new/, except when flushing new/ failed and the message could not be taken
// back: then it may be delivered twice.
result<void> deliver_to_maildir(file_env& files, const maildir_target& target, const maildir_delivery& what,
                                body_reader& body);

// For the verdict at RCPT: is there room for `size` more octets? A Maildir that does not exist yet has room.
result<bool> maildir_has_room(file_env& files, const maildir_target& target, std::uint64_t size);

} // namespace postern::storage
