# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's screen and keys, its display as a connection, and its channels."""

import os
import pathlib
import socket
import struct

import libvirt
import pytest
from checks import refused

import guests

VGA = "<graphics type='vnc' autoport='yes'/><video><model type='vga'/></video>"
SPICE = "<graphics type='spice' autoport='yes'/><video><model type='vga'/></video>"
CHANNEL = "<channel type='unix'><target type='virtio' name='org.airlock.test.0'/></channel>"


@pytest.fixture
def dom(conn: libvirt.virConnect, name: str) -> libvirt.virDomain:
    dom = conn.defineXML(guests.guest(name, VGA + CHANNEL))
    dom.create()
    return dom


def whole(stream: libvirt.virStream) -> bytes:
    data = b""
    while piece := stream.recv(65536):
        data += piece
    stream.finish()
    return data


# ---- screenshots ----


def test_a_screenshot_is_a_picture(conn, dom):
    stream = conn.newStream()
    mime = dom.screenshot(stream, 0)
    picture = whole(stream)
    assert mime == "image/png"
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture.rstrip().endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", picture[16:24])
    assert (width, height) > (100, 100)


def test_screenshots_of_several_clients_do_not_mix(conn, dom, fresh):
    streams = []
    for connection in (fresh(), fresh(), fresh()):
        stream = connection.newStream()
        connection.lookupByName(dom.name()).screenshot(stream, 0)
        streams.append(stream)
    for stream in streams:
        assert whole(stream).startswith(b"\x89PNG")


def test_a_screenshot_may_be_left(conn, dom):
    stream = conn.newStream()
    dom.screenshot(stream, 0)
    stream.abort()
    assert dom.isActive()


def test_no_screenshot_of_what_is_not_there(conn, dom, name):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "no such screen ID"):
        dom.screenshot(conn.newStream(), 1)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported flags (0x1)"):
        dom.screenshot(conn.newStream(), 0, 1)
    off = conn.defineXML(guests.guest(f"{name}-off", VGA))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        off.screenshot(conn.newStream(), 0)
    off.undefine()


# ---- keys ----


@pytest.mark.parametrize(
    ("codeset", "code"),
    [
        (libvirt.VIR_KEYCODE_SET_LINUX, 111),
        (libvirt.VIR_KEYCODE_SET_XT, 30),
        (libvirt.VIR_KEYCODE_SET_ATSET1, 57372),
        (libvirt.VIR_KEYCODE_SET_ATSET2, 28),
        (libvirt.VIR_KEYCODE_SET_ATSET3, 28),
        (libvirt.VIR_KEYCODE_SET_USB, 4),
        (libvirt.VIR_KEYCODE_SET_WIN32, 65),
        (libvirt.VIR_KEYCODE_SET_QNUM, 30),
    ],
)
def test_keys_of_every_set_are_taken(conn, dom, codeset, code):
    assert dom.sendKey(codeset, 10, [code], 1, 0) == 0


def test_keys_together(conn, dom):
    assert dom.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, 0, [29, 56, 111], 3, 0) == 0


def test_no_keys_that_do_not_exist(conn, dom, name):
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "9999"):
        dom.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, 0, [30, 9999], 2, 0)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "codeset '77'"):
        dom.sendKey(77, 0, [30], 1, 0)
    off = conn.defineXML(guests.guest(f"{name}-off"))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        off.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, 0, [30], 1, 0)
    off.undefine()


def test_watching_is_not_typing(conn, dom, fresh):
    reader = fresh(read_only=True).lookupByName(dom.name())
    for call in (
        lambda: reader.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, 0, [30], 1, 0),
        lambda: reader.openGraphicsFD(0),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_DENIED):
            call()


# ---- the display ----


def greeting(end: socket.socket) -> bytes:
    end.settimeout(10)
    return end.recv(12)


def test_the_display_comes_as_a_descriptor(conn, dom):
    for flags in (0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH):
        with socket.socket(fileno=dom.openGraphicsFD(0, flags)) as end:
            assert greeting(end).startswith(b"RFB 003.")


def test_the_display_goes_to_a_descriptor_of_the_client(conn, dom):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        dom.openGraphics(0, theirs.fileno())
        theirs.close()
        assert greeting(ours).startswith(b"RFB 003.")


def test_a_spice_display_comes_as_a_descriptor(conn, name):
    """What virt-manager gives a new guest, and asks for in its console."""
    dom = conn.defineXML(guests.guest(name, SPICE))
    dom.create()
    # SPICE's link message: magic, version 2.2, size; then connection, channel and three empty lists.
    link = b"REDQ" + struct.pack("<IIIIBBIII", 2, 2, 18, 0, 1, 0, 0, 0, 18)
    with socket.socket(fileno=dom.openGraphicsFD(0, 0)) as end:
        end.sendall(link)
        assert greeting(end).startswith(b"REDQ")


def test_no_display_that_is_not_there(conn, dom):
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "No graphics backend with index 5"):
        dom.openGraphicsFD(5)


# ---- consoles and channels ----


def test_a_console_by_its_name(conn, dom):
    for alias in (None, "serial0"):
        stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
        dom.openConsole(alias, stream)
        with refused(libvirt.VIR_ERR_OPERATION_FAILED, "Active console session exists"):
            dom.openConsole(alias, conn.newStream())
        stream.abort()
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "nope"):
        dom.openConsole("nope", conn.newStream())


def test_a_console_is_taken_over_by_force(conn, dom):
    first, second = conn.newStream(), conn.newStream()
    dom.openConsole(None, first)
    dom.openConsole(None, second, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
    second.send(b"x")
    second.abort()


def test_a_channel_is_opened_once(conn, dom):
    for channel in (None, "org.airlock.test.0", "channel0"):
        stream = conn.newStream()
        dom.openChannel(channel, stream)
        with refused(libvirt.VIR_ERR_OPERATION_FAILED, "Active channel stream exists"):
            dom.openChannel(channel, conn.newStream())
        forced = conn.newStream()
        dom.openChannel(channel, forced, libvirt.VIR_DOMAIN_CHANNEL_FORCE)
        forced.abort()
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "cannot find channel nope"):
        dom.openChannel("nope", conn.newStream())


# ---- labels, and the command line ----


def test_no_security_model(conn, dom):
    assert dom.securityLabel() == ["", False]


def test_the_command_line_of_a_definition(conn, name):
    line = conn.domainXMLToNative("qemu-argv", guests.guest(name, VGA))
    assert "/usr/bin/qemu-system-x86_64" in line
    assert f"-name guest={name}" in line
    assert "VGA" in line
    assert name not in [dom.name() for dom in conn.listAllDomains()]
    with refused(libvirt.VIR_ERR_INVALID_ARG, "unsupported config type nope"):
        conn.domainXMLToNative("nope", guests.guest(name))
    with refused(libvirt.VIR_ERR_NO_SUPPORT):
        conn.domainXMLFromNative("qemu-argv", line)


@pytest.mark.only("airlockd")
def test_the_command_line_runs(conn, name, tmp_path: pathlib.Path):
    """QEMU takes it as a shell would give it, and gets as far as its monitor."""
    line = conn.domainXMLToNative("qemu-argv", guests.guest(name, VGA))
    assert os.system(f"cd {tmp_path} && (echo quit | timeout 20 {line} -monitor stdio) >out 2>&1") == 0, (
        tmp_path / "out"
    ).read_text()
