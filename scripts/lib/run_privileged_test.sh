#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# run_privileged_test.sh COMMAND...
#
# Runs a test that needs root. Status 77, ctest's "skipped", when not root and when a GoogleTest
# program skipped all it has; a test program that skipped some and passed some has passed, and one
# that failed has failed, whatever else it skipped.
set -euo pipefail

if [[ $(id -u) -ne 0 ]]; then
    echo "skipped: needs root (sudo scripts/test)"
    exit 77
fi
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
"$@" 2>&1 | tee "$output" || status=${PIPESTATUS[0]}
if [[ $status -eq 0 ]] && grep -q '^\[  SKIPPED \]' "$output" &&
    ! grep -Eq '^\[  PASSED  \] [1-9]' "$output"; then
    exit 77
fi
exit "$status"
