# SPDX-License-Identifier: LGPL-2.1-or-later
"""The console stream of a guest that speaks on its serial line."""

import libvirt
import pytest
from checks import read_until, refused

import guests


def test_the_guest_is_heard_and_told(conn, answering):
    stream = conn.newStream()
    answering.openConsole(None, stream)
    stream.send(b"report\n")
    assert b"class=" in read_until(stream, b"class=")
    stream.finish()


def test_a_console_has_one_reader_unless_another_insists(conn, running):
    first, second = conn.newStream(), conn.newStream()
    running.openConsole(None, first)
    with refused(libvirt.VIR_ERR_OPERATION_FAILED, "Active console session exists"):
        running.openConsole(None, second)
    running.openConsole(None, second, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
    second.finish()


def test_a_console_that_is_closed_can_be_opened_again(conn, running):
    for _ in range(3):
        stream = conn.newStream()
        running.openConsole("serial0", stream, libvirt.VIR_DOMAIN_CONSOLE_SAFE)
        stream.send(b"x")
        stream.abort()


def test_refusals(conn, running, name):
    off = conn.defineXML(guests.guest(name + "-off"))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running"):
        off.openConsole(None, conn.newStream())
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "no-such-console"):
        running.openConsole("no-such-console", conn.newStream())
    with pytest.raises(libvirt.libvirtError):
        running.openConsole(None, conn.newStream(), 0x80)


def test_the_stream_ends_with_the_guest(conn, running):
    stream = conn.newStream()
    running.openConsole(None, stream)
    running.destroy()
    try:
        while stream.recv(4096):
            pass
    except libvirt.libvirtError:
        pass
