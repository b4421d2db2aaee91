# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guide's procedure on its own machine, by stock virsh and by airlock: a card leaves its driver, works in a guest, and
comes back."""

from collections.abc import Iterator

import pytest
from guests import Guest, driver, hostdev, ledger, node_name, override, until
from lab import LabHost

pytestmark = pytest.mark.host("guide")

PORT0, PORT1 = "0000:01:00.0", "0000:01:00.1"  # one card, one IOMMU group
SINGLE, EDU, NVME, ONBOARD = "0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "0000:00:19.0"
ROOT_PORT = "0000:00:01.0"


@pytest.fixture(params=["virsh", "airlock"])
def client(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def guest(host: LabHost, client: str) -> Iterator[Guest]:
    guest = Guest(host, "guest1", client)
    yield guest
    guest.remove()
    host.run(f"virsh nodedev-reattach {node_name(PORT1)}; virsh nodedev-reattach {node_name(PORT0)}")
    assert [driver(host, a) for a in (PORT0, PORT1, SINGLE, NVME)] == ["igb", "igb", "igb", "nvme"]
    assert ledger(host)["entries"] == []


def test_the_devices_are_found(host, client):
    names = host.check(f"{client} nodedev-list --cap pci").split()
    assert {node_name(a) for a in (PORT0, PORT1, SINGLE, EDU, NVME, ONBOARD)} <= set(names)
    xml = host.check(f"{client} nodedev-dumpxml {node_name(PORT0)}")
    assert "<product id='0x10c9'>82576 Gigabit Network Connection</product>" in xml
    group = xml[xml.index("<iommuGroup") : xml.index("</iommuGroup>")]
    for address in ("bus='0x01' slot='0x00' function='0x0'", "bus='0x01' slot='0x00' function='0x1'"):
        assert address in group


def test_a_card_is_detached_and_reattached(host, client):
    host.check(f"{client} nodedev-detach {node_name(SINGLE)}")
    assert driver(host, SINGLE) == "vfio-pci"
    host.check(f"{client} nodedev-detach {node_name(SINGLE)}")
    host.check(f"{client} nodedev-reset {node_name(SINGLE)}")
    host.check(f"{client} nodedev-reattach {node_name(SINGLE)}")
    assert (driver(host, SINGLE), override(host, SINGLE)) == ("igb", "(null)")


def test_dma_and_interrupts_work_in_the_guest(host, guest):
    guest.devices = hostdev(EDU)
    guest.define()
    guest.start()
    lines = guest.wait_for("tg: ready")
    for proof in ("registers", "msi", "dma-from-memory", "dma-to-memory"):
        assert any(line.startswith("tg: edu ") and line.endswith(f" {proof} ok") for line in lines), lines
    guest.do("destroy guest1")
    assert (driver(host, EDU), override(host, EDU)) == ("", "(null)")


def test_a_companion_on_its_driver_is_named(host, guest):
    guest.devices = hostdev(PORT0)
    guest.define()
    errors = guest.refuse("start guest1")
    assert PORT1 in errors and "igb" in errors and node_name(PORT1) in errors
    assert driver(host, PORT0) == "igb"


def test_the_guest_reads_the_cards_own_address(host, guest):
    guest.devices = hostdev(PORT0)
    guest.define()
    guest.do(f"nodedev-detach {node_name(PORT1)}")
    guest.start()
    assert driver(host, PORT0) == "vfio-pci"
    lines = guest.wait_for("tg: ready")
    assert any(line.startswith("tg: nic ") and line.endswith("mac=52:54:00:00:01:00") for line in lines), lines
    errors = guest.refuse(f"nodedev-reattach {node_name(PORT0)}")
    assert "guest1" in errors
    guest.do("destroy guest1")
    assert driver(host, PORT0) == "igb"


def test_companions_are_parked_and_given_back(host, guest):
    guest.metadata = (
        "<metadata><airlock:handover xmlns:airlock='https://airlock-project.example/xmlns/handover/1' companions='park'/></metadata>"
    )
    guest.devices = hostdev(PORT0)
    guest.define()
    guest.start()
    assert [driver(host, a) for a in (PORT0, PORT1)] == ["vfio-pci", "vfio-pci"]
    entries = {e["address"]: e for e in ledger(host)["entries"]}
    assert (entries[PORT0]["side"], entries[PORT1]["side"]) == ("guest", "parked")
    assert entries[PORT1]["companion_of"] == PORT0
    guest.do("destroy guest1")
    assert [driver(host, a) for a in (PORT0, PORT1)] == ["igb", "igb"]


def test_both_functions_go_together(host, guest):
    guest.devices = hostdev(PORT0) + hostdev(PORT1)
    guest.define()
    guest.start()
    lines = guest.wait_for("tg: ready")
    macs = {line.rpartition("mac=")[2] for line in lines if line.startswith("tg: nic ")}
    assert macs == {"52:54:00:00:01:00", "52:54:00:00:01:01"}
    guest.do("shutdown guest1")
    guest.wait_for("tg: off")
    until(host, "virsh domstate guest1 | grep -q 'shut off'")
    assert [driver(host, a) for a in (PORT0, PORT1)] == ["igb", "igb"]


def test_a_card_comes_and_goes_while_the_guest_runs(host, guest):
    guest.define()
    guest.start()
    guest.wait_for("tg: ready")
    path = guest.file("hostdev", hostdev(SINGLE))
    guest.do(f"attach-device guest1 {path} --live")
    assert driver(host, SINGLE) == "vfio-pci"
    guest.wait_for("tg: added ")
    lines = guest.wait_for("tg: nic ")
    assert lines[-1].endswith("mac=52:54:00:00:02:00")
    assert "hostdev0" in guest.do("dumpxml guest1")
    guest.do(f"detach-device guest1 {path} --live")
    guest.wait_for("tg: removed ")
    assert (driver(host, SINGLE), override(host, SINGLE)) == ("igb", "(null)")
    assert "hostdev0" not in guest.do("dumpxml guest1")


def test_a_detach_that_the_guest_ignores_ends_with_the_guest(host, guest):
    guest.kernel += "<cmdline>noack</cmdline>"
    guest.devices = hostdev(SINGLE)
    guest.define()
    guest.start()
    guest.wait_for("tg: ready")
    guest.do(f"detach-device guest1 {guest.file('hostdev', hostdev(SINGLE))} --live")
    entry = ledger(host)["entries"][0]
    assert (entry["side"], entry["state"]) == ("guest", "moving")
    guest.do("destroy guest1")
    assert driver(host, SINGLE) == "igb"


def test_the_rom_is_hidden_on_request(host, guest):
    guest.devices = hostdev(SINGLE, extra="<rom bar='off'/>")
    guest.define()
    guest.start()
    lines = guest.wait_for("tg: ready")
    nic = next(line.split()[2] for line in lines if line.startswith("tg: nic "))
    assert f"tg: rom {nic} none" in lines or any(line.startswith(f"tg: rom {nic}") and "none" in line for line in lines)


class TestRefusals:
    """Each before anything is changed, naming the blocker."""

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            (NVME, ["/mnt/data", "mounted"]),
            (ONBOARD, ["default route"]),
            (ROOT_PORT, ["bridge", "port"]),
            ("0000:7f:00.0", ["0000:7f:00.0"]),
        ],
    )
    def test_what_cannot_be_given_is_refused(self, host, guest, address, words):
        before = driver(host, address)
        guest.devices = hostdev(address)
        guest.define()
        errors = guest.refuse("start guest1")
        assert address in errors and any(word in errors for word in words), errors
        assert driver(host, address) == before

    def test_one_that_is_not_managed_must_be_detached_first(self, host, guest):
        guest.devices = hostdev(SINGLE, managed="no")
        guest.define()
        errors = guest.refuse("start guest1")
        assert "igb" in errors and f"nodedev-detach {node_name(SINGLE)}" in errors
        guest.do(f"nodedev-detach {node_name(SINGLE)}")
        guest.start()
        guest.do("destroy guest1")
        assert driver(host, SINGLE) == "vfio-pci"
        guest.do(f"nodedev-reattach {node_name(SINGLE)}")

    def test_one_that_another_guest_has_names_it(self, host, guest):
        guest.devices = hostdev(SINGLE)
        guest.define()
        guest.start()
        other = Guest(host, "guest2", guest.client, devices=hostdev(SINGLE))
        other.define()
        try:
            assert "guest1" in other.refuse("start guest2")
        finally:
            other.remove()


def test_the_guest_that_dies_gives_its_card_back(host, guest):
    guest.devices = hostdev(SINGLE)
    guest.define()
    guest.start()
    host.check("kill -9 $(pgrep -f [g]uest=guest1)")
    until(host, "virsh domstate guest1 --reason | grep -q crashed")
    assert driver(host, SINGLE) == "igb"
