# SPDX-License-Identifier: LGPL-2.1-or-later
"""What runs in a host once its kernel is up: udev, the host's own set-up, and the daemon under test."""

from enum import Enum

from lab import paths
from lab.topology import Topology


class Daemon(Enum):
    """Who serves the guests of the host."""

    AIRLOCK = "airlockd"
    STOCK = "libvirtd"
    NONE = "none"


# Coldplug as a real host's boot does it: udev loads and binds the drivers, and names the network interfaces.
UDEV = """
modprobe -a kvm_amd vfio-pci & modules=$!
/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add --type=subsystems
udevadm trigger --action=add --subsystem-match=pci --subsystem-match=net --subsystem-match=block --subsystem-match=misc
udevadm settle --timeout=60
wait $modules
"""

GUESTS = """
for file in tg.elf linux-vmlinuz linux-initrd; do
    [ ! -e /lab/guest/$file ] || ln -s /lab/guest/$file /lab/$file
done
mkdir -p /var/lib/libvirt/images
"""

AIRLOCKD = """
if ! command -v airlockd > /dev/null; then
    exit 0
fi
airlockd < /dev/null > /run/airlockd.log 2>&1 &
wait-socket /run/airlock/airlock-sock 30 && exit 0
echo 'lab: airlockd does not answer:'
cat /run/airlockd.log
exit 1
"""

LIBVIRTD = """
mkdir -p /run/libvirt
virtlogd --daemon
libvirtd --daemon
wait-socket /run/libvirt/libvirt-sock 60
"""


def script(topology: Topology, daemon: Daemon) -> str:
    """Everything in one script: a round trip less for each step."""
    if topology.disk:
        return "\n".join(["set -e", *topology.setup])
    steps = ["set -e"]
    if topology.modules:
        steps.append(f"modprobe -a {' '.join(topology.modules)}")
    steps += [UDEV, GUESTS, *topology.setup]
    steps.append({Daemon.AIRLOCK: AIRLOCKD, Daemon.STOCK: LIBVIRTD, Daemon.NONE: ""}[daemon])
    return "\n".join(steps)


def have_airlockd() -> bool:
    return (paths.CHECKOUT / "build/main/src/daemon/airlockd").exists()
