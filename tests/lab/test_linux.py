# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Linux guest with the host's cards: real drivers, packets between ports, a disk that is read."""

from collections.abc import Iterator

import pytest
from guests import Guest, driver, hostdev
from lab import LabHost

pytestmark = pytest.mark.host("guide", apart=True)

CARD, SINGLE = "0000:01:00.0", "0000:02:00.0"
QUIET = "console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off nokaslr panic=-1"


@pytest.fixture
def guest(host: LabHost) -> Iterator[Guest]:
    guest = Guest(host, "linux", memory=256)
    yield guest
    guest.remove()


def boot(guest: Guest, words: str) -> None:
    guest.kernel = f"<kernel>/lab/linux-vmlinuz</kernel><initrd>/lab/linux-initrd</initrd><cmdline>{QUIET} {words}</cmdline>"
    guest.define()
    guest.start()


def test_packets_pass_between_the_guests_card_and_the_hosts(host, guest):
    guest.devices = hostdev(CARD)
    guest.metadata = (
        "<metadata><airlock:handover xmlns:airlock='https://airlock-project.example/xmlns/handover/1' companions='park'/></metadata>"
    )
    boot(guest, "lab.address=192.168.76.2/24 lab.ping=192.168.76.1")
    lines = guest.wait_for("linux: ready")
    assert any("id=8086:10c9 driver=igb" in line for line in lines), lines
    assert any("mac=52:54:00:00:01:00" in line for line in lines), lines
    assert "linux: ping 192.168.76.1 ok" in lines, lines
    host.check("busybox ping -c 2 -W 10 192.168.76.2", timeout=60)
    guest.do("destroy linux")
    assert driver(host, CARD) == "igb"


def test_a_virtual_function_works_and_goes_back(host, guest):
    host.check(f"echo 1 > /sys/bus/pci/devices/{SINGLE}/sriov_numvfs")
    try:
        virtual = host.check(f"basename $(readlink /sys/bus/pci/devices/{SINGLE}/virtfn0)").strip()
        host.check(f"ip link set $(ls /sys/bus/pci/devices/{SINGLE}/net) up vf 0 mac 52:54:00:00:02:10")
        before = driver(host, virtual)
        guest.devices = hostdev(virtual)
        boot(guest, "")
        lines = guest.wait_for("linux: ready")
        assert any("id=8086:10ca driver=igbvf" in line for line in lines), lines
        guest.do("destroy linux")
        assert driver(host, virtual) == before
        assert driver(host, SINGLE) == "igb"
    finally:
        guest.remove()
        host.check(f"echo 0 > /sys/bus/pci/devices/{SINGLE}/sriov_numvfs")
