# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-install, virt-xml and virt-clone as a person on the daemon's own host runs them: with the default connection, the
host's own /var/lib/libvirt and the install tree on a server at http://127.0.0.1/.
"""

import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable

import daemons
import pexpect

import guests

INSTALL = guests.ROOT / "build" / "lab" / "install"
TREE, MEDIUM = INSTALL / "tree", INSTALL / "medium.iso"
URL = "http://127.0.0.1/os"

BOOT_SECONDS = 180  # of the emulated installer, on a machine that has other things to do; by itself it is 10

UP = "installed: up, by the "  # what an installed system says (lab/guest/installer/disk.S), and by whom

TOOLS = ("virt-install", "virt-xml", "virt-clone", "virsh")

Done = subprocess.CompletedProcess[str]


def why_not() -> str | None:
    """Why these tests cannot be run here, or None."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)}: not installed"
    return None if MEDIUM.exists() else f"{MEDIUM} is not made: lab/prepare"


class Host:
    """A daemon, and the tools in its mount and network namespaces. Emulated: the host has no KVM."""

    def __init__(self, daemon: daemons.Daemon) -> None:
        self.daemon = daemon
        self.home = daemon.directory / "home"
        self.libvirt = daemon.directory / "lib"
        self.server: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        for folder in (self.home, self.libvirt / "images", self.libvirt / "boot"):
            folder.mkdir(parents=True, exist_ok=True)
        if self.daemon.ours:
            self.daemon.inside("mount", "--bind", str(self.libvirt), "/var/lib/libvirt")
        hide_kvm(self.daemon)
        web = self.daemon.directory / "web"
        web.mkdir()
        (web / "os").symlink_to(TREE)
        serve = ["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(web), "80"]
        log = (self.daemon.directory / "web.log").open("wb")
        self.server = subprocess.Popen(self.command(*serve), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.answers(URL + "/.treeinfo"), "the server of the install tree")

    def answers(self, url: str) -> bool:
        script = f"import urllib.request; urllib.request.urlopen('{url}')"
        return self.run("/usr/bin/python3", "-c", script).returncode == 0

    def close(self) -> None:
        if self.server:
            self.server.kill()
            self.server.wait()

    def command(self, *words: object) -> list[str]:
        """These words, run inside."""
        enter = ["nsenter", f"--target={self.daemon.process.pid}", "--mount", "--net", "--wd=/", "--"]
        names = {"HOME": self.home, "OSINFO_USER_DIR": guests.ROOT / "data" / "osinfo", "LC_ALL": "C.UTF-8"}
        env = ["env", "-u", "XDG_CACHE_HOME", "-u", "DISPLAY", *(f"{name}={value}" for name, value in names.items())]
        return [*enter, *env, *map(str, words)]

    def run(self, *words: object) -> Done:
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=BOOT_SECONDS + 60, check=False
        )

    def __call__(self, *words: object) -> str:
        """What a command that succeeds prints on the standard output."""
        done = self.run(*words)
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
        return done.stdout

    def fails(self, *words: object) -> str:
        """What a command that fails says on the standard error."""
        done = self.run(*words)
        assert done.returncode != 0, (done.args, done.stdout, done.stderr)
        return done.stderr

    def terminal(self, *words: object) -> pexpect.spawn:
        """A command on a terminal of its own."""
        first, *rest = self.command(*words)
        return pexpect.spawn(first, rest, timeout=BOOT_SECONDS, encoding="utf-8", codec_errors="replace")

    def xml(self, name: str, xpath: str, *options: str) -> str:
        return self("virsh", "dumpxml", name, "--xpath", xpath, *options)

    def state(self, name: str) -> str:
        return self("virsh", "domstate", name).strip()

    def defined(self) -> list[str]:
        return self("virsh", "list", "--all", "--name").split()

    def clean(self) -> None:
        """Removes all guests, and the disks in the default directory."""
        for name in self.defined():
            self.run("virsh", "destroy", name)
            self.run("virsh", "undefine", name, "--nvram", "--managed-save")
        assert self.defined() == []
        for path in (self.libvirt / "images").iterdir():
            path.unlink()
        assert list((self.libvirt / "boot").iterdir()) == []  # what an installation boots from goes with it


def hide_kvm(daemon: daemons.Daemon) -> None:
    """As virt-install takes KVM wherever the host has it, and that of a virtual machine may not work: what nobody may write
    to is none."""
    if not pathlib.Path("/dev/kvm").exists():
        return
    none = daemon.directory / "no-kvm"
    none.touch()
    daemon.inside("mount", "--bind", str(none), "/dev/kvm")
    daemon.inside("mount", "-o", "remount,bind,ro", "/dev/kvm")


def wait_until(happens: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


class SerialLog:
    """What a guest says on its serial port, in a file."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.option = f"pty,log.file={path},log.append=on"

    def text(self) -> str:
        return self.path.read_text(errors="replace").replace("\r", "") if self.path.exists() else ""

    def wait(self, text: str) -> str:
        wait_until(lambda: text in self.text(), f"no '{text}' in:\n{self.text()}", BOOT_SECONDS)
        return self.text()
