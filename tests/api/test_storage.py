# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools that are directories, and the volumes in them."""

import os
import pathlib
import re
import subprocess
import time
from collections.abc import Iterator
from xml.etree import ElementTree

import libvirt
import pytest
from checks import refused

MIB = 1 << 20


def pool_xml(name: str, path: pathlib.Path | str, extra: str = "") -> str:
    return f"<pool type='dir'><name>{name}</name><target><path>{path}</path>{extra}</target></pool>"


def volume_xml(name: str, capacity: int = MIB, kind: str = "raw", extra: str = "", allocation: int | None = 0) -> str:
    allocated = "" if allocation is None else f"<allocation>{allocation}</allocation>"
    return (
        f"<volume><name>{name}</name><capacity>{capacity}</capacity>{allocated}"
        f"<target><format type='{kind}'/></target>{extra}</volume>"
    )


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "images"
    path.mkdir()
    return path


@pytest.fixture
def pool(conn: libvirt.virConnect, directory: pathlib.Path, name: str) -> Iterator[libvirt.virStoragePool]:
    pool = conn.storagePoolDefineXML(pool_xml(name, directory))
    pool.create()
    yield pool
    if pool.isActive():
        pool.destroy()
    pool.undefine()


def sizeless(xml: str) -> str:
    """Without what is told of the file system at the moment."""
    return re.sub(r"<(capacity|allocation|available) .*\n", "", xml)


def text(xml: str, path: str) -> str:
    return ElementTree.fromstring(xml).findtext(path) or ""


# ---- pools ----


def test_a_pool_is_defined_built_started_and_deleted(conn, tmp_path, name):
    path = tmp_path / "new" / "images"
    pool = conn.storagePoolDefineXML(pool_xml(name, path))
    assert (pool.isActive(), pool.isPersistent(), pool.autostart()) == (0, 1, 0)
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, str(path)):
        pool.create()
    pool.build()
    assert path.is_dir()
    pool.create()
    assert pool.isActive() and pool.info()[0] == libvirt.VIR_STORAGE_POOL_RUNNING
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        pool.undefine()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        pool.create()
    pool.destroy()
    pool.delete()
    assert not path.exists()
    pool.undefine()
    with refused(libvirt.VIR_ERR_NO_STORAGE_POOL):
        conn.storagePoolLookupByName(name)


def test_build_keeps_to_the_permissions_that_are_asked_for(conn, tmp_path, name):
    path = tmp_path / "images"
    pool = conn.storagePoolDefineXML(pool_xml(name, path, "<permissions><mode>0750</mode></permissions>"))
    pool.build()
    assert path.stat().st_mode & 0o7777 == 0o750
    pool.undefine()


def test_a_pool_is_found_by_every_key(conn, pool, directory):
    assert conn.storagePoolLookupByName(pool.name()).UUIDString() == pool.UUIDString()
    assert conn.storagePoolLookupByUUIDString(pool.UUIDString()).name() == pool.name()
    assert conn.storagePoolLookupByTargetPath(str(directory)).name() == pool.name()
    assert pool.name() in conn.listStoragePools()
    assert pool.name() not in conn.listDefinedStoragePools()
    assert pool.name() in [one.name() for one in conn.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_DIR)]
    assert pool.name() not in [
        one.name() for one in conn.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT)
    ]


def test_what_a_pool_says_of_its_file_system_is_true(pool, directory):
    state, capacity, allocation, available = pool.info()
    fs = os.statvfs(directory)
    assert state == libvirt.VIR_STORAGE_POOL_RUNNING
    assert capacity == fs.f_frsize * fs.f_blocks
    assert capacity == allocation + available
    xml = pool.XMLDesc()
    assert text(xml, "target/path") == str(directory)
    assert int(text(xml, "capacity")) == capacity


def test_the_definition_comes_back_as_it_was_given(conn, pool):
    xml = pool.XMLDesc(libvirt.VIR_STORAGE_XML_INACTIVE)
    pool.destroy()
    again = conn.storagePoolDefineXML(xml)
    assert sizeless(again.XMLDesc(libvirt.VIR_STORAGE_XML_INACTIVE)) == sizeless(xml)


def test_a_transient_pool_is_gone_when_it_is_stopped(conn, directory, name):
    pool = conn.storagePoolCreateXML(pool_xml(name, directory))
    assert (pool.isActive(), pool.isPersistent()) == (1, 0)
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR):
        pool.setAutostart(1)
    pool.destroy()
    with refused(libvirt.VIR_ERR_NO_STORAGE_POOL):
        conn.storagePoolLookupByName(name)


def test_a_transient_pool_can_build_its_directory(conn, tmp_path, name):
    pool = conn.storagePoolCreateXML(
        pool_xml(name, tmp_path / "made"), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD
    )
    assert (tmp_path / "made").is_dir()
    pool.destroy()


def test_autostart_is_told_and_kept(pool):
    pool.setAutostart(1)
    assert pool.autostart() == 1
    pool.setAutostart(0)
    assert pool.autostart() == 0


def test_two_pools_share_neither_name_nor_directory(conn, pool, directory, tmp_path):
    with refused(libvirt.VIR_ERR_OPERATION_FAILED):
        conn.storagePoolDefineXML(pool_xml(pool.name(), tmp_path))
    with refused(libvirt.VIR_ERR_OPERATION_FAILED):
        conn.storagePoolDefineXML(pool_xml("another", directory))


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<pool type='dir'><name>x</name></pool>", libvirt.VIR_ERR_XML_ERROR),
        ("<pool type='frob'><name>x</name><target><path>/x</path></target></pool>", libvirt.VIR_ERR_XML_ERROR),
        ("<volume/>", libvirt.VIR_ERR_XML_ERROR),
        ("<pool", libvirt.VIR_ERR_XML_DETAIL),
    ],
)
def test_what_is_no_pool_is_refused(conn, xml, code):
    with pytest.raises(libvirt.libvirtError):
        conn.storagePoolDefineXML(xml)


def test_a_pool_tells_its_life(conn, directory, name):
    seen = []
    id_ = conn.storagePoolEventRegisterAny(
        None, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, lambda _c, p, event, *_: seen.append((p.name(), event)), None
    )
    pool = conn.storagePoolDefineXML(pool_xml(name, directory))
    pool.create()
    pool.destroy()
    pool.undefine()
    wanted = [(name, event) for event in (0, 2, 3, 1)]
    deadline = time.monotonic() + 5
    while seen != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    conn.storagePoolEventDeregisterAny(id_)
    assert seen == wanted


def test_a_refresh_is_told(conn, pool):
    seen = []
    id_ = conn.storagePoolEventRegisterAny(
        pool, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH, lambda _c, p, *_: seen.append(p.name()), None
    )
    pool.refresh()
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        time.sleep(0.05)
    conn.storagePoolEventDeregisterAny(id_)
    assert seen == [pool.name()]


# ---- volumes ----


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_a_volume_is_made_and_deleted(conn, pool, directory, kind):
    volume = pool.createXML(volume_xml("disk.img", 3 * MIB, kind))
    path = directory / "disk.img"
    assert (volume.name(), volume.path(), volume.key()) == ("disk.img", str(path), str(path))
    kind_, capacity, allocation = volume.info()
    assert (kind_, capacity) == (libvirt.VIR_STORAGE_VOL_FILE, 3 * MIB)
    assert allocation < MIB
    assert path.stat().st_mode & 0o777 == 0o600
    xml = volume.XMLDesc()
    assert ElementTree.fromstring(xml).find("target/format").get("type") == kind
    assert int(text(xml, "capacity")) == 3 * MIB
    assert conn.storageVolLookupByPath(str(path)).name() == "disk.img"
    assert conn.storageVolLookupByKey(str(path)).name() == "disk.img"
    assert volume.storagePoolLookupByVolume().name() == pool.name()
    assert pool.listVolumes() == ["disk.img"] and pool.numOfVolumes() == 1
    volume.delete()
    assert not path.exists() and pool.listVolumes() == []
    with refused(libvirt.VIR_ERR_NO_STORAGE_VOL):
        pool.storageVolLookupByName("disk.img")
    with refused(libvirt.VIR_ERR_NO_STORAGE_VOL):
        conn.storageVolLookupByPath(str(path))


def test_a_volume_is_allocated_as_it_is_asked_for(pool):
    assert pool.createXML(volume_xml("full", MIB, allocation=MIB)).info()[2] >= MIB
    assert pool.createXML(volume_xml("default", MIB, allocation=None)).info()[2] >= MIB
    for name in pool.listVolumes():
        pool.storageVolLookupByName(name).delete()


def test_a_name_is_there_once(pool):
    volume = pool.createXML(volume_xml("one"))
    with refused(libvirt.VIR_ERR_STORAGE_VOL_EXIST):
        pool.createXML(volume_xml("one"))
    volume.delete()


def test_a_copy_has_what_the_original_has(pool, directory):
    volume = pool.createXML(volume_xml("a"))
    (directory / "a").write_bytes(b"airlock" + bytes(MIB - 7))
    copy = pool.createXMLFrom(volume_xml("b", MIB, "qcow2"), volume)
    assert ElementTree.fromstring(copy.XMLDesc()).find("target/format").get("type") == "qcow2"
    compared = subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", "qcow2", directory / "a", directory / "b"], check=False
    )
    assert compared.returncode == 0
    larger = pool.createXMLFrom(volume_xml("c", 2 * MIB), volume)
    assert larger.info()[1] == 2 * MIB
    assert (directory / "c").read_bytes()[:7] == b"airlock"
    for name in pool.listVolumes():
        pool.storageVolLookupByName(name).delete()


def test_a_volume_with_a_backing_file_names_it(pool, directory):
    base = pool.createXML(volume_xml("base", 2 * MIB, "qcow2"))
    backing = f"<backingStore><path>{base.path()}</path><format type='qcow2'/></backingStore>"
    top = pool.createXML(volume_xml("top", 2 * MIB, "qcow2", backing))
    xml = ElementTree.fromstring(top.XMLDesc())
    assert xml.findtext("backingStore/path") == str(directory / "base")
    assert xml.find("backingStore/format").get("type") == "qcow2"
    top.delete()
    base.delete()


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_a_volume_grows_and_shrinks(pool, kind):
    volume = pool.createXML(volume_xml("v", 2 * MIB, kind))
    volume.resize(4 * MIB)
    assert volume.info()[1] == 4 * MIB
    volume.resize(MIB, libvirt.VIR_STORAGE_VOL_RESIZE_DELTA)
    assert volume.info()[1] == 5 * MIB
    with refused(libvirt.VIR_ERR_INVALID_ARG):
        volume.resize(MIB)
    volume.resize(MIB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
    assert volume.info()[1] == MIB
    volume.delete()


def test_a_wiped_volume_holds_zeros(pool, directory):
    volume = pool.createXML(volume_xml("secret", MIB, allocation=MIB))
    (directory / "secret").write_bytes(b"s" * MIB)
    volume.wipe()
    assert (directory / "secret").read_bytes() == bytes(MIB)
    volume.delete()


def test_a_refresh_finds_what_others_put_there(pool, directory):
    (directory / "late.raw").write_bytes(bytes(4096))
    (directory / ".hidden").write_bytes(b"")
    (directory / "folder").mkdir()
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", directory / "late.qcow2", "7M"], check=True)
    assert pool.listVolumes() == []
    pool.refresh()
    assert sorted(pool.listVolumes()) == [".hidden", "folder", "late.qcow2", "late.raw"]
    assert pool.storageVolLookupByName("late.qcow2").info()[:2] == [libvirt.VIR_STORAGE_VOL_FILE, 7 * MIB]
    assert pool.storageVolLookupByName("folder").info()[0] == libvirt.VIR_STORAGE_VOL_DIR


def test_what_cannot_be_made_leaves_nothing(pool, directory):
    bad = "<backingStore><path>/nowhere/base</path><format type='qcow2'/></backingStore>"
    with pytest.raises(libvirt.libvirtError):
        pool.createXML(volume_xml("broken", MIB, "qcow2", bad))
    assert pool.listVolumes() == []
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("name_", ["../escape", "a/b", ""])
def test_a_volume_stays_in_its_pool(pool, tmp_path, name_):
    with pytest.raises(libvirt.libvirtError):
        pool.createXML(volume_xml(name_))
    assert not (tmp_path / "escape").exists()


def test_an_inactive_pool_has_no_volumes(pool):
    pool.destroy()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        pool.listVolumes()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        pool.createXML(volume_xml("v"))


# ---- streams ----


def upload(conn: libvirt.virConnect, volume: libvirt.virStorageVol, data: bytes, offset: int = 0, length: int = 0) -> None:
    stream = conn.newStream()
    rest = memoryview(data)

    def chunk(_stream: libvirt.virStream, size: int, _opaque: object) -> bytes:
        nonlocal rest
        piece, rest = bytes(rest[:size]), rest[size:]
        return piece

    volume.upload(stream, offset, length)
    stream.sendAll(chunk, None)
    stream.finish()


def download(conn: libvirt.virConnect, volume: libvirt.virStorageVol, offset: int = 0, length: int = 0) -> bytes:
    stream, data = conn.newStream(), bytearray()
    volume.download(stream, offset, length)
    stream.recvAll(lambda _stream, piece, _opaque: data.extend(piece), None)
    stream.finish()
    return bytes(data)


def test_what_is_uploaded_is_downloaded(conn, pool, directory):
    data = os.urandom(3 * MIB + 17)
    volume = pool.createXML(volume_xml("v", len(data)))
    upload(conn, volume, data)
    assert (directory / "v").read_bytes() == data
    assert download(conn, volume) == data
    assert download(conn, volume, 5, 1000) == data[5:1005]
    upload(conn, volume, b"airlock", 100, 7)
    assert download(conn, volume, 98, 11) == data[98:100] + b"airlock" + data[107:109]
    volume.delete()


def test_more_than_was_announced_is_refused(daemon, conn, pool, directory):
    """difference: upload-beyond-length"""
    if not daemon.ours:
        pytest.skip("libvirtd closes the connection")
    volume = pool.createXML(volume_xml("v", MIB))
    with pytest.raises(libvirt.libvirtError):
        upload(conn, volume, b"x" * 4096, 0, 1024)
    assert b"x" not in (directory / "v").read_bytes()[1024:]
    volume.delete()


def test_a_pool_can_be_stopped_after_an_upload(conn, pool):
    """What the daemon reads of the directory by itself is in nobody's way."""
    volume = pool.createXML(volume_xml("v", MIB))
    for _ in range(5):
        upload(conn, volume, b"x" * 4096, 0, 4096)
        pool.destroy()
        pool.create()
        volume = pool.storageVolLookupByName("v")
    volume.delete()


def test_holes_travel_as_holes(conn, pool, directory):
    volume = pool.createXML(volume_xml("v", 64 * MIB))
    with (directory / "v").open("r+b") as file:
        file.seek(32 * MIB)
        file.write(b"x" * 65536)
    stream, seen = conn.newStream(), []
    volume.download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    stream.sparseRecvAll(
        lambda _s, data, _o: seen.append(("data", len(data))), lambda _s, length, _o: seen.append(("hole", length)), None
    )
    stream.finish()
    assert sum(length for kind, length in seen if kind == "hole") == 64 * MIB - 65536
    assert sum(length for kind, length in seen if kind == "data") == 65536
    volume.delete()


def test_a_sparse_upload_leaves_holes(conn, pool, directory, tmp_path):
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(32 * MIB)
        file.seek(8 * MIB)
        file.write(b"y" * MIB)
    volume = pool.createXML(volume_xml("v", 32 * MIB))
    stream, fd = conn.newStream(), os.open(source, os.O_RDONLY)
    volume.upload(stream, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    stream.sparseSendAll(
        lambda _s, size, _o: os.read(fd, size), lambda _s, _o: in_data(fd), lambda _s, length, _o: skip(fd, length), None
    )
    stream.finish()
    os.close(fd)
    assert (directory / "v").read_bytes() == source.read_bytes()
    assert (directory / "v").stat().st_blocks * 512 < 2 * MIB
    volume.delete()


def in_data(fd: int) -> list[bool | int]:
    """Whether data is here, and how far it, or the hole, goes."""
    here, end = os.lseek(fd, 0, os.SEEK_CUR), os.fstat(fd).st_size
    try:
        data = os.lseek(fd, here, os.SEEK_DATA)
    except OSError:
        data = end
    stop = os.lseek(fd, here, os.SEEK_HOLE) if data == here and here < end else data
    os.lseek(fd, here, os.SEEK_SET)
    return [data == here and here < end, stop - here]


def skip(fd: int, length: int) -> int:
    os.lseek(fd, length, os.SEEK_CUR)
    return 0


def test_a_volume_is_not_deleted_while_it_is_read(daemon, conn, pool):
    """difference: volume-in-use"""
    if not daemon.ours:
        pytest.skip("libvirtd deletes it")
    volume = pool.createXML(volume_xml("v", 64 * MIB, allocation=64 * MIB))
    stream = conn.newStream()
    volume.download(stream, 0, 0)
    stream.recv(1)
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "still in use"):
        volume.delete()
    stream.abort()
    deadline = time.monotonic() + 5
    while True:
        try:
            volume.delete()
            break
        except libvirt.libvirtError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
