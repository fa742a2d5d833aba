# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# An apt of our own, for packages of Debian that are looked into and never installed: it works with
# a configuration, lists and a cache below a scratch directory; the host's stay untouched. Wants
# common.sh sourced before it. Environment: DEBIAN_MIRROR.

debian_mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

# private_apt SCRATCH DEBIAN_ARCH SUITE: writes the configuration, points APT_CONFIG at it, fetches lists.
private_apt() {
    local scratch=$1 arch=$2 suite=$3
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [[ -r $keyring ]] || die "needs Debian's keys in $keyring (package debian-archive-keyring)"
    mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
    : >"$scratch/status"
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' \
        "$arch" "$keyring" "$debian_mirror" "$suite" >"$scratch/sources.list"
    cat >"$scratch/apt.conf" <<EOF
Dir::State "$scratch";
Dir::State::Lists "$scratch/lists";
Dir::State::status "$scratch/status";
Dir::Cache "$scratch/cache";
Dir::Etc::SourceList "$scratch/sources.list";
Dir::Etc::SourceParts "-";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
EOF
    export APT_CONFIG=$scratch/apt.conf
    apt-get update -qq
}
