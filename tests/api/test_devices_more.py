# SPDX-License-Identifier: LGPL-2.1-or-later
"""Displays, sound, USB, TPM and the small devices, as a guest gets them."""

import pathlib
import socket
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

import guests
import libvirt
import pytest
from checks import refused
from daemons import Daemon

TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
TABLET = "<input type='tablet' bus='usb'/>"


def usb_guest(name: str, devices: str) -> str:
    return guests.guest(name, devices).replace(
        "<controller type='usb' model='none'/>", "<controller type='usb' model='qemu-xhci'/>"
    )


def live(dom: libvirt.virDomain) -> ET.Element:
    return ET.fromstring(dom.XMLDesc())


def outside(daemon: Daemon, path: str) -> pathlib.Path:
    """Where a path of the daemon's private namespace is found by us."""
    for source, target in daemon.binds():
        if path.startswith(target + "/"):
            return source / path[len(target) + 1 :]
    return pathlib.Path(path)


def first_words(path: pathlib.Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        return client.recv(12)


# ---- graphics ----


def test_vnc_listens_on_a_socket_of_its_own(
    conn: libvirt.virConnect, daemon: Daemon, name: str
) -> None:
    dom = conn.defineXML(
        guests.guest(name, "<graphics type='vnc'><listen type='socket'/></graphics>")
    )
    dom.create()
    path = live(dom).find("devices/graphics/listen").get("socket")
    assert first_words(outside(daemon, path)).startswith(b"RFB 003.")
    inactive = ET.fromstring(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    assert inactive.find("devices/graphics/listen").attrib == {"type": "socket"}


def test_ports_are_chosen_once_for_each_display(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(
        guests.guest(
            name,
            "<graphics type='vnc' autoport='yes' websocket='-1'/>"
            "<graphics type='spice' autoport='yes'/><video><model type='qxl'/></video>",
        )
    )
    dom.create()
    vnc, spice = live(dom).findall("devices/graphics")
    ports = [int(vnc.get("port")), int(vnc.get("websocket")), int(spice.get("port"))]
    assert len(set(ports)) == 3
    assert ports[0] >= 5900 and ports[1] >= 5700 and ports[2] >= 5900
    inactive = ET.fromstring(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    vnc, spice = inactive.findall("devices/graphics")
    assert (vnc.get("port"), vnc.get("websocket"), spice.get("port")) == ("-1", "-1", None)


def test_spice_brings_its_sound_and_no_port_unless_asked(
    conn: libvirt.virConnect, name: str
) -> None:
    dom = conn.defineXML(guests.guest(name, "<graphics type='spice'/>"))
    dom.create()
    devices = live(dom).find("devices")
    assert devices.find("graphics/listen").get("type") == "none"
    assert devices.find("audio").get("type") == "spice"


def test_a_display_without_a_port_does_not_start(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(guests.guest(name, "<graphics type='vnc' autoport='no'/>"))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "port"):
        dom.create()


def test_a_gpu_that_is_not_there_is_named(conn: libvirt.virConnect, name: str) -> None:
    if pathlib.Path("/dev/dri").exists():
        pytest.skip("this host has a GPU")
    dom = conn.defineXML(guests.guest(name, "<graphics type='egl-headless'/>"))
    with pytest.raises(libvirt.libvirtError, match="/dev/dri"):
        dom.create()


# ---- USB ----


def usb_ports(dom: libvirt.virDomain, kind: str) -> list[str]:
    return [device.find("address").get("port") for device in live(dom).findall(f"devices/{kind}")
            if device.find("address") is not None]


def test_usb_devices_keep_their_ports(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(usb_guest(name, TABLET * 6))
    assert usb_ports(dom, "hub") == ["1"]
    assert usb_ports(dom, "input") == ["2", "3", "4", "1.1", "1.2", "1.3"]
    before = dom.XMLDesc()
    assert conn.defineXML(before).XMLDesc() == before
    dom.create()
    assert usb_ports(dom, "input") == ["2", "3", "4", "1.1", "1.2", "1.3"]


def test_a_usb_device_is_plugged_into_a_free_port(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(usb_guest(name, TABLET))
    dom.create()
    dom.attachDevice(TABLET)
    assert usb_ports(dom, "input") == ["1", "2"]


def test_a_usb_port_is_refused_with_its_name(conn: libvirt.virConnect, name: str) -> None:
    for port in ("9", "1.2"):
        device = TABLET.replace("/>", f"><address type='usb' bus='0' port='{port}'/></input>")
        with refused(libvirt.VIR_ERR_XML_ERROR, port):
            conn.defineXML(usb_guest(name, device))


def host_usb(policy: str = "") -> str:
    return (
        f"<hostdev mode='subsystem' type='usb'><source {policy}>"
        "<vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>"
    )


def test_a_usb_device_that_is_not_on_the_host(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(usb_guest(name, host_usb()))
    assert usb_ports(dom, "hostdev") == ["1"]
    with pytest.raises(libvirt.libvirtError):
        dom.create()
    assert not dom.isActive()


@pytest.mark.only("airlockd")
def test_an_optional_usb_device_may_be_missing(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(usb_guest(name, host_usb("startupPolicy='optional'")))
    dom.create()
    assert dom.isActive()


# ---- TPM ----


def tpm_state(daemon: Daemon, dom: libvirt.virDomain) -> pathlib.Path:
    root = daemon.directory / ("state" if daemon.ours else "lib")
    return root / "swtpm" / dom.UUIDString()


def test_a_tpm_keeps_its_state_while_the_guest_is_off(
    conn: libvirt.virConnect, daemon: Daemon, name: str
) -> None:
    dom = conn.defineXML(guests.guest(name, TPM))
    dom.create()
    state = next(tpm_state(daemon, dom).rglob("tpm2-00.permall"))
    before = state.stat()
    dom.destroy()
    assert state.exists()
    dom.create()
    assert state.stat().st_ino == before.st_ino or state.stat().st_size >= before.st_size
    dom.destroy()
    path = tpm_state(daemon, dom)
    dom.undefine()
    assert not list(path.rglob("*.permall"))


def test_a_tpm_is_kept_where_undefine_is_told_so(
    conn: libvirt.virConnect, daemon: Daemon, name: str
) -> None:
    dom = conn.defineXML(guests.guest(name, TPM))
    path = tpm_state(daemon, dom)
    dom.create()
    dom.destroy()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "cannot both keep and delete TPM"):
        dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_TPM | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM)
    dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM)
    assert list(path.rglob("tpm2-00.permall"))


def test_a_tpm_of_a_chosen_bank_starts_again_and_again(
    conn: libvirt.virConnect, name: str
) -> None:
    banks = TPM.replace("/></tpm>", "><active_pcr_banks><sha256/></active_pcr_banks></backend></tpm>")
    dom = conn.defineXML(guests.guest(name, banks))
    for _ in range(2):
        dom.create()
        assert live(dom).find("devices/tpm/backend/active_pcr_banks/sha256") is not None
        dom.destroy()


# ---- the others ----


@pytest.fixture
def shmem_gone(name: str) -> Iterator[None]:
    """QEMU makes the file and leaves it: it may be for others, too."""
    yield
    pathlib.Path("/dev/shm", name).unlink(missing_ok=True)


@pytest.mark.usefixtures("shmem_gone")
def test_a_guest_with_one_of_each_small_device(
    conn: libvirt.virConnect, name: str, tmp_path: pathlib.Path
) -> None:
    devices = f"""
      <sound model='ich9'><codec type='micro'/><audio id='2'/></sound>
      <sound model='ac97'/><sound model='usb'/>
      <audio id='1' type='none'/>
      <audio id='2' type='file' path='{tmp_path}/sound.wav'/>
      <input type='keyboard' bus='virtio'/>
      <watchdog model='i6300esb' action='reset'/>
      <rng model='virtio'><backend model='builtin'/></rng>
      <panic model='isa'/><panic model='pvpanic'/>
      <shmem name='{name}'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>
      <iommu model='intel'/>
      <memballoon model='virtio-non-transitional'><stats period='5'/></memballoon>
      <pstore backend='acpi-erst'><path>{tmp_path}/pstore</path><size unit='KiB'>64</size></pstore>
      <video><model type='bochs'/></video>"""
    dom = conn.defineXML(usb_guest(name, devices))
    dom.create()
    assert dom.isActive()
    found = {element.tag for element in live(dom).find("devices")}
    assert {"sound", "audio", "watchdog", "rng", "panic", "shmem", "iommu", "pstore"} <= found
    before = dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert conn.defineXML(before).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) == before


def test_a_vsock_needs_the_hosts_device(conn: libvirt.virConnect, name: str) -> None:
    if pathlib.Path("/dev/vhost-vsock").exists():
        pytest.skip("this host has vsock")
    dom = conn.defineXML(guests.guest(name, "<vsock/>"))
    assert live(dom).find("devices/vsock/cid").attrib == {"auto": "yes"}
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "unable to open vhost-vsock device"):
        dom.create()


def test_devices_that_go_together(conn: libvirt.virConnect, name: str) -> None:
    define: Callable[[str], libvirt.virDomain] = lambda xml: conn.defineXML(guests.guest(name, xml))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "eim"):
        define("<iommu model='intel'><driver eim='on' intremap='off'/></iommu>")
    with refused(libvirt.VIR_ERR_XML_ERROR):
        define("<vsock/><vsock/>")
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED):
        define("<tpm model='tpm-crb'><backend type='emulator' version='1.2'/></tpm>")
    with refused(libvirt.VIR_ERR_XML_ERROR):
        define("<panic model='isa'/><panic model='isa'/>")
    with refused(libvirt.VIR_ERR_XML_ERROR):
        define("<sound model='ac97'><audio id='7'/></sound>")
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED):
        define("<video><model type='vga' heads='2'/></video>")
