# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command airlock with pools, volumes and networks, beside stock virsh on the same daemon: exit
status, output and errors are the same to the byte, but for what changes by itself."""

import pathlib
import re
import shlex
from collections.abc import Iterator

import pytest
from beside import MARKS, Place, shown

pytestmark = MARKS

VOLUME = "<volume><name>vx</name><capacity unit='MiB'>3</capacity><allocation>0</allocation></volume>"
NETWORK = """<network><name>lan</name><uuid>11111111-2222-3333-4444-777777777777</uuid><bridge name='virbr5'/>
<mac address='52:54:00:00:00:05'/><ip address='192.0.2.1' netmask='255.255.255.0'>
<dhcp><range start='192.0.2.2' end='192.0.2.9'/></dhcp></ip></network>"""
HOST = "<host mac='52:54:00:00:00:01' ip='192.0.2.5'/>"

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
    "vol-create-from p1 DIR/v.xml v1", "vol-resize v1 1M p1", "vol-wipe v1 p1 --algorithm bogus", "vol-wipe v1 p1 --algorithm nnsa",
    "vol-upload v1 DIR/none p1", "vol-download nosuch DIR/out p1", "vol-delete nosuch p1",
    "net-list", "net-list --all", "net-list --title", "net-list --name", "net-list --uuid", "net-list --inactive", "-q net-list",
    "net-info lan", "net-info nosuch", "net-uuid lan", "net-name lan", "net-name 11111111-2222-3333-4444-777777777777",
    "net-dumpxml lan", "net-dumpxml lan --xpath //range", "net-dhcp-leases lan", "net-dhcp-leases lan --mac 52:54:00:00:00:01",
    "net-port-list lan", "net-port-list lan --uuid", "net-edit lan", "net-event", "net-event --list", "net-desc lan",
    "net-desc lan --title", "net-metadata lan urn:x", "net-metadata lan urn:x --set <a/>", "net-start lan",
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
    "vol-download v1 DIR/out p1", "vol-info v1 p1 --bytes", "vol-delete v5 p1", "vol-list p1", "pool-destroy p1",
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
