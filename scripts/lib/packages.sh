# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the project needs from the distribution, how to tell that it is there, and the packages'
# names. The probes look for the thing itself, not for the package, so that they hold on any
# distribution and for what was installed from source. Wants common.sh sourced before it.

# set | probe | Debian package | Ubuntu packages where they differ | what it is
requirements() {
    cat <<'EOF'
build|command g++|g++||the C++20 compiler
build|command cmake|cmake||CMake 3.22 or newer
build|command ninja|ninja-build||Ninja
build|command pkg-config|pkg-config||pkg-config
build|command clang|clang||clang, for the BPF target
build|bpftool|bpftool|bpftool linux-tools-common linux-tools-generic|bpftool
build|module libbpf >= 1.1|libbpf-dev||libbpf 1.1 or newer
build|module libmnl|libmnl-dev||libmnl
build|module libcap-ng|libcap-ng-dev||libcap-ng
build|module libdw|libdw-dev||elfutils libdw
build|module libseccomp|libseccomp-dev||libseccomp
build|module spdlog|libspdlog-dev||spdlog, with fmt
build|header CLI/CLI.hpp|libcli11-dev||CLI11
build|header tl/expected.hpp|libexpected-dev||tl::expected
build|header rapidjson/writer.h|rapidjson-dev||RapidJSON
build|header tsl/robin_map.h|robin-map-dev||robin-map
tests|header gtest/gtest.h|libgtest-dev||GoogleTest
tests|command python3|python3||Python 3.9 or newer
tests|command ss|iproute2||ss and ip
tests|command setpriv|util-linux||setpriv, unshare, nsenter
check|command clang-format-19|clang-format-19||clang-format 19
check|command clang-tidy-19|clang-tidy-19||clang-tidy 19
check|command shellcheck|shellcheck||shellcheck
check|command aarch64-linux-gnu-g++|g++-aarch64-linux-gnu||the C++ cross compiler for arm64
runtimes|command node|nodejs||Node, whose programs the tests of stacks look into
runtimes|command debuginfod-find|debuginfod||debuginfod-find, for the tests of stacks
runtimes|command javac|default-jdk-headless||a JDK, likewise
kernels|command qemu-system-x86_64|qemu-system-x86||QEMU
bench|header benchmark/benchmark.h|libbenchmark-dev||Google Benchmark
bench|command python3|python3||Python 3.9 or newer
bench|command ss|iproute2||ss and ip
bench|command bpftrace|bpftrace||bpftrace, a rival
bench|command tcpstates|libbpf-tools||tcpstates and tcplife, rivals
EOF
}

distribution() {
    local ID=unknown ID_LIKE=
    # shellcheck source=/dev/null
    [[ -r /etc/os-release ]] && . /etc/os-release
    case " $ID $ID_LIKE " in
    *" ubuntu "*) echo ubuntu ;;
    *" debian "*) echo debian ;;
    *) echo "$ID" ;;
    esac
}

# bpftool_runs: any build will do; on Ubuntu the one in the PATH may refuse (see cmake/BpfObject.cmake).
bpftool_runs() {
    local candidate
    for candidate in bpftool /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool; do
        if [[ $("$candidate" version 2>/dev/null) == *"bpftool v"* ]]; then
            return 0
        fi
    done
    return 1
}

# is_there PROBE: whether a line's second column is satisfied.
is_there() {
    local kind=${1%% *} what=${1#* } dir
    case $kind in
    command) command -v "$what" >/dev/null ;;
    module) pkg-config --exists "$what" 2>/dev/null ;;
    bpftool) bpftool_runs ;;
    header)
        for dir in /usr/local/include /usr/include "/usr/include/$(uname -m)-linux-gnu"; do
            [[ -e $dir/$what ]] && return 0
        done
        return 1
        ;;
    esac
}

# missing SET…: the lines of these sets that are not satisfied.
missing() {
    local set probe rest
    while IFS='|' read -r set probe rest; do
        if [[ " $* " == *" $set "* ]] && ! is_there "$probe"; then
            printf '%s|%s|%s\n' "$set" "$probe" "$rest"
        fi
    done < <(requirements)
}

# package_names DISTRIBUTION: of the lines on stdin, the packages, each once.
package_names() {
    local set probe debian ubuntu rest names
    while IFS='|' read -r set probe debian ubuntu rest; do
        names=$debian
        if [[ $1 == ubuntu && $ubuntu ]]; then
            names=$ubuntu
        fi
        tr ' ' '\n' <<<"$names"
    done | sort -u
}
