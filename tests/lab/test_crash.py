# SPDX-License-Identifier: LGPL-2.1-or-later
"""airlockd is killed at any moment: guests run on, and the next one knows what was done and finishes or undoes it."""

from collections.abc import Iterator

import pytest
from guests import Guest, driver, hostdev, ledger, ledger_has, node_name, override, until
from lab import LabHost

pytestmark = pytest.mark.host("guide")

SINGLE, EDU = "0000:02:00.0", "0000:03:00.0"


def kill_daemon(host: LabHost) -> None:
    host.check("kill -9 $(cat /run/airlock/airlockd.lock); while pgrep -x airlockd; do sleep 0.1; done", timeout=30)


def start_daemon(host: LabHost) -> None:
    host.check("setsid airlockd >> /run/airlockd.log 2>&1 < /dev/null & wait-socket /run/airlock/airlock-sock 60", timeout=90)


@pytest.fixture
def guest(host: LabHost) -> Iterator[Guest]:
    guest = Guest(host, "survivor", devices=hostdev(SINGLE))
    guest.define()
    yield guest
    guest.remove()
    assert driver(host, SINGLE) == "igb"


def test_a_guest_and_its_card_are_found_again(host, guest):
    guest.start()
    guest.wait_for("tg: ready")
    pid = host.check("pgrep -f [g]uest=survivor")
    kill_daemon(host)
    start_daemon(host)
    assert host.check("pgrep -f [g]uest=survivor") == pid
    assert host.check("virsh domstate survivor").strip() == "running"
    assert [(e["address"], e["side"], e["owner"]) for e in ledger(host)["entries"]] == [(SINGLE, "guest", "survivor")]
    path = guest.file("edu", hostdev(EDU))
    guest.do(f"attach-device survivor {path} --live")
    guest.wait_for("tg: edu .* dma-to-memory ok")
    guest.do(f"detach-device survivor {path} --live")
    guest.do("destroy survivor")
    assert (driver(host, SINGLE), override(host, SINGLE)) == ("igb", "(null)")
    assert ledger(host)["entries"] == []


def test_a_guest_that_ended_meanwhile_gives_its_card_back(host, guest):
    guest.start()
    kill_daemon(host)
    host.check("kill -9 $(pgrep -f [g]uest=survivor)")
    assert driver(host, SINGLE) == "vfio-pci"
    start_daemon(host)
    until(host, ledger_has('"entries":[]'))
    assert driver(host, SINGLE) == "igb"
    assert host.check("virsh domstate survivor").strip() == "shut off"
    assert any(SINGLE in c["text"] for c in ledger(host)["corrections"])


def test_a_card_parked_by_the_administrator_stays_parked(host):
    host.check(f"virsh nodedev-detach {node_name(SINGLE)}")
    kill_daemon(host)
    start_daemon(host)
    assert driver(host, SINGLE) == "vfio-pci"
    assert [(e["address"], e["side"], e["driver"]) for e in ledger(host)["entries"]] == [(SINGLE, "parked", "igb")]
    host.check(f"virsh nodedev-reattach {node_name(SINGLE)}")
    assert driver(host, SINGLE) == "igb"


@pytest.mark.parametrize("delay", ["0", "0.05", "0.1", "0.2", "0.4", "0.8", "1.6"])
def test_killed_in_the_middle_of_a_start(host, guest, delay):
    """Wherever it is cut off, the guest then runs with its card, or is off and the card is on its driver."""
    host.check(f"sh -c 'virsh start survivor > /dev/null 2>&1 &'; sleep {delay}; kill -9 $(cat /run/airlock/airlockd.lock)", timeout=60)
    host.check("while pgrep -x airlockd; do sleep 0.1; done", timeout=30)
    start_daemon(host)
    until(host, "! " + ledger_has("moving"))
    state = host.check("virsh domstate survivor").strip()
    entries = [(e["address"], e["side"]) for e in ledger(host)["entries"]]
    if state == "running":
        assert entries == [(SINGLE, "guest")] and driver(host, SINGLE) == "vfio-pci"
    else:
        assert (state, entries) == ("shut off", [])
        assert (driver(host, SINGLE), override(host, SINGLE)) == ("igb", "(null)")
        assert host.run("pgrep -f [g]uest=survivor").status == 1
