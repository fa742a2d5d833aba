#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# tidy.sh BUILD_DIR JOBS
#
# Runs clang-tidy 19 over our C++ sources as BUILD_DIR compiles them. A source that passed is not
# looked at again until it, a header of ours or .clang-tidy changes: what passed is remembered in
# BUILD_DIR/tidy by the hash of all that.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
. "$(dirname "$0")/../common.sh"
cd "$project_root"

build_dir=$1 jobs=$2
[[ -e $build_dir/compile_commands.json ]] || die "no $build_dir/compile_commands.json: scripts/build first"
mkdir -p "$build_dir/tidy"
export build_dir

# The skeletons must be there to be included.
ninja -C "$build_dir" -t targets all | sed -n 's/^\(bpf_.*_skeleton\): phony$/\1/p' |
    xargs -r ninja -C "$build_dir" >/dev/null

headers=$(find userspace tests bpf -name '*.h' -o -name '*.hpp' | sort | xargs cat .clang-tidy | sha256sum)
export headers

tidy_one() {
    local stamp
    stamp=$build_dir/tidy/$( (cat "$1" && echo "$1 $headers") | sha256sum | cut -c -32)
    if [[ ! -e $stamp ]]; then
        clang-tidy-19 --quiet -p "$build_dir" --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' "$1" 2>/dev/null && : >"$stamp"
    fi
}
export -f tidy_one

# shellcheck disable=SC2016  # the inner shell expands it
# Only what is compiled has a command; the rest (a test of another preset) is left out.
find userspace tests -name '*.cpp' | sort | while read -r file; do
    if grep -qF "\"file\": \"$project_root/$file\"" "$build_dir/compile_commands.json"; then
        printf '%s\n' "$file"
    fi
done | xargs -P "$jobs" -I {} bash -c 'tidy_one "$1"' tidy {}
