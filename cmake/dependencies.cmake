# Libraries, all from Debian's packages; headers count as SYSTEM so that our warnings stay ours.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
foreach(name IN ITEMS lmdb tomlplusplus)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${name})
endforeach()
pkg_check_modules(idn2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(crypt REQUIRED IMPORTED_TARGET libcrypt)
pkg_check_modules(gsasl REQUIRED IMPORTED_TARGET libgsasl)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(clamav REQUIRED IMPORTED_TARGET libclamav)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)

# Asio is compiled once, here, instead of in every file that includes it.
add_library(postern_asio STATIC cmake/asio_implementation.cpp)
target_compile_definitions(postern_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(postern_asio PUBLIC Boost::headers Threads::Threads)

# The same for Beast, which only the files that say so include.
add_library(postern_beast STATIC cmake/beast_implementation.cpp)
target_compile_definitions(postern_beast PUBLIC BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(postern_beast PUBLIC postern_asio)

add_library(postern_boost_json STATIC cmake/json_implementation.cpp)
target_link_libraries(postern_boost_json PUBLIC Boost::headers)
