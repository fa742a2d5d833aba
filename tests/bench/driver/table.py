# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The figures as tables for a terminal; what is missing is a dash, never a 0."""


def number(value, digits=0, scale=1.0, suffix=""):
    return "–" if value is None else f"{value * scale:,.{digits}f}{suffix}"


def share(value):
    if value is None:
        return "–"
    return "0" if value == 0 else f"{value * 100:.1f} %" if value >= 0.001 else f"{value * 1e6:.0f} ppm"


def table(title, heads, rows):
    """Lines of a Markdown table, columns aligned; the first is text, the others figures."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]

    def line(cells):
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [f"## {title}", "", line(heads), line(rule), *(line(row) for row in rows), ""]


def churn_table(results):
    heads = ["tracer", "connections/s", "kept", "CPU µs/connection", "×", "ns/event", "× empty", "the dearest", "said lost", "missing", "reader ns/event", "user"]
    rows = []
    for name, figures in results.items():
        if "error" in figures:
            rows.append([name, "failed"] + ["–"] * (len(heads) - 2))
            continue
        get = figures.get
        rows.append(
            [
                name,
                number(get("connections_per_s")),
                share(get("rate_kept")),
                number(get("cpu_us_per_connection"), 1),
                number(get("times_cpu"), 2),
                number(get("ns_per_event")),
                number(get("times_empty"), 2),
                number(get("times_empty_dearest"), 2, suffix=" ×"),
                number(get("said_lost")),
                share(get("missing_share")),
                number(get("reader_cpu_ns_per_event")),
                number(get("reader_user_ns_per_event")),
            ]
        )
    return table("Saturated loopback churn", heads, rows) + churn_verdicts(results.get("tcpledger top", {}))


#: Under `top`: of the untraced rate, and of the time of a program that does nothing.
PROMISED_RATE = 0.9
PROMISED_TIMES_EMPTY = 3.2


def churn_verdicts(top):
    lines = []
    if "rate_kept" in top:
        interval = top["rate_kept_interval"]
        where = f", with 95 % between {share(interval[0])} and {share(interval[1])}" if interval else ""
        lost = sum(counted["said_lost"] for counted in top["samples"]["counted"])
        verdict = "kept" if top["rate_kept"] >= PROMISED_RATE and lost == 0 else "NOT KEPT"
        lines.append(
            f"top: at least {PROMISED_RATE:.0%} of the rate and nothing lost: {share(top['rate_kept'])} in"
            f" {top['rate_runs']} runs{where}, {number(lost)} lost: {verdict}."
        )
    if "times_empty_dearest" in top:
        verdict = "kept" if top["times_empty_dearest"] <= PROMISED_TIMES_EMPTY else "NOT KEPT"
        lines.append(
            f"top: at most {PROMISED_TIMES_EMPTY} × the empty program: {top['times_empty_dearest']:.2f} ×: {verdict}."
        )
    return [*lines, ""] if lines else []


#: Transitions a second that `trace` writes to a file on two CPUs, in each of its formats.
PROMISED_LINES_PER_S = 500_000


def drain_table(results):
    heads = ["trace to a file", "lines/s", "CPU ns/line", "bytes/line", "lines", "lost", "dropped", "last line"]
    rows = [
        [
            name,
            number(figures["lines_per_s"]),
            number(figures["cpu_ns_per_line"]),
            number(figures["bytes_per_line"]),
            number(figures["lines"]),
            number(figures["lost"]),
            number(figures["dropped"]),
            "whole" if figures["whole"] else "CUT",
        ]
        for name, figures in results.items()
    ]
    lines = table("What trace can write", heads, rows)
    slowest = min(figures["lines_per_s"] for figures in results.values())
    verdict = "kept" if slowest >= PROMISED_LINES_PER_S else "NOT KEPT"
    return lines + [f"at least {PROMISED_LINES_PER_S:,} lines/s: {slowest:,.0f}: {verdict}.", ""]


#: Below, the time to start counts more than the sockets.
PROMISED_SOCKETS = 100_000


def seed_limits(lookers):
    """What `list` promises beside ss, and what this run says: (promise, ratio, allowed)."""
    limits = [
        ("list -tan beside ss -tan", "tcpledger list -tan", "ss -tan", 1.0),
        ("list -tanp beside ss -tanp", "tcpledger list -tanp", "ss -tanp", 1 / 20),
    ]
    return [
        (text, lookers[ours]["seconds"] / lookers[theirs]["seconds"], allowed)
        for text, ours, theirs, allowed in limits
        if ours in lookers and theirs in lookers
    ]


def seed_tables(results):
    lines = []
    for count, lookers in results.items():
        slowest = lookers["ss -tanp"]["seconds"]
        rows = [
            [
                name,
                number(figures["seconds"], 3),
                number(figures["cpu_seconds"], 3),
                number(slowest / figures["seconds"], 1),
                number(figures["rows"]),
            ]
            for name, figures in lookers.items()
            if "seconds" in figures
        ]
        heads = ["command", "seconds", "CPU s", "× faster than ss -tanp", "rows"]
        lines += table(f"One look at {int(count):,} sockets", heads, rows)
        for text, ratio, allowed in seed_limits(lookers) if int(count) >= PROMISED_SOCKETS else []:
            verdict = "kept" if ratio <= allowed else "NOT KEPT"
            lines.append(f"{text}: {ratio:.3f} of its time, at most {allowed:.2f}: {verdict}.")
        top = lookers["tcpledger top"]
        lines += [
            f"`top` over them: {number(top['rss_kb'], 1, 1 / 1024)} MiB,"
            f" {number(top['bytes_per_connection'])} bytes a connection.",
            "",
        ]
    return lines


#: Beside 100,000 sockets: how far behind the books may be, and for what share of a CPU.
PROMISED_SETTLING_S = 1.0
PROMISED_SHARE = 0.01


def settle_table(results):
    rows = [
        [what, number(figures["median"], 2), number(figures["most"], 2)] for what, figures in results["seconds"].items()
    ]
    lines = table(f"Behind the kernel, beside {results['sockets']:,} sockets", ["what", "seconds", "at most"], rows)
    slowest = max(figures["most"] for figures in results["seconds"].values())
    kept = slowest <= PROMISED_SETTLING_S and results["cpu_share_looking"] <= PROMISED_SHARE
    return lines + [
        f"{number(results['lost'])} events were lost by the stop, {number(results['sockets_at_the_stop'])} sockets to settle.",
        f"all of top takes {share(results['cpu_share_idle'])} of a CPU while nothing happens; censuses and sweeps take"
        f" {share(results['cpu_share_looking'])} in a minute of silent ends. At most {slowest:.1f} s behind:"
        f" {'kept' if kept else 'NOT KEPT'}.",
        "",
    ]


def idle_table(idle, latency):
    rows = []
    if idle:
        rows += [
            ["CPU of idle top", number(idle["cpu_share"], 3, 100, " %")],
            ["memory (RSS)", number(idle["rss_kb"], 1, 1 / 1024, " MiB")],
            ["of it anonymous", number(idle["rss_anonymous_kb"], 1, 1 / 1024, " MiB")],
            ["BPF maps, the ring among them", number(idle["bpf_map_bytes"], 1, 1 / 1048576, " MiB")],
        ]
    if latency:
        rows.append(["top --once beyond its interval", number(latency["seconds_beyond_interval"], 3, 1, " s")])
    return table("Idle host", ["figure", "median"], rows)


def micro_table(results):
    rows = []
    for entry in results:
        rate, size = entry.get("items_per_second"), entry.get("bytes_per_connection")
        rows.append([entry["name"], number(1e9 / rate if rate else None, 1), number(size)])
    return table("The books alone", ["benchmark", "ns/event", "bytes/connection"], rows)


def stacks_table(results):
    heads = ["tracer", "connections/s", "of top's", "CPU µs/connection", "×"]
    rows = [
        [
            name,
            number(figures["connections_per_s"]),
            share(figures["of_top"]),
            number(figures["cpu_us_per_connection"], 1),
            number(figures["times_cpu_of_top"], 2),
        ]
        for name, figures in results["churn"].items()
    ]
    one = results["one"]
    cost = [
        ["taken in the kernel", number(one["take_ns"], 2, 1e-3, " µs")],
        ["unwound", number(one["unwind_us"], 1, 1, " µs")],
        ["named, the first of a program", number(one["first_name_us"], 1, 1e-3, " ms")],
        ["named again", number(one["name_us"], 1, 1, " µs")],
    ]
    return table(f"One opening stack of {number(one['frames'])} frames", ["step", "median"], cost) + table(
        "Saturated churn with opening stacks", heads, rows
    )


def render(document):
    lines = [f"{key}: {value}" for key, value in document["host"].items()] + [""]
    results = document["results"]
    if "churn" in results:
        lines += churn_table(results["churn"])
    if "drain" in results:
        lines += drain_table(results["drain"])
    if "seed" in results:
        lines += seed_tables(results["seed"])
    if "settle" in results:
        lines += settle_table(results["settle"])
    if "idle" in results or "latency" in results:
        lines += idle_table(results.get("idle"), results.get("latency"))
    if "micro" in results:
        lines += micro_table(results["micro"])
    if "stacks" in results:
        lines += stacks_table(results["stacks"])
    return "\n".join(lines)
