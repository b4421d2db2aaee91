# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces and character devices: what a guest gets on the host, live, and what goes with it."""

import os
import pathlib
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

import guests
import libvirt
import pytest
from daemons import Daemon

MAC = "52:54:00:0d:3a:01"
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
Inside = Callable[..., str]


@pytest.fixture
def inside(daemon: Daemon) -> Inside:
    """Runs a command in the network of the daemon, which is its own."""
    assert daemon.process
    outer = daemon.process.pid
    children = pathlib.Path(f"/proc/{outer}/task/{outer}/children").read_text().split()

    def run(*command: str) -> str:
        words = ["nsenter", f"--net=/proc/{children[0]}/ns/net", *command]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture
def bridge(inside: Inside) -> Iterator[str]:
    inside("ip", "link", "add", "br-test", "type", "bridge")
    yield "br-test"
    inside("ip", "link", "del", "br-test")


@pytest.fixture
def card(inside: Inside) -> Iterator[str]:
    """A network device that stands for a card of the host's."""
    inside("ip", "link", "add", "card0", "type", "veth", "peer", "name", "card1")
    inside("ip", "link", "set", "card0", "up")
    yield "card0"
    inside("ip", "link", "del", "card0")


def create(conn: libvirt.virConnect, name: str, devices: str) -> libvirt.virDomain:
    return conn.createXML(guests.guest(name, devices), libvirt.VIR_DOMAIN_START_PAUSED)


def devices_of(dom: libvirt.virDomain, kind: str, flags: int = 0) -> list[ET.Element]:
    return ET.fromstring(dom.XMLDesc(flags)).findall(f"devices/{kind}")


def target_of(dom: libvirt.virDomain) -> str:
    target = devices_of(dom, "interface")[-1].find("target")
    assert target is not None
    return target.get("dev", "")


def links(inside: Inside) -> str:
    return inside("ip", "-details", "link")


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def bridged(bridge: str, rest: str = "", mac: str = MAC) -> str:
    return (
        f"<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/>"
        f"<model type='virtio'/>{rest}</interface>"
    )


def test_bridged_interfaces_of_one_guest_have_a_tap_each(
    conn: libvirt.virConnect, inside: Inside, bridge: str, name: str
) -> None:
    dom = create(conn, name, bridged(bridge) + bridged(bridge, mac="52:54:00:0d:3a:02"))
    names = [each.find("target").get("dev") for each in devices_of(dom, "interface")]  # type: ignore[union-attr]
    assert len(set(names)) == 2
    for each in names:
        assert re.search(rf"{each}: .*master {bridge} ", links(inside))
    dom.destroy()
    assert not any(each in links(inside) for each in names if each)


def test_a_tap_has_the_queues_and_the_mtu_and_keeps_to_itself(
    conn: libvirt.virConnect, daemon: Daemon, inside: Inside, bridge: str, name: str
) -> None:
    # libvirtd isolates by sysfs, which shows another network than that of these tests.
    isolated = "<port isolated='yes'/>" if daemon.ours else ""
    rest = f"<driver queues='2'/><mtu size='1400'/>{isolated}"
    dom = create(conn, name, bridged(bridge, rest))
    shown = inside("ip", "-details", "link", "show", target_of(dom))
    assert "mtu 1400" in shown
    assert "multi_queue" in shown
    assert ("isolated on" in shown) == daemon.ours
    dom.destroy()


def test_a_direct_interface_is_a_macvtap_on_the_card(
    conn: libvirt.virConnect, inside: Inside, card: str, name: str
) -> None:
    xml = (
        f"<interface type='direct'><mac address='{MAC}'/><source dev='{card}' mode='bridge'/>"
        "<model type='virtio'/></interface>"
    )
    dom = create(conn, name, xml)
    tap = target_of(dom)
    shown = inside("ip", "-details", "link", "show", tap)
    assert f"{tap}@{card}" in shown
    assert MAC in shown
    assert "mode bridge" in shown
    dom.destroy()
    wait_until(lambda: tap not in links(inside))


def test_a_direct_interface_is_plugged_in(
    conn: libvirt.virConnect, inside: Inside, card: str, name: str
) -> None:
    dom = create(conn, name, "")
    dom.attachDeviceFlags(
        f"<interface type='direct'><mac address='{MAC}'/><source dev='{card}' mode='private'/>"
        "<model type='virtio'/></interface>",
        LIVE,
    )
    tap = target_of(dom)
    assert tap in links(inside)
    assert "mode private" in inside("ip", "-details", "link", "show", tap)
    dom.destroy()
    wait_until(lambda: tap not in links(inside))


def test_a_direct_interface_on_no_card_starts_no_guest(
    conn: libvirt.virConnect, inside: Inside, name: str
) -> None:
    with pytest.raises(libvirt.libvirtError):
        create(conn, name, "<interface type='direct'><source dev='nothing0'/></interface>")
    assert "macvtap" not in links(inside)


def test_a_tap_that_is_there_is_used_and_left(
    conn: libvirt.virConnect, inside: Inside, name: str
) -> None:
    inside("ip", "tuntap", "add", "mine0", "mode", "tap", "vnet_hdr")
    dom = create(
        conn,
        name,
        f"<interface type='ethernet'><mac address='{MAC}'/>"
        "<target dev='mine0' managed='no'/><model type='virtio'/></interface>",
    )
    dom.destroy()
    assert "mine0" in links(inside)
    inside("ip", "link", "del", "mine0")


def test_an_ethernet_interface_gets_a_tap(
    conn: libvirt.virConnect, inside: Inside, name: str
) -> None:
    dom = create(conn, name, f"<interface type='ethernet'><mac address='{MAC}'/></interface>")
    tap = target_of(dom)
    assert tap.startswith("vnet")
    assert tap in links(inside)
    dom.destroy()
    assert tap not in links(inside)


def test_a_network_that_is_not_there_starts_no_guest(
    conn: libvirt.virConnect, name: str
) -> None:
    dom = conn.defineXML(
        guests.guest(name, "<interface type='network'><source network='nowhere'/></interface>")
    )
    source = devices_of(dom, "interface")[0].find("source")
    assert source is not None
    assert source.attrib == {"network": "nowhere"}
    with pytest.raises(libvirt.libvirtError) as error:
        dom.create()
    assert error.value.get_error_code() == libvirt.VIR_ERR_NO_NETWORK
    dom.undefine()


def processes(word: str) -> list[int]:
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"passt" in words[0] and any(word.encode() in each for each in words):
            found.append(int(path.parent.name))
    return found


@pytest.mark.skipif(not shutil.which("passt"), reason="passt is not installed")
def test_passt_works_beside_the_guest(
    conn: libvirt.virConnect, daemon: Daemon, inside: Inside, card: str, name: str
) -> None:
    """difference: passt-as-root"""
    inside("ip", "address", "replace", "192.0.2.10/24", "dev", card)
    inside("ip", "link", "set", "card1", "up")
    inside("ip", "route", "replace", "default", "via", "192.0.2.1", "dev", card)
    log = daemon.directory / "passt.log"
    xml = (
        f"<interface type='user'><mac address='{MAC}'/><source dev='{card}'/>"
        "<portForward proto='tcp' address='127.0.0.1'><range start='2022' to='22'/></portForward>"
        f"<model type='virtio'/><backend type='passt' logFile='{log}'/></interface>"
    )
    if not daemon.ours:
        with pytest.raises(libvirt.libvirtError, match="PID file open: Permission denied"):
            create(conn, name, xml)
        return
    dom = create(conn, name, xml)
    assert len(processes(str(log))) == 1
    assert ":2022" in inside("ss", "-ltn")
    dom.destroy()
    wait_until(lambda: not processes(str(log)))


CHANNEL = "<channel type='unix'>{}<target type='virtio' name='org.test.0'/></channel>"


def test_a_channels_socket_is_live_only(conn: libvirt.virConnect, name: str) -> None:
    dom = conn.defineXML(guests.guest(name, CHANNEL.format("")))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    source = devices_of(dom, "channel")[0].find("source")
    assert source is not None
    assert source.get("mode") == "bind"
    assert os.path.basename(source.get("path", "")) == "org.test.0"
    assert devices_of(dom, "channel", INACTIVE)[0].find("source") is None
    dom.destroy()
    dom.undefine()


def test_streams_of_a_serial_port(
    conn: libvirt.virConnect, daemon: Daemon, inside: Inside, name: str
) -> None:
    text, log = daemon.directory / "stream.txt", daemon.directory / "stream.log"
    dom = create(
        conn,
        name,
        f"""
        <serial type='file'><source path='{text}'/><log file='{log}' append='off'/></serial>
        <serial type='tcp'>
          <source mode='bind' host='127.0.0.1' service='2445'/><protocol type='telnet'/>
          <target type='pci-serial'/>
        </serial>
        <serial type='udp'>
          <source mode='bind' host='127.0.0.1' service='2446'/>
          <source mode='connect' host='127.0.0.1' service='2447'/>
          <target type='pci-serial'/>
        </serial>
        <parallel type='null'/>""",
    )
    assert text.exists()
    assert ":2445" in inside("ss", "-ltn")
    assert ":2446" in inside("ss", "-uan")
    ports = [each.find("target").get("port") for each in devices_of(dom, "serial")]  # type: ignore[union-attr]
    assert ports == ["0", "1", "2", "3"]
    dom.destroy()


def test_a_channel_on_a_terminal_is_plugged_in(conn: libvirt.virConnect, name: str) -> None:
    dom = create(conn, name, CHANNEL.format(""))
    dom.attachDeviceFlags(
        "<channel type='pty'><target type='virtio' name='org.test.1'/></channel>", LIVE
    )
    source = devices_of(dom, "channel")[1].find("source")
    assert source is not None
    assert source.get("path", "").startswith("/dev/pts/")
    dom.destroy()


@pytest.mark.parametrize(
    "device",
    [
        "<serial type='tcp'/>",
        "<serial type='spicevmc'/>",
        "<serial type='file'/>",
        "<channel type='unix'><target type='frob'/></channel>",
        "<interface type='direct'><source dev='a' mode='frob'/></interface>",
        "<interface type='bridge'><source/></interface>",
        "<interface type='user'><ip address='1.2.3.4' prefix='99'/></interface>",
        "<interface type='user'><portForward proto='tcp'/></interface>",
    ],
)
def test_what_is_no_device_is_refused(conn: libvirt.virConnect, name: str, device: str) -> None:
    with pytest.raises(libvirt.libvirtError):
        conn.defineXML(guests.guest(name, device))
