# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that are defined: their XML, names, redefinition and refusals."""

import uuid
import xml.etree.ElementTree as ET

import libvirt
import pytest
from checks import refused

import guests

SECURE, INACTIVE = libvirt.VIR_DOMAIN_XML_SECURE, libvirt.VIR_DOMAIN_XML_INACTIVE

VNC = "<graphics type='vnc' port='-1' autoport='yes' passwd='geheim'/>"


def tree(dom: libvirt.virDomain, flags: int = 0) -> ET.Element:
    return ET.fromstring(dom.XMLDesc(flags))


def test_a_defined_guest_is_there_and_does_not_run(conn, name):
    dom = conn.defineXML(guests.guest(name))
    assert (dom.name(), dom.ID(), dom.OSType()) == (name, -1, "hvm")
    assert (dom.isActive(), dom.isPersistent(), dom.isUpdated()) == (0, 1, 0)
    assert dom.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_UNKNOWN]
    assert dom.info() == [libvirt.VIR_DOMAIN_SHUTOFF, 32768, 32768, 1, 0]
    assert dom.maxMemory() == 32768
    assert dom.hasManagedSaveImage() == 0
    assert dom.autostart() == 0


def test_its_xml_has_what_was_given_and_what_follows_from_it(conn, name):
    number = str(uuid.uuid4())
    xml = tree(conn.defineXML(guests.guest(name, uuid=number, memory="48")))
    assert xml.get("type") == "qemu"
    assert xml.get("id") is None
    assert xml.findtext("name") == name
    assert xml.findtext("uuid") == number
    assert xml.find("memory").attrib == {"unit": "KiB"}
    assert xml.findtext("memory") == xml.findtext("currentMemory") == str(48 * 1024)
    assert xml.find("vcpu").attrib == {"placement": "static"}
    assert xml.find("os/type").get("machine").startswith("pc-q35-")
    assert xml.find("clock").get("offset") == "utc"
    actions = [xml.findtext(f"on_{word}") for word in ("poweroff", "reboot", "crash")]
    assert actions == ["destroy", "restart", "destroy"]
    assert xml.find("devices/memballoon").get("model") == "virtio"
    assert xml.find("devices/console").get("type") == "pty"
    assert xml.find("devices/controller[@model='pcie-root']") is not None


def test_a_uuid_is_made_when_none_is_given(conn, name):
    dom = conn.defineXML(guests.guest(name))
    assert uuid.UUID(dom.UUIDString()).int != 0
    assert conn.lookupByUUIDString(dom.UUIDString()).name() == name


FORMS = {
    "plain": ("", {}),
    "pc": ("", {"machine": "pc"}),
    "vnc": (
        "<graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video>",
        {},
    ),
    "user network": (guests.interface("52:54:00:00:00:01"), {}),
    "old network": (guests.interface("52:54:00:00:00:02", "e1000"), {"machine": "pc"}),
    "disk": (guests.disk("/no/such/disk.img", "vda"), {}),
    "cdrom": ("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>", {}),
    "rng": (guests.RNG, {}),
    "hostdev": (guests.hostdev("0000:3f:1e.5"), {}),
    "two consoles": ("<console type='pty'><target type='virtio'/></console>", {}),
    "cpu": ("", {"before": "<cpu mode='custom'><model>qemu64</model></cpu>"}),
    "clock": ("", {"before": "<clock offset='localtime'><timer name='rtc'/></clock>"}),
    "texts": (
        "",
        {"before": "<title>A title</title><description>Two\nlines &amp; more</description>"},
    ),
    "metadata": (
        "",
        {"before": "<metadata><x:y xmlns:x='http://x.example/'><x:z>1</x:z></x:y></metadata>"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_defining_what_was_dumped_changes_nothing(conn, name, form):
    devices, parts = FORMS[form]
    first = conn.defineXML(guests.guest(name, devices, **parts)).XMLDesc(SECURE | INACTIVE)
    second = conn.defineXML(first).XMLDesc(SECURE | INACTIVE)
    assert second == first


def test_title_description_and_metadata_can_be_read(conn, name):
    dom = conn.defineXML(guests.guest(name, before=FORMS["texts"][1]["before"]))
    assert dom.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None) == "A title"
    assert dom.metadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, None) == "Two\nlines & more"


def test_a_metadata_element_can_be_read(conn, name):
    dom = conn.defineXML(guests.guest(name, before=FORMS["metadata"][1]["before"]))
    element = dom.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "http://x.example/")
    assert ET.fromstring(element)[0].text == "1"


@pytest.mark.parametrize("kind", ["TITLE", "DESCRIPTION", "ELEMENT"])
def test_absent_metadata_has_its_own_code(conn, name, kind):
    dom = conn.defineXML(guests.guest(name))
    uri = "http://x.example/" if kind == "ELEMENT" else None
    with refused(libvirt.VIR_ERR_NO_DOMAIN_METADATA):
        dom.metadata(getattr(libvirt, f"VIR_DOMAIN_METADATA_{kind}"), uri)


def test_a_password_is_told_only_on_request(conn, name):
    dom = conn.defineXML(guests.guest(name, VNC))
    assert "geheim" not in dom.XMLDesc(INACTIVE)
    assert "geheim" in dom.XMLDesc(INACTIVE | SECURE)


def test_redefinition_replaces(conn, name):
    dom = conn.defineXML(guests.guest(name))
    again = conn.defineXML(guests.guest(name, uuid=dom.UUIDString(), memory="64"))
    assert again.UUIDString() == dom.UUIDString()
    assert dom.maxMemory() == 65536


def test_a_name_belongs_to_one_uuid(conn, name):
    conn.defineXML(guests.guest(name, uuid=str(uuid.uuid4())))
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, f"domain '{name}' already exists with uuid"):
        conn.defineXML(guests.guest(name, uuid=str(uuid.uuid4())))


def test_a_uuid_belongs_to_one_name(conn, name):
    dom = conn.defineXML(guests.guest(name))
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "is already defined with uuid"):
        conn.defineXML(guests.guest(name + "-other", uuid=dom.UUIDString()))


def test_redefinition_while_it_runs_changes_the_next_start_only(conn, running, name):
    conn.defineXML(guests.guest(name, uuid=running.UUIDString(), memory="64"))
    assert tree(running).findtext("memory") == "32768"
    assert tree(running, INACTIVE).findtext("memory") == "65536"
    assert running.isActive()
    running.destroy()
    assert tree(running).findtext("memory") == "65536"


def test_undefined_guests_are_gone(conn, name):
    dom = conn.defineXML(guests.guest(name))
    dom.undefine()
    with refused(libvirt.VIR_ERR_NO_DOMAIN, name):
        conn.lookupByName(name)
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        dom.XMLDesc()
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        dom.undefine()


def test_undefining_a_running_guest_makes_it_transient(conn, running):
    running.undefine()
    assert (running.isActive(), running.isPersistent()) == (1, 0)
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "cannot undefine transient domain"):
        running.undefine()


def test_defining_a_running_transient_guest_makes_it_persistent(conn, name):
    dom = conn.createXML(guests.guest(name))
    assert dom.isPersistent() == 0
    conn.defineXML(guests.guest(name, uuid=dom.UUIDString(), memory="64"))
    assert (dom.isActive(), dom.isPersistent()) == (1, 1)
    dom.destroy()
    assert tree(conn.lookupByName(name)).findtext("memory") == "65536"


def test_undefine_with_flags(conn, name):
    dom = conn.defineXML(guests.guest(name))
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x8000)"):
        dom.undefineFlags(0x8000)
    flags = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    dom.undefineFlags(flags | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        conn.lookupByName(name)


def test_autostart_is_kept(conn, name):
    dom = conn.defineXML(guests.guest(name))
    dom.setAutostart(1)
    assert conn.lookupByName(name).autostart() == 1
    flagged = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
    assert [each.name() for each in flagged] == [name]
    dom.setAutostart(0)
    assert dom.autostart() == 0


def test_unknown_flags_are_refused(conn, name):
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
        conn.defineXMLFlags(guests.guest(name), 0x80)
    dom = conn.defineXML(guests.guest(name))
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags"):
        dom.XMLDesc(0x8000)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x80)"):
        dom.state(0x80)


GOOD = guests.guest("refused-guest")

BAD_DOCUMENTS = {
    "empty": ("", None),
    "not well formed": ("<domain type='qemu'><name>", libvirt.VIR_ERR_XML_DETAIL),
    "another root": ("<network><name>x</name></network>", libvirt.VIR_ERR_XML_ERROR),
    "no type": (GOOD.replace(" type='qemu'", "", 1), None),
    "unknown type": (GOOD.replace("'qemu'", "'vmware9'", 1), None),
    "no name": (GOOD.replace("<name>refused-guest</name>", ""), None),
    "slash in the name": (GOOD.replace("refused-guest", "a/b"), libvirt.VIR_ERR_XML_ERROR),
    "bad uuid": (GOOD.replace("<memory", "<uuid>nonsense</uuid><memory"), None),
    "no memory": (GOOD.replace("<memory unit='MiB'>32</memory>", ""), None),
    "memory is no number": (GOOD.replace(">32<", ">a lot<"), None),
    "unknown unit": (GOOD.replace("'MiB'", "'ells'"), None),
    "no vcpu": (GOOD.replace(">1</vcpu>", ">0</vcpu>"), None),
    "too many vcpus": (GOOD.replace(">1</vcpu>", ">70000</vcpu>"), None),
    "no os": (GOOD[: GOOD.index("<os>")] + GOOD[GOOD.index("</os>") + 5 :], None),
    "unknown architecture": (GOOD.replace("x86_64'", "vax'"), None),
    "unknown machine": (GOOD.replace("'q35'", "'abacus'"), None),
    "two disks at one target": (
        GOOD.replace("<serial", guests.disk("/a", "vda") + guests.disk("/b", "vda") + "<serial"),
        None,
    ),
    "bad mac": (GOOD.replace("<serial", guests.interface("52:54:00") + "<serial"), None),
    "bad address": (
        GOOD.replace("<serial", guests.hostdev("0000:01:40.9") + "<serial"),
        libvirt.VIR_ERR_XML_ERROR,
    ),
}


@pytest.mark.parametrize("case", BAD_DOCUMENTS)
def test_a_bad_document_is_refused(conn, case):
    document, code = BAD_DOCUMENTS[case]
    with pytest.raises(libvirt.libvirtError) as info:
        conn.defineXML(document)
    assert code is None or info.value.get_error_code() == code, info.value
    assert info.value.get_error_message()


def test_a_document_can_be_validated(conn, name):
    xml = guests.guest(name, after="<nonsense/>")
    with refused(libvirt.VIR_ERR_XML_INVALID_SCHEMA):
        conn.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    conn.defineXMLFlags(guests.guest(name), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)


def test_an_element_that_no_schema_has(conn, daemon, name):
    dom = conn.defineXML(guests.guest(name, after="<nonsense colour='red'/>"))
    kept = tree(dom).find("nonsense")
    assert (kept is not None) == daemon.ours  # difference: unknown-elements
    if daemon.ours:
        assert kept.attrib == {"colour": "red"}
        assert "<nonsense" in daemon.log_text()


NOT_SERVED = {
    "disk of a pool": "<disk type='volume'><source pool='p' volume='v'/><target dev='vda'/></disk>",
    "SCSI host device": "<hostdev mode='subsystem' type='scsi'/>",
    "file system of a block device": "<filesystem type='block'><source dev='/a'/>"
    "<target dir='b'/></filesystem>",
    "smartcard": "<smartcard mode='host'/>",
}


@pytest.mark.only("airlockd")
@pytest.mark.parametrize("kind", NOT_SERVED)
def test_what_is_not_served_yet_is_refused_by_name_and_line(conn, name, kind):
    """difference: not-served-yet"""
    element = NOT_SERVED[kind].split()[0].lstrip("<")
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, f"<{element}", "at line"):
        conn.defineXML(guests.guest(name, NOT_SERVED[kind]))


def test_names_in_other_scripts(conn, name):
    dom = conn.defineXML(guests.guest(f"{name}-Gäste 客"))
    assert conn.lookupByName(f"{name}-Gäste 客").UUIDString() == dom.UUIDString()


def test_lookups_that_fail_have_one_code(conn):
    absent = "12345678-0000-0000-0000-000000000000"
    for attempt in (
        lambda: conn.lookupByName("no-such-guest"),
        lambda: conn.lookupByID(99999),
        lambda: conn.lookupByUUIDString(absent),
    ):
        with refused(libvirt.VIR_ERR_NO_DOMAIN, "no domain with matching"):
            attempt()
