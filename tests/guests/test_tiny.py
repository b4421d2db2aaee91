# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tiny guest by itself: what the other tests rely on."""

import time
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from checks import until

import linux

MACHINES = ["q35", "pc"]


@pytest.mark.parametrize("machine", MACHINES)
def test_it_comes_up_with_network_and_answers(conn, name, machine, record_property):
    dom = conn.defineXML(linux.guest(name, linux.NETWORK, machine=machine))
    started = time.monotonic()
    with linux.booted(dom) as shell:
        record_property("seconds to ready", f"{time.monotonic() - started:.1f}")
        assert "10.0.2.15" in shell.run("ip -4 address show eth0")
        assert shell.ask("echo two; echo lines; false") == (1, "two\nlines\n")


def test_the_console_can_be_a_virtio_one(conn, name):
    consoles = "<console type='pty'/><console type='pty'><target type='virtio'/></console>"
    dom = conn.defineXML(linux.guest(name, consoles, console="hvc0"))
    linux.need_built()
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    tree = ElementTree.fromstring(dom.XMLDesc())
    alias = tree.find(".//console/target[@type='virtio']/../alias").get("name")
    shell = linux.Shell(dom, alias)
    dom.resume()
    shell.wait_ready()
    assert shell.run("cat /sys/class/tty/console/active").endswith("hvc0")
    shell.close()


def test_the_power_button_ends_it(conn, name):
    dom = conn.defineXML(linux.guest(name))
    with linux.booted(dom) as shell:
        dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
        shell.wait_end(60)
    until(lambda: not dom.isActive())


def test_the_agent_reboots_and_ends_it(conn, name):
    dom = conn.defineXML(linux.guest(name, linux.AGENT))
    with linux.booted(dom) as shell:
        until(lambda: "state='connected'" in dom.XMLDesc())
        dom.reboot(libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT)
        shell.wait_ready()
        until(lambda: "state='connected'" in dom.XMLDesc())
        dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
        shell.wait_end(60)
    until(lambda: not dom.isActive())
