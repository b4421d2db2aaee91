# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said about a guest: title, description, metadata, name, and what follows its end."""

import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused, until

import guests

DESCRIPTION, TITLE, ELEMENT = (
    libvirt.VIR_DOMAIN_METADATA_DESCRIPTION,
    libvirt.VIR_DOMAIN_METADATA_TITLE,
    libvirt.VIR_DOMAIN_METADATA_ELEMENT,
)
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
URI = "http://x.example/1"


@pytest.fixture
def off(conn, name):
    return conn.defineXML(guests.guest(name))


def test_title_and_description_can_be_set_and_removed(conn, off):
    off.setMetadata(TITLE, "A title", None, None)
    off.setMetadata(DESCRIPTION, "Two\nlines & <more>", None, None)
    assert off.metadata(TITLE, None) == "A title"
    assert off.metadata(DESCRIPTION, None) == "Two\nlines & <more>"
    xml = ET.fromstring(off.XMLDesc())
    assert (xml.findtext("title"), xml.findtext("description")) == ("A title", "Two\nlines & <more>")
    off.setMetadata(TITLE, None, None, None)
    off.setMetadata(DESCRIPTION, "", None, None)
    for kind in (TITLE, DESCRIPTION):
        with refused(libvirt.VIR_ERR_NO_DOMAIN_METADATA):
            off.metadata(kind, None)


def test_an_element_is_kept_under_its_namespace(conn, off):
    off.setMetadata(ELEMENT, "<app x='1'><b>text</b></app>", "k", URI)
    element = ET.fromstring(off.metadata(ELEMENT, URI))
    assert (element.tag, element.get("x"), element.findtext("b")) == ("app", "1", "text")
    stored = ET.fromstring(off.XMLDesc()).find(f"metadata/{{{URI}}}app")
    assert stored.get("x") == "1"
    off.setMetadata(ELEMENT, "<other/>", "k", "http://y.example/")
    off.setMetadata(ELEMENT, "<app x='2'/>", "q", URI)
    assert ET.fromstring(off.metadata(ELEMENT, URI)).get("x") == "2"
    assert len(ET.fromstring(off.XMLDesc()).find("metadata")) == 2
    off.setMetadata(ELEMENT, None, None, URI)
    with refused(libvirt.VIR_ERR_NO_DOMAIN_METADATA):
        off.metadata(ELEMENT, URI)
    off.setMetadata(ELEMENT, None, None, URI)
    assert ET.fromstring(off.metadata(ELEMENT, "http://y.example/")).tag == "other"


def test_what_cannot_be_kept_is_refused(conn, off):
    for code, args in (
        (libvirt.VIR_ERR_INVALID_ARG, (TITLE, "two\nlines", None, None)),
        (libvirt.VIR_ERR_INVALID_ARG, (7, "x", None, None)),
        (libvirt.VIR_ERR_INVALID_ARG, (ELEMENT, "<a/>", None, URI)),
        (libvirt.VIR_ERR_INVALID_ARG, (ELEMENT, "<a/>", "k", None)),
        (libvirt.VIR_ERR_XML_DETAIL, (ELEMENT, "<a", "k", URI)),
        (libvirt.VIR_ERR_OPERATION_INVALID, (TITLE, "x", None, None, LIVE)),
    ):
        with refused(code):
            off.setMetadata(*args)


def test_a_running_guest_has_two_definitions(conn, running):
    running.setMetadata(TITLE, "live", None, None, LIVE)
    assert running.metadata(TITLE, None) == "live"
    with refused(libvirt.VIR_ERR_NO_DOMAIN_METADATA):
        running.metadata(TITLE, None, CONFIG)
    running.setMetadata(TITLE, "config", None, None, CONFIG)
    assert running.metadata(TITLE, None, LIVE) == "live"
    assert running.metadata(TITLE, None, CONFIG) == "config"
    running.setMetadata(TITLE, "current", None, None)
    assert running.metadata(TITLE, None) == "current"
    running.setMetadata(TITLE, "both", None, None, LIVE | CONFIG)
    assert [running.metadata(TITLE, None, each) for each in (LIVE, CONFIG)] == ["both", "both"]
    with refused(libvirt.VIR_ERR_INVALID_ARG):
        running.metadata(TITLE, None, LIVE | CONFIG)


def test_a_transient_guest_has_no_config(conn, name):
    dom = conn.createXML(guests.guest(name))
    for attempt in (
        lambda: dom.setMetadata(TITLE, "x", None, None, CONFIG),
        lambda: dom.metadata(TITLE, None, CONFIG),
        lambda: dom.setAutostart(1),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID):
            attempt()
    dom.setMetadata(TITLE, "x", None, None)
    assert dom.metadata(TITLE, None) == "x"


def test_changes_are_told(conn, off, events):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE)
    off.setMetadata(TITLE, "x", None, None)
    off.setMetadata(ELEMENT, "<a/>", "k", URI)
    events.wait(lambda: len(events.seen) == 2)
    assert [told[2:] for told in events.seen] == [(TITLE, None), (ELEMENT, URI)]


def test_changes_outlive_the_daemon(conn, daemon, running, fresh):
    running.setMetadata(TITLE, "live", None, None, LIVE)
    running.setMetadata(TITLE, "config", None, None, CONFIG)
    daemon.end()
    daemon.start()
    again = fresh()
    until(lambda: again.lookupByName(running.name()).isActive(), what="the guest was not taken up")
    dom = again.lookupByName(running.name())
    assert [dom.metadata(TITLE, None, each) for each in (LIVE, CONFIG)] == ["live", "config"]


# ---- names ----


def test_rename(conn, off, name, events):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE)
    uuid = off.UUIDString()
    off.setAutostart(1)
    off.rename(name + "-new")
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        conn.lookupByName(name)
    dom = conn.lookupByName(name + "-new")
    assert (dom.UUIDString(), dom.autostart()) == (uuid, 1)
    assert f"<name>{name}-new</name>" in dom.XMLDesc()
    events.wait(lambda: len(events.seen) == 2)
    assert [told[1:] for told in events.seen] == [
        (name, libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_RENAMED),
        (name + "-new", libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_RENAMED),
    ]
    dom.create()
    assert dom.isActive()


def test_a_new_name_outlives_the_daemon(conn, daemon, off, name, fresh):
    off.setAutostart(1)
    off.rename(name + "-new")
    daemon.end()
    daemon.start()
    again = fresh()
    assert [dom.name() for dom in again.listAllDomains()] == [name + "-new"]
    assert again.lookupByName(name + "-new").autostart() == 1


def test_names_that_cannot_be(conn, off):
    conn.defineXML(guests.guest("another"))
    transient = conn.createXML(guests.guest("transient"))
    for code, dom, new in (
        (libvirt.VIR_ERR_OPERATION_INVALID, off, off.name()),
        (libvirt.VIR_ERR_OPERATION_INVALID, off, "another"),
        (libvirt.VIR_ERR_OPERATION_INVALID, off, "transient"),
        (libvirt.VIR_ERR_OPERATION_INVALID, transient, "free"),
        (libvirt.VIR_ERR_INVALID_ARG, off, ""),
        (libvirt.VIR_ERR_XML_ERROR, off, "a/b"),
    ):
        with refused(code):
            dom.rename(new)
    with refused(libvirt.VIR_ERR_INVALID_ARG):
        off.rename("free", 8)
    off.create()
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "cannot rename active domain"):
        off.rename("free")


def test_a_managed_save_and_a_new_name(conn, daemon, running, name):
    """difference: rename-takes-the-save-along"""
    running.managedSave()
    if not daemon.ours:
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "managed saved state"):
            running.rename(name + "-new")
        running.managedSaveRemove()
        return
    running.rename(name + "-new")
    dom = conn.lookupByName(name + "-new")
    assert dom.hasManagedSaveImage() == 1
    assert f"<name>{name}-new</name>" in dom.managedSaveGetXMLDesc()
    dom.create()
    assert dom.state() == [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_RESTORED]


# ---- what follows an end ----

POWEROFF, REBOOT, CRASH = range(3)  # virDomainLifecycle
DESTROY, RESTART, RENAME, PRESERVE, DUMP_DESTROY, DUMP_RESTART = range(6)


def policies(dom: libvirt.virDomain, flags: int = 0) -> list[str]:
    xml = ET.fromstring(dom.XMLDesc(flags))
    return [xml.findtext(f"on_{each}") for each in ("poweroff", "reboot", "crash")]


def test_policies_can_be_changed(conn, running):
    running.setLifecycleAction(POWEROFF, RESTART, LIVE | CONFIG)
    running.setLifecycleAction(CRASH, DUMP_DESTROY, LIVE)
    running.setLifecycleAction(CRASH, DUMP_RESTART, CONFIG)
    assert policies(running) == ["restart", "restart", "coredump-destroy"]
    inactive = policies(running, libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert inactive == ["restart", "restart", "coredump-restart"]


def test_policies_that_cannot_be(conn, running):
    unsupported, invalid = libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_INVALID_ARG
    for code, kind, action in (
        (invalid, 3, DESTROY),
        (invalid, POWEROFF, 9),
        (unsupported, POWEROFF, DUMP_DESTROY),
        (unsupported, REBOOT, DUMP_RESTART),
        (unsupported, POWEROFF, PRESERVE),
        (unsupported, REBOOT, RENAME),
    ):
        with refused(code):
            running.setLifecycleAction(kind, action, LIVE)
    running.setLifecycleAction(POWEROFF, RESTART, LIVE)
    with refused(unsupported):
        running.setLifecycleAction(REBOOT, DESTROY, LIVE)
    assert policies(running) == ["restart", "restart", "destroy"]
