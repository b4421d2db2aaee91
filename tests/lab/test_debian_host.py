# SPDX-License-Identifier: LGPL-2.1-or-later
"""
An administrator's way, on a Debian host that boots from its disk: the package comes, the doctor says what is missing,
prepare tries it at a boot of its own and makes it for good, a guest gets a card by plain virsh, the package is upgraded
under it, and the undo leaves the host as it was. A trial that fails comes back by itself.

The tests run in the order in which they stand here, on one host: each boot takes a minute.
"""

import json
import re

import pytest
from guests import Guest, driver, hostdev, ledger, node_name, until
from lab import LabHost, paths

pytestmark = pytest.mark.host("debian", daemon="none", apart=True)

BOOT = 900  # seconds, on a machine that has other things to do
PACKAGE = "/root/airlock.deb"
CARD, EDU = "0000:01:00.0", "0000:02:00.0"
GRUB_CONFIG, TRIAL_CONFIG = "/boot/grub/grub.cfg", "/boot/grub/custom.cfg"

# The sums of all that prepare could touch, as it was before.
BEFORE = "/root/before"
SUMS = "find /etc /boot -type f ! -name grubenv -exec sha256sum {} + | sort -k 2"

# A word with which the kernel finds nothing to run, and panics.
WRONG_WORD = "rdinit=/nonexistent"


def fetch(host: LabHost) -> None:
    """Takes what ./dev package has built; the next build may replace it."""
    built = sorted(paths.CHECKOUT.glob("build/package/airlock_*_amd64.deb"))
    assert built, "there is no package: ./dev package"
    host.check(f"cp /lab/checkout/{built[-1].relative_to(paths.CHECKOUT)} {PACKAGE}")


def install(host: LabHost) -> None:
    host.check(f"DEBIAN_FRONTEND=noninteractive dpkg -i {PACKAGE}", timeout=600)


def command_line(host: LabHost) -> list[str]:
    return host.check("cat /proc/cmdline").split()


def doctor(host: LabHost) -> tuple[int, dict]:
    result = host.run("airlock doctor --json", timeout=300)
    return result.status, json.loads(result.output)


def names_of(report: dict, verdict: str) -> set[str]:
    return {check["name"] for check in report["checks"] if check["verdict"] == verdict}


def wait_for_the_boot(host: LabHost) -> str:
    """Until everything of the boot has been started: "running", or "degraded" when a unit failed."""
    return host.run("systemctl is-system-running --wait", timeout=BOOT).output.strip()


def kernel_line(host: LabHost, file: str) -> str:
    """That of the first entry."""
    found = re.search(r"^\s*linux\s+(.*)$", host.check(f"cat {file}"), re.MULTILINE)
    assert found, file
    return found[1]


def test_the_package_is_installed_and_its_services_answer(host):
    assert wait_for_the_boot(host) == "running", host.check("systemctl --failed")
    fetch(host)
    install(host)
    assert host.check("systemctl is-active airlockd.socket").strip() == "active"
    assert host.check("systemctl show -P WantedBy airlock-confirm-boot").strip() == "multi-user.target"
    assert host.check("virsh uri").strip() == "qemu:///system"
    assert node_name(CARD) in host.check("virsh nodedev-list --cap pci").split()
    assert host.check("airlock list --all --name").strip() == ""


def test_the_doctor_says_what_is_missing(host):
    status, report = doctor(host)
    assert (status, report["verdict"], report["usable"]) == (2, "fail", False)
    assert {"iommu", "cmdline", "cmdline-next"} <= names_of(report, "fail"), report
    iommu = next(check for check in report["checks"] if check["name"] == "iommu")
    assert "intel_iommu=off" in iommu["evidence"] and "intel_iommu=off" in iommu["way_out"]


def test_without_the_iommu_a_guest_gets_nothing(host):
    guest = Guest(host, "early", devices=hostdev(CARD))
    guest.define()
    errors = guest.refuse("start early")
    assert CARD in errors and "IOMMU" in errors
    assert driver(host, CARD) == "igb"
    host.check("virsh undefine early")


def test_a_dry_run_shows_what_it_would_do_and_does_nothing(host):
    host.check(f"{SUMS} > {BEFORE}")
    shown = host.check("airlock prepare --passthrough on --dry-run")
    assert "+GRUB_CMDLINE_LINUX_DEFAULT=" in shown and "intel_iommu=on" in shown and "iommu=pt" in shown
    assert "run: update-grub" in shown
    trial = host.check("airlock prepare --passthrough on --trial --dry-run")
    assert f"+++ {TRIAL_CONFIG}" in trial and "run: grub-reboot airlock-trial" in trial
    host.check(f"{SUMS} | diff {BEFORE} -")
    host.check("! test -e /var/lib/airlock/prepare/state.json && ! test -e /var/lib/airlock/prepare/trial.json")


def test_a_good_trial_is_made_for_good(host):
    host.check("airlock prepare --passthrough on --trial")
    assert "intel_iommu=off" in kernel_line(host, GRUB_CONFIG)
    host.reboot(BOOT)
    line = command_line(host)
    assert {"intel_iommu=on", "iommu=pt"} <= set(line) and any(w.startswith("airlock.trial=") for w in line), line
    assert "intel_iommu=off" not in line
    assert wait_for_the_boot(host) == "running", host.check("journalctl -b -u airlock-confirm-boot -o cat")
    made = kernel_line(host, GRUB_CONFIG).split()
    assert {"intel_iommu=on", "iommu=pt"} <= set(made) and not any("airlock.trial" in word for word in made), made
    host.check(f"! test -e {TRIAL_CONFIG} && ! grub-editenv list | grep next_entry=.")


def test_the_doctor_is_content(host):
    status, report = doctor(host)
    assert report["usable"] and names_of(report, "fail") == set() and status == 0, report
    assert {"iommu", "interrupt-remapping", "cmdline", "cmdline-next", "vfio-module"} <= names_of(report, "ok"), report


def test_a_guest_gets_a_card_by_plain_virsh_and_lives_through_an_upgrade(host):
    guest = Guest(host, "guest1", devices=hostdev(CARD) + hostdev(EDU))
    guest.define()
    guest.start()
    lines = guest.wait_for("tg: ready")
    assert any(line.endswith("mac=52:54:00:00:01:00") for line in lines), lines
    assert any(line.endswith("dma-to-memory ok") for line in lines), lines
    assert (driver(host, CARD), driver(host, EDU)) == ("vfio-pci", "vfio-pci")
    qemu, daemon = "pgrep -f guest=guest1", "systemctl show -P MainPID airlockd"
    before = host.check(f"{qemu}; {daemon}").split()
    install(host)
    until(host, "virsh domstate guest1 | grep -q running", BOOT)
    after = host.check(f"{qemu}; {daemon}").split()
    assert after[0] == before[0] and after[1] not in ("0", before[1]), (before, after)
    assert "guest1" in str(ledger(host)["entries"])
    guest.do("destroy guest1")
    guest.do("undefine guest1")
    assert (driver(host, CARD), driver(host, EDU)) == ("igb", "")
    assert ledger(host)["entries"] == []


def test_the_undo_puts_every_file_back(host):
    host.check("airlock prepare --undo", timeout=600)
    host.check(f"{SUMS} | diff {BEFORE} -")
    assert "Nothing to undo" in host.check("airlock prepare --undo")


def test_a_trial_that_fails_comes_back_by_itself(host):
    """
    The trial is a copy of the first entry, into which somebody wrote a word by hand; update-grub heals that one. What
    the host comes back to is its line of before, which the undo had put back.
    """
    host.check(f"sed -i '0,/ intel_iommu=off/s|| {WRONG_WORD}&|' {GRUB_CONFIG}")
    host.check("airlock prepare --trial")
    host.check("update-grub", timeout=600)
    assert WRONG_WORD in kernel_line(host, TRIAL_CONFIG) and WRONG_WORD not in kernel_line(host, GRUB_CONFIG)
    before = len(host.console.read_bytes())
    host.reboot(2 * BOOT)
    assert b"Kernel panic" in host.console.read_bytes()[before:]
    line = command_line(host)
    assert "intel_iommu=off" in line and not {"intel_iommu=on", "iommu=pt", WRONG_WORD} & set(line), line
    assert wait_for_the_boot(host) == "degraded"
    assert host.check("systemctl list-units --failed --plain --no-legend").split()[0] == "airlock-confirm-boot.service"
    assert "the trial did not start this host" in host.check("journalctl -b -u airlock-confirm-boot -o cat")


def test_after_a_failed_trial_all_is_as_it_was(host):
    host.check(f"! test -e {TRIAL_CONFIG} && ! grub-editenv list | grep next_entry=.")
    assert "There is no trial" in host.check("airlock prepare --confirm")
    host.check(f"{SUMS} | diff {BEFORE} -")
    status, report = doctor(host)
    assert (status, report["usable"]) == (2, False)


def test_a_purged_package_leaves_nothing_behind(host):
    host.check("DEBIAN_FRONTEND=noninteractive dpkg --purge airlock", timeout=600)
    assert host.run("ls -d /usr/bin/airlock /usr/sbin/airlockd /etc/airlock /var/lib/airlock").output.split() == []
    assert host.run("systemctl list-unit-files 'airlock*' --no-legend").output.strip() == ""
