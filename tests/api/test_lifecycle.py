# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's life: start, pause, stop, death; states and their reasons."""

import os
import pathlib
import signal
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused, until

import guests

RUNNING, PAUSED, SHUTOFF = (
    libvirt.VIR_DOMAIN_RUNNING,
    libvirt.VIR_DOMAIN_PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF,
)


def qemu_pid(daemon, name: str) -> int:
    """The guest's QEMU, found below the daemon's own namespace."""
    ours = os.readlink(f"/proc/{daemon.process.pid}/ns/pid_for_children")
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            namespace = os.readlink(path / "ns/pid")
        except OSError:
            continue
        if namespace == ours and any(f"guest={name}".encode() in word for word in words):
            return int(path.name)
    raise AssertionError(f"no QEMU runs for {name}")


def test_a_started_guest_runs(conn, daemon, name):
    dom = conn.defineXML(guests.guest(name))
    dom.create()
    assert dom.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]
    assert dom.isActive() == 1
    assert dom.ID() > 0
    assert conn.lookupByID(dom.ID()).name() == name
    state, most, now, vcpus, cpu_time = dom.info()
    assert (state, most, vcpus) == (RUNNING, 32768, 1)
    assert now <= most
    until(lambda: dom.info()[4] > cpu_time, what="the guest uses no CPU time")
    assert qemu_pid(daemon, name)


def test_the_live_xml_has_what_came_at_start(conn, running):
    xml = ET.fromstring(running.XMLDesc())
    assert xml.get("id") == str(running.ID())
    serial = xml.find("devices/serial")
    assert serial.find("source").get("path").startswith("/dev/pts/")
    assert serial.find("alias").get("name") == "serial0"
    console = xml.find("devices/console")
    assert console.get("tty") == serial.find("source").get("path")
    assert all(device.find("alias") is not None for device in xml.findall("devices/controller"))
    inactive = ET.fromstring(running.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    assert inactive.get("id") is None
    assert inactive.find("devices/serial/source") is None
    assert list(inactive.iter("alias")) == []


def test_ids_are_not_used_twice(conn, running):
    first = running.ID()
    running.destroy()
    assert running.ID() == -1
    running.create()
    assert running.ID() > first


def test_a_running_guest_cannot_be_started(conn, running):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is already running"):
        running.create()


def test_destroy_ends_it_at_once(conn, running):
    running.destroy()
    assert running.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED]
    assert running.isActive() == 0
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        running.destroy()


def test_destroy_with_flags(conn, running):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
        running.destroyFlags(0x80)
    running.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
    assert running.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED]


def test_a_transient_guest_goes_with_its_end(conn, name):
    dom = conn.createXML(guests.guest(name))
    assert (dom.isPersistent(), dom.isActive()) == (0, 1)
    assert dom.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]
    dom.destroy()
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        conn.lookupByName(name)


def test_a_name_that_runs_cannot_be_created_again(conn, name):
    conn.createXML(guests.guest(name))
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "already exists with uuid"):
        conn.createXML(guests.guest(name))


def test_creating_what_is_defined_and_off_starts_it(conn, name):
    dom = conn.defineXML(guests.guest(name))
    conn.createXML(guests.guest(name, uuid=dom.UUIDString(), memory="64"))
    assert (dom.isActive(), dom.isPersistent()) == (1, 1)
    assert dom.maxMemory() == 65536
    dom.destroy()
    assert dom.maxMemory() == 32768


def test_a_guest_can_start_paused(conn, name):
    dom = conn.defineXML(guests.guest(name))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert dom.state() == [PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    dom.resume()
    assert dom.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_UNPAUSED]


def test_suspend_and_resume(conn, running):
    running.suspend()
    assert running.state() == [PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    assert running.info()[0] == PAUSED
    running.suspend()
    running.resume()
    assert running.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_UNPAUSED]
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "already running"):
        running.resume()


def test_what_needs_a_running_guest_says_so(conn, name):
    dom = conn.defineXML(guests.guest(name))
    for attempt in (
        dom.suspend,
        dom.resume,
        dom.shutdown,
        dom.reboot,
        dom.destroy,
        lambda: dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
        lambda: dom.attachDevice(guests.RNG),
        lambda: dom.detachDevice(guests.RNG),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "not running"):
            attempt()


def test_flags_that_nobody_knows_are_refused(conn, running, name):
    for attempt in (
        lambda: running.createWithFlags(0x8000),
        lambda: running.shutdownFlags(0x8000),
        lambda: running.reboot(0x8000),
        lambda: conn.createXML(guests.guest(name), 0x8000),
    ):
        with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x8000)"):
            attempt()


def test_reboot_leaves_it_running_with_its_id(conn, running):
    before = running.ID()
    running.reset()
    assert (running.ID(), running.isActive()) == (before, 1)


def test_a_shutdown_request_that_the_guest_ignores_changes_nothing(conn, running):
    running.suspend()
    running.resume()
    running.shutdown()
    assert running.state()[0] in (RUNNING, libvirt.VIR_DOMAIN_SHUTDOWN)
    assert running.isActive() == 1


def test_shutdown_is_obeyed(conn, answering):
    answering.shutdown()
    until(lambda: not answering.isActive(), what="the guest did not shut down")
    assert answering.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN]


def test_a_killed_qemu_is_noticed(conn, daemon, running, events):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, running.name())
    os.kill(qemu_pid(daemon, running.name()), signal.SIGKILL)
    until(lambda: not running.isActive(), what="the death of QEMU went unnoticed")
    assert running.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]
    failed = (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED)
    events.wait(lambda: failed in events.lifecycle())


def test_a_transient_guest_goes_with_its_qemu(conn, daemon, name):
    conn.createXML(guests.guest(name))
    os.kill(qemu_pid(daemon, name), signal.SIGKILL)
    until(lambda: name not in [dom.name() for dom in conn.listAllDomains()])


def test_a_start_that_qemu_refuses_leaves_the_guest_off(conn, daemon, name):
    dom = conn.defineXML(guests.guest(name, guests.disk("/no/such/disk.img")))
    with pytest.raises(libvirt.libvirtError) as info:
        dom.create()
    assert "/no/such/disk.img" in info.value.get_error_message()
    assert dom.state()[0] == SHUTOFF
    with pytest.raises(AssertionError):
        qemu_pid(daemon, name)


def test_start_and_stop_ten_times(conn, running):
    for _ in range(5):
        running.destroy()
        running.create()
    assert running.isActive()
