# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes the guest's root file system: a cpio archive (newc) in memory order.

Takes files from the host together with the shared libraries they need. It
knows the archive format and ldd, nothing of kernels or tests.
"""

import pathlib
import re
import stat
import subprocess


class Initramfs:
    """Collects entries, then writes them; parents of a path are added by themselves."""

    def __init__(self):
        self.entries = {}
        self.add_node("dev/console", stat.S_IFCHR | 0o600, 5, 1)
        self.add_node("dev/null", stat.S_IFCHR | 0o666, 1, 3)

    def add_directory(self, path, mode=0o755):
        self.add(path, stat.S_IFDIR | mode, b"")

    def add_node(self, path, mode, major, minor):
        self.add(path, mode, b"", (major, minor))

    def add_symlink(self, path, target):
        self.add(path, stat.S_IFLNK | 0o777, target.encode())

    def add_text(self, path, text, mode=0o644):
        self.add(path, stat.S_IFREG | mode, text.encode())

    def add_file(self, path, source, mode=None):
        """`source` as `path`; its permissions are kept unless `mode` says otherwise."""
        source = pathlib.Path(source)
        self.add(path, stat.S_IFREG | (mode or (source.stat().st_mode & 0o777)), source.read_bytes())

    def add_program(self, path, source):
        """A program with every shared library that ldd names, each where it is on the host."""
        self.add_file(path, source, 0o755)
        listing = subprocess.run(["ldd", str(source)], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listing):
            self.add_file(library.lstrip("/"), pathlib.Path(library).resolve(), 0o755)

    def add(self, path, mode, data, device=(0, 0)):
        path = path.strip("/")
        for parent in reversed(pathlib.PurePosixPath(path).parents):
            if str(parent) != "." and str(parent) not in self.entries:
                self.entries[str(parent)] = (stat.S_IFDIR | 0o755, b"", (0, 0))
        self.entries[path] = (mode, data, device)

    def write(self, target):
        with open(target, "wb") as out:
            for number, (path, (mode, data, device)) in enumerate(self.entries.items(), start=1):
                out.write(newc_entry(number, path, mode, data, device))
            out.write(newc_entry(0, "TRAILER!!!", 0, b"", (0, 0)))


def newc_entry(number, path, mode, data, device):
    """One archive member: header of 13 hexadecimal fields, name, contents, each padded to 4 bytes."""
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, device[0], device[1], len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return pad(header + name) + pad(data)


def pad(data):
    return data + b"\0" * (-len(data) % 4)
