# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory and virtual CPUs: how much there is, and changing it live and in the configuration."""

import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

import guests

LIVE, CONFIG, CURRENT = (
    libvirt.VIR_DOMAIN_AFFECT_LIVE,
    libvirt.VIR_DOMAIN_AFFECT_CONFIG,
    libvirt.VIR_DOMAIN_AFFECT_CURRENT,
)
MEM_MAX = libvirt.VIR_DOMAIN_MEM_MAXIMUM
VCPU_MAX = libvirt.VIR_DOMAIN_VCPU_MAXIMUM
MIB = 1024  # in KiB

BALLOON = "<memballoon model='virtio'/>"


def live(dom: libvirt.virDomain) -> ET.Element:
    return ET.fromstring(dom.XMLDesc())


def config(dom: libvirt.virDomain) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))


def memory(root: ET.Element) -> tuple[int, int]:
    """Maximum and current, in KiB."""
    return int(root.findtext("memory")), int(root.findtext("currentMemory"))


def period(root: ET.Element) -> str | None:
    stats = root.find("devices/memballoon/stats")
    return None if stats is None else stats.get("period")


@pytest.fixture
def xml(name: str) -> str:
    return guests.guest(name, BALLOON).replace("<vcpu>1</vcpu>", "<vcpu current='1'>3</vcpu>")


@pytest.fixture
def off(conn: libvirt.virConnect, xml: str) -> libvirt.virDomain:
    return conn.defineXML(xml)


@pytest.fixture
def dom(off: libvirt.virDomain) -> libvirt.virDomain:
    off.create()
    return off


# ---- memory ----


def test_current_memory_in_the_configuration(conn, dom):
    dom.setMemoryFlags(16 * MIB, CONFIG)
    assert memory(config(dom)) == (32 * MIB, 16 * MIB)
    assert memory(live(dom)) == (32 * MIB, 32 * MIB)


def test_a_running_guest_is_asked_for_memory(conn, dom):
    """Its firmware has no driver that would answer: nothing changes, and nothing fails."""
    dom.setMemory(24 * MIB)
    dom.setMemoryFlags(16 * MIB, LIVE)
    assert memory(live(dom)) == (32 * MIB, 32 * MIB)
    assert memory(config(dom)) == (32 * MIB, 32 * MIB)
    assert dom.info()[1:3] == [32 * MIB, 32 * MIB]


def test_memory_has_a_maximum(conn, dom):
    for flags in (LIVE, CONFIG, LIVE | CONFIG):
        with refused(libvirt.VIR_ERR_INVALID_ARG, "cannot set memory higher than max memory"):
            dom.setMemoryFlags(33 * MIB, flags)
    assert memory(config(dom)) == (32 * MIB, 32 * MIB)


def test_the_maximum_changes_in_the_configuration_alone(conn, dom):
    for flags in (MEM_MAX, MEM_MAX | LIVE, MEM_MAX | LIVE | CONFIG):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "on an active domain"):
            dom.setMemoryFlags(64 * MIB, flags)
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "on an active domain"):
        dom.setMaxMemory(64 * MIB)
    dom.setMemoryFlags(64 * MIB, MEM_MAX | CONFIG)
    assert memory(config(dom)) == (64 * MIB, 32 * MIB)
    assert dom.maxMemory() == 32 * MIB


def test_a_smaller_maximum_takes_the_current_memory_along(conn, off):
    off.setMaxMemory(16 * MIB)
    assert memory(config(off)) == (16 * MIB, 16 * MIB)
    assert off.maxMemory() == 16 * MIB


def test_a_guest_that_is_off_has_no_current_memory_to_change_live(conn, off):
    for call in (lambda: off.setMemory(16 * MIB), lambda: off.setMemoryFlags(16 * MIB, LIVE)):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
            call()
    off.setMemoryFlags(16 * MIB, CURRENT)
    assert memory(config(off)) == (32 * MIB, 16 * MIB)


def test_a_guest_without_balloon_keeps_its_memory(conn, name):
    dom = conn.createXML(guests.guest(name, "<memballoon model='none'/>"))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "without the balloon device"):
        dom.setMemory(16 * MIB)
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "set the collection period"):
        dom.setMemoryStatsPeriod(3, LIVE)


def test_the_period_of_memory_statistics(conn, dom):
    dom.setMemoryStatsPeriod(3, LIVE)
    assert (period(live(dom)), period(config(dom))) == ("3", None)
    dom.setMemoryStatsPeriod(4, LIVE | CONFIG)
    assert (period(live(dom)), period(config(dom))) == ("4", "4")
    dom.setMemoryStatsPeriod(0, CONFIG)
    assert (period(live(dom)), period(config(dom))) == ("4", None)


def test_a_transient_guest_has_no_configuration_to_tune(conn, xml):
    dom = conn.createXML(xml)
    for call in (
        lambda: dom.setMemoryFlags(16 * MIB, CONFIG),
        lambda: dom.setVcpusFlags(2, CONFIG),
        lambda: dom.setMemoryStatsPeriod(3, CONFIG),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "transient"):
            call()


# ---- virtual CPUs ----


def counts(dom: libvirt.virDomain) -> tuple[int, ...]:
    """Maximum and online now, maximum and online in the configuration."""
    return tuple(
        dom.vcpusFlags(where | which) for where in (LIVE, CONFIG) for which in (VCPU_MAX, 0)
    )


def test_virtual_cpus_are_plugged_in(conn, dom):
    dom.setVcpus(2)
    assert counts(dom) == (3, 2, 3, 1)
    assert [number for number, *_ in dom.vcpus()[0]] == [0, 1]
    dom.setVcpusFlags(3, LIVE)
    assert counts(dom) == (3, 3, 3, 1)
    assert live(dom).find("vcpu").get("current") is None
    assert dom.info()[3] == 3
    dom.setVcpus(3)


def test_virtual_cpus_in_the_configuration(conn, dom):
    dom.setVcpusFlags(2, CONFIG)
    assert counts(dom) == (3, 1, 3, 2)
    dom.setVcpusFlags(3, CONFIG)
    assert counts(dom) == (3, 1, 3, 3)
    dom.setVcpusFlags(2, LIVE | CONFIG)
    assert counts(dom) == (3, 2, 3, 2)


def test_there_are_not_more_virtual_cpus_than_the_maximum(conn, dom):
    for flags, word in ((LIVE, "live"), (CONFIG, "persistent")):
        with refused(libvirt.VIR_ERR_INVALID_ARG, f"the {word} domain", "4 > 3"):
            dom.setVcpusFlags(4, flags)


def test_the_maximum_of_virtual_cpus(conn, dom):
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "of a live domain can't be modified"):
        dom.setVcpusFlags(4, VCPU_MAX | LIVE | CONFIG)
    dom.setVcpusFlags(4, VCPU_MAX | CONFIG)
    assert counts(dom) == (3, 1, 4, 1)
    assert dom.maxVcpus() == 3


def test_a_smaller_maximum_takes_the_online_ones_along(conn, off):
    off.setVcpusFlags(3, CONFIG)
    off.setVcpusFlags(2, VCPU_MAX | CONFIG)
    assert off.vcpusFlags(CONFIG) == off.vcpusFlags(CONFIG | VCPU_MAX) == 2


def test_a_topology_has_its_number_of_virtual_cpus(conn, name):
    topology = "<cpu><topology sockets='2' dies='1' cores='2' threads='1'/></cpu>"
    dom = conn.defineXML(
        guests.guest(name, before=topology).replace("<vcpu>1</vcpu>", "<vcpu>4</vcpu>")
    )
    with refused(libvirt.VIR_ERR_INVALID_ARG, "topology"):
        dom.setVcpusFlags(6, VCPU_MAX | CONFIG)
    dom.setVcpusFlags(2, CONFIG)
    assert dom.vcpusFlags(CONFIG) == 2


def test_what_the_guest_was_started_with_stays(conn, name):
    dom = conn.createXML(guests.guest(name).replace("<vcpu>1</vcpu>", "<vcpu current='2'>3</vcpu>"))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "hotpluggable vcpus"):
        dom.setVcpus(1)


def test_a_guest_that_is_off_has_no_virtual_cpus_to_plug(conn, off):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        off.setVcpus(2)
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        off.vcpusFlags(LIVE)


def test_unknown_flags_are_refused(conn, dom):
    for call in (dom.setMemoryFlags, dom.setVcpusFlags, dom.setMemoryStatsPeriod):
        with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
            call(1, 0x80)


def test_one_virtual_cpu(conn, dom):
    dom.setVcpu("2", 1, LIVE)
    assert counts(dom) == (3, 2, 3, 1)
    assert [number for number, *_ in dom.vcpus()[0]] == [0, 2]
    assert [vcpu.get("enabled") for vcpu in live(dom).findall("vcpus/vcpu")] == ["yes", "no", "yes"]
    with refused(libvirt.VIR_ERR_INVALID_ARG, "vcpu 9 is not present in live config"):
        dom.setVcpu("9", 1, LIVE)
    dom.setVcpus(3)
    assert [number for number, *_ in dom.vcpus()[0]] == [0, 1, 2]


def test_single_virtual_cpus_in_the_configuration(conn, name):
    vcpus = "".join(
        f"<vcpu id='{i}' enabled='{'no' if i else 'yes'}' hotpluggable='{'yes' if i else 'no'}'/>"
        for i in range(3)
    )
    xml = guests.guest(name, before=f"<vcpus>{vcpus}</vcpus>")
    dom = conn.defineXML(xml.replace("<vcpu>1</vcpu>", "<vcpu current='1'>3</vcpu>"))
    dom.setVcpu("2", 1, CONFIG)
    states = [vcpu.get("enabled") for vcpu in config(dom).findall("vcpus/vcpu")]
    assert states == ["yes", "no", "yes"]
    assert dom.vcpusFlags(CONFIG) == 2
    dom.create()
    assert [number for number, *_ in dom.vcpus()[0]] == [0, 2]
