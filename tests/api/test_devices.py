# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attaching and detaching devices: live, in the configuration, both."""

import pathlib
import time
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused, until

import guests

LIVE, CONFIG, CURRENT = (
    libvirt.VIR_DOMAIN_AFFECT_LIVE,
    libvirt.VIR_DOMAIN_AFFECT_CONFIG,
    libvirt.VIR_DOMAIN_AFFECT_CURRENT,
)

MAC = "52:54:00:12:34:56"


@pytest.fixture
def image(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1 << 20))
    return path


def live(dom: libvirt.virDomain) -> ET.Element:
    return ET.fromstring(dom.XMLDesc()).find("devices")


def config(dom: libvirt.virDomain) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).find("devices")


def test_a_network_card_arrives_live(conn, running):
    running.attachDeviceFlags(guests.interface(MAC), LIVE)
    card = live(running).find("interface")
    assert card.find("mac").get("address") == MAC
    assert card.find("alias").get("name") == "net0"
    assert card.find("address").get("type") == "pci"
    assert config(running).find("interface") is None


def test_a_disk_arrives_live(conn, running, image):
    running.attachDeviceFlags(guests.disk(image), LIVE)
    disk = live(running).find("disk")
    assert disk.find("source").get("file") == str(image)
    assert disk.find("alias").get("name") == "virtio-disk1"
    with pytest.raises(libvirt.libvirtError, match="vdb"):
        running.attachDeviceFlags(guests.disk(image), LIVE)


def test_without_flags_the_running_guest_is_meant(conn, running):
    running.attachDevice(guests.RNG)
    assert live(running).find("rng") is not None
    assert config(running).find("rng") is None


def test_current_means_what_is_current(conn, running):
    running.attachDeviceFlags(guests.RNG, CURRENT)
    assert live(running).find("rng") is not None
    running.destroy()
    running.attachDeviceFlags(guests.RNG, CURRENT)
    assert config(running).find("rng") is not None


def test_the_configuration_alone(conn, running):
    running.attachDeviceFlags(guests.interface(MAC), CONFIG)
    assert live(running).find("interface") is None
    card = config(running).find("interface")
    assert card.find("mac").get("address") == MAC
    assert card.find("address").get("type") == "pci"
    running.detachDeviceFlags(guests.interface(MAC), CONFIG)
    assert config(running).find("interface") is None


def test_both_at_once(conn, running, image):
    running.attachDeviceFlags(guests.disk(image), LIVE | CONFIG)
    assert live(running).find("disk") is not None
    assert config(running).find("disk") is not None


def test_a_guest_that_is_off_takes_the_configuration_only(conn, name):
    dom = conn.defineXML(guests.guest(name))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        dom.attachDeviceFlags(guests.RNG, LIVE)
    dom.attachDeviceFlags(guests.RNG, CONFIG)
    assert config(dom).find("rng") is not None


def test_a_transient_guest_has_no_configuration(conn, name):
    dom = conn.createXML(guests.guest(name))
    for call in (dom.attachDeviceFlags, dom.detachDeviceFlags):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "transient"):
            call(guests.RNG, CONFIG)


def test_a_started_guest_has_what_was_attached_to_its_configuration(conn, name):
    dom = conn.defineXML(guests.guest(name))
    dom.attachDeviceFlags(guests.RNG, CONFIG)
    dom.create()
    assert live(dom).find("rng/alias").get("name") == "rng0"


def test_a_device_that_is_not_there_cannot_be_detached(conn, running):
    for flags in (LIVE, CONFIG):
        with pytest.raises(libvirt.libvirtError) as info:
            running.detachDeviceFlags(guests.interface("52:54:00:aa:bb:cc"), flags)
        assert info.value.get_error_code() in MISSING
        assert "52:54:00:aa:bb:cc" in info.value.get_error_message()


MISSING = (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_OPERATION_FAILED)


def test_a_second_disk_at_one_target_is_refused_in_the_configuration(conn, running, image):
    running.attachDeviceFlags(guests.disk(image), CONFIG)
    with pytest.raises(libvirt.libvirtError, match="vdb"):
        running.attachDeviceFlags(guests.disk(image), CONFIG)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "<rng",
        "<nonsense/>",
        "<interface type='user'><mac address='bad'/></interface>",
        "<hostdev mode='subsystem' type='pci'/>",
        "<domain type='qemu'><name>x</name></domain>",
    ],
)
def test_a_bad_document_is_refused(conn, running, document):
    before = running.XMLDesc()
    for call in (running.attachDevice, running.detachDevice):
        with pytest.raises(libvirt.libvirtError):
            call(document)
    assert running.XMLDesc() == before


def test_unknown_flags_are_refused(conn, running):
    for call in (running.attachDeviceFlags, running.detachDeviceFlags):
        with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
            call(guests.RNG, 0x80)


def test_the_guest_lets_go_of_what_is_detached(conn, answering):
    answering.attachDevice(guests.RNG)
    answering.detachDevice(guests.RNG)
    until(lambda: live(answering).find("rng") is None, what="the device is still there")
    answering.attachDevice(guests.RNG)
    assert live(answering).find("rng") is not None


def test_a_guest_that_never_lets_go_keeps_the_device(conn, running):
    running.attachDevice(guests.RNG)
    running.detachDevice(guests.RNG)
    assert live(running).find("rng") is not None
    running.destroy()
    assert config(running).find("rng") is None


def test_other_clients_are_served_while_a_detach_waits(conn, running, raw):
    """A guest in its firmware acknowledges nothing; pings of the very client are answered too."""
    import wire

    running.attachDevice(guests.RNG)
    client, bystander = raw().open(), raw().open()
    client.call(wire.SUPPORTS_FEATURE, wire.u32(wire.FEATURE_KEEPALIVE))
    dom = client.call(wire.LOOKUP_BY_NAME, wire.string(running.name())).payload
    began = time.monotonic()
    client.send(wire.pack(13, dom + wire.string(guests.RNG), serial=50))
    client.send(wire.pack(wire.PING, program=wire.KEEPALIVE, kind=wire.MESSAGE))
    assert client.receive().procedure == wire.PONG
    client.send(wire.pack(wire.GET_TYPE, serial=51))
    assert client.receive().serial == 51
    assert bystander.serves()
    assert time.monotonic() - began < 2
    while (message := client.receive()).kind != wire.REPLY:
        pass
    assert message.serial == 50


def test_the_bus_gets_full_with_a_message(conn, daemon, name):
    dom = conn.createXML(guests.guest(name))
    with pytest.raises(libvirt.libvirtError) as info:
        for number in range(40):
            dom.attachDevice(guests.interface(f"52:54:00:00:00:{number:02x}"))
    message = info.value.get_error_message()
    if daemon.ours:  # difference: full-bus
        assert "no free PCI Express port" in message
        assert "--config" in message
    else:
        assert "No more available PCI slots" in message
    assert len(live(dom).findall("interface")) >= 1
