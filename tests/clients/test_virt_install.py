# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-install without an installation: it creates the guest, then defines it while it runs."""

import pathlib
import shutil
import subprocess

import pytest

DEVICES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))
OPTIONS = (
    "--memory 64 --disk none --import --osinfo generic --graphics none --network none "
    "--noautoconsole --virt-type qemu"
).split()

pytestmark = pytest.mark.skipif(
    not shutil.which("virt-install"), reason="virt-install is not installed"
)


def virt_install(virsh, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["virt-install", "--connect", virsh.uri, "--name", name, *OPTIONS, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_guest_is_made_and_stays(virsh, name):
    done = virt_install(virsh, name)
    assert done.returncode == 0, done
    assert "Domain creation completed." in done.stdout
    assert virsh("domstate", name) == "running"
    assert virsh("list", "--persistent", "--name") == name
    assert 'machine="pc-i440fx-' in virsh("dumpxml", name, "--xpath", "//os/type")


def test_a_name_that_is_taken_is_refused(virsh, defined):
    done = virt_install(virsh, defined)
    assert done.returncode == 1
    assert "already in use" in done.stderr


@pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus")
@pytest.mark.parametrize("form", ["name", "address"])
def test_a_host_device_is_written_into_the_guest(virsh, name, form):
    """--print-xml: to start it, the host would need an IOMMU."""
    address = DEVICES[-1]
    nodedev = "pci_" + address.replace(":", "_").replace(".", "_")
    chosen = nodedev if form == "name" else address
    done = virt_install(virsh, name, "--host-device", chosen, "--print-xml")
    assert done.returncode == 0, done
    assert '<hostdev mode="subsystem" type="pci" managed="yes">' in done.stdout
