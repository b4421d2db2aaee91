# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stream whose other end takes its time: it holds up nobody, and the daemon does not grow."""

import fcntl
import pathlib
import select
import struct
import termios
import time
from collections.abc import Callable, Iterator

import libvirt
import pytest
import wire
from checks import read_until, until

import guests
from daemons import Daemon

OPEN_CONSOLE, OPEN_CHANNEL, DOWNLOAD = 201, 296, 209
MIB = 1 << 20
GROWTH_MAX = 64 * MIB  # of a daemon that keeps nothing but its buffers

# Writes to the serial line for ever: mov dx, 0x3f8; mov al, 'x'; out dx, al; jmp to the out.
FLOOD = b"\xba\xf8\x03\xb0\x78\xee\xeb\xfd".ljust(510, b"\0") + b"\x55\xaa" + bytes(MIB)


def children(pid: int) -> list[int]:
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def rss(daemon: Daemon) -> int:
    """Bytes of memory that the daemon has."""
    assert daemon.process
    for init in children(daemon.process.pid):
        for pid in children(init):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if status.startswith(f"Name:\t{daemon.name}\n"):
                return int(status.split("VmRSS:")[1].split()[0]) * 1024
    raise AssertionError(f"no process {daemon.name}")


def domain(dom: libvirt.virDomain) -> bytes:
    return wire.string(dom.name()) + dom.UUID() + struct.pack(">i", dom.ID())


def has_input(client: wire.Wire) -> bool:
    left = fcntl.ioctl(client.socket, termios.FIONREAD, bytes(4))
    return int.from_bytes(left, "little") > 0


def others_are_served(daemon: Daemon, conn: libvirt.virConnect, before: int) -> None:
    """For as long as an unbounded queue needs to grow beyond the limit."""
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert conn.getHostname()
        assert rss(daemon) < before + GROWTH_MAX


def is_destroyed(pool: libvirt.virStoragePool) -> bool:
    """A pool whose volume is still read stays; the end of a connection is noticed soon."""
    try:
        return pool.destroy() == 0
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
        return False


@pytest.fixture
def volume(conn: libvirt.virConnect, tmp_path: pathlib.Path) -> Iterator[libvirt.virStorageVol]:
    """A volume of 1 GiB without data."""
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1024 * MIB)
    pool = conn.storagePoolCreateXML(
        f"<pool type='dir'><name>streams</name><target><path>{tmp_path}</path></target></pool>"
    )
    yield pool.storageVolLookupByName("big")
    until(lambda: is_destroyed(pool), what="the pool stays in use")


def test_a_download_that_nobody_reads(daemon, conn, volume, raw: Callable[[], wire.Wire]):
    before = rss(daemon)
    client = raw().open()
    args = [wire.string(text) for text in ("streams", "big", volume.key())]
    reply = client.call(DOWNLOAD, b"".join(args) + struct.pack(">QQI", 0, 0, 0))
    assert reply.status == wire.OK, reply.failure
    until(lambda: has_input(client))
    others_are_served(daemon, conn, before)
    # And it goes on when it is read.
    got = 0
    while got < 32 * MIB:
        packet = client.receive()
        assert (packet.kind, packet.status) == (wire.STREAM, wire.CONTINUE)
        got += len(packet.payload)


def test_a_download_that_is_left(conn, volume):
    for _ in range(5):
        stream = conn.newStream()
        volume.download(stream, 0, 0)
        assert stream.recv(65536)
        stream.abort()
        assert conn.getHostname()
    stream = conn.newStream()
    volume.download(stream, 512 * MIB, 8 * MIB)
    got = 0
    while piece := stream.recv(1 << 18):
        got += len(piece)
    stream.finish()
    assert got == 8 * MIB


def test_a_console_that_nobody_reads(daemon, conn, raw, name, tmp_path):
    (tmp_path / "flood").write_bytes(FLOOD)
    dom = conn.defineXML(guests.guest(name, guests.disk(tmp_path / "flood")))
    dom.create()
    before = rss(daemon)
    client = raw().open()
    reply = client.call(OPEN_CONSOLE, domain(dom) + wire.optional(None) + wire.u32(0))
    assert reply.status == wire.OK, reply.failure
    until(lambda: has_input(client), what="the guest does not write")
    others_are_served(daemon, conn, before)
    stream = conn.newStream()
    dom.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
    read_until(stream, b"x" * 4096)
    stream.abort()


@pytest.mark.only("airlockd")
def test_a_channel_that_nobody_empties(daemon, conn, raw, name):
    """The guest has no driver for it: what is sent stays with the sender. (libvirtd takes all of it.)"""
    channel = "<channel type='unix'><target type='virtio' name='org.airlock.streams.0'/></channel>"
    dom = conn.defineXML(guests.guest(name, channel))
    dom.create()
    before = rss(daemon)
    client = raw().open()
    reply = client.call(OPEN_CHANNEL, domain(dom) + wire.optional(None) + wire.u32(0))
    assert reply.status == wire.OK, reply.failure
    packet = wire.pack(OPEN_CHANNEL, bytes(65536), kind=wire.STREAM, serial=reply.serial, status=wire.CONTINUE)
    client.socket.setblocking(False)
    data, sent = packet * 1024, 0
    while sent < len(data) and select.select([], [client.socket], [], 2)[1]:
        sent += client.socket.send(data[sent : sent + 65536])
    assert sent < 16 * MIB
    others_are_served(daemon, conn, before)
