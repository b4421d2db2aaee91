# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-xml: what it changes, of the definition and of the guest that runs."""

import pathlib
import re

import pytest
from installing import wait_until

import guests

DEVICES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))
needs_pci = pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus")

DEFINED = "defined successfully"
NEXT_START = "Changes will take effect after the domain is fully powered off"


@pytest.fixture
def defined(tools, tmp_path) -> str:
    (tmp_path / "edited.xml").write_text(guests.guest("edited", guests.interface("52:54:00:00:00:01")))
    tools("virsh", "define", tmp_path / "edited.xml")
    return "edited"


@pytest.fixture
def running(tools, tmp_path) -> str:
    """A guest that lets its devices go when it is asked."""
    if not guests.TEST_GUEST.exists():
        pytest.skip(f"{guests.TEST_GUEST} is not built: ./dev build")
    log = tmp_path / "serial.log"
    devices = f"""<serial type='file'><source path='{log}'/></serial><disk type='file' device='cdrom'><target dev='sda' bus='sata'/>
        </disk><graphics type='vnc' port='-1' passwd='alt'/>{guests.interface("52:54:00:00:00:01")}"""
    text = guests.guest("live", devices, f"<kernel>{guests.TEST_GUEST}</kernel>").replace("<serial type='pty'/>", "")
    (tmp_path / "live.xml").write_text(text)
    tools("virsh", "define", tmp_path / "live.xml")
    tools("virsh", "start", "live")
    wait_until(lambda: log.exists() and guests.READY in log.read_bytes(), "the guest is up", 120)
    return "live"


def node_name(address: str) -> str:
    return "pci_" + re.sub("[:.]", "_", address)


@needs_pci
@pytest.mark.parametrize("form", [node_name, str])
def test_a_host_device_is_added_edited_and_removed(tools, defined, form):
    address = DEVICES[-1]
    assert DEFINED in tools("virt-xml", defined, "--add-device", "--hostdev", form(address))
    source = tools.xml(defined, "//hostdev/source/address")
    assert f'slot="0x{address[8:10]}" function="0x{address[11:]}"' in source
    assert DEFINED in tools("virt-xml", defined, "--edit", "--hostdev", "rom.bar=off,boot.order=1")
    device = tools.xml(defined, "//hostdev")
    assert 'managed="yes"' in device and 'bar="off"' in device and 'order="1"' in device
    assert DEFINED in tools("virt-xml", defined, "--remove-device", "--hostdev", form(address))
    assert "<hostdev" not in tools("virsh", "dumpxml", defined)


@needs_pci
def test_a_host_device_of_a_running_guest(tools, running):
    """Without an IOMMU the refusal of the hot-plug is the daemon's own; for the next start it is taken."""
    if not pathlib.Path(f"/sys/bus/pci/devices/{DEVICES[-1]}/iommu_group").exists():
        errors = tools.fails("virt-xml", running, "--add-device", "--hostdev", DEVICES[-1], "--update")
        assert "Error attempting device hotplug" in errors and DEVICES[-1] in errors and "IOMMU" in errors
        assert "<hostdev" not in tools("virsh", "dumpxml", running, "--inactive")
    assert NEXT_START in tools("virt-xml", running, "--add-device", "--hostdev", DEVICES[-1])
    assert "<hostdev" not in tools("virsh", "dumpxml", running)
    assert "<hostdev" in tools("virsh", "dumpxml", running, "--inactive")


def test_a_running_guest_is_changed(tools, running, tmp_path):
    image, medium = tmp_path / "disk.img", tmp_path / "medium.iso"
    for path in (image, medium):
        path.write_bytes(bytes(1 << 20))
    change = [
        (f"--add-device --disk {image},target.bus=virtio", "hotplug"),
        (f"--edit target=sda --disk {medium}", "update"),
        ("--edit --graphics password=neu", "update"),
        ("--edit --network link.state=down", "update"),
        ("--add-device --network user,model=virtio", "hotplug"),
    ]
    for words, kind in change:
        printed = tools("virt-xml", running, *words.split(), "--update")
        assert f"Device {kind} successful" in printed and DEFINED in printed
    for options in ([], ["--inactive"]):
        text = tools("virsh", "dumpxml", running, "--security-info", *options)
        for part in (str(image), str(medium), "passwd='neu'", "<link state='down'/>"):
            assert part in text, (part, options)
        assert text.count("<interface") == 2
    for words in (f"--disk {image}", "--network 2"):
        assert "Device hotunplug successful" in tools("virt-xml", running, "--remove-device", *words.split(), "--update")
    text = tools("virsh", "dumpxml", running)
    assert str(image) not in text and text.count("<interface") == 1


def test_what_a_running_guest_cannot_change(tools, running):
    errors = tools.fails("virt-xml", running, "--edit", "--network", "model=e1000", "--update")
    assert "Error attempting device update: Operation not supported: cannot modify" in errors
    assert "e1000" not in tools("virsh", "dumpxml", running, "--inactive")


def test_a_definition_is_edited_and_started(tools, defined):
    for words in ("--cpu qemu64,+aes", "--memory 64", "--vcpus 2", "--boot menu=on", "--metadata title=New"):
        assert DEFINED in tools("virt-xml", defined, "--edit", *words.split())
    text = tools("virsh", "dumpxml", defined)
    for part in ("name='aes'", ">65536<", ">2</vcpu>", "<bootmenu enable='yes'", "<title>New</title>"):
        assert part in text
    printed = tools("virt-xml", defined, "--edit", "--events", "on_poweroff=restart", "--start")
    assert DEFINED in printed and "started successfully" in printed
    assert tools.state(defined) == "running"


def test_what_is_only_printed(tools, defined):
    before = tools("virsh", "dumpxml", defined)
    diff = tools("virt-xml", defined, "--edit", "--memory", "64", "--print-diff")
    assert '-  <memory unit="KiB">32768</memory>' in diff and '+  <memory unit="KiB">65536</memory>' in diff
    assert "65536" in tools("virt-xml", defined, "--edit", "--memory", "64", "--print-xml")
    assert '<disk type="file" device="cdrom">' in tools("virt-xml", defined, "--build-xml", "--disk", "device=cdrom")
    assert tools("virsh", "dumpxml", defined) == before


def test_what_is_not_there(tools, defined):
    assert "'--edit 9' requested" in tools.fails("virt-xml", defined, "--remove-device", "--network", "9")
    assert "No --hostdev objects found" in tools.fails("virt-xml", defined, "--edit", "--hostdev", "rom.bar=off")
    assert "Could not find domain" in tools.fails("virt-xml", "nobody", "--edit", "--memory", "64")
