# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts for the doctor: a short description becomes the files that a kernel would show.

A Machine is a set of files below a root. It can begin with a captured host (NAME.capture), and what
it says of a PCI function goes into sysfs and into a configuration space that is made to fit.
"""

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM, BRIDGE = 0, 4, 5, 6, 7
ACS_ALL = 0x1d  # source validation, request and completion redirect, upstream forwarding


@dataclass
class Function:
    """address, ids "8086:1539", class 0x020000; parent is the address of the bridge above."""
    address: str
    ids: str
    pci_class: int
    driver: str = ""
    group: int | None = None
    parent: str = ""
    kind: int = ENDPOINT
    acs: tuple[int, int] | None = None  # what it can, what is on
    reset: str | None = "flr bus"       # None: a kernel without the file
    bars: list = field(default_factory=list)  # (start, size)
    silent: bool = False                # its configuration space reads as ones
    physfn: str = ""
    virtfns: list = field(default_factory=list)
    vfs_max: int = 0
    files: dict = field(default_factory=dict)

    def config(self):
        """Header, an Express capability at 0x40, MSI-X, and ACS at 0x100."""
        if self.silent:
            return b"\xff" * 256
        vendor, device = (int(part, 16) for part in self.ids.split(":"))
        space = bytearray(4096)
        is_bridge = self.kind != ENDPOINT
        struct.pack_into("<HHHH", space, 0, vendor, device, 7, 0x10)
        space[9:12] = struct.pack("<I", self.pci_class)[:3]
        space[0x0e] = 1 if is_bridge else 0
        if self.kind == BRIDGE:
            struct.pack_into("<H", space, 6, 0)
            return bytes(space[:256])
        space[0x34] = 0x40
        flr = 1 << 28 if "flr" in (self.reset or "") else 0
        struct.pack_into("<BBHI", space, 0x40, 0x10, 0x80, self.kind << 4 | 2, flr)
        struct.pack_into("<I", space, 0x4c, 0x43)
        struct.pack_into("<H", space, 0x52, 0x43)
        struct.pack_into("<BB", space, 0x80, 0x11, 0)
        if self.acs:
            struct.pack_into("<IHH", space, 0x100, 0x0001000d, *self.acs)
        return bytes(space)


class Machine:
    def __init__(self, capture=None):
        self.files = {}
        self.links = {}
        self.paths = {}
        if capture:
            self.unpack((HERE / f"{capture}.capture").read_text())

    def put(self, path, data=""):
        self.files[path] = data if isinstance(data, bytes) else (data + "\n").encode()

    def remove(self, prefix):
        for table in (self.files, self.links):
            for path in [p for p in table if p == prefix or p.startswith(prefix + "/")]:
                del table[path]

    def unpack(self, text):
        """tools/capture-host describes the format."""
        directory = ""
        for line in text.splitlines():
            if line.startswith("["):
                directory = line[1:line.index("]")]
            elif line and not line.startswith("#"):
                name, operator, rest = (line + " ").split(" ", 2)
                self.unpack_line(f"{directory}/{name}", operator, rest.rstrip(" "))

    def unpack_line(self, path, operator, rest):
        if operator == "->":
            self.links[path] = rest
        elif operator == ":":
            size, *runs = rest.split()
            data = bytearray(int(size))
            at = 0
            for run in runs:
                if run.startswith("@"):
                    at = int(run[1:], 16)
                else:
                    data[at:at + len(run) // 2] = bytes.fromhex(run)
            self.put(path, bytes(data))
        else:
            self.put(path, rest.replace("\\n", "\n").replace("\\\\", "\\"))

    def cpu(self, vendor, flags, bits=39):
        self.put("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags}\n"
                                 f"address sizes\t: {bits} bits physical, 48 bits virtual")

    def interrupts(self, remapped):
        chips = ("IR-IO-APIC", "IR-PCI-MSI") if remapped else ("IO-APIC", "PCI-MSI")
        self.put("proc/interrupts", "            CPU0\n" + "\n".join(
            f"{number:4}:     12345   {chip}    {number}-edge      something"
            for number, chip in enumerate(chips)))

    def kernel(self, release, cmdline, modules="file"):
        """modules: where vfio is: file, builtin, loaded, none."""
        self.put("proc/sys/kernel/osrelease", release)
        self.put("proc/cmdline", f"BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro {cmdline}".rstrip())
        names = ["vfio", "vfio_iommu_type1", "pci/vfio-pci"] if modules != "none" else []
        lists = {"modules.dep": names if modules in ("file", "loaded") else [],
                 "modules.builtin": names if modules == "builtin" else []}
        for name, entries in lists.items():
            extra = ["kernel/arch/x86/kvm/kvm-intel.ko:", "kernel/arch/x86/kvm/kvm-amd.ko:"]
            self.put(f"lib/modules/{release}/{name}", "\n".join(
                extra * (name == "modules.dep") + [f"kernel/drivers/vfio/{e}.ko:" for e in entries]))
        if modules == "loaded":
            self.put("sys/module/vfio/refcnt", "2")
            self.put("sys/module/vfio_pci/refcnt", "0")
            self.put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N")
            self.put("sys/bus/pci/drivers/vfio-pci/new_id")
            self.put("dev/vfio/vfio")

    def grub(self, configured, made=None):
        """The words in /etc/default/grub, and those in the menu where they differ."""
        self.put("etc/debian_version", "12.8")
        self.put("usr/sbin/update-grub")
        self.put("etc/default/grub", f'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="{configured}"\n'
                                     'GRUB_CMDLINE_LINUX=""')
        words = configured if made is None else made
        self.put("boot/grub/grub.cfg", "menuentry 'Debian' {\n"
                                       f"\tlinux /vmlinuz root=/dev/sda1 ro {words}\n}}")

    def entry(self, words):
        """GRUB with an entry of the Boot Loader Specification, as Fedora and RHEL have it."""
        self.put("boot/grub2/grubenv", "saved_entry=el9")
        self.put("boot/loader/entries/el9.conf",
                 f"title Linux\nlinux /vmlinuz\noptions root=/dev/sda1 ro {words}")

    def ordinary(self, vendor="GenuineIntel", bits=39, efi=True, locked=8192):
        """What any host has: KVM, limits, LSMs, memory."""
        module = "kvm_intel" if vendor == "GenuineIntel" else "kvm_amd"
        self.cpu(vendor, "vmx ept" if module == "kvm_intel" else "svm npt", bits)
        self.put("dev/kvm")
        self.put(f"sys/module/{module}/parameters/nested", "Y")
        self.put("sys/firmware/acpi/tables/FACP", b"FACP")
        if efi:
            self.secure_boot(False)
        self.put("sys/kernel/security/lockdown", "[none] integrity confidentiality")
        self.put("sys/kernel/security/lsm", "lockdown,capability,yama,apparmor")
        self.put("proc/self/limits", "Limit                     Soft Limit   Hard Limit   Units\n"
                 f"Max locked memory         {locked * 1024}      {locked * 1024}      bytes")
        self.memory(32 << 20)
        self.put("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids")
        self.put("usr/bin/qemu-system-x86_64")

    def memory(self, kib, pages=0, free=0):
        self.put("proc/meminfo", f"MemTotal:       {kib} kB\nHugePages_Total:   {pages}\n"
                                 f"HugePages_Free:    {free}\nHugepagesize:       2048 kB")

    def secure_boot(self, on):
        self.put("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                 bytes([6, 0, 0, 0, int(on)]))

    def dmar(self, flags=1, units=2, regions=(), width=39):
        """regions: (start, end, bus, device, function)"""
        body = b"".join(struct.pack("<HHBBHQ", 0, 16, int(n == units - 1), 0, 0, 0xfed90000 + n * 4096)
                        for n in range(units))
        for start, end, bus, device, function in regions:
            body += struct.pack("<HHHHQQ", 1, 32, 0, 0, start, end)
            body += bytes([1, 8, 0, 0, 0, bus, device, function])
        self.put("sys/firmware/acpi/tables/DMAR", table(b"DMAR", bytes([width - 1, flags]) + bytes(10) + body))

    def ivrs(self, info=0x203041, regions=()):
        """info: EFRSup, 48 bits of physical and 64 of virtual address."""
        body = struct.pack("<BBHHHQHHI", 0x10, 0xb0, 24, 2, 0x40, 0xfd000000, 0, 0, 0)
        body += struct.pack("<BBHHHQHHI", 0x11, 0xb0, 24, 2, 0x40, 0xfd000000, 0, 0, 0)
        for start, length, device in regions:
            body += struct.pack("<BBHHHQQQ", 0x21, 8 | 1, 32, device, 0, 0, start, length)
        self.put("sys/firmware/acpi/tables/IVRS", table(b"IVRS", struct.pack("<IQ", info, 0) + body))

    def intel_units(self, number, ecap=0xf020df, cap=0xd2008c40660462):
        for unit in range(number):
            base = f"sys/devices/virtual/iommu/dmar{unit}"
            self.put(f"{base}/intel-iommu/cap", f"{cap:x}")
            self.put(f"{base}/intel-iommu/ecap", f"{ecap:x}")
            self.links[f"sys/class/iommu/dmar{unit}"] = f"../../devices/virtual/iommu/dmar{unit}"

    def amd_unit(self):
        self.put("sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0/amd-iommu/features", "206d73ef22254ade")
        self.links["sys/class/iommu/ivhd0"] = "../../devices/pci0000:00/0000:00:00.2/iommu/ivhd0"

    def add(self, *functions, group_type="DMA-FQ", regions=None):
        """Parents come before what is behind them. regions: lines of a group's reserved_regions."""
        for function in functions:
            self.add_function(function)
            if function.group is not None:
                base = f"sys/kernel/iommu_groups/{function.group}"
                lines = ["0x00000000fee00000 0x00000000feefffff msi"] + (regions or {}).get(function.group, [])
                self.put(f"{base}/type", group_type)
                self.put(f"{base}/reserved_regions", "\n".join(lines))
                self.links[f"{base}/devices/{function.address}"] = (
                    "../../../../" + self.paths[function.address].removeprefix("sys/"))

    def add_function(self, f):
        above = self.paths[f.parent] if f.parent else f"sys/devices/pci{f.address[:7]}"
        path = self.paths[f.address] = f"{above}/{f.address}"
        vendor, device = f.ids.split(":")
        uevent = [f"DRIVER={f.driver}"] * bool(f.driver)
        uevent += [f"PCI_CLASS={f.pci_class:X}", f"PCI_ID={f.ids.upper()}", "PCI_SUBSYS_ID=0000:0000",
                   f"PCI_SLOT_NAME={f.address}"]
        bars = (f.bars + [(0, 0)] * 6)[:6] + [(0, 0)]
        lines = [f"{s:#018x} {s + n - 1 if n else 0:#018x} {0x14220c if n else 0:#018x}" for s, n in bars]
        texts = {"uevent": "\n".join(uevent), "vendor": f"0x{vendor}", "device": f"0x{device}",
                 "class": f"{f.pci_class:#08x}", "resource": "\n".join(lines), "numa_node": "-1",
                 "revision": "0x01", "subsystem_vendor": "0x0000", "subsystem_device": "0x0000"}
        if f.reset is not None:
            texts["reset_method"] = f.reset
        if f.reset:
            texts["reset"] = ""
        if f.vfs_max:
            texts |= {"sriov_totalvfs": str(f.vfs_max), "sriov_numvfs": str(len(f.virtfns))}
        for name, text in (texts | f.files).items():
            self.put(f"{path}/{name}", text)
        self.put(f"{path}/config", f.config())
        up = "../" * (path.count("/"))
        if f.driver:
            self.links[f"{path}/driver"] = f"{up}bus/pci/drivers/{f.driver}"
            self.put(f"sys/bus/pci/drivers/{f.driver}/new_id")
        if f.group is not None:
            self.links[f"{path}/iommu_group"] = f"{up}kernel/iommu_groups/{f.group}"
        if f.physfn:
            self.links[f"{path}/physfn"] = f"../{f.physfn}"
        for number, vf in enumerate(f.virtfns):
            self.links[f"{path}/virtfn{number}"] = f"../{vf}"
        self.links[f"sys/bus/pci/devices/{f.address}"] = "../../../" + path.removeprefix("sys/")

    def write(self, root):
        for path, data in self.files.items():
            target = Path(root) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        for path, to in self.links.items():
            target = Path(root) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(to, target)


def table(signature, body):
    """The ACPI header, 36 bytes, before it."""
    head = signature + struct.pack("<IBB6s8sI4sI", 36 + len(body), 1, 0, b"AIRLCK", b"TESTHOST", 1, b"TEST", 1)
    return head + body
