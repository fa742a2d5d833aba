# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Configuring and building a preset. Wants common.sh sourced before it.
# shellcheck disable=SC2154  # project_root is set there

# build_dir PRESET
build_dir() { printf '%s/build/%s\n' "$project_root" "$1"; }

# know_preset PRESET: ends with status 2 when CMakePresets.json has none of that name.
know_preset() {
    case $1 in
    release | debug | tsan) ;;
    *) usage_error "unknown preset '$1': release, debug or tsan" ;;
    esac
}

# configure PRESET TESTS: TESTS is ON, or KEEP for as it was (OFF in a new build directory, so
# that building the program alone needs no test library). Does nothing when nothing would change.
configure() {
    local dir tests=$2
    dir=$(build_dir "$1")
    if [[ -e $dir/build.ninja ]] &&
        { [[ $tests == KEEP ]] || grep -q '^TCPLEDGER_TESTS:BOOL=ON$' "$dir/CMakeCache.txt"; }; then
        return 0
    fi
    if [[ $tests == KEEP ]]; then
        tests=OFF
    fi
    (cd "$project_root" && cmake --preset "$1" -DTCPLEDGER_TESTS="$tests")
}

# is_up_to_date PRESET TARGET
is_up_to_date() {
    local dir
    dir=$(build_dir "$1")
    [[ -e $dir/build.ninja && $(ninja -C "$dir" -n "$2" 2>/dev/null) == *"no work to do"* ]]
}

# build_target PRESET TARGET
build_target() { ninja -C "$(build_dir "$1")" "$2"; }
