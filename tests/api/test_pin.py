# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a guest's threads may run, its I/O threads, and what its disks may do in a second."""

import os
import pathlib
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

import guests

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
INVALID = libvirt.VIR_ERR_INVALID_ARG

N = os.cpu_count()
ALL = (True,) * N
FIRST = (True,) + (False,) * (N - 1)
NONE = (False,) * N


@pytest.fixture
def off(conn: libvirt.virConnect, name: str, tmp_path: pathlib.Path) -> libvirt.virDomain:
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    xml = guests.guest(name, guests.disk(tmp_path / "disk.img"))
    return conn.defineXML(xml.replace("<vcpu>1</vcpu>", "<vcpu current='1'>3</vcpu>"))


@pytest.fixture
def dom(off: libvirt.virDomain) -> libvirt.virDomain:
    off.create()
    return off


def tree(dom: libvirt.virDomain, flags: int = 0) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(flags))


def affinity(dom: libvirt.virDomain, number: int) -> tuple[bool, ...]:
    """Of the thread itself."""
    infos, maps = dom.vcpus()
    return maps[[info[0] for info in infos].index(number)]


def pin_of(dom: libvirt.virDomain, flags: int) -> tuple[bool, ...]:
    """Of the first virtual CPU, as the definition has it."""
    return dom.vcpuPinInfo(flags)[0]


# ---- pins ----


def test_nothing_is_pinned(conn, dom):
    assert pin_of(dom, 0) == ALL
    assert dom.emulatorPinInfo() == ALL
    assert tree(dom).find("cputune") is None


def test_a_virtual_cpu_is_pinned(conn, dom):
    dom.pinVcpu(0, FIRST)
    assert affinity(dom, 0) == FIRST
    assert pin_of(dom, LIVE) == FIRST
    assert pin_of(dom, CONFIG) == ALL
    pin = tree(dom).find("cputune/vcpupin")
    assert (pin.get("vcpu"), pin.get("cpuset")) == ("0", "0")
    dom.pinVcpuFlags(0, ALL, LIVE)
    assert affinity(dom, 0) == ALL


def test_a_pin_in_the_configuration_counts_from_the_next_start(conn, off):
    off.pinVcpuFlags(0, FIRST, CONFIG)
    assert pin_of(off, 0) == FIRST
    off.create()
    assert affinity(off, 0) == FIRST


def test_a_virtual_cpu_that_comes_later_is_pinned(conn, dom):
    dom.pinVcpuFlags(1, FIRST, LIVE)
    dom.setVcpus(2)
    assert affinity(dom, 1) == FIRST
    assert affinity(dom, 0) == ALL


def test_the_emulator_is_pinned(conn, dom):
    dom.pinEmulator(FIRST, LIVE | CONFIG)
    assert dom.emulatorPinInfo(LIVE) == dom.emulatorPinInfo(CONFIG) == FIRST
    assert tree(dom, INACTIVE).find("cputune/emulatorpin").get("cpuset") == "0"
    assert affinity(dom, 0) == ALL


def test_pins_that_make_no_sense(conn, dom):
    for call in (
        lambda: dom.pinVcpu(0, NONE),
        lambda: dom.pinVcpuFlags(0, NONE, CONFIG),
        lambda: dom.pinEmulator(NONE, LIVE),
    ):
        with refused(INVALID, "Empty cpu list"):
            call()
    for flags, word in ((LIVE, "live"), (CONFIG, "persistent")):
        with refused(INVALID, f"vcpu 9 is out of range of {word} cpu count"):
            dom.pinVcpuFlags(9, ALL, flags)


def test_a_guest_that_is_off_has_no_threads_to_pin(conn, off):
    for call in (
        lambda: off.pinVcpu(0, ALL),
        lambda: off.pinEmulator(ALL, LIVE),
        lambda: off.vcpuPinInfo(LIVE),
        lambda: off.ioThreadInfo(LIVE),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
            call()


# ---- I/O threads ----


def threads(dom: libvirt.virDomain, flags: int) -> list[int]:
    return [number for number, _ in dom.ioThreadInfo(flags)]


def test_io_threads_come_and_go(conn, dom):
    dom.addIOThread(3, LIVE | CONFIG)
    dom.addIOThread(1, CONFIG)
    assert threads(dom, LIVE) == [3]
    assert sorted(threads(dom, CONFIG)) == [1, 3]
    assert tree(dom).findtext("iothreads") == "1"
    dom.pinIOThread(3, FIRST, LIVE | CONFIG)
    assert dom.ioThreadInfo(LIVE) == [(3, list(FIRST))] or dom.ioThreadInfo(LIVE) == [(3, FIRST)]
    [(_, numbers)] = conn.domainListGetStats([dom], libvirt.VIR_DOMAIN_STATS_IOTHREAD)
    assert numbers["iothread.count"] == 1
    assert numbers["iothread.3.poll-max-ns"] > 0
    dom.delIOThread(3, LIVE | CONFIG)
    assert (threads(dom, LIVE), threads(dom, CONFIG)) == ([], [1])
    assert tree(dom, INACTIVE).find("cputune/iothreadpin") is None


def test_io_threads_that_make_no_sense(conn, dom):
    dom.addIOThread(1, LIVE | CONFIG)
    for flags in (LIVE, CONFIG):
        with refused(INVALID, "already using iothread_id '1'"):
            dom.addIOThread(1, flags)
        with refused(INVALID, "cannot find IOThread '7'"):
            dom.delIOThread(7, flags)
        with refused(INVALID, "7 not found"):
            dom.pinIOThread(7, ALL, flags)


def test_an_io_thread_that_is_used_stays(conn, name, tmp_path):
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    disk = guests.disk(tmp_path / "disk.img").replace("type='raw'", "type='raw' iothread='1'")
    dom = conn.defineXML(guests.guest(name, disk, before="<iothreads>1</iothreads>"))
    dom.create()
    for flags in (LIVE, CONFIG):
        with refused(INVALID, "IOThread 1", "vdb"):
            dom.delIOThread(1, flags)


# ---- memory's nodes ----


def test_the_policy_of_memory(conn, off):
    assert off.numaParameters() == {"numa_mode": 0, "numa_nodeset": ""}


# ---- limits of disks ----


def test_a_disk_is_limited(conn, dom):
    dom.setBlockIoTune("vdb", {"total_bytes_sec": 5000000, "read_iops_sec": 100}, LIVE)
    numbers = dom.blockIoTune("vdb", LIVE)
    assert numbers["total_bytes_sec"] == 5000000
    assert numbers["read_iops_sec"] == 100
    assert numbers["write_bytes_sec"] == 0
    assert not any(v for v in dom.blockIoTune("vdb", CONFIG).values())
    assert len(numbers) == 20
    limits = tree(dom).find("devices/disk/iotune")
    assert {limit.tag: limit.text for limit in limits} == {
        "total_bytes_sec": "5000000",
        "read_iops_sec": "100",
    }


def test_limits_given_together_replace_each_other(conn, dom):
    for flags in (LIVE, CONFIG):
        dom.setBlockIoTune("vdb", {"total_bytes_sec": 5000000}, flags)
        dom.setBlockIoTune("vdb", {"write_bytes_sec": 3000000}, flags)
        numbers = dom.blockIoTune("vdb", flags)
        assert (numbers["total_bytes_sec"], numbers["write_bytes_sec"]) == (0, 3000000)
        dom.setBlockIoTune("vdb", {"write_bytes_sec": 0}, flags)
    assert tree(dom).find("devices/disk/iotune") is None
    assert tree(dom, INACTIVE).find("devices/disk/iotune") is None


def test_bursts(conn, dom):
    dom.setBlockIoTune(
        "vdb",
        {"total_bytes_sec": 5000, "total_bytes_sec_max": 50000, "total_bytes_sec_max_length": 3},
        LIVE,
    )
    assert dom.blockIoTune("vdb")["total_bytes_sec_max_length"] == 3


def test_limits_that_make_no_sense(conn, dom):
    with refused(INVALID, "total and read/write of bytes_sec"):
        dom.setBlockIoTune("vdb", {"total_bytes_sec": 5000, "read_bytes_sec": 5000}, LIVE)
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "total_bytes_sec_max"):
        dom.setBlockIoTune("vdb", {"total_bytes_sec_max": 5000}, LIVE)
    for call in (
        lambda: dom.setBlockIoTune("vdx", {"total_bytes_sec": 5000}, LIVE),
        lambda: dom.blockIoTune("vdx"),
    ):
        with refused(INVALID, "vdx"):
            call()
    assert tree(dom).find("devices/disk/iotune") is None


def test_limits_in_the_configuration(conn, off):
    off.setBlockIoTune("vdb", {"total_iops_sec": 50}, CONFIG)
    assert off.blockIoTune("vdb")["total_iops_sec"] == 50
    off.create()
    assert off.blockIoTune("vdb", LIVE)["total_iops_sec"] == 50
