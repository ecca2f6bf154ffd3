# tests/fuzz/NAME.cpp defines LLVMFuzzerTestOneInput and becomes the libFuzzer program fuzz_NAME.
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*.cpp)
list(FILTER fuzz_sources EXCLUDE REGEX "replay_main.cpp$")
foreach(source IN LISTS fuzz_sources)
  get_filename_component(target ${source} NAME_WE)
  add_executable(fuzz_${target} ${source})
  target_link_libraries(fuzz_${target} PRIVATE postern_server postern_options)
  target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
endforeach()
