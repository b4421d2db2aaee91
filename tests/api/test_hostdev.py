# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host devices where they cannot be assigned: refused, and nothing on the host is touched.

Real hand-overs are tested in the lab. These tests need a machine without an IOMMU.
"""

import pathlib
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

import guests

PCI = pathlib.Path("/sys/bus/pci/devices")
GROUPS = pathlib.Path("/sys/kernel/iommu_groups")
# Never what the machine stands on: neither disk nor network card.
SPARE = [
    path.name
    for path in sorted(PCI.glob("*"))
    if (path / "driver").exists() and (path / "class").read_text()[2:4] not in ("01", "02", "06")
]

pytestmark = [
    pytest.mark.skipif(not SPARE, reason="this machine has no PCI function to spare"),
    pytest.mark.skipif(
        GROUPS.exists() and any(GROUPS.iterdir()), reason="this machine has an IOMMU"
    ),
]

ABSENT = "0000:3f:1e.5"


def driver(address: str) -> str:
    return (PCI / address / "driver").resolve().name


@pytest.fixture
def address() -> str:
    return SPARE[0]


def test_a_host_device_can_be_configured_before_it_is_there(conn, name):
    dom = conn.defineXML(guests.guest(name, guests.hostdev(ABSENT)))
    source = ET.fromstring(dom.XMLDesc()).find("devices/hostdev/source/address")
    assert source.attrib == {"domain": "0x0000", "bus": "0x3f", "slot": "0x1e", "function": "0x5"}


@pytest.mark.parametrize("managed", ["yes", "no"])
def test_a_start_is_refused_and_the_driver_stays(conn, name, address, managed):
    before = driver(address)
    dom = conn.defineXML(guests.guest(name, guests.hostdev(address, managed)))
    with pytest.raises(libvirt.libvirtError) as info:
        dom.create()
    assert info.value.get_error_code() in REFUSALS
    assert info.value.get_error_message()
    assert dom.isActive() == 0
    assert driver(address) == before
    assert (PCI / address / "driver_override").read_text().strip() == "(null)"


REFUSALS = (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_INVALID)


def test_the_refusal_names_device_and_blocker(conn, daemon, name, address):
    dom = conn.defineXML(guests.guest(name, guests.hostdev(address)))
    with pytest.raises(libvirt.libvirtError) as info:
        dom.create()
    message = info.value.get_error_message()
    if daemon.ours:  # difference: refusals-name-the-blocker
        assert address in message
        assert "IOMMU" in message
    else:
        assert "host doesn't support passthrough of host PCI devices" in message


def test_an_absent_device_refuses_the_start(conn, daemon, name):
    dom = conn.defineXML(guests.guest(name, guests.hostdev(ABSENT)))
    with pytest.raises(libvirt.libvirtError) as info:
        dom.create()
    if daemon.ours:  # difference: refusals-name-the-blocker
        assert ABSENT in info.value.get_error_message()
    assert dom.isActive() == 0


def test_a_transient_start_is_refused_and_leaves_nothing(conn, name, address):
    with pytest.raises(libvirt.libvirtError):
        conn.createXML(guests.guest(name, guests.hostdev(address)))
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        conn.lookupByName(name)


def test_a_live_attach_is_refused_and_leaves_nothing(conn, running, address):
    before = driver(address), running.XMLDesc()
    with pytest.raises(libvirt.libvirtError):
        running.attachDevice(guests.hostdev(address))
    assert (driver(address), running.XMLDesc()) == before


def test_a_configuration_takes_and_gives_a_host_device(conn, name, address):
    dom = conn.defineXML(guests.guest(name))
    config = libvirt.VIR_DOMAIN_AFFECT_CONFIG
    dom.attachDeviceFlags(guests.hostdev(address), config)
    assert ET.fromstring(dom.XMLDesc()).find("devices/hostdev") is not None
    with pytest.raises(libvirt.libvirtError):
        dom.attachDeviceFlags(guests.hostdev(address), config)
    dom.detachDeviceFlags(guests.hostdev(address), config)
    assert ET.fromstring(dom.XMLDesc()).find("devices/hostdev") is None
    with refused(libvirt.VIR_ERR_DEVICE_MISSING):
        dom.detachDeviceFlags(guests.hostdev(address), config)


def test_detaching_from_the_host_is_refused(conn, address):
    """Without vfio no driver could hold the device."""
    before = driver(address)
    device = conn.nodeDeviceLookupByName("pci_" + address.replace(":", "_").replace(".", "_"))
    for attempt in (device.dettach, lambda: device.detachFlags("vfio", 0)):
        with pytest.raises(libvirt.libvirtError):
            attempt()
        assert driver(address) == before


def test_detaching_with_an_unknown_driver_is_refused(conn, address):
    device = conn.nodeDeviceLookupByName("pci_" + address.replace(":", "_").replace(".", "_"))
    before = driver(address)
    with pytest.raises(libvirt.libvirtError):
        device.detachFlags("no-such-backend", 0)
    assert driver(address) == before
