# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a build can be told, and the flags that every target of ours compiles with.
option(TCPLEDGER_TESTS "Build the tests" ON)
option(TCPLEDGER_FUZZ "Build the fuzzers too (clang only, see tests/fuzz)" OFF)
set(TCPLEDGER_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")

# Warnings are errors with the compiler that the project is developed with; a newer
# one may warn of more, which must not keep anybody from building.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
    set(warnings_are_errors ON)
else()
    set(warnings_are_errors OFF)
endif()
option(TCPLEDGER_WERROR "Warnings are errors" ${warnings_are_errors})

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# Sanitized code without any optimisation is too slow for the end-to-end tests; -Og with
# line numbers alone compiles in half the time of -O1 -g.
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Paths below the sources are told by their relation to them: all clones share what was built.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true ${CCACHE})
endif()

# tcpledger::warnings is for what is linked statically, which no sanitizer can be;
# everything else takes tcpledger::flags.
add_library(tcpledger_warnings INTERFACE)
add_library(tcpledger::warnings ALIAS tcpledger_warnings)
target_compile_options(tcpledger_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-align -Wconversion -Wsign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 warns wrongly about std::string concatenation (GCC bug 105651)
    target_compile_options(tcpledger_warnings INTERFACE -Wno-restrict)
endif()
if(TCPLEDGER_WERROR)
    target_compile_options(tcpledger_warnings INTERFACE -Werror)
endif()

add_library(tcpledger_flags INTERFACE)
add_library(tcpledger::flags ALIAS tcpledger_flags)
target_link_libraries(tcpledger_flags INTERFACE tcpledger::warnings)
if(TCPLEDGER_SANITIZE)
    target_compile_options(tcpledger_flags INTERFACE
        -fsanitize=${TCPLEDGER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(tcpledger_flags INTERFACE -fsanitize=${TCPLEDGER_SANITIZE})
endif()
