# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest with a device of each kind, on q35 and on pc, and what its own Linux finds of each.

A kind is a line of KINDS: its XML, and a command that succeeds in the guest when the device is there and has what
it was given.
"""

import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

import libvirt
import pytest
from daemons import Daemon

import guests
import linux

MIB = 1024 * 1024


def disk(directory: pathlib.Path, target: str, bus: str, *more: str, device: str = "disk") -> str:
    """A small disk that begins with its target's name."""
    path = directory / f"{target}.img"
    path.write_bytes(f"disk {target}.".encode().ljust(1440 * 1024, b"\0"))
    return f"""<disk type='file' device='{device}'><driver name='qemu' type='raw'/><source file='{path}'/>
      <target dev='{target}' bus='{bus}'/>{"".join(more)}</disk>"""


def holds(target: str, devices: str) -> str:
    """One of these block devices begins with the target's name."""
    return f"for disk in {devices}; do head -c 32 $disk | grep -q 'disk {target}\\.' && break; done"


def model(kind: str, number: int) -> str:
    return f"<interface type='user'><mac address='52:54:00:00:01:{number:02x}'/><model type='{kind}'/></interface>"


def has_port(driver: str, number: int) -> str:
    mac = f"52:54:00:00:01:{number:02x}"
    return f"""port=$(dirname $(grep -l {mac} /sys/class/net/*/address)) &&
        readlink -f $port/device/driver | grep -q /{driver}$ ||
        readlink -f $port/device/../driver | grep -q /{driver}$"""


def has_pci(ids: str) -> str:
    return f"pci-scan | grep -q ' {ids} '"


def has_input(name: str) -> str:
    return f"grep -q 'Name=\"{name}\"' /proc/bus/input/devices"


@dataclass(frozen=True)
class Kind:
    """A disk is made, and put in front of the XML. Without a check the guest has nothing to see it by."""

    xml: str
    check: str
    machines: tuple[str, ...] = ("q35", "pc")
    disk: tuple[str, ...] = ()  # target, bus, device


BOTH, Q35, PC = ("q35", "pc"), ("q35",), ("pc",)

KINDS = {
    "disk-virtio": Kind("", holds("vda", "/dev/vd?"), BOTH, ("vda", "virtio")),
    "disk-scsi": Kind("<controller type='scsi' model='virtio-scsi'/>", holds("sdb", "/dev/sd?"), BOTH, ("sdb", "scsi")),
    "disk-sata": Kind("", holds("sdc", "/dev/sd?"), Q35, ("sdc", "sata")),
    "disk-ide": Kind("", holds("hda", "/dev/sd?"), PC, ("hda", "ide")),
    "disk-usb": Kind("", holds("sdd", "/dev/sd?"), BOTH, ("sdd", "usb")),
    "floppy": Kind("", "modprobe floppy; " + holds("fda", "/dev/fd0"), PC, ("fda", "fdc", "floppy")),
    "cdrom": Kind("", holds("sde", "/dev/sr?"), BOTH, ("sde", "scsi", "cdrom")),
    "interface-virtio": Kind(model("virtio", 1), has_port("virtio_net", 1)),
    "interface-e1000": Kind(model("e1000", 2), has_port("e1000", 2)),
    "interface-e1000e": Kind(model("e1000e", 3), has_port("e1000e", 3), Q35),
    "interface-rtl8139": Kind(model("rtl8139", 4), has_port("8139cp", 4)),
    "interface-igb": Kind(model("igb", 5), has_port("igb", 5), Q35),
    "usb-xhci": Kind("<controller type='usb' model='qemu-xhci' ports='8'/>", has_pci("1b36:000d")),
    "usb-tablet": Kind("<input type='tablet' bus='usb'/>", "usb-scan | grep -q 'QEMU USB Tablet'"),
    "usb-keyboard": Kind("<input type='keyboard' bus='usb'/>", "usb-scan | grep -q 'QEMU USB Keyboard'"),
    "input-virtio": Kind("<input type='tablet' bus='virtio'/>", has_input("QEMU Virtio Tablet")),
    "serial": Kind("<serial type='pty'/>", "grep -q '^1: uart:16550A' /proc/tty/driver/serial"),
    "parallel": Kind("<parallel type='pty'/>", "modprobe parport_pc; test -e /proc/sys/dev/parport/parport0"),
    "console-virtio": Kind(
        "<console type='pty'/><console type='pty'><target type='virtio'/></console>",
        "test -e /sys/class/tty/hvc0",
    ),
    "channel-agent": Kind(linux.AGENT, "test -e /dev/virtio-ports/org.qemu.guest_agent.0 && pidof qemu-ga"),
    "channel-spice": Kind(
        "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
        "test -e /dev/virtio-ports/com.redhat.spice.0",
    ),
    "graphics-vnc": Kind("<graphics type='vnc' autoport='yes'/>", ""),
    "graphics-spice": Kind("<graphics type='spice' autoport='yes'/>", ""),
    "video-qxl": Kind("<video><model type='qxl' primary='yes'/></video>", has_pci("1b36:0100")),
    "video-virtio": Kind("<video><model type='virtio'/></video>", has_pci("1af4:1050")),
    "sound-ich9": Kind("<sound model='ich9'/>", "pci-scan | grep 8086:293e | grep -q snd_hda_intel"),
    "sound-ac97": Kind("<sound model='ac97'/>", "pci-scan | grep 8086:2415 | grep -q snd_intel8x0"),
    "sound-usb": Kind("<sound model='usb'/>", "usb-scan | grep -q 'QEMU USB Audio'"),
    "watchdog-i6300esb": Kind("<watchdog model='i6300esb' action='none'/>", "grep -q i6300ESB /sys/class/watchdog/*/identity"),
    "balloon": Kind("<memballoon model='virtio'/>", "ls /sys/bus/virtio/drivers/virtio_balloon | grep -q virtio"),
    "rng": Kind(guests.RNG, "grep -q virtio_rng /sys/class/misc/hw_random/rng_available"),
    "tpm": Kind("<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>", "grep -qx 2 /sys/class/tpm/tpm0/tpm_version_major"),
    "panic": Kind("<panic model='isa'/>", "modprobe pvpanic; ls -d /sys/bus/acpi/devices/QEMU0001*"),
    "shmem": Kind("<shmem name='airlock-everything'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>", has_pci("1af4:1110")),
    "redirdev": Kind("<redirdev bus='usb' type='spicevmc'/>", ""),
}  # fmt: skip


def machine_xml(name: str, machine: str, directory: pathlib.Path) -> str:
    parts = []
    for kind in KINDS.values():
        if machine in kind.machines:
            if kind.disk:
                target, bus, *device = kind.disk
                parts.append(disk(directory, target, bus, device=(device or ["disk"])[0]))
            parts.append(kind.xml)
    text = linux.guest(name, "".join(parts), machine=machine, memory="384")
    return text.replace("<controller type='usb' model='none'/>", "")


@pytest.fixture(scope="module", params=["q35", "pc"])
def everything(
    request: pytest.FixtureRequest, daemon: Daemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[libvirt.virDomain, linux.Shell]]:
    conn = libvirt.open(daemon.uri)
    directory = tmp_path_factory.mktemp(request.param)
    dom = conn.defineXML(machine_xml(f"module-{request.param}", request.param, directory))
    with linux.booted(dom) as shell:
        yield dom, shell
    dom.destroy()
    dom.undefine()
    conn.close()


def test_the_guest_finds_a_device_of_each_kind(everything):
    dom, shell = everything
    machine = dom.name().removeprefix("module-")
    checks = {name: kind.check for name, kind in KINDS.items() if machine in kind.machines and kind.check}
    missing = {}
    for name, check in checks.items():
        try:
            shell.until(check.replace("\n", " "), 5)
        except AssertionError as error:
            missing[name] = str(error)
    assert not missing


def test_each_function_is_at_its_address(everything):
    linux.check_pci(*everything)


def test_each_device_is_in_the_live_xml(everything):
    dom, _ = everything
    devices = ElementTree.fromstring(dom.XMLDesc()).find("devices")
    unnamed = [device.tag for device in devices if device.find("alias") is None]
    assert set(unnamed) <= {"emulator", "graphics", "audio", "panic"}
    found = {device.tag for device in devices}
    assert {"tpm", "shmem", "redirdev", "panic", "parallel", "watchdog"} <= found
