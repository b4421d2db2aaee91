# SPDX-License-Identifier: LGPL-2.1-or-later
"""A volume while it is made: what is seen of it, and what is left of one that does not become whole.

The daemon's qemu-img is one that writes a part of the image and then waits, for as long as the test
likes. It holds a lock, which tells whether it still runs."""

import fcntl
import pathlib
import threading
from collections.abc import Iterator

import libvirt
import pytest
import wire
from checks import refused, until
from test_storage import MIB, directory, pool, pool_xml, volume_xml  # noqa: F401 fixtures

WRITTEN = 4 * MIB
QEMU_IMG = "/usr/bin/qemu-img"
VOL_CREATE_XML = 93  # the call's number

# umount(8) looks a file up in /proc, which is that of another namespace.
UNMOUNT = "import ctypes, sys; sys.exit(ctypes.CDLL(None).umount2(sys.argv[1].encode(), 2))"

# The image is the one word that is a path in the pool.
SLOW = """#!/bin/bash
case $1 in create | convert) ;; *) exec DIR/real "$@" ;; esac
exec 9> DIR/lock
flock 9
for word; do case $word in IMAGES/*) image=$word ;; esac; done
head -c 4M /dev/zero > "$image"
while [[ ! -e DIR/go ]]; do sleep 0.05; done
exec DIR/real "$@"
"""


class Slow:
    """The slow qemu-img of one test."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory

    def go_on(self) -> None:
        (self.directory / "go").touch()

    def runs(self) -> bool:
        with (self.directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@pytest.fixture
def slow(daemon, directory, tmp_path) -> Iterator[Slow]:  # noqa: F811
    tool = tmp_path / "tool"
    tool.mkdir()
    (tool / "real").touch()
    script = tool / "qemu-img"
    script.write_text(SLOW.replace("DIR", str(tool)).replace("IMAGES", str(directory)))
    script.chmod(0o755)
    daemon.inside("mount", "--bind", QEMU_IMG, str(tool / "real"))
    daemon.inside("mount", "--bind", str(script), QEMU_IMG)
    slow = Slow(tool)
    yield slow
    slow.go_on()
    until(lambda: not slow.runs())
    for path in (QEMU_IMG, str(tool / "real")):
        daemon.inside("/usr/bin/python3", "-c", UNMOUNT, path)


def create_args(pool: libvirt.virStoragePool, xml: str) -> bytes:  # noqa: F811
    return wire.string(pool.name()) + pool.UUID() + wire.string(xml) + wire.u32(0)


class Making(threading.Thread):
    """Asks for a volume on a connection of its own, and keeps what came of it."""

    def __init__(self, connection: libvirt.virConnect, pool_name: str, xml: str) -> None:
        super().__init__(daemon=True)
        self.pool = connection.storagePoolLookupByName(pool_name)
        self.xml = xml
        self.volume: libvirt.virStorageVol | None = None
        self.error: libvirt.libvirtError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.volume = self.pool.createXML(self.xml)
        except libvirt.libvirtError as error:
            self.error = error


def allocation(pool: libvirt.virStoragePool, volume: str) -> int:  # noqa: F811
    """What there is of it so far; -1: nothing is known of it yet."""
    try:
        return pool.storageVolLookupByName(volume).info()[2]
    except libvirt.libvirtError as error:
        assert error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL, error
        return -1


def wait_for_half(pool: libvirt.virStoragePool, volume: str) -> None:  # noqa: F811
    until(lambda: allocation(pool, volume) >= WRITTEN, what="nothing of the volume is seen")


def test_a_volume_is_seen_while_it_grows(fresh, pool, directory, slow):  # noqa: F811
    making = Making(fresh(), pool.name(), volume_xml("big", 64 * MIB, "qcow2"))
    wait_for_half(pool, "big")
    volume = pool.storageVolLookupByName("big")
    assert pool.listVolumes() == ["big"]
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "big"):
        volume.delete()
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR):
        pool.destroy()
    slow.go_on()
    making.join(60)
    assert making.volume, making.error
    assert making.volume.info()[:2] == [libvirt.VIR_STORAGE_VOL_FILE, 64 * MIB]
    assert [path.name for path in directory.iterdir()] == ["big"]
    making.volume.delete()


@pytest.mark.only("airlockd")
def test_a_volume_that_nobody_waits_for_is_given_up(raw, pool, directory, slow):  # noqa: F811
    with raw() as client:
        client.open()
        client.send(wire.pack(VOL_CREATE_XML, create_args(pool, volume_xml("big", 64 * MIB, "qcow2")), serial=9))
        wait_for_half(pool, "big")
        assert list(directory.iterdir()) != []
    until(lambda: pool.listVolumes() == [], what="the volume is still there")
    until(lambda: not slow.runs(), what="qemu-img still runs")
    assert list(directory.iterdir()) == []
    slow.go_on()
    pool.createXML(volume_xml("big", MIB, "qcow2")).delete()


@pytest.mark.only("airlockd")
def test_a_daemon_that_is_killed_leaves_no_half_volume(daemon, fresh, name, directory, slow):  # noqa: F811
    pool = fresh().storagePoolDefineXML(pool_xml(name, directory))  # noqa: F811
    pool.create()
    pool.createXML(volume_xml("whole"))
    making = Making(fresh(), name, volume_xml("big", 64 * MIB, "qcow2"))
    wait_for_half(pool, "big")
    daemon.kill()
    making.join(30)
    assert making.error
    until(lambda: not slow.runs(), what="qemu-img outlives the daemon")
    assert len(list(directory.iterdir())) == 2
    daemon.start()
    pool = fresh().storagePoolLookupByName(name)
    until(lambda: pool.isActive() == 1)
    assert pool.listVolumes() == ["whole"]
    assert [path.name for path in directory.iterdir()] == ["whole"]
    slow.go_on()
    volume = pool.createXML(volume_xml("big", 2 * MIB, "qcow2"))
    assert volume.info()[1] == 2 * MIB
    pool.destroy()
    pool.undefine()
