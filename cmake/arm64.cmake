# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Toolchain: arm64 by Debian's cross compiler, with its own libc and the libraries of a directory
# with unpacked arm64 packages (-DTCPLEDGER_SYSROOT=…; scripts/lib/check/arm64.sh makes one).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TCPLEDGER_SYSROOT)

set(arm64_libraries ${TCPLEDGER_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(CMAKE_CXX_FLAGS_INIT "-isystem ${TCPLEDGER_SYSROOT}/usr/include")
# The second one is for the libraries that our libraries need.
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-L${arm64_libraries} -Wl,-rpath-link,${arm64_libraries}:${TCPLEDGER_SYSROOT}/lib/aarch64-linux-gnu")

set(CMAKE_FIND_ROOT_PATH ${TCPLEDGER_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${arm64_libraries}/pkgconfig:${TCPLEDGER_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${TCPLEDGER_SYSROOT})
