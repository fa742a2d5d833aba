# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The libraries we stand on, by their Debian packages; each found here and nowhere else.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)       # libspdlog-dev, brings fmt
find_package(tl-expected REQUIRED)  # libexpected-dev
find_package(tsl-robin-map REQUIRED) # robin-map-dev
find_package(CLI11 REQUIRED)        # libcli11-dev
find_package(RapidJSON REQUIRED)    # rapidjson-dev
pkg_check_modules(LIBBPF IMPORTED_TARGET libbpf>=1.1)
if(NOT LIBBPF_FOUND)
    message(FATAL_ERROR "tcpledger needs libbpf 1.1 or newer (libbpf-dev of Debian 12 or Ubuntu 24.04). "
        "Ubuntu 22.04 has 0.5: install a newer libbpf from its source, see scripts/setup --help.")
endif()
pkg_check_modules(LIBMNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(LIBCAPNG REQUIRED IMPORTED_TARGET libcap-ng)
pkg_check_modules(LIBDW REQUIRED IMPORTED_TARGET libdw libelf)
pkg_check_modules(LIBSECCOMP REQUIRED IMPORTED_TARGET libseccomp)

if(TCPLEDGER_TESTS)
    find_package(GTest REQUIRED)
endif()
