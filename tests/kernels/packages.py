# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fetches distribution kernels and a static busybox without installing anything.

Works with an apt of its own (state, cache and source list in the cache
directory), so the host's apt is only asked which mirror it uses. Names are
resolved when they are needed, because old versions vanish from mirrors. It
knows nothing of tests, QEMU or tcpledger.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

DEFAULT_MIRROR = "http://deb.debian.org/debian"
# Each suite with the archive it is in; the order is of no importance.
SUITES = (
    ("debian", "bullseye"),
    ("debian-security", "bullseye-security"),
    ("debian", "bookworm"),
    ("debian-security", "bookworm-security"),
    ("debian", "bookworm-backports"),
    ("debian", "trixie"),
    ("debian-security", "trixie-security"),
    ("debian", "trixie-backports"),
    ("debian", "sid"),
    ("debian", "experimental"),
)
# What tcpledger or a test may need from the modules; those built in are not missed.
MODULES = ("inet_diag", "tcp_diag", "udp_diag", "raw_diag", "mptcp_diag", "unix_diag", "dummy", "veth")
# From 7.0 on the image is split over several packages that share their suffix. A
# mirror may have lost the modules of an old one: the kernel alone is still worth having.
PARTS = ("image", "binary", "binary-unsigned", "modules")


class Unavailable(Exception):
    """Something cannot be had; the text says what and why."""


def cache_directory():
    """Where everything is kept: outside the source tree, shared by all builds."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "tcpledger" / "kernels"


def natural_order(name):
    """A sort key that takes 6.1.0-9 before 6.1.0-10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def run(arguments, environment=None):
    """Runs a command and returns its stdout; raises Unavailable with its last words."""
    try:
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unavailable(f"{arguments[0]}: {error.strerror}") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"{' '.join(arguments[:2])}: {words}")
    return done.stdout


def host_mirror():
    """The archive that the host's own apt uses, if it is a Debian one."""
    try:
        listing = run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)",
                       "Identifier: Packages"])
    except Unavailable:
        return DEFAULT_MIRROR
    for line in listing.splitlines():
        origin, _, uri = (line.split(" ") + ["", ""])[:3]
        if origin == "Debian" and uri.rstrip("/").endswith("/debian"):
            return uri.rstrip("/")
    return DEFAULT_MIRROR


class Store:
    """The cache: an apt of its own, and one directory for each kernel release."""

    def __init__(self, directory=None):
        self.directory = pathlib.Path(directory or cache_directory())
        self.apt = self.directory / "apt"
        self.index_path = self.directory / "index.json"
        self.names = None

    def kernel(self, row, pattern, update=False):
        """The directory with vmlinuz and *.ko of the newest release that matches `pattern`.

        `row` is the name under which the answer is remembered; without `update` a
        remembered one is taken and no network is needed.
        """
        index = self.read_index()
        known = self.directory / index.get(row, "") if index.get(row) else None
        if known and (known / "vmlinuz").exists() and not update:
            return known
        try:
            release = self.newest_release(pattern)
            directory = self.directory / release
            if not (directory / "vmlinuz").exists():
                self.fetch_kernel(release, directory)
        except Unavailable:
            if known and (known / "vmlinuz").exists():
                return known
            raise
        index = self.read_index()
        index[row] = release
        self.index_path.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return directory

    def busybox(self):
        """A static busybox."""
        path = self.directory / "busybox"
        if not path.exists():
            self.refresh()
            with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
                self.extract("busybox-static", pathlib.Path(scratch))
                found = next((p for p in pathlib.Path(scratch).rglob("bin/busybox") if p.is_file()), None)
                if not found:
                    raise Unavailable("busybox-static: the package holds no busybox")
                shutil.copy(found, path)
        return path

    def read_index(self):
        try:
            return json.loads(self.index_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def newest_release(self, pattern):
        """The highest release (uname -r) for which the mirror has a kernel package."""
        self.refresh()
        releases = set()
        for name in self.names:
            match = re.fullmatch(r"linux-(?:image|binary|binary-unsigned)-(\d.+)", name)
            if match and re.fullmatch(pattern, match.group(1)):
                releases.add(match.group(1))
        if not releases:
            raise Unavailable(f"the mirror has no kernel package that matches {pattern}")
        return max(releases, key=natural_order)

    def environment(self):
        return dict(os.environ, APT_CONFIG=str(self.apt / "apt.conf"), LC_ALL="C")

    def refresh(self):
        """Reads the mirror's package lists, once in the life of this object."""
        if self.names is not None:
            return
        self.configure()
        # A suite that has gone is no reason to do without the others.
        subprocess.run(["apt-get", "-q", "update"], env=self.environment(), check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        names = set(run(["apt-cache", "pkgnames", "linux-"], self.environment()).split())
        if not names:
            raise Unavailable("no package list could be had from the mirror (no network?)")
        self.names = names

    def configure(self):
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self.apt / part).mkdir(parents=True, exist_ok=True)
        (self.apt / "state/status").touch()
        mirror = host_mirror()
        keyring = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
        if not keyring.exists():
            raise Unavailable(f"{keyring} is missing (package debian-archive-keyring)")
        lines = [f"deb [arch=amd64 signed-by={keyring}] {re.sub('debian$', archive, mirror)} {suite} main\n"
                 for archive, suite in SUITES]
        (self.apt / "sources.list").write_text("".join(lines), encoding="utf-8")
        settings = {
            "Dir::State": self.apt / "state",
            "Dir::State::status": self.apt / "state/status",
            "Dir::Cache": self.apt / "cache",
            "Dir::Etc::sourcelist": self.apt / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Acquire::Languages": "none",
            "Acquire::Check-Valid-Until": "false",
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",
        }
        text = "".join(f'{name} "{value}";\n' for name, value in settings.items())
        (self.apt / "apt.conf").write_text(text, encoding="utf-8")

    def extract(self, package, target):
        """Downloads one package and unpacks it below `target`; nothing is installed."""
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            try:
                done = subprocess.run(["apt-get", "-q", "download", package], cwd=scratch, check=False,
                                      env=self.environment(), capture_output=True, text=True)
            except OSError as error:
                raise Unavailable(f"apt-get: {error.strerror}") from error
            archives = list(pathlib.Path(scratch).glob("*.deb"))
            if done.returncode or not archives:
                words = (done.stderr.strip() or "no message").splitlines()[-1]
                raise Unavailable(f"cannot download {package}: {words}")
            run(["dpkg-deb", "-x", str(archives[0]), str(target)])

    def fetch_kernel(self, release, directory):
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            root = pathlib.Path(scratch)
            for part in PARTS:
                name = f"linux-{part}-{release}"
                needless = part == "binary-unsigned" and find_image(root)
                if name in self.names and not needless:
                    self.extract(name, root)
            image = find_image(root)
            if not image:
                raise Unavailable(f"the packages of {release} hold no vmlinuz")
            staging = root / "staging"
            staging.mkdir()
            shutil.copy(image, staging / "vmlinuz")
            for config in root.rglob("config-*"):
                shutil.copy(config, staging / "config")
            for module in list(root.rglob("*.ko*")):
                if module.name.split(".ko")[0].replace("-", "_") in MODULES:
                    unpack_module(module, staging)
            shutil.rmtree(directory, ignore_errors=True)
            shutil.move(staging, directory)


def find_image(root):
    """The kernel below `root`, or None."""
    return next((p for p in root.rglob("vmlinuz*") if p.is_file() and not p.is_symlink()), None)


def unpack_module(module, directory):
    """Copies a kernel module, decompressed: busybox' insmod takes plain ones only."""
    target = directory / (module.name.split(".ko")[0].replace("-", "_") + ".ko")
    tools = {".xz": ["xz", "-dc"], ".zst": ["zstd", "-dc"], ".gz": ["gzip", "-dc"]}
    tool = tools.get(module.suffix)
    if not tool:
        shutil.copy(module, target)
        return
    with open(target, "wb") as out:
        if subprocess.run([*tool, str(module)], stdout=out, check=False).returncode:
            raise Unavailable(f"cannot decompress {module.name} (is {tool[0]} installed?)")
