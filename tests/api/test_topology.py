# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests with more PCI devices than one bus takes: each is seen by the guest's own scan of its buses."""

import pathlib
import re
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import guests
import linux

SECONDS = 600  # on a machine that has other things to do


def disks(directory, number: int) -> str:
    image = directory / "empty.img"
    image.write_bytes(bytes(1 << 20))
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["vd" + a + b for a in letters for b in letters]
    texts = (guests.disk(image, name) for name in names[:number])
    return "".join(text.replace("</disk>", "<readonly/></disk>") for text in texts)


def interfaces(number: int) -> str:
    return "".join(guests.interface(f"52:54:00:00:01:{i:02x}") for i in range(number))


def crowd(name: str, devices: str, machine: str) -> str:
    os = f"<kernel>{guests.TEST_GUEST}</kernel><cmdline>brief</cmdline>"
    return guests.guest(name, devices + "<memballoon model='none'/>", os, machine=machine, memory="96")


def scan(dom: libvirt.virDomain) -> list[str]:
    """Vendor and device of all that the guest finds. The console is read all the time."""
    console = linux.Console(dom)
    dom.resume()
    text = console.wait(rf"(?s)\A.*{guests.READY.decode()}", SECONDS)[0]
    console.close()
    return re.findall(r"tg: pci \S+ id=(\S+)", text)


def start(conn: libvirt.virConnect, xml: str) -> libvirt.virDomain:
    dom = conn.defineXML(xml)
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    return dom


def count_virtio(found: list[str]) -> int:
    return sum(name.startswith("1af4:") for name in found)


def peak_memory(name: str) -> int:
    """Of the guest's QEMU, in KiB."""
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        if f"guest={name},".encode() in command.read_bytes():
            status = command.with_name("status").read_text()
            return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))
    raise AssertionError(f"no QEMU of {name}")


def addresses(dom: libvirt.virDomain) -> list[dict[str, str]]:
    tree = ElementTree.fromstring(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    return [address.attrib for address in tree.iterfind("devices/*/address[@type='pci']")]


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_216_virtio_devices(conn, daemon, name, tmp_path, machine):
    devices = disks(tmp_path, 70) + interfaces(40) + guests.RNG * 106
    dom = start(conn, crowd(name, devices, machine))
    assert count_virtio(scan(dom)) == 216
    if daemon.ours:
        assert peak_memory(name) < 1 << 20
    before = addresses(dom)
    dom.destroy()
    again = conn.defineXML(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    assert addresses(again) == before


# QEMU would take 60 GB to start with as many on its command line.
@pytest.mark.only("airlockd")
def test_900_devices_on_pc(conn, name):
    """difference: hundreds-of-devices"""
    dom = start(conn, crowd(name, guests.RNG * 900, "pc"))
    found = scan(dom)
    assert count_virtio(found) == 900
    assert found.count("1b36:0001") == 30  # bridges
    assert peak_memory(name) < 2 << 20
