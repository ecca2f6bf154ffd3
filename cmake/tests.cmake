# Unit tests: tests/unit/<layer>/**/*_test.cpp and tests/regress/<layer>/*_test.cpp make the program test_<layer>; Catch's main is
# compiled once.
add_library(postern_catch_main OBJECT tests/support/catch_main.cpp)
target_compile_options(postern_catch_main PRIVATE -O0)

include(cmake/test_support.cmake)

function(postern_test_program name)
  cmake_parse_arguments(program "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT program_SOURCES)
    return()
  endif()
  add_executable(${name} ${program_SOURCES} $<TARGET_OBJECTS:postern_catch_main>)
  target_link_libraries(${name} PRIVATE ${support} ${program_LINKS} postern_options)
  target_compile_definitions(${name} PRIVATE POSTERN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()

foreach(layer IN ITEMS protocol conf storage tls policy server)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS tests/unit/${layer}/*.cpp tests/regress/${layer}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/tests/unit/policy/content/") # a program of its own, below
  if(layer STREQUAL policy) # checks wait beside each other as they do in the server
    list(APPEND sources server/awaiting.cpp server/side_tasks.cpp)
  endif()
  postern_test_program(test_${layer} SOURCES ${sources} LINKS postern_${layer})
endforeach()
file(GLOB sources CONFIGURE_DEPENDS tests/unit/policy/content/*.cpp)
postern_test_program(test_content SOURCES ${sources} LINKS postern_content postern_policy)
# Once more with every answer of DNS at hand, which takes other ways.
add_test(NAME test_policy_answers_at_hand COMMAND test_policy)
set_tests_properties(test_policy_answers_at_hand PROPERTIES TIMEOUT 600 ENVIRONMENT POSTERN_TEST_ANSWERS_AT_HAND=1)
file(GLOB sources CONFIGURE_DEPENDS tests/regress/*.cpp)
postern_test_program(test_regress SOURCES ${sources} LINKS postern_server)
file(GLOB sources CONFIGURE_DEPENDS tests/regress/no_memory/*.cpp)
postern_test_program(test_no_memory SOURCES ${sources} LINKS postern_server)
set_tests_properties(test_no_memory PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")
# Beside libspf2, which is linked into nothing else.
find_library(SPF2_LIBRARY spf2 REQUIRED)
postern_test_program(test_comparison SOURCES tests/comparison/spf_comparison_test.cpp tests/unit/protocol/spf/world.cpp
                     LINKS postern_protocol fmt::fmt ${SPF2_LIBRARY})
# For tests/content/run_corpus.py: our own inspection, and what two libraries see of the same messages.
pkg_check_modules(gmime REQUIRED IMPORTED_TARGET gmime-3.0)
add_executable(inspect_file tests/content/inspect_file.cpp)
target_link_libraries(inspect_file PRIVATE postern_content fmt::fmt postern_options)
add_executable(gmime_names tests/comparison/gmime_names.cpp)
target_link_libraries(gmime_names PRIVATE PkgConfig::gmime postern_options)
add_executable(clamav_alone tests/comparison/clamav_alone.cpp)
target_link_libraries(clamav_alone PRIVATE PkgConfig::clamav postern_options)
file(GLOB_RECURSE sources CONFIGURE_DEPENDS tests/toolchain/*.cpp)
postern_test_program(test_toolchain SOURCES ${sources} LINKS postern_asio)

# The server with a test of messages that is none of the product's (tests/integration). Its registry takes the place of
# that in the library.
add_executable(postern-judging EXCLUDE_FROM_ALL server/main.cpp tests/integration/judging_checks.cpp)
target_link_libraries(postern-judging PRIVATE postern_server postern_options)

# Every public header compiles alone.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
     protocol/*.hpp conf/*.hpp storage/*.hpp tls/*.hpp policy/*.hpp server/*.hpp)
set(header_units "")
foreach(header IN LISTS headers)
  string(REPLACE "/" "_" unit ${header})
  set(unit ${CMAKE_BINARY_DIR}/headers/${unit}.cpp)
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${header}\"\n")
  list(APPEND header_units ${unit})
endforeach()
if(header_units)
  add_library(postern_headers_alone OBJECT EXCLUDE_FROM_ALL ${header_units})
  target_link_libraries(postern_headers_alone PRIVATE postern_server postern_options)
  target_compile_options(postern_headers_alone PRIVATE -fsyntax-only -Wno-pragma-once-outside-header)
endif()

# The corpus of every fuzz target is replayed by every test run, without libFuzzer.
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*.cpp)
list(FILTER fuzz_sources EXCLUDE REGEX "replay_main.cpp$")
foreach(source IN LISTS fuzz_sources)
  get_filename_component(target ${source} NAME_WE)
  postern_library_under_fuzz(${target} library)
  add_executable(replay_${target} ${source} tests/fuzz/replay_main.cpp)
  target_link_libraries(replay_${target} PRIVATE ${support} ${library} postern_options)
  add_test(NAME replay_${target} COMMAND replay_${target} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${target})
endforeach()

# A scanner with the real walls and wire that does what a message tells it (tests/integration/test_scanner.py).
add_executable(probe-scanner tests/integration/probe_scanner.cpp)
target_link_libraries(probe-scanner PRIVATE postern_scanner postern_options)
target_compile_definitions(test_server PRIVATE POSTERN_PROBE_SCANNER="$<TARGET_FILE:probe-scanner>")
add_dependencies(test_server probe-scanner)
