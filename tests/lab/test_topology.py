# SPDX-License-Identifier: LGPL-2.1-or-later
"""As many assigned functions as a guest may have, on a host that has hundreds, each in a group of its own."""

from collections.abc import Iterator

import pytest
from guests import Guest, driver, hostdev, ledger
from lab import LabHost

pytestmark = pytest.mark.host("many")

LIMIT = 32
NVME = "id=1b36:0010"


@pytest.fixture
def guest(host: LabHost) -> Iterator[Guest]:
    kernel = "<kernel>/lab/tg.elf</kernel><cmdline>brief</cmdline>"
    guest = Guest(host, "guest1", kernel=kernel)
    yield guest
    guest.remove()
    assert ledger(host)["entries"] == []


def virtual_functions(host: LabHost, number: int) -> list[str]:
    script = "for vf in /sys/bus/pci/devices/0000:01:00.0/virtfn*; do basename $(readlink $vf); done"
    return sorted(host.check(script).split())[:number]


def test_32_functions_are_seen_and_given_back(host, guest):
    functions = virtual_functions(host, LIMIT)
    assert len(functions) == LIMIT
    guest.devices = "".join(map(hostdev, functions))
    guest.define()
    guest.start()
    lines = guest.wait_for("tg: ready")
    assert sum(line.startswith("tg: pci ") and NVME in line for line in lines) == LIMIT
    assert {driver(host, function) for function in functions} == {"vfio-pci"}
    entries = ledger(host)["entries"]
    assert {(entry["address"], entry["side"]) for entry in entries} == {(f, "guest") for f in functions}
    guest.do("destroy guest1")


def test_the_33rd_is_refused_with_the_limit_and_the_setting(host, guest):
    functions = virtual_functions(host, LIMIT + 1)
    guest.devices = "".join(map(hostdev, functions))
    refusal = guest.refuse(f"define {guest.file('domain', guest.xml)}")
    assert "32" in refusal and "max_assigned_functions" in refusal
    guest.devices = "".join(map(hostdev, functions[:LIMIT]))
    guest.define()
    last = guest.file("last", hostdev(functions[-1]))
    assert "max_assigned_functions" in guest.refuse(f"attach-device guest1 {last} --config")
