# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What every script here starts with: where the project is, and how it speaks. Sourced, not run.

# shellcheck disable=SC2034  # used by those who source this
project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 1
}

# usage_error TEXT: wrong arguments, status 2 as of tcpledger itself.
usage_error() {
    say "$(basename "$0"): $* (see $0 --help)"
    exit 2
}

# print_help: the comment at the head of the running script, without its SPDX line.
print_help() {
    sed -n '3,/^[^#]/ { /^# shellcheck/d; s/^# \{0,1\}//p; }' "$0"
}

# as_root COMMAND…: as it is for root, through sudo for others.
as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $* (and there is no sudo)"
    fi
}

# bpftool and others live in sbin, which a plain user's PATH may lack.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
