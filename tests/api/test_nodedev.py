# SPDX-License-Identifier: LGPL-2.1-or-later
"""Node devices: the PCI functions of this host, compared with what the kernel says."""

import pathlib
import re
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

PCI = pathlib.Path("/sys/bus/pci/devices")
ADDRESSES = sorted(path.name for path in PCI.iterdir()) if PCI.exists() else []

pytestmark = pytest.mark.skipif(not ADDRESSES, reason="this machine has no PCI bus")


def nodedev_name(address: str) -> str:
    return "pci_" + re.sub("[:.]", "_", address)


def fact(address: str, name: str) -> str:
    return (PCI / address / name).read_text().strip()


def target(address: str, link: str) -> str | None:
    path = PCI / address / link
    return path.resolve().name if path.exists() else None


def pci_devices(conn: libvirt.virConnect) -> list[libvirt.virNodeDevice]:
    return conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)


def test_every_function_is_listed(conn):
    listed = sorted(device.name() for device in pci_devices(conn))
    assert listed == [nodedev_name(address) for address in ADDRESSES]


def test_the_list_without_a_filter_has_them_and_the_computer(conn):
    names = {device.name() for device in conn.listAllDevices()}
    assert names >= {nodedev_name(address) for address in ADDRESSES} | {"computer"}


def test_filters_on_activity(conn):
    pci = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV
    active = conn.listAllDevices(pci | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE)
    assert len(active) == len(ADDRESSES)
    assert conn.listAllDevices(pci | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE) == []


def test_filters_of_one_kind_add_up(conn):
    system = conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM)
    assert [device.name() for device in system] == ["computer"]
    both = conn.listAllDevices(
        libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM
        | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV
    )
    assert len(both) == 1 + len(ADDRESSES)


@pytest.mark.parametrize("kind", ["SCSI_TARGET", "FC_HOST", "VPORTS", "MDEV", "CSS_DEV", "VDPA"])
def test_a_filter_for_what_is_not_here_finds_nothing(conn, kind):
    assert conn.listAllDevices(getattr(libvirt, f"VIR_CONNECT_LIST_NODE_DEVICES_CAP_{kind}")) == []


def test_an_unknown_filter_is_refused(conn):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x8000000)"):
        conn.listAllDevices(1 << 27)


def test_the_old_calls_agree(conn):
    assert conn.numOfDevices("pci", 0) == len(ADDRESSES)
    assert sorted(conn.listDevices("pci", 0)) == [nodedev_name(a) for a in ADDRESSES]
    assert sorted(conn.listDevices(None, 0)) == sorted(d.name() for d in conn.listAllDevices())
    assert conn.listDevices("no-such-capability", 0) == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_functions_xml_says_what_sysfs_says(conn, address):
    device = conn.nodeDeviceLookupByName(nodedev_name(address))
    xml = ET.fromstring(device.XMLDesc())
    assert xml.tag == "device"
    assert xml.findtext("name") == device.name()
    assert xml.findtext("path") == str((PCI / address).resolve())
    assert xml.findtext("driver/name") == target(address, "driver")
    capability = xml.find("capability[@type='pci']")
    domain, bus, slot, function = re.split("[:.]", address)
    numbers = [capability.findtext(word) for word in ("domain", "bus", "slot", "function")]
    assert numbers == [str(int(word, 16)) for word in (domain, bus, slot, function)]
    assert int(capability.findtext("class"), 16) == int(fact(address, "class"), 16)
    for word in ("vendor", "product"):
        file = "device" if word == "product" else word
        assert capability.find(word).get("id") == fact(address, file)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_group_is_there_exactly_when_the_host_has_one(conn, address):
    xml = ET.fromstring(conn.nodeDeviceLookupByName(nodedev_name(address)).XMLDesc())
    group = xml.find("capability/iommuGroup")
    number = target(address, "iommu_group")
    assert (group.get("number") if group is not None else None) == number


@pytest.mark.parametrize("address", ADDRESSES)
def test_vendor_and_product_have_names(conn, address):
    if fact(address, "vendor") not in ("0x8086", "0x1af4"):
        pytest.skip("no name is known for this vendor")
    xml = ET.fromstring(conn.nodeDeviceLookupByName(nodedev_name(address)).XMLDesc())
    assert xml.findtext("capability/vendor")


def test_parents_lead_to_the_computer(conn):
    for address in ADDRESSES:
        device = conn.nodeDeviceLookupByName(nodedev_name(address))
        assert ET.fromstring(device.XMLDesc()).findtext("parent") == device.parent()
        while device.name() != "computer":
            device = conn.nodeDeviceLookupByName(device.parent())
    assert device.parent() is None


def test_the_computer_has_its_own_xml(conn):
    xml = ET.fromstring(conn.nodeDeviceLookupByName("computer").XMLDesc())
    assert xml.find("capability").get("type") == "system"
    assert xml.find("capability/firmware") is not None


def test_capabilities_of_a_function(conn):
    device = conn.nodeDeviceLookupByName(nodedev_name(ADDRESSES[-1]))
    assert device.listCaps() == ["pci"]
    assert device.numOfCaps() == 1


def test_a_function_is_active_and_not_defined_by_anyone(conn):
    device = conn.nodeDeviceLookupByName(nodedev_name(ADDRESSES[-1]))
    assert device.isActive() == 1
    assert device.isPersistent() == 0
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
        device.setAutostart(1)


def test_a_missing_device_has_its_own_code(conn):
    for name in ("pci_ffff_ff_1f_7", "pci_0000_00_00_0x", "", "nonsense"):
        with refused(libvirt.VIR_ERR_NO_NODE_DEVICE, f"'{name}'"):
            conn.nodeDeviceLookupByName(name)


def test_unknown_flags_of_the_xml_are_refused(conn):
    device = conn.nodeDeviceLookupByName("computer")
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
        device.XMLDesc(0x80)


def test_the_computer_cannot_be_detached(conn):
    computer = conn.nodeDeviceLookupByName("computer")
    for attempt in (computer.dettach, computer.reAttach, computer.reset):
        with pytest.raises(libvirt.libvirtError):
            attempt()
    with pytest.raises(libvirt.libvirtError):
        computer.detachFlags("vfio", 0)


def test_unknown_flags_of_detach_are_refused(conn):
    device = conn.nodeDeviceLookupByName("computer")
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
        device.detachFlags(None, 0x80)


def test_an_event_registration_is_given_and_taken_back(fresh):
    connection = fresh()
    lifecycle = libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE
    update = libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE
    numbers = [
        connection.nodeDeviceEventRegisterAny(None, event, lambda *_: None, None)
        for event in (lifecycle, update)
    ]
    for number in numbers:
        connection.nodeDeviceEventDeregisterAny(number)
