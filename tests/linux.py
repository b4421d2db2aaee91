# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tiny Linux guest (lab/guest/tiny), started and asked through its console.

    dom = conn.defineXML(linux.guest("name", linux.AGENT + linux.NETWORK))
    with linux.booted(dom) as shell:
        assert "eth0" in shell.run("ls /sys/class/net")

tests/guests/README.md has the rest.
"""

import contextlib
import itertools
import pathlib
import re
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

import libvirt
import pytest

import guests

GUESTS = guests.ROOT / "build" / "lab" / "guest"
# Not the unpacked kernel, which QEMU boots by PVH a second or two faster: its initial RAM disk then lies where SeaBIOS
# keeps the tables of a guest with dozens of devices, and both are damaged.
VMLINUZ = GUESTS / "linux-vmlinuz"
INITRD = GUESTS / "tiny-initrd"
DEBIAN = GUESTS / "debian.qcow2"

READY = "airlock-guest: ready"
NUDGE_SECONDS = 10
BOOT_SECONDS = 180  # on a machine that has other things to do; by itself it is 7 to 10

AGENT = """<channel type='unix'>
  <target type='virtio' name='org.qemu.guest_agent.0'/>
</channel>"""
NETWORK = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"

WORDS = itertools.count(1)


def guest(name: str, devices: str = "", **parts: str) -> str:
    """The XML of a tiny Linux guest with these devices besides its serial console.

    parts: what guests.guest takes, and cmdline (more kernel words), console (default ttyS0).
    """
    cmdline = f"console={parts.pop('console', 'ttyS0')} quiet panic=-1 {parts.pop('cmdline', '')}"
    os = f"<kernel>{VMLINUZ}</kernel><initrd>{INITRD}</initrd><cmdline>{cmdline.strip()}</cmdline>"
    return guests.guest(name, devices, os, **{"memory": "192", **parts})


class Console:
    """A guest's console, read all the time: a wait has a limit, and nothing is lost between two."""

    def __init__(self, dom: libvirt.virDomain, device: str | None = None) -> None:
        self.stream = dom.connect().newStream()
        dom.openConsole(device, self.stream)
        self.text = ""  # not yet waited for
        self.ended = False
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        piece = b""
        with contextlib.suppress(libvirt.libvirtError):
            while piece := self.stream.recv(4096):
                with self.changed:
                    self.text += piece.decode(errors="replace").replace("\r", "")
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, pattern: str, seconds: float) -> re.Match[str]:
        """Waits for a regular expression, and takes the text up to its end."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (match := re.search(pattern, self.text)):
                left = deadline - time.monotonic()
                assert left > 0, f"no '{pattern}' in {seconds:.0f} s:\n{self.text}"
                assert not self.ended, f"the console ended before '{pattern}':\n{self.text}"
                self.changed.wait(left)
            self.text = self.text[match.end() :]
        return match

    def wait_end(self, seconds: float) -> None:
        """Waits until the guest is gone."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.ended, seconds), self.text

    def send(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[self.stream.send(data) :]

    def close(self) -> None:
        with contextlib.suppress(libvirt.libvirtError):
            self.stream.abort()
        self.reader.join(10)


class Shell(Console):
    """The shell that the tiny guest has on its console."""

    def wait_ready(self, seconds: float = BOOT_SECONDS) -> None:
        self.wait(READY, seconds)

    def ask(self, command: str, seconds: float = 60) -> tuple[int, str]:
        """Runs a command; its exit status and what it wrote."""
        word = f"asked-{next(WORDS)}"
        self.send(f"echo {word}\n{command}\necho {word} $?\n")
        self.wait(f"{word}\n", seconds)
        match = self.wait_nudging(rf"(?s)\A(.*?){word} (\d+)\n", seconds)
        return int(match[2]), match[1]

    def wait_nudging(self, pattern: str, seconds: float) -> re.Match[str]:
        """Seen once in a thousand answers, on both daemons: the guest's serial line stops in the middle of a word until
        something is typed. An empty line does no harm."""
        for _ in range(int(seconds // NUDGE_SECONDS)):
            with contextlib.suppress(AssertionError):
                return self.wait(pattern, NUDGE_SECONDS)
            self.send("\n")
        return self.wait(pattern, NUDGE_SECONDS)

    def run(self, command: str, seconds: float = 60) -> str:
        """Runs a command that must succeed; what it wrote."""
        status, text = self.ask(command, seconds)
        assert status == 0, f"'{command}' ended with {status}:\n{text}"
        return text.strip()

    def until(self, command: str, seconds: float = 30) -> None:
        """Waits until a command succeeds: for what the guest notices by itself."""
        deadline = time.monotonic() + seconds
        while (answer := self.ask(command))[0] != 0:
            assert time.monotonic() < deadline, f"'{command}' still ends with {answer}"
            time.sleep(0.2)

    def pci(self) -> list["PciFunction"]:
        """The guest's own scan."""
        lines = [line.split() for line in self.run("pci-scan").splitlines()]
        # A driver's name may have blanks.
        return [PciFunction(*words[:3], " ".join(words[3:-1]), words[-1]) for words in lines]


@dataclass
class PciFunction:
    """As the guest sees it; "-" is what it has not."""

    address: str  # DDDD:BB:SS.F by the guest's own bus numbers
    ids: str  # vendor:device
    class_code: str  # six digits
    driver: str
    secondary: str  # the bus behind a bridge, in decimal


def need_built() -> None:
    if not INITRD.exists():
        pytest.skip(f"{INITRD} is not made: lab/prepare")


def make_overlay(path: pathlib.Path) -> None:
    """A disk of its own for one guest, with Debian below it."""
    if not DEBIAN.exists():
        pytest.skip(f"{DEBIAN} is not made: lab/prepare debian")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(DEBIAN.resolve()), str(path)]
    subprocess.run(command, check=True)


@contextlib.contextmanager
def opened(dom: libvirt.virDomain) -> Iterator[Shell]:
    """The shell of a guest that is up already."""
    shell = Shell(dom)
    try:
        yield shell
    finally:
        shell.close()


@contextlib.contextmanager
def booted(dom: libvirt.virDomain, seconds: float = BOOT_SECONDS) -> Iterator[Shell]:
    """Starts a guest that is off, and waits until it is up: nothing that it says is lost."""
    need_built()
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    with opened(dom) as shell:
        dom.resume()
        shell.wait_ready(seconds)
        yield shell


CHIPSET = {"0000:00:00.0", "0000:00:01.0", "0000:00:01.3", "0000:00:1f.0", "0000:00:1f.3"}  # in no XML


def address_of(address: ElementTree.Element, bus: int) -> str:
    domain, slot, function = (int(address.get(name), 16) for name in ("domain", "slot", "function"))
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def expected_pci(dom: libvirt.virDomain, scan: list[PciFunction]) -> dict[str, ElementTree.Element]:
    """Each device of the live XML by the address at which the guest must see it.

    The XML numbers buses by controllers, the guest as its firmware came upon them: the scan says which
    bus stands behind which bridge.
    """
    behind = {function.address: function.secondary for function in scan}
    devices = list(ElementTree.fromstring(dom.XMLDesc()).find("devices"))
    left = [(device, address) for device in devices if (address := device.find("address[@type='pci']")) is not None]
    buses, found = {0: 0}, {}
    while left:
        known = [(device, address) for device, address in left if int(address.get("bus"), 16) in buses]
        assert known, [ElementTree.tostring(device) for device, _ in left]
        for device, address in known:
            where = address_of(address, buses[int(address.get("bus"), 16)])
            found[where] = device
            if device.tag == "controller" and device.get("type") == "pci":
                assert behind.get(where, "-") != "-", f"no bridge at {where}"
                buses[int(device.get("index"))] = int(behind[where])
        left = [pair for pair in left if pair not in known]
    return found


def check_pci(dom: libvirt.virDomain, shell: Shell) -> dict[str, ElementTree.Element]:
    """The guest has each function of the XML at its address, and none besides but the chipset's."""
    scan = shell.pci()
    expected = expected_pci(dom, scan)
    seen = {function.address for function in scan}
    assert set(expected) <= seen, sorted(set(expected) - seen)
    assert seen - set(expected) <= CHIPSET, sorted(seen - set(expected))
    return expected
