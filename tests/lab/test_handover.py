# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hand-overs on a real kernel, by src/handover alone: no daemon, no client (src/handover/test-lab-driver.c)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from lab import CommandResult, LabHost

pytestmark = pytest.mark.host("guide", daemon="none")

DRIVER = "/lab/checkout/build/main/src/handover/test-lab-driver"
STATE = "/run/test-handover"
CARD, TWIN = "0000:01:00.0", "0000:01:00.1"  # one IOMMU group
SINGLE, EDU, NVME, ONBOARD = "0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "0000:00:19.0"
KILLED = 128 + 9


class Handovers:
    def __init__(self, host: LabHost) -> None:
        self.host = host

    def run(self, *words: str, timeout: int = 60) -> CommandResult:
        return self.host.run(f"{DRIVER} {STATE} {' '.join(words)}", timeout=timeout)

    def check(self, *words: str) -> Any:
        result = self.run(*words)
        assert result.ok, result.errors
        return json.loads(result.output)

    def driver(self, address: str) -> str:
        path = f"/sys/bus/pci/devices/{address}/driver"
        return self.host.check(f"if [ -e {path} ]; then basename $(readlink {path}); else echo none; fi").strip()

    def override(self, address: str) -> str:
        return self.host.check(f"cat /sys/bus/pci/devices/{address}/driver_override").strip()

    def entries(self) -> dict[str, Any]:
        ledger = self.check("ledger")["ledger"]
        return {entry["address"]: entry for entry in ledger["entries"]}

    def assert_home(self, *addresses: str) -> None:
        for address in addresses:
            assert (self.driver(address), self.override(address)) == ("igb", "(null)"), address
        assert self.entries() == {}


@pytest.fixture
def handovers(host: LabHost) -> Iterator[Handovers]:
    host.check(f"rm -rf {STATE}")
    yield Handovers(host)


def test_a_card_goes_with_its_companion_and_comes_back(handovers: Handovers) -> None:
    refused = handovers.run("-g guest1 take", CARD)
    assert "shares IOMMU group" in refused.errors and f"with {TWIN}, which igb holds" in refused.errors
    assert handovers.driver(CARD) == "igb"
    entries = {e["address"]: e for e in handovers.check("-g guest1 -c take", CARD)["ledger"]["entries"]}
    assert (entries[CARD]["side"], entries[CARD]["guest"]) == ("guest", "guest1")
    assert (entries[TWIN]["side"], entries[TWIN]["companion_of"]) == ("parked", CARD)
    assert entries[CARD]["identity"]["serial"].startswith("mac:")
    assert [handovers.driver(a) for a in (CARD, TWIN)] == ["vfio-pci", "vfio-pci"]
    handovers.check("-g guest1 give", CARD)
    handovers.assert_home(CARD, TWIN)


def test_a_function_that_had_no_driver_has_none_again(handovers: Handovers) -> None:
    assert handovers.driver(EDU) == "none"
    handovers.check("detach", EDU)
    handovers.check("detach", EDU)
    assert handovers.driver(EDU) == "vfio-pci"
    handovers.check("reattach", EDU)
    handovers.check("reattach", EDU)
    assert (handovers.driver(EDU), handovers.override(EDU)) == ("none", "(null)")
    assert handovers.entries() == {}


@pytest.mark.parametrize("records", [1, 5, 7, 9, 12, 16, 19])
def test_a_take_that_is_killed_is_undone(handovers: Handovers, records: int) -> None:
    killed = handovers.run(f"-k {records} -g guest1 -c take", CARD)
    assert killed.status == KILLED
    handovers.check("recover")
    handovers.assert_home(CARD, TWIN)


@pytest.mark.parametrize("records", [1, 4, 7, 10, 15, 20])
def test_a_give_that_is_killed_is_finished(handovers: Handovers, records: int) -> None:
    handovers.check("-g guest1 -c take", CARD)
    handovers.check("-l recover")  # leaves two entries and the boot in the journal
    killed = handovers.run(f"-k {records + 3} -g guest1 give", CARD)
    assert killed.status == KILLED
    handovers.check("recover")
    handovers.assert_home(CARD, TWIN)


def test_a_guest_that_lives_keeps_its_device(handovers: Handovers) -> None:
    handovers.check("-g guest1 take", SINGLE)
    handovers.check("-l recover")
    assert handovers.entries()[SINGLE]["side"] == "guest"
    refused = handovers.run("reattach", SINGLE)
    assert "is in guest 'guest1'" in refused.errors
    other = handovers.run("-g guest2 take", SINGLE)
    assert "is in guest 'guest1'" in other.errors
    corrections = handovers.check("recover")["corrections"]
    assert any("ended while nobody looked" in c["text"] for c in corrections)
    handovers.assert_home(SINGLE)


def test_what_the_kernel_does_not_finish_is_told_and_put_right(handovers: Handovers) -> None:
    host = handovers.host
    handovers.check("-g guest1 take", SINGLE)
    host.check(
        "qemu-system-x86_64 -S -display none -nodefaults -machine q35 -m 64 -pidfile /run/holder.pid "
        f"-device vfio-pci,host={SINGLE} -daemonize",
    )
    late = handovers.run("-d 2000 -g guest1 give", SINGLE)
    assert not late.ok
    pid = host.check("cat /run/holder.pid").strip()
    group = host.check(f"basename $(readlink /sys/bus/pci/devices/{SINGLE}/iommu_group)").strip()
    assert "has not finished to unbind it: worker pid" in late.errors
    assert "vfio" in late.errors.split("sleeps in")[1]
    assert f"qemu-system-x86 (pid {pid}, /dev/vfio/{group})" in late.errors
    assert "unbind it" in handovers.entries()[SINGLE]["stuck"]
    refused = handovers.run("-g guest2 take", SINGLE)
    assert "the kernel has not finished an earlier step" in refused.errors
    host.check("kill $(cat /run/holder.pid)")
    handovers.check("recover")
    handovers.assert_home(SINGLE)


def test_what_the_host_stands_on_is_refused(handovers: Handovers) -> None:
    disk = handovers.run("detach", NVME)
    assert "is mounted at /mnt/data (ext4)" in disk.errors
    assert handovers.driver(NVME) == "nvme"
    assert handovers.host.check("cat /mnt/data/file") == "precious\n"
    onboard = handovers.run("-g guest1 verdict", ONBOARD)
    assert "carries the default route" in onboard.errors
    port = handovers.run("detach", "0000:00:01.0")
    assert "is no endpoint (root-port)" in port.errors
    share = handovers.run("detach", "0000:00:1a.0")
    assert "may be a layer of the overlay" in share.errors
    share = handovers.run("detach", "0000:00:1c.0")
    assert "is mounted at /lab/share (9p)" in share.errors


def test_the_module_is_loaded_when_it_is_needed(handovers: Handovers) -> None:
    handovers.host.check("modprobe -r vfio-pci && [ ! -e /sys/bus/pci/drivers/vfio-pci ]")
    plan = handovers.check("detach", EDU)["plan"]
    assert plan["steps"][0]["step"] == "load"
    assert handovers.driver(EDU) == "vfio-pci"
    handovers.check("reattach", EDU)


def test_a_reset(handovers: Handovers) -> None:
    handovers.check("detach", SINGLE)
    handovers.check("reset", SINGLE)
    handovers.check("reattach", SINGLE)
    handovers.assert_home(SINGLE)


@pytest.mark.host("no-iommu", daemon="none")
def test_without_an_iommu(host: LabHost) -> None:
    function = host.check("lspci -Dn -d 8086:10c9 | head -n 1 | cut -d ' ' -f 1").strip()
    refused = Handovers(host).run("-g guest1 take", function)
    assert f"PCI device {function} is in no IOMMU group" in refused.errors
    assert "no ACPI table DMAR or IVRS" in refused.errors
    assert Handovers(host).driver(function) == "igb"


@pytest.mark.host("no-remap", daemon="none")
def test_without_interrupt_remapping(host: LabHost) -> None:
    handovers = Handovers(host)
    edu = "0000:02:00.0"
    refused = handovers.run("-g guest1 take", edu)
    assert "the host does not remap interrupts" in refused.errors
    assert "/etc/modprobe.d" in refused.errors and "allow_unsafe_interrupts" in refused.errors
    host.check("echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts")
    handovers.check("-g guest1 take", edu)
    handovers.check("-g guest1 give", edu)
    host.check("echo 0 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts")


@pytest.mark.host("amd", daemon="none")
def test_on_an_amd_host(host: LabHost) -> None:
    handovers = Handovers(host)
    find = "for d in /sys/bus/pci/devices/*; do [ $(cat $d/device) != 0x11e8 ] || basename $d; done"
    edu = next(address for address in host.check(find).split() if address.startswith("0000:00:"))
    assert "the host does not remap interrupts" in handovers.run("-g guest1 take", edu).errors
    host.check("echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts")
    handovers.check("-g guest1 take", edu)
    handovers.check("-g guest1 give", edu)
    assert (handovers.driver(edu), handovers.entries()) == ("none", {})


@pytest.mark.host("bridge", daemon="none")
def test_behind_a_bridge_all_are_one_group(host: LabHost) -> None:
    handovers = Handovers(host)
    refused = handovers.run("-g guest1 take 0000:02:01.0 0000:02:02.0")
    assert "with 0000:02:03.0, which e1000 holds" in refused.errors
    assert "0000:01:00.0" not in refused.errors  # a bridge is never a blocker
    handovers.check("-g guest1 -c take 0000:02:01.0 0000:02:02.0")
    assert handovers.entries()["0000:02:03.0"]["is_companion"]
    handovers.check("-g guest1 give 0000:02:01.0 0000:02:02.0")
    assert handovers.driver("0000:02:03.0") == "e1000"
    assert handovers.entries() == {}
