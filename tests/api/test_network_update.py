# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of a network that keep it running, what is said about it, its ports, and its dnsmasq."""

import os
import pathlib
import signal
from collections.abc import Iterator
from xml.etree import ElementTree

import libvirt
import pytest
from checks import refused, until

import guests

IP = (
    "<ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><range start='192.0.2.100' end='192.0.2.150'/>"
    "<host mac='52:54:00:aa:bb:01' name='one' ip='192.0.2.10'/></dhcp></ip>"
)
DNS = "<dns><host ip='192.0.2.9'><hostname>nine</hostname></host></dns>"

MODIFY, DELETE, LAST, FIRST = (
    libvirt.VIR_NETWORK_UPDATE_COMMAND_MODIFY,
    libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE,
    libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
    libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST,
)
HOST, RANGE, INTERFACE, GROUP, NAME, TXT, SRV = (
    libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST,
    libvirt.VIR_NETWORK_SECTION_IP_DHCP_RANGE,
    libvirt.VIR_NETWORK_SECTION_FORWARD_INTERFACE,
    libvirt.VIR_NETWORK_SECTION_PORTGROUP,
    libvirt.VIR_NETWORK_SECTION_DNS_HOST,
    libvirt.VIR_NETWORK_SECTION_DNS_TXT,
    libvirt.VIR_NETWORK_SECTION_DNS_SRV,
)
LIVE, CONFIG = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE, libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
BOTH = LIVE | CONFIG
INACTIVE = libvirt.VIR_NETWORK_XML_INACTIVE

ENTRIES = {
    HOST: ("<host mac='52:54:00:aa:bb:02' name='two' ip='192.0.2.11'/>", "ip/dhcp/host[@name='two']"),
    RANGE: ("<range start='192.0.2.200' end='192.0.2.210'/>", "ip/dhcp/range[@start='192.0.2.200']"),
    INTERFACE: ("<interface dev='eth9'/>", "forward/interface[@dev='eth9']"),
    GROUP: ("<portgroup name='fast'/>", "portgroup[@name='fast']"),
    NAME: ("<host ip='192.0.2.8'><hostname>eight</hostname></host>", "dns/host[@ip='192.0.2.8']"),
    TXT: ("<txt name='example' value='a text'/>", "dns/txt[@name='example']"),
    SRV: ("<srv service='ldap' protocol='tcp' domain='lab' target='one' port='389'/>", "dns/srv[@service='ldap']"),
}


def network_xml(name: str, more: str = DNS + IP, forward: str = "<forward mode='nat'/>") -> str:
    return f"<network><name>{name}</name>{forward}{more}</network>"


@pytest.fixture
def network(conn: libvirt.virConnect, name: str) -> Iterator[libvirt.virNetwork]:
    network = conn.networkDefineXML(network_xml(name))
    yield network
    if network.isActive():
        network.destroy()
    if network.isPersistent():
        network.undefine()


def find(network: libvirt.virNetwork, path: str, flags: int = 0) -> list[ElementTree.Element]:
    return ElementTree.fromstring(network.XMLDesc(flags)).findall(path)


def resolve(daemon, name: str) -> str:
    return daemon.inside("sh", "-c", f"busybox nslookup {name} 192.0.2.1 2>&1 || true")


@pytest.mark.parametrize("section", ENTRIES, ids=["host", "range", "interface", "portgroup", "dns-host", "txt", "srv"])
def test_an_entry_comes_and_goes(network, section):
    xml, path = ENTRIES[section]
    network.update(LAST, section, -1, xml, CONFIG)
    assert len(find(network, path)) == 1
    with pytest.raises(libvirt.libvirtError):  # it is there
        network.update(LAST, section, -1, xml, CONFIG)
    network.update(DELETE, section, -1, xml, CONFIG)
    assert find(network, path) == []
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        network.update(DELETE, section, -1, xml, CONFIG)


def test_the_first_is_the_first(network):
    network.update(FIRST, HOST, -1, ENTRIES[HOST][0], CONFIG)
    assert [host.get("name") for host in find(network, "ip/dhcp/host")] == ["two", "one"]


def test_an_entry_is_replaced(network):
    network.update(MODIFY, HOST, -1, "<host mac='52:54:00:aa:bb:01' name='uno' ip='192.0.2.12'/>", CONFIG)
    (host,) = find(network, "ip/dhcp/host")
    assert (host.get("name"), host.get("ip")) == ("uno", "192.0.2.12")
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        network.update(MODIFY, HOST, -1, ENTRIES[HOST][0], CONFIG)
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
        network.update(MODIFY, RANGE, -1, ENTRIES[RANGE][0], CONFIG)


@pytest.mark.parametrize(
    ("section", "xml"),
    [
        (libvirt.VIR_NETWORK_SECTION_BRIDGE, "<bridge name='virbr7'/>"),
        (libvirt.VIR_NETWORK_SECTION_DOMAIN, "<domain name='lab'/>"),
        (libvirt.VIR_NETWORK_SECTION_IP, "<ip address='198.51.100.1'/>"),
        (libvirt.VIR_NETWORK_SECTION_FORWARD, "<forward mode='route'/>"),
    ],
)
def test_what_makes_the_network_is_not_changed_alone(network, section, xml):
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
        network.update(MODIFY, section, -1, xml, CONFIG)


def test_a_change_that_makes_no_sense_changes_nothing(network):
    before = network.XMLDesc()
    with pytest.raises(libvirt.libvirtError):
        network.update(LAST, RANGE, -1, "<range start='198.51.100.1' end='198.51.100.9'/>", CONFIG)
    with pytest.raises(libvirt.libvirtError):
        network.update(LAST, HOST, 7, ENTRIES[HOST][0], CONFIG)
    assert network.XMLDesc() == before


def test_a_change_of_what_runs_needs_what_runs(conn, network, name):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        network.update(LAST, HOST, -1, ENTRIES[HOST][0], LIVE)
    other = conn.networkCreateXML(network_xml(name + "-2", ""  , ""))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID):
        other.update(LAST, NAME, -1, ENTRIES[NAME][0], CONFIG)
    other.destroy()


def test_live_and_configured_are_changed_apart(network):
    network.create()
    network.update(LAST, HOST, -1, ENTRIES[HOST][0], LIVE)
    assert len(find(network, "ip/dhcp/host")) == 2 and len(find(network, "ip/dhcp/host", INACTIVE)) == 1
    network.update(LAST, NAME, -1, ENTRIES[NAME][0], CONFIG)
    assert len(find(network, "dns/host")) == 1 and len(find(network, "dns/host", INACTIVE)) == 2
    network.destroy()
    assert len(find(network, "ip/dhcp/host")) == 1


def test_a_name_is_answered_from_then_on(daemon, network):
    network.create()
    bridge = network.bridgeName()
    index = daemon.inside("ip", "-o", "link", "show", bridge).split(":")[0]
    assert "192.0.2.9" in resolve(daemon, "nine")
    assert "192.0.2.8" not in resolve(daemon, "eight")
    network.update(LAST, NAME, -1, ENTRIES[NAME][0], BOTH)
    until(lambda: "192.0.2.8" in resolve(daemon, "eight"))
    network.update(DELETE, NAME, -1, "<host ip='192.0.2.9'/>", BOTH)
    until(lambda: "192.0.2.9" not in resolve(daemon, "nine"))
    assert daemon.inside("ip", "-o", "link", "show", bridge).split(":")[0] == index


def test_an_address_is_given_from_then_on(daemon, network):
    network.create()
    for section in (HOST, RANGE, TXT):
        network.update(LAST, section, -1, ENTRIES[section][0], BOTH)
    daemon.inside("ip", "link", "add", "vg", "type", "veth", "peer", "name", "vh")
    try:
        daemon.inside("ip", "link", "set", "vh", "master", network.bridgeName(), "up")
        daemon.inside("ip", "link", "set", "vg", "address", "52:54:00:aa:bb:02", "up")
        daemon.inside("busybox", "udhcpc", "-i", "vg", "-n", "-q", "-t", "20", "-T", "1", "-s", "/bin/true")
        until(lambda: bool(network.DHCPLeases("52:54:00:aa:bb:02")))
        assert network.DHCPLeases("52:54:00:aa:bb:02")[0]["ipaddr"] == "192.0.2.11"
    finally:
        daemon.inside("ip", "link", "del", "vg")


# ---- ports ----


def test_a_guests_interface_is_a_port(conn, network, name):
    network.create()
    interface = f"<interface type='network'><mac address='52:54:00:11:22:33'/><source network='{network.name()}'/></interface>"
    dom = conn.createXML(guests.guest(name, interface))
    (port,) = network.listAllPorts()
    told = ElementTree.fromstring(port.XMLDesc())
    assert told.findtext("uuid") == port.UUIDString()
    assert (told.findtext("owner/name"), told.findtext("owner/uuid")) == (name, dom.UUIDString())
    assert told.find("mac").get("address") == "52:54:00:11:22:33"
    source = ElementTree.fromstring(dom.XMLDesc()).find("devices/interface/source")
    assert source.get("portid") == port.UUIDString()
    assert network.portLookupByUUIDString(port.UUIDString()).UUIDString() == port.UUIDString()
    with refused(libvirt.VIR_ERR_NO_NETWORK_PORT):
        network.portLookupByUUIDString("11111111-2222-3333-4444-555555555555")
    dom.destroy()
    assert network.listAllPorts() == []


# ---- what ends by itself ----


def dnsmasq(name: str) -> list[int]:
    """Processes of dnsmasq whose configuration is this network's."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] if words else "Z"
        except OSError:
            continue
        if words.startswith(b"/usr/sbin/dnsmasq") and f"/networks/{name}.conf".encode() in words and state != "Z":
            found.append(int(entry.name))
    return found


def test_a_dnsmasq_that_is_killed_comes_back(daemon, network, name):
    # difference: dnsmasq-comes-back
    if not daemon.ours:
        pytest.skip("libvirtd leaves the network without one")
    network.create()
    (pid,) = dnsmasq(name)
    os.kill(pid, signal.SIGKILL)
    until(lambda: len(dnsmasq(name)) == 1 and dnsmasq(name) != [pid])
    until(lambda: "192.0.2.9" in resolve(daemon, "nine"))


def test_a_dnsmasq_that_ended_without_the_daemon_comes_back(daemon, fresh, name):
    if not daemon.ours:
        pytest.skip("the fixture's libvirtd is not restarted")
    network = fresh().networkCreateXML(network_xml(name))
    (pid,) = dnsmasq(name)
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    until(lambda: dnsmasq(name) == [])
    daemon.start()
    until(lambda: len(dnsmasq(name)) == 1)
    fresh().networkLookupByName(name).destroy()
    until(lambda: dnsmasq(name) == [])


# ---- more of a network's definition ----

MORE = """
<mtu size='1400'/>
<domain name='lab' localOnly='yes'/>
<dns forwardPlainNames='no'><forwarder domain='example.org' addr='192.0.2.53'/>
  <txt name='example' value='a text'/><host ip='192.0.2.9'><hostname>nine</hostname></host>
  <srv service='ldap' protocol='tcp' domain='lab' target='nine.lab' port='389' priority='1' weight='2'/></dns>
<ip address='192.0.2.1' netmask='255.255.255.0' localPtr='yes'>
  <dhcp><range start='192.0.2.100' end='192.0.2.150'><lease expiry='2' unit='hours'/></range></dhcp></ip>
<ip family='ipv6' address='2001:db8:7::1' prefix='64'>
  <dhcp><range start='2001:db8:7::100' end='2001:db8:7::200'/></dhcp></ip>
<route address='198.51.100.0' prefix='24' gateway='192.0.2.2'/>
"""


def test_all_that_a_network_can_say_is_done(daemon, conn, name):
    network = conn.networkCreateXML(network_xml(name, MORE, ""))
    try:
        bridge = network.bridgeName()
        assert "192.0.2.9" in resolve(daemon, "nine.lab")
        assert "mtu 1400" in daemon.inside("ip", "link", "show", bridge)
        assert "via 192.0.2.2" in daemon.inside("ip", "route", "show", "198.51.100.0/24")
        assert "2001:db8:7::1" in daemon.inside("ip", "-6", "addr", "show", bridge)
        told = ElementTree.fromstring(network.XMLDesc())
        assert told.find("dns/srv").get("target") == "nine.lab"
        assert told.find("ip/dhcp/range/lease").get("unit") == "hours"
    finally:
        network.destroy()
    assert "198.51.100" not in daemon.inside("ip", "route")


@pytest.mark.parametrize(
    "more",
    [
        IP + "<route address='198.51.100.0' prefix='24' gateway='203.0.113.1'/>",
        IP + "<portgroup name='a'/><portgroup name='a'/>",
        IP + "<portgroup name='a' default='yes'/><portgroup name='b' default='yes'/>",
    ],
)
def test_what_makes_no_sense_is_refused(conn, name, more):
    with pytest.raises(libvirt.libvirtError):
        conn.networkDefineXML(network_xml(name, more))


def test_the_culprit_of_a_collision_is_named(conn, network, name):
    network.create()
    other = conn.networkDefineXML(network_xml(name + "-2"))
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, network.bridgeName()):
        other.create()
    other.undefine()


def test_options_of_dnsmasq_are_refused(daemon, conn, name):
    # difference: dnsmasq-options
    options = "<dnsmasq:options xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><dnsmasq:option value='no-poll'/></dnsmasq:options>"
    if not daemon.ours:
        conn.networkDefineXML(network_xml(name, IP + options)).undefine()
        return
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "dnsmasq"):
        conn.networkDefineXML(network_xml(name, IP + options))


def test_ports_are_not_made_by_clients(daemon, network):
    # difference: network-port-create
    network.create()
    xml = (
        "<networkport><uuid>11111111-2222-3333-4444-555555555555</uuid><owner><name>one</name>"
        "<uuid>11111111-2222-3333-4444-666666666666</uuid></owner><mac address='52:54:00:11:22:33'/></networkport>"
    )
    if not daemon.ours:
        network.portCreateXML(xml, 0).delete()
        return
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
        network.portCreateXML(xml, 0)
