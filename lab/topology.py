# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual host as its file in lab/hosts describes it."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lab import paths


class TopologyError(Exception):
    """The description cannot be used; the text names the file and the cause."""


@dataclass(frozen=True)
class Topology:
    """One host. Every field but name is a key of the file."""

    name: str
    summary: str
    disk: str = ""  # boots from it, one of lab/prepare's, in place of the lab's kernel
    memory: int = 3072  # MiB
    cpus: int = 2
    cmdline: str = ""  # of the host's kernel; one that boots from a disk has its own
    iommu: str = ""  # a QEMU device; empty: none
    devices: list[str] = field(default_factory=list)  # QEMU devices, in order
    network: list[str] = field(default_factory=list)  # netdev ids, all on one hub: every port hears every other
    audio: list[str] = field(default_factory=list)  # audiodev ids, all silent
    disks: dict[str, str] = field(default_factory=dict)  # block node -> size; a label NODE on an ext4 in it
    blank_disks: dict[str, str] = field(default_factory=dict)  # block node -> size, reads as zeroes
    modules: list[str] = field(default_factory=list)  # loaded before udev looks around
    setup: list[str] = field(default_factory=list)  # commands in the host once it is up; each must succeed
    boot_seconds: int = 150  # deadline of the boot, setup included


def names() -> list[str]:
    return sorted(file.stem for file in paths.HOSTS.glob("*.toml"))


def load(name: str) -> Topology:
    file = paths.HOSTS / f"{name}.toml"
    if not file.is_file():
        raise TopologyError(f"there is no host '{name}' in the lab; there are: {', '.join(names())}")
    return _parse(name, file)


def _parse(name: str, file: Path) -> Topology:
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise TopologyError(f"{file}: {error}") from error
    unknown = values.keys() - {f.name for f in fields(Topology)}
    if unknown:
        raise TopologyError(f"{file}: unknown key {', '.join(sorted(unknown))}")
    return Topology(name=name, **values)
