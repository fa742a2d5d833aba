#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# arm64.sh JOBS: builds tcpledger for arm64 with Debian's cross compiler; nothing is run, nothing
# installed. The libraries come from Debian's arm64 packages, unpacked once into
# ~/.cache/tcpledger/arm64 ($XDG_CACHE_HOME); after that no network is needed. Status 77, with the
# reason, where compiler or packages cannot be had.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/lib/private_apt.sh
. "$project_root/scripts/lib/private_apt.sh"

jobs=$1
suite=bookworm
libraries=(libbpf-dev libmnl-dev libcap-ng-dev libdw-dev libseccomp-dev libspdlog-dev libcli11-dev
    libexpected-dev rapidjson-dev robin-map-dev)
# The cross compiler brings these.
not_wanted='^(gcc-|libc6|libcrypt|libgcc|libnsl|libstdc|libtirpc|linux-libc-dev|rpcsvc)'
sysroot=${XDG_CACHE_HOME:-$HOME/.cache}/tcpledger/arm64/$suite
complete=$sysroot/.complete # names what was unpacked
build=$project_root/build/arm64

skip() {
    say "skipped: $1"
    exit 77
}

# unpack_libraries DIRECTORY: fetches them with all that they need and unpacks them there. Each
# step asks for its own success: where this function is a condition, `set -e` does not.
unpack_libraries() {
    local scratch=$1/scratch package
    mkdir -p "$scratch" &&
        private_apt "$scratch" arm64 "$suite" &&
        apt-get install -qq -y --download-only --no-install-recommends "${libraries[@]}" >/dev/null ||
        return 1
    for package in "$scratch"/cache/archives/*.deb; do
        [[ $(basename "$package") =~ $not_wanted ]] || dpkg-deb -x "$package" "$1" || return 1
    done
    rm -rf "$scratch"
}

# have_sysroot: makes it, unless it is there; whole or not at all.
have_sysroot() {
    local fresh
    [[ $(cat "$complete" 2>/dev/null) == "${libraries[*]}" ]] && return
    mkdir -p "$(dirname "$sysroot")"
    fresh=$(mktemp -d "$sysroot.XXXXXX")
    if ! (unpack_libraries "$fresh"); then
        rm -rf "$fresh"
        return 1
    fi
    printf '%s\n' "${libraries[*]}" >"$fresh/.complete"
    rm -rf "$sysroot"
    mv "$fresh" "$sysroot"
}

for tool in aarch64-linux-gnu-g++ cmake ninja pkg-config apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || skip "$tool is missing (scripts/setup --check installs it, or Debian has it)"
done
have_sysroot || skip "Debian's arm64 packages cannot be had"

cmake -S "$project_root" -B "$build" -G Ninja --log-level=WARNING -Wno-dev \
    -DCMAKE_TOOLCHAIN_FILE="$project_root/cmake/arm64.cmake" -DTCPLEDGER_SYSROOT="$sysroot" \
    -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS_NONE=-O0 -DTCPLEDGER_TESTS=OFF >/dev/null
ninja -C "$build" -j "$jobs" --quiet tcpledger
file_header=$(od -A n -t x1 -j 18 -N 2 "$build/tcpledger" | tr -d ' ')
[[ $file_header == b700 ]] || die "$build/tcpledger is not a program for arm64"
