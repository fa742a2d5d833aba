# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rows: which kernels, in which condition, and what is known not to work there.

To add a kernel, add a row; docs/kernel-support.md says what each field means. It
knows nothing of how a row is run.
"""

import dataclasses

CLOUD = r"[.-].*-cloud-amd64"
REALTIME = r"\..*-rt-amd64"
# Numbers of <linux/capability.h>.
CAP_PERFMON = 38
CAP_BPF = 39


@dataclasses.dataclass(frozen=True)
class Row:
    """A kernel to boot and the condition tcpledger is put in."""

    name: str
    pattern: str  # of `uname -r`; the highest the mirror has is taken
    arguments: tuple = ()  # more words for the kernel's command line
    modules: bool = True  # inet_diag and its kin are loaded
    capabilities: tuple = ()  # tcpledger runs as nobody with these alone
    long: bool = False  # plays the steps that take minutes too, and has the books verified meanwhile
    may_refuse: bool = False  # too old: a clear message and status 3 will do
    may_not_list: bool = False  # `list` has nothing to list from, and says what is missing
    excused: dict = dataclasses.field(default_factory=dict)  # scenario step: why it cannot be right here
    about: str = ""


def version(text):
    return text.replace(".", r"\.")


NO_DUMP = {
    "older_than_tracer": "no dump of its network namespace can be had, so what was opened before the tracer has no owner",
}

def without_modules(row):
    """The same row where the mirror has the kernel still and its modules no more."""
    return dataclasses.replace(row, modules=False, may_not_list=True, excused={**row.excused, **NO_DUMP},
                               about="no inet_diag module: the mirror has lost it")


ROWS = (
    Row("5.10", version("5.10") + CLOUD, may_refuse=True),
    Row("6.1", version("6.1") + CLOUD),
    Row("6.12", version("6.12") + CLOUD),
    Row("6.16", version("6.16") + CLOUD),
    Row("6.18", version("6.18") + CLOUD),
    Row("7.0", version("7.0") + CLOUD),
    Row("7.2", version("7.2") + CLOUD),
    Row("7.3", version("7.3") + CLOUD),
    Row("6.1-rt", version("6.1") + REALTIME),
    Row("6.12-rt", version("6.12") + REALTIME),
    Row("6.12-long", version("6.12") + CLOUD, long=True, about="with the steps that take minutes, and `verify`"),
    Row("6.12-lockdown", version("6.12") + CLOUD, arguments=("lockdown=confidentiality",),
        about="lockdown=confidentiality"),
    Row("6.12-no-inet-diag", version("6.12") + CLOUD, modules=False, may_not_list=True, excused=NO_DUMP,
        about="no inet_diag module"),
    Row("6.12-nobody", version("6.12") + CLOUD, capabilities=(CAP_PERFMON, CAP_BPF),
        excused=NO_DUMP, about="nobody with CAP_BPF and CAP_PERFMON alone"),
)

# What scripts/test runs; "newest" is the last of these that can be had.
DEFAULT = ("6.1", "6.12", "newest")
NEWEST = ("7.3", "7.2", "7.0", "6.18")
