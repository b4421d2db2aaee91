# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory of a guest that has the driver for it."""

import libvirt
import pytest
from checks import Events, until

import linux

MIB = 1024  # in KiB


@pytest.fixture
def events(daemon):
    connection = libvirt.open(daemon.uri)
    recorder = Events(connection)
    yield recorder
    recorder.close()
    connection.close()


def test_a_balloon_takes_and_gives_memory(conn, name, events):
    balloon = "<memballoon model='virtio'><stats period='1'/></memballoon>"
    dom = conn.defineXML(linux.guest(name, balloon, memory="160"))
    with linux.booted(dom):
        events.listen(libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE)
        dom.setMemory(140 * MIB)
        until(lambda: dom.info()[2] == 140 * MIB)
        assert dom.maxMemory() == 160 * MIB
        events.wait(lambda: any(told[2] == 140 * MIB for told in events.seen))
        until(lambda: "available" in dom.memoryStats())
        numbers = dom.memoryStats()
        assert 0 < numbers["unused"] < numbers["available"] < 160 * MIB
        assert numbers["last_update"] > 0
        [(_, stats)] = conn.domainListGetStats([dom], libvirt.VIR_DOMAIN_STATS_BALLOON)
        assert stats["balloon.current"] == 140 * MIB
        assert stats["balloon.available"] > stats["balloon.unused"] > 0
        dom.setMemory(160 * MIB)
        until(lambda: dom.info()[2] == 160 * MIB)

