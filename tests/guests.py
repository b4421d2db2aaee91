# SPDX-License-Identifier: LGPL-2.1-or-later
"""XML of the guests and devices of these tests. Emulated throughout: KVM may be missing here."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The lab's test guest: acknowledges hot-unplug, obeys the power button, speaks on its serial line.
TEST_GUEST = ROOT / "build" / "lab" / "guest" / "tg.elf"

READY = b"tg: ready"  # what it says then

RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"


def guest(name: str, devices: str = "", os: str = "", **parts: str) -> str:
    """A small q35 guest that runs its firmware only.

    parts: memory (MiB), vcpu, uuid, machine, and before/after, which go in front of and behind <devices>.
    """
    uuid = f"<uuid>{parts['uuid']}</uuid>" if "uuid" in parts else ""
    return f"""<domain type='qemu'>
  <name>{name}</name>
  {uuid}
  <memory unit='MiB'>{parts.get("memory", "32")}</memory>
  <vcpu>{parts.get("vcpu", "1")}</vcpu>
  <os><type arch='x86_64' machine='{parts.get("machine", "q35")}'>hvm</type>{os}</os>
  <features><acpi/></features>
  {parts.get("before", "")}
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='pty'/>
    {devices}
  </devices>
  {parts.get("after", "")}
</domain>"""


def answering_guest(name: str) -> str:
    """A guest that runs the lab's test guest, and so answers hot-plug and the power button."""
    return guest(name, os=f"<kernel>{TEST_GUEST}</kernel>")


def interface(mac: str, model: str = "virtio") -> str:
    return f"<interface type='user'><mac address='{mac}'/><model type='{model}'/></interface>"


def disk(path: pathlib.Path, target: str = "vdb") -> str:
    return f"""<disk type='file' device='disk'>
  <driver name='qemu' type='raw'/>
  <source file='{path}'/>
  <target dev='{target}' bus='virtio'/>
</disk>"""


def hostdev(address: str, managed: str = "yes") -> str:
    """address as the kernel writes it: 0000:00:05.0"""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return f"""<hostdev mode='subsystem' type='pci' managed='{managed}'>
  <source>
    <address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>
  </source>
</hostdev>"""
