// A file of a folder that is read and written as a whole. Written under another name and renamed: a crash
// leaves a whole file or none. Nobody else can read it.
#pragma once

#include "storage/file_env.hpp"

#include <string>

namespace postern::storage {

// At most `limit` octets; corrupt: it has more.
result<std::string> read_small_file(file_env& files, const file_handle& folder, const std::string& name,
                                    std::size_t limit);
// Durable when it returns. Beside it stands NAME.new until then.
result<void> write_small_file(file_env& files, const file_handle& folder, const std::string& name,
                              std::string_view octets);

} // namespace postern::storage
