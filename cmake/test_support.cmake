# Whatever lies in tests/support/ is linked into every test and fuzz program.
include_guard()
file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.cpp)
list(REMOVE_ITEM support_sources ${CMAKE_SOURCE_DIR}/tests/support/catch_main.cpp)
set(support "")
if(support_sources)
  # It links no layer: a program takes from it only what its own layers can resolve.
  add_library(postern_test_support STATIC ${support_sources})
  target_link_libraries(postern_test_support PRIVATE Boost::headers postern_options)
  set(support postern_test_support)
endif()

# What a fuzz target is linked to: the server, or what the scanner is made of.
function(postern_library_under_fuzz target library)
  set(of_content zip_directory message_facts inspect)
  if(target IN_LIST of_content)
    set(${library} postern_content PARENT_SCOPE)
  else()
    set(${library} postern_server PARENT_SCOPE)
  endif()
endfunction()
