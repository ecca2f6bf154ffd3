# bench/: built only when asked for, by `ninja bench`. What smtp_load is made of is a library, so that tests/unit/bench can hold it to
# its word.
file(GLOB load_sources CONFIGURE_DEPENDS bench/load/*.cpp)
add_library(postern_load STATIC EXCLUDE_FROM_ALL ${load_sources})
target_link_libraries(postern_load PUBLIC OpenSSL::SSL fmt::fmt postern_boost_json PRIVATE postern_options)

add_executable(smtp_load EXCLUDE_FROM_ALL bench/smtp_load.cpp)
target_link_libraries(smtp_load PRIVATE postern_load postern_options)

# It takes the place of libc's functions: in the program that it is linked into, and in all that preload it.
add_library(flush_counter SHARED EXCLUDE_FROM_ALL bench/flush/flush_counter.cpp)
target_link_libraries(flush_counter PRIVATE postern_options)
target_link_options(flush_counter PRIVATE -static-libstdc++ -static-libgcc -Wno-unused-command-line-argument)

file(GLOB commit_sources CONFIGURE_DEPENDS bench/commit/*.cpp)
add_executable(spool_commit EXCLUDE_FROM_ALL bench/spool_commit.cpp bench/flush/flush_counter.cpp ${commit_sources})
target_link_libraries(spool_commit PRIVATE postern_load postern_server postern_options)

add_executable(dns_load EXCLUDE_FROM_ALL bench/dns_load.cpp)
target_link_libraries(dns_load PRIVATE postern_server postern_options)

add_executable(lookups EXCLUDE_FROM_ALL bench/lookups.cpp)
target_link_libraries(lookups PRIVATE postern_server postern_options)

add_executable(logins EXCLUDE_FROM_ALL bench/logins.cpp)
target_link_libraries(logins PRIVATE postern_server postern_options)

add_executable(bare_receiver EXCLUDE_FROM_ALL bench/bare_receiver.cpp)
target_link_libraries(bare_receiver PRIVATE postern_options)

add_executable(tls_sink EXCLUDE_FROM_ALL bench/tls_sink.cpp)
target_link_libraries(tls_sink PRIVATE OpenSSL::SSL postern_options)

add_executable(content EXCLUDE_FROM_ALL bench/content.cpp tests/unit/policy/content/archives.cpp)
target_link_libraries(content PRIVATE postern_content postern_options)

add_executable(scan_load EXCLUDE_FROM_ALL bench/scan_load.cpp)
target_link_libraries(scan_load PRIVATE postern_server postern_options)
add_dependencies(scan_load postern-scanner)

add_custom_target(bench DEPENDS scan_load smtp_load spool_commit dns_load lookups logins bare_receiver tls_sink content flush_counter)

if(POSTERN_TESTS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS tests/unit/bench/*.cpp)
  postern_test_program(test_bench SOURCES ${sources} LINKS postern_load)
endif()
