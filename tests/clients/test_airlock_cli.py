# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command airlock beside stock virsh, on the same daemon: exit status, output and errors of
every command that both have are the same to the byte, but for ids and UUIDs.
"""

import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

import guests
from beside import DEVICE, LIMIT, MARKS, Place, airlock_path, compare, shown

pytestmark = MARKS


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines() if line.strip()]


ANYTIME = [
    "list", "list --all", "list --inactive", "nodedev-list", "nodedev-list --tree",
    "nodedev-list --cap pci", "nodedev-list --cap bogus", "nodedev-list --cap pci --tree",
    "nodedev-list pci", "nodedev-dumpxml nosuch", "nodedev-detach nosuch",
    "nodedev-reattach nosuch", "nodedev-reset nosuch", "nodedev-event", "nodedev-event --list",
    "hostname", "nodeinfo", "capabilities", "domcapabilities", "uri",
    "capabilities --xpath //host/cpu/arch", "capabilities --xpath //guest --wrap",
    "event", "event --list", "event --event bogus", "event --list --all",
    "event --all --timeout 1", "event --event lifecycle --timeout 0",
    "event --event lifecycle --timeout x", "start nosuch", "start", "start --bogus",
    "start --domain", "bogus", "list --all --all", "list --name=x", "list --name --table",
    "list --uuid --table", "domid 0", "domstate --domain=nosuch", "dumpxml", "edit nosuch",
    "shutdown nosuch", "destroy nosuch", "console nosuch", "attach-device nosuch n.xml",
    "detach-device nosuch n.xml", "create nofile.xml", "define nofile.xml", "help bogus",
    "-q list --all", "-r define g.xml", "-q nodedev-list --cap pci", "pwd", "exit", "quit",
    "list --transient", "list --all --persistent", "list --all --autostart",
    "list --all --no-autostart", "list --all --state-running", "list --all --state-shutoff",
    "list --all --with-managed-save", "define g.xml", "create t.xml", "create t.xml --paused",
]

DEFINED = [
    "list --all", "list --all --title", "list --all --table --uuid --title", "list --all --name", "list --all --uuid",
    "list --all --uuid --name", "list --all --id", "list --all --id --name", "list --inactive",
    "-q list --all", "domstate cli", "domstate cli --reason", "domid cli", "dominfo cli",
    "domuuid cli", "domname 11111111-2222-3333-4444-555555555555", "shutdown cli", "destroy cli",
    "suspend cli", "resume cli", "reset cli", "attach-device cli nofile.xml",
    "attach-device cli n.xml --config", "attach-device cli n.xml --live",
    "attach-device cli n.xml --persistent", "attach-device cli n.xml --current --live",
    "detach-device cli n.xml --config", "autostart cli", "autostart cli --disable", "edit cli",
    "dumpxml cli", "dumpxml cli --inactive", "dumpxml cli --security-info",
    "dumpxml cli --xpath //name", "console cli", "start cli", "start cli --paused",
    "undefine cli", "-r start cli", "-r destroy cli", "-r undefine cli", "define g.xml",
    "shutdown cli --mode bogus", "-q start cli", "list --all --managed-save",
]

RUNNING = [
    "list", "list --state-running", "list --uuid --name", "list --id", "list --name",
    "list --title", "domid cli", "domstate cli --reason", "dominfo cli", "start cli",
    "suspend cli", "resume cli", "attach-device cli n.xml", "attach-device cli n.xml --persistent",
    "attach-device cli n.xml --live", "attach-device cli n.xml --current",
    "attach-device cli n.xml --persistent --current", "reset cli", "shutdown cli",
    "shutdown cli acpi", "reboot cli", "destroy cli", "destroy cli --graceful", "undefine cli",
    "event --event lifecycle --timeout 1 --domain cli", "console cli", "dumpxml cli --inactive",
    "detach-device cli n.xml", "autostart cli",
]


@pytest.mark.parametrize("command", ANYTIME)
def test_like_virsh(place, command):
    compare(place, command)


@pytest.mark.parametrize("command", DEFINED)
def test_like_virsh_with_a_defined_guest(place, command):
    compare(place, command, "define g.xml")


@pytest.mark.parametrize("command", RUNNING)
def test_like_virsh_with_a_running_guest(place, command):
    compare(place, command, "define g.xml", "start cli")


@pytest.mark.parametrize("line", [
    "echo a; echo b", "start nosuch; list", "list;;list", "# nothing", " echo a # rest",
    "echo 'a b' \"c;d\"", "echo -- --shell", "echo --shell 'a b'", "echo --xml '<&>'",
    "echo \"open", "exit; echo a", "echo a; bogus; echo b", "list --all; uri",
])
def test_lines_like_virsh(place, line):
    assert shown(place.airlock(line)) == shown(place.virsh(line))


@pytest.mark.parametrize("args", [
    ["-c"], ["--bogus"], ["-c", "qemu:///system?socket=/nonexistent", "list"],
    ["echo", "a;", "echo", "b"], ["-q", "echo", "a"], ["echo", "--err", "a"],
])
def test_arguments_like_virsh(place, args):
    assert shown(place.airlock(*args)) == shown(place.virsh(*args))


def test_one_device_like_virsh(place):
    for name in place.virsh("nodedev-list", "--cap", "pci").stdout.split():
        for command in ("nodedev-dumpxml", "nodedev-info"):
            done = place.airlock(command, name)
            assert shown(done) == shown(place.virsh(command, name))
            assert done.returncode == 0


def test_a_device_by_its_address(place):
    name = place.virsh("nodedev-list", "--cap", "pci").stdout.split()[0]
    domain, bus, slot, function = name.split("_")[1:]
    whole = place.airlock("nodedev-dumpxml", name).stdout
    assert f"<name>{name}</name>" in whole
    assert place.airlock("nodedev-dumpxml", f"{domain}:{bus}:{slot}.{function}").stdout == whole
    assert place.airlock("nodedev-dumpxml", f"{bus}:{slot}.{function}").stdout == whole


def watch(place: Place, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=place.env,
                            cwd=place.directory)


def test_events_like_virsh(place):
    args = ["event", "--all", "--loop", "--timeout", "8"]
    watches = [watch(place, program, *args) for program in ("virsh", str(airlock_path()))]
    time.sleep(2)
    for command in ("define g.xml", "start cli", "suspend cli", "resume cli", "destroy cli",
                    "undefine cli"):
        assert place.airlock(command).returncode == 0
    outputs = [one.communicate(timeout=LIMIT)[0] for one in watches]
    assert [one.returncode for one in watches] == [0, 0]
    assert outputs[1] == outputs[0]
    assert "event 'lifecycle' for domain 'cli': Started Booted" in outputs[1]


def test_event_with_timestamp_ends_with_the_first(place):
    one = watch(place, str(airlock_path()), "event", "--event", "lifecycle", "--timestamp")
    time.sleep(1)
    assert place.virsh("define", "g.xml").returncode == 0
    out = one.communicate(timeout=LIMIT)[0]
    assert one.returncode == 0
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: "
                    r"event 'lifecycle' for domain 'cli': Defined Added\n"
                    r"events received: 1\n", out)


def test_edit_changes_the_definition(place):
    assert place.virsh("define", "g.xml").returncode == 0
    place.env["EDITOR"] = "sed -i 's/A title/Another title/'"
    done = place.airlock("edit", "cli")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Domain 'cli' XML configuration edited.\n\n"
    assert "<title>Another title</title>" in place.virsh("dumpxml", "cli").stdout


def test_edit_that_is_refused_changes_nothing(place):
    assert place.virsh("define", "g.xml").returncode == 0
    before = place.virsh("dumpxml", "cli").stdout
    place.env["EDITOR"] = "sed -i 's/<vcpu/<bogus/; s/vcpu>/bogus>/; s/<memory/<memori/'"
    done = place.airlock("edit", "cli")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: Failed."
    assert len(done.stderr.splitlines()) > 1
    assert place.virsh("dumpxml", "cli").stdout == before


def test_edit_with_an_editor_that_fails(place):
    assert place.virsh("define", "g.xml").returncode == 0
    place.env["EDITOR"] = "false"
    done = place.airlock("edit", "cli")
    assert done.returncode == 1
    assert "false: exited with non-zero status" in done.stderr


def test_shell_reads_lines_and_completes_names(place):
    assert place.virsh("define", "g.xml").returncode == 0
    done = place.airlock(text="echo a\nbogus\ndomstate cli; echo 'b c'\nquit\necho d\n")
    assert done.returncode == 0
    assert done.stdout.split() == ["a", "shut", "off", "b", "c"]
    assert done.stderr == "error: unknown command: 'bogus'\n"
    assert place.airlock("-q", "complete", "--", "domstate", "cl").stdout == "cli\n"
    assert place.airlock("-q", "complete", "--", "start", "--pau").stdout == "--paused\n"
    assert place.airlock("-q", "complete", "--", "nodedev-re").stdout.split() == [
        "nodedev-reattach", "nodedev-reset"
    ]


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, place: Place, *args: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(place.directory)
            os.execve(str(airlock_path()), [str(airlock_path()), *args],
                      {**place.env, "TERM": "vt100"})
        self.seen = ""

    def write(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def expect(self, text: str) -> None:
        deadline = time.monotonic() + LIMIT
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], f"{text!r} in {self.seen!r}"
            self.seen += os.read(self.fd, 4096).decode(errors="replace")
        self.seen = self.seen.split(text, 1)[1]

    def close(self) -> int:
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                if select.select([self.fd], [], [], 0.1)[0]:
                    os.read(self.fd, 4096)
            except OSError:
                break
            assert time.monotonic() < deadline
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_interactive_shell(place):
    assert place.virsh("define", "g.xml").returncode == 0
    shell = Terminal(place)
    shell.expect("airlock # ")
    shell.write("domstate\tcl\t--rea\t\n")
    shell.expect("shut off (unknown)")
    shell.expect("airlock # ")
    # libedit sets the terminal up right behind the prompt; before that ^C is a signal.
    time.sleep(0.5)
    shell.write("half a line\x03")
    shell.expect("^C")
    shell.expect("airlock # ")
    shell.write("\x10")  # the line before
    shell.expect("domstate cli --reason")
    shell.write("\n")
    shell.expect("shut off (unknown)")
    shell.expect("airlock # ")
    shell.write("event --event lifecycle\n")
    shell.expect("\n")
    time.sleep(1)
    shell.write("\x03")
    shell.expect("event loop interrupted")
    shell.expect("airlock # ")
    shell.write("quit\n")
    assert shell.close() == 0


def test_edit_asks_after_a_refusal(place):
    assert place.virsh("define", "g.xml").returncode == 0
    editor = place.directory / "editor"
    # The first time it breaks the document, the second time it mends it and changes the title.
    editor.write_text("""#!/bin/sh
if [ -e done ]; then sed -i 's/bogus>/domain>/; s/A title/Third title/' "$1"
else touch done; sed -i 's/domain>/bogus>/' "$1"; fi
""")
    editor.chmod(0o755)
    place.env["EDITOR"] = str(editor)
    shell = Terminal(place, "edit", "cli")
    shell.expect("error: ")
    shell.expect("Failed. Try again? [y,n,i,f,?]: ")
    shell.write("?\n")
    shell.expect("y - yes, start editor again")
    shell.expect("Failed. Try again? [y,n,i,f,?]: ")
    shell.write("y\n")
    shell.expect("Domain 'cli' XML configuration edited.")
    assert shell.close() == 0
    assert "<title>Third title</title>" in place.virsh("dumpxml", "cli").stdout


@pytest.mark.skipif(not guests.TEST_GUEST.exists(), reason="the test guest is not built")
def test_console(place):
    (place.directory / "a.xml").write_text(guests.answering_guest("cli"))
    assert place.virsh("define", "a.xml").returncode == 0
    console = Terminal(place, "start", "cli", "--console")
    console.expect("Connected to domain 'cli'")
    console.expect("Escape character is ^] (Ctrl + ])")
    console.expect(guests.READY.decode())
    console.write("\x1d")
    assert console.close() == 0
    assert place.virsh("domstate", "cli").stdout.strip() == "running"


@pytest.mark.skipif(not guests.TEST_GUEST.exists(), reason="the test guest is not built")
def test_detach_waits_until_the_guest_let_go(place):
    (place.directory / "a.xml").write_text(guests.answering_guest("cli"))
    assert place.virsh("define", "a.xml").returncode == 0
    console = Terminal(place, "start", "cli", "--console")
    console.expect(guests.READY.decode())
    (place.directory / "n.xml").write_text(guests.interface("52:54:00:11:22:33"))
    assert place.airlock("attach-device", "cli", "n.xml", "--live").returncode == 0
    done = place.airlock("detach-device", "cli", "n.xml", "--live", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert "52:54:00:11:22:33" not in place.virsh("dumpxml", "cli").stdout
    console.write("\x1d")
    assert console.close() == 0


@pytest.mark.only("libvirtd")
@pytest.mark.parametrize("command", ["devices", "groups", "ledger"])
def test_new_commands_say_that_the_daemon_has_them_not(place, command):
    done = place.airlock(command)
    assert done.returncode == 1
    assert "program" in done.stderr.lower()


@pytest.mark.only("airlockd")
def test_devices_are_those_of_nodedev_list(place):
    names = set(place.airlock("-q", "nodedev-list", "--cap", "pci").stdout.split())
    devices = json.loads(place.airlock("-q", "devices", "--json").stdout)["devices"]
    assert {device["name"] for device in devices} == names
    rows = lines(place.airlock("-q", "devices").stdout)
    assert [row[0] for row in rows] == [device["address"] for device in devices]
    head = place.airlock("devices").stdout.splitlines()[0].split()
    assert head == ["Address", "Class", "Name", "Driver", "Group", "Side", "Owner", "Verdict"]


@pytest.mark.only("airlockd")
def test_verdict_is_told_by_the_exit_status(place):
    for device in json.loads(place.airlock("devices", "--json").stdout)["devices"]:
        done = place.airlock("verdict", device["name"], "--json")
        verdict = json.loads(done.stdout)
        assert verdict["address"] == device["address"]
        assert done.returncode == (0 if verdict["assignable"] else 1)
        assert bool(verdict["blockers"]) != verdict["assignable"]


@pytest.mark.only("airlockd")
def test_ledger_and_groups_are_documents(place):
    assert isinstance(json.loads(place.airlock("ledger", "--json").stdout)["entries"], list)
    assert isinstance(json.loads(place.airlock("--json", "groups").stdout)["groups"], list)


@pytest.mark.only("airlockd")
def test_plan_start_changes_nothing(place):
    assert place.airlock("define", "g.xml").returncode == 0
    plan = json.loads(place.airlock("plan", "start", "cli", "--json").stdout)
    assert plan["kind"] == "start"
    text = place.airlock("plan", "start", "cli").stdout
    for step in plan["steps"]:
        assert step["text"] in text
    assert place.airlock("-q", "domstate", "cli").stdout == "shut off\n"


@pytest.mark.parametrize("command, message", [
    ("plan bogus", "there is no plan 'bogus'"),
    ("plan start", "plan 'start' needs a guest"),
    ("plan attach cli", "plan 'attach' needs a guest and a device"),
    ("plan start cli more", "unexpected data 'more'"),
])
def test_plan_refuses_what_it_does_not_know(place, command, message):
    done = place.airlock(command)
    assert done.returncode == 1
    assert message in done.stderr


def test_json_is_refused_where_there_is_none(place):
    done = place.airlock("--json", "list")
    assert (done.returncode, done.stderr) == (1, "error: command 'list' has no JSON output\n")
