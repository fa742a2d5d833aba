#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finds the kernel's BTF inside a boot image and writes it to a file.

    btf_of_image.py IMAGE OUT

arm64 images are plain, gzipped, or EFI programs with a gzipped kernel inside (zboot). The BTF is
found by its header (Documentation/bpf/btf.rst): the magic 0xeb9f, version 1, a header of 24 bytes,
types at 0, strings straight behind them. The longest that fits is the kernel's.
"""

import struct
import sys
import zlib

MAGIC = struct.pack("<HBBI", 0xEB9F, 1, 0, 24)
GZIP = b"\x1f\x8b\x08"


def payloads(image):
    """The image itself, then everything in it that unpacks as gzip."""
    yield image
    at = image.find(GZIP)
    while at >= 0:
        try:
            yield zlib.decompressobj(wbits=31).decompress(image[at:])
        except zlib.error:
            pass
        at = image.find(GZIP, at + 1)


def btf_blobs(data):
    at = data.find(MAGIC)
    while at >= 0:
        if at + 24 <= len(data):
            type_off, type_len, str_off, str_len = struct.unpack_from("<4I", data, at + 8)
            end = at + 24 + str_off + str_len
            if type_off == 0 and str_off == type_len and end <= len(data):
                yield data[at:end]
        at = data.find(MAGIC, at + 1)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        image = file.read()
    for data in payloads(image):
        found = max(btf_blobs(data), key=len, default=None)
        if found:
            with open(sys.argv[2], "wb") as out:
                out.write(found)
            return
    sys.exit(f"{sys.argv[1]}: no BTF found")


if __name__ == "__main__":
    main()
