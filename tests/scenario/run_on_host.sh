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
PATH="$(dirname "$2"):$(dirname "$3"):$PATH"
export PATH
hooks=
if "$tcpledger" trace --help | grep -q -e --hooks; then
    hooks=--hooks=tracepoints
fi

# play: once through; leaves its status in $status.
play() {
    rm -rf "$directory"
    mkdir -p "$directory"
    status=0
    # shellcheck disable=SC2086 # $hooks is one word or none
    sh "$source/../kernels/guest/play.sh" "$directory" "$tcpledger" trace --json $hooks || status=$?
    if [ "$status" != 0 ]; then
        cat "$directory/scenario.err" "$directory/trace.err" >&2
        return
    fi
    # A hook that loaded and never ran is as bad as one that did not load.
    if grep -e '"hits":0}' "$directory/hits.jsonl"; then
        echo "never ran" >&2
        status=1
        return
    fi
    python3 -B "$source/check.py" "$directory/scenario.jsonl" "$directory/trace.jsonl" --hooks tracepoints || status=$?
}

# The trace is of the whole host. What else goes on there may be more than it can
# write (status 75, and it says so); then the scenario deserves a second look.
for _ in 1 2 3; do
    play
    [ "$status" = 75 ] || break
    echo "again: the host is too busy for a whole trace"
done
exit "$status"
