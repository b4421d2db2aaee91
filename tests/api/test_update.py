# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that a guest has, changed: media, links, displays; and what cannot be changed, by its name."""

import pathlib
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import libvirt
import pytest
from checks import refused
from daemons import Daemon

import guests

LIVE, CONFIG, CURRENT = (
    libvirt.VIR_DOMAIN_AFFECT_LIVE,
    libvirt.VIR_DOMAIN_AFFECT_CONFIG,
    libvirt.VIR_DOMAIN_AFFECT_CURRENT,
)
FORCE = libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE
UNSUPPORTED = libvirt.VIR_ERR_OPERATION_UNSUPPORTED
MAC = "52:54:00:88:00:01"
PASSWORD = "open"


def drive(source: pathlib.Path | str, target: str = "sda", bus: str = "sata", more: str = "") -> str:
    device = "floppy" if bus == "fdc" else "cdrom"
    medium = f"<source file='{source}'/>" if source else ""
    return f"""<disk type='file' device='{device}'><driver name='qemu' type='raw'/>{medium}
        <target dev='{target}' bus='{bus}'/><readonly/>{more}</disk>"""


def card(mac: str = MAC, model: str = "virtio", more: str = "", kind: str = "user") -> str:
    source = "<source bridge='br-none'/>" if kind == "bridge" else ""
    return f"""<interface type='{kind}'><mac address='{mac}'/>{source}
        <model type='{model}'/>{more}</interface>"""


def display(more: str = "", port: str = "-1", listen: str = "127.0.0.1") -> str:
    autoport = "yes" if port == "-1" else "no"
    return f"""<graphics type='vnc' port='{port}' autoport='{autoport}' {more}>
        <listen type='address' address='{listen}'/></graphics>"""


@pytest.fixture
def media(tmp_path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    paths = tmp_path / "first.iso", tmp_path / "second.iso"
    for path in paths:
        path.write_bytes(bytes(1440 * 1024))
    return paths


@pytest.fixture
def off(conn: libvirt.virConnect, name: str, media, tmp_path: pathlib.Path) -> libvirt.virDomain:
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    devices = [
        guests.disk(tmp_path / "disk.img", "vdb"),
        drive(media[0]),
        drive("", "sdb"),
        drive(media[0], "fda", "fdc"),
        card(),
        display(f"passwd='{PASSWORD}'"),
        "<video><model type='vga'/></video>",
    ]
    return conn.defineXML(guests.guest(name, "".join(devices)))


@pytest.fixture
def dom(off: libvirt.virDomain) -> libvirt.virDomain:
    off.create()
    return off


def device(dom: libvirt.virDomain, path: str, flags: int = 0) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(flags)).find(f"devices/{path}")


def medium(dom: libvirt.virDomain, target: str, flags: int = 0) -> str | None:
    source = device(dom, f"disk/target[@dev='{target}']/..", flags).find("source")
    return None if source is None else source.get("file")


INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE


# ---- media ----


@pytest.mark.parametrize(("target", "bus"), [("sda", "sata"), ("fda", "fdc")])
def test_a_medium_is_changed(conn, dom, media, target, bus):
    first, second = map(str, media)
    dom.updateDeviceFlags(drive(second, target, bus), LIVE)
    assert (medium(dom, target), medium(dom, target, INACTIVE)) == (second, first)
    dom.updateDeviceFlags(drive("", target, bus), LIVE)
    assert medium(dom, target) is None
    dom.updateDeviceFlags(drive(first, target, bus), LIVE | FORCE)
    assert medium(dom, target) == first
    dom.updateDeviceFlags(drive(first, target, bus), LIVE)  # it is there already


def test_a_medium_goes_into_an_empty_drive(conn, dom, media):
    dom.updateDeviceFlags(drive(media[1], "sdb"), LIVE)
    assert medium(dom, "sdb") == str(media[1])
    assert dom.blockInfo("sdb")[0] == 1440 * 1024


def test_the_configuration_has_its_own_medium(conn, dom, media):
    first, second = map(str, media)
    dom.updateDeviceFlags(drive(second), CONFIG)
    assert (medium(dom, "sda"), medium(dom, "sda", INACTIVE)) == (first, second)
    dom.updateDeviceFlags(drive(""), LIVE | CONFIG)
    assert (medium(dom, "sda"), medium(dom, "sda", INACTIVE)) == (None, None)
    dom.updateDeviceFlags(drive(second), CURRENT)
    assert (medium(dom, "sda"), medium(dom, "sda", INACTIVE)) == (second, None)


def test_the_drive_keeps_its_place(conn, dom, media):
    before = [
        (disk.find("target").get("dev"), ET.tostring(disk.find("address")).strip())
        for disk in ET.fromstring(dom.XMLDesc(INACTIVE)).findall("devices/disk")
    ]
    dom.updateDeviceFlags(drive(media[1]), CONFIG)
    after = [
        (disk.find("target").get("dev"), ET.tostring(disk.find("address")).strip())
        for disk in ET.fromstring(dom.XMLDesc(INACTIVE)).findall("devices/disk")
    ]
    assert after == before


def test_a_medium_that_is_not_there_changes_nothing(conn, dom, media, tmp_path):
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "nowhere.iso"):
        dom.updateDeviceFlags(drive(tmp_path / "nowhere.iso"), LIVE)
    assert medium(dom, "sda") == str(media[0])


def test_a_medium_that_qemu_does_not_take_leaves_the_old_one(conn, dom, media, tmp_path):
    (tmp_path / "directory.iso").mkdir()
    with pytest.raises(libvirt.libvirtError):
        dom.updateDeviceFlags(drive(tmp_path / "directory.iso"), LIVE)
    assert medium(dom, "sda") == str(media[0])
    dom.updateDeviceFlags(drive(media[1]), LIVE)
    assert medium(dom, "sda") == str(media[1])
    assert dom.blockInfo("sda")[0] == 1440 * 1024


def test_a_disk_is_no_drive(conn, dom, media, tmp_path):
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "only in removable drives"):
        dom.updateDeviceFlags(guests.disk(media[1], "vdb"), LIVE)
    same = guests.disk(tmp_path / "disk.img", "vdb")
    dom.updateDeviceFlags(same, LIVE)
    for what, other in {
        "cache": same.replace("type='raw'", "type='raw' cache='none'"),
        "serial": same.replace("</disk>", "<serial>S1</serial></disk>"),
        "readonly": same.replace("</disk>", "<readonly/></disk>"),
    }.items():
        with refused(UNSUPPORTED, f"cannot modify field '{what}' of the disk"):
            dom.updateDeviceFlags(other, LIVE)
        dom.updateDeviceFlags(other, CONFIG)
    with refused(UNSUPPORTED, "cannot modify field 'bus' of the disk"):
        dom.updateDeviceFlags(drive(media[0], bus="ide"), LIVE)


def test_a_disk_that_is_not_there(conn, dom, media):
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "disk 'sdz' not found"):
        dom.updateDeviceFlags(drive(media[0], "sdz"), LIVE)


# ---- network ----


def test_a_link_goes_down_and_up(conn, dom):
    down = card(more="<link state='down'/>")
    dom.updateDeviceFlags(down, LIVE)
    assert device(dom, "interface/link").get("state") == "down"
    assert device(dom, "interface/link", INACTIVE) is None
    dom.updateDeviceFlags(card(more="<link state='up'/>"), LIVE)
    assert device(dom, "interface/link").get("state") == "up"
    dom.updateDeviceFlags(down, CONFIG)
    assert device(dom, "interface/link", INACTIVE).get("state") == "down"


def test_a_card_is_known_by_its_address(conn, dom):
    with refused(libvirt.VIR_ERR_DEVICE_MISSING, "52:54:00:88:00:02"):
        dom.updateDeviceFlags(card("52:54:00:88:00:02"), LIVE)
    with pytest.raises(libvirt.libvirtError):
        dom.updateDeviceFlags(card("52:54:00:88:00:02", more="<alias name='net0'/>"), LIVE)
    assert device(dom, "interface/mac").get("address") == MAC


def test_what_a_card_is_stays(conn, dom):
    with refused(UNSUPPORTED):
        dom.updateDeviceFlags(card(model="e1000"), LIVE)
    with refused(UNSUPPORTED):
        dom.updateDeviceFlags(card(kind="bridge"), LIVE)
    dom.updateDeviceFlags(card(model="e1000"), CONFIG)
    assert device(dom, "interface/model").get("type") == "virtio"
    assert device(dom, "interface/model", INACTIVE).get("type") == "e1000"


def host_ip(daemon: Daemon, *words: str) -> str:
    """ip(8) where the daemon is: it has a network of its own."""
    children = pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    [init] = children.read_text().split()
    command = ["nsenter", "-t", init, "-n", "ip", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def bridges(daemon) -> Iterator[tuple[str, str]]:
    names = "test-br0", "test-br1"
    for name in names:
        host_ip(daemon, "link", "add", name, "type", "bridge")
        host_ip(daemon, "link", "set", name, "up")
    yield names
    for name in names:
        host_ip(daemon, "link", "delete", name)


def bridged(bridge: str) -> str:
    return f"""<interface type='bridge'><mac address='52:54:00:88:00:09'/>
        <source bridge='{bridge}'/><model type='virtio'/></interface>"""


def test_a_card_moves_to_another_bridge(conn, dom, daemon, bridges):
    first, second = bridges
    dom.attachDeviceFlags(bridged(first), LIVE)
    port = device(dom, "interface[@type='bridge']/target").get("dev")
    assert port in host_ip(daemon, "-brief", "link", "show", "master", first)
    dom.updateDeviceFlags(bridged(second), LIVE)
    assert device(dom, "interface[@type='bridge']/source").get("bridge") == second
    assert port in host_ip(daemon, "-brief", "link", "show", "master", second)
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "br-none"):
        dom.updateDeviceFlags(bridged("br-none"), LIVE)
    assert port in host_ip(daemon, "-brief", "link", "show", "master", second)
    assert device(dom, "interface[@type='bridge']/source").get("bridge") == second


def test_a_card_on_a_bridge_is_counted(conn, dom, bridges):
    dom.attachDeviceFlags(bridged(bridges[0]), LIVE)
    port = device(dom, "interface[@type='bridge']/target").get("dev")
    assert len(dom.interfaceStats(port)) == 8
    assert dom.interfaceStats(port)[6:] == (0, 0)
    [(_, numbers)] = conn.domainListGetStats([dom], libvirt.VIR_DOMAIN_STATS_INTERFACE)
    assert numbers["net.count"] == 2
    assert port in (numbers.get("net.0.name"), numbers.get("net.1.name"))


# ---- displays ----


def test_a_display_gets_another_password(conn, dom):
    dom.updateDeviceFlags(display("passwd='other'"), LIVE)
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    assert device(dom, "graphics", secure).get("passwd") == "other"
    assert device(dom, "graphics", secure | INACTIVE).get("passwd") == PASSWORD
    dom.updateDeviceFlags(display("passwd='third'"), CONFIG)
    assert device(dom, "graphics", secure | INACTIVE).get("passwd") == "third"


def test_where_a_display_listens_stays(conn, dom):
    more = f"passwd='{PASSWORD}'"
    dom.updateDeviceFlags(display(more), LIVE)
    for other in (
        display(more, port="5999"),
        display(more, listen="0.0.0.0"),
        display(f"{more} keymap='de'"),
    ):
        with refused(UNSUPPORTED):
            dom.updateDeviceFlags(other, LIVE)
    dom.updateDeviceFlags(display(more, port="5999"), CONFIG)
    assert device(dom, "graphics", INACTIVE).get("port") == "5999"


# ---- all the rest ----


def test_other_devices_are_not_changed(conn, dom):
    hostdev = guests.hostdev("0000:00:1f.7")
    balloon = "<memballoon model='virtio'><stats period='9'/></memballoon>"
    for xml, name in ((guests.RNG, "rng"), (hostdev, "hostdev"), (balloon, "memballoon")):
        with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, f"live update of device '{name}'"):
            dom.updateDeviceFlags(xml, LIVE)
        with refused(UNSUPPORTED, f"persistent update of device '{name}'"):
            dom.updateDeviceFlags(xml, CONFIG)


def test_a_guest_that_is_off(conn, off, media):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        off.updateDeviceFlags(drive(media[1]), LIVE)
    off.updateDeviceFlags(drive(media[1]), CURRENT)
    assert medium(off, "sda") == str(media[1])
    off.create()
    assert medium(off, "sda") == str(media[1])


def test_unknown_flags_and_documents_are_refused(conn, dom, media):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x40)"):
        dom.updateDeviceFlags(drive(media[1]), 0x40)
    for document in ("", "<disk", "<nonsense/>"):
        with pytest.raises(libvirt.libvirtError):
            dom.updateDeviceFlags(document, LIVE)
