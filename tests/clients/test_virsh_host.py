# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh: the connection, the host and its node devices."""

import pathlib
import re
import socket

import pytest

ADDRESSES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))
NAMES = ["pci_" + re.sub("[:.]", "_", address) for address in ADDRESSES]


def test_uri(virsh):
    assert virsh("uri") == virsh.uri


def test_hostname(virsh):
    assert virsh("hostname") == socket.gethostname()


def test_version(virsh):
    assert re.fullmatch(
        r"Compiled against library: libvirt [\d.]+\n"
        r"Using library: libvirt [\d.]+\n"
        r"Using API: QEMU [\d.]+\n"
        r"Running hypervisor: QEMU \d+\.\d+\.\d+",
        virsh("version"),
    )


def test_version_of_the_daemon(virsh):
    assert re.search(r"^Running against daemon: 11\.\d+\.\d+$", virsh("version", "--daemon"), re.M)


def test_nodeinfo(virsh):
    lines = dict(re.split(r":\s+", line) for line in virsh("nodeinfo").splitlines())
    assert lines["CPU model"] == "x86_64"
    assert re.fullmatch(r"\d+ KiB", lines["Memory size"])
    assert {"CPU(s)", "CPU frequency", "CPU socket(s)", "NUMA cell(s)"} <= set(lines)


@pytest.mark.parametrize(
    ("command", "pattern"),
    [
        ("maxvcpus", r"\d+"),
        ("nodememstats", r"total  : +\d+ KiB\nfree   : .*"),
        ("nodecpustats", r"user: +\d+\n.*"),
        ("freecell", r"Total: \d+ KiB"),
        ("net-list --all", r" Name   State   Autostart   Persistent\n-+"),
        ("pool-list --all", r" Name   State   Autostart\n-+"),
        ("secret-list", r" UUID   Usage\n-+"),
        ("nwfilter-list", r" UUID   Name\n-+"),
        ("nwfilter-binding-list", r" Port Dev   Filter\n-+"),
        ("iface-list --all", r" Name   State   MAC Address\n-+"),
        ("list --all", r" Id   Name   State\n-+"),
        ("echo hello", r"hello"),
        ("domcapabilities --xpath //arch", r"<arch>x86_64</arch>"),
        ("capabilities --xpath //host/cpu/arch", r"<arch>x86_64</arch>"),
        ("nodedev-event --list", r"lifecycle\nupdate"),
    ],
)
def test_a_command_that_reads(virsh, command, pattern):
    assert re.fullmatch(pattern, virsh(*command.split()), re.DOTALL)


def test_read_only(virsh, running, daemon):
    virsh.uri = daemon.uri_ro
    assert running in virsh("-r", "list", "--name")
    assert "forbidden" in virsh.fails("-r", "destroy", running)


def test_several_commands_in_one_call(virsh):
    assert virsh("echo one; echo two").split() == ["one", "two"]


def test_an_unknown_command(virsh):
    assert virsh.fails("bogus") == "error: unknown command: 'bogus'"


def test_nodedev_list(virsh):
    assert virsh("nodedev-list", "--cap", "pci").split() == NAMES
    assert {"computer", *NAMES} <= set(virsh("nodedev-list").split())
    assert virsh("nodedev-list", "--cap", "system,pci").split() == ["computer", *NAMES]
    assert virsh("nodedev-list", "--inactive") == ""
    assert {"computer", *NAMES} <= set(virsh("nodedev-list", "--all").split())


def test_nodedev_list_as_a_tree(virsh):
    lines = virsh("nodedev-list", "--tree").splitlines()
    assert lines[0] == "computer"
    for name in NAMES:
        assert any(re.fullmatch(rf"[ |]+\+- {name}", line) for line in lines)


def test_nodedev_list_refuses_an_unknown_capability(virsh):
    assert virsh.fails("nodedev-list", "--cap", "nonsense") == "error: Invalid capability type"


def test_nodedev_dumpxml(virsh):
    text = virsh("nodedev-dumpxml", NAMES[0])
    assert text.startswith(f"<device>\n  <name>{NAMES[0]}</name>\n  <path>/sys/devices/pci")
    assert "\n  <parent>computer</parent>\n" in text
    assert text.endswith("  </capability>\n</device>")
    assert virsh("nodedev-dumpxml", NAMES[0], "--xpath", "//bus") == "<bus>0</bus>"


def test_nodedev_info(virsh):
    assert virsh("nodedev-info", NAMES[0]) == (
        f"Name:           {NAMES[0]}\n"
        "Parent:         computer\n"
        "Active:         yes\n"
        "Persistent:     no\n"
        "Autostart:      no"
    )


@pytest.mark.parametrize("verb", ["dumpxml", "info", "detach", "reattach", "reset"])
def test_a_missing_node_device(virsh, verb):
    assert virsh.fails(f"nodedev-{verb}", "pci_ffff_00_00_0") == (
        "error: Could not find matching device 'pci_ffff_00_00_0'\n"
        "error: Node device not found: no node device with matching name 'pci_ffff_00_00_0'"
    )


def test_nodedev_event(virsh):
    done = virsh.run("nodedev-event", "--event", "lifecycle", "--timeout", "1")
    assert done.returncode == 1
    assert done.stdout == "event loop timed out\nevents received: 0\n\n"
