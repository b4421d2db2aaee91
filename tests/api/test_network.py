# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual networks: a bridge, addresses, DHCP and DNS, and rules, in the daemon's own network namespace."""

import contextlib
import json
import pathlib
import re
import time
from collections.abc import Iterator
from xml.etree import ElementTree

import libvirt
import linux
import pytest
from checks import refused

NAT = "<forward mode='nat'/>"
IP = (
    "<ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.100' end='192.0.2.150'/>"
    "<host mac='52:54:00:aa:bb:01' name='one' ip='192.0.2.10'/></dhcp></ip>"
)


def network_xml(name: str, forward: str = NAT, ip: str = IP, bridge: str = "") -> str:
    return f"<network><name>{name}</name>{forward}{bridge}{ip}</network>"


@pytest.fixture
def network(conn: libvirt.virConnect, name: str) -> Iterator[libvirt.virNetwork]:
    network = conn.networkDefineXML(network_xml(name))
    yield network
    if network.isActive():
        network.destroy()
    if network.isPersistent():
        network.undefine()


def test_a_network_is_defined_started_and_stopped(conn, network, name):
    assert (network.isActive(), network.isPersistent(), network.autostart()) == (0, 1, 0)
    network.create()
    assert network.isActive() == 1
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        network.create()
    assert name in conn.listNetworks() and name not in conn.listDefinedNetworks()
    network.destroy()
    assert name in conn.listDefinedNetworks()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        network.destroy()


def test_a_network_is_found_by_its_keys(conn, network, name):
    assert conn.networkLookupByName(name).UUIDString() == network.UUIDString()
    assert conn.networkLookupByUUIDString(network.UUIDString()).name() == name
    assert name in [one.name() for one in conn.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_INACTIVE)]
    assert name not in [one.name() for one in conn.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_TRANSIENT)]
    with refused(libvirt.VIR_ERR_NO_NETWORK):
        conn.networkLookupByName("nowhere")


def test_what_is_left_open_is_filled_once(conn, network):
    xml = network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    tree = ElementTree.fromstring(xml)
    assert tree.find("bridge").get("name").startswith("virbr")
    assert tree.find("bridge").get("stp") == "on"
    assert tree.find("mac").get("address").startswith("52:54:00:")
    assert conn.networkDefineXML(xml).XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE) == xml
    assert network.bridgeName() == tree.find("bridge").get("name")


def test_an_active_network_is_on_the_host(daemon, network):
    network.create()
    bridge = network.bridgeName()
    link = json.loads(daemon.inside("ip", "-j", "-d", "addr", "show", bridge))[0]
    assert link["linkinfo"]["info_kind"] == "bridge" and "UP" in link["flags"]
    assert {"192.0.2.1"} <= {address["local"] for address in link["addr_info"]}
    assert f":{53}" in daemon.inside("ss", "-Hlun", "src", "192.0.2.1")
    network.destroy()
    assert bridge not in daemon.inside("ip", "-br", "link")


def test_a_guests_lease_is_told(daemon, network):
    network.create()
    bridge = network.bridgeName()
    daemon.inside("ip", "link", "add", "vg", "type", "veth", "peer", "name", "vh")
    try:
        daemon.inside("ip", "link", "set", "vh", "master", bridge, "up")
        daemon.inside("ip", "link", "set", "vg", "address", "52:54:00:aa:bb:01", "up")
        daemon.inside("busybox", "udhcpc", "-i", "vg", "-n", "-q", "-t", "10", "-T", "1", "-s", "/bin/true", "-x", "hostname:one")
        deadline = time.monotonic() + 10
        while not network.DHCPLeases() and time.monotonic() < deadline:
            time.sleep(0.1)
        lease = network.DHCPLeases()[0]
        assert (lease["ipaddr"], lease["mac"], lease["prefix"]) == ("192.0.2.10", "52:54:00:aa:bb:01", 24)
        assert network.DHCPLeases("52:54:00:00:00:00") == []
    finally:
        daemon.inside("ip", "link", "del", "vg")


def test_a_transient_network_is_gone_when_it_is_stopped(conn, name):
    network = conn.networkCreateXML(network_xml(name))
    assert (network.isActive(), network.isPersistent()) == (1, 0)
    network.destroy()
    with refused(libvirt.VIR_ERR_NO_NETWORK):
        conn.networkLookupByName(name)


def test_a_network_may_run_once_with_another_definition(conn, network, name):
    other = network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE).replace("<bridge ", "<domain name='once'/><bridge ")
    conn.networkCreateXML(other)
    assert "name='once'" in network.XMLDesc()
    assert "name='once'" not in network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    network.destroy()
    assert "name='once'" not in network.XMLDesc() and network.isPersistent()


def users_of(word: str) -> list[int]:
    """The users of the processes that have the word among their arguments."""
    users = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word in (process / "cmdline").read_text(errors="replace"):
                users += [int(uid) for uid in re.findall(r"Uid:\s+(\d+)", (process / "status").read_text())]
    return users


def test_who_answers_guests_is_not_root(network):
    network.create()
    users = users_of(f"/{network.name()}.conf")
    assert users and any(users), users
    network.destroy()


def test_an_isolated_network_has_no_forward(conn, name):
    network = conn.networkCreateXML(network_xml(name, forward=""))
    assert ElementTree.fromstring(network.XMLDesc()).find("forward") is None
    network.destroy()


def test_a_bridge_of_the_host_is_only_named(conn, name):
    network = conn.networkDefineXML(network_xml(name, "<forward mode='bridge'/>", "", "<bridge name='br-host'/>"))
    network.create()
    assert network.bridgeName() == "br-host"
    network.destroy()
    network.undefine()


def test_addresses_that_the_host_has_are_refused(conn, network, name):
    network.create()
    other = conn.networkDefineXML(network_xml(name + "-2"))
    with pytest.raises(libvirt.libvirtError):
        other.create()
    assert other.isActive() == 0
    other.undefine()


@pytest.mark.parametrize(
    "ip",
    [
        "<ip address='192.0.2.300' netmask='255.255.255.0'/>",
        "<ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='198.51.100.1' end='198.51.100.9'/></dhcp></ip>",
        "<ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.9' end='192.0.2.2'/></dhcp></ip>",
    ],
)
def test_addresses_that_make_no_sense_are_refused(conn, name, ip):
    with pytest.raises(libvirt.libvirtError):
        conn.networkDefineXML(network_xml(name, ip=ip))


def test_a_network_tells_its_life(conn, name):
    seen = []
    id_ = conn.networkEventRegisterAny(
        None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, lambda _c, net, event, *_: seen.append((net.name(), event)), None
    )
    network = conn.networkDefineXML(network_xml(name))
    network.create()
    network.destroy()
    network.undefine()
    wanted = [(name, event) for event in (0, 2, 3, 1)]
    deadline = time.monotonic() + 5
    while seen != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    conn.networkEventDeregisterAny(id_)
    assert seen == wanted


def test_its_rules_are_a_table_of_their_own(daemon, network):
    if not daemon.ours:
        pytest.skip("libvirtd keeps its rules in iptables' tables")
    network.create()
    table = f"airlock_{network.bridgeName()}"
    rules = daemon.inside("nft", "list", "table", "inet", table)
    assert "ip saddr 192.0.2.0/24 ip daddr != 192.0.2.0/24 masquerade" in rules
    assert f'iifname "{network.bridgeName()}" reject' in rules
    network.destroy()
    assert table not in daemon.inside("nft", "list", "tables")


def test_a_network_outlives_the_daemon(daemon, fresh, name):
    if not daemon.ours:
        pytest.skip("the fixture's libvirtd is not restarted")
    network = fresh().networkDefineXML(network_xml(name))
    network.create()
    bridge = network.bridgeName()
    daemon.kill()
    daemon.start()
    network = fresh().networkLookupByName(name)
    assert network.isActive() == 1 and network.bridgeName() == bridge
    network.destroy()
    assert bridge not in daemon.inside("ip", "-br", "link")
    network.undefine()


def test_what_a_crash_left_half_made_is_cleared_away(daemon, fresh, name):
    if not daemon.ours:
        pytest.skip("shows files of ours")
    network = fresh().networkDefineXML(network_xml(name))
    network.create()
    bridge = network.bridgeName()
    daemon.kill()
    daemon.inside("touch", f"/run/airlock/networks/{name}.starting")
    daemon.start()
    network = fresh().networkLookupByName(name)
    deadline = time.monotonic() + 5
    while network.isActive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert network.isActive() == 0
    assert bridge not in daemon.inside("ip", "-br", "link")
    assert f"airlock_{bridge}" not in daemon.inside("nft", "list", "tables")
    network.create()
    network.destroy()
    network.undefine()


def test_a_start_that_fails_leaves_nothing(daemon, conn, name):
    if not daemon.ours:
        pytest.skip("libvirtd has no such step")
    daemon.inside("ip", "link", "add", "taken0", "type", "bridge")
    network = conn.networkDefineXML(network_xml(name, bridge="<bridge name='taken0'/>"))
    with pytest.raises(libvirt.libvirtError, match="taken0"):
        network.create()
    assert network.isActive() == 0
    assert "airlock_taken0" not in daemon.inside("nft", "list", "tables")
    assert "taken0" in daemon.inside("ip", "-br", "link")
    daemon.inside("ip", "link", "del", "taken0")
    network.undefine()


def test_a_guest_in_the_network_has_an_address(conn, network):
    network.create()
    interface = f"<interface type='network'><source network='{network.name()}'/><model type='virtio'/></interface>"
    dom = conn.defineXML(linux.guest(network.name(), interface))
    with linux.booted(dom) as shell:
        shell.until("ip -4 addr show eth0 | grep -q 192.0.2.")
        (told,) = dom.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE).values()
        assert told["addrs"][0]["addr"] in shell.run("ip -4 addr show eth0")
        assert told["addrs"][0]["prefix"] == 24
        assert shell.run("ping -c 1 -W 5 192.0.2.1")
        assert ElementTree.fromstring(dom.XMLDesc()).find("devices/interface/source").get("bridge") == network.bridgeName()
