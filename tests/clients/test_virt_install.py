# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-install: what it makes, what it prints, and that the guest that comes out of it runs.

Those that start an installation boot it (lab/guest/installer): what it says stands in the log of the serial port.
"""

import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import pexpect
import pytest
from installing import MEDIUM, TREE, UP, URL, SerialLog, wait_until

IMAGES = pathlib.Path("/var/lib/libvirt/images")

# The guide's own words, but for its server.
GUIDE = (
    f"virt-install --name=guest1-rhel7-64 --disk path={IMAGES}/guest1-rhel7-64.img,size=8 --vcpus=2 --ram=2048 "
    f"--location={URL} --nonetworks --os-type=linux --os-variant=rhel7"
)

SMALL = "--memory 192 --os-variant rhel7.0 --network none"
HEADLESS = f"{SMALL} --graphics none --noautoconsole"
IMPORT = f"{HEADLESS} --import"

DEVICES = sorted(path.name for path in pathlib.Path("/sys/bus/pci/devices").glob("*"))
needs_pci = pytest.mark.skipif(not DEVICES, reason="this machine has no PCI bus")


@pytest.fixture
def serial(tmp_path) -> SerialLog:
    return SerialLog(tmp_path / "serial.log")


@pytest.fixture
def installed(tools) -> pathlib.Path:
    """A disk with a system, which the installer of the CD has been spared."""
    image = tools.libvirt / "images" / "ready.img"
    image.write_bytes((TREE / "images" / "medium.bin").read_bytes()[512:1024].ljust(1 << 20, b"\0"))
    return IMAGES / image.name


def words(name: str, text: str, *more: object) -> list[str]:
    return ["virt-install", "--name", name, *text.split(), *map(str, more)]


def printed(tools, text: str) -> ElementTree.Element:
    """The <domain> that --print-xml prints: the last one, where there is an installation."""
    return ElementTree.fromstring(tools(*words("printed", text, "--print-xml")).split("</domain>")[-2] + "</domain>")


# ---- installations ----


def test_the_guides_line_installs_a_guest(tools, serial):
    """As it stands: from a tree on a server, onto a disk whose pool is made as well; then the guest starts from that."""
    done = tools.run(*GUIDE.split(), "--serial", serial.option)
    assert done.returncode == 0, done
    assert "--os-type is deprecated" in done.stderr
    steps = ("Retrieving 'vmlinuz'", "Allocating 'guest1-rhel7-64.img'", "Domain creation completed", "Restarting guest")
    assert [step for step in steps if step not in done.stdout] == [], done.stdout
    said = serial.wait(UP + "tree")
    assert f"inst.repo={URL}" in said and "installer: done vda" in said
    name = "guest1-rhel7-64"
    assert tools.state(name) == "running"
    assert "<kernel>" not in tools.xml(name, "/domain/os", "--inactive")
    assert [tools.xml(name, f"/domain/{part}/text()").strip() for part in ("vcpu", "memory")] == ["2", "2097152"]
    assert "<interface" not in tools("virsh", "dumpxml", name)
    assert "guest1-rhel7-64.img" in tools("virsh", "vol-list", "images")
    assert re.search(r"images +running +yes", tools("virsh", "pool-list", "--details"))


def test_an_installation_on_the_terminal(tools, tmp_path):
    """From a directory; the installer reboots, which ends its guest, and the console is that of the installed system."""
    answers = tmp_path / "answers"
    answers.write_text("all defaults")
    terminal = tools.terminal(
        *words("console", SMALL, "--graphics", "none", "--location", TREE, "--disk", "size=0.1"),
        "--initrd-inject", answers, "--extra-args", "console=ttyS0 installer.end=reboot",
    )  # fmt: skip
    terminal.expect("Running text console command: virsh")
    terminal.expect("installer: words .*installer.end=reboot")
    terminal.expect("installer: answers all defaults")
    terminal.expect("installer: done vda")
    terminal.expect("Restarting guest")
    terminal.expect("Escape character")
    terminal.send("\r")
    terminal.expect(UP + "tree")
    terminal.send("q")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    wait_until(lambda: tools.state("console") == "shut off", "the guest powers off")


def test_an_installation_from_a_cd(tools, serial):
    """The CD is taken out afterwards."""
    printed = tools(*words("cd", HEADLESS, "--cdrom", MEDIUM, "--disk", "size=0.1,format=qcow2", "--wait", "5"), "--serial", serial.option)
    assert "Domain creation completed" in printed and "Restarting guest" in printed
    said = serial.wait(UP + "medium")
    assert "installer: medium\ninstaller: done" in said
    assert "medium.iso" not in tools("virsh", "dumpxml", "cd", "--inactive")
    assert tools.xml("cd", "//disk[@device='cdrom']/target", "--inactive")
    assert "cd.qcow2" in tools.xml("cd", "//disk[@device='disk']/source")


def test_an_installation_from_a_tree_on_a_cd(tools):
    location = f"{MEDIUM},kernel=images/pxeboot/vmlinuz,initrd=images/pxeboot/initrd.img"
    install = tools(*words("iso", HEADLESS, "--disk", "none", "--location", location, "--print-xml", "1"))
    assert re.search(r"<kernel>/.*vmlinuz.*</kernel>", install) and "<on_reboot>destroy" in install and "medium.iso" in install
    final = tools(*words("iso", HEADLESS, "--disk", "none", "--location", location, "--print-xml", "2"))
    assert "<kernel>" not in final and "medium.iso" not in final


def test_the_system_of_a_tree_is_detected(tools):
    found = printed(tools, f"--memory 192 --graphics none --network none --disk none --osinfo detect=on --location {URL}")
    assert "http://redhat.com/rhel/7.0" in ElementTree.tostring(found, "unicode")


def test_cloud_init(tools, serial, tmp_path):
    """Its medium is in the guest, and gone when that is started again."""
    data = tmp_path / "user-data"
    data.write_text("#cloud-config\nhostname: cloudy\n")
    boot = f"kernel={TREE}/images/pxeboot/vmlinuz,initrd={TREE}/images/pxeboot/initrd.img"
    tools(*words("cloud", HEADLESS, "--disk", "none", "--boot", boot, "--cloud-init", f"user-data={data}"), "--serial", serial.option)
    said = serial.wait("installer: no disk")
    assert "installer: cidata user-data\n#cloud-config\nhostname: cloudy" in said
    assert "cloudinit" not in tools("virsh", "dumpxml", "cloud", "--inactive")


def test_interrupted_while_it_waits(tools, installed):
    """The guest runs on, as virt-install leaves it, and can be told what to do."""
    terminal = tools.terminal(*words("waits", IMPORT, "--disk", installed, "--wait"))
    terminal.expect("Waiting for the installation to complete")
    terminal.sendintr()
    terminal.expect("Domain install interrupted")
    terminal.expect(pexpect.EOF)
    assert tools.state("waits") == "running"
    assert "None" in tools("virsh", "domjobinfo", "waits")
    tools("virsh", "destroy", "waits")


# ---- guests without an installation ----


def test_an_existing_disk_is_booted(tools, installed, serial):
    said = tools(*words("import", IMPORT, "--disk", installed, "--autostart"), "--serial", serial.option)
    assert "Creating domain" in said and "Domain creation completed" in said
    serial.wait(UP + "medium")
    assert tools("virsh", "list", "--autostart", "--persistent", "--name").split() == ["import"]
    assert "ready.img" in tools("virsh", "vol-list", "images")


def test_a_transient_guest(tools, installed):
    tools(*words("transient", IMPORT, "--disk", installed, "--transient"))
    assert tools("virsh", "list", "--transient", "--name").split() == ["transient"]
    tools("virsh", "destroy", "transient")
    assert tools.defined() == []


def test_a_guest_that_boots_by_uefi(tools):
    """Its own variables go with it."""
    tools(*words("uefi", f"{IMPORT} --disk none --boot uefi --tpm emulator,model=tpm-crb,version=2.0"))
    assert tools.state("uefi") == "running"
    nvram = pathlib.Path(tools.xml("uefi", "/domain/os/nvram/text()").strip())
    assert nvram.name.startswith("uefi") and nvram.exists()
    tools("virsh", "destroy", "uefi")
    tools("virsh", "undefine", "uefi", "--nvram")
    assert not nvram.exists()


def test_nothing_is_made_by_a_dry_run(tools):
    assert "Dry run completed successfully" in tools(*words("dry", f"{IMPORT} --disk size=1 --dry-run"))
    assert tools.defined() == []
    assert list((tools.libvirt / "images").iterdir()) == []


def test_a_disk_is_taken_away_with_a_guest_that_could_not_be_made(tools):
    errors = tools.fails(*words("torn", f"{IMPORT} --disk size=0.1 --boot kernel=/nowhere/vmlinuz"))
    assert "/nowhere/vmlinuz" in errors and "Domain installation does not appear to have been successful" in errors
    assert tools.defined() == []
    assert list((tools.libvirt / "images").iterdir()) == []


# All that virt-install has an option for and that is served, but for what another guest of these has.
EVERYTHING = """
    --uuid 11111111-2222-3333-4444-555555555555 --metadata title=Everything,description=All --import --osinfo rhel7.0
    --memory 256,hotplugmemorymax=1024,hotplugmemoryslots=2 --vcpus 2,maxvcpus=4,sockets=1,cores=4,threads=1
    --cpu qemu64,+aes,disable=svm,cell0.cpus=0-3,cell0.memory=262144 --machine q35
    --boot hd,cdrom,menu=on,bios.useserial=on --noautoconsole --noreboot --autostart
    --disk size=0.1,format=qcow2,bus=virtio,cache=none,io=native,discard=unmap,serial=DISK1
    --disk size=0.1,bus=scsi,format=raw --disk size=0.1,bus=scsi,readonly=on --disk size=0.1,bus=usb
    --disk device=cdrom,bus=sata --disk device=floppy
    --controller type=scsi,model=virtio-scsi --controller type=usb,model=qemu-xhci
    --network user,model=virtio,mac=52:54:00:aa:bb:01 --network type=user,model=e1000e,link.state=down
    --network user,model=rtl8139
    --graphics vnc,listen=127.0.0.1,password=geheim,port=5999 --graphics spice,listen=none,image_compression=glz
    --video virtio --video qxl --sound ich9 --audio type=none,id=1 --input tablet,bus=usb --input keyboard,bus=virtio
    --serial pty --parallel null --console pty,target.type=virtio
    --channel unix,target.type=virtio,target.name=org.qemu.guest_agent.0 --channel spicevmc,target.type=virtio
    --redirdev usb,type=spicevmc --filesystem /var/lib/libvirt/boot,share --memballoon model=virtio,autodeflate=on --rng /dev/urandom
    --watchdog i6300esb,action=reset --tpm emulator,model=tpm-crb,version=2.0 --panic default
    --shmem name=shmem0,model.type=ivshmem-plain,size=4,size.unit=M --memdev dimm,target.size=64,target.node=0
    --iothreads 2 --features kvm.hidden.state=on,smm.state=on --clock offset=utc,rtc_tickpolicy=catchup
    --pm suspend_to_mem=off,suspend_to_disk=off
    --events on_poweroff=destroy,on_reboot=restart,on_crash=preserve
    --sysinfo type=smbios,bios.vendor=Ours --memorybacking nosharepages=yes --seclabel type=none --numatune 0
    --cputune vcpupin0.vcpu=0,vcpupin0.cpuset=0 --qemu-commandline=-global --qemu-commandline=isa-debugcon.iobase=0x402
"""
COUNTS = {
    "disk": 6, "interface": 3, "graphics": 2, "video": 2, "sound": 1, "input": 4, "serial": 1, "parallel": 1,
    "console": 2, "channel": 2, "redirdev": 1, "filesystem": 1, "memballoon": 1, "rng": 1, "watchdog": 1, "tpm": 1,
    "panic": 1, "shmem": 1, "memory": 1,
}  # fmt: skip


def test_every_option(tools):
    tools(*words("everything", EVERYTHING))
    assert tools("virsh", "list", "--autostart", "--inactive", "--name").split() == ["everything"]
    devices = ElementTree.fromstring(tools("virsh", "dumpxml", "everything", "--security-info")).find("devices")
    assert {tag: len(devices.findall(tag)) for tag in COUNTS} == COUNTS
    assert devices.find("graphics[@type='vnc']").get("passwd") == "geheim"
    assert devices.find("console/target").get("type") == "serial"
    tools("virsh", "start", "everything")
    assert tools.state("everything") == "running"


# What virt-install offers and airlockd has not: the name of it is in the refusal.
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--smartcard passthrough,type=spicevmc", "<smartcard>"),
        ("--network bridge=nowhere0", "nowhere0"),
        ("--network network=nowhere", "nowhere"),
    ],
)
def test_what_is_not_served_is_refused_by_name(tools, options, named):
    errors = tools.fails(*words("refused", f"{IMPORT} --disk none {options}"))
    assert re.search(rf"ERROR +.*{named}", errors), errors
    assert tools.defined() == []


def test_a_name_that_is_taken(tools):
    tools(*words("taken", f"{IMPORT} --disk none --noreboot"))
    errors = tools.fails(*words("taken", f"{IMPORT} --disk none"))
    assert "Guest name 'taken' is already in use" in errors


def test_a_disk_that_another_guest_has(tools, installed):
    tools(*words("owner", f"{IMPORT} --noreboot", "--disk", installed))
    errors = tools.fails(*words("other", IMPORT, "--disk", installed))
    assert f"Disk {installed} is already in use by other guests ['owner']" in errors
    tools(*words("other", IMPORT, "--disk", installed, "--check", "path_in_use=off"))


# ---- host devices ----


def node_name(address: str) -> str:
    return "pci_" + re.sub("[:.]", "_", address)


@needs_pci
def test_the_forms_of_a_host_device(tools):
    """To start it, the host would need an IOMMU."""
    address = DEVICES[-1]
    forms = f"""
        --host-device={node_name(address)} --host-device {address} --hostdev {address.removeprefix("0000:")}
        --hostdev {address},rom.bar=off,boot.order=1,address.type=pci,address.bus=5,address.slot=0
        --hostdev {address},xpath1.set=./rom/@file,xpath1.value=/lib/card.rom,driver.name=vfio
    """
    devices = printed(tools, f"{IMPORT} --disk none {forms}").findall("devices/hostdev")
    kinds = [(device.get("mode"), device.get("type"), device.get("managed")) for device in devices]
    assert kinds == [("subsystem", "pci", "yes")] * 5
    wanted = [int(part, 16) for part in re.split("[:.]", address)]
    for device in devices:
        source = device.find("source/address")
        assert [int(source.get(part), 0) for part in ("domain", "bus", "slot", "function")] == wanted
    assert (devices[3].find("rom").get("bar"), devices[3].find("boot").get("order")) == ("off", "1")
    assert (devices[4].find("rom").get("file"), devices[4].find("driver").get("name")) == ("/lib/card.rom", "vfio")


@needs_pci
def test_a_host_device_with_options_is_defined(tools):
    address = DEVICES[-1]
    device = f"{node_name(address)},rom.bar=off,boot.order=1,address.type=pci,address.domain=0,address.bus=5,address.slot=0"
    tools(*words("card", f"{IMPORT} --machine q35 --noreboot --disk none --hostdev {device}"))
    written = tools.xml("card", "//hostdev")
    assert 'bar="off"' in written and 'order="1"' in written and 'bus="0x05" slot="0x00"' in written


@needs_pci
@pytest.mark.skipif(os.path.isdir("/sys/kernel/iommu_groups") and os.listdir("/sys/kernel/iommu_groups") != [], reason="an IOMMU")
def test_a_host_device_that_cannot_be_given(tools):
    """It names the device, the cause and the way out; and nothing is left."""
    errors = tools.fails(*words("card", f"{IMPORT} --disk size=0.1 --host-device {node_name(DEVICES[-1])}"))
    assert DEVICES[-1] in errors and "IOMMU" in errors, errors
    assert tools.defined() == []
    assert list((tools.libvirt / "images").iterdir()) == []


@pytest.mark.parametrize("form", ["pci_ffff_00_00_0", "0x1234.0x5678"])
def test_a_host_device_that_is_not_there(tools, form):
    assert form in tools.fails(*words("card", f"{IMPORT} --disk none --host-device {form}"))
    assert tools.defined() == []
