# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system whose server never answers: what a mount of a dead NFS server is to who looks at it.

Run by tests inside a daemon's sandbox: mounts itself at the path given, prints a line, and hangs whoever looks
until its standard input ends. It is a FUSE mount that nobody serves (Linux: Documentation/filesystems/fuse.rst).
"""

import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)


def main(path: str) -> None:
    channel = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={channel},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"dead", path.encode(), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {path}")
    print("mounted", flush=True)
    sys.stdin.read()
    libc.umount2(path.encode(), 2)  # MNT_DETACH


main(sys.argv[1])
