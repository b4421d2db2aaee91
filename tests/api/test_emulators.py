# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests by several QEMU binaries on one host: each has its own version, machines and abilities."""

import os
import pathlib
import time
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from checks import refused

import guests

OLD = guests.ROOT / "build" / "cache" / "qemu-7.2" / "usr" / "bin" / "qemu-system-x86_64"
NEW = "/usr/bin/qemu-system-x86_64"

pytestmark = pytest.mark.skipif(not OLD.exists(), reason=f"{OLD} is not there: ./dev unpacks it")


def by(emulator: str | pathlib.Path, name: str, **parts: str) -> str:
    return guests.guest(name, guests.RNG, **parts).replace(NEW, str(emulator))


def machine_of(dom: libvirt.virDomain) -> str:
    return ElementTree.fromstring(dom.XMLDesc()).find("os/type").get("machine")


def binary_of(name: str) -> pathlib.Path:
    """What the guest's process runs."""
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        if f"guest={name},".encode() in command.read_bytes():
            return (command.parent / "exe").resolve()
    raise AssertionError(f"no QEMU of {name}")


@pytest.mark.parametrize(("machine", "old", "new"), [("q35", "pc-q35-7.2", "pc-q35-10.0"),
                                                     ("pc", "pc-i440fx-7.2", "pc-i440fx-10.0")])
def test_two_versions_side_by_side(conn, name, machine, old, new):
    before = conn.defineXML(by(OLD, name + "-old", machine=machine))
    after = conn.defineXML(by(NEW, name + "-new", machine=machine))
    assert (machine_of(before), machine_of(after)) == (old, new)
    before.create()
    after.create()
    assert binary_of(name + "-old") == OLD
    assert binary_of(name + "-new") == pathlib.Path(NEW)
    before.attachDevice(guests.RNG)
    assert before.XMLDesc().count("<rng ") == 2


def test_capabilities_of_the_named_binary(conn):
    texts = [conn.getDomainCapabilities(str(path), "x86_64", "q35", "qemu") for path in (OLD, NEW)]
    trees = [ElementTree.fromstring(text) for text in texts]
    assert [tree.findtext("path") for tree in trees] == [str(OLD), NEW]
    assert [tree.findtext("machine") for tree in trees] == ["pc-q35-7.2", "pc-q35-10.0"]


def test_a_machine_that_the_binary_does_not_have(conn, name):
    dom = None
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "pc-q35-10.0"):
        dom = conn.defineXML(by(OLD, name, machine="pc-q35-10.0"))
        dom.create()


def wrapper(directory: pathlib.Path, target: pathlib.Path | str) -> pathlib.Path:
    """A path that leads to a binary, and later to another: what an upgrade does."""
    path = directory / "qemu-system-x86_64"
    new = directory / "new"
    new.write_text(f'#!/bin/sh\nexec {target} "$@"\n')
    new.chmod(0o755)
    os.replace(new, path)
    return path


def test_an_upgrade_is_seen_without_a_restart(conn, name, tmp_path):
    path = wrapper(tmp_path, OLD)
    first = conn.defineXML(by(path, name + "-first"))
    assert machine_of(first) == "pc-q35-7.2"
    # libvirtd knows a changed binary by the whole second of its change.
    changed = int(path.stat().st_ctime)
    while int(wrapper(tmp_path, NEW).stat().st_ctime) == changed:
        time.sleep(0.1)
    second = conn.defineXML(by(path, name + "-second"))
    assert machine_of(second) == "pc-q35-10.0"
    # The guest keeps the machine that it was defined on.
    assert machine_of(first) == "pc-q35-7.2"
    first.create()
    assert binary_of(name + "-first") == pathlib.Path(NEW)


def test_who_may_only_read_runs_no_binary(conn, fresh, daemon, tmp_path):
    mark = tmp_path / "ran"
    path = tmp_path / "qemu-system-x86_64"
    path.write_text(f"#!/bin/sh\ntouch {mark}\n")
    path.chmod(0o755)
    with pytest.raises(libvirt.libvirtError):
        fresh(read_only=True).getDomainCapabilities(str(path), "x86_64", "q35", "qemu")
    assert not mark.exists()
