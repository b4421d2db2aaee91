# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion of airlock in the shells themselves, with guests and devices of a daemon that runs."""

import os
import shutil
import socket
import subprocess
import uuid

import daemons
import pytest
from beside import MARKS, ROOT, Place, airlock_path

import guests

pexpect = pytest.importorskip("pexpect", reason="python3-pexpect is not installed")

LIMIT = 60  # seconds that any one answer may take
COMPLETION = ROOT / "data" / "completion"
# Names that a shell has to quote, or cuts into words.
NAMES = ["plain", "with space", "co:lon=x", "it's", "do$lar", 'quo"te', "ümlaut"]
STARTS = ["pla", "with", "co:l", "it", "do", "quo", "üm"]

pytestmark = [*MARKS, pytest.mark.only("airlockd")]


def uuid_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@pytest.fixture(scope="module")
def stocked(daemon, tmp_path_factory):
    """A daemon with guests, one of which runs, and airlock in the search path."""
    place = Place(daemon, tmp_path_factory.mktemp("completion"))
    binaries = place.directory / "bin"
    binaries.mkdir()
    (binaries / "airlock").symlink_to(airlock_path())
    (binaries / "airlockd").symlink_to(daemons.airlockd_path())
    home = place.directory / "home"
    home.mkdir()
    place.env |= {"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(home), "TERM": "vt100",
                  "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    for name in NAMES:
        file = place.directory / "guest.xml"
        escaped = name.replace('"', "&quot;").replace("'", "&apos;")
        file.write_text(guests.guest(escaped, uuid=uuid_of(name)))
        done = place.virsh("define", str(file))
        assert done.returncode == 0, done
    assert place.virsh("start", "plain").returncode == 0
    yield place
    place.virsh("destroy", "plain")
    for name in NAMES:
        place.virsh("undefine", name)


# How each shell is started without anybody's configuration, and told of the completion.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], [f"source {COMPLETION}/airlock.bash", "bind 'set bell-style none'"]),
    "zsh": (["zsh", "-f", "-i"], [f"fpath=({COMPLETION} $fpath)", "autoload -U compinit", "compinit -u -D", "unsetopt beep"]),
    "fish": (["fish", "--no-config", "-i"], [f"source {COMPLETION}/airlock.fish"]),
}


class Shell:
    """A shell on a terminal."""

    def __init__(self, name: str, place: Place) -> None:
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
        words, setup = SHELLS[name]
        env = {**place.env, "PS1": "> ", "fish_greeting": ""}
        self.process = pexpect.spawn(words[0], words[1:], env=env, cwd=place.directory, timeout=LIMIT,
                                     encoding="utf-8", dimensions=(50, 200))
        for number, line in enumerate(setup):
            self.process.sendline(f"{line}; echo 'do''ne'{number}")
            self.process.expect(f"done{number}\r")

    def type(self, text: str) -> None:
        self.process.send(text)

    def expect(self, pattern: str) -> None:
        self.process.expect(pattern)


@pytest.fixture(params=list(SHELLS))
def shell(request, stocked):
    shell = Shell(request.param, stocked)
    yield shell
    shell.process.close(force=True)


def test_a_name_is_completed_and_quoted(shell):
    for name, start in zip(NAMES, STARTS, strict=True):
        shell.type(f"airlock domuuid {start}\t\r")
        shell.expect(uuid_of(name))


def test_the_daemon_that_was_chosen_is_asked(shell, stocked):
    uri = stocked.env["AIRLOCK_DEFAULT_URI"]
    shell.type("unset AIRLOCK_DEFAULT_URI\r" if "fish" not in shell.process.command else "set -e AIRLOCK_DEFAULT_URI\r")
    for option in (f"-c '{uri}'", f"--connect '{uri}'", f"-q --connect='{uri}'"):
        shell.type(f"airlock {option} domuuid --domain with\t\r")
        shell.expect(uuid_of("with space"))


def test_names_of_files_are_completed(shell, stocked):
    (stocked.directory / "home" / "some where").mkdir(exist_ok=True)
    file = stocked.directory / "home" / "some where" / "guest.xml"
    file.write_text(guests.guest("fromfile", uuid=uuid_of("fromfile")))
    shell.type("airlock define ~/so\tgue\t\r")
    shell.expect("Domain 'fromfile' defined from")
    assert stocked.virsh("undefine", "fromfile").returncode == 0


def test_what_candidates_are_is_shown(shell):
    shell.type("airlock domstate \t\t")
    shell.expect("plain")
    if "bash" not in shell.process.command:
        shell.expect("running")
    shell.type("\x03")


def lines(place, line, **more):
    done = subprocess.run([str(airlock_path()), "complete", "--line", line], env=place.env | more, text=True,
                          capture_output=True, timeout=LIMIT, check=False, cwd=place.directory)
    assert (done.returncode, done.stderr) == (0, ""), done
    return [tuple(row.split("\t")) for row in done.stdout.splitlines()]


def test_a_line_is_completed_with_descriptions(stocked):
    assert ("plain", "running") in lines(stocked, "airlock start --domain=x ; airlock domstate p")
    assert lines(stocked, "airlock start p") == []
    assert ("with space", "shut off") in lines(stocked, "airlock start ")
    assert lines(stocked, "airlock start --domain=with") == [("--domain=with space", "shut off")]
    assert lines(stocked, "airlock destroy 'pl") == [("plain", "running")]
    assert lines(stocked, "airlock start plain --pau") == [("--paused", "leave it paused")]
    assert lines(stocked, "airlock -q --js") == [("--json", "JSON from the commands that have it")]
    assert ("qemu+ssh://", "another host, through its sshd: USER@HOST/system") in lines(stocked, "airlock -c q")
    assert lines(stocked, "airlock define ") == [("", "file")]
    assert lines(stocked, "airlock nosuch ") == []
    assert ("verdict", "tell whether a guest can have a device now") in lines(stocked, "airlock ver")
    assert [text for text, _ in lines(stocked, "airlock doctor iommu-f")] == ["iommu-firmware", "iommu-firmware-flags"]
    assert lines(stocked, "airlock plan reattach-h") == [("reattach-host", "")]


def test_devices_are_completed_by_name_and_address(stocked):
    names = stocked.airlock("-q", "nodedev-list", "--cap", "pci").stdout.split()
    assert [text for text, _ in lines(stocked, "airlock verdict ")] == names
    assert [text for text, _ in lines(stocked, "airlock plan detach-host ")] == names
    if names:
        address = names[0].removeprefix("pci_").replace("_", ":", 2).replace("_", ".")
        offered = lines(stocked, f"airlock verdict {address[:-1]}")
        assert address in [text for text, _ in offered]
        assert dict(offered)[address]
    assert [text for text, _ in lines(stocked, "airlock nodedev-info comp")] == ["computer"]


def test_disks_of_a_guest_are_completed(stocked):
    targets = stocked.airlock("-q", "domblklist", "plain").stdout.split()[::2]
    assert [text for text, _ in lines(stocked, "airlock domblkinfo plain ")] == sorted(targets)


def test_nobody_hears_of_a_daemon_that_is_not_there(stocked, tmp_path):
    assert lines(stocked, "airlock start ", AIRLOCK_DEFAULT_URI=str(tmp_path / "nothing")) == []
    assert lines(stocked, "airlock -c bogus://x start ") == []


def test_ssh_asks_nobody(stocked, tmp_path):
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nexit 255\n')
    ssh.chmod(0o755)
    assert lines(stocked, f"airlock -c 'qemu+ssh://host/system?command={ssh}' start ") == []
    assert "BatchMode=yes" in (tmp_path / "words").read_text()


def test_a_daemon_that_does_not_answer_ends_no_prompt(stocked, tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        assert lines(stocked, "airlock start ", AIRLOCK_DEFAULT_URI=str(tmp_path / "silent")) == []


@pytest.mark.parametrize("name", list(SHELLS))
def test_options_of_the_daemon_are_completed(stocked, name):
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    shell = Shell(name, stocked)
    if name == "fish":
        shell.type(f"source {COMPLETION}/airlockd.fish\r")
    shell.type("airlockd --vers\t\r")
    shell.expect(r"[0-9]+\.[0-9]+\.[0-9]+\r")
    shell.type("airlockd --log-dir=/nowhere --config=/proc/self/mounts --run-dir=/proc/self/tas\t --verb\t\r")
    shell.expect("airlockd: .*mounts")
    shell.process.close(force=True)
