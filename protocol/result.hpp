// What a function returns that can fail: a value, or the reason. No exception crosses a folder.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>

namespace postern {

// A value or an error; E is boost::system::error_code for I/O and libraries, parse_error for grammar.
template <class T, class E = boost::system::error_code> using result = boost::system::result<T, E>;

} // namespace postern
