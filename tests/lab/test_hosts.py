# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts that are not as the guide's: what is refused on them and why, and what an administrator's word changes."""

import json
from collections.abc import Iterator

import pytest
from guests import Guest, driver, hostdev, node_name, until
from lab import LabHost

UNSAFE = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"


@pytest.fixture
def guest(host: LabHost) -> Iterator[Guest]:
    guest = Guest(host, "guest1")
    yield guest
    guest.remove()


def verdict(host: LabHost, address: str) -> dict:
    return json.loads(host.run(f"airlock verdict {address} --json").output)


@pytest.mark.host("no-iommu")
def test_without_an_iommu_nothing_is_given(host, guest):
    find = "for d in /sys/bus/pci/devices/*; do [ $(cat $d/device) != 0x11e8 ] || basename $d; done"
    address = host.check(find).split()[0]
    before = driver(host, address)
    guest.devices = hostdev(address)
    guest.define()
    errors = guest.refuse("start guest1")
    assert address in errors and "IOMMU" in errors
    assert driver(host, address) == before
    assert verdict(host, address)["blockers"][0]["code"] == "no-iommu"


@pytest.mark.host("no-remap")
def test_without_interrupt_remapping_the_administrator_decides(host, guest):
    card, edu = "0000:01:00.0", "0000:02:00.0"
    host.check("modprobe vfio_iommu_type1")
    host.check(f"echo 0 > {UNSAFE}")
    guest.devices = hostdev(card) + hostdev(edu)
    guest.define()
    errors = guest.refuse("start guest1")
    assert "interrupt remapping" in errors and "allow_unsafe_interrupts" in errors
    assert driver(host, card) == "igb"
    host.check(f"echo 1 > {UNSAFE}")
    guest.start()
    lines = guest.wait_for("tg: ready")
    assert any(line.endswith("dma-to-memory ok") for line in lines)
    guest.do("destroy guest1")
    assert driver(host, card) == "igb"


@pytest.mark.host("bridge")
class TestBridge:
    """All that is behind a PCIe-to-PCI bridge is one group; the bridge itself is in nobody's way."""

    EDU, OTHER, NIC, BRIDGE = "0000:02:01.0", "0000:02:02.0", "0000:02:03.0", "0000:01:00.0"

    def test_the_companion_on_its_driver_is_named_and_the_bridge_is_not(self, host, guest):
        guest.devices = hostdev(self.EDU)
        guest.define()
        errors = guest.refuse("start guest1")
        assert self.NIC in errors and "e1000" in errors
        assert self.BRIDGE not in errors
        assert driver(host, self.NIC) == "e1000"

    def test_with_the_companion_parked_it_works(self, host, guest):
        guest.devices = hostdev(self.EDU)
        guest.define()
        host.check("airlock start guest1 --with-companions", timeout=120)
        lines = guest.wait_for("tg: ready")
        assert any(line.endswith("dma-to-memory ok") for line in lines)
        guest.do("destroy guest1")
        assert driver(host, self.NIC) == "e1000"

    def test_the_bridge_is_no_device_for_a_guest(self, host, guest):
        guest.devices = hostdev(self.BRIDGE)
        guest.define()
        assert "bridge" in guest.refuse("start guest1")
        assert host.run(f"virsh nodedev-detach {node_name(self.BRIDGE)}").status == 1

    def test_a_group_is_not_split_between_guests(self, host, guest):
        host.check(f"virsh nodedev-detach {node_name(self.NIC)}")
        guest.devices = hostdev(self.EDU)
        guest.define()
        guest.start()
        other = Guest(host, "guest2", devices=hostdev(self.OTHER))
        other.define()
        try:
            assert "guest1" in other.refuse("start guest2")
        finally:
            other.remove()
            guest.do("destroy guest1")
            host.check(f"virsh nodedev-reattach {node_name(self.NIC)}")
        assert driver(host, self.NIC) == "e1000"


@pytest.mark.host("bridge")
def test_the_doctor_and_the_daemon_agree(host):
    """The same report by both ways, but for the limit of the process that makes it; and the same of each function."""
    reports = [json.loads(host.run(f"airlock doctor --json {way}").output) for way in ("", "--daemon")]
    ours, theirs = ([check for check in report["checks"] if check["name"] != "memlock"] for report in reports)
    assert theirs == ours
    assert reports[1]["devices"] == reports[0]["devices"] != []
    for device in (one for one in reports[0]["devices"] if one["address"].startswith("0000:02:")):
        answer = verdict(host, device["address"])
        codes = {kind: list(dict.fromkeys(one["code"] for one in answer[kind])) for kind in ("blockers", "warnings")}
        assert device == {"address": device["address"], "assignable": answer["assignable"], **codes}


@pytest.mark.host("amd")
def test_amd_with_the_opt_in(host, guest):
    edu, card = "0000:00:05.0", "0000:00:06.0"
    host.check("modprobe vfio_iommu_type1")
    host.check(f"echo 0 > {UNSAFE}")
    guest.devices = hostdev(edu) + hostdev(card)
    guest.define()
    assert "allow_unsafe_interrupts" in guest.refuse("start guest1")
    host.check(f"echo 1 > {UNSAFE}")
    guest.start()
    lines = guest.wait_for("tg: ready")
    assert any(line.endswith("dma-to-memory ok") for line in lines)
    assert any(line.endswith("mac=52:54:00:00:06:00") for line in lines)
    guest.do("destroy guest1")
    assert driver(host, card) == "igb"


@pytest.mark.host("many")
def test_hundreds_of_functions_are_listed(host):
    functions = host.check("virsh nodedev-list --cap pci", timeout=60).split()
    assert len(functions) >= 250
    devices = json.loads(host.check("airlock devices --json", timeout=120))["devices"]
    assert len(devices) == len(functions)
    assert len({d["group"] for d in devices if d["group"] is not None}) >= 250


@pytest.mark.host("hotplug")
def test_a_card_that_is_plugged_in_is_seen_and_assigned(host, guest):
    before = set(host.check("virsh nodedev-list --cap pci").split())
    host.qmp("device_add", driver="igb", bus="free2", netdev="spare0", mac="52:54:00:00:99:00", id="late")
    until(host, "virsh nodedev-list --cap pci | grep -q pci_0000_02_00_0")
    assert set(host.check("virsh nodedev-list --cap pci").split()) - before == {"pci_0000_02_00_0"}
    guest.devices = hostdev("0000:02:00.0")
    guest.define()
    guest.start()
    lines = guest.wait_for("tg: ready")
    assert any(line.endswith("mac=52:54:00:00:99:00") for line in lines)
    host.qmp("device_del", id="late")  # the host pulls it: QEMU is asked, the guest lets go
    guest.wait_for("tg: removed ")
    until(host, "! virsh nodedev-list --cap pci | grep -q pci_0000_02_00_0")
    assert host.check("virsh domstate guest1").strip() == "running"
    assert "hostdev0" not in guest.do("dumpxml guest1")


@pytest.mark.host("hotplug")
def test_what_the_host_stands_on_is_taken_by_a_typed_word_only(host):
    onboard = "0000:00:19.0"
    host.check(f"p=$(ls /sys/bus/pci/devices/{onboard}/net) && ip link set $p up && ip route add default dev $p")
    refused = host.run(f"airlock nodedev-detach {node_name(onboard)}")
    assert refused.status == 1 and "default route" in refused.errors and "--take-host-devices" in refused.errors
    assert driver(host, onboard) == "e1000e"
    host.check(f"airlock nodedev-detach {node_name(onboard)} --take-host-devices")
    assert driver(host, onboard) == "vfio-pci"
    host.check(f"airlock nodedev-reattach {node_name(onboard)}")
    assert driver(host, onboard) == "e1000e"
