# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest as virt-install makes it for Windows: there is no Windows here, but its firmware comes up and says so."""

import pathlib
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import guests
import linux

FEATURES = """<features><acpi/><apic/><smm state='on'/><vmport state='off'/>
  <hyperv mode='custom'>
    <relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/><vpindex state='on'/>
    <synic state='on'/><stimer state='on'/><frequencies state='on'/>
  </hyperv>
</features>
<cpu mode='maximum'/>
<clock offset='localtime'>
  <timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>
  <timer name='hpet' present='no'/><timer name='hypervclock' present='yes'/>
</clock>"""

SECURE_BOOT = "<firmware><feature enabled='yes' name='secure-boot'/><feature enabled='yes' name='enrolled-keys'/></firmware>"

DEVICES = """<controller type='usb' model='qemu-xhci' ports='15'/>
<input type='tablet' bus='usb'/>
<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
<graphics type='vnc' autoport='yes'/>
<video><model type='{video}'/></video>
<sound model='ich9'/>
<interface type='user'><model type='e1000e'/></interface>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
  <target dev='sda' bus='sata'/></disk>"""


def windows_guest(name: str, video: str, disk: pathlib.Path) -> str:
    text = guests.guest(name, DEVICES.format(video=video, disk=disk), SECURE_BOOT, memory="512")
    text = text.replace("<controller type='usb' model='none'/>", "")
    return text.replace("<os>", "<os firmware='efi'>").replace("<features><acpi/></features>", FEATURES)


@pytest.mark.parametrize("video", ["qxl", "vga"])
def test_its_firmware_refuses_what_is_not_signed(conn, name, video, tmp_path):
    """Debian's disk stands for what a firmware with Microsoft's keys must not start: its GRUB is our own."""
    disk = tmp_path / "disk.qcow2"
    linux.make_overlay(disk)
    dom = conn.defineXML(windows_guest(name, video, disk))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    try:
        check_settings(ElementTree.fromstring(dom.XMLDesc()))
        with linux.opened(dom) as console:
            dom.resume()
            console.wait("BdsDxe: failed to load Boot.*: Access Denied", 120)
    finally:
        dom.destroy()
        dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


def check_settings(tree: ElementTree.Element) -> None:
    loader, nvram = tree.find("os/loader"), tree.find("os/nvram")
    assert loader.get("secure") == "yes"
    assert loader.text == "/usr/share/OVMF/OVMF_CODE_4M.ms.fd"
    assert nvram.get("template") == "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"
    assert pathlib.PurePath(nvram.text).is_absolute()
    assert tree.find("devices/tpm/backend").get("type") == "emulator"
    states = {element.tag: element.get("state") for element in tree.find("features/hyperv")}
    assert states["stimer"] == states["synic"] == "on"
