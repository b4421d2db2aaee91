# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks as they are and as they become: their size, and a look at what is in them; memory likewise."""

import pathlib
import subprocess

import libvirt
import pytest
from checks import refused

import guests

MIB = 1 << 20
BYTES = libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES
CAPACITY = 2  # newer than some bindings


@pytest.fixture
def dom(conn: libvirt.virConnect, name: str, tmp_path: pathlib.Path) -> libvirt.virDomain:
    """vdb: raw, vdc: qcow2, sda: a drive with a medium, sdb: an empty one."""
    (tmp_path / "raw.img").write_bytes(b"first" + bytes(MIB - 5))
    (tmp_path / "cd.iso").write_bytes(bytes(MIB))
    second = tmp_path / "second.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", second, "4M"], check=True)
    drive = "<disk type='file' device='cdrom'>{}<target dev='{}' bus='sata'/><readonly/></disk>"
    return conn.defineXML(
        guests.guest(
            name,
            guests.disk(tmp_path / "raw.img", "vdb")
            + guests.disk(second, "vdc").replace("type='raw'", "type='qcow2'")
            + drive.format(f"<source file='{tmp_path / 'cd.iso'}'/>", "sda")
            + drive.format("", "sdb"),
        )
    )


@pytest.fixture
def active(dom: libvirt.virDomain) -> libvirt.virDomain:
    dom.create()
    return dom


def test_a_disk_grows(conn, active, tmp_path):
    active.blockResize("vdb", 2 * MIB, BYTES)
    assert active.blockInfo("vdb")[0] == 2 * MIB
    assert (tmp_path / "raw.img").stat().st_size == 2 * MIB
    active.blockResize("vdc", 6 * 1024)  # KiB
    assert active.blockInfo("vdc")[0] == 6 * MIB


def test_a_disk_is_named_by_its_image_too(conn, active, tmp_path):
    active.blockResize(str(tmp_path / "raw.img"), 3 * MIB, BYTES)
    assert active.blockInfo("vdb")[0] == 3 * MIB


def test_what_cannot_be_resized(conn, active):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "disk 'vdx' was not found"):
        active.blockResize("vdx", MIB, BYTES)
    for target in ("sda", "sdb"):
        with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "empty or readonly", target):
            active.blockResize(target, 2 * MIB, BYTES)
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "full capacity"):
        active.blockResize("vdc", 0, CAPACITY)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
        active.blockResize("vdb", MIB, 0x80)


def test_a_guest_that_is_off_keeps_its_disks(conn, dom):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        dom.blockResize("vdb", 2 * MIB, BYTES)


def test_a_look_into_a_raw_disk(conn, dom, tmp_path):
    def look() -> None:
        assert dom.blockPeek("vdb", 0, 5) == b"first"
        assert dom.blockPeek(str(tmp_path / "raw.img"), 1, 4) == b"irst"
        with refused(libvirt.VIR_ERR_INVALID_ARG, "vdx"):
            dom.blockPeek("vdx", 0, 5)
        with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "raw"):
            dom.blockPeek("vdc", 0, 5)

    look()
    dom.create()
    look()


def test_a_look_into_memory(conn, active, name):
    for flags in (libvirt.VIR_MEMORY_VIRTUAL, libvirt.VIR_MEMORY_PHYSICAL):
        assert len(active.memoryPeek(0, 64, flags)) == 64
    # The reset vector of the firmware, just below 4 GiB: a jump.
    assert active.memoryPeek(0xFFFFFFF0, 1, libvirt.VIR_MEMORY_PHYSICAL) == b"\xea"


def test_no_look_into_memory_that_is_not_there(conn, dom):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        dom.memoryPeek(0, 16, libvirt.VIR_MEMORY_PHYSICAL)


def test_peeking_is_not_for_everybody(conn, active, fresh):
    reader = fresh(read_only=True).lookupByName(active.name())
    for call in (
        lambda: reader.blockPeek("vdb", 0, 5),
        lambda: reader.memoryPeek(0, 16, libvirt.VIR_MEMORY_PHYSICAL),
        lambda: reader.blockResize("vdb", 2 * MIB, BYTES),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_DENIED):
            call()


@pytest.mark.parametrize("what", ["blockCommit", "blockPull", "blockRebase"])
@pytest.mark.only("airlockd")
def test_block_jobs_are_not_served(conn, active, what):
    """difference: block-jobs"""
    arguments = {"blockCommit": ("vdc", None, None, 0, 0), "blockPull": ("vdc", 0), "blockRebase": ("vdc", None, 0)}
    with refused(libvirt.VIR_ERR_NO_SUPPORT):
        getattr(active, what)(*arguments[what])
