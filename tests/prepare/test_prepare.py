# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts as they are before and after `airlock prepare`: real-looking trees, one a directory.

HOST/args      options of the command
HOST/before/   the host's files
HOST/dry-run   what --dry-run prints: differences and commands
HOST/after/    the files that were changed or made
HOST/refused   instead of the last two: what is said, where nothing is done

AIRLOCK is the program; AIRLOCK_UPDATE=1 writes what is expected anew.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
AIRLOCK = os.environ.get("AIRLOCK", "airlock")
UPDATE = os.environ.get("AIRLOCK_UPDATE") == "1"
RISK = "a guest can attack this host with interrupts"
STATE = "var/lib/airlock"

HOSTS = sorted(path.parent.name for path in HERE.glob("*/args"))
WITH_GRUB = [path.parents[3].name for path in sorted(HERE.glob("*/before/etc/default/grub"))]
SERVED = [name for name in WITH_GRUB if not (HERE / name / "refused").exists()]


def airlock(root: pathlib.Path, *args: str) -> subprocess.CompletedProcess:
    command = [AIRLOCK, "-q", "prepare", "--root", str(root), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def succeed(root: pathlib.Path, *args: str) -> str:
    done = airlock(root, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def options_of(name: str) -> list[str]:
    return (HERE / name / "args").read_text().split() + ["--accept", RISK]


def tree(root: pathlib.Path) -> dict[str, tuple]:
    """Each file with its bytes and its mode, each link with its target; without our own state."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_file() and not name.startswith(STATE):
            found[name] = (path.read_bytes(), path.stat().st_mode)
    return found


def changed(before: dict[str, tuple], after: dict[str, tuple]) -> dict[str, bytes]:
    assert not before.keys() - after.keys(), "no file of the host is taken away"
    return {name: after[name][0] for name in after if after[name] != before.get(name)}


def write_after(name: str, files: dict[str, bytes]) -> None:
    shutil.rmtree(HERE / name / "after", ignore_errors=True)
    for path, data in files.items():
        target = HERE / name / "after" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def expect(name: str, kind: str, text: str) -> None:
    path = HERE / name / kind
    if UPDATE:
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


@pytest.fixture
def copy(tmp_path: pathlib.Path):
    def make(name: str) -> pathlib.Path:
        root = tmp_path / name
        shutil.copytree(HERE / name / "before", root, symlinks=True)
        return root

    return make


@pytest.mark.parametrize("name", HOSTS)
def test_host(name: str, copy) -> None:
    """A dry run shows what a real one does, a second one does nothing, an undo leaves no trace."""
    root, options = copy(name), options_of(name)
    before = tree(root)
    if UPDATE:
        for kind in ("dry-run", "refused"):
            (HERE / name / kind).unlink(missing_ok=True)
    dry = airlock(root, "--dry-run", *options)
    assert tree(root) == before and not (root / STATE).exists()
    if dry.returncode != 0:
        expect(name, "refused", dry.stderr)
        assert airlock(root, *options).returncode != 0
        assert tree(root) == before and not (root / STATE).exists()
        return
    expect(name, "dry-run", dry.stderr + dry.stdout)
    succeed(root, *options)
    files = changed(before, tree(root))
    if UPDATE:
        write_after(name, files)
    wanted = [path for path in (HERE / name / "after").rglob("*") if path.is_file()]
    assert files == {str(p.relative_to(HERE / name / "after")): p.read_bytes() for p in wanted}
    once = tree(root)
    succeed(root, *options)
    assert tree(root) == once
    succeed(root, "--undo")
    assert tree(root) == before


@pytest.mark.parametrize("name", SERVED)
def test_undo_keeps_what_others_added_since(name: str, copy) -> None:
    root = copy(name)
    succeed(root, *options_of(name))
    path = root / "etc/default/grub"
    top = b"# Someone was here.\nGRUB_GFXMODE=auto\n\n"
    was = (HERE / name / "before/etc/default/grub").read_bytes()
    path.write_bytes(top + path.read_bytes())
    done = airlock(root, "--undo")
    if done.returncode == 0:
        assert path.read_bytes() == top + was
    else:
        # The line of ours is the first one: both touch.
        assert "what others changed since" in done.stdout


def test_undo_does_not_trample(copy) -> None:
    """The same line was changed since: both differences are shown, and nothing is done."""
    root = copy("rhel7")
    succeed(root, "--passthrough", "on")
    path = root / "etc/default/grub"
    path.write_text(path.read_text().replace("rhgb quiet", "nomodeset"))
    now = tree(root)
    done = airlock(root, "--undo")
    assert done.returncode != 0
    assert "nomodeset" in done.stdout and "-GRUB_CMDLINE_LINUX" in done.stdout
    assert tree(root) == now


def test_two_runs_are_undone_together(copy) -> None:
    root = copy("debian12-bios")
    before = tree(root)
    succeed(root, "--passthrough", "on")
    succeed(root, "--passthrough", "off")
    text = (root / "etc/default/grub.d/zz-airlock.cfg").read_text()
    assert "iommu=nopt" in text and "iommu=pt" not in text
    succeed(root, "--undo")
    assert tree(root) == before


def test_an_edit_between_two_runs_survives_the_undo(copy) -> None:
    root = copy("rhel7")
    succeed(root)
    path = root / "etc/default/grub"
    path.write_text("GRUB_GFXMODE=auto\n" + path.read_text())
    succeed(root, "--passthrough", "on")
    succeed(root, "--undo")
    was = (HERE / "rhel7/before/etc/default/grub").read_text()
    assert path.read_text() == "GRUB_GFXMODE=auto\n" + was


ENV_HEAD = "# GRUB Environment Block\n"


def test_undo_keeps_what_grub_wrote_to_its_environment(copy) -> None:
    """The block's size stays, its other variables are the host's, and kernelopts is as before."""
    root = copy("rhel8")
    path = root / "boot/grub2/grubenv"
    was = path.read_text()
    succeed(root)
    assert "intel_iommu=on" in path.read_text()
    now = path.read_text().rstrip("#").replace("boot_success=1\n", "boot_indeterminate=12\n")
    path.write_text(now.ljust(1024, "#"))
    succeed(root, "--undo")
    wanted = was.rstrip("#").replace("boot_success=1\n", "boot_indeterminate=12\n")
    assert path.read_text() == wanted.ljust(1024, "#")


@pytest.mark.parametrize("target", ["/dev/null", "/etc"])
def test_what_is_masked_by_a_link_is_not_replaced(copy, target: str) -> None:
    root = copy("rhel7")
    (root / "dev").mkdir(exist_ok=True)
    (root / "etc/modules-load.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/modules-load.d/airlock.conf").symlink_to(target)
    before = tree(root)
    done = airlock(root)
    assert done.returncode != 0 and "is no regular file" in done.stderr
    assert tree(root) == before


def test_words_go_before_those_of_the_init(copy) -> None:
    """What stands behind "--" is never the kernel's, in whatever variable or file it is."""
    root = copy("debian12-bios")
    path = root / "etc/default/grub"
    was = path.read_text()
    path.write_text(f'{was}GRUB_CMDLINE_LINUX="quiet -- iommu=off"\n')
    before = tree(root)
    succeed(root, "--iommu", "intel")
    assert path.read_text() == f'{was}GRUB_CMDLINE_LINUX="quiet intel_iommu=on -- iommu=off"\n'
    assert not (root / "etc/default/grub.d/zz-airlock.cfg").exists()
    assert airlock(root, "--iommu", "intel", "--dry-run").stdout == ""
    succeed(root, "--undo")
    assert tree(root) == before


TRIALS = {
    "fedora": ("boot/loader/entries", "grub2-reboot airlock-trial", "rhgb quiet iommu=pt"),
    "rhel8": ("boot/loader/entries", "grub2-reboot airlock-trial", "quiet $tuned_params intel_"),
    "arch-systemd-boot": ("boot/loader/entries", "bootctl set-oneshot", "quiet iommu=pt"),
}


def name_the_default(root: pathlib.Path) -> None:
    (root / "boot/grub2/grub.cfg").write_text('set default="${saved_entry}"\nblscfg\n')
    (root / "boot/grub2/grubenv").write_text(f"{ENV_HEAD}saved_entry=aaaa\n")


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_is_an_entry_beside_the_others(name: str, copy) -> None:
    """One file is made, none is changed; the words of a variable of grubenv's are in it."""
    folder, command, words = TRIALS[name]
    root = copy(name)
    (root / "proc/self").mkdir()
    (root / "proc/self/mountinfo").write_text("22 1 8:1 / /boot rw - xfs /dev/sda1 rw\n")
    if name == "fedora":
        name_the_default(root)
    before = tree(root)
    shown = succeed(root, "--trial", "--passthrough", "on", "--dry-run")
    assert shown.count("+++ ") == 1 and f"+++ /{folder}/airlock-trial.conf" in shown
    assert f"run: {command}" in shown
    assert words in shown and "$kernelopts" not in shown
    assert " airlock.trial=" in shown and " panic=30" in shown
    assert tree(root) == before
    assert airlock(root, "--trial").returncode != 0, "a tree is not booted"


@pytest.mark.skipif(not shutil.which("grub-script-check"), reason="GRUB's checker is not here")
def test_grub_understands_the_entry_of_a_trial(copy, tmp_path: pathlib.Path) -> None:
    root = copy("debian12-bios")
    (root / "proc/self").mkdir()
    (root / "proc/self/mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    shown = succeed(root, "--trial", "--dry-run").splitlines()
    assert "+++ /boot/grub/custom.cfg" in shown and "run: grub-reboot airlock-trial" in shown
    added = [line[1:] for line in shown if line.startswith("+") and not line.startswith("+++")]
    script = tmp_path / "custom.cfg"
    script.write_text("\n".join(added) + "\n")
    assert subprocess.run(["grub-script-check", script], check=False).returncode == 0
    assert any(line.endswith(" panic=30") for line in added)


@pytest.mark.parametrize(
    ("default", "sort_key", "refused"),
    [
        (None, "", True),
        (None, "sort-key arch\n", False),
        ("@saved", "", True),
        ("a*", "", True),
        ("ab12.conf", "", False),
    ],
)
def test_a_trial_never_becomes_the_default(copy, default, sort_key: str, refused: bool) -> None:
    """systemd-boot takes the first of its list where nothing is named, or what it remembers."""
    root = copy("arch-systemd-boot")
    entries = root / "boot/loader/entries"
    (entries / "ab12.conf").write_text(sort_key + (entries / "arch.conf").read_text())
    (entries / "arch.conf").unlink()
    line = f"default {default}\n" if default else ""
    (root / "boot/loader/loader.conf").write_text(f"{line}timeout 3\n")
    done = airlock(root, "--trial", "--dry-run")
    assert (done.returncode != 0) == refused, done.stderr
    if refused:
        assert "chooses by itself" in done.stderr
    assert "sort-key" not in done.stdout


def test_the_loader_that_ran_counts(copy) -> None:
    """GRUB is installed, but systemd-boot started the host: GRUB's files would change nothing."""
    root = copy("debian12-uefi")
    variable = "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    (root / "sys/firmware/efi/efivars").mkdir(parents=True, exist_ok=True)
    text = "systemd-boot 252".encode("utf-16-le")
    (root / "sys/firmware/efi/efivars" / variable).write_bytes(b"\6\0\0\0" + text)
    before = tree(root)
    done = airlock(root, "--iommu", "intel")
    assert done.returncode != 0 and tree(root) == before


def test_no_trial_where_the_loader_cannot(copy) -> None:
    root = copy("proxmox-systemd-boot")
    done = airlock(root, "--trial", "--dry-run")
    assert done.returncode != 0 and "cannot try a line once" in done.stderr


def test_the_risk_is_accepted_in_words(copy) -> None:
    root = copy("rhel7")
    before = tree(root)
    done = airlock(root, "--unsafe-interrupts", "always", "--accept", "yes")
    assert done.returncode != 0 and RISK in done.stderr
    assert tree(root) == before


def test_no_risk_where_interrupts_are_remapped(copy) -> None:
    root = copy("rhel7")
    (root / "proc/interrupts").write_text(" 24:  0  IR-PCI-MSIX-0000:00:1f.2  0-edge  ahci\n")
    before = tree(root)
    done = airlock(root, "--unsafe-interrupts", "always")
    assert done.returncode == 0 and "need not be allowed" in done.stderr
    assert tree(root) == before


def test_a_file_keeps_its_mode(copy) -> None:
    root = copy("rhel7")
    path = root / "etc/default/grub"
    path.chmod(0o640)
    succeed(root)
    assert path.stat().st_mode & 0o7777 == 0o640


def test_damage_of_the_saved_originals_is_seen(copy) -> None:
    root = copy("rhel7")
    succeed(root)
    for text in (root / STATE / "prepare").glob("*.text"):
        text.write_text("something else")
    done = airlock(root, "--undo")
    assert done.returncode != 0 and "damaged" in done.stderr


@pytest.mark.parametrize(
    ("place", "line", "taken"),
    [
        ("pci0000:00/0000:01:00.0", "quiet", True),
        ("pci0000:00/0000:01:00.0", "quiet airlock.early=off", False),
        # A card was added: a twin has the address now, behind another port.
        ("pci0000:00/0000:00:01.0/0000:01:00.0", "quiet", False),
    ],
)
def test_early_binding_takes_a_place_not_an_address(tmp_path, place, line, taken: bool) -> None:
    script = (HERE / "arch-systemd-boot/after/etc/initcpio/airlock-early").read_text()
    script = script.replace("/sys/", f"{tmp_path}/sys/").replace("/proc/", f"{tmp_path}/proc/")
    device = tmp_path / "sys/devices" / place
    links = tmp_path / "sys/bus/pci/devices"
    for folder in (device, links, tmp_path / "proc"):
        folder.mkdir(parents=True)
    (links / "0000:01:00.0").symlink_to(device)
    (tmp_path / "proc/cmdline").write_text(line + "\n")
    for name, text in (("vendor", "0x1002"), ("device", "0x73df"), ("driver_override", "")):
        (device / name).write_text(text + "\n")
    script = script.replace("modprobe", "true")
    subprocess.run(["sh", "-c", script], check=True, timeout=60)
    assert ((device / "driver_override").read_text() == "vfio-pci\n") == taken
