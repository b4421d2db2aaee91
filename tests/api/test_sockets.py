# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the daemon listens, who may connect, and what it leaves to others."""

import contextlib
import pathlib
import socket
import stat

import pytest
import wire
from checks import until
from daemons import Daemon, start

LIBVIRT_NAMES = ["libvirt-sock", "libvirt-sock-ro", "virtqemud-sock", "virtqemud-sock-ro"]
OWN_NAMES = ["airlock-sock", "airlock-sock-ro"]


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_read_only_socket_is_for_everyone(daemon):
    assert mode(daemon.socket) & 0o007 == 0
    assert mode(daemon.socket_ro) & 0o006 == 0o006


@pytest.mark.only("airlockd")
@pytest.mark.parametrize("name", [*LIBVIRT_NAMES, *OWN_NAMES])
def test_every_name_is_served(daemon, name):
    directory = "airlock" if name in OWN_NAMES else "libvirt"
    path = daemon.run / directory / name
    assert bool(mode(path) & 0o006) == name.endswith("-ro")
    with wire.Wire(path) as client:
        assert client.open().serves()


@pytest.mark.only("airlockd")
def test_a_libvirt_daemon_keeps_its_sockets(daemon: Daemon, tmp_path_factory):
    """Something listens where libvirt's clients look: it stays, and ours are served beside it."""
    other = start("airlockd", tmp_path_factory.mktemp("beside"))
    other.prepare()
    other.socket.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as holder, contextlib.ExitStack() as stack:
        holder.bind(str(other.socket))
        holder.listen()
        stack.enter_context(other)
        inode = other.socket.stat().st_ino
        own = other.run / "airlock" / "airlock-sock"
        until(own.exists)
        with wire.Wire(own) as client:
            assert client.open().serves()
        assert other.socket.stat().st_ino == inode
        assert not (other.run / "libvirt" / "virtqemud-sock").exists()


@pytest.mark.only("airlockd")
def test_a_second_daemon_gives_way(daemon: Daemon, tmp_path_factory):
    directory = tmp_path_factory.mktemp("twice")
    with start("airlockd", directory) as first, start("airlockd", directory) as second:
        assert int(second.tell("wait")) != 0
        with wire.Wire(first.socket) as client:
            assert client.open().serves()
