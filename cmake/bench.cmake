# bench/: built only when asked for (ninja bench). What the programs share is the library postern_load, which tests/unit/bench holds
# to its word.
file(GLOB load_sources CONFIGURE_DEPENDS bench/load/*.cpp)
add_library(postern_load STATIC EXCLUDE_FROM_ALL ${load_sources})
target_link_libraries(postern_load PUBLIC OpenSSL::SSL fmt::fmt postern_boost_json PRIVATE postern_options)

add_executable(smtp_load EXCLUDE_FROM_ALL bench/smtp_load.cpp)
target_link_libraries(smtp_load PRIVATE postern_load postern_options)

add_custom_target(bench DEPENDS smtp_load)
