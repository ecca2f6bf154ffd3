# Compiler, warnings and hardening for Postern's own code.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(POSTERN_TESTS "Build the tests" ON)
option(POSTERN_FUZZ "Build the fuzz targets with libFuzzer" OFF)
set(POSTERN_SANITIZE "" CACHE STRING "Value of -fsanitize for everything, or empty")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} destroys temporaries in statements with co_await twice or never "
    "(tests/toolchain holds the forms). Use clang 19: cmake --preset release")
endif()

find_program(POSTERN_CCACHE ccache)
if(POSTERN_CCACHE)
  # Paths below the source tree count relative, so that every clone and work tree shares one cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${POSTERN_CCACHE})
endif()
find_program(POSTERN_LLD NAMES ld.lld-19 ld.lld)
if(POSTERN_LLD)
  add_link_options(--ld-path=${POSTERN_LLD})
endif()

# One target that every part of Postern links: the warnings that STYLE asks for, and hardening.
add_library(postern_options INTERFACE)
target_compile_options(postern_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
target_include_directories(postern_options INTERFACE ${CMAKE_SOURCE_DIR})
if(POSTERN_SANITIZE)
  add_compile_options(-fsanitize=${POSTERN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POSTERN_SANITIZE})
else()
  add_compile_options(-fstack-protector-strong)
  add_link_options(-pie -Wl,-z,relro,-z,now)
  add_compile_definitions($<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=3>)
endif()
add_compile_definitions(_GLIBCXX_ASSERTIONS)
