# SPDX-License-Identifier: LGPL-2.1-or-later
"""extract-vmlinux.py BZIMAGE VMLINUX: unpack the kernel, so that no guest CPU has to (a second under TCG).

The place and length of the compressed kernel stand in the set-up header (kernel: Documentation/arch/x86/boot.rst,
fields setup_sects, payload_offset and payload_length; behind all but gzip's stand four bytes with
the unpacked size)."""

import lzma
import shutil
import struct
import subprocess
import sys
from pathlib import Path

UNPACKERS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b\x08": "gzip", b"\x02\x21\x4c\x18": "lz4"}


def payload_of(image: bytes) -> bytes:
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return image[start : start + length]


def unpack(payload: bytes) -> bytes:
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    for magic, program in UNPACKERS.items():
        if payload.startswith(magic) and shutil.which(program):
            data = payload if program == "gzip" else payload[:-4]
            return subprocess.run([program, "-dc"], input=data, stdout=subprocess.PIPE, check=False).stdout
    raise SystemExit("extract-vmlinux: unknown compression")


def main() -> None:
    bzimage, vmlinux = map(Path, sys.argv[1:])
    kernel = unpack(payload_of(bzimage.read_bytes()))
    if not kernel.startswith(b"\x7fELF"):
        raise SystemExit(f"extract-vmlinux: no ELF kernel in {bzimage}")
    vmlinux.write_bytes(kernel)


main()
