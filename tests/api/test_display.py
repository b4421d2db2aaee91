# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a guest's display listens, and who gets in: VNC spoken by hand (RFC 6143)."""

import socket
import xml.etree.ElementTree

import libvirt
import pytest
from checks import refused

import guests

VIDEO = "<video><model type='vga'/></video>"
NO_AUTH, VNC_AUTH = 1, 2
SECURE = libvirt.VIR_DOMAIN_XML_SECURE

NETWORK = """<network><name>display</name><bridge name='vdisplay' stp='off'/>
  <ip address='192.0.2.1' netmask='255.255.255.0'/></network>"""


def graphics(dom: libvirt.virDomain, flags: int = 0) -> xml.etree.ElementTree.Element:
    found = xml.etree.ElementTree.fromstring(dom.XMLDesc(flags)).find("devices/graphics")
    assert found is not None
    return found


def start(conn: libvirt.virConnect, name: str, display: str) -> libvirt.virDomain:
    dom = conn.defineXML(guests.guest(name, display + VIDEO))
    dom.create()
    return dom


def security(end: socket.socket) -> list[int]:
    """The kinds of authentication that the server offers."""
    end.settimeout(20)
    assert end.recv(12) == b"RFB 003.008\n"
    end.sendall(b"RFB 003.008\n")
    return list(end.recv(end.recv(1)[0]))


def offered(dom: libvirt.virDomain, flags: int = 0) -> list[int]:
    with socket.socket(fileno=dom.openGraphicsFD(0, flags)) as end:
        return security(end)


def test_a_password_is_asked_for_and_stays_a_secret(daemon, conn, fresh, name):
    dom = start(conn, name, "<graphics type='vnc' autoport='yes' passwd='s3cretX'/>")
    assert offered(dom) == [VNC_AUTH]
    assert offered(dom, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH) == [NO_AUTH]
    assert graphics(dom).get("passwd") is None
    assert graphics(dom, SECURE).get("passwd") == "s3cretX"
    with refused(libvirt.VIR_ERR_OPERATION_DENIED):
        fresh(read_only=True).lookupByName(name).XMLDesc(SECURE)
    assert "s3cretX" not in daemon.inside("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


def test_a_password_changes_while_the_guest_runs(conn, name):
    dom = start(conn, name, "<graphics type='vnc' autoport='yes' passwd='first'/>")
    port = graphics(dom).get("port")
    change = f"<graphics type='vnc' port='{port}' autoport='yes' listen='127.0.0.1' passwd='%s' passwdValidTo='%s'/>"
    dom.updateDeviceFlags(change % ("second", "2099-12-31T23:59:59"))
    assert graphics(dom, SECURE).get("passwd") == "second"
    assert graphics(dom, SECURE).get("passwdValidTo") == "2099-12-31T23:59:59"
    assert offered(dom) == [VNC_AUTH]
    # As the definition has it, where the port is still to be chosen.
    dom.updateDeviceFlags((change % ("third", "2099-12-31T23:59:59")).replace(port, "-1"))
    assert graphics(dom, SECURE).get("passwd") == "third"
    assert graphics(dom).get("port") == port
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
        dom.updateDeviceFlags((change % ("fourth", "2099-12-31T23:59:59")).replace("0.0.1", "0.0.2"))


def test_two_guests_have_two_ports(daemon, conn, name):
    display = "<graphics type='vnc' autoport='yes' websocket='-1'/>"
    doms = [start(conn, f"{name}-{n}", display) for n in range(3)]
    ports = [graphics(dom).get(key) for dom in doms for key in ("port", "websocket")]
    assert len(set(ports)) == 6
    assert all(5700 <= int(port) <= 65535 for port in ports)
    assert {graphics(dom).get("listen") for dom in doms} == {"127.0.0.1"}


def test_a_display_in_a_network(daemon, conn, name):
    network = conn.networkCreateXML(NETWORK)
    listen = "<listen type='network' network='display'/>"
    dom = start(conn, name, f"<graphics type='vnc' autoport='yes'>{listen}</graphics>")
    assert graphics(dom).get("listen") == "192.0.2.1"
    shown = graphics(dom).find("listen")
    assert shown is not None
    assert shown.attrib == {"type": "network", "address": "192.0.2.1", "network": "display"}
    kept = graphics(dom, libvirt.VIR_DOMAIN_XML_INACTIVE).find("listen")
    assert kept is not None and kept.get("address") is None
    dom.destroy()
    network.destroy()
    with pytest.raises(libvirt.libvirtError):
        dom.create()


def test_spice_has_a_ticket(conn, name):
    dom = start(conn, name, "<graphics type='spice' autoport='yes' passwd='ticket'/>")
    assert graphics(dom).get("passwd") is None
    assert graphics(dom, SECURE).get("passwd") == "ticket"
    port = graphics(dom).get("port")
    assert port is not None and int(port) >= 5900
