# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the command airlock does with a guest beyond starting and stopping it, beside stock virsh on
the same daemon: exit status, output and errors are the same to the byte, but for what a clock counts.
"""

import re
import shlex

import libvirt
import pytest

import guests
import linux
from beside import MARKS, Place, shown

pytestmark = MARKS

MAC = "52:54:00:11:22:33"
CLOCKS = re.compile(r"(time|times|rss|wait|delay|reqs|bytes|req|load\.\w+|\(ns\):|user|system|allocation)(\S*?)([= ]+)[0-9.]+")

DEVICES = f"""
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{{place}}/disk'/>
  <target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{{place}}/a.iso'/>
  <target dev='sda' bus='sata'/><readonly/></disk>
<interface type='user'><mac address='{MAC}'/><model type='e1000e'/></interface>
<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/><video><model type='vga'/></video>
"""


def shape(done) -> tuple[int, str, str]:
    """The cause and the way out are one line in virsh and two in airlock."""
    status, out, err = shown(done)
    out = re.sub("^Time: .*", lambda line: re.sub("[0-9]", "9", line[0]), out)
    return status, CLOCKS.sub(r"\1\2\3…", out), err.replace("\nhint: ", "; ")


def same(place: Place, command: str) -> None:
    words = shlex.split(command.replace("DIR", str(place.directory)))
    assert shape(place.airlock(*words)) == shape(place.virsh(*words)), command


@pytest.fixture
def rich(place):
    """Files for a guest with disks, an interface and a screen; the guest is defined."""
    for name, size in {"disk": 8 << 20, "a.iso": 2 << 20, "b.iso": 2 << 20}.items():
        (place.directory / name).write_bytes(bytes(size))
    devices = DEVICES.format(place=place.directory)
    text = guests.guest("cli", devices, uuid="11111111-2222-3333-4444-555555555555", vcpu="2")
    (place.directory / "g.xml").write_text(text)
    assert place.virsh("-q", "define g.xml").returncode == 0
    return place


QUESTIONS = [
    "dumpxml cli --xpath //disk", "domblklist cli", "domblklist cli --details", "domblklist cli --inactive", "-q domblklist cli",
    "domblklist nosuch", "domblkinfo cli vda", "domblkinfo cli --all --human", "domblkinfo cli sdz",
    "domblkinfo cli", "domblkinfo cli vda --all", "domblkstat cli vda", "domblkstat cli --human",
    "domblkstat cli sdz", "domblkerror cli", "domiflist cli", "domiflist cli --inactive",
    "-q domiflist cli", "domifstat cli vnet0", "domifaddr cli --source x", "domifaddr cli --source agent",
    f"domif-getlink cli {MAC}", f"domif-getlink cli {MAC} --config", "domif-getlink cli vnet9",
    "dommemstat cli", "domstats cli --state --balloon --block", "domstats", "domstats nosuch",
    "domstats --list-active --state --raw", "domstats --bogus", "domcontrol cli", "domdisplay cli",
    "domdisplay cli --all", "domdisplay cli --type spice", "vncdisplay cli", "vcpucount cli",
    "vcpucount cli --live", "vcpucount cli --maximum --config", "vcpucount cli --config --live",
    "vcpupin cli", "vcpupin cli 0", "vcpupin cli 7", "-q vcpupin cli", "emulatorpin cli",
    "-q emulatorpin cli", "cpu-stats cli", "cpu-stats cli --total", "domjobinfo cli", "domtime cli",
    "domtime cli --now --sync", "domhostname cli", "domhostname cli --source x", "domfsinfo cli",
    "domfsfreeze cli", "domfsthaw cli --mountpoint / /x", "domfstrim cli", "domfstrim cli --minimum x",
    "guestinfo cli --os", "set-user-password cli root x", "dompmsuspend cli mem",
    "dompmsuspend cli bogus", "dompmsuspend cli disk 10", "dompmwakeup cli", "desc cli",
    "desc cli --title", "metadata cli http://x", "managedsave-dumpxml cli", "managedsave-remove cli",
    "save-image-dumpxml DIR/none", "restore DIR/none", "save cli DIR/none/x",
    "dump cli DIR/none/x --memory-only", "save cli", "screenshot cli /none/x", "send-key cli KEY_BOGUS",
    "send-key cli --codeset bogus KEY_A", "qemu-agent-command cli '{\"execute\":\"guest-ping\"}'",
    "qemu-agent-command cli --async --block x", "qemu-agent-command cli --timeout 0 x",
    "change-media cli vda --eject", "change-media cli sda --insert", "change-media cli sda b.iso --insert",
    "change-media cli sda --eject --print-xml", "change-media cli sda DIR/b.iso --update --print-xml",
    f"domif-setlink cli {MAC} down --print-xml", f"domif-setlink cli {MAC} bogus",
    "domif-setlink cli vnet9 up", "update-device cli nofile.xml", "domrename nosuch other",
    "setmem cli bogus", "setvcpus cli 0", "setvcpus cli 9 --live", "set-lifecycle-action cli bogus destroy",
    "set-lifecycle-action cli reboot bogus", "blockresize cli vda", "blockresize cli sdz 1M",
    "vcpupin cli 0 bogus", "vcpupin cli 0 ^0", "emulatorpin cli 4000", "-r setmem cli 16M",
    "undefine cli --tpm --keep-tpm", "qemu-monitor-command cli bogus", "domjobabort cli",
]

CHANGES = [
    "setmem cli 16M", "setmem cli 16384 --config", "setmaxmem cli 64MiB --config", "setmaxmem cli 64MiB",
    "setvcpus cli 1 --config", "setvcpus cli 3 --config --maximum", "vcpupin cli 0 0", "vcpupin cli 1 r --config",
    "emulatorpin cli 0", "set-lifecycle-action cli reboot destroy", "blockresize cli vda 16M",
    "blockresize cli vda 8389120b", "change-media cli sda DIR/b.iso", "change-media cli sda DIR/b.iso --config",
    f"domif-setlink cli {MAC} down", f"domif-setlink cli {MAC} down --config", "dommemstat cli --period 5",
    "desc cli one two", "desc cli --title --new-desc one", "desc cli --config text", "inject-nmi cli",
    "metadata cli http://x --key x --set '<a/>'", "metadata cli http://x --remove", "send-key cli KEY_LEFTCTRL 30 0x1e",
    "send-key cli --holdtime 10 --codeset xt 30", "screenshot cli DIR/picture", "dump cli DIR/memory --memory-only --live",
    "qemu-monitor-command cli query-status", "qemu-monitor-command cli --hmp info status",
    "qemu-monitor-command cli --pretty '{\"execute\":\"query-status\"}'",
    "qemu-monitor-command cli --return-value query-status", "qemu-monitor-command cli --return-value bogus",
    "qemu-monitor-command cli qom-get '\"path\":\"/machine\",\"property\":\"type\"'",
]


def test_questions_about_a_running_guest(rich):
    assert rich.virsh("-q", "start cli").returncode == 0
    for command in QUESTIONS:
        same(rich, command)


def test_questions_about_a_guest_that_is_off(rich):
    without_message = {"domtime cli --now --sync"}
    for command in QUESTIONS:
        if command not in without_message:
            same(rich, command)


@pytest.mark.parametrize(
    ("options", "words"),
    [("--format elf", "--format only works with --memory-only"), ("--memory-only --format bogus", "'bogus'")],
)
def test_a_dump_that_the_command_itself_refuses(rich, options, words):
    """Not beside virsh, which now and then hangs when it refuses one: it waits for a thread that has ended."""
    assert rich.virsh("-q", "start cli").returncode == 0
    done = rich.airlock("dump", "cli", "x", *options.split())
    assert done.returncode == 1 and words in done.stderr
    assert not (rich.directory / "x").exists()


def test_changes_of_a_running_guest(rich):
    """Each can be made twice; behind both the guest is as the command wanted it."""
    assert rich.virsh("-q", "start cli").returncode == 0
    for command in CHANGES:
        same(rich, command)
    xml = rich.virsh("dumpxml cli").stdout
    assert "b.iso" in xml and "<link state='down'/>" in xml and "one two" in xml
    assert (rich.directory / "picture").read_bytes().startswith(b"\x89PNG")
    assert (rich.directory / "memory").read_bytes().startswith(b"\x7fELF")


@pytest.mark.parametrize("first", ["save cli DIR/state", "save cli DIR/state --paused", "managedsave cli"])
def test_a_state_is_saved_and_comes_back(rich, first):
    seen = []
    back = ["start cli"] if "managed" in first else [
        "save-image-dumpxml DIR/state --xpath //name", "restore DIR/state"]
    for run in (rich.virsh, rich.airlock):
        assert rich.virsh("-q", "start cli").returncode == 0
        commands = [first, "domstate cli --reason", *back, "domstate cli --reason", "destroy cli"]
        seen.append([shown(run(*line.replace("DIR", str(rich.directory)).split())) for line in commands])
    assert seen[1] == seen[0]
    assert all(status == 0 for status, _, _ in seen[0])


def test_a_guest_is_renamed_there_and_back(rich):
    for run in (rich.virsh, rich.airlock):
        done = run("domrename", "cli", "clitmp")
        assert shown(done) == (0, "Domain successfully renamed\n\n", "")
        assert shown(rich.virsh("-q", "domrename", "clitmp", "cli"))[0] == 0


def test_a_managed_state_is_forgotten(rich):
    for run in (rich.virsh, rich.airlock):
        for line in ("start cli", "managedsave cli"):
            assert rich.virsh("-q", line).returncode == 0
        assert shown(run("managedsave-remove", "cli")) == (0, "Removed managedsave image for domain 'cli'\n", "")


def test_a_device_is_updated(rich):
    assert rich.virsh("-q", "start cli").returncode == 0
    text = f"<interface type='user'><mac address='{MAC}'/><model type='e1000e'/><link state='down'/></interface>"
    (rich.directory / "n.xml").write_text(text)
    for options in ("", " --live", " --config", " --persistent"):
        same(rich, f"update-device cli n.xml{options}")
    assert "<link state='down'/>" in rich.virsh("dumpxml cli").stdout


TO_THE_AGENT = [
    "domhostname cli", "domfsinfo cli", "domtime cli", "domtime cli --pretty", "domtime cli --now",
    "guestinfo cli --os", "guestinfo cli --hostname --timezone", "domifaddr cli --source agent",
    "domifaddr cli lo --source agent --full", "domfsfreeze cli", "domfsthaw cli", "domfstrim cli",
    "qemu-agent-command cli '{\"execute\":\"guest-ping\"}'", "vcpucount cli --guest",
    "qemu-agent-command cli --pretty '{\"execute\":\"guest-ping\"}'", "qemu-agent-command cli bogus",
    "set-user-password cli nobody x", "-q domfsinfo cli", "-q domifaddr cli --source agent",
]


def test_a_guest_with_an_agent(place, daemon):
    linux.need_built()
    conn = libvirt.open(daemon.uri)
    dom = conn.defineXML(linux.guest("cli", linux.AGENT + linux.NETWORK))
    with linux.booted(dom):
        for _ in range(60):
            if "state='connected'" in dom.XMLDesc():
                break
            place.virsh("qemu-agent-command", "cli", "--timeout", "1", '{"execute":"guest-ping"}')
        for command in TO_THE_AGENT:
            same(place, command)
    conn.close()
