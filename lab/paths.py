# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the lab finds and leaves things."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
HOSTS = CHECKOUT / "lab" / "hosts"
BUILD = CHECKOUT / "build" / "lab"
LOGS = BUILD / "log"
RUNS = BUILD / "run"
SHARE = BUILD / "share"
KERNEL = BUILD / "kernel"
VMLINUX = KERNEL / "vmlinux"
MODULES = KERNEL / "lib" / "modules"
INITRD = BUILD / "initrd.gz"
PREPARE = CHECKOUT / "lab" / "prepare"
