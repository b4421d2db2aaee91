# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of device that a running guest takes: in, by its alias, and out again."""

import pathlib
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused, until

import guests

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
UNSUPPORTED = libvirt.VIR_ERR_OPERATION_UNSUPPORTED

CONTROLLERS = """<controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='virtio-serial' index='0'/><controller type='usb' index='0' model='qemu-xhci'/>"""
NUMA = "<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>"

CHANNEL = "<channel type='unix'><target type='virtio' name='org.airlock.test.{}'/></channel>"
DIMM = "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
UNIX_REDIR = "<redirdev bus='usb' type='unix'><source mode='bind' path='{}'/></redirdev>"


def disk(path: pathlib.Path, target: str, bus: str, device: str = "disk") -> str:
    readonly = "<readonly/>" if device == "cdrom" else ""
    return f"""<disk type='file' device='{device}'><driver name='qemu' type='raw'/>
        <source file='{path}'/><target dev='{target}' bus='{bus}'/>{readonly}</disk>"""


@pytest.fixture
def images(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    paths = [tmp_path / f"disk{i}.img" for i in range(4)]
    for path in paths:
        path.write_bytes(bytes(1 << 20))
    return paths


def definition(name: str, **parts: str) -> str:
    xml = guests.guest(name, CONTROLLERS, memory="128", before=NUMA, **parts)
    return xml.replace("<controller type='usb' model='none'/>", "").replace(
        "<memory ", "<maxMemory slots='4' unit='MiB'>512</maxMemory><memory ", 1
    )


@pytest.fixture
def dom(conn: libvirt.virConnect, name: str) -> libvirt.virDomain:
    dom = conn.defineXML(definition(name))
    dom.create()
    return dom


def aliases(dom: libvirt.virDomain, path: str) -> list[str]:
    found = ET.fromstring(dom.XMLDesc()).findall(f"devices/{path}")
    return [device.find("alias").get("name") for device in found]


def documents(images: list[pathlib.Path], tmp_path: pathlib.Path) -> dict[str, tuple[str, str, str]]:
    """XML, path below <devices>, alias"""
    return {
        "virtio": (disk(images[0], "vdb", "virtio"), "disk", "virtio-disk1"),
        "scsi": (disk(images[0], "sdc", "scsi"), "disk", "scsi0-0-0-2"),
        "scsi-cdrom": (disk(images[0], "sda", "scsi", "cdrom"), "disk", "scsi0-0-0-0"),
        "usb-disk": (disk(images[0], "sdb", "usb"), "disk", "usb-disk1"),
        "network": (guests.interface("52:54:00:99:00:01"), "interface", "net0"),
        "rng": (guests.RNG, "rng", "rng0"),
        "tablet": ("<input type='tablet' bus='usb'/>", "input[@type='tablet']", "input2"),
        "channel": (CHANNEL.format(0), "channel", "channel0"),
        "dimm": (DIMM, "memory", "dimm0"),
        "redirected": (UNIX_REDIR.format(tmp_path / "usb.sock"), "redirdev", "redir0"),
    }


KINDS = documents([pathlib.Path("/")] * 4, pathlib.Path("/"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_arrives(conn, dom, images, tmp_path, kind):
    xml, path, alias = documents(images, tmp_path)[kind]
    dom.attachDeviceFlags(xml, LIVE)
    assert alias in aliases(dom, path)
    assert not ET.fromstring(dom.XMLDesc(INACTIVE)).findall(f"devices/{path}")
    dom.attachDeviceFlags(xml, CONFIG)
    [stored] = ET.fromstring(dom.XMLDesc(INACTIVE)).findall(f"devices/{path}")
    if stored.tag != "redirdev":
        assert stored.find("address") is not None or stored.tag == "memory"


# QEMU takes these out without asking the guest.
@pytest.mark.parametrize("kind", ["scsi", "usb-disk", "tablet", "redirected"])
def test_a_device_leaves(conn, dom, images, tmp_path, kind):
    xml, path, alias = documents(images, tmp_path)[kind]
    for call in (
        lambda: dom.detachDeviceFlags(xml, LIVE),
        lambda: dom.detachDeviceAlias(alias, LIVE),
    ):
        dom.attachDeviceFlags(xml, LIVE)
        assert alias in aliases(dom, path)
        call()
        until(lambda: alias not in aliases(dom, path))


def test_a_channel_leaves(conn, dom):
    dom.attachDeviceFlags(CHANNEL.format(0), LIVE)
    dom.detachDeviceAlias("channel0", LIVE)
    until(lambda: aliases(dom, "channel") == [])


def test_disks_of_one_controller_have_their_own_units(conn, dom, images):
    for i, image in enumerate(images):
        dom.attachDeviceFlags(disk(image, f"sd{'abcd'[i]}", "scsi"), LIVE)
    assert aliases(dom, "disk") == [f"scsi0-0-0-{i}" for i in range(4)]
    assert dom.blockInfo("sdd")[0] == 1 << 20


def test_ports_of_one_controller_have_their_own_numbers(conn, dom):
    for i in range(3):
        dom.attachDeviceFlags(CHANNEL.format(i), LIVE)
    found = ET.fromstring(dom.XMLDesc()).findall("devices/channel/address")
    assert [address.get("port") for address in found] == ["1", "2", "3"]


def test_memory_grows(conn, dom):
    dom.attachDeviceFlags(DIMM, LIVE)
    dom.attachDeviceFlags(DIMM, LIVE)
    assert aliases(dom, "memory") == ["dimm0", "dimm1"]
    assert dom.maxMemory() == (128 + 2 * 128) * 1024
    assert ET.fromstring(dom.XMLDesc(INACTIVE)).findtext("memory") == str(128 * 1024)


@pytest.mark.parametrize(
    "xml",
    [
        "<input type='mouse' bus='ps2'/>",
        "<graphics type='vnc'/>",
        "<sound model='ich9'/>",
        "<panic model='isa'/>",
        "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
        disk(pathlib.Path("/dev/null"), "sdy", "sata"),
    ],
)
def test_what_has_to_wait_for_the_next_start(conn, dom, xml):
    before = dom.XMLDesc()
    with refused(UNSUPPORTED):
        dom.attachDeviceFlags(xml, LIVE)
    assert dom.XMLDesc() == before


def test_a_plug_that_fails_leaves_nothing(conn, dom, name, images):
    """The image is another guest's: QEMU has made its nodes when it finds out."""
    other = conn.createXML(guests.guest(f"{name}-b", disk(images[0], "vdb", "virtio")))
    before = dom.XMLDesc()
    with pytest.raises(libvirt.libvirtError):
        dom.attachDeviceFlags(disk(images[0], "vdb", "virtio"), LIVE | CONFIG)
    assert dom.XMLDesc() == before
    assert ET.fromstring(dom.XMLDesc(INACTIVE)).find("devices/disk") is None
    other.destroy()
    dom.attachDeviceFlags(disk(images[0], "vdb", "virtio"), LIVE | CONFIG)
    assert dom.blockInfo("vdb")[0] == 1 << 20


def test_a_backend_that_fails_leaves_nothing(conn, dom):
    missing = "<rng model='virtio'><backend model='random'>/dev/nowhere</backend></rng>"
    with pytest.raises(libvirt.libvirtError):
        dom.attachDeviceFlags(missing, LIVE)
    dom.attachDeviceFlags(guests.RNG, LIVE)
    assert aliases(dom, "rng") == ["rng0"]


def test_no_alias_no_device(conn, dom):
    for flags in (LIVE, CONFIG):
        with pytest.raises(libvirt.libvirtError, match="no device found with alias nope"):
            dom.detachDeviceAlias("nope", flags)
