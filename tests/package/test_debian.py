# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package: what it installs, and what installing, upgrading, removing and purging it do to a host."""

import os
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian import Debian

CONFIG = "/etc/airlock/airlockd.conf"
NETWORK = "/etc/airlock/networks/default.xml"
LIMIT = 60  # seconds, for what takes one or two

GUEST = """
<domain type='qemu'>
  <name>guest1</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
</domain>
"""


def owned(debian: Debian) -> list[str]:
    return debian.run("dpkg", "--listfiles", "airlock").split()


def wait_for(condition) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def airlockd(installed: Debian) -> Iterator[subprocess.Popen]:
    with installed.start("airlockd") as process:
        wait_for(lambda: installed.path("/run/airlock/airlock-sock").is_socket() or process.poll() is not None)
        yield process
        process.kill()


@pytest.fixture
def guest(installed: Debian, airlockd: subprocess.Popen) -> str:
    installed.path("/tmp/guest1.xml").write_text(GUEST)
    installed.run("airlock", "create", "/tmp/guest1.xml")
    return "guest1"


def is_running(debian: Debian) -> bool:
    return debian.try_run("sh", "-c", "grep -lx qemu-system-x86 /proc/[0-9]*/comm").returncode == 0


def test_lintian_has_nothing_to_say(packages: tuple[Path, Path]) -> None:
    (changes,) = packages[0].parent.glob("*.changes")
    result = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", changes], stdout=subprocess.PIPE, text=True)
    assert result.returncode == 0, result.stdout


def test_files_are_roots_and_nobody_elses(installed: Debian) -> None:
    for name in owned(installed):
        info = os.lstat(installed.path(name))
        assert (info.st_uid, info.st_gid) == (0, 0), name
        assert stat.S_ISLNK(info.st_mode) or not info.st_mode & (stat.S_IWOTH | stat.S_IWGRP), name
        assert not info.st_mode & (stat.S_ISUID | stat.S_ISGID), name


def test_nothing_lies_where_the_administrator_or_another_package_puts_things(installed: Debian) -> None:
    ours = [name for name in owned(installed) if not installed.path(name).is_dir()]
    assert not [name for name in ours if name.startswith(("/usr/local", "/opt", "/var", "/run", "/etc/osinfo"))]
    assert [name for name in ours if name.startswith("/etc") and "airlock" not in name] == []


def test_every_program_has_its_manual_page(installed: Debian) -> None:
    names = owned(installed)
    programs = [name.split("/")[-1] for name in names if name.startswith(("/usr/bin/", "/usr/sbin/"))]
    pages = {name.split("/")[-1].split(".")[0] for name in names if name.startswith("/usr/share/man/")}
    assert {"airlock", "airlockd"} <= set(programs)
    assert set(programs) <= pages


def test_directories_group_and_network_are_made(installed: Debian) -> None:
    for path, mode in (("/var/lib/airlock", 0o711), ("/var/log/airlock", 0o700), ("/var/cache/airlock", 0o755), (NETWORK, 0o600)):
        assert stat.S_IMODE(installed.path(path).stat().st_mode) == mode, path
    assert installed.run("getent", "group", "airlock").strip().endswith(":")


def test_units_are_whole_and_enabled(installed: Debian) -> None:
    units = [name for name in owned(installed) if name.endswith((".service", ".socket"))]
    assert installed.run("systemd-analyze", "verify", "--man=no", *units) == ""
    for unit in ("airlockd.service", "airlockd.socket", "airlockd-ro.socket"):
        assert installed.run("systemctl", "is-enabled", unit).strip() == "enabled"
    # Who restarts the daemon leaves its sockets.
    after = installed.path("/var/lib/dpkg/info/airlock.postinst").read_text()
    restarted = [line for line in after.splitlines() if "deb-systemd-invoke" in line and "_dh_action" in line]
    assert len(restarted) == 1 and "airlockd.service" in restarted[0] and "socket" not in restarted[0]


def test_the_daemon_answers(installed: Debian, airlockd: subprocess.Popen) -> None:
    assert "default" in installed.run("airlock", "net-list", "--all", "--name")
    assert installed.path("/run/libvirt/libvirt-sock").is_socket()


@pytest.fixture
def notices(installed: Debian) -> Iterator[socket.socket]:
    """What the daemon tells who started it, as it tells systemd."""
    path = installed.path("/run/notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(LIMIT)
        environment = ["NOTIFY_SOCKET=/run/notify", "WATCHDOG_USEC=200000"]
        with installed.start("env", *environment, "airlockd") as process:
            yield listening
            process.kill()


def notice(notices: socket.socket, key: str) -> dict[str, str]:
    """The next one that has the key."""
    while True:
        fields = dict(line.split("=", 1) for line in notices.recv(4096).decode().splitlines())
        if key in fields:
            return fields


def test_systemd_is_told_of_starts_reloads_and_life(installed: Debian, notices: socket.socket) -> None:
    reload = ["sh", "-c", "kill -HUP $(cat /run/airlock/airlockd.lock)"]
    assert notice(notices, "READY") == {"READY": "1"}
    assert [notice(notices, "WATCHDOG")["WATCHDOG"] for _ in range(3)] == ["1"] * 3
    installed.run(*reload)
    assert notice(notices, "RELOADING")["MONOTONIC_USEC"].isdigit()
    assert notice(notices, "STATUS")["STATUS"] == ""
    assert notice(notices, "READY") == {"READY": "1"}
    installed.path(CONFIG).write_text("[airlockd]\nno-such-key = 1\n")
    installed.run(*reload)
    assert "Not reloaded" in notice(notices, "STATUS")["STATUS"]
    assert notice(notices, "READY") == {"READY": "1"}


def test_logs_are_rotated(installed: Debian) -> None:
    log = installed.path("/var/log/airlock/guest1.log")
    with log.open("a") as file:
        file.write("before\n")
        file.flush()
        installed.run("logrotate", "--force", "/etc/logrotate.d/airlock")
        file.write("after\n")
    assert log.read_text() == "after\n"
    assert installed.path("/var/log/airlock/guest1.log.1").read_text() == "before\n"


def test_an_upgrade_keeps_what_was_edited_and_brings_nothing_back(installed: Debian, newer: str) -> None:
    with installed.path(CONFIG).open("a") as file:
        file.write("verbose = yes\n")
    installed.path(NETWORK).unlink()
    before = installed.path(CONFIG).read_text()
    installed.run("dpkg", "--install", newer)
    assert installed.path(CONFIG).read_text() == before
    assert not installed.path(NETWORK).exists()


def test_a_network_that_was_edited_outlives_a_removal(installed: Debian, built: str) -> None:
    installed.path(NETWORK).write_text("<network/>")
    installed.run("dpkg", "--remove", "airlock")
    assert installed.path(CONFIG).exists()
    installed.run("dpkg", "--install", built)
    assert installed.path(NETWORK).read_text() == "<network/>"


def test_a_purge_leaves_nothing(debian: Debian, built: str) -> None:
    before = debian.files()
    debian.run("dpkg", "--install", built)
    with debian.start("airlockd") as process:
        wait_for(lambda: debian.path("/run/airlock/airlock-sock").is_socket())
        process.kill()
    debian.run("dpkg", "--purge", "airlock")
    assert {name for name in debian.files() ^ before if not name.startswith("/tmp")} == set()


def test_a_purge_leaves_disks_and_the_way_back(installed: Debian) -> None:
    kept = ["/var/lib/libvirt/images/a.qcow2", "/var/lib/airlock/images/b.qcow2", "/var/lib/airlock/prepare/state.json"]
    for name in kept:
        installed.path(name).parent.mkdir(exist_ok=True)
        installed.path(name).write_text("{}")
    told = installed.run("dpkg", "--purge", "airlock")
    assert all(installed.path(name).exists() for name in kept)
    assert "/var/lib/airlock/images" in told and "airlock prepare --undo" in told
    assert not installed.path("/etc/airlock").exists()


def test_guests_run_on_through_an_upgrade_and_keep_the_package(installed: Debian, guest: str, newer: str) -> None:
    installed.run("dpkg", "--install", newer)
    assert is_running(installed)
    refused = installed.try_run("dpkg", "--remove", "airlock")
    assert refused.returncode != 0 and guest in refused.stdout
    assert installed.run("airlock", "domstate", guest).strip() == "running"
    installed.run("env", "AIRLOCK_LEAVE_GUESTS=yes", "dpkg", "--remove", "airlock")
    assert is_running(installed)
