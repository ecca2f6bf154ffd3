// What two servers say to each other on <state_dir>/handover.sock when one takes over from the other: records
// with descriptors in them. The newcomer asks and gets all listening sockets; nothing has changed until it
// says that it goes on; from then on the elder accepts nobody, drains and ends.
#pragma once

#include "storage/file_env.hpp"

#include <boost/system/result.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/un.h>
#include <vector>

namespace postern::server::handover {

inline constexpr std::string_view ask = "postern take-over 1"; // the number is the version of these records
inline constexpr std::string_view go = "go on";
inline constexpr std::string_view sockets = "sockets ";   // and how many there are in all
inline constexpr std::string_view draining = "draining "; // and in how many seconds it will have ended
inline constexpr std::string_view refused = "refused ";   // and why
inline constexpr std::size_t record_max = 256;            // octets
inline constexpr std::size_t descriptors_of_record = 64;  // at most passed_descriptors_max
inline constexpr std::size_t descriptors_max = 8192;

// The socket's address, for a state folder of any length: sun_path holds 107 octets, and a longer path leads
// over the open folder.
class address {
  public:
    explicit address(const std::string& state_dir);
    std::string path() const { return path_; } // for messages
    int bind(int fd) const;                    // as the system calls do
    int connect(int fd) const;
    void remove() const;

  private:
    storage::file_handle folder_;
    std::string path_;
    sockaddr_un name_{};
};

int open_socket();

// One record, without waiting; would_block when there is no room, or none has come. An end of the connection
// is a record without text.
struct record {
    std::string text;
    std::vector<storage::file_handle> descriptors;
};
boost::system::error_code send(int fd, std::string_view text, std::span<const int> descriptors = {});
boost::system::result<record> receive(int fd);

// The number behind a word of the above; nullopt when the record is another one.
std::optional<std::size_t> number_after(std::string_view word, std::string_view text);

} // namespace postern::server::handover
