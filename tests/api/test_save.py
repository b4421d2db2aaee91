# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory in files: save, restore, managed save, core dumps, and the jobs behind them."""

import os
import pathlib
import re
import threading

import libvirt
import pytest
from checks import refused, remove, until

import guests

RUNNING, PAUSED, SHUTOFF = (
    libvirt.VIR_DOMAIN_RUNNING,
    libvirt.VIR_DOMAIN_PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF,
)
SAVED = [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_SAVED]
RESTORED = [RUNNING, libvirt.VIR_DOMAIN_RUNNING_RESTORED]
LIFECYCLE = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE


@pytest.fixture
def image(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "image")


def described(xml: str, text: str) -> str:
    return re.sub("<memory", f"<description>{text}</description><memory", xml, count=1)


def forget(dom: libvirt.virDomain) -> None:
    dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)


def test_what_was_saved_is_restored(conn, running, image):
    before = running.ID()
    running.save(image)
    assert running.state() == SAVED
    assert pathlib.Path(image).stat().st_size > 100_000
    assert os.listdir(os.path.dirname(image)) == ["image"]
    conn.restore(image)
    assert running.state() == RESTORED
    assert conn.lookupByName(running.name()).ID() > before
    assert running.isPersistent()


def test_a_transient_guest_comes_back_transient(conn, name, image):
    conn.createXML(guests.guest(name)).save(image)
    with refused(libvirt.VIR_ERR_NO_DOMAIN):
        conn.lookupByName(name)
    conn.restore(image)
    dom = conn.lookupByName(name)
    assert (dom.isActive(), dom.isPersistent()) == (1, 0)


def test_the_events_of_save_and_restore(conn, running, image, events):
    events.listen(LIFECYCLE)
    running.save(image)
    conn.restore(image)
    resumed = (
        libvirt.VIR_DOMAIN_EVENT_RESUMED,
        libvirt.VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT,
    )
    events.wait(lambda: resumed in events.lifecycle())
    told = [each for each in events.lifecycle() if each[0] != libvirt.VIR_DOMAIN_EVENT_SHUTDOWN]
    assert told == [
        (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED),
        (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED),
        (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_RESTORED),
        resumed,
    ]


def test_a_guest_is_restored_as_it_was_saved_or_as_is_said(conn, running, image):
    running.suspend()
    running.save(image)
    conn.restore(image)
    assert running.state()[0] == PAUSED
    running.resume()
    running.saveFlags(image, None, libvirt.VIR_DOMAIN_SAVE_PAUSED)
    conn.restore(image)
    assert running.state()[0] == PAUSED
    running.save(image)
    conn.restoreFlags(image, None, libvirt.VIR_DOMAIN_SAVE_RUNNING)
    assert running.state() == RESTORED


def test_past_the_cache(conn, running, image):
    running.saveFlags(image, None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    conn.restoreFlags(image, None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    assert running.state() == RESTORED


def test_flags_that_contradict_or_are_unknown(conn, running, image):
    both = libvirt.VIR_DOMAIN_SAVE_RUNNING | libvirt.VIR_DOMAIN_SAVE_PAUSED
    for attempt in (
        lambda: running.saveFlags(image, None, both),
        lambda: conn.restoreFlags(image, None, both),
        lambda: running.saveFlags(image, None, 0x40),
        lambda: running.managedSave(0x40),
    ):
        with refused(libvirt.VIR_ERR_INVALID_ARG):
            attempt()
    assert running.isActive()


def test_a_save_that_fails_leaves_the_guest_running_and_no_file(conn, running, tmp_path):
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "/no/such/place"):
        running.save("/no/such/place")
    until(lambda: running.state()[0] == RUNNING)
    assert os.listdir(tmp_path) == []


def test_what_is_no_image_is_refused(conn, running, image):
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "No such file or directory"):
        conn.restore(image)
    for text in ("", "nothing", "nothing" * 1000):
        pathlib.Path(image).write_text(text)
        with refused(libvirt.VIR_ERR_OPERATION_FAILED):
            conn.restore(image)
        with refused(libvirt.VIR_ERR_OPERATION_FAILED):
            conn.saveImageGetXMLDesc(image)


def test_a_guest_that_runs_is_not_restored(conn, running, image):
    running.save(image)
    conn.restore(image)
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "is already active"):
        conn.restore(image)


def test_a_guest_that_is_off_is_not_saved(conn, name, image):
    dom = conn.defineXML(guests.guest(name))
    for attempt in (
        lambda: dom.save(image),
        dom.managedSave,
        lambda: dom.coreDump(image),
        dom.abortJob,
        dom.jobInfo,
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "not running"):
            attempt()


def test_the_xml_of_an_image_can_be_read_and_changed(conn, running, image):
    running.save(image)
    xml = conn.saveImageGetXMLDesc(image)
    assert f"<name>{running.name()}</name>" in xml
    conn.saveImageDefineXML(image, described(xml, "one"), libvirt.VIR_DOMAIN_SAVE_PAUSED)
    conn.saveImageDefineXML(image, described(xml, "two"))
    assert "two" in conn.saveImageGetXMLDesc(image)
    conn.restore(image)
    assert running.state()[0] == PAUSED
    assert "<description>two</description>" in running.XMLDesc()
    assert "two" not in running.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def test_other_xml_must_be_of_the_same_guest(conn, running, image):
    other = guests.guest("another")
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "does not match source"):
        running.saveFlags(image, other)
    running.saveFlags(image, described(running.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE), "x"))
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "does not match source"):
        conn.restoreFlags(image, other)
    bigger = conn.saveImageGetXMLDesc(image).replace(">1</vcpu>", ">2</vcpu>")
    with refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "does not match source"):
        conn.saveImageDefineXML(image, bigger)
    conn.restore(image)
    assert "<description>x</description>" in running.XMLDesc()


def test_what_a_save_has_moved_can_be_read(conn, running, image, events):
    events.listen(libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED)
    assert running.jobInfo()[0] == libvirt.VIR_DOMAIN_JOB_NONE
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "no job is active"):
        running.abortJob()
    running.save(image)
    stats = running.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
    assert stats["type"] == libvirt.VIR_DOMAIN_JOB_COMPLETED
    assert stats["operation"] == 2  # VIR_DOMAIN_JOB_OPERATION_SAVE
    assert stats["memory_total"] >= 32 << 20
    assert 0 < stats["memory_processed"] <= stats["memory_total"]
    assert stats["memory_remaining"] == 0
    events.wait(lambda: len(events.seen) == 1)
    told = events.seen[0][2]
    assert told["memory_total"] == stats["memory_total"]


# ---- managed save ----


def test_a_managed_save_is_what_the_next_start_takes(conn, running, events):
    events.listen(LIFECYCLE)
    running.managedSave()
    assert running.state() == SAVED
    assert running.hasManagedSaveImage() == 1
    saved = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
    assert [dom.name() for dom in saved] == [running.name()]
    running.create()
    assert running.state() == RESTORED
    assert running.hasManagedSaveImage() == 0
    assert conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE) == []
    started = (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_RESTORED)
    events.wait(lambda: started in events.lifecycle())


def test_a_managed_save_of_a_paused_guest(conn, running):
    running.suspend()
    running.managedSave()
    running.create()
    assert running.state()[0] == PAUSED
    running.managedSave(libvirt.VIR_DOMAIN_SAVE_RUNNING)
    running.create()
    assert running.state() == RESTORED
    running.managedSave()
    running.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert running.state()[0] == PAUSED


def test_a_forced_boot_drops_it(conn, running):
    running.managedSave()
    running.createWithFlags(libvirt.VIR_DOMAIN_START_FORCE_BOOT)
    assert running.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]
    assert running.hasManagedSaveImage() == 0


def test_it_can_be_removed(conn, running):
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "No such file or directory"):
        running.managedSaveRemove()
    running.managedSave()
    running.managedSaveRemove()
    assert running.hasManagedSaveImage() == 0
    running.create()
    assert running.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]


def test_its_xml_can_be_read_and_changed(conn, running):
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "does not have managed save image"):
        running.managedSaveGetXMLDesc()
    running.managedSave()
    running.managedSaveDefineXML(described(running.managedSaveGetXMLDesc(), "kept"))
    assert "<description>kept</description>" in running.managedSaveGetXMLDesc()
    running.create()
    assert "<description>kept</description>" in running.XMLDesc()


def test_a_guest_with_an_image_is_not_undefined_by_accident(conn, running):
    running.managedSave()
    for attempt in (
        running.undefine,
        lambda: running.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM),
    ):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "managed save image exists"):
            attempt()
    forget(running)
    assert running.name() not in [dom.name() for dom in conn.listAllDomains()]
    again = conn.defineXML(guests.guest(running.name()))
    assert again.hasManagedSaveImage() == 0


def test_a_transient_guest_has_no_managed_save(conn, name):
    dom = conn.createXML(guests.guest(name))
    with refused(libvirt.VIR_ERR_OPERATION_INVALID, "managed save for transient domain"):
        dom.managedSave()


def test_it_outlives_the_daemon(conn, daemon, running, fresh):
    name = running.name()
    running.managedSave()
    daemon.end()
    daemon.start()
    dom = fresh().lookupByName(name)
    assert dom.hasManagedSaveImage() == 1
    dom.create()
    assert dom.state() == RESTORED
    dom.destroy()
    dom.undefine()


# ---- core dumps ----


def magic(path: str, n: int) -> bytes:
    return pathlib.Path(path).read_bytes()[:n]


def test_a_dump_leaves_the_guest_running(conn, running, image):
    running.coreDump(image)
    assert magic(image, 4) == b"QEVM"
    until(lambda: running.state()[0] == RUNNING)
    running.coreDump(image, libvirt.VIR_DUMP_MEMORY_ONLY)
    assert magic(image, 4) == b"\x7fELF"
    until(lambda: running.state()[0] == RUNNING)
    running.coreDump(image, libvirt.VIR_DUMP_LIVE)
    until(lambda: running.state()[0] == RUNNING)
    running.coreDump(image, libvirt.VIR_DUMP_RESET)
    until(lambda: running.state()[0] == RUNNING)


def test_a_dump_of_a_paused_guest_leaves_it_paused(conn, running, image):
    running.suspend()
    running.coreDump(image, libvirt.VIR_DUMP_MEMORY_ONLY)
    assert running.state()[0] == PAUSED


def test_a_compressed_dump(conn, running, image):
    kdump = libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB
    running.coreDumpWithFormat(image, kdump, libvirt.VIR_DUMP_MEMORY_ONLY)
    assert magic(image, 12) == b"makedumpfile"
    with refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "only supported with memory-only dump"):
        running.coreDumpWithFormat(image, kdump)
    with refused(libvirt.VIR_ERR_INVALID_ARG, "99"):
        running.coreDumpWithFormat(image, 99, libvirt.VIR_DUMP_MEMORY_ONLY)


def test_a_crash_dump_ends_the_guest(conn, running, image):
    running.coreDump(image, libvirt.VIR_DUMP_CRASH)
    assert running.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]
    assert magic(image, 4) == b"QEVM"


def test_dumps_that_contradict_or_fail(conn, running):
    crash, live, reset = libvirt.VIR_DUMP_CRASH, libvirt.VIR_DUMP_LIVE, libvirt.VIR_DUMP_RESET
    for flags in (crash | live, crash | reset, live | reset, 0x100):
        with refused(libvirt.VIR_ERR_INVALID_ARG):
            running.coreDump("/tmp/never", flags)
    with refused(libvirt.VIR_ERR_SYSTEM_ERROR, "/no/such/place"):
        running.coreDump("/no/such/place")
    until(lambda: running.state()[0] == RUNNING)


# ---- cut off in the middle ----


class Saving:
    """A save of a guest that is large enough to be met in the middle of it."""

    def __init__(self, daemon, dom: libvirt.virDomain, image: str) -> None:
        self.error: libvirt.libvirtError | None = None
        self.connection = libvirt.open(daemon.uri)
        self.dom = self.connection.lookupByName(dom.name())
        self.thread = threading.Thread(target=self.run, args=(image,))
        self.thread.start()
        until(lambda: dom.jobInfo()[0] == libvirt.VIR_DOMAIN_JOB_UNBOUNDED)

    def run(self, image: str) -> None:
        try:
            self.dom.save(image)
        except libvirt.libvirtError as error:
            self.error = error

    def end(self) -> libvirt.libvirtError | None:
        self.thread.join(60)
        return self.error


def test_a_save_can_be_aborted(conn, daemon, name, image):
    dom = conn.defineXML(guests.guest(name, memory="3072"))
    dom.create()
    saving = Saving(daemon, dom, image)
    stats = dom.jobStats()
    assert stats["operation"] == 2
    assert dom.state()[0] == PAUSED
    dom.abortJob()
    error = saving.end()
    assert error and error.get_error_code() == libvirt.VIR_ERR_OPERATION_ABORTED
    until(lambda: dom.state()[0] == RUNNING)
    assert dom.jobInfo()[0] == libvirt.VIR_DOMAIN_JOB_NONE
    assert os.listdir(os.path.dirname(image)) == []
    dom.save(image)
    assert dom.state() == SAVED


def test_a_guest_that_is_destroyed_in_a_save(conn, daemon, name, image):
    dom = conn.defineXML(guests.guest(name, memory="3072"))
    dom.create()
    saving = Saving(daemon, dom, image)
    dom.destroy()
    assert saving.end()
    assert dom.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED]
    assert os.listdir(os.path.dirname(image)) == []


def test_a_daemon_that_is_killed_in_a_save(conn, daemon, name, image, fresh):
    dom = conn.defineXML(guests.guest(name, memory="3072"))
    dom.create()
    saving = Saving(daemon, dom, image)
    daemon.kill()
    saving.end()
    daemon.start()
    again = fresh()
    until(lambda: again.lookupByName(name).state()[0] == RUNNING)
    if daemon.ours:
        assert os.listdir(os.path.dirname(image)) == []
        assert again.lookupByName(name).isActive()
    remove(again.lookupByName(name))  # libvirtd's may end by itself meanwhile
