# SPDX-License-Identifier: LGPL-2.1-or-later
"""The doctor over the wire: what the daemon says of its host is what the command says there."""

import concurrent.futures
import json
import os
import pathlib
import subprocess

import pytest
from beside import LIMIT, MARKS, airlock_path

pytestmark = [*MARKS, pytest.mark.only("airlockd")]

QEMU = "/usr/bin/qemu-system-x86_64"


def inside(daemon, *command: str) -> subprocess.CompletedProcess[str]:
    """A command where the daemon is: it sees the same mounts, interfaces and processes."""
    outside = daemon.process.pid
    init = pathlib.Path(f"/proc/{outside}/task/{outside}/children").read_text().split()[0]
    enter = ["nsenter", f"--target={init}", "--mount", "--net", "--pid", "--", *command]
    env = {name: value for name, value in os.environ.items() if "URI" not in name}
    return subprocess.run(enter, capture_output=True, text=True, env=env, timeout=LIMIT, check=False)


def here(daemon, *args: str) -> subprocess.CompletedProcess[str]:
    """The command without a daemon."""
    return inside(daemon, str(airlock_path()), *args)


def shown(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [str(done.returncode), *done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.mark.parametrize("words", [
    "doctor --json", "doctor", "-q doctor", "doctor iommu groups", "doctor --strict --json cmdline",
    "doctor device --json", "doctor --list",
])
def test_the_same_by_both_ways(daemon, place, words: str) -> None:
    """The same text, document and exit status, for all checks and for some."""
    args = words.split()
    by_hand = shown(here(daemon, *args))
    assert shown(place.airlock(*args, "--daemon")) == by_hand
    assert shown(place.airlock("-c", daemon.uri, *args)) == by_hand
    assert shown(place.airlock("-c", daemon.uri_ro, *args)) == by_hand


def test_a_report_says_what_the_document_promises(place) -> None:
    report = json.loads(place.airlock("doctor", "--daemon", "--json").stdout)
    assert report["version"] == 1
    verdicts = [check["verdict"] for check in report["checks"]]
    assert {name: verdicts.count(name) for name in report["counts"]} == report["counts"]
    devices = json.loads(place.airlock("devices", "--json").stdout)["devices"]
    expected = {device["address"]: device["assignable"] for device in devices}
    assert {device["address"]: device["assignable"] for device in report["devices"]} == expected


def test_a_check_that_does_not_exist(place) -> None:
    done = place.airlock("doctor", "--daemon", "iommu", "no-such-check")
    assert done.returncode == 1 and "no-such-check" in done.stderr and "--list" in done.stderr


def test_no_root_of_another_host(place) -> None:
    done = place.airlock("doctor", "--daemon", "--root", "/")
    assert done.returncode == 1 and "--root" in done.stderr


def test_nobody_waits_for_the_doctor(daemon, place, tmp_path: pathlib.Path) -> None:
    """QEMU hangs, so does the report; other calls are answered, and all who asked get the same one."""
    gate, over, slow = tmp_path / "gate", tmp_path / "over", tmp_path / "qemu"
    os.mkfifo(gate)
    slow.write_text(f"#!/bin/sh\n[ -e '{over}' ] || read -r line < '{gate}'\nexit 1\n")
    slow.chmod(0o755)
    args = ("doctor", "--daemon", "--json", "qemu")
    assert inside(daemon, "mount", "--bind", str(slow), QEMU).returncode == 0
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(place.airlock, *args) for _ in range(3)]
            # This opens when the daemon's QEMU is there to read from it.
            with gate.open("w") as opened:
                assert place.airlock("list").returncode == 0
                assert not any(one.done() for one in asked)
                over.touch()
                opened.write("go on\n")
            answers = [shown(one.result()) for one in asked]
    finally:
        assert inside(daemon, "umount", QEMU).returncode == 0
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == "2" and "cannot be run" in "".join(answers[0])
