# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh: guests and their devices."""

import contextlib
import re
import select
import subprocess
import time
import uuid

import pytest

import guests

MAC = "52:54:00:12:34:56"


def table(text: str) -> list[list[str]]:
    """The rows of a virsh table, cells apart by two blanks or more."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()[2:]]


def test_define_and_undefine(virsh, document, name):
    path = document(name, guests.guest(name))
    assert virsh("define", path) == f"Domain '{name}' defined from {path}"
    assert virsh("undefine", name) == f"Domain '{name}' has been undefined"
    assert virsh.fails("undefine", name) == f"error: failed to get domain '{name}'"


def test_define_validates_on_request(virsh, document, name):
    good = document(name, guests.guest(name))
    assert virsh("define", good, "--validate") == f"Domain '{name}' defined from {good}"
    bad = document("bad", guests.guest(name, after="<nonsense/>"))
    assert "failed to validate against schema" in virsh.fails("define", bad, "--validate")


def test_define_refuses_what_is_no_xml(virsh, document):
    path = document("bad", "<domain type='qemu'><name>")
    text = virsh.fails("define", path)
    assert text.startswith(f"error: Failed to define domain from {path}\nerror: ")
    assert "line 1" in text


def test_create(virsh, document, name):
    path = document(name, guests.guest(name))
    assert virsh("create", path, "--paused") == f"Domain '{name}' created from {path}"
    assert virsh("domstate", name, "--reason") == "paused (user)"
    virsh("destroy", name)
    assert virsh("list", "--all", "--name") == ""


def test_start(virsh, defined):
    assert virsh("start", defined) == f"Domain '{defined}' started"
    assert virsh.fails("start", defined) == "error: Domain is already active"
    assert virsh("domstate", defined, "--reason") == "running (booted)"


def test_start_paused(virsh, defined):
    assert virsh("start", defined, "--paused") == f"Domain '{defined}' started"
    assert virsh("domstate", defined) == "paused"


def test_the_verbs_of_a_running_guest(virsh, running):
    assert virsh("suspend", running) == f"Domain '{running}' suspended"
    assert virsh("resume", running) == f"Domain '{running}' resumed"
    assert virsh("domstate", running, "--reason") == "running (unpaused)"
    assert virsh("reset", running) == f"Domain '{running}' was reset"
    assert virsh("reboot", running) == f"Domain '{running}' is being rebooted"
    assert virsh("shutdown", running) == f"Domain '{running}' is being shutdown"
    assert virsh("destroy", running) == f"Domain '{running}' destroyed"
    assert virsh("domstate", running, "--reason") == "shut off (destroyed)"


@pytest.mark.parametrize("verb", ["suspend", "resume", "reset", "reboot", "shutdown", "destroy"])
def test_what_needs_a_running_guest_says_so(virsh, defined, verb):
    text = virsh.fails(verb, defined)
    assert text.endswith("Requested operation is not valid: domain is not running")


@pytest.mark.parametrize("flag", ["--mode=acpi", "--mode=acpi,agent"])
def test_shutdown_modes(virsh, running, flag):
    done = virsh.run("shutdown", running, flag)
    assert done.returncode == (0 if flag == "--mode=acpi" else done.returncode)
    assert virsh("domstate", running) in ("running", "in shutdown")


def test_shutdown_is_obeyed(virsh, answering):
    virsh("shutdown", answering)
    deadline = time.monotonic() + 10
    while answering in virsh("list", "--name"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_destroy_gracefully(virsh, running):
    assert virsh("destroy", running, "--graceful") == f"Domain '{running}' destroyed"


def test_list(virsh, running, document):
    virsh("define", document("off", guests.guest("off", before="<title>A title</title>")))
    number = virsh("domid", running)
    assert table(virsh("list", "--all")) == [[number, running, "running"], ["-", "off", "shut off"]]
    assert table(virsh("list")) == [[number, running, "running"]]
    assert table(virsh("list", "--inactive")) == [["-", "off", "shut off"]]
    assert table(virsh("list", "--inactive", "--title"))[0][-1] == "A title"
    assert virsh("list", "--all", "--name").split() == [running, "off"]
    assert virsh("list", "--id") == number
    assert virsh("list", "--uuid", "--inactive") == virsh("domuuid", "off")
    assert virsh("list", "--transient", "--name") == ""
    assert virsh("list", "--persistent", "--name") == running
    assert virsh("list", "--state-running", "--name") == running
    assert virsh("list", "--state-shutoff", "--name", "--all") == "off"
    assert virsh("list", "--autostart", "--all", "--name") == ""
    assert table(virsh("list", "--all", "--managed-save"))[0][-1] == "running"


def test_ids_and_names(virsh, running):
    number, long = virsh("domid", running), virsh("domuuid", running)
    uuid.UUID(long)
    assert int(number) > 0
    for any_name in (number, long, running):
        assert virsh("domstate", any_name) == "running"
    assert virsh("domname", number) == running
    assert virsh("domname", long) == running
    virsh("destroy", running)
    assert virsh("domid", running) == "-"


def test_dominfo(virsh, running):
    text = virsh("dominfo", running)
    lines = dict(re.split(r":\s+", line, maxsplit=1) for line in text.splitlines())
    assert lines["Id"] == virsh("domid", running)
    assert lines["OS Type"] == "hvm"
    assert lines["State"] == "running"
    assert lines["CPU(s)"] == "1"
    assert re.fullmatch(r"\d+\.\ds", lines["CPU time"])
    assert lines["Max memory"] == "32768 KiB"
    assert lines["Persistent"] == "yes"
    assert lines["Autostart"] == "disable"
    assert lines["Managed save"] == "no"


def test_dumpxml(virsh, running):
    live, inactive = virsh("dumpxml", running), virsh("dumpxml", running, "--inactive")
    assert live.startswith(f"<domain type='qemu' id='{virsh('domid', running)}'>\n  <name>")
    assert inactive.startswith("<domain type='qemu'>\n  <name>")
    assert "<alias" in live
    assert "<alias" not in inactive
    assert virsh("dumpxml", running, "--xpath", "//name") == f"<name>{running}</name>"


def test_a_password_is_shown_on_request(virsh, document, name):
    graphics = "<graphics type='vnc' port='-1' autoport='yes' passwd='geheim'/>"
    virsh("define", document(name, guests.guest(name, graphics)))
    assert "geheim" not in virsh("dumpxml", name)
    assert "geheim" in virsh("dumpxml", name, "--security-info")


def test_autostart(virsh, defined):
    assert virsh("autostart", defined) == f"Domain '{defined}' marked as autostarted"
    assert virsh("list", "--all", "--autostart", "--name") == defined
    unmarked = f"Domain '{defined}' unmarked as autostarted"
    assert virsh("autostart", defined, "--disable") == unmarked


def test_descriptions(virsh, document, name):
    texts = "<title>A title</title><description>Some words</description>"
    virsh("define", document(name, guests.guest(name, before=texts)))
    assert virsh("desc", name) == "Some words"
    assert virsh("desc", name, "--title") == "A title"


def test_no_descriptions(virsh, defined):
    assert virsh("desc", defined) == f"No description for domain: {defined}"
    assert virsh("metadata", defined, "http://x.example/") == ""


def test_terminals_and_displays(virsh, document, name):
    graphics = "<graphics type='vnc' port='-1' autoport='yes'/>"
    virsh("create", document(name, guests.guest(name, graphics)))
    assert re.fullmatch(r"/dev/pts/\d+", virsh("ttyconsole", name))
    assert re.fullmatch(r"127\.0\.0\.1:\d+", virsh("vncdisplay", name))
    assert re.fullmatch(r"vnc://127\.0\.0\.1:\d+", virsh("domdisplay", name))


def test_small_facts(virsh, running):
    assert virsh("domcontrol", running) == "ok"
    assert virsh("domjobinfo", running).split() == ["Job", "type:", "None"]
    stats = virsh("domstats", running, "--state")
    assert stats == f"Domain: '{running}'\n  state.state=1\n  state.reason=1"


def test_disks_and_cards(virsh, document, name, tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1 << 20))
    devices = guests.disk(image, "vda") + guests.interface(MAC)
    virsh("create", document(name, guests.guest(name, devices)))
    assert table(virsh("domblklist", name)) == [["vda", str(image)]]
    assert table(virsh("domblklist", name, "--details")) == [["file", "disk", "vda", str(image)]]
    assert table(virsh("domiflist", name))[0][1:] == ["user", "-", "virtio", MAC]


@pytest.mark.parametrize("how", ["--live", "--config", "--persistent", "--current", ""])
def test_attach_and_detach(virsh, running, document, how):
    rng = document("rng", guests.RNG)
    words = [how] if how else []
    assert virsh("attach-device", running, rng, *words) == "Device attached successfully"
    in_config = how in ("--config", "--persistent")
    assert ("<rng" in virsh("dumpxml", running, "--inactive")) == in_config
    assert ("<rng" in virsh("dumpxml", running)) == (how != "--config")
    if how == "--config":
        assert virsh("detach-device", running, rng, how) == "Device detached successfully"
        assert virsh.fails("detach-device", running, rng, how).startswith(
            f"error: Failed to detach device from {rng}\nerror: device not found: "
        )


def test_live_detach_of_a_guest_that_answers(virsh, answering, document):
    rng = document("rng", guests.RNG)
    virsh("attach-device", answering, rng, "--live")
    assert virsh("detach-device", answering, rng, "--live") == "Device detached successfully"
    assert "<rng" not in virsh("dumpxml", answering)


def test_attach_and_detach_a_disk_by_name(virsh, defined, tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1 << 20))
    attached = virsh("attach-disk", defined, image, "vdb", "--config", "--subdriver", "raw")
    assert attached == "Disk attached successfully"
    assert table(virsh("domblklist", defined)) == [["vdb", str(image)]]
    assert virsh("detach-disk", defined, "vdb", "--config") == "Disk detached successfully"


def test_edit(virsh, defined):
    editor = {"EDITOR": "sed -i s/32768/65536/"}
    text = virsh("edit", defined, env=editor)
    assert text == f"Domain '{defined}' XML configuration edited."
    assert "<memory unit='KiB'>65536</memory>" in virsh("dumpxml", defined)


def test_edit_that_changes_nothing(virsh, defined):
    text = virsh("edit", defined, env={"EDITOR": "true"})
    assert text == f"Domain '{defined}' XML configuration not changed."


def test_edit_that_is_refused(virsh, defined):
    before = virsh("dumpxml", defined)
    done = virsh.run("edit", defined, env={"EDITOR": "sed -i s/32768/many/"}, input="n\n")
    assert done.stderr.startswith("error: ")
    assert virsh("dumpxml", defined) == before


def test_edit_while_it_runs(virsh, running):
    virsh("edit", running, env={"EDITOR": "sed -i s/32768/65536/"})
    assert "32768" in virsh("dumpxml", running, "--xpath", "//memory")
    assert "65536" in virsh("dumpxml", running, "--inactive", "--xpath", "//memory")


@contextlib.contextmanager
def watcher(virsh, document, *words):
    """virsh event in the background, after its first sign of life; yields its lines as they come."""
    command = ["stdbuf", "-oL", "virsh", "-c", virsh.uri, "event", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    sign = document("sign", guests.guest("sign", uuid="5ca1ab1e-0000-4000-8000-000000000001"))
    ready, _, _ = select.select([process.stdout], [], [], 0)
    while not ready:
        virsh("define", sign)
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
    try:
        yield (line for line in process.stdout if "'sign'" not in line)
    finally:
        process.kill()
        process.communicate()


def test_event(virsh, document, defined):
    with watcher(virsh, document, "--all", "--loop", "--timeout", "30") as lines:
        for verb in ("start", "suspend", "resume", "destroy"):
            virsh(verb, defined)
        told = []
        while not told or "Stopped" not in told[-1]:
            told.append(next(lines).rstrip())
    prefix = f"event 'lifecycle' for domain '{defined}': "
    assert [line.removeprefix(prefix) for line in told if "Shutdown" not in line] == [
        "Resumed Unpaused",
        "Started Booted",
        "Suspended Paused",
        "Resumed Unpaused",
        "Stopped Destroyed",
    ]


def test_one_event_and_out(virsh, document, defined):
    """Without --loop the first event ends it."""
    with watcher(virsh, document, "--event", "lifecycle", "--timeout", "30") as lines:
        assert "events received: 1\n" in list(lines)


def test_event_list(virsh):
    assert virsh("event", "--list").split()[:2] == ["lifecycle", "reboot"]
