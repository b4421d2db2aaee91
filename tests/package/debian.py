# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian in which a package is installed: a tree that is read only, below one of its own that goes away with it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What is written is in memory; /sys and /dev are the machine's kernel's, without its devices.
SETUP = """
set -e
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
cp "$3" "$4" "$2/root/tmp/"
mount -t proc proc "$2/root/proc"
mount -t sysfs sysfs "$2/root/sys"
mount -t tmpfs tmpfs "$2/root/run"
exec chroot "$2/root" sh -c 'echo ready; exec sleep infinity'
"""

# What dpkg, ldconfig and adding a group leave behind, whatever the package.
NOT_OURS = ("/var/lib/dpkg", "/var/log", "/var/cache", "/var/lib/systemd", "/tmp", "/run", "/proc", "/sys", "/dev",
            "/etc/group", "/etc/gshadow", "/etc/.pwd.lock", "/etc/passwd-", "/etc/subgid", "/etc/subuid")  # fmt: skip


class Debian:
    def __init__(self, pid: int) -> None:
        self.pid = pid

    def command(self, *command: str) -> list[str]:
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", "--root", "--wd=/",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
                *command]  # fmt: skip

    def try_run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *command: str) -> str:
        result = self.try_run(*command)
        assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}"
        return result.stdout

    def start(self, *command: str) -> subprocess.Popen:
        return subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def path(self, path: str) -> Path:
        return Path(f"/proc/{self.pid}/root{path}")

    def files(self) -> set[str]:
        """All but what is nobody's."""
        names = self.run("find", "/", "-xdev", "-printf", "%p\\n").splitlines()
        return {name for name in names if not name.startswith(NOT_OURS) or "airlock" in name}


def newer_version(package: Path, directory: Path) -> Path:
    """The same package, as if it came later."""
    tree, made = directory / "tree", directory / "newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("".join(f"{line}+newer\n" if line.startswith("Version:") else f"{line}\n" for line in lines))
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


@contextmanager
def boot(root: Path, packages: tuple[Path, Path], directory: Path) -> Iterator[Debian]:
    command = ["unshare", "--mount", "--propagation", "private", "--pid", "--net", "--fork", "--kill-child",
               "sh", "-c", SETUP, "sh", root, directory, *packages]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "ready\n"
            yield Debian(int(Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text()))
        finally:
            holder.kill()
