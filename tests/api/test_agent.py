# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent in a guest, and QEMU's own monitor."""

import contextlib
import json
import struct
import time

import libvirt
import libvirt_qemu
import pytest
from checks import Events, refused, remove, until

import guests
import linux

HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
RUNNING = libvirt.VIR_DOMAIN_RUNNING
COMMAND_TIMEOUT, COMMAND_FAILED = 112, 113  # newer than the binding that Debian has
AGENT_GONE = (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_AGENT_UNRESPONSIVE)
MAC = "52:54:00:00:00:01"


def fat_image() -> bytes:
    """An empty FAT12 file system of 8 MiB: boot sector, one table of 6 sectors, 16 root entries."""
    image = bytearray(8 << 20)
    image[:11] = b"\xeb\x3c\x90AIRLOCK "
    struct.pack_into("<HBHBHHBHHHI", image, 11, 512, 8, 1, 1, 16, 16384, 0xF8, 6, 32, 2, 0)
    image[510:512] = b"\x55\xaa"
    image[512:515] = b"\xf8\xff\xff"
    return bytes(image)


@pytest.fixture(scope="module")
def agent(module_conn, tmp_path_factory):
    """One Linux guest whose agent answers, for all tests that put it back as it was."""
    linux.need_built()
    image = tmp_path_factory.mktemp("agent") / "disk"
    image.write_bytes(fat_image())
    devices = linux.AGENT + linux.NETWORK + guests.disk(image)
    dom = module_conn.defineXML(linux.guest("module-agent", devices, vcpu="2"))
    with linux.booted(dom) as shell:
        until(lambda: "state='connected'" in dom.XMLDesc(), what="the agent did not come")
        dom.shell = shell
        yield dom
    remove(dom)


def ask(dom: libvirt.virDomain, command: dict, timeout: int = 30) -> dict:
    return json.loads(libvirt_qemu.qemuAgentCommand(dom, json.dumps(command), timeout, 0))


# ---- without one ----


def set_time(dom: libvirt.virDomain) -> None:  # libvirtd asks what QEMU can do before anything else
    dom.setTime({"seconds": 1, "nseconds": 1})


QUESTIONS = (
    lambda dom: dom.hostname(),
    lambda dom: dom.getTime(),
    set_time,
    lambda dom: dom.fsFreeze(),
    lambda dom: dom.fsThaw(),
    lambda dom: dom.fsInfo(),
    lambda dom: dom.fSTrim(None, 0),
    lambda dom: dom.setUserPassword("root", "secret"),
    lambda dom: dom.guestInfo(),
    lambda dom: dom.setGuestVcpus("0", 1),
    lambda dom: dom.authorizedSSHKeysGet("root"),
    lambda dom: dom.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT),
    lambda dom: dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT),
    lambda dom: libvirt_qemu.qemuAgentCommand(dom, '{"execute":"guest-ping"}', 1, 0),
)


def test_a_guest_without_the_channel_says_so(conn, running):
    for question in QUESTIONS:
        with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "guest agent is not configured"):
            question(running)


def test_a_guest_without_an_agent_says_so(conn, name):
    dom = conn.createXML(guests.guest(name, linux.AGENT))
    assert "state='disconnected'" in dom.XMLDesc()
    for question in QUESTIONS:
        with refused(libvirt.VIR_ERR_AGENT_UNRESPONSIVE, "guest agent is not connected"):
            question(dom)


def test_a_guest_that_is_off_says_so(conn, name):
    dom = conn.defineXML(guests.guest(name, linux.AGENT))
    for question in (each for each in QUESTIONS if each is not set_time):
        with refused(libvirt.VIR_ERR_OPERATION_INVALID, "not running"):
            question(dom)


def test_sources_of_addresses(conn, running):
    assert running.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE) == {}
    with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source"):
        running.interfaceAddresses(9)
    with refused(libvirt.VIR_ERR_NO_HOSTNAME, running.name()):
        running.hostname(libvirt.VIR_DOMAIN_GET_HOSTNAME_LEASE)


# ---- with one ----


def test_time_and_name(agent):
    assert agent.hostname() == "airlock-guest"
    agent.shell.run("mkdir -p /sbin && ln -sf /bin/busybox /sbin/hwclock")  # what the agent runs
    agent.setTime({"seconds": 1_000_000_000, "nseconds": 0})
    assert 0 <= agent.getTime()["seconds"] - 1_000_000_000 < 60
    agent.setTime({"seconds": int(time.time()), "nseconds": 0})
    assert abs(agent.getTime()["seconds"] - time.time()) < 60


def test_file_systems(agent):
    agent.shell.run("modprobe -a vfat nls_cp437 nls_iso8859-1; mkdir -p /mnt/a")
    agent.shell.run("mount -t vfat -o iocharset=iso8859-1 /dev/vda /mnt/a")
    try:
        mounted = [each for each in agent.fsInfo() if each[0] == "/mnt/a"]
        assert [each[1:] for each in mounted] == [("vda", "vfat", ["vdb"])]
        # The kernel cannot freeze this one; the agent counts what it has frozen.
        assert agent.fsFreeze() == 0
        assert agent.fsThaw() == 0
        with refused(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "mount point"):
            agent.fSTrim("/mnt/a", 0)
    finally:
        agent.shell.run("umount /mnt/a")


def test_addresses(agent):
    ports = agent.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    assert ports["lo"]["addrs"][0]["addr"] == "127.0.0.1"
    assert [port for port in ports.values() if port["hwaddr"] == MAC]


def test_guest_information(agent):
    info = agent.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME)
    assert info == {"hostname": "airlock-guest"}
    everything = agent.guestInfo()
    assert everything["hostname"] == "airlock-guest"
    assert everything["os.machine"] == "x86_64"
    assert everything["if.count"] >= 2
    with refused(libvirt.VIR_ERR_INVALID_ARG):
        agent.guestInfo(1 << 20)


def test_processors(agent):
    assert agent.guestVcpus()["vcpus"].startswith("0")
    assert agent.guestVcpus()["online"].startswith("0")


def test_commands_as_they_are(agent):
    assert ask(agent, {"execute": "guest-ping"}) == {"return": {}}
    assert "version" in ask(agent, {"execute": "guest-info"})["return"]
    with pytest.raises(libvirt.libvirtError):
        libvirt_qemu.qemuAgentCommand(agent, '{"execute"', 5, 0)


def test_what_the_agent_refuses(agent):
    with refused(COMMAND_FAILED, "unable to execute QEMU agent command 'guest-set-user-password'"):
        agent.setUserPassword("nobody-has-this-name", "secret")


def test_how_long_to_wait(agent):
    agent.agentSetResponseTimeout(30)
    assert agent.hostname() == "airlock-guest"
    agent.agentSetResponseTimeout(libvirt.VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK)
    with refused(libvirt.VIR_ERR_INVALID_ARG):
        agent.agentSetResponseTimeout(-3)


def test_an_agent_that_has_ended(agent, fresh):
    recorder = Events(fresh())
    recorder.listen(libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE)
    agent.shell.run("killall -STOP qemu-ga")
    agent.agentSetResponseTimeout(1)
    try:
        with pytest.raises(libvirt.libvirtError, match="guest agent didn't respond") as info:
            agent.getTime()
        # libvirt asks an agent only once whether it listens; we do before each command.
        assert info.value.get_error_code() in (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, COMMAND_TIMEOUT)
    finally:
        agent.agentSetResponseTimeout(libvirt.VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK)
        agent.shell.run("killall -KILL qemu-ga")
    recorder.wait(lambda: len(recorder.seen) >= 2, 30)
    states = [told[2] for told in recorder.seen]
    assert states[:2] == [
        libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED,
        libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED,
    ]
    recorder.close()
    assert agent.hostname() == "airlock-guest"


@contextlib.contextmanager
def may_lose_the_agent(daemon):
    """libvirtd takes it for a failure when the guest is gone before its agent's answer has been read."""
    try:
        yield
    except libvirt.libvirtError as error:
        if daemon.ours or error.get_error_code() not in AGENT_GONE:
            raise


def test_reboot_and_shutdown_by_the_agent(daemon, conn, name):
    dom = conn.defineXML(linux.guest(name, linux.AGENT))
    with linux.booted(dom) as shell:
        until(lambda: "state='connected'" in dom.XMLDesc())
        with may_lose_the_agent(daemon):
            dom.reboot(libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT)
        shell.wait_ready()
        until(lambda: "state='connected'" in dom.XMLDesc())
        with may_lose_the_agent(daemon):
            dom.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
        until(lambda: not dom.isActive())
    assert dom.state()[1] == libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN


def test_sleep_and_wake_up(conn, name, events):
    pm = "<pm><suspend-to-mem enabled='yes'/></pm>"
    dom = conn.defineXML(linux.guest(name, linux.AGENT, before=pm))
    for event in (libvirt.VIR_DOMAIN_EVENT_ID_PMSUSPEND, libvirt.VIR_DOMAIN_EVENT_ID_PMWAKEUP):
        events.listen(event, name)
    with linux.booted(dom):
        until(lambda: "state='connected'" in dom.XMLDesc())
        dom.pMSuspendForDuration(libvirt.VIR_NODE_SUSPEND_TARGET_MEM, 0)
        until(lambda: dom.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED)
        for attempt in (dom.suspend, dom.resume):
            with refused(libvirt.VIR_ERR_OPERATION_INVALID, "pmsuspended"):
                attempt()
        dom.pMWakeup()
        until(lambda: dom.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_WAKEUP])
    events.wait(lambda: len(events.seen) == 2)
    assert [told[0] for told in events.seen] == [
        libvirt.VIR_DOMAIN_EVENT_ID_PMSUSPEND,
        libvirt.VIR_DOMAIN_EVENT_ID_PMWAKEUP,
    ]


# ---- the monitor ----


def test_qmp(conn, running):
    answer = json.loads(
        libvirt_qemu.qemuMonitorCommand(running, '{"execute":"query-status"}', 0)
    )
    assert answer["return"]["status"] == "running"
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(running, '{"execute":"nonsense"}', 0))
    assert answer["error"]["class"] == "CommandNotFound"
    with refused(libvirt.VIR_ERR_INTERNAL_ERROR, "failed to parse JSON"):
        libvirt_qemu.qemuMonitorCommand(running, '{"execute"', 0)


def test_hmp(conn, running):
    assert "running" in libvirt_qemu.qemuMonitorCommand(running, "info status", HMP)
    assert "unknown command" in libvirt_qemu.qemuMonitorCommand(running, "nonsense", HMP)


def test_a_reader_gets_no_monitor(conn, running, fresh):
    reader = fresh(read_only=True).lookupByName(running.name())
    with refused(libvirt.VIR_ERR_OPERATION_DENIED, "virDomainQemuMonitorCommand"):
        libvirt_qemu.qemuMonitorCommand(reader, "info status", HMP)
    with refused(libvirt.VIR_ERR_OPERATION_DENIED, "virDomainQemuAgentCommand"):
        libvirt_qemu.qemuAgentCommand(reader, '{"execute":"guest-ping"}', 1, 0)


def test_events_of_the_monitor(conn, running, fresh):
    seen: list[tuple] = []
    listener = fresh()

    def note(_conn, dom, event, _seconds, _micros, details, _opaque):
        seen.append((dom.name(), event, details))

    register = libvirt_qemu.qemuMonitorEventRegister
    number = register(listener, None, "STOP", note, None)
    pattern = register(
        listener, listener.lookupByName(running.name()), "^res", note, None,
        libvirt_qemu.VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX
        | libvirt_qemu.VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE,
    )  # fmt: skip
    running.suspend()
    running.resume()
    until(lambda: len(seen) == 2)
    assert [each[:2] for each in seen] == [(running.name(), "STOP"), (running.name(), "RESUME")]
    for each in (number, pattern):
        libvirt_qemu.qemuMonitorEventDeregister(listener, each)
    running.suspend()
    time.sleep(0.2)
    assert len(seen) == 2
