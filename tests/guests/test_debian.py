# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian, installed on a disk: with SeaBIOS on pc and with OVMF on q35. Both boot at once, and live through the module.

The tests of one guest run in the order in which they stand here: the last ones end it.
"""

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

import libvirt
import libvirt_qemu
import pytest
from checks import until
from daemons import Daemon

import guests
import linux

SECONDS = 900  # for a boot beside another one on a busy machine

OVMF = """<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>{nvram}</nvram>"""
ROOT_PORTS = "<controller type='pci' model='pcie-root' index='0'/>" + 6 * "<controller type='pci' model='pcie-root-port'/>"
CDROM = """<disk type='file' device='cdrom'>
  <driver name='qemu' type='raw'/>{source}
  <target dev='{target}' bus='{bus}'/><readonly/>
</disk>"""
MIB = 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """One way to have a disk, a drive and a firmware."""

    name: str
    os: str
    disk: tuple[str, str]  # target, bus
    driver: str  # of the root disk's controller, as the guest calls it
    cdrom: tuple[str, str]
    grub: str
    more: str = ""


MACHINES = {
    "pc": Machine("pc", "", ("vda", "virtio"), "virtio-pci", ("hda", "ide"), "pc"),
    "q35": Machine("q35", OVMF, ("sda", "sata"), "ahci", ("sdb", "sata"), "efi", ROOT_PORTS),
}


class Debian(linux.Shell):
    """One guest and its console."""

    def __init__(self, dom: libvirt.virDomain, machine: Machine, directory: pathlib.Path) -> None:
        super().__init__(dom)
        self.dom = dom
        self.machine = machine
        self.directory = directory
        self.up = False

    def file(self, name: str, text: bytes, size: int = MIB) -> pathlib.Path:
        path = self.directory / f"{self.machine.name}-{name}"
        path.write_bytes(text.ljust(size, b"\0"))
        return path


def debian_guest(name: str, machine: Machine, overlay: pathlib.Path) -> str:
    linux.make_overlay(overlay)
    target, bus = machine.disk
    disk = f"""<disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe'/>
      <source file='{overlay}'/><target dev='{target}' bus='{bus}'/><boot order='1'/>
    </disk>"""
    cdrom = CDROM.format(source="", target=machine.cdrom[0], bus=machine.cdrom[1])
    devices = [disk, cdrom, linux.NETWORK, linux.AGENT, machine.more]
    parts = {"machine": machine.name, "memory": "512"}
    os = machine.os.format(nvram=overlay.with_suffix(".nvram"))
    text = guests.guest(name, "".join(devices), os, **parts)
    return text.replace("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu>")


@pytest.fixture(scope="module")
def debians(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Debian]]:
    directory = tmp_path_factory.mktemp("debian")
    conn = libvirt.open(daemon.uri)
    started: dict[str, Debian] = {}
    try:
        for name, machine in MACHINES.items():
            dom = conn.defineXML(debian_guest(f"module-{name}", machine, directory / f"{name}.qcow2"))
            dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            started[name] = Debian(dom, machine, directory)
            dom.resume()
        yield started
    finally:
        for debian in started.values():
            debian.close()
        for dom in conn.listAllDomains():
            remove_with_nvram(dom)
        conn.close()


def remove_with_nvram(dom: libvirt.virDomain) -> None:
    if dom.isActive():
        dom.destroy()
    dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


@pytest.fixture(scope="module", params=list(MACHINES))
def debian(request: pytest.FixtureRequest, debians: dict[str, Debian]) -> Debian:
    guest = debians[request.param]
    if not guest.up:
        guest.wait(f"airlock-guest: grub {guest.machine.grub}", SECONDS)
        guest.wait_ready(SECONDS)
        guest.up = True
    return guest


def agent(debian: Debian, command: str) -> object:
    answer = libvirt_qemu.qemuAgentCommand(debian.dom, json.dumps({"execute": command}), 30, 0)
    return json.loads(answer)["return"]


def test_it_boots_from_its_disk_with_its_firmware(debian):
    efi = debian.ask("test -d /sys/firmware/efi")[0] == 0
    assert efi == (debian.machine.grub == "efi")
    disk = debian.machine.disk[0]
    assert debian.run("findmnt -n -o SOURCE /") == f"/dev/{disk}3"
    devices = debian.run(f"readlink -f /sys/block/{disk}").split("/")
    driver = {function.address: function.driver for function in debian.pci()}
    assert debian.machine.driver in [driver.get(part) for part in devices]


def test_it_sees_the_functions_of_the_xml_at_their_addresses(debian):
    seen = linux.check_pci(debian.dom, debian)
    assert {"interface", "memballoon", "controller"} <= {device.tag for device in seen.values()}


def test_the_network_gave_it_an_address(debian):
    debian.until("ip -4 address show eth0 | grep -q 10.0.2.15")


def test_the_agent_answers(debian):
    debian.until("systemctl is-active qemu-guest-agent")
    until(lambda: is_connected(debian.dom))
    assert agent(debian, "guest-info")["version"]
    assert agent(debian, "guest-get-osinfo")["id"] == "debian"
    assert debian.dom.hostname() == "airlock-debian"
    addresses = debian.dom.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    assert addresses["eth0"]["addrs"][0]["addr"] == "10.0.2.15"


def is_connected(dom: libvirt.virDomain) -> bool:
    return "state='connected'" in dom.XMLDesc()


def test_its_file_systems_are_frozen_and_thawed(debian):
    assert debian.dom.fsFreeze() == 1
    assert agent(debian, "guest-fsfreeze-status") == "frozen"
    assert debian.dom.fsThaw() == 1
    mounts = {info[0] for info in debian.dom.fsInfo()}
    assert "/" in mounts
    debian.run("touch /root/after && sync")


def test_it_sees_the_medium_change(debian):
    target, bus = debian.machine.cdrom
    for word in (b"first medium", b"second medium"):
        path = debian.file(word.decode().replace(" ", "-"), word)
        medium = CDROM.format(source=f"<source file='{path}'/>", target=target, bus=bus)
        debian.dom.updateDeviceFlags(medium, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        debian.until(f"head -c {len(word)} /dev/sr0 | grep -q '{word.decode()}'")
    debian.dom.updateDeviceFlags(
        CDROM.format(source="", target=target, bus=bus), libvirt.VIR_DOMAIN_AFFECT_LIVE
    )
    debian.until("! head -c 1 /dev/sr0")


def test_a_disk_is_plugged_resized_and_unplugged(debian):
    path = debian.file("plugged", b"plugged disk")
    disk = guests.disk(path, "vdc")
    name = "vdb" if debian.machine.disk[0] == "vda" else "vda"
    debian.dom.attachDevice(disk)
    debian.until(f"head -c 12 /dev/{name} | grep -q 'plugged disk'")
    debian.dom.blockResize("vdc", 3 * MIB, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
    debian.until(f"test $(cat /sys/block/{name}/size) = {3 * MIB // 512}")
    linux.check_pci(debian.dom, debian)
    debian.dom.detachDevice(disk)
    debian.until(f"! test -e /sys/block/{name}")
    until(lambda: "vdc" not in debian.dom.XMLDesc())


def test_an_interface_is_plugged_and_unplugged(debian):
    interface = guests.interface("52:54:00:00:00:77")
    debian.dom.attachDevice(interface)
    debian.until("grep -q 52:54:00:00:00:77 /sys/class/net/*/address")
    debian.dom.detachDevice(interface)
    debian.until("! grep -q 52:54:00:00:00:77 /sys/class/net/*/address")
    until(lambda: "00:77" not in debian.dom.XMLDesc())


def test_the_balloon_takes_memory_and_gives_it_back(debian):
    memory = "awk '/MemTotal/ { print $2 }' /proc/meminfo"
    before = int(debian.run(memory))
    debian.dom.setMemory(384 * 1024)
    debian.until(f"test $({memory}) -lt {before - 100 * 1024}")
    debian.dom.setMemory(512 * 1024)
    debian.until(f"test $({memory}) -eq {before}")


def test_a_processor_is_plugged(debian):
    assert debian.run("nproc") == "1"
    debian.dom.setVcpusFlags(2, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    debian.until("test $(nproc) = 2")


def test_it_runs_on_after_a_save(debian):
    debian.run("kept=through-the-save")
    image = debian.directory / f"{debian.machine.name}.save"
    debian.dom.save(str(image))
    assert not debian.dom.isActive()
    debian.dom.connect().restore(str(image))
    debian.close()
    debian.__init__(debian.dom, debian.machine, debian.directory)
    assert debian.run("echo $kept") == "through-the-save"


def test_it_ends_as_it_is_told(debian):
    """One way for each, as a boot takes its time: the agent reboots pc, the power button ends q35."""
    if debian.machine.name == "pc":
        debian.dom.reboot(libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT)
        debian.wait(f"airlock-guest: grub {debian.machine.grub}", SECONDS)
    else:
        debian.dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
        until(lambda: not debian.dom.isActive())
