# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guide's installation on its own machine: stock virt-install gives the new guest a card, virt-xml plugs another, and
virt-clone makes a guest that wants the same. The installer is that of lab/guest/installer, and tells what it sees."""

from collections.abc import Iterator

import pytest
from guests import Guest, driver, ledger, node_name, until
from lab import LabHost

pytestmark = pytest.mark.host("guide", apart=True)

PORT0, PORT1 = "0000:01:00.0", "0000:01:00.1"  # one card, one IOMMU group
SINGLE = "0000:02:00.0"

NAME = "guest1-rhel7-64"
IMAGE = f"/var/lib/libvirt/images/{NAME}.img"
LOG = "/tmp/install.log"

# The guide's own words, but for its server; and the serial port's text in a file.
GUIDE = (
    f"virt-install --name={NAME} --disk path={IMAGE},size=8 --vcpus=2 --ram=2048 --location=http://127.0.0.1/ "
    f"--nonetworks --os-type=linux --os-variant=rhel7 --host-device={node_name(PORT0)}"
)
SERIAL = f"--serial pty,log.file={LOG},log.append=on"
# What an emulated processor spends most of a boot on.
QUICK = "--extra-args 'quiet tsc=reliable no_timer_check mitigations=off nokaslr'"
LATE = 900  # seconds, on a machine that has other things to do

# What installing the package puts into /etc, room for a disk that is never filled, and a server with the tree.
PREPARE = """
cp -rn data/osinfo /etc/
images=/var/lib/libvirt/images
mountpoint -q $images || mount -t tmpfs -o size=16G images $images
ip link set lo up
[ -e /tmp/server ] || (python3=/usr/bin/python3; exec setsid $python3 -m http.server --bind 127.0.0.1 \
    --directory build/lab/install/tree 80 < /dev/null > /tmp/server 2>&1) &
until wget -q -O /dev/null http://127.0.0.1/.treeinfo || busybox wget -q -O /dev/null http://127.0.0.1/.treeinfo; do
    sleep 0.2
done
"""


@pytest.fixture
def tools(host: LabHost) -> Iterator[LabHost]:
    host.check(PREPARE)
    yield host
    for name in host.check("virsh list --all --name").split():
        host.run(f"virsh destroy {name}; virsh undefine {name}", timeout=120)
    host.check(f"rm -f {IMAGE} {LOG}; virsh nodedev-reattach {node_name(PORT1)}")
    assert [driver(host, address) for address in (PORT0, PORT1, SINGLE)] == ["igb"] * 3
    assert ledger(host)["entries"] == []


def test_the_guides_line_installs_a_guest_with_the_card(tools):
    """Refused as long as the host uses the card's other port, by that port's name; then as it stands."""
    refused = tools.run(GUIDE, timeout=120)
    assert refused.status == 1 and PORT1 in refused.errors and "igb" in refused.errors, refused
    assert (tools.check("virsh list --all --name").split(), driver(tools, PORT0)) == ([], "igb")
    tools.check(f"virsh nodedev-detach {node_name(PORT1)}")
    done = tools.run(f"{GUIDE} {SERIAL} {QUICK}", timeout=LATE)
    assert done.ok and "Domain creation completed" in done.output and "Restarting guest" in done.output, done
    until(tools, f"grep -q 'installed: up, by the tree' {LOG}", LATE)
    said = tools.check(f"cat {LOG}").replace("\r", "").splitlines()
    assert any(line.startswith("installer: pci ") and line.endswith("id=8086:10c9 driver=igb") for line in said), said
    assert any(line.endswith("mac=52:54:00:00:01:00") for line in said) and "installer: done vda" in said, said
    # The installed system has the card as well, until it is off.
    assert driver(tools, PORT0) == "vfio-pci"
    assert NAME in str(ledger(tools)["entries"])
    tools.check(f"virsh destroy {NAME}")
    assert driver(tools, PORT0) == "igb"


def test_a_card_comes_and_goes_by_virt_xml(tools):
    guest = Guest(tools, "plug")
    guest.define()
    guest.start()
    guest.wait_for("tg: ready")
    plugged = tools.check(f"virt-xml plug --add-device --hostdev {SINGLE} --update", timeout=180)
    assert "Device hotplug successful" in plugged and "defined successfully" in plugged
    guest.wait_for("tg: added ")
    assert guest.wait_for("tg: nic ")[-1].endswith("mac=52:54:00:00:02:00")
    unplugged = tools.check(f"virt-xml plug --remove-device --hostdev {SINGLE} --update", timeout=180)
    assert "Device hotunplug successful" in unplugged
    guest.wait_for("tg: removed ")
    assert driver(tools, SINGLE) == "igb"
    assert "<hostdev" not in tools.check("virsh dumpxml plug --inactive")


def test_a_clone_wants_the_card_that_its_original_has(tools):
    guest = Guest(tools, "first")
    guest.define()
    tools.check(f"virt-xml first --add-device --hostdev {node_name(SINGLE)}")
    tools.check("virt-clone --original first --name second --auto-clone")
    guest.start()
    refused = tools.run("virsh start second")
    assert refused.status == 1 and SINGLE in refused.errors and "first" in refused.errors, refused
    tools.check("virsh destroy first")
    assert driver(tools, SINGLE) == "igb"
    tools.check("virsh start second")
    assert driver(tools, SINGLE) == "vfio-pci"
