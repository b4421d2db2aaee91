# SPDX-License-Identifier: LGPL-2.1-or-later
"""Persistent and transient, undefine's conditions, power, and what a guest does by itself."""

import json
import os
import pathlib
import socket
import xml.etree.ElementTree as ET

import libvirt
import libvirt_qemu
import pytest
from checks import refused, until

import guests

RUNNING, SHUTOFF = libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_SHUTOFF
LIFECYCLE = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"


# ---- definitions ----


def test_a_transient_guest_becomes_persistent_and_back(conn, name, events):
    dom = conn.createXML(guests.guest(name))
    events.listen(LIFECYCLE)
    conn.defineXML(guests.guest(name, uuid=dom.UUIDString()))
    assert (dom.isPersistent(), dom.isActive()) == (1, 1)
    dom.undefine()
    assert (dom.isPersistent(), dom.isActive()) == (0, 1)
    dom.destroy()
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        conn.lookupByName(name)
    events.wait(lambda: len(events.lifecycle()) >= 3)
    added = (libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED)
    removed = (libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED)
    assert events.lifecycle()[:2] == [added, removed]


def test_a_redefinition_counts_from_the_next_start_on(conn, running):
    name, uuid = running.name(), running.UUIDString()
    conn.defineXML(guests.guest(name, uuid=uuid, memory="64"))
    assert running.maxMemory() == 32768
    assert "65536" in running.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    running.destroy()
    running.create()
    assert running.maxMemory() == 65536


def test_name_and_uuid_belong_together(conn, running, name):
    other = conn.defineXML(guests.guest(name + "-other"))
    for xml in (
        guests.guest(running.name()),
        guests.guest(name + "-new", uuid=running.UUIDString()),
        guests.guest(other.name(), uuid=running.UUIDString()),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_FAILED):
            conn.defineXML(xml)
        with refused(libvirt.VIR_ERR_OPERATION_FAILED):
            conn.createXML(xml)


def test_what_is_running_is_undefined_and_runs_on(conn, running):
    name = running.name()
    running.undefine()
    assert running.isActive()
    assert name not in conn.listDefinedDomains()
    assert [dom.name() for dom in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT)]


def test_undefining_twice(conn, running):
    running.undefine()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "cannot undefine transient domain"):
        running.undefine()


@pytest.mark.skipif(not os.path.exists(OVMF), reason="ovmf is not installed")
def test_nvram_goes_or_stays_as_is_said(conn, name, tmp_path):
    nvram = tmp_path / "vars.fd"
    os_xml = f"""<loader readonly='yes' type='pflash'>{OVMF}</loader>
      <nvram template='{OVMF_VARS}'>{nvram}</nvram>"""
    xml = guests.guest(name, os=os_xml, memory="128")
    dom = conn.defineXML(xml)
    dom.create()
    dom.destroy()
    assert nvram.exists()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "cannot undefine domain with nvram"):
        dom.undefine()
    keep, remove = libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM, libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "cannot both keep and delete nvram"):
        dom.undefineFlags(keep | remove)
    dom.undefineFlags(keep)
    assert nvram.exists()
    conn.defineXML(xml).undefineFlags(remove)
    assert not nvram.exists()


# ---- power ----


def test_the_ways_to_shut_down(conn, answering):
    agent, acpi = (
        libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
        libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
    )
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "guest agent is not configured"):
        answering.shutdownFlags(agent)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags"):
        answering.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_INITCTL)
    assert answering.isActive()
    answering.shutdownFlags(agent | acpi)
    until(lambda: not answering.isActive())


def test_a_reboot_by_the_button(conn, answering, events):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_REBOOT)
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "guest agent is not configured"):
        answering.reboot(libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT)
    answering.reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)
    events.wait(lambda: len(events.seen) >= 1)
    until(lambda: answering.state()[0] == RUNNING)


def test_a_poweroff_that_restarts(conn, answering, events):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_REBOOT)
    answering.setLifecycleAction(0, 1, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    before = answering.ID()
    answering.shutdown()
    events.wait(lambda: len(events.seen) >= 1)
    until(lambda: answering.state()[0] == RUNNING)
    assert conn.lookupByName(answering.name()).ID() == before


def test_nmi_and_wake_up(conn, running):
    running.injectNMI()
    with pytest.raises(libvirt.libvirtError, match="not in suspended state"):
        running.pMWakeup()
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "guest agent is not configured"):
        running.pMSuspendForDuration(libvirt.VIR_NODE_SUSPEND_TARGET_MEM, 0)
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "Duration not supported"):
        running.pMSuspendForDuration(libvirt.VIR_NODE_SUSPEND_TARGET_MEM, 5)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "Unknown suspend target"):
        running.pMSuspendForDuration(9, 0)
    with refused(libvirt.VIR_ERR_NO_SUPPORT, "virDomainSendProcessSignal"):
        running.sendProcessSignal(1, libvirt.VIR_DOMAIN_PROCESS_SIGNAL_KILL)


# ---- panic ----


def panicking(conn: libvirt.virConnect, name: str, policy: str) -> libvirt.virDomain:
    """A guest that has just written to its panic device, by QEMU's hand."""
    before = f"<on_crash>{policy}</on_crash>"
    dom = conn.defineXML(guests.guest(name, "<panic model='isa'/>", before=before))
    dom.create()
    libvirt_qemu.qemuMonitorCommand(
        dom, "o /b 0x505 1", libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
    )
    return dom


def dumps(daemon) -> list[pathlib.Path]:
    directory = "state/dump" if daemon.ours else "lib/qemu/dump"
    return sorted((daemon.directory / directory).glob("*"))


@pytest.mark.parametrize("policy", ["destroy", "coredump-destroy"])
def test_a_panic_that_ends_the_guest(conn, daemon, name, events, policy):
    events.listen(LIFECYCLE)
    before = dumps(daemon)
    dom = panicking(conn, name, policy)
    until(lambda: not dom.isActive())
    assert dom.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]
    panicked = (libvirt.VIR_DOMAIN_EVENT_CRASHED, libvirt.VIR_DOMAIN_EVENT_CRASHED_PANICKED)
    stopped = (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED)
    events.wait(lambda: stopped in events.lifecycle())
    assert panicked in events.lifecycle()
    fresh = [path for path in dumps(daemon) if path not in before]
    assert len(fresh) == (policy == "coredump-destroy")
    assert all(path.read_bytes()[:4] == b"\x7fELF" for path in fresh)


def test_a_panic_that_is_kept(conn, name):
    dom = panicking(conn, name, "preserve")
    until(lambda: dom.state()[0] == libvirt.VIR_DOMAIN_CRASHED)
    assert dom.state() == [libvirt.VIR_DOMAIN_CRASHED, libvirt.VIR_DOMAIN_CRASHED_PANICKED]


@pytest.mark.parametrize("policy", ["restart", "coredump-restart"])
def test_a_panic_that_restarts(conn, name, events, policy):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_REBOOT)
    dom = panicking(conn, name, policy)
    events.wait(lambda: len(events.seen) >= 1)
    until(lambda: dom.state()[0] == RUNNING)


# ---- what QEMU tells ----


def test_a_display_that_is_looked_at(conn, name, events, tmp_path):
    path = tmp_path / "vnc"
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_GRAPHICS)
    graphics = f"<graphics type='vnc'><listen type='socket' socket='{path}'/></graphics>"
    conn.createXML(guests.guest(name, graphics))
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.connect(str(path))
        assert viewer.recv(12).startswith(b"RFB ")
        viewer.send(b"RFB 003.008\n")
        assert viewer.recv(2) == b"\x01\x01"  # one way to log in: without a password
        viewer.send(b"\x01")
        assert viewer.recv(4) == bytes(4)
        viewer.send(b"\x01")
        events.wait(lambda: len(events.seen) == 2)
    events.wait(lambda: len(events.seen) == 3)
    phases = [told[2] for told in events.seen]
    assert phases == [
        libvirt.VIR_DOMAIN_EVENT_GRAPHICS_CONNECT,
        libvirt.VIR_DOMAIN_EVENT_GRAPHICS_INITIALIZE,
        libvirt.VIR_DOMAIN_EVENT_GRAPHICS_DISCONNECT,
    ]
    local = events.seen[0][3]
    assert local["family"] == libvirt.VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_UNIX


def test_a_tray_that_moves(conn, name, events):
    cdrom = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
    dom = conn.createXML(guests.guest(name, cdrom))
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE)
    alias = ET.fromstring(dom.XMLDesc()).find("devices/disk/alias").get("name")
    for command in ("blockdev-open-tray", "blockdev-close-tray"):
        text = json.dumps({"execute": command, "arguments": {"id": alias}})
        assert "return" in json.loads(libvirt_qemu.qemuMonitorCommand(dom, text, 0))
    events.wait(lambda: len(events.seen) == 2)
    assert [told[2:] for told in events.seen] == [
        (alias, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN),
        (alias, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE),
    ]
