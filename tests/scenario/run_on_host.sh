#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# run_on_host.sh TCPLEDGER SCENARIO HOOK_HITS DIRECTORY: the scenario on this host,
# in a network namespace of its own, tracepoints only. Status 77: cannot be run here.
set -eu
tcpledger=$1
directory=$4
source=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "SKIPPED: the scenario needs root for its network namespace"
    exit 77
fi
rm -rf "$directory"
mkdir -p "$directory"
PATH="$(dirname "$2"):$(dirname "$3"):$PATH"
export PATH
hooks=
if "$tcpledger" trace --help | grep -q -e --hooks; then
    hooks=--hooks=tracepoints
fi
status=0
# shellcheck disable=SC2086 # $hooks is one word or none
sh "$source/../kernels/guest/play.sh" "$directory" "$tcpledger" trace --json $hooks || status=$?
if [ "$status" != 0 ]; then
    cat "$directory/scenario.err" "$directory/trace.err" >&2
    exit "$status"
fi
# A hook that loaded and never ran is as bad as one that did not load.
if grep -e '"hits":0}' "$directory/hits.jsonl"; then
    echo "never ran" >&2
    exit 1
fi
exec python3 -B "$source/check.py" "$directory/scenario.jsonl" "$directory/trace.jsonl" --hooks tracepoints
