# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a client learns about the daemon and its host."""

import os
import pathlib
import re
import socket
import subprocess
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

QEMU = "/usr/bin/qemu-system-x86_64"


def meminfo() -> dict[str, int]:
    """/proc/meminfo in kibibytes"""
    with open("/proc/meminfo") as lines:
        return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def node_memory(field: str) -> int:
    """What the NUMA nodes have, in kibibytes: less than the total where memory was added live."""
    files = pathlib.Path("/sys/devices/system/node").glob("node*/meminfo")
    lines = [line for file in files for line in file.read_text().splitlines() if field in line]
    return sum(int(line.split()[-2]) for line in lines) or meminfo()[field]


def test_type_and_names(conn, daemon):
    assert conn.getType() == "QEMU"
    assert conn.getHostname() == socket.gethostname()
    assert conn.getURI() == daemon.uri
    assert conn.isAlive() == 1
    assert (conn.isSecure(), conn.isEncrypted()) == (1, 0)


def test_version_is_that_of_qemu(conn):
    text = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor, micro = map(int, re.search(r"version (\d+)\.(\d+)\.(\d+)", text).groups())
    assert conn.getVersion() == major * 1000000 + minor * 1000 + micro


def test_library_version_is_one_that_stock_clients_know(conn):
    assert 11000000 <= conn.getLibVersion() < 13000000


def test_the_daemon_names_its_uri_when_the_client_gives_none(daemon, raw):
    import wire

    client = raw()
    client.call(wire.AUTH_LIST)
    assert client.call(wire.OPEN, wire.optional(wire.string("")) + wire.u32(0)).status == wire.OK
    assert client.call(110).payload == wire.string("qemu:///system")


def test_another_hypervisor_is_refused(raw):
    import wire

    for uri in ("xen:///system", "nonsense:///system"):
        client = raw()
        client.call(wire.AUTH_LIST)
        reply = client.call(wire.OPEN, wire.optional(wire.string(uri)) + wire.u32(0))
        assert reply.status == wire.ERROR


def test_node_info(conn):
    model, memory, cpus, _mhz, nodes, sockets, cores, threads = conn.getInfo()
    assert model == os.uname().machine
    assert node_memory("MemTotal") * 0.8 < memory * 1024 < meminfo()["MemTotal"] * 1.2
    assert cpus == os.cpu_count()
    assert nodes * sockets * cores * threads >= cpus


def test_node_memory_and_cpu_time(conn):
    assert node_memory("MemFree") * 0.5 < conn.getFreeMemory() // 1024 < meminfo()["MemFree"] * 2
    memory = conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
    assert memory["total"] == meminfo()["MemTotal"]
    times = conn.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS)
    assert {"user", "kernel", "idle", "iowait"} <= set(times)
    assert times["idle"] > 0


def test_most_vcpus(conn):
    assert conn.getMaxVcpus("qemu") >= 16
    assert conn.getMaxVcpus(None) >= 16


def test_capabilities_have_what_virtinst_reads(conn):
    caps = ET.fromstring(conn.getCapabilities())
    assert caps.tag == "capabilities"
    assert caps.findtext("host/cpu/arch") == "x86_64"
    assert re.fullmatch(r"[0-9a-f-]{36}", caps.findtext("host/uuid"))
    guest = next(g for g in caps.iter("guest") if g.find("arch").get("name") == "x86_64")
    assert guest.findtext("os_type") == "hvm"
    assert guest.findtext("arch/emulator") == QEMU
    machines = {m.text: m.get("canonical") for m in guest.findall("arch/machine")}
    assert re.fullmatch(r"pc-q35-[\d.]+", machines["q35"])
    assert re.fullmatch(r"pc-i440fx-[\d.]+", machines["pc"])
    assert "qemu" in {d.get("type") for d in guest.findall("arch/domain")}
    assert guest.find("features/acpi").get("default") == "on"


def test_domain_capabilities_have_what_virtinst_reads(conn):
    caps = ET.fromstring(conn.getDomainCapabilities(None, None, None, None))
    assert caps.findtext("arch") == "x86_64"
    text = conn.getDomainCapabilities(QEMU, "x86_64", "q35", "qemu")
    caps = ET.fromstring(text)
    assert caps.tag == "domainCapabilities"
    assert caps.findtext("path") == QEMU
    assert caps.findtext("domain") == "qemu"
    assert re.fullmatch(r"pc-q35-[\d.]+", caps.findtext("machine"))
    assert int(caps.find("vcpu").get("max")) >= 16
    modes = {mode.get("name"): mode.get("supported") for mode in caps.findall("cpu/mode")}
    assert {"host-passthrough", "host-model", "custom"} <= set(modes)
    for device in ("disk", "graphics", "video", "hostdev"):
        assert caps.find(f"devices/{device}").get("supported") == "yes"
    graphics = {value.text for value in caps.findall("devices/graphics/enum/value")}
    assert "vnc" in graphics


def test_domain_capabilities_of_an_impossible_machine_are_refused(conn):
    for arguments in (
        ("/no/such/emulator", "x86_64", None, None),
        (QEMU, "x86_64", "no-such-machine", None),
        (QEMU, "vax", None, None),
    ):
        with pytest.raises(libvirt.libvirtError):
            conn.getDomainCapabilities(*arguments)


@pytest.mark.parametrize("kind", ["Networks", "StoragePools", "Secrets", "NWFilters"])
def test_a_fresh_daemon_has_no(conn, kind):
    assert getattr(conn, f"listAll{kind}")() == []
    assert getattr(conn, f"numOf{kind}")() == 0


@pytest.mark.parametrize(
    ("look_up", "code"),
    [
        ("networkLookupByName", libvirt.VIR_ERR_NO_NETWORK),
        ("storagePoolLookupByName", libvirt.VIR_ERR_NO_STORAGE_POOL),
        ("storageVolLookupByPath", libvirt.VIR_ERR_NO_STORAGE_VOL),
        ("secretLookupByUUIDString", libvirt.VIR_ERR_NO_SECRET),
        ("nwfilterLookupByName", libvirt.VIR_ERR_NO_NWFILTER),
        ("interfaceLookupByName", libvirt.VIR_ERR_NO_INTERFACE),
    ],
)
def test_a_missing_object_has_its_own_code(conn, look_up, code):
    absent = "12345678-0000-0000-0000-000000000000" if "UUID" in look_up else "/no/such/thing"
    with refused(code):
        getattr(conn, look_up)(absent)


SECRET = "<secret><usage type='volume'><volume>/v</volume></usage></secret>"


@pytest.mark.only("airlockd")
@pytest.mark.parametrize(
    "make",
    [
        lambda conn: conn.secretDefineXML(SECRET),
        lambda conn: conn.nwfilterDefineXML("<filter name='f'/>"),
        lambda conn: conn.interfaceDefineXML("<interface type='ethernet' name='e'/>"),
        lambda conn: conn.nwfilterBindingCreateXML("<filterbinding/>"),
    ],
)
def test_what_is_not_kept_here_is_not_made_and_there_is_none(conn, make):
    """difference: no-secrets"""
    with refused(libvirt.VIR_ERR_NO_SUPPORT):
        make(conn)
    for kind in ("Secrets", "NWFilters", "NWFilterBindings", "Interfaces"):
        assert getattr(conn, f"listAll{kind}")() == []
    assert (conn.numOfSecrets(), conn.numOfNWFilters(), conn.numOfInterfaces()) == (0, 0, 0)
    with refused(libvirt.VIR_ERR_NO_NWFILTER_BINDING):
        conn.nwfilterBindingLookupByPortDev("vnet0")
    with refused(libvirt.VIR_ERR_NO_SECRET):
        conn.secretLookupByUsage(libvirt.VIR_SECRET_USAGE_TYPE_VOLUME, "/v")


def test_a_procedure_that_nobody_serves_is_no_support(conn):
    with refused(libvirt.VIR_ERR_NO_SUPPORT):
        conn.changeBegin()


def test_close_callback(fresh):
    connection = fresh()
    connection.registerCloseCallback(lambda *_: None, None)
    connection.unregisterCloseCallback()


def test_the_read_only_socket_reads(fresh, module_guest):
    connection = fresh(read_only=True)
    dom = connection.lookupByName(module_guest.name())
    assert dom.info()[0] == libvirt.VIR_DOMAIN_RUNNING
    assert connection.listAllDevices() != []
    assert dom.name() in dom.XMLDesc()


def test_the_read_only_socket_refuses_to_change_anything(fresh, module_guest):
    import guests

    connection = fresh(read_only=True)
    dom = connection.lookupByName(module_guest.name())
    device = connection.listAllDevices()[0]
    attempts = [
        dom.destroy,
        dom.shutdown,
        dom.reboot,
        dom.suspend,
        dom.resume,
        dom.create,
        dom.undefine,
        lambda: dom.attachDevice(guests.RNG),
        lambda: dom.detachDevice(guests.RNG),
        lambda: dom.setAutostart(1),
        lambda: dom.openConsole(None, connection.newStream()),
        lambda: connection.defineXML(guests.guest("unwanted")),
        lambda: connection.createXML(guests.guest("unwanted")),
        device.dettach,
        device.reAttach,
        device.reset,
    ]
    for attempt in attempts:
        with refused(libvirt.VIR_ERR_OPERATION_DENIED, "read only"):
            attempt()
    assert dom.isActive()


def test_the_read_only_socket_keeps_secrets(fresh, module_guest):
    dom = fresh(read_only=True).lookupByName(module_guest.name())
    with refused(libvirt.VIR_ERR_OPERATION_DENIED):
        dom.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
