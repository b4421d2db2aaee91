# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon of its own for one test session: airlockd, or stock libvirtd for comparison.

    with start("libvirtd", directory) as daemon:
        libvirt.open(daemon.uri)

Nothing of the machine's own daemons is touched: the daemon sees a private /run, and for libvirtd
private /etc/libvirt, /var/lib/libvirt and so on. Its guests end with it.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANDBOX = ROOT / "tests" / "sandbox.py"
# libvirtd probes QEMU for some eight seconds unless it finds what it probed the last time.
CACHE = ROOT / "build" / "cache" / "libvirt"

AIRLOCK_DIRECTORIES = ("config", "state", "log", "cache")

QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
stdio_handler = "file"
namespaces = []
cgroup_controllers = []
remember_owner = 0
"""

LIBVIRTD_CONF = """\
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0600"
"""


def airlockd_path() -> pathlib.Path:
    """The airlockd to test: $AIRLOCKD, else that of ./dev's build directory."""
    given = os.environ.get("AIRLOCKD")
    return pathlib.Path(given) if given else ROOT / "build" / "main" / "src" / "daemon" / "airlockd"


class Daemon:
    """One private daemon; name is 'airlockd' or 'libvirtd'."""

    name = ""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.run = directory / "run"
        self.log = directory / "daemon.log"
        self.socket = self.run / "libvirt" / "libvirt-sock"
        self.socket_ro = self.run / "libvirt" / "libvirt-sock-ro"
        self.uri = f"qemu:///system?socket={self.socket}"
        self.uri_ro = f"qemu:///system?socket={self.socket_ro}"
        self.ours = self.name == "airlockd"
        self.process: subprocess.Popen[str] | None = None

    def binds(self) -> list[tuple[pathlib.Path, str]]:
        return [(self.run, "/run")]

    def command(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        for source, _ in self.binds():
            source.mkdir(parents=True, exist_ok=True)
        # Where stock libvirtd locks the consoles' terminals.
        (self.run / "lock").mkdir(exist_ok=True)

    def open(self) -> None:
        """Makes the namespace and starts the daemon in it."""
        self.prepare()
        pairs = [str(word) for bind in self.binds() for word in bind]
        namespace = "unshare --mount --mount-proc --net --pid --fork --kill-child".split()
        init = [*namespace, "/usr/bin/python3", str(SANDBOX), *pairs, "--", *self.command()]
        self.process = subprocess.Popen(
            init,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("a"),
            text=True,
        )
        self.start()

    def tell(self, line: str) -> str:
        assert self.process and self.process.stdin and self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"the namespace of {self.name} is gone; its log:\n{self.log_text()}")
        return answer

    def inside(self, *command: str) -> str:
        """What a command prints in the daemon's own mount and network namespaces."""
        assert self.process
        enter = ["nsenter", f"--target={self.process.pid}", "--mount", "--net", "--", *command]
        return subprocess.run(enter, check=True, stdout=subprocess.PIPE, text=True).stdout

    def start(self) -> None:
        """Starts the daemon again after end() or kill()."""
        self.tell("start")
        self.wait_until_it_answers()

    def end(self) -> int:
        """Ends the daemon as systemd would; its guests run on. Returns its exit status."""
        return self.signal(signal.SIGTERM)

    def kill(self) -> int:
        return self.signal(signal.SIGKILL)

    def signal(self, number: int) -> int:
        self.tell(f"signal {int(number)}")
        return int(self.tell("wait"))

    def died(self) -> str | None:
        """The exit status of a daemon that ended by itself, else None."""
        status = self.tell("status")
        return None if status == "alive" else status

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(str(self.socket))
                    return
                except OSError as error:
                    if time.monotonic() > deadline or self.died():
                        text = f"{self.name} does not answer: {error}; its log:\n{self.log_text()}"
                        raise RuntimeError(text) from error
            time.sleep(0.02)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self) -> None:
        if not self.process:
            return
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> "Daemon":
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Airlockd(Daemon):
    name = "airlockd"

    def command(self) -> list[str]:
        """With its default sockets and run directory, which lie in the private /run."""
        dirs = [f"--{name}-dir={self.directory / name}" for name in AIRLOCK_DIRECTORIES]
        return [str(airlockd_path()), *dirs]

    def prepare(self) -> None:
        super().prepare()
        for name in AIRLOCK_DIRECTORIES:
            (self.directory / name).mkdir(exist_ok=True)


class Libvirtd(Daemon):
    name = "libvirtd"

    def binds(self) -> list[tuple[pathlib.Path, str]]:
        return [
            *super().binds(),
            (self.directory / "etc", "/etc/libvirt"),
            (self.directory / "lib", "/var/lib/libvirt"),
            (self.directory / "log", "/var/log/libvirt"),
            (self.directory / "cache", "/var/cache/libvirt"),
        ]

    def command(self) -> list[str]:
        return ["libvirtd"]

    def prepare(self) -> None:
        super().prepare()
        etc = self.directory / "etc"
        (etc / "qemu.conf").write_text(QEMU_CONF)
        (etc / "libvirtd.conf").write_text(LIBVIRTD_CONF)
        if CACHE.exists():
            shutil.copytree(CACHE, self.directory / "cache", dirs_exist_ok=True)

    def close(self) -> None:
        super().close()
        probed = self.directory / "cache" / "qemu"
        if probed.exists() and any((probed / "capabilities").glob("*.xml")):
            CACHE.mkdir(parents=True, exist_ok=True)
            shutil.copytree(probed, CACHE / "qemu", dirs_exist_ok=True)


KINDS = {kind.name: kind for kind in (Airlockd, Libvirtd)}


def why_not(name: str) -> str | None:
    """Why this daemon cannot be run here, or None."""
    if os.geteuid() != 0:
        return "needs root: a private daemon lives in its own mount namespace"
    if name == "libvirtd" and not shutil.which("libvirtd"):
        return "libvirtd is not installed"
    if name == "airlockd" and not airlockd_path().exists():
        return f"{airlockd_path()} is not built"
    return None


def start(name: str, directory: pathlib.Path) -> Daemon:
    return KINDS[name](directory)
