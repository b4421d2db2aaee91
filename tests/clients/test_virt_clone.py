# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-clone: a guest and a copy of its disks."""

import pathlib
import re

import pytest

import guests

IMAGES = pathlib.Path("/var/lib/libvirt/images")
MAC = "52:54:00:00:00:01"
DEVICES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))


@pytest.fixture
def original(tools, tmp_path) -> str:
    """A guest with a disk that says which it is."""
    image = tools.libvirt / "images" / "original.qcow2"
    tools("qemu-img", "create", "-q", "-f", "qcow2", image, "1M")
    tools("qemu-io", "-c", "write -P 0x5a 0 64k", image)
    disk = guests.disk(IMAGES / image.name, "vda").replace("'raw'", "'qcow2'")
    (tmp_path / "original.xml").write_text(guests.guest("original", disk + guests.interface(MAC)))
    tools("virsh", "define", tmp_path / "original.xml")
    return "original"


def disk_of(tools, name: str) -> pathlib.Path:
    return pathlib.Path(re.search('file="([^"]*)"', tools.xml(name, "//disk/source"))[1])


def is_copy(tools, path: pathlib.Path) -> bool:
    """Ends with an error where it reads something else."""
    return tools.run("qemu-io", "-r", "-c", "read -P 0x5a 0 64k", path).returncode == 0


def value(tools, name: str, xpath: str) -> str:
    return tools.xml(name, xpath).strip()


def test_a_clone_of_everything(tools, original):
    printed = tools("virt-clone", "--original", original, "--auto-clone")
    assert "Allocating 'original-clone.qcow2'" in printed and "Clone 'original-clone' created successfully" in printed
    name = "original-clone"
    assert disk_of(tools, name) == IMAGES / "original-clone.qcow2"
    assert is_copy(tools, IMAGES / "original-clone.qcow2")
    assert "original-clone.qcow2" in tools("virsh", "vol-list", "images")
    for xpath in ("/domain/uuid", "//mac"):
        assert value(tools, name, xpath) != value(tools, original, xpath)
    tools("virsh", "start", name)
    assert tools.state(name) == "running"


def test_a_clone_as_it_is_told(tools, original):
    words = ["--original", original, "--name", "chosen", "--file", IMAGES / "chosen.qcow2", "--mac", "52:54:00:00:00:02"]
    assert 'file="/var/lib/libvirt/images/chosen.qcow2"' in tools("virt-clone", *words, "--print-xml")
    assert tools.defined() == [original]
    tools("virt-clone", *words)
    assert is_copy(tools, disk_of(tools, "chosen"))
    assert "52:54:00:00:00:02" in value(tools, "chosen", "//mac")


def test_a_clone_of_a_file_and_of_a_disk_that_is_ready(tools, original, tmp_path):
    ready = tools.libvirt / "images" / "ready.qcow2"
    tools("qemu-img", "create", "-q", "-f", "qcow2", ready, "1M")
    xml = tmp_path / "original.xml"
    tools("virt-clone", "--original-xml", xml, "--name", "third", "--preserve-data", "--file", IMAGES / ready.name)
    assert disk_of(tools, "third") == IMAGES / ready.name
    assert not is_copy(tools, IMAGES / ready.name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--original original --name original --auto-clone", "Guest name 'original' is already in use"),
        (f"--original original --name other --file {IMAGES}/original.qcow2", "original.qcow2"),
        ("--original nobody --auto-clone", "Domain 'nobody' was not found"),
    ],
)
def test_what_cannot_be_cloned(tools, original, words, said):
    assert said in tools.fails("virt-clone", *words.split())
    assert tools.defined() == [original]


def test_a_guest_that_runs_is_not_cloned(tools, original):
    tools("virsh", "start", original)
    assert "must be shutoff" in tools.fails("virt-clone", "--original", original, "--auto-clone")


@pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus")
def test_the_clone_of_a_guest_with_a_host_device(tools, original):
    """virt-clone takes the device along, as it knows of none that cannot be shared: who refuses is the daemon, at the
    start, by the device's name. In the lab the other guest has it, and is named."""
    tools("virt-xml", original, "--add-device", "--hostdev", DEVICES[-1])
    tools("virt-clone", "--original", original, "--auto-clone")
    assert tools.xml("original-clone", "//hostdev/source/address") == tools.xml(original, "//hostdev/source/address")
    if not pathlib.Path(f"/sys/bus/pci/devices/{DEVICES[-1]}/iommu_group").exists():
        assert DEVICES[-1] in tools.fails("virsh", "start", "original-clone")
