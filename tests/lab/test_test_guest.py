# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test guest says what is true: every other test believes it. Run on emulated devices, with no host between."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest
from lab import paths
from lab.qmp import Qmp

GUESTS = paths.BUILD / "guest"
DEADLINE = 30
NATIVE_HOTPLUG = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]


class Guest:
    """A guest under QEMU's emulation: its serial lines, its QMP."""

    def __init__(self, kernel: list[str], arguments: list[str], machine: str = "q35") -> None:
        serial, qmp = socket.socketpair(), socket.socketpair()
        command = ["qemu-system-x86_64", "-machine", machine, "-accel", "tcg", "-cpu", "max"]
        command += ["-nodefaults", "-display", "none", "-no-reboot", *kernel]
        command += ["-chardev", f"socket,id=serial,fd={serial[1].fileno()}", "-serial", "chardev:serial"]
        command += ["-chardev", f"socket,id=qmp,fd={qmp[1].fileno()}", "-mon", "chardev=qmp,mode=control"]
        self.process = subprocess.Popen(
            [*command, *arguments], pass_fds=[serial[1].fileno(), qmp[1].fileno()], stderr=subprocess.DEVNULL
        )
        serial[1].close()
        qmp[1].close()
        serial[0].settimeout(DEADLINE)
        qmp[0].settimeout(DEADLINE)
        self.qmp = Qmp(qmp[0])
        self._serial = serial[0].makefile("rw", newline="\n")
        self.lines: list[str] = []

    def wait_line(self, pattern: str) -> str:
        """The next line that matches; the lines before it are kept in .lines."""
        for line in self._serial:
            fact = line.strip().removeprefix("tg: ").removeprefix("linux: ")
            self.lines.append(fact)
            if re.search(pattern, fact):
                return fact
        raise AssertionError(f"no line '{pattern}' among\n" + "\n".join(self.lines))

    def type(self, line: str) -> None:
        self._serial.write(line + "\n")
        self._serial.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def guests() -> Iterator[list[Guest]]:
    running: list[Guest] = []
    yield running
    for guest in running:
        guest.end()


@pytest.fixture
def start(guests: list[Guest]) -> Callable[..., Guest]:
    """Starts the test guest."""

    def begin(*arguments: str, cmdline: str = "", machine: str = "q35") -> Guest:
        kernel = ["-m", "32", "-kernel", str(GUESTS / "tg.elf"), "-append", cmdline]
        guests.append(Guest(kernel, list(arguments), machine))
        return guests[-1]

    return begin


@pytest.fixture
def start_linux(guests: list[Guest]) -> Callable[..., Guest]:
    """Starts the Linux guest."""

    def begin(*arguments: str, cmdline: str = "") -> Guest:
        kernel = ["-m", "256", "-kernel", str(GUESTS / "linux-vmlinuz"), "-initrd", str(GUESTS / "linux-initrd")]
        kernel += ["-append", f"console=ttyS0 quiet {cmdline}"]
        guests.append(Guest(kernel, list(arguments)))
        return guests[-1]

    return begin


PORT = ["-device", "pcie-root-port,id=slot1,chassis=1,slot=1,addr=4"]


def test_tells_functions_and_rom_bars(start):
    guest = start(*PORT, "-device", "igb,bus=slot1", "-device", "e1000e,addr=5", "-device", "e1000e,addr=6,rombar=0")
    guest.wait_line("^ready")
    assert "pci 01:00.0 id=8086:10c9 class=020000 subsystem=1af4:1100" in guest.lines
    assert "rom 01:00.0 none" in guest.lines
    assert "rom 00:05.0 size=40000" in guest.lines
    assert "rom 00:06.0 none" in guest.lines
    assert any(line.startswith("bar 01:00.0 index=0 kind=memory size=20000") for line in guest.lines)


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_proves_edu_behind_a_bridge(start, machine):
    bridge = "pci-bridge,id=bridge,chassis_nr=1"
    guest = start("-device", bridge, "-device", "edu,bus=bridge,addr=3", machine=machine)
    guest.wait_line("^ready")
    for fact in ("registers", "msi", "dma-from-memory", "dma-to-memory"):
        assert f"edu 01:03.0 {fact} ok" in guest.lines


def test_reads_the_address_of_a_network_card(start):
    guest = start("-device", "e1000e,addr=5,mac=52:54:00:ab:cd:ef")
    guest.wait_line("^ready")
    assert "nic 00:05.0 mac=52:54:00:ab:cd:ef" in guest.lines


@pytest.mark.parametrize(("way", "arguments"), [("acpi", []), ("native", NATIVE_HOTPLUG)])
def test_takes_and_gives_back_a_device(start, way, arguments):
    guest = start(*PORT, *arguments)
    guest.wait_line("^ready")
    for _ in range(2):
        guest.qmp.execute("device_add", driver="edu", bus="slot1", id="card")
        guest.wait_line(rf"^added 01:00\.0 by={way} id=1234:11e8")
        guest.wait_line("^edu 01:00.0 dma-to-memory ok")
        guest.qmp.execute("device_del", id="card")
        guest.wait_line(f"^request way={way} .*granted")
        guest.wait_line(rf"^removed 01:00\.0 by={way} id=1234:11e8")
        assert guest.qmp.wait_event("DEVICE_DELETED")


@pytest.mark.parametrize(("way", "arguments"), [("acpi", []), ("native", NATIVE_HOTPLUG)])
def test_keeps_a_device_when_told(start, way, arguments):
    guest = start(*PORT, *arguments, "-device", "edu,bus=slot1,id=card", cmdline="noack")
    guest.wait_line("^ready")
    guest.qmp.execute("device_del", id="card")
    guest.wait_line(f"^request way={way} .*ignored")
    guest.type("report")
    guest.wait_line("^pci 01:00.0 id=1234:11e8")


def test_lets_go_of_a_device_after_ack(start):
    second = ["-device", "pcie-root-port,id=slot2,chassis=2,slot=2,addr=5", "-device", "edu,bus=slot2,id=other"]
    guest = start(*PORT, *NATIVE_HOTPLUG, "-device", "edu,bus=slot1,id=card", *second, cmdline="noack")
    guest.wait_line("^ready")
    guest.qmp.execute("device_del", id="card")
    guest.wait_line("^request way=native port=00:04.0 ignored")
    guest.type("ack")
    guest.wait_line("^hotplug acknowledged")
    guest.qmp.execute("device_del", id="other")
    guest.wait_line("^request way=native port=00:05.0 granted")
    guest.wait_line(r"^removed 02:00\.0 by=native")


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_power_button_shuts_down(start, machine):
    guest = start(machine=machine)
    guest.wait_line("^ready")
    guest.qmp.execute("system_powerdown")
    guest.wait_line("^button")
    guest.wait_line("^off")
    assert guest.process.wait(DEADLINE) == 0


def test_power_button_can_be_ignored(start):
    guest = start(cmdline="nobutton")
    guest.wait_line("^ready")
    guest.qmp.execute("system_powerdown")
    guest.wait_line("^button")
    guest.type("off")
    guest.wait_line("^off")
    assert guest.process.wait(DEADLINE) == 0


def test_linux_uses_a_network_card_and_a_disk(start_linux):
    network = ["-netdev", "user,id=net", "-device", "igb,netdev=net,mac=52:54:00:00:00:01,addr=5"]
    disk = ["-blockdev", "null-co,node-name=blank,size=67108864,read-zeroes=on"]
    disk += ["-device", "nvme,drive=blank,serial=X,addr=6"]
    guest = start_linux(*network, *disk, cmdline="lab.address=10.0.2.15/24 lab.ping=10.0.2.2")
    guest.wait_line("^ready")
    assert "pci 0000:00:05.0 id=8086:10c9 driver=igb" in guest.lines
    assert "net eth0 mac=52:54:00:00:00:01 pci=0000:00:05.0" in guest.lines
    assert "disk nvme0n1 pci=0000:00:06.0 sectors=131072" in guest.lines
    assert "ping 10.0.2.2 ok" in guest.lines


def test_linux_runs_what_is_typed_and_obeys_the_power_button(start_linux):
    guest = start_linux()
    guest.wait_line("^ready")
    guest.type("cat /proc/sys/kernel/ostype; false")
    guest.wait_line("^Linux")
    guest.wait_line("^status 1")
    guest.qmp.execute("system_powerdown")
    guest.wait_line("^button")
    assert guest.process.wait(DEADLINE) == 0
