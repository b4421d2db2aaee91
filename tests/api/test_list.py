# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists of guests, through every filter."""

from collections.abc import Iterator

import libvirt
import pytest
from checks import remove, refused

import guests


@pytest.fixture(scope="module")
def zoo(module_conn: libvirt.virConnect) -> Iterator[dict[str, libvirt.virDomain]]:
    """One guest of each state: off, running, paused; and a transient one that runs."""
    off = module_conn.defineXML(guests.guest("module-off"))
    running = module_conn.defineXML(guests.guest("module-running"))
    running.create()
    paused = module_conn.defineXML(guests.guest("module-paused"))
    paused.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    transient = module_conn.createXML(guests.guest("module-transient"))
    off.setAutostart(1)
    yield {"off": off, "running": running, "paused": paused, "transient": transient}
    for dom in (off, running, paused, transient):
        remove(dom)


def listed(conn: libvirt.virConnect, *words: str) -> set[str]:
    flags = sum(getattr(libvirt, f"VIR_CONNECT_LIST_DOMAINS_{word}") for word in words)
    return {dom.name().removeprefix("module-") for dom in conn.listAllDomains(flags)}


CASES = [
    ((), {"off", "running", "paused", "transient"}),
    (("ACTIVE",), {"running", "paused", "transient"}),
    (("INACTIVE",), {"off"}),
    (("ACTIVE", "INACTIVE"), {"off", "running", "paused", "transient"}),
    (("PERSISTENT",), {"off", "running", "paused"}),
    (("TRANSIENT",), {"transient"}),
    (("RUNNING",), {"running", "transient"}),
    (("PAUSED",), {"paused"}),
    (("SHUTOFF",), {"off"}),
    (("OTHER",), set()),
    (("RUNNING", "PAUSED"), {"running", "paused", "transient"}),
    (("ACTIVE", "PERSISTENT"), {"running", "paused"}),
    (("ACTIVE", "PERSISTENT", "PAUSED"), {"paused"}),
    (("INACTIVE", "TRANSIENT"), set()),
    (("AUTOSTART",), {"off"}),
    (("NO_AUTOSTART",), {"running", "paused", "transient"}),
    (("MANAGEDSAVE",), set()),
    (("NO_MANAGEDSAVE",), {"off", "running", "paused", "transient"}),
    (("HAS_SNAPSHOT",), set()),
    (("NO_SNAPSHOT",), {"off", "running", "paused", "transient"}),
    (("HAS_CHECKPOINT",), set()),
    (("NO_CHECKPOINT",), {"off", "running", "paused", "transient"}),
]


IDS = ["+".join(words) or "none" for words, _ in CASES]


@pytest.mark.parametrize(("words", "expected"), CASES, ids=IDS)
def test_filter(conn, zoo, words, expected):
    assert listed(conn, *words) == expected


def test_an_unknown_filter_is_refused(conn, zoo):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x1000000)"):
        conn.listAllDomains(1 << 24)


def test_the_old_calls_agree(conn, zoo):
    active = {zoo[word].ID() for word in ("running", "paused", "transient")}
    assert set(conn.listDomainsID()) == active
    assert conn.numOfDomains() == 3
    assert conn.listDefinedDomains() == ["module-off"]
    assert conn.numOfDefinedDomains() == 1


def test_lookups_agree(conn, zoo):
    for dom in zoo.values():
        number = dom.UUIDString()
        assert conn.lookupByName(dom.name()).UUIDString() == number
        assert conn.lookupByUUIDString(number).name() == dom.name()
        if dom.isActive():
            assert conn.lookupByID(dom.ID()).UUIDString() == number


def test_statistics_of_all_guests_at_once(conn, zoo):
    stats = {dom.name().removeprefix("module-"): facts for dom, facts in conn.getAllDomainStats()}
    assert set(stats) == set(zoo)
    assert stats["running"]["state.state"] == libvirt.VIR_DOMAIN_RUNNING
    assert stats["paused"]["state.state"] == libvirt.VIR_DOMAIN_PAUSED
    assert stats["off"]["state.state"] == libvirt.VIR_DOMAIN_SHUTOFF
