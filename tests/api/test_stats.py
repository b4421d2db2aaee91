# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers of guests: statistics of all in one call, and of each by its own calls."""

import os
import pathlib
import signal
import subprocess
import time

import libvirt
import pytest
from checks import refused

import guests

MIB = 1 << 20
MAC = "52:54:00:77:00:01"

GROUPS = {
    "state": libvirt.VIR_DOMAIN_STATS_STATE,
    "cpu": libvirt.VIR_DOMAIN_STATS_CPU_TOTAL,
    "balloon": libvirt.VIR_DOMAIN_STATS_BALLOON,
    "vcpu": libvirt.VIR_DOMAIN_STATS_VCPU,
    "net": libvirt.VIR_DOMAIN_STATS_INTERFACE,
    "block": libvirt.VIR_DOMAIN_STATS_BLOCK,
}


def qcow2(path: pathlib.Path, *words: str) -> pathlib.Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *words[:-1], path, words[-1]], check=True)
    return path


def qemu_pid(name: str) -> int:
    """The process of a guest; the daemon's process numbers are not ours."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"qemu-system-x86_64") and any(
            word == b"guest=" + name.encode() or word.startswith(b"guest=" + name.encode() + b",")
            for word in words
        ):
            return int(entry.name)
    raise AssertionError(f"no QEMU runs {name}")


@pytest.fixture
def images(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "raw.img").write_bytes(bytes(2 * MIB))
    qcow2(tmp_path / "base.qcow2", f"{8 * MIB}")
    qcow2(tmp_path / "top.qcow2", "-b", str(tmp_path / "base.qcow2"), "-F", "qcow2", f"{8 * MIB}")
    return tmp_path


@pytest.fixture
def guest_xml(images: pathlib.Path, name: str) -> str:
    """Two disks (one with a backing image), a drive without a medium, a network card, a balloon."""
    second = guests.disk(images / "top.qcow2", "vdc").replace("type='raw'", "type='qcow2'")
    return guests.guest(
        name,
        guests.disk(images / "raw.img", "vdb")
        + second
        + "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
        + guests.interface(MAC)
        + "<memballoon model='virtio'/>",
        before="<cpu/>",
    ).replace("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu>")


@pytest.fixture
def busy(conn: libvirt.virConnect, guest_xml: str) -> libvirt.virDomain:
    dom = conn.defineXML(guest_xml)
    dom.create()
    return dom


def stats(dom: libvirt.virDomain, groups: int = 0, flags: int = 0) -> dict:
    [(found, numbers)] = dom.connect().domainListGetStats([dom], groups, flags)
    assert found.UUIDString() == dom.UUIDString()
    return numbers


def test_a_running_guest_has_all_groups(conn, busy):
    numbers = stats(busy)
    assert numbers["state.state"] == libvirt.VIR_DOMAIN_RUNNING
    assert numbers["cpu.time"] == numbers["cpu.user"] + numbers["cpu.system"] > 0
    assert numbers["balloon.current"] == numbers["balloon.maximum"] == 32 * 1024
    assert numbers["balloon.rss"] > 1024
    assert (numbers["vcpu.current"], numbers["vcpu.maximum"]) == (1, 2)
    assert numbers["vcpu.0.state"] == libvirt.VIR_VCPU_RUNNING
    assert {"vcpu.0.time", "vcpu.0.wait", "vcpu.0.delay"} <= set(numbers)
    assert "vcpu.1.time" not in numbers
    assert numbers["net.count"] == 1


def test_the_disks_of_a_running_guest(conn, busy, images):
    numbers = stats(busy, libvirt.VIR_DOMAIN_STATS_BLOCK)
    assert numbers["block.count"] == 3
    assert [numbers[f"block.{i}.name"] for i in range(3)] == ["vdb", "vdc", "sda"]
    assert numbers["block.0.path"] == str(images / "raw.img")
    assert numbers["block.0.capacity"] == numbers["block.0.physical"] == 2 * MIB
    assert numbers["block.1.capacity"] == 8 * MIB
    assert numbers["block.1.physical"] < MIB
    assert "block.2.path" not in numbers
    for kind in ("rd", "wr"):
        for what in ("reqs", "bytes", "times"):
            assert numbers[f"block.0.{kind}.{what}"] >= 0
    assert numbers["block.0.fl.reqs"] == numbers["block.0.wr.reqs"] == 0


def test_the_chain_of_images(conn, busy, images):
    numbers = stats(
        busy, libvirt.VIR_DOMAIN_STATS_BLOCK, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    )
    assert numbers["block.count"] == 4
    assert numbers["block.2.name"] == "vdc"
    assert numbers["block.2.path"] == str(images / "base.qcow2")
    assert numbers["block.2.capacity"] == 8 * MIB
    assert "block.2.rd.reqs" not in numbers
    assert numbers["block.3.name"] == "sda"


@pytest.mark.parametrize("group", GROUPS)
def test_only_what_is_asked_for(conn, busy, group):
    numbers = stats(busy, GROUPS[group])
    assert {field.split(".")[0] for field in numbers} == {group}


def test_a_guest_that_is_off(conn, guest_xml):
    dom = conn.defineXML(guest_xml)
    numbers = stats(dom)
    assert numbers["state.state"] == libvirt.VIR_DOMAIN_SHUTOFF
    assert (numbers["vcpu.current"], numbers["vcpu.maximum"]) == (1, 2)
    assert numbers["balloon.maximum"] == 32 * 1024
    assert numbers["block.count"] == 3
    assert numbers["block.0.capacity"] == 2 * MIB
    assert numbers["block.1.capacity"] == 8 * MIB
    assert not {"balloon.rss", "net.count", "block.0.rd.reqs", "vcpu.0.time"} & set(numbers)


def test_all_guests_in_one_call(conn, busy, name):
    conn.defineXML(guests.guest(f"{name}-off"))
    got = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
    assert {name, f"{name}-off"} <= {dom.name() for dom, _ in got}
    for flag, there, missing in (
        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, name, f"{name}-off"),
        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, f"{name}-off", name),
    ):
        names = [dom.name() for dom, _ in conn.getAllDomainStats(0, flag)]
        assert there in names
        assert missing not in names
    conn.lookupByName(f"{name}-off").undefine()


def test_unknown_groups_are_left_out_unless_enforced(conn, busy):
    unknown = libvirt.VIR_DOMAIN_STATS_STATE | 1 << 28
    assert set(stats(busy, unknown)) == {"state.state", "state.reason"}
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "0x10000000"):
        stats(busy, unknown, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)


@pytest.mark.only("airlockd")
@pytest.mark.parametrize(
    ("flags", "seconds"), [(libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, 2), (0, 8)]
)
def test_a_guest_that_hangs_holds_up_nobody(conn, busy, flags, seconds):
    """difference: hung-guest"""
    running = conn.createXML(guests.guest(f"{busy.name()}-b"))
    pid = qemu_pid(busy.name())
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        got = {
            dom.name(): numbers
            for dom, numbers in conn.domainListGetStats([busy, running], 0, flags)
        }
        assert time.monotonic() - begun < seconds
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "vcpu.0.time" in got[running.name()]
    assert "vcpu.0.time" not in got[busy.name()]
    assert got[busy.name()]["state.state"] == libvirt.VIR_DOMAIN_RUNNING


# ---- one guest, by the calls that each client knows ----


def test_counters_of_a_disk(conn, busy, images):
    for which in ("vdb", str(images / "raw.img")):
        reads, read_bytes, writes, written, errors = busy.blockStats(which)
        assert (writes, written, errors) == (0, 0, -1)
        assert reads >= 0
        assert read_bytes >= 0
    assert set(busy.blockStatsFlags("vdb")) == {
        *(f"{kind}_{what}" for kind in ("rd", "wr") for what in ("bytes", "operations")),
        *(f"{kind}_total_times" for kind in ("rd", "wr", "flush")),
        "flush_operations",
    }
    with refused(libvirt.VIR_ERR_INVALID_ARG, "invalid path: vdx"):
        busy.blockStats("vdx")
    with refused(libvirt.VIR_ERR_INVALID_ARG, "invalid path: vdx"):
        busy.blockStatsFlags("vdx")


def test_sizes_of_a_disk(conn, guest_xml):
    dom = conn.defineXML(guest_xml)

    def look() -> None:
        assert dom.blockInfo("vdb") == [2 * MIB, 2 * MIB, 2 * MIB]
        capacity, allocation, physical = dom.blockInfo("vdc")
        assert capacity == 8 * MIB
        assert 0 < allocation < MIB
        assert 0 < physical < MIB
        with refused(libvirt.VIR_ERR_INVALID_ARG, "vdx", "not assigned to domain"):
            dom.blockInfo("vdx")
        with refused(libvirt.VIR_ERR_INVALID_ARG, "sda", "does not currently have a source"):
            dom.blockInfo("sda")

    look()
    dom.create()
    look()


def test_no_disk_has_failed(conn, busy):
    assert busy.diskErrors() == {}


def test_memory(conn, busy):
    numbers = busy.memoryStats()
    assert numbers["actual"] == 32 * 1024
    assert numbers["rss"] > 1024


def test_virtual_cpus(conn, busy):
    [(number, state, used, processor)], [map_] = busy.vcpus()
    assert (number, state) == (0, libvirt.VIR_VCPU_RUNNING)
    assert used >= 0
    assert processor in os.sched_getaffinity(0)
    assert [i for i, allowed in enumerate(map_) if allowed] == sorted(os.sched_getaffinity(0))


def test_time_of_the_processors(conn, busy):
    [total] = busy.getCPUStats(True)
    assert total["cpu_time"] > 0
    assert {"user_time", "system_time"} <= set(total)


@pytest.mark.only("airlockd")
def test_no_control_groups(conn, busy):
    """difference: no-cgroups"""
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "on each processor"):
        busy.getCPUStats(False)
    assert tuple(busy.schedulerType()) == ("posix", 0)
    with refused(libvirt.VIR_ERR_NO_SUPPORT):
        busy.memoryParameters()


def test_nothing_counts_for_perf(conn, busy):
    events = busy.perfEvents()
    assert {"cpu_cycles", "page_faults", "cmt"} <= set(events)
    assert not any(events.values())


def test_an_interface_that_is_not_there(conn, busy):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "'vnet99' is not a known interface"):
        busy.interfaceStats("vnet99")
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR):  # no device of the host stands behind it
        busy.interfaceStats(MAC)


def test_a_guest_that_is_off_has_no_counters(conn, guest_xml):
    dom = conn.defineXML(guest_xml)
    for call in (
        lambda: dom.blockStats("vdb"),
        lambda: dom.blockStatsFlags("vdb"),
        lambda: dom.interfaceStats(MAC),
        dom.memoryStats,
        dom.vcpus,
        dom.diskErrors,
        lambda: dom.getCPUStats(True),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID):
            call()


def test_reading_needs_no_writing(conn, busy, fresh):
    reader = fresh(read_only=True).lookupByName(busy.name())
    assert reader.memoryStats()["actual"] == 32 * 1024
    assert reader.blockInfo("vdb")[0] == 2 * MIB
    assert stats(reader)["net.count"] == 1
