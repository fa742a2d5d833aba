# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The libraries we stand on, by their Debian packages; each found here and nowhere else.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)       # libspdlog-dev, brings fmt
find_package(tl-expected REQUIRED)  # libexpected-dev
find_package(tsl-robin-map REQUIRED) # robin-map-dev
find_package(CLI11 REQUIRED)        # libcli11-dev
find_package(RapidJSON REQUIRED)    # rapidjson-dev
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf>=0.5)
pkg_check_modules(LIBMNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(LIBCAPNG REQUIRED IMPORTED_TARGET libcap-ng)

if(TCPLEDGER_TESTS)
    find_package(GTest REQUIRED)
endif()
