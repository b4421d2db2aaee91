# SPDX-License-Identifier: LGPL-2.1-or-later
"""The QEMU process that is a virtual host: its command line, its sockets, its end."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab import paths
from lab.channel import Channel
from lab.qmp import Qmp
from lab.topology import Topology

PORTS = 4  # commands at once; lab/agent/agent.c has the same number

# `quiet` alone saves seconds under emulation; the rest is what a guest of TCG need not do.
CMDLINE = (
    "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check mitigations=off nokaslr cryptomgr.notests "
    "random.trust_cpu=on 8250.nr_uarts=1 selinux=0 apparmor=0 audit=0 net.ifnames=1"
)


class Machine:
    """One run of a host. Everything of it is in its own directory, so any number can run side by side."""

    def __init__(self, topology: Topology, directory: Path, share: Path, console: Path) -> None:
        self.topology = topology
        self.directory = directory
        self.share = share
        self.console = console
        self.qemu_log = directory / "qemu.log"
        self._passed: list[socket.socket] = []
        self.qmp = Qmp(self._socket())
        self.channels = [Channel(self._socket()) for _ in range(PORTS)]
        for disk, size in topology.disks.items():
            _make_disk(directory / f"{disk}.img", disk, size)
        if topology.disk:
            _make_overlay(directory / "root.qcow2", paths.BUILD / f"{topology.disk}.qcow2")
        self.process = self._start()

    def _socket(self) -> socket.socket:
        """Our end of a new pair; QEMU inherits the other."""
        ours, qemus = socket.socketpair()
        self._passed.append(qemus)
        return ours

    def _start(self) -> subprocess.Popen[bytes]:
        # QEMU must not outlive this process, however it ends.
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *self.arguments()]
        (self.directory / "qemu.args").write_text("\n".join(command) + "\n")
        with self.qemu_log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[s.fileno() for s in self._passed],
                start_new_session=True,
            )
        for passed in self._passed:
            passed.close()
        return process

    def arguments(self) -> list[str]:
        return [word for group in self._groups() for word in group]

    def _groups(self) -> Iterator[list[str]]:
        t = self.topology
        qmp, *ports = (s.fileno() for s in self._passed)
        yield ["-name", t.name, "-machine", "q35,kernel-irqchip=off", "-accel", "tcg,thread=multi"]
        yield ["-cpu", "max", "-smp", str(t.cpus), "-m", str(t.memory)]
        yield ["-nodefaults", "-display", "none"]
        yield ["-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console"]
        yield ["-chardev", f"socket,id=qmp,fd={qmp}", "-mon", "chardev=qmp,mode=control"]
        if t.iommu:
            yield ["-device", t.iommu]
        yield from self._from_disk() if t.disk else self._from_kernel()
        yield from self._helpers(ports)
        yield from self._backends()
        for device in t.devices:
            yield ["-device", device]

    def _from_kernel(self) -> Iterator[list[str]]:
        """A reboot is its end."""
        yield ["-no-reboot"]
        yield ["-kernel", str(paths.VMLINUX), "-initrd", str(paths.INITRD), "-append", self._cmdline()]

    def _from_disk(self) -> Iterator[list[str]]:
        """What is written lasts as long as the machine, its reboots included."""
        file = f"file.driver=file,file.filename={self.directory / 'root.qcow2'}"
        yield ["-blockdev", f"qcow2,node-name=root,{file},cache.no-flush=on"]
        yield ["-device", "virtio-blk-pci,drive=root,addr=0x1e,bootindex=1"]

    def _cmdline(self) -> str:
        t = self.topology
        return f"{CMDLINE} {t.cmdline} lab.name={t.name} lab.checkout={paths.CHECKOUT}"

    def _helpers(self, ports: list[int]) -> Iterator[list[str]]:
        """What the lab itself needs, at slots 0x1a to 0x1d: the host's own devices keep their natural addresses."""
        system = [("root", Path("/"), True), ("modules", paths.MODULES, True)]
        if self.topology.disk:
            system = [("checkout", paths.CHECKOUT, True)]
        folders = [*system, ("share", self.share, False)]
        for slot, (tag, path, readonly) in enumerate(folders, start=0x1A):
            suffix = ",readonly=on,multidevs=remap" if readonly else ""
            yield ["-fsdev", f"local,id={tag},path={path},security_model=none{suffix}"]
            yield ["-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag},addr={slot:#x}"]
        yield ["-device", "virtio-serial-pci,id=ports,addr=0x1d"]
        for number, fd in enumerate(ports, start=1):
            yield ["-chardev", f"socket,id=port{number},fd={fd}"]
            yield ["-device", f"virtserialport,bus=ports.0,nr={number},chardev=port{number}"]

    def _backends(self) -> Iterator[list[str]]:
        t = self.topology
        for name in t.network:
            yield ["-netdev", f"hubport,id={name},hubid=0"]
        for name in t.audio:
            yield ["-audiodev", f"none,id={name}"]
        for name in t.disks:
            yield ["-blockdev", f"file,node-name={name},filename={self.directory / name}.img"]
        for name, size in t.blank_disks.items():
            yield ["-blockdev", f"null-co,node-name={name},size={_bytes(size)},read-zeroes=on"]

    def end(self) -> None:
        """Ends QEMU at once; nothing in the host needs a shutdown, as nothing of it is kept."""
        self.process.kill()
        self.process.wait()
        for channel in self.channels:
            channel.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def _bytes(size: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(size[:-1]) * units[size[-1]]


def _make_overlay(image: Path, base: Path) -> None:
    base = base.resolve()  # the next build makes another, and leaves this one alone
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base), str(image)]
    subprocess.run(command, check=True)


def _make_disk(image: Path, label: str, size: str) -> None:
    with image.open("wb") as file:
        os.truncate(file.fileno(), _bytes(size))
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-L", label, str(image)], check=True)
