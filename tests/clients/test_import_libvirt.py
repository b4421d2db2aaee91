# SPDX-License-Identifier: LGPL-2.1-or-later
"""airlock import-libvirt: what stock libvirtd has written is taken over by airlockd, and stays as it was."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import daemons
import libvirt
import pytest
from beside import LIMIT, airlock_path
from daemons import Daemon

import guests

ROOT = pathlib.Path(__file__).resolve().parents[2]
OVMF = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")

POOL = "<pool type='dir'><name>images</name><target><path>{}</path></target></pool>"
LAN = """<network><name>lan</name><bridge name='virbr7'/><domain name='lan.example'/>
<ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.2' end='192.0.2.9'/></dhcp></ip></network>"""
MOUNTED = """<pool type='fs'><name>far</name><source><device path='/dev/nosuch'/></source>
<target><path>/srv/far</path></target></pool>"""
NIC = "<interface type='network'><mac address='52:54:00:00:00:0{}'/><source network='lan'/><model type='virtio'/></interface>"
FILTERED = ("<interface type='user'><mac address='52:54:00:00:00:09'/><model type='virtio'/>"
            "<filterref filter='clean-traffic'/></interface>")
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
HOSTDEV = guests.hostdev("0000:7e:1f.0")


def write_guests(conn: libvirt.virConnect, directory: pathlib.Path) -> None:
    image = directory / "disk.img"
    with image.open("wb") as file:
        file.truncate(1 << 20)
    xmls = [
        guests.guest("plain", guests.disk(image) + NIC.format(1)),
        guests.guest("busy"),
        guests.guest("sealed", TPM),
        guests.guest("kept"),
        guests.guest("carded", HOSTDEV),
        guests.guest("limited", before="<blkiotune><weight>500</weight></blkiotune>"),
        guests.guest("saved"),
    ]
    for xml in xmls:
        conn.defineXML(xml)
    if OVMF.exists():
        conn.defineXML(guests.guest("uefi").replace("<os>", "<os firmware='efi'>"))
    # What only a start makes.
    for name in ("sealed", "uefi") if OVMF.exists() else ("sealed",):
        guest = conn.lookupByName(name)
        guest.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        guest.destroy()
    conn.lookupByName("saved").create()
    conn.lookupByName("saved").managedSave()
    conn.lookupByName("busy").create()
    conn.createXML(guests.guest("passing"))
    conn.lookupByName("plain").setAutostart(1)


def write_all(conn: libvirt.virConnect, directory: pathlib.Path) -> None:
    (directory / "pool").mkdir()
    conn.storagePoolDefineXML(POOL.format(directory / "pool")).setAutostart(1)
    conn.storagePoolDefineXML(MOUNTED)
    conn.networkDefineXML(LAN).setAutostart(1)
    conn.networkDefineXML((ROOT / "data" / "networks" / "default.xml").read_text())
    write_guests(conn, directory)


def described(conn: libvirt.virConnect) -> dict[tuple[str, str], str]:
    """The definition of everything that there is."""
    inactive = libvirt.VIR_DOMAIN_XML_INACTIVE
    found = {("guest", guest.name()): guest.XMLDesc(inactive) for guest in conn.listAllDomains()}
    found |= {("network", net.name()): net.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE) for net in conn.listAllNetworks()}
    found |= {("pool", pool.name()): pool.XMLDesc(libvirt.VIR_STORAGE_XML_INACTIVE) for pool in conn.listAllStoragePools()}
    return found


def fingerprint(*trees: pathlib.Path) -> dict[str, tuple]:
    """Whatever could be changed of the files below."""
    found = {}
    for path in (path for tree in trees for path in [tree, *sorted(tree.rglob("*"))]):
        info = path.lstat()
        regular = path.is_file() and not path.is_symlink()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if regular else None
        target = os.readlink(path) if path.is_symlink() else None
        found[str(path)] = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, info.st_ctime_ns, content, target)
    return found


class Host:
    """A host that libvirtd has managed (its daemon has ended, one of its guests runs on), and airlockd beside it."""

    def __init__(self, stock: Daemon, ours: Daemon, definitions: dict[tuple[str, str], str]) -> None:
        self.stock, self.ours, self.definitions = stock, ours, definitions
        self.trees = [stock.directory / "etc", stock.directory / "lib"]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The command, where libvirt's files are found in their usual places."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=LIMIT, check=False)

    def command(self, *words: str) -> list[str]:
        assert self.stock.process
        enter = ["nsenter", f"--target={self.stock.process.pid}", "--mount", "--"]
        return [*enter, str(airlock_path()), "-c", self.ours.uri, "import-libvirt", *words]

    def json(self, *words: str) -> tuple[int, dict]:
        done = self.run("--json", *words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def open(self) -> libvirt.virConnect:
        return libvirt.open(self.ours.uri)


def results(report: dict) -> dict[str, str]:
    return {f"{one['kind']} {one['name']}": one["result"] for one in report["objects"]}


def of(report: dict, name: str, kind: str = "guest") -> dict:
    return next(one for one in report["objects"] if (one["kind"], one["name"]) == (kind, name))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, dict]]:
    """Stock libvirtd, which has ended after it wrote a host's worth of definitions."""
    if not airlock_path().exists():
        pytest.skip("airlock is not built")
    if reason := daemons.why_not("libvirtd") or daemons.why_not("airlockd"):
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("libvirt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daemons, "QEMU_CONF", daemons.QEMU_CONF + 'swtpm_user = "root"\nswtpm_group = "root"\n')
        with daemons.start("libvirtd", directory) as stock:
            conn = libvirt.open(stock.uri)
            write_all(conn, directory)
            definitions = described(conn)
            conn.close()
            stock.end()
            yield stock, definitions


@pytest.fixture
def host(history: tuple[Daemon, dict], tmp_path: pathlib.Path) -> Iterator[Host]:
    stock, definitions = history
    with daemons.start("airlockd", tmp_path) as ours:
        host = Host(stock, ours, definitions)
        before = fingerprint(*host.trees)
        yield host
        assert fingerprint(*host.trees) == before


EXPECTED = {
    "pool far": "refused",
    "pool images": "imported",
    "network default": "unchanged",
    "network lan": "imported",
    "guest busy": "refused",
    "guest carded": "imported",
    "guest kept": "imported",
    "guest limited": "refused",
    "guest plain": "imported",
    "guest saved": "refused",
    "guest sealed": "imported",
} | ({"guest uefi": "imported"} if OVMF.exists() else {})


def shape(xml: str) -> str:
    """A definition without what libvirt's has of its own: where copies lie, and defaults that it spells out."""
    root = ET.fromstring(xml)
    for nvram in root.iter("nvram"):
        nvram.text = "NVRAM"
    return ET.canonicalize(ET.tostring(root, encoding="unicode"), strip_text=True)


def test_a_host_is_taken_over(host: Host) -> None:
    conn = host.open()
    conn.networkDefineXML((ROOT / "data" / "networks" / "default.xml").read_text())
    before = described(conn)

    dry_status, dry = host.json("--dry-run", "--autostart")
    assert described(conn) == before
    assert not (host.ours.directory / "state" / "nvram").exists()

    status, report = host.json("--autostart")
    assert (status, results(report)) == (1, EXPECTED)
    assert (dry_status, dry) == (1, {**report, "dry_run": True})

    after = described(conn)
    for one in report["objects"]:
        key = (one["kind"], one["name"])
        assert (key in after) == (one["result"] != "refused")
        if one["result"] == "imported":
            assert shape(after[key]) == shape(host.definitions[key])
    assert conn.lookupByName("plain").autostart() and not conn.lookupByName("kept").autostart()
    assert conn.networkLookupByName("lan").autostart() and conn.storagePoolLookupByName("images").autostart()

    # A second time there is nothing left to do, whatever the daemon has kept in mind.
    conn.close()
    host.ours.end()
    host.ours.start()
    conn = host.open()
    status, again = host.json("--autostart")
    assert results(again) == {name: "unchanged" if is_ == "imported" else is_ for name, is_ in EXPECTED.items()}
    assert described(conn) == after

    conn.networkLookupByName("lan").create()
    guest = conn.lookupByName("plain")
    guest.create()
    assert guest.isActive()
    guest.destroy()


def test_refusals_name_the_cause_and_the_way_out(host: Host) -> None:
    _, report = host.json("--dry-run")
    busy, saved, limited = of(report, "busy"), of(report, "saved"), of(report, "limited")
    assert "runs under libvirt" in busy["message"] and "virsh shutdown busy" in busy["way_out"]
    assert "/var/lib/libvirt/qemu/save/saved.save" in saved["message"] and "managedsave-remove" in saved["way_out"]
    assert "blkiotune" in limited["message"] and re.search("line [0-9]+", limited["message"])
    assert "fs" in of(report, "far", "pool")["message"]
    assert any("0000:7e:1f.0" in text for text in of(report, "carded")["remarks"])
    assert {"guest passing", "qemu.conf: user", "qemu.conf: swtpm_user"} <= {note["what"] for note in report["left"]}

    lines = host.run("--dry-run").stdout.splitlines()
    assert "pool images: would be imported, starts with the host" in lines
    assert "    -> shut it down there: virsh shutdown busy" in lines
    assert "    in /etc/libvirt/qemu/limited.xml" in lines
    assert any(line.endswith(" refused (nothing was changed)") for line in lines)


def test_files_that_a_guest_writes_are_copied(host: Host) -> None:
    host.json()
    conn, state, lib = host.open(), host.ours.directory / "state", host.stock.directory / "lib"
    uuid = conn.lookupByName("sealed").UUIDString()
    ours = state / "swtpm" / uuid / "tpm2" / "tpm2-00.permall"
    assert ours.read_bytes() == (lib / "swtpm" / uuid / "tpm2" / "tpm2-00.permall").read_bytes()
    guest = conn.lookupByName("sealed")
    guest.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    guest.destroy()
    if not OVMF.exists():
        return
    nvram = state / "nvram" / "uefi_VARS.fd"
    assert nvram.read_bytes() == (lib / "qemu" / "nvram" / "uefi_VARS.fd").read_bytes()
    assert f">{nvram}</nvram>" in conn.lookupByName("uefi").XMLDesc()


def test_what_is_here_already_stays_unless_that_is_said(host: Host) -> None:
    conn = host.open()
    uuid = ET.fromstring(host.definitions["guest", "kept"]).findtext("uuid")
    conn.defineXML(guests.guest("kept", uuid=uuid, memory="48"))
    conn.defineXML(guests.guest("plain"))  # somebody else's
    status, report = host.json("kept", "plain", "--no-autostart")
    assert (status, results(report)) == (1, {"guest kept": "different", "guest plain": "refused"})
    assert "plain" in of(report, "plain")["message"]
    assert conn.lookupByName("kept").maxMemory() == 48 * 1024

    status, report = host.json("kept", "--replace")
    assert (status, results(report)) == (0, {"guest kept": "replaced"})
    assert conn.lookupByName("kept").maxMemory() == 32 * 1024


def test_a_part_can_be_chosen(host: Host) -> None:
    conn = host.open()
    status, report = host.json("--only", "networks", "--no-autostart")
    assert (status, results(report)) == (0, {"network default": "imported", "network lan": "imported"})
    assert not conn.networkLookupByName("lan").autostart()
    assert not conn.listAllDomains() and not conn.listAllStoragePools()

    done = host.run("nobody")
    assert done.returncode == 1 and "'nobody'" in done.stderr
    done = host.run("carded")
    assert done.returncode == 0 and done.stdout.startswith("guest carded: imported\n")


def test_broken_files_are_named_and_do_not_stop_the_others(host: Host, tmp_path: pathlib.Path) -> None:
    etc = tmp_path / "copy"
    shutil.copytree(host.trees[0], etc, symlinks=True)
    (etc / "qemu" / "aaa.xml").write_text("<domain type='qemu'>\n<name>aaa</nome>\n</domain>")
    os.mkfifo(etc / "qemu" / "bbb.xml")
    (etc / "qemu" / "ccc.xml").write_text("<domstatus state='running'><domain/></domstatus>")
    status, report = host.json("--from", str(etc), "--only", "guests", "aaa", "bbb", "ccc", "kept")
    assert status == 1
    assert results(report) == {"guest aaa": "refused", "guest bbb": "refused", "guest ccc": "refused", "guest kept": "imported"}
    assert "2" in of(report, "aaa")["message"] and "bbb.xml" in of(report, "bbb")["message"]
    done = host.run("--from", str(tmp_path / "nothing"))
    assert done.returncode == 1 and str(tmp_path / "nothing") in done.stderr


def test_autostart_is_left_off_where_libvirt_would_start_it_too(host: Host, tmp_path: pathlib.Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(host.trees[0], root / "etc" / "libvirt", symlinks=True)
    _, report = host.json("--root", str(root), "--dry-run", "plain", "lan", "images")
    assert all(one["autostart"] for one in report["objects"])

    wants = root / "etc" / "systemd" / "system" / "multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "virtqemud.service").touch()
    _, report = host.json("--root", str(root), "plain", "lan", "images")
    assert [(one["name"], one["autostart"]) for one in report["objects"]] == [("images", True), ("lan", True), ("plain", False)]
    assert any("virtqemud.service" in text for text in of(report, "plain")["remarks"])
    assert not host.open().lookupByName("plain").autostart()

    _, report = host.json("--root", str(root), "--autostart", "plain")
    assert results(report) == {"guest plain": "unchanged"} and of(report, "plain")["autostart"]
    assert host.open().lookupByName("plain").autostart()


def test_an_interrupt_leaves_whole_objects(host: Host, tmp_path: pathlib.Path) -> None:
    etc = tmp_path / "many"
    (etc / "qemu").mkdir(parents=True)
    for number in range(200):
        (etc / "qemu" / f"many-{number:03}.xml").write_text(guests.guest(f"many-{number:03}", uuid=f"11111111-2222-3333-4444-{number:012}"))
    with subprocess.Popen(host.command("--from", str(etc)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout and running.stderr
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        lines = [first, *running.stdout]
        error = running.stderr.read()
    told = {line.split()[1].rstrip(":") for line in lines if line.endswith(": imported\n")}
    assert told == {guest.name() for guest in host.open().listAllDomains()}
    assert running.returncode == (0 if len(told) == 200 else 1)
    assert len(told) == 200 or "interrupted" in error
