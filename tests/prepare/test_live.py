# SPDX-License-Identifier: LGPL-2.1-or-later
"""`airlock prepare` on a running host: the machine itself, with the files of debian12-bios mounted over its own.

Each test has namespaces of its own, in which /etc, /boot, /usr/sbin and /var/lib are other directories.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
AIRLOCK = os.environ.get("AIRLOCK", "airlock")
SNIPPET = "etc/default/grub.d/zz-airlock.cfg"
PREPARE = f"'{AIRLOCK}' -q prepare --iommu intel"

# What makes a menu of the defaults, so that it is seen when it ran.
UPDATE_GRUB = """\
#!/bin/sh
{first}
cat /etc/default/grub /etc/default/grub.d/*.cfg > /boot/grub/grub.cfg 2> /dev/null
exit 0
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has namespaces of its own")


class Host:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        shutil.copytree(HERE / "debian12-bios" / "before", root, symlinks=True)
        for folder in ("var", "boot/grub", "etc/default/grub.d"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.mounts = ["etc", "boot", "usr/sbin", "var"]
        self.update_grub()

    def update_grub(self, first: str = "") -> None:
        """What it does the first time, before its work."""
        path = self.root / "usr/sbin/update-grub"
        once = f"if mkdir /boot/first 2> /dev/null; then {first}\nfi" if first else ""
        path.write_text(UPDATE_GRUB.format(first=once))
        path.chmod(0o755)

    def run(self, script: str, *before: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        lines = ["set -e", "mount -t tmpfs tmpfs /run"]
        lines += [f"mount --bind '{self.root}/{name}' /{name}" for name in self.mounts]
        lines += [*before, "set +e", script]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c"]
        return subprocess.run(
            [*unshare, "\n".join(lines)], capture_output=True, text=True, check=False, timeout=120,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **(env or {})})

    def tree(self) -> dict[str, bytes]:
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path / "host")


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done
    assert all(word in done.stderr for word in words), done.stderr


def test_there_and_back(host: Host) -> None:
    host.run("update-grub")
    before = host.tree()
    done = host.run(PREPARE)
    assert (done.returncode, done.stderr) == (0, "")
    assert b"intel_iommu=on" in (host.root / "boot/grub/grub.cfg").read_bytes()
    done = host.run(f"'{AIRLOCK}' -q prepare --undo")
    assert (done.returncode, done.stderr) == (0, "")
    assert host.tree() == before


@pytest.mark.parametrize(("name", "said"), [("INT", "Interrupt"), ("TERM", "Terminated"), ("HUP", "Hangup")])
def test_an_interrupted_command_is_taken_back_at_once(host: Host, name: str, said: str) -> None:
    """The command is ended with all that it started; the menu is made again of what was before."""
    host.update_grub(f"sleep 1000 & kill -{name} $PPID; sleep 1000")
    before = host.tree()
    done = host.run(f"{PREPARE}; status=$?; pgrep -x sleep && exit 9; exit $status")
    refused(done, f"interrupted by {said}: 'update-grub'", "all files are as they were")
    after = host.tree()
    assert b"intel_iommu" not in after.pop("boot/grub/grub.cfg")
    before.pop("boot/grub/grub.cfg", None)
    assert after == before


def test_one_run_at_a_time(host: Host) -> None:
    host.update_grub(f"{PREPARE} 2> /boot/second")
    assert host.run(PREPARE).returncode == 0
    said = (host.root / "boot/second").read_text()
    assert "another airlock prepare is at work here (process " in said


def test_a_container_is_told_so(host: Host) -> None:
    before = host.tree()
    refused(host.run(PREPARE, env={"container": "lxc"}), "container (lxc)", "on the host")
    assert host.tree() == before


def test_a_chroot_is_told_so(host: Host) -> None:
    script = f"""
        mount -t tmpfs tmpfs /mnt
        for name in usr lib lib64 bin proc sys dev; do
            [ -e /$name ] || continue
            mkdir -p /mnt/$name && mount --rbind /$name /mnt/$name
        done
        cp '{AIRLOCK}' /mnt/airlock
        unshare --root=/mnt /airlock prepare --iommu intel
    """
    refused(host.run(script), "this is a chroot", "--root")


def test_others_than_root_are_told_at_once(host: Host) -> None:
    as_nobody = f"cp '{AIRLOCK}' /run/airlock; setpriv --reuid=65534 --regid=65534 --clear-groups /run/airlock -q prepare"
    refused(host.run(f"{as_nobody} --iommu intel"), "has to be run by root", "--dry-run")
    done = host.run(f"{as_nobody} --iommu intel --dry-run")
    assert done.returncode == 0 and f"+++ /{SNIPPET}" in done.stdout


@pytest.mark.parametrize(("prepared", "said"), [
    ("mount -t tmpfs -o size=64k tmpfs /boot; mkdir /boot/grub", "/boot has 0 MiB left"),
    ("mount -o remount,bind,ro /boot", "/boot is mounted read-only"),
    ("echo 'UUID=1 /efi vfat defaults 0 0' >> /etc/fstab", "/efi stands in /etc/fstab and is not mounted"),
])
def test_a_boot_that_takes_nothing_is_named(host: Host, prepared: str, said: str) -> None:
    refused(host.run(PREPARE, prepared), said, "hint:")
    assert SNIPPET not in host.tree() and "var/lib/airlock" not in "".join(host.tree())
