# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests outlive the daemon: ended, killed, and started again."""

import os
import signal
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import until
from daemons import Daemon, start, why_not
from test_lifecycle import qemu_pid

import guests


@pytest.fixture
def own_daemon(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory):
    """A daemon that this test may end."""
    assert not why_not(daemon.name)
    with start(daemon.name, tmp_path_factory.mktemp("own")) as running:
        yield running


def devices(dom: libvirt.virDomain) -> list[tuple]:
    """Every device that has an address or a terminal, with both."""
    found = []
    for device in ET.fromstring(dom.XMLDesc()).find("devices"):
        parts = [device.find(word) for word in ("alias", "address", "source")]
        if parts[1] is not None or parts[2] is not None:
            found.append((device.tag, *(part.attrib for part in parts if part is not None)))
    return found


def described(connection: libvirt.virConnect) -> dict[str, tuple]:
    return {
        dom.name(): (dom.UUIDString(), dom.ID(), dom.state(), dom.isPersistent(), devices(dom))
        for dom in connection.listAllDomains()
    }


# Stock libvirtd now and then takes half a minute to end with a client connected.
@pytest.mark.parametrize("way", [pytest.param("end", marks=pytest.mark.only("airlockd")), "kill"])
def test_guests_are_found_again(own_daemon, way):
    connection = libvirt.open(own_daemon.uri)
    connection.defineXML(guests.guest("off")).setAutostart(0)
    connection.defineXML(guests.guest("running")).create()
    connection.createXML(guests.guest("paused"), libvirt.VIR_DOMAIN_START_PAUSED)
    connection.lookupByName("running").attachDevice(guests.RNG)
    before = described(connection)
    pid = qemu_pid(own_daemon, "running")
    getattr(own_daemon, way)()
    assert qemu_pid(own_daemon, "running") == pid
    own_daemon.start()
    connection = libvirt.open(own_daemon.uri)
    after = described(connection)
    assert set(after) == set(before)
    for name, facts in after.items():
        assert facts == before[name]
    for name in ("running", "paused"):
        connection.lookupByName(name).destroy()
    assert {dom.name() for dom in connection.listAllDomains()} == {"off", "running"}


def test_a_guest_that_died_meanwhile_is_off(own_daemon):
    connection = libvirt.open(own_daemon.uri)
    connection.defineXML(guests.guest("died")).create()
    connection.createXML(guests.guest("vanished"))
    pids = [qemu_pid(own_daemon, name) for name in ("died", "vanished")]
    own_daemon.kill()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    own_daemon.start()
    connection = libvirt.open(own_daemon.uri)
    # libvirtd looks for its guests when it serves already.
    until(lambda: [dom.name() for dom in connection.listAllDomains()] == ["died"])
    dom = connection.lookupByName("died")
    until(lambda: dom.state()[0] == libvirt.VIR_DOMAIN_SHUTOFF)
    dom.create()
    assert dom.isActive()


@pytest.mark.only("airlockd")
def test_the_daemon_leaves_no_socket_behind(own_daemon):
    assert own_daemon.end() == 0
    assert list(own_daemon.run.rglob("*-sock*")) == []
