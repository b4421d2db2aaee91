# SPDX-License-Identifier: LGPL-2.1-or-later
"""The virtual hosts are what their descriptions promise."""

import hashlib
import threading
import time
from pathlib import Path

import pytest
from lab import HostError, LabHost


def members(host: LabHost, group_of: str) -> set[str]:
    """Addresses in the IOMMU group of a function."""
    return set(host.check(f"ls /sys/bus/pci/devices/{group_of}/iommu_group/devices").split())


def drivers(host: LabHost) -> dict[str, str]:
    script = "for d in /sys/bus/pci/devices/*; do echo ${d##*/} $(basename $(readlink $d/driver || echo -)); done"
    return dict(line.split() for line in host.check(script).splitlines())


def groups(host: LabHost) -> list[str]:
    return host.check("ls /sys/kernel/iommu_groups").split()


@pytest.mark.host("guide", daemon="none")
class TestGuide:
    def test_both_ports_of_the_card_share_a_group(self, host):
        assert members(host, "0000:01:00.0") == {"0000:00:01.0", "0000:01:00.0", "0000:01:00.1"}
        assert members(host, "0000:01:00.1") == members(host, "0000:01:00.0")

    @pytest.mark.parametrize("address", ["0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "0000:05:00.0", "0000:00:19.0"])
    def test_the_others_have_groups_of_their_own(self, host, address):
        assert members(host, address) == {address}

    def test_drivers_are_bound(self, host):
        bound = drivers(host)
        assert bound["0000:00:19.0"] == "e1000e"
        assert [bound[a] for a in ("0000:01:00.0", "0000:01:00.1", "0000:02:00.0")] == ["igb"] * 3
        assert bound["0000:03:00.0"] == "-"
        assert bound["0000:04:00.0"] == "nvme"
        assert bound["0000:05:00.0"] == "snd_hda_intel"

    def test_interrupts_are_remapped(self, host):
        assert "Enabled IRQ remapping" in host.check("dmesg")

    def test_a_filesystem_is_in_use(self, host):
        assert host.check("cat /mnt/data/file") == "precious\n"
        assert "/mnt/data ext4" in host.check("grep nvme0n1 /proc/mounts")

    def test_the_onboard_port_is_the_way_out(self, host):
        assert "default via 192.168.76.254 dev enp0s25" in host.check("ip route")

    def test_virtual_functions_come_and_go(self, host):
        numvfs = "/sys/bus/pci/devices/0000:02:00.0/sriov_numvfs"
        host.check(f"echo 2 > {numvfs}")
        assert members(host, "0000:02:10.0") == {"0000:02:10.0"}
        host.check(f"echo 0 > {numvfs}")
        assert "0000:02:10.0" not in drivers(host)

    def test_ports_hear_each_other(self, host):
        namespace = "ip netns exec far"
        host.check("ip netns add far && ip link set enp2s0 netns far")
        try:
            host.check(f"{namespace} ip address add 192.168.76.9/24 dev enp2s0 && {namespace} ip link set enp2s0 up")
            host.check(f"{namespace} busybox ping -c 1 -w 20 192.168.76.1")
        finally:
            host.check("ip netns del far")

    def test_a_guest_gets_a_device_by_nested_kvm(self, host):
        host.check("echo vfio-pci > /sys/bus/pci/devices/0000:03:00.0/driver_override")
        host.check("echo 0000:03:00.0 > /sys/bus/pci/drivers_probe")
        options = "-machine q35 -accel kvm -cpu host -m 32 -nodefaults -display none -serial stdio"
        try:
            told = host.check(
                f"qemu-system-x86_64 {options} -kernel /lab/tg.elf -append off -device vfio-pci,host=03:00.0"
            )
        finally:
            host.check("echo 0000:03:00.0 > /sys/bus/pci/drivers/vfio-pci/unbind")
            host.check("echo > /sys/bus/pci/devices/0000:03:00.0/driver_override")
        for fact in ("registers", "msi", "dma-from-memory", "dma-to-memory"):
            assert f"{fact} ok" in told


@pytest.mark.host("guide", daemon="none")
class TestRunner:
    def test_status_output_and_errors_are_apart(self, host):
        result = host.run("echo out; echo err >&2; exit 7")
        assert (result.status, result.output, result.errors) == (7, "out\n", "err\n")

    def test_input_arrives_whole(self, host):
        data = bytes(range(256)) * 4096
        result = host.run("sha256sum", input_data=data)
        assert result.output.split()[0] == hashlib.sha256(data).hexdigest()

    def test_a_command_is_killed_at_its_timeout(self, host):
        started = time.monotonic()
        assert host.run("sleep 60", timeout=1).status == 124
        assert time.monotonic() - started < 15

    def test_a_signal_shows_in_the_status(self, host):
        assert host.run("kill -9 $$").status == 137

    def test_what_is_left_in_the_background_lives_on(self, host):
        pid = host.check("sleep 300 > /dev/null 2>&1 & echo $!").strip()
        host.check(f"kill {pid}")

    def test_four_commands_run_at_once(self, host):
        """Each waits for all: were one to wait for its turn, none would end."""
        meet = "touch /tmp/meet.%d; until [ $(ls /tmp/meet.* | wc -l) = 4 ]; do sleep 0.1; done"
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: statuses.append(host.run(meet % n, timeout=30).status))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        host.check("rm /tmp/meet.*")
        assert statuses == [0] * 4

    def test_the_shared_folder_is_shared(self, host):
        host.check("echo from-host > /lab/share/note")
        assert (host.share / "note").read_text() == "from-host\n"

    def test_the_machine_is_not_written(self, host):
        host.check("touch /etc/lab-was-here")
        assert not Path("/etc/lab-was-here").exists()


@pytest.mark.host("amd", daemon="none")
def test_amd(host):
    assert host.check("ls /sys/class/iommu").split() == ["ivhd0"]
    assert members(host, "0000:00:05.0") == {"0000:00:05.0"}
    assert drivers(host)["0000:00:06.0"] == "igb"


@pytest.mark.host("no-iommu", daemon="none")
def test_no_iommu(host):
    assert groups(host) == []
    assert drivers(host)["0000:01:00.0"] == "igb"


@pytest.mark.host("no-remap", daemon="none")
def test_no_remap(host):
    assert members(host, "0000:01:00.0") == {"0000:01:00.0"}
    assert "Enabled IRQ remapping" not in host.check("dmesg")


@pytest.mark.host("bridge", daemon="none")
def test_bridge(host):
    behind = {"0000:01:00.0", "0000:02:01.0", "0000:02:02.0", "0000:02:03.0"}
    assert members(host, "0000:02:01.0") == behind
    assert members(host, "0000:05:00.0") == {"0000:04:00.0", "0000:05:00.0"}
    assert drivers(host)["0000:02:03.0"] == "e1000"


@pytest.mark.host("hotplug", daemon="none")
def test_hotplug(host):
    host.qmp("device_add", driver="igb", bus="free2", netdev="spare0", id="card")
    host.check("udevadm wait --timeout=30 /sys/bus/pci/drivers/igb/0000:02:00.0")
    host.qmp("device_del", id="card")
    host.check("udevadm wait --timeout=30 --removed /sys/bus/pci/devices/0000:02:00.0")


@pytest.mark.host("many", daemon="none")
def test_many(host):
    assert len(drivers(host)) >= 250
    assert len(groups(host)) >= 250


@pytest.mark.host("no-iommu", daemon="none")
def test_a_host_that_hangs_is_told_of_and_ended(fresh_host, monkeypatch):
    monkeypatch.setattr("lab.host.LATE", 1)
    fresh_host.qmp("stop")
    with pytest.raises(HostError, match="does not answer"):
        fresh_host.run("true", timeout=1)
    with pytest.raises(HostError, match="ended under a command"):
        fresh_host.run("true", timeout=1)
