# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager gives the card's second function to a guest that runs, and takes it away again.

It runs on this machine, and its connection goes through one of the host's ports. Pictures are in
build/artifacts/virt-manager-guide.
"""

import re
import select
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guests import Guest, driver, hostdev, ledger, until
from lab import HostError, LabHost, paths
from lab.channel import Channel, ChannelClosed, RunOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

pytest.importorskip("gi", reason="python3-gi is not installed")

import desktop  # noqa: E402
from virtmanager import VirtManager, hardware, shown_as  # noqa: E402

pytestmark = [
    pytest.mark.host("guide", apart=True),
    pytest.mark.skipif(
        desktop.why_not("virt-manager") is not None, reason=str(desktop.why_not("virt-manager"))
    ),
]

PICTURES = paths.CHECKOUT / "build" / "artifacts" / "virt-manager-guide"
PORT0, PORT1 = "0000:01:00.0", "0000:01:00.1"  # one card, one IOMMU group
NAME = "82576 Gigabit Network Connection"
JOIN = "exec nc -N -U /run/libvirt/libvirt-sock"
PARK = (
    "<metadata><airlock:handover xmlns:airlock='https://airlock-project.example/xmlns/handover/1' "
    "companions='park'/></metadata>"
)
HOURS = 3600  # seconds that a connection may last: longer than any test


class Door:
    """A socket here that is the host's own: each connection is a command in the host."""

    def __init__(self, host: LabHost, path: Path) -> None:
        self.host = host
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client: socket.socket) -> None:
        try:
            with client, self.host.channel() as channel:
                channel.send_run(JOIN, RunOptions(deadline=HOURS, with_input=True))
                self.pump(client, channel)
        except (HostError, ChannelClosed, OSError):
            return  # the host has ended, and its test with it

    @staticmethod
    def pump(client: socket.socket, channel: Channel) -> None:
        sources = [client, channel]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if client in ready:
                data = client.recv(1 << 16)
                channel.send_input(data)
                if not data:
                    sources.remove(client)
            if channel not in ready:
                continue
            for frame in channel.ready_frames():
                if frame.kind == b"X":
                    return
                if frame.kind == b"O" and client in sources:
                    client.sendall(frame.payload)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def guest(host: LabHost) -> Iterator[Guest]:
    """It runs, with the card's first function; the second is parked for as long."""
    guest = Guest(host, "guest1", devices=hostdev(PORT0), metadata=PARK)
    guest.define()
    guest.start()
    guest.wait_for("tg: ready")
    yield guest
    guest.remove()
    assert [driver(host, address) for address in (PORT0, PORT1)] == ["igb", "igb"]
    assert ledger(host)["entries"] == []


@pytest.fixture
def manager(host: LabHost, tmp_path: Path) -> Iterator[VirtManager]:
    door = Door(host, tmp_path / "libvirt-sock")
    with desktop.Desktop(tmp_path / "desktop", PICTURES) as screen:
        manager = VirtManager(screen)
        manager.run(f"qemu:///system?socket={door.path}")
        try:
            yield manager
        finally:
            screen.picture("end")
    door.close()


def test_the_second_function_comes_and_goes(host, guest, manager):
    window = manager.open("guest1", "Details")
    manager.add_pci(window, PORT1)
    manager.adding_ended()
    guest.wait_for("tg: added ")
    lines = guest.wait_for("tg: nic ")
    assert lines[-1].endswith("mac=52:54:00:00:01:01")
    assert driver(host, PORT1) == "vfio-pci"
    window.find("table cell", f"PCI {PORT1}").focus()
    assert NAME in window.find("label", re.compile("^" + shown_as(PORT1))).text
    manager.desktop.picture("added")

    window.find("push button", "config-remove").press()
    assert "remove this device" in manager.answer("Yes", "remove")
    guest.wait_for("tg: removed ")
    manager.until(lambda: f"PCI {PORT1}" not in hardware(window), "the end of its page")
    manager.desktop.picture("removed")
    assert "function='0x1'" not in host.check("virsh dumpxml guest1 --xpath //hostdev/source")

    guest.do("destroy guest1")
    for address in (PORT0, PORT1):
        until(host, f"[ $(basename $(readlink /sys/bus/pci/devices/{address}/driver)) = igb ]")
