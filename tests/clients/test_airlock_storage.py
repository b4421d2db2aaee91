# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command airlock with pools, volumes and networks, beside stock virsh on the same daemon: exit
status, output and errors are the same to the byte, but for what changes by itself."""

import contextlib
import pathlib
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from beside import LIMIT, MARKS, Place, airlock_path, shown

pytestmark = MARKS

VOLUME = "<volume><name>vx</name><capacity unit='MiB'>3</capacity><allocation>0</allocation></volume>"
NETWORK = """<network><name>lan</name><uuid>11111111-2222-3333-4444-777777777777</uuid><bridge name='virbr5'/>
<mac address='52:54:00:00:00:05'/><ip address='192.0.2.1' netmask='255.255.255.0'>
<dhcp><range start='192.0.2.2' end='192.0.2.9'/></dhcp></ip></network>"""
HOST = "<host mac='52:54:00:00:00:01' ip='192.0.2.5'/>"

SPARSE = 64 << 20  # bytes of a file with one page of data

# What changes by itself: how full the file system is, and the times of files.
FREE = re.compile(r"(Allocation|Available|Capacity)(: +)\S+( GiB)?|[0-9.]+ GiB")
TIMES = re.compile(r"<([amcb]time)>[0-9.]+<")


def shape(done) -> tuple[int, str, str]:
    status, out, err = shown(done)
    return status, TIMES.sub(r"<\1><", FREE.sub(r"\1", out)), err.replace("\nhint: ", "; ")


def words(place: Place, command: str) -> list[str]:
    return shlex.split(command.replace("DIR", str(place.directory)))


def same(place: Place, command: str) -> None:
    assert shape(place.airlock(*words(place, command))) == shape(place.virsh(*words(place, command))), command


def clean(place: Place) -> None:
    for command in ("pool-destroy p1", "pool-undefine p1", "pool-destroy p2", "net-destroy lan", "net-undefine lan"):
        place.virsh("-q", *command.split())
    for path in (place.directory / "p").glob("*"):
        path.unlink()


@pytest.fixture
def stocked(place: Place) -> Iterator[Place]:
    """A pool with two volumes, and a network that runs; files for more."""
    (place.directory / "p").mkdir()
    (place.directory / "v.xml").write_text(VOLUME)
    (place.directory / "net.xml").write_text(NETWORK)
    (place.directory / "data").write_bytes(bytes(range(256)) * 1000)
    with (place.directory / "sparse").open("wb") as file:
        file.truncate(SPARSE)
        file.seek(SPARSE // 2)
        file.write(b"x" * 4096)
    stock(place)
    yield place
    clean(place)


def stock(place: Place) -> None:
    clean(place)
    for command in (
        "pool-define-as p1 dir --target DIR/p", "pool-start p1", "vol-create-as p1 v1 2M",
        "vol-create-as p1 v2 2M --allocation 0 --format qcow2", "net-define DIR/net.xml", "net-start lan",
    ):
        done = place.virsh("-q", *words(place, command))
        assert done.returncode == 0, done


QUESTIONS = [
    "pool-list", "pool-list --all --details", "pool-list --inactive", "pool-list --name", "pool-list --uuid", "-q pool-list",
    "pool-list --type dir,fs", "pool-list --type bogus", "pool-list --transient", "pool-info p1", "pool-info p1 --bytes",
    "pool-info nosuch", "pool-uuid p1", "pool-name p1", "pool-name 11111111-2222-3333-4444-555555555555",
    "pool-dumpxml p1 --inactive", "pool-dumpxml p1 --xpath //path", "pool-edit p1", "pool-event", "pool-event --list",
    "pool-event --event bogus", "pool-start p1", "pool-undefine p1", "pool-delete p1", "pool-define DIR/none",
    "pool-define-as p9 dir --target DIR/q --print-xml", "pool-create-as p9 dir --target DIR/none", "pool-capabilities",
    "find-storage-pool-sources dir", "vol-list p1", "vol-list p1 --details", "vol-list nosuch", "-q vol-list p1",
    "vol-info v1 p1", "vol-info v1 p1 --bytes --physical", "vol-info v1", "vol-info nosuch p1", "vol-info DIR/p/v1",
    "vol-path v1 --pool p1", "vol-key v2 p1", "vol-name DIR/p/v1", "vol-name nosuch", "vol-pool DIR/p/v1",
    "vol-pool DIR/p/v1 --uuid", "vol-dumpxml v2 p1", "vol-create-as p1 v1 2M", "vol-create-as p1 v4 2M --print-xml",
    "vol-create-as p1 v3 2M --format qcow2 --backing-vol v2 --backing-vol-format qcow2 --print-xml",
    "vol-create-as p1 v3 2M --format qcow2 --backing-vol nosuch", "vol-clone v1 v2 p1", "vol-clone v1 v6 p1 --print-xml",
    "vol-create-from p1 DIR/v.xml v1", "vol-resize v1 1M p1", "vol-resize v1 -1M p1", "vol-resize v1 -1M p1 --delta", "vol-wipe v1 p1 --algorithm bogus", "vol-wipe v1 p1 --algorithm nnsa",
    "vol-upload v1 DIR/none p1", "vol-download nosuch DIR/out p1", "vol-delete nosuch p1",
    "net-list", "net-list --all", "net-list --title", "net-list --name", "net-list --uuid", "net-list --inactive", "-q net-list",
    "net-info lan", "net-info nosuch", "net-uuid lan", "net-name lan", "net-name 11111111-2222-3333-4444-777777777777",
    "net-dumpxml lan", "net-dumpxml lan --xpath //range", "net-dhcp-leases lan", "net-dhcp-leases lan --mac 52:54:00:00:00:01",
    "net-port-list lan", "net-port-list lan --uuid", "net-edit lan", "net-event", "net-event --list", "net-desc lan",
    "net-desc lan --title", "net-desc lan --edit", "net-desc lan --edit --title", "net-metadata lan urn:x",
    "net-metadata lan urn:x --edit", "net-metadata lan urn:x --edit --key k", "net-metadata lan urn:x --edit --remove",
    "net-metadata lan urn:x --edit --set <a/>", "net-metadata lan urn:x --set <a/>", "net-start lan",
    f'net-update lan bogus ip-dhcp-host "{HOST}"', f'net-update lan add bogus "{HOST}"', 'net-update lan add bridge "<bridge/>"',
    f'net-update lan delete ip-dhcp-host "{HOST}"', "net-define DIR/none", "net-create DIR/none",
]


def test_every_question_is_answered_as_virsh_does(stocked):
    for command in QUESTIONS:
        same(stocked, command)


ORDERS = [
    "pool-autostart p1", "pool-autostart p1 --disable", "pool-refresh p1", "pool-create-as p2 dir --target DIR/p2 --build",
    "vol-create-as p1 v3 2M --format qcow2 --prealloc-metadata", "vol-create p1 DIR/v.xml", "vol-list p1 --details",
    "vol-clone v1 v5 p1", "vol-resize v1 4M p1", "vol-resize v1 1M p1 --delta", "vol-wipe v1 p1", "vol-upload v1 DIR/data p1",
    "vol-download v1 DIR/out p1", "vol-info v1 p1 --bytes",
    "vol-resize v1 -1M p1 --delta --shrink", "vol-info v1 p1", "vol-resize v1 -3M p1 --shrink", "vol-info v1 p1", "vol-upload v1 DIR/sparse p1 --sparse", "vol-info v1 p1",
    "vol-download v1 DIR/out p1 --sparse --offset 1000 --length 900000", "vol-delete v5 p1", "vol-list p1", "pool-destroy p1",
    "pool-build p1", "pool-start p1", "net-autostart lan", "net-autostart lan --disable",
    f'net-update lan add ip-dhcp-host "{HOST}" --live --config', "net-dumpxml lan", "net-dumpxml lan --inactive",
    f'net-update lan delete ip-dhcp-host "{HOST}"', "net-desc lan some words", "net-desc lan", "net-desc lan --title A title",
    "net-metadata lan urn:x --set <a/> --key k", "net-metadata lan urn:x", "net-metadata lan urn:x --remove",
    "net-dumpxml lan", "net-destroy lan", "net-start lan", "net-destroy lan", "net-undefine lan", "net-define DIR/net.xml",
    "net-list --all --title", "pool-list --all",
]


def test_orders_do_what_they_do_by_virsh(stocked):
    results = []
    for run in (stocked.virsh, stocked.airlock):
        stock(stocked)
        results.append([(command, shape(run(*words(stocked, command)))) for command in ORDERS])
    assert results[1] == results[0]


def test_what_is_uploaded_is_downloaded(stocked):
    data: bytes = (stocked.directory / "data").read_bytes()
    for command in ("vol-upload v1 DIR/data p1", "vol-download v1 DIR/out p1 --offset 256 --length 100000"):
        done = stocked.airlock(*words(stocked, command))
        assert (done.returncode, done.stdout.strip()) == (0, ""), done
    assert (pathlib.Path(stocked.directory) / "out").read_bytes() == data[256:100256]


def blocks(path: pathlib.Path) -> int:
    return path.stat().st_blocks * 512


def test_holes_stay_holes_on_the_way(stocked):
    for program in (stocked.virsh, stocked.airlock):
        stock(stocked)
        for command in ("vol-create-as p1 v7 64M --allocation 0", "vol-upload v7 DIR/sparse p1 --sparse",
                        "vol-download v7 DIR/out p1 --sparse"):
            done = program(*words(stocked, command))
            assert done.returncode == 0, done
        for path in (stocked.directory / "p" / "v7", stocked.directory / "out"):
            assert blocks(path) < 1 << 20, (program, path)
            assert path.read_bytes() == (stocked.directory / "sparse").read_bytes()


# An editor that puts its own text in place of what it was given, if that was what the test says.
EDITOR = """#!/bin/bash
[[ $(<"$1") == "$BEFORE" ]] || exit 9
printf '%s\\n' "$AFTER" > "$1"
"""

EDITS = [
    ("net-desc lan --edit", "", "in a network"), ("net-desc lan --edit", "in a network", "in no network"),
    ("net-desc lan --edit these words", "these words", "other words"), ("net-desc lan --title --edit", "", "Its title"),
    ("net-metadata lan urn:x --edit --key k", "", "<a b='c'/>"),
    ("net-metadata lan urn:x --edit --key k", '<a b="c"/>', "<d/>"),
]


def test_texts_are_changed_in_the_editor(stocked):
    editor = stocked.directory / "editor"
    editor.write_text(EDITOR)
    editor.chmod(0o755)
    results = []
    for program in (stocked.virsh, stocked.airlock):
        stock(stocked)
        seen = []
        for command, before, after in EDITS:
            stocked.env |= {"EDITOR": str(editor), "BEFORE": before, "AFTER": after}
            seen.append((command, shape(program(*words(stocked, command)))))
        seen.append(shape(stocked.virsh("net-dumpxml", "lan", "--inactive")))
        results.append(seen)
    assert all(status == 0 for _, (status, _, _) in results[0][:-1]), results[0]
    assert results[1] == results[0]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pool-info ", ["p1"]), ("pool-event --pool p", ["p1"]), ("vol-list p", ["p1"]), ("vol-info v", ["v1", "v2"]),
        ("vol-info DIR/p/v", ["DIR/p/v1", "DIR/p/v2"]), ("vol-info v1 ", ["p1"]), ("vol-info v1 --pool ", ["p1"]),
        ("vol-create-as p1 new 1M --backing-vol v2", ["v2"]), ("net-start l", ["lan"]), ("net-event --network ", ["lan"]),
        ("net-desc lan --e", ["--edit"]), ("vol-upload v1 DIR/spa", ["DIR/sparse"]),
    ],
)
def test_names_are_completed(stocked, line, offered):
    asked = [*words(stocked, line), *([""] if line.endswith(" ") else [])]
    done = stocked.airlock("-q", "complete", "--", *asked)
    names = [name.replace(str(stocked.directory), "DIR") for name in done.stdout.split()]
    assert [name for name in names if name != "default"] == offered


class Watcher:
    """A command that prints what happens, line by line, until it is interrupted."""

    def __init__(self, place: Place, program: str, *args: str) -> None:
        self.path = place.directory / f"seen-{pathlib.Path(program).name}"
        with self.path.open("w") as out:
            command = ["stdbuf", "-oL", program, *args, "--loop"]
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=place.env)

    def has_seen(self, word: str) -> bool:
        return word in self.path.read_text()

    def told(self) -> list[str]:
        """What was told of the objects of the test."""
        return [line for line in self.path.read_text().splitlines() if line.startswith("event '") and "probe" not in line]

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> list[str]:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(LIMIT)
        return self.told()


PROBE = "<network><name>probe</name></network>"

# What is watched, what shows that it is (again and again, until it is seen), what is done, and how much of it is seen.
HAPPENINGS = [
    ("pool-event --event lifecycle", ["pool-define-as probe dir --target DIR/probe", "pool-undefine probe"],
     ["pool-define-as p3 dir --target DIR/p3", "pool-build p3", "pool-start p3", "pool-destroy p3", "pool-delete p3",
      "pool-undefine p3"], 6),
    ("pool-event --event refresh", ["pool-create-as probe dir --target DIR", "pool-refresh probe", "pool-destroy probe"],
     ["pool-refresh p1"], 1),
    ("net-event --event lifecycle", ["net-define DIR/probe.xml", "net-undefine probe"],
     ["net-destroy lan", "net-start lan", "net-destroy lan", "net-undefine lan", "net-define DIR/net.xml"], 5),
    ("net-event --event metadata-change", ["net-define DIR/probe.xml", "net-desc probe --config x", "net-undefine probe"],
     ["net-desc lan --config some words", "net-desc lan --live --title T", "net-metadata lan urn:x --set <a/> --key k",
      "net-metadata lan urn:x --remove", "net-desc lan --config end"], 5),
]


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize(("watched", "probe", "orders", "count"), HAPPENINGS)
def test_what_happens_is_told_as_by_virsh(stocked, watched, probe, orders, count):
    (stocked.directory / "probe.xml").write_text(PROBE)
    programs = ("virsh", str(airlock_path()))

    def are_awake() -> bool:
        for command in probe:
            stocked.virsh("-q", *words(stocked, command))
        return all(one.has_seen("probe") for one in watchers)

    with contextlib.ExitStack() as stack:
        watchers = [stack.enter_context(Watcher(stocked, program, *watched.split())) for program in programs]
        wait_until(are_awake, f"{watched} sees nothing")
        for command in orders:
            done = stocked.virsh("-q", *words(stocked, command))
            assert done.returncode == 0, done
        wait_until(lambda: all(len(one.told()) >= count for one in watchers), f"{watched} does not see all")
        seen = [one.end() for one in watchers]
    assert seen[1] == seen[0] and len(seen[0]) == count
