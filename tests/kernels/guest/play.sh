#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# play.sh DIRECTORY COMMAND...: the scenario with COMMAND, a tracer that writes JSON
# lines to its stdout, beside it. Leaves in DIRECTORY scenario.jsonl, trace.jsonl,
# trace.err, hits.jsonl. $STEPS: options of the scenario, which say what to play. Runs in guests and, with the same tools in PATH, on the host.
directory=$1
shift
mkdir -p "$directory"
: >"$directory/trace.jsonl"
# The scenario begins first: some of its sockets must be older than the tracer.
# shellcheck disable=SC2086  # $STEPS is words
scenario ${STEPS-} --wait-for "$directory/trace.jsonl" >"$directory/scenario.jsonl" 2>"$directory/scenario.err" &
player=$!
until [ -s "$directory/scenario.jsonl" ] || ! kill -0 "$player" 2>/dev/null; do sleep 0.1; done
hook_hits "$directory/hits.jsonl" "$@" >"$directory/trace.jsonl" 2>"$directory/trace.err" &
tracer=$!
(
    # A tracer that cannot start must not keep the scenario waiting.
    while kill -0 "$tracer" 2>/dev/null; do sleep 0.2; done
    kill "$player" 2>/dev/null
) &
wait "$player"
played=$?
kill -TERM "$tracer" 2>/dev/null
wait "$tracer"
traced=$?
echo "scenario $played tracer $traced"
[ "$played" = 77 ] && exit 77
[ "$played" = 0 ] && [ "$traced" = 0 ]
