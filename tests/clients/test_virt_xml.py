# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-xml: it probes with the old node-device calls, and defines what it changed."""

import pathlib
import shutil
import subprocess

import pytest

DEVICES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))

pytestmark = [
    pytest.mark.skipif(not shutil.which("virt-xml"), reason="virt-xml is not installed"),
    pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus"),
]


def virt_xml(virsh, *words: str) -> str:
    command = ["virt-xml", "--connect", virsh.uri, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


def test_a_host_device_is_added_and_removed(virsh, defined):
    address = DEVICES[-1]
    name = "pci_" + address.replace(":", "_").replace(".", "_")
    virt_xml(virsh, defined, "--add-device", "--hostdev", name)
    source = virsh("dumpxml", defined, "--xpath", "//hostdev/source/address")
    slot, function = address[8:10], address[11:]
    assert f'slot="0x{slot}" function="0x{function}"' in source
    assert 'managed="yes"' in virsh("dumpxml", defined, "--xpath", "//hostdev")
    virt_xml(virsh, defined, "--remove-device", "--hostdev", name)
    assert "<hostdev" not in virsh("dumpxml", defined)


def test_an_address_instead_of_a_name(virsh, defined):
    virt_xml(virsh, defined, "--add-device", "--hostdev", DEVICES[-1])
    assert "<hostdev" in virsh("dumpxml", defined)


def test_another_kind_of_change(virsh, defined):
    virt_xml(virsh, defined, "--edit", "--memory", "64")
    assert "65536" in virsh("dumpxml", defined, "--xpath", "//memory")


def test_a_running_guest_is_changed_for_its_next_start(virsh, running):
    virt_xml(virsh, running, "--add-device", "--hostdev", DEVICES[-1])
    assert "<hostdev" not in virsh("dumpxml", running)
    assert "<hostdev" in virsh("dumpxml", running, "--inactive")
