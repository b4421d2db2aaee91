# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hosts that the doctor is shown: real-looking ones by description, captured ones as they are."""

from machine import ACS_ALL, BRIDGE, ROOT_PORT, Function, Machine

BARS = [(0xf0000000, 0x100000)]
LARGE = [(0xf0000000, 0x1000000), (0x6000000000, 16 << 30)]
NVIDIA, NVIDIA_AUDIO = "10de:1b80", "10de:10f0"


def gpu(slot="01", parent="0000:00:01.0", group=1, driver="nouveau", ids=NVIDIA, **more):
    """A graphics card with its sound function, which only a bus reset resets."""
    return [Function(f"0000:{slot}:00.0", ids, 0x030000, driver, group, parent, reset="bus", bars=BARS, **more),
            Function(f"0000:{slot}:00.1", NVIDIA_AUDIO, 0x040300, "snd_hda_intel", group, parent, reset="bus",
                     bars=[(0xf2000000, 0x4000)])]


def port(address, group, acs=(ACS_ALL, ACS_ALL), ids="8086:a110"):
    return Function(address, ids, 0x060400, "pcieport", group, kind=ROOT_PORT, acs=acs, reset="pm")


def nic(address="0000:02:00.0", parent="0000:00:1c.0", group=3, **more):
    return Function(address, "8086:1533", 0x020000, "igb", group, parent, bars=[(0xf7000000, 0x80000)], **more)


def desktop(groups=True, acs=(ACS_ALL, ACS_ALL)):
    """What an Intel desktop has on its buses; without IOMMU there are no groups."""
    functions = [Function("0000:00:00.0", "8086:591f", 0x060000, "", 0, reset=""),
                 port("0000:00:01.0", 1, ids="8086:1901", acs=None), *gpu(),
                 Function("0000:00:14.0", "8086:a12f", 0x0c0330, "xhci_hcd", 2, reset="pm", bars=BARS),
                 port("0000:00:1c.0", 3 if acs != (ACS_ALL, ACS_ALL) else 4, acs), nic()]
    for function in functions:
        function.group = function.group if groups else None
    return functions


def intel(cmdline="intel_iommu=on iommu=pt", groups=True, remapped=True, modules="file", **more):
    machine = Machine()
    machine.ordinary()
    machine.kernel("6.1.0-28-amd64", cmdline, modules)
    machine.interrupts(remapped and groups)
    machine.grub(cmdline)
    machine.add(*desktop(groups), **more)
    if groups:
        machine.intel_units(2)
    return machine


def intel_desktop():
    machine = intel(regions={2: ["0x000000003a000000 0x000000003a0fffff direct-relaxable"]})
    machine.dmar(regions=[(0x3a000000, 0x3a0fffff, 0, 0x14, 0)])
    return machine


def intel_vtd_off():
    return intel("quiet", groups=False)


def intel_no_word():
    machine = intel("quiet", groups=False)
    machine.dmar()
    return machine


def intel_next_boot():
    """The word was added, the menu made anew, and the host not yet booted."""
    machine = intel("quiet", groups=False)
    machine.dmar(flags=5)
    machine.grub("intel_iommu=on iommu=pt")
    return machine


def menu_forgotten():
    machine = intel()
    machine.dmar()
    machine.grub("intel_iommu=on iommu=pt", "quiet")
    return machine


def iommu_turned_off():
    machine = intel("intel_iommu=on iommu=off", groups=False)
    machine.dmar()
    return machine


def intel_missing_acs():
    """Two root ports of the chipset in one group: one without ACS, one with it switched off."""
    machine = Machine()
    machine.ordinary()
    machine.dmar()
    machine.kernel("6.1.0-28-amd64", "intel_iommu=on")
    machine.interrupts(True)
    machine.grub("intel_iommu=on")
    machine.intel_units(2)
    machine.add(Function("0000:00:00.0", "8086:591f", 0x060000, "", 0, reset=""),
                port("0000:00:1c.0", 3, None), nic(), port("0000:00:1c.4", 3, (ACS_ALL, 1)),
                Function("0000:03:00.0", "144d:a808", 0x010802, "nvme", 3, "0000:00:1c.4", bars=BARS),
                Function("0000:00:1e.0", "8086:244e", 0x060401, "", 5, kind=BRIDGE, reset=""),
                Function("0000:05:00.0", "1102:0004", 0x040100, "snd_emu10k1", 5, "0000:00:1e.0", reset=""),
                Function("0000:05:01.0", "10ec:8169", 0x020000, "r8169", 5, "0000:00:1e.0", reset=""))
    return machine


def without_root():
    """The one before, as others than root see it: 64 bytes of each configuration space."""
    machine = intel_missing_acs()
    for path in [path for path in machine.files if path.endswith("/config")]:
        machine.files[path] = machine.files[path][:64]
    machine.put("sys/kernel/security/apparmor/profiles", "swtpm (enforce)\nqemu-system-x86_64 (enforce)")
    return machine


def acs_override():
    machine = intel("intel_iommu=on pcie_acs_override=downstream,multifunction")
    machine.dmar()
    machine.grub("intel_iommu=on pcie_acs_override=downstream,multifunction")
    return machine


def amd_desktop():
    """The captured one, with what the doctor reads besides."""
    machine = Machine("amd-desktop")
    machine.ordinary("AuthenticAMD", 48)
    machine.ivrs(regions=[(0x7e000000, 0x1000, 0x3 << 3)])
    machine.kernel("6.12.9-amd64", "iommu=pt", "loaded")
    machine.interrupts(True)
    machine.grub("iommu=pt")
    machine.memory(64 << 20, 1024, 1000)
    machine.put("proc/self/mountinfo", machine.files["proc/self/mountinfo"].decode().rstrip("\n")
                + "\n40 30 0:35 / /dev/hugepages rw - hugetlbfs hugetlbfs rw")
    return machine


def no_iommu():
    """An old board without UEFI."""
    machine = Machine()
    machine.ordinary(efi=False)
    machine.cpu("GenuineIntel", "vmx", 36)
    machine.kernel("6.1.0-28-amd64", "quiet")
    machine.interrupts(False)
    machine.grub("quiet")
    machine.add(port("0000:00:1c.0", None, None), nic(group=None))
    return machine


def no_virtualization():
    """VT-x and VT-d are both off."""
    machine = intel_vtd_off()
    machine.cpu("GenuineIntel", "sse2")
    machine.remove("dev/kvm")
    return machine


def laptop_switchable():
    """The second graphics chip sleeps without power."""
    machine = intel(modules="loaded")
    machine.dmar(regions=[(0x9b800000, 0x9fffffff, 0, 2, 0)])
    machine.remove("sys/devices/pci0000:00/0000:00:01.0/0000:01:00.1")
    for path in ("sys/bus/pci/devices/0000:01:00.1", "sys/kernel/iommu_groups/1/devices/0000:01:00.1"):
        del machine.links[path]
    machine.add(Function("0000:00:02.0", "8086:591b", 0x030000, "i915", 9, bars=BARS),
                Function("0000:01:00.0", "10de:1c8d", 0x030200, "nouveau", 1, "0000:00:01.0", silent=True,
                         files={"d3cold_allowed": "1", "power/control": "auto", "power_state": "D3cold"}),
                regions={9: ["0x000000009b800000 0x000000009fffffff direct-relaxable"]})
    return machine


def server_256_vfs():
    """One network card with 256 virtual functions, half of them on VFIO; an HBA that firmware holds."""
    machine = Machine()
    machine.ordinary(bits=46, locked=64)
    machine.dmar(units=4, width=46, regions=[(0x5ff0000, 0x5ffffff, 0, 0x1d, 0)], flags=3)
    machine.kernel("5.14.0-503.el9.x86_64", "intel_iommu=on iommu=pt hugepagesz=1G hugepages=16", "loaded")
    machine.interrupts(True)
    machine.entry("intel_iommu=on iommu=pt hugepagesz=1G hugepages=16")
    machine.intel_units(4)
    vfs = [f"0000:3b:{(n + 16) >> 3 & 31:02x}.{n & 7}" if n < 128 else f"0000:3c:{n - 128 >> 3:02x}.{n & 7}"
           for n in range(256)]
    machine.add(port("0000:3a:00.0", 20),
                Function("0000:3b:00.0", "15b3:101b", 0x020000, "mlx5_core", 21, "0000:3a:00.0", bars=LARGE,
                         virtfns=vfs, vfs_max=256),
                *(Function(address, "15b3:101c", 0x020000, "vfio-pci" if n % 2 else "mlx5_core", 100 + n,
                           "0000:3a:00.0", reset="flr", physfn="0000:3b:00.0")
                  for n, address in enumerate(vfs)),
                port("0000:80:00.0", 30),
                Function("0000:81:00.0", "1000:005d", 0x010400, "megaraid_sas", 31, "0000:80:00.0", bars=BARS),
                group_type="identity",
                regions={31: ["0x0000000005ff0000 0x0000000005ffffff direct"]})
    for n in range(1, 256, 2):
        machine.put(f"dev/vfio/{100 + n}")
    machine.put("sys/fs/cgroup/system.slice/memory.max", str(8 << 30))
    return machine


def old_server(accepts):
    """The unit has no interrupt remapping (its extended capability register says so)."""
    machine = intel(remapped=False, modules="loaded")
    machine.dmar(flags=0)
    machine.intel_units(1, ecap=0x1000)
    if accepts:
        machine.put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y")
        machine.put("etc/modprobe.d/vfio.conf", "# accepted\noptions vfio_iommu_type1 allow_unsafe_interrupts=1")
    return machine


def unsafe_not_needed():
    machine = intel(modules="loaded")
    machine.dmar()
    machine.put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y")
    return machine


def secure_boot():
    machine = intel()
    machine.remove("boot")
    machine.remove("etc")
    machine.entry("intel_iommu=on iommu=pt")
    machine.dmar()
    machine.secure_boot(True)
    machine.put("sys/kernel/security/lockdown", "none [integrity] confidentiality")
    machine.put("sys/fs/selinux/enforce", "1")
    machine.put("sys/kernel/security/lsm", "lockdown,capability,yama,selinux,bpf")
    return machine


def nested():
    """A virtual machine whose host gave it no virtual IOMMU."""
    machine = Machine()
    machine.ordinary()
    machine.cpu("GenuineIntel", "vmx hypervisor", 40)
    machine.kernel("6.12.9-amd64", "intel_iommu=on")
    machine.interrupts(False)
    machine.grub("intel_iommu=on")
    machine.add(Function("0000:00:02.0", "1af4:1041", 0x020000, "virtio-pci", reset=""))
    return machine


def ids_twice():
    """Two cards of one kind, named twice, and the driver of one was faster."""
    machine = intel("intel_iommu=on vfio-pci.ids=10de:1b80", modules="loaded")
    machine.dmar()
    machine.grub("intel_iommu=on vfio-pci.ids=10de:1b80")
    machine.put("etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1b80,10de:10f0,1234:5678\n"
                                            "softdep snd_hda_intel pre: vfio-pci")
    machine.put("etc/modprobe.d/blacklist.conf", "blacklist vfio_pci")
    machine.put("etc/modules", "# loaded at boot\nvfio_pci")
    machine.add(port("0000:00:1b.0", 7), *gpu("06", "0000:00:1b.0", 8, "vfio-pci"))
    return machine


def hugepages_missing():
    machine = intel()
    machine.dmar()
    machine.put("etc/airlock/guests/big.xml",
                "<domain><name>big</name><memoryBacking><hugepages/></memoryBacking></domain>")
    return machine


def no_room():
    """A BAR that nothing had room for, and a kernel without VFIO."""
    machine = intel(modules="none")
    machine.dmar()
    machine.add(port("0000:00:1b.0", 7),
                Function("0000:06:00.0", "10de:20b0", 0x030200, "", 8, "0000:00:1b.0", reset="bus",
                         bars=[(0xf4000000, 0x1000000), (0, 64 << 30)]),
                port("0000:00:1b.4", 10), *(Function(f"0000:07:00.{n}", "8086:1521", 0x020000, "igb", 11 + n,
                                                     "0000:00:1b.4", reset="bus", bars=BARS) for n in range(2)))
    return machine


def lab(capture):
    """As the lab's hosts were captured: what the capture has not is not known."""
    return lambda: Machine(capture)


HOSTS = {
    "intel-desktop": intel_desktop,
    "intel-vtd-off": intel_vtd_off,
    "intel-no-word": intel_no_word,
    "intel-next-boot": intel_next_boot,
    "menu-forgotten": menu_forgotten,
    "iommu-turned-off": iommu_turned_off,
    "missing-acs": intel_missing_acs,
    "without-root": without_root,
    "acs-override": acs_override,
    "amd": amd_desktop,
    "no-iommu": no_iommu,
    "no-virtualization": no_virtualization,
    "laptop-switchable": laptop_switchable,
    "server-256-vfs": server_256_vfs,
    "old-server": lambda: old_server(False),
    "old-server-unsafe": lambda: old_server(True),
    "unsafe-not-needed": unsafe_not_needed,
    "secure-boot": secure_boot,
    "nested": nested,
    "ids-twice": ids_twice,
    "hugepages-missing": hugepages_missing,
    "no-room": no_room,
    "lab-guide": lab("guide"),
    "lab-bridge": lab("bridge"),
    "captured-laptop": lab("laptop"),
    "captured-server": lab("server"),
}
