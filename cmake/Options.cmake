# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a build can be told, and the flags that every target of ours compiles with.
option(TCPLEDGER_TESTS "Build the tests" ON)
option(TCPLEDGER_FUZZ "Build the fuzzers too (clang only, see tests/fuzz)" OFF)
set(TCPLEDGER_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

add_library(tcpledger_flags INTERFACE)
add_library(tcpledger::flags ALIAS tcpledger_flags)
target_compile_options(tcpledger_flags INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wcast-align -Wconversion -Wsign-conversion
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>) # GCC 12 warns wrongly about std::string concatenation (GCC bug 105651)
if(TCPLEDGER_SANITIZE)
    target_compile_options(tcpledger_flags INTERFACE -fsanitize=${TCPLEDGER_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(tcpledger_flags INTERFACE -fsanitize=${TCPLEDGER_SANITIZE})
endif()
