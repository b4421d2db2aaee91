# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools and volumes: what is refused, what is left behind, and what a full file system does."""

import pathlib

import libvirt
import pytest
from checks import refused
from test_storage import directory, pool, pool_xml, volume_xml  # noqa: F401 fixtures


@pytest.mark.parametrize("kind", ["netfs", "logical", "iscsi"])
def test_other_types_of_pools_are_refused_by_name(daemon, conn, name, kind):
    if not daemon.ours:
        pytest.skip("libvirtd has backends for some")
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, kind):
        conn.storagePoolDefineXML(f"<pool type='{kind}'><name>{name}</name><target><path>/mnt</path></target></pool>")


def test_an_encrypted_volume_is_not_made_as_a_plain_one(daemon, pool):  # noqa: F811
    # difference: volume-encryption
    xml = "<volume><name>v</name><capacity>1048576</capacity><target><format type='qcow2'/><encryption format='luks'/></target></volume>"
    with pytest.raises(libvirt.libvirtError) as info:
        pool.createXML(xml)
    assert not daemon.ours or info.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert pool.listVolumes() == []


def test_what_a_killed_daemon_left_goes_when_the_pool_starts(daemon, conn, name, tmp_path):
    if not daemon.ours:
        pytest.skip("the name is ours")
    half = tmp_path / ".v.partial-0123abcd"
    half.write_bytes(b"half")
    other = tmp_path / ".v.partial"
    other.write_bytes(b"a user's own")
    pool = conn.storagePoolCreateXML(pool_xml(name, tmp_path))  # noqa: F811
    assert not half.exists() and other.exists()
    pool.destroy()


def test_tables_are_made_at_once_when_asked(pool):  # noqa: F811
    flag = libvirt.VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA
    volume = pool.createXML(volume_xml("v", 64 << 20, "qcow2"), flag)
    plain = pool.createXML(volume_xml("w", 64 << 20, "qcow2"))
    sizes = [pathlib.Path(one.path()).stat().st_size for one in (volume, plain)]
    assert sizes[0] > 64 << 20 > sizes[1]
    for one in (volume, plain):
        one.delete()
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED):
        pool.createXML(volume_xml("v", 1 << 20, "raw"), flag)


def test_a_full_file_system_leaves_nothing(daemon, conn, name, tmp_path):
    path = tmp_path / "small"
    path.mkdir()
    daemon.inside("mount", "-t", "tmpfs", "-o", "size=4M", "small", str(path))
    pool = conn.storagePoolCreateXML(pool_xml(name, path))  # noqa: F811
    try:
        with pytest.raises(libvirt.libvirtError, match="No space left on device"):
            pool.createXML(volume_xml("v", 64 << 20, allocation=64 << 20))
        assert pool.listVolumes() == []
        assert daemon.inside("ls", "-A", str(path)) == ""
    finally:
        pool.destroy()
        daemon.inside("umount", str(path))


def test_what_cannot_be_started_leaves_the_pool_as_it_was(conn, pool, directory, tmp_path):  # noqa: F811
    pool.destroy()
    other = pool_xml(pool.name(), tmp_path / "absent").replace("</name>", f"</name><uuid>{pool.UUIDString()}</uuid>")
    with pytest.raises(libvirt.libvirtError):
        conn.storagePoolCreateXML(other)
    assert f"<path>{directory}</path>" in pool.XMLDesc()
    pool.create()


def test_a_transient_pool_that_cannot_be_built_is_none(conn, name, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(libvirt.libvirtError):
        conn.storagePoolCreateXML(pool_xml(name, tmp_path / "file" / "pool"), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    with refused(libvirt.VIR_ERR_NO_STORAGE_POOL):
        conn.storagePoolLookupByName(name)
