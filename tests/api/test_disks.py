# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks on every bus, images below images, and directories of the host."""

import contextlib
import pathlib
import struct
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import libvirt
import pytest
from checks import refused

import guests

PAUSED = libvirt.VIR_DOMAIN_START_PAUSED
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
MIB = 1 << 20

SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"

# As QEMU's packages have it: since 8.0 it is a project of its own.
VIRTIOFSD = [
    pathlib.Path(path)
    for path in (
        "/usr/libexec/virtiofsd",
        "/usr/lib/qemu/virtiofsd",
        guests.ROOT / "build/cache/qemu-7.2/usr/lib/qemu/virtiofsd",
    )
]


def qemu_img(*words: object) -> None:
    subprocess.run(["qemu-img", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def raw(path: pathlib.Path) -> pathlib.Path:
    path.write_bytes(bytes(MIB))
    return path


def qcow2(path: pathlib.Path, backing: str = "", kind: str = "qcow2") -> pathlib.Path:
    below = ["-b", backing, "-F", kind] if backing else []
    qemu_img("create", "-q", "-f", "qcow2", *below, path, *([] if backing else ["1M"]))
    return path


def forget_format(path: pathlib.Path) -> None:
    """Makes the header extension with the backing file's format one that nobody knows."""
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack(">I", 0xE2792ACA), struct.pack(">I", 0x41414141), 1))


def disk(target: str, source: str = "", kind: str = "raw", more: str = "", **attrs: str) -> str:
    bus = f"bus='{attrs['bus']}'" if "bus" in attrs else ""
    return f"""<disk type='{attrs.get("type", "file")}' device='{attrs.get("device", "disk")}'>
  <driver name='qemu' type='{kind}'/>
  {source}
  <target dev='{target}' {bus}/>
  {more}
</disk>"""


def file(path: pathlib.Path, more: str = "") -> str:
    return f"<source file='{path}' {more}/>"


def devices(dom: libvirt.virDomain, flags: int = 0) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(flags)).find("devices")


def find_disk(dom: libvirt.virDomain, target: str, flags: int = 0) -> ET.Element | None:
    for found in devices(dom, flags).findall("disk"):
        if found.find("target").get("dev") == target:
            return found
    return None


def place(found: ET.Element) -> dict[str, str]:
    return {key: found.find("address").get(key) for key in ("controller", "bus", "target", "unit")}


def start(conn: libvirt.virConnect, name: str, *disks: str, **parts: str) -> libvirt.virDomain:
    dom = conn.defineXML(guests.guest(name, "".join(disks), **parts))
    dom.createWithFlags(PAUSED)
    return dom


def test_units_follow_names(conn, name):
    targets = {"sda": ("0", "0"), "sdc": ("0", "2"), "sdh": ("1", "0"), "sdy": ("3", "3")}
    disks = [disk(target, file("/x.img"), bus="scsi") for target in targets]
    dom = conn.defineXML(guests.guest(name, "".join(disks)))
    for target, (controller, unit) in targets.items():
        assert place(find_disk(dom, target, INACTIVE)) == {
            "controller": controller,
            "bus": "0",
            "target": "0",
            "unit": unit,
        }
    found = devices(dom, INACTIVE).findall("controller[@type='scsi']")
    assert {one.get("index") for one in found} >= {"0", "1", "3"}
    assert found[0].get("model") == "lsilogic"


def test_a_name_means_a_bus(conn, name):
    xml = "".join(
        [
            disk("sda", file("/a.img")),
            disk("hda", file("/b.img")),
            disk("vda", file("/c.img")),
            disk("fda", device="floppy"),
        ]
    )
    dom = conn.defineXML(guests.guest(name, xml, machine="pc"))
    buses = {
        one.find("target").get("dev"): one.find("target").get("bus")
        for one in devices(dom, INACTIVE).findall("disk")
    }
    assert buses == {"sda": "scsi", "hda": "ide", "vda": "virtio", "fda": "fdc"}


def test_every_bus_starts(conn, name, tmp_path):
    images = [raw(tmp_path / f"{n}.img") for n in range(5)]
    dom = start(
        conn,
        name,
        "<controller type='scsi' model='virtio-scsi'/>",
        disk("vda", file(images[0]), bus="virtio"),
        disk("sda", file(images[1]), bus="scsi"),
        disk("sdb", file(images[2]), bus="scsi", device="cdrom"),
        disk("sdc", file(images[3]), bus="sata"),
        disk("fda", file(images[4]), device="floppy"),
        machine="q35",
    )
    assert dom.blockInfo("sda")[0] == MIB
    assert find_disk(dom, "sda").find("alias").get("name") == "scsi0-0-0-0"


def test_disks_of_usb_have_a_port(conn, name, tmp_path):
    xml = guests.guest(name, disk("sda", file(raw(tmp_path / "a")), bus="usb"))
    dom = conn.defineXML(xml.replace("<controller type='usb' model='none'/>", ""))
    dom.createWithFlags(PAUSED)
    found = find_disk(dom, "sda")
    assert found.find("alias").get("name") == "usb-disk0"
    assert found.find("address").get("type") == "usb"


def test_images_below_are_told(conn, name, tmp_path):
    raw(tmp_path / "base.img")
    qcow2(tmp_path / "middle.qcow2", "base.img", "raw")
    top = qcow2(tmp_path / "top.qcow2", str(tmp_path / "middle.qcow2"))
    dom = start(conn, name, disk("vda", file(top), kind="qcow2"))
    assert find_disk(dom, "vda", INACTIVE).find("backingStore") is None
    layers, at = [], find_disk(dom, "vda").find("backingStore")
    while at is not None and at.get("type"):
        layers.append((at.find("source").get("file"), at.find("format").get("type")))
        assert at.get("index")
        at = at.find("backingStore")
    assert layers == [
        (str(tmp_path / "middle.qcow2"), "qcow2"),
        (str(tmp_path / "base.img"), "raw"),
    ]
    assert at is not None, "the chain has an end"
    indexes = [one.get("index") for one in find_disk(dom, "vda").iter() if one.get("index")]
    assert len(set(indexes)) == len(indexes) == 3


def test_a_given_chain_is_kept(conn, name, tmp_path):
    base, top = raw(tmp_path / "base"), qcow2(tmp_path / "top")
    below = f"""<backingStore type='file'><format type='raw'/>{file(base)}<backingStore/></backingStore>"""
    dom = start(conn, name, disk("vda", file(top), "qcow2", below))
    for flags in (0, INACTIVE):
        assert find_disk(dom, "vda", flags).find("backingStore/source").get("file") == str(base)


def test_no_format_is_guessed(daemon, conn, name, tmp_path):
    """difference: formats-are-not-guessed"""
    qcow2(tmp_path / "base.qcow2")
    top = qcow2(tmp_path / "top.qcow2", "base.qcow2")
    forget_format(top)
    dom = conn.defineXML(guests.guest(name, disk("vda", file(top), kind="qcow2")))
    if not daemon.ours:
        dom.createWithFlags(PAUSED)
        return
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "format of backing image", "base.qcow2"):
        dom.create()
    assert not dom.isActive()


def test_what_is_not_there_is_named(conn, name, tmp_path):
    missing = tmp_path / "missing.img"
    dom = conn.defineXML(guests.guest(name, disk("vda", file(missing))))
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "Cannot access storage file", str(missing)):
        dom.create()


def test_below_what_is_there_something_is_missing(conn, name, tmp_path):
    base = qcow2(tmp_path / "base.qcow2")
    top = qcow2(tmp_path / "top.qcow2", "base.qcow2")
    base.unlink()
    dom = conn.defineXML(guests.guest(name, disk("vda", file(top), kind="qcow2")))
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "Cannot access", "base.qcow2"):
        dom.create()


def test_optional_images_may_be_missing(conn, name, tmp_path):
    optional = "startupPolicy='optional'"
    dom = start(
        conn,
        name,
        disk("sda", file(tmp_path / "a.iso", optional), device="cdrom", bus="sata"),
        disk("vda", file(raw(tmp_path / "b.img"), optional)),
    )
    assert find_disk(dom, "sda").find("source") is None
    assert find_disk(dom, "vda").find("source").get("file")
    assert find_disk(dom, "sda", INACTIVE).find("source").get("file")


@contextlib.contextmanager
def hanging(daemon, path: pathlib.Path) -> Iterator[None]:
    """In the daemon's sandbox, whoever looks into path waits until the end."""
    path.mkdir()
    script = pathlib.Path(__file__).with_name("hanging.py")
    enter = ["nsenter", f"--target={daemon.process.pid}", "--mount", "--", "/usr/bin/python3", script, path]
    with subprocess.Popen(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "mounted\n"
        yield


@pytest.fixture
def hung(daemon, tmp_path) -> Iterator[pathlib.Path]:
    if not daemon.ours:
        pytest.skip("libvirtd waits for as long as the file system hangs")
    path = tmp_path / "dead"
    with hanging(daemon, path):
        yield path


def test_a_file_system_that_hangs_holds_up_nobody(conn, fresh, name, hung):
    dom = conn.defineXML(guests.guest(name, disk("vda", file(hung / "a.img"))))
    with ThreadPoolExecutor() as pool:
        start = pool.submit(fresh().lookupByName(name).create)
        while not start.done():
            assert dom.info()[0] == libvirt.VIR_DOMAIN_SHUTOFF
        with refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, str(hung / "a.img"), "findmnt"):
            start.result()
    assert conn.lookupByName(name).state()[0] == libvirt.VIR_DOMAIN_SHUTOFF


def test_a_medium_on_a_file_system_that_hangs(conn, name, hung):
    dom = start(conn, name, disk("sda", device="cdrom", bus="sata"))
    # What comes with the next start alone is not looked at now.
    dom.attachDeviceFlags(disk("vda", file(hung / "a.img")), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    with refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, str(hung / "a.iso")):
        dom.updateDeviceFlags(disk("sda", file(hung / "a.iso"), device="cdrom", bus="sata"))
    assert find_disk(dom, "sda").find("source") is None


def test_a_medium_has_its_chain(conn, name, tmp_path):
    """What is below a medium is given to QEMU, which follows no header by itself."""
    qcow2(tmp_path / "base.qcow2")
    top = qcow2(tmp_path / "top.qcow2", "base.qcow2")
    dom = start(conn, name, disk("sda", device="cdrom", bus="sata"))
    dom.updateDeviceFlags(disk("sda", file(top), kind="qcow2", device="cdrom", bus="sata"))
    assert find_disk(dom, "sda").find("backingStore/source").get("file") == str(tmp_path / "base.qcow2")
    (tmp_path / "base.qcow2").unlink()
    other = qcow2(tmp_path / "other.qcow2")
    dom.updateDeviceFlags(disk("sda", file(other), kind="qcow2", device="cdrom", bus="sata"))
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "base.qcow2"):
        dom.updateDeviceFlags(disk("sda", file(top), kind="qcow2", device="cdrom", bus="sata"))
    assert find_disk(dom, "sda").find("source").get("file") == str(other)


def test_a_shared_image_serves_two(conn, name, tmp_path):
    image = raw(tmp_path / "shared.img")
    start(conn, name, disk("vda", file(image), more="<shareable/>"))
    start(conn, name + "-b", disk("vda", file(image), more="<shareable/>"))


def test_an_image_of_one_is_held(conn, name, tmp_path):
    image = raw(tmp_path / "own.img")
    start(conn, name, disk("vda", file(image)))
    other = conn.defineXML(guests.guest(name + "-b", disk("vda", file(image))))
    with pytest.raises(libvirt.libvirtError, match="lock"):
        other.createWithFlags(PAUSED)


def test_disks_arrive_on_a_controller(conn, name, tmp_path):
    dom = start(conn, name, "<controller type='scsi' model='virtio-scsi'/>")
    for n, target in enumerate(("sda", "sdb")):
        image = raw(tmp_path / target)
        dom.attachDeviceFlags(
            disk(target, file(image), bus="scsi"), libvirt.VIR_DOMAIN_AFFECT_LIVE
        )
        found = find_disk(dom, target)
        assert found.find("alias").get("name") == f"scsi0-0-0-{n}"
        assert place(found)["unit"] == str(n)
    assert dom.blockInfo("sdb")[0] == MIB


def test_limits_hold_from_the_start(conn, name, tmp_path):
    limits = "<iotune><total_bytes_sec>1000000</total_bytes_sec><read_iops_sec>70</read_iops_sec></iotune>"
    dom = start(conn, name, disk("vda", file(raw(tmp_path / "a")), more=limits))
    found = dom.blockIoTune("vda", 0)
    assert found["total_bytes_sec"] == 1000000
    assert found["read_iops_sec"] == 70


def test_limits_come_with_a_disk(conn, name, tmp_path):
    dom = start(conn, name)
    limits = "<iotune><write_bytes_sec>4096</write_bytes_sec></iotune>"
    xml = disk("vdb", file(raw(tmp_path / "a")), more=limits)
    dom.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert dom.blockIoTune("vdb", 0)["write_bytes_sec"] == 4096


def test_an_nbd_export_is_a_disk(conn, name, tmp_path):
    image, socket = raw(tmp_path / "a"), tmp_path / "nbd.sock"
    source = (
        f"<source protocol='nbd' name='one'><host transport='unix' socket='{socket}'/></source>"
    )
    words = ["qemu-nbd", "-k", socket, "-x", "one", "-f", "raw", "-t", "--fork", image]
    pid = tmp_path / "nbd.pid"
    subprocess.run([*words, "--pid-file", pid], check=True)
    try:
        dom = start(conn, name, disk("vda", source, type="network"))
        assert dom.blockInfo("vda")[0] == MIB
        dom.destroy()
    finally:
        subprocess.run(["kill", pid.read_text().strip()], check=True)


def test_9p_is_served_by_qemu(conn, name, tmp_path):
    xml = f"<filesystem type='mount'><source dir='{tmp_path}'/><target dir='share'/></filesystem>"
    dom = start(conn, name, xml)
    found = devices(dom).find("filesystem")
    assert found.get("accessmode") == "passthrough"
    assert found.find("alias").get("name") == "fs0"


def test_virtiofs_needs_shared_memory(conn, name, tmp_path):
    xml = f"""<filesystem type='mount'><driver type='virtiofs'/>
      <source dir='{tmp_path}'/><target dir='share'/></filesystem>"""
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "virtiofs", "shared"):
        conn.defineXML(guests.guest(name, xml)).create()


@pytest.mark.only("airlockd")
def test_virtiofsd_lives_as_long_as_its_guest(conn, name, tmp_path):
    programs = [path for path in VIRTIOFSD if path.exists()]
    if not programs:
        pytest.skip("there is no virtiofsd")
    xml = f"""<filesystem type='mount'><driver type='virtiofs' queue='512'/>
      <binary path='{programs[0]}' xattr='on'><cache mode='always'/></binary>
      <source dir='{tmp_path}'/><target dir='share'/></filesystem>"""
    dom = start(conn, name, xml, before=SHARED_MEMORY)
    text = f"source={tmp_path},cache=always,xattr"
    assert subprocess.run(["pgrep", "-f", text], check=False).returncode == 0
    dom.destroy()
    assert subprocess.run(["pgrep", "-f", text], check=False).returncode == 1


@pytest.mark.only("airlockd")
def test_virtiofs_is_plugged_in(conn, name, tmp_path):
    programs = [path for path in VIRTIOFSD if path.exists()]
    if not programs:
        pytest.skip("there is no virtiofsd")
    xml = f"""<filesystem type='mount'><driver type='virtiofs'/><binary path='{programs[0]}'/>
      <source dir='{tmp_path}'/><target dir='share'/></filesystem>"""
    dom = start(conn, name, before=SHARED_MEMORY)
    dom.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert devices(dom).find("filesystem/alias").get("name") == "fs0"


@pytest.mark.only("airlockd")
def test_a_missing_virtiofsd_is_named(conn, name, tmp_path):
    xml = f"""<filesystem type='mount'><driver type='virtiofs'/><binary path='/none/virtiofsd'/>
      <source dir='{tmp_path}'/><target dir='share'/></filesystem>"""
    dom = conn.defineXML(guests.guest(name, xml, before=SHARED_MEMORY))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "/none/virtiofsd", "install virtiofsd"):
        dom.create()
    assert not dom.isActive()
