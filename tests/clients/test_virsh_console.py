# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh console, on a terminal of its own."""

import pytest

import guests

pexpect = pytest.importorskip("pexpect", reason="python3-pexpect is not installed")

ESCAPE = "\x1d"  # Ctrl-]


def console(virsh, name: str, *flags: str):
    words = ["-c", virsh.uri, "console", name, *flags]
    return pexpect.spawn("virsh", words, timeout=15, encoding="utf-8")


def test_the_guest_is_seen_and_left(virsh, document, name):
    if not guests.TEST_GUEST.exists():
        pytest.skip(f"{guests.TEST_GUEST} is not built: ./dev build")
    virsh("create", document(name, guests.answering_guest(name)), "--paused")
    terminal = console(virsh, name)
    terminal.expect(f"Connected to domain '{name}'")
    terminal.expect("Escape character is")
    virsh("resume", name)
    terminal.expect(r"\w+.*\n")
    terminal.send(ESCAPE)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_a_second_console_is_refused_unless_forced(virsh, running):
    first = console(virsh, running)
    first.expect("Escape character is")
    second = console(virsh, running)
    second.expect("Active console session exists for this domain")
    second.expect(pexpect.EOF)
    forced = console(virsh, running, "--force")
    forced.expect("Escape character is")
    first.expect(pexpect.EOF)
    forced.send(ESCAPE)
    forced.expect(pexpect.EOF)


def test_the_console_ends_with_the_guest(virsh, running):
    terminal = console(virsh, running)
    terminal.expect("Escape character is")
    virsh("destroy", running)
    terminal.expect(pexpect.EOF)


def test_a_guest_that_is_off_has_none(virsh, defined):
    assert virsh.run("console", defined).returncode == 1
