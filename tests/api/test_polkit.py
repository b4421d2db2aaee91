# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may use the UNIX sockets when polkit is asked: users of this host, and a real polkitd."""

import contextlib
import pathlib
import shutil
import signal
import subprocess
import textwrap
from collections.abc import Iterator

import daemons
import libvirt
import pexpect
import polkit
import pytest
import wire
from checks import until
from polkit import ALLOWED, ASKED, REFUSED, Polkit

AIRLOCK = daemons.airlockd_path().parent.parent / "cli" / "airlock"
# How libvirt's clients tell the codes.
FAILED, UNAVAILABLE = "failed", "unavailable"
# Of root in the namespace: "secret".
SHADOW = (
    "root:$6$airlock$"
    "yE9xKEe09hureb6MIw.70gad5FmYC2y6Zl8K3O40oNcrdrdTy4aJeRm9T5vZemytBrJajbxAdT7iMiB0rtOPQ1"
    ":19000:0:99999:7:::\n"
)


def why_not(daemon: daemons.Daemon) -> str | None:
    if daemon.name == "libvirtd" and not pathlib.Path(
        "/usr/share/polkit-1/actions/org.libvirt.unix.policy"
    ).exists():
        return "libvirtd has no actions of polkit here"
    return polkit.why_not()


@pytest.fixture(scope="module")
def guard(
    daemon: daemons.Daemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Polkit]:
    """A daemon of the same kind that asks polkit, and that polkit."""
    if reason := why_not(daemon):
        pytest.skip(reason)
    running = polkit.daemon_with_polkit(daemon.name, tmp_path_factory.mktemp(f"asks-{daemon.name}"))
    with running, Polkit(running) as asked:
        tools = running.run / "tools"
        tools.mkdir()
        shutil.copy(pathlib.Path(wire.__file__), tools)
        shutil.copy(AIRLOCK, tools)
        if not running.ours:
            # libvirtd looks for the bus when it starts, and never again.
            running.end()
            running.start()
        yield asked
        if running.ours:
            assert running.end() == 0, running.log_text()


def virsh(guard: Polkit, user: str, *words: str, read_only: bool = False) -> str:
    """The kind of failure; "" when it was let in."""
    uri = guard.daemon.uri + ("-ro" if read_only else "")
    option = ["-r"] if read_only else []
    done = guard.run(user, "virsh", *option, "-c", uri, *(words or ("hostname",)))
    if done.returncode == 0:
        return ""
    assert "authentication " in done.stderr, done.stderr
    return done.stderr.partition("authentication ")[2].partition(":")[0]


# ---- both daemons ----


def test_polkit_decides_and_root_is_not_asked(guard):
    assert virsh(guard, "root") == ""
    assert virsh(guard, ALLOWED) == ""
    assert virsh(guard, REFUSED) == FAILED


def test_nobody_can_be_asked_without_an_agent(guard):
    assert virsh(guard, ASKED) == UNAVAILABLE


def test_looking_is_judged_by_its_own_action(guard):
    assert virsh(guard, ASKED, read_only=True) == ""
    assert virsh(guard, REFUSED, read_only=True) == FAILED


def in_client(guard: Polkit, user: str, body: str) -> str:
    """Runs Python with a raw connection `c` as a user; what it prints."""
    head = "import sys; sys.path.insert(0, '/run/tools'); import wire\n"
    head += "c = wire.Wire('/run/libvirt/libvirt-sock')\n"
    done = guard.run(user, "/usr/bin/python3", "-B", "-c", head + textwrap.dedent(body))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_only_authentication_is_served_before_the_verdict(guard):
    said = in_client(
        guard,
        ASKED,
        """
        feature = wire.u32(wire.FEATURE_KEEPALIVE)
        opening = wire.optional(wire.string("qemu:///system")) + wire.u32(0)
        answers = [c.call(wire.SUPPORTS_FEATURE, feature), c.call(wire.OPEN, opening),
                   c.call(wire.GET_TYPE), c.call(wire.GET_HOSTNAME)]
        print([a.failure.code for a in answers], list(c.call(wire.AUTH_LIST).payload[3::4]))
        """,
    )
    assert said == f"{[libvirt.VIR_ERR_RPC] * 4} [1, 2]"


def test_who_was_let_in_can_do_everything(guard):
    said = in_client(
        guard,
        ALLOWED,
        """
        print(list(c.call(wire.AUTH_LIST).payload[3::4]), c.call(wire.AUTH_POLKIT).payload[3])
        print(c.open().serves())
        """,
    )
    assert said == "[1, 2] 1\nTrue"


def test_without_polkit_root_is_served_and_others_are_told(guard):
    guard.end()
    try:
        done = guard.run(ALLOWED, "virsh", "-c", guard.daemon.uri, "hostname")
        assert done.returncode != 0
        assert ("systemctl start polkit" in done.stderr) == guard.daemon.ours
        assert virsh(guard, "root") == ""
    finally:
        guard.start()
    assert virsh(guard, ALLOWED) == ""


def test_the_bus_may_be_started_anew(guard):
    """difference: bus-comes-back"""
    guard.end()
    guard.end_bus()
    try:
        done = guard.run(ALLOWED, "virsh", "-c", guard.daemon.uri, "hostname")
        assert done.returncode != 0
        assert ("the system bus does not answer" in done.stderr) == guard.daemon.ours
    finally:
        guard.start_bus()
        guard.start()
    again = guard.run(ALLOWED, "virsh", "-c", guard.daemon.uri, "hostname")
    assert (again.returncode == 0) == guard.daemon.ours, again.stderr
    if not guard.daemon.ours:
        guard.daemon.end()
        guard.daemon.start()


# ---- ours ----


@pytest.mark.only("airlockd")
def test_each_connection_is_judged_once(guard):
    again = "print(c.call(wire.AUTH_POLKIT).status, c.call(wire.AUTH_POLKIT).failure.code)"
    assert in_client(guard, ALLOWED, again) == f"0 {libvirt.VIR_ERR_AUTH_FAILED}"
    closed = "print(c.call(wire.AUTH_POLKIT).failure.code, c.closed())"
    assert in_client(guard, REFUSED, closed) == f"{libvirt.VIR_ERR_AUTH_FAILED} True"


@contextlib.contextmanager
def stopped(guard: Polkit) -> Iterator[None]:
    """polkitd does not answer meanwhile."""
    guard.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        guard.signal(signal.SIGCONT)


@contextlib.contextmanager
def bus_log(guard: Polkit, directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """A file with the calls that take a question back."""
    log = directory / "bus"
    watch = ["dbus-monitor", "--system", "member='CancelCheckAuthorization'"]
    monitor = subprocess.Popen(
        guard.command("root", *watch), stdout=log.open("w"), stderr=subprocess.DEVNULL
    )
    try:
        # The monitor's own name goes when it begins.
        until(lambda: "NameLost" in log.read_text())
        yield log
    finally:
        polkit.kill_inside(monitor, signal.SIGKILL)
        monitor.wait()


def asked(guard: Polkit) -> int:
    return guard.daemon.log_text().count("polkit is asked")


def start(guard: Polkit, user: str) -> subprocess.Popen[bytes]:
    command = guard.command(user, "virsh", "-c", guard.daemon.uri, "hostname")
    return subprocess.Popen(
        ["setsid", "--wait", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end_client(process: subprocess.Popen[bytes]) -> None:
    """virsh itself is the innermost of those that started each other."""
    pid = process.pid
    while children := pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    process.wait()


@pytest.mark.only("airlockd")
def test_the_others_are_served_while_polkit_hangs(guard, tmp_path):
    """More clients than polkit works on at a time of one user; some of them leave."""
    before = asked(guard)
    with bus_log(guard, tmp_path) as log, stopped(guard):
        clients = [start(guard, ALLOWED) for _ in range(12)]
        until(lambda: asked(guard) == before + 12)
        assert virsh(guard, "root") == ""
        for client in clients[:3]:
            end_client(client)
        until(lambda: "CancelCheckAuthorization" in log.read_text())
        assert virsh(guard, "root") == ""
    for client in clients[3:]:
        assert client.wait(60) == 0
    assert virsh(guard, ALLOWED) == ""


@pytest.mark.only("airlockd")
def test_who_is_let_in_and_who_is_refused_is_logged(guard):
    virsh(guard, ALLOWED)
    virsh(guard, REFUSED)
    log = guard.daemon.log_text()
    assert "uid 5) is allowed org.airlock.unix.manage" in log
    assert "uid 8) is refused org.airlock.unix.manage" in log


@pytest.mark.only("airlockd")
def test_airlock_answers_too(guard):
    expected = {ALLOWED: "", REFUSED: "access denied by policy", ASKED: "no polkit agent"}
    for user, what in expected.items():
        done = guard.run(user, "/run/tools/airlock", "-c", guard.daemon.uri, "hostname")
        assert what in done.stderr
        assert (done.returncode == 0) == (what == ""), done.stderr
    done = guard.run(ASKED, "/run/tools/airlock", "-r", "hostname")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def password(guard: Polkit, tmp_path: pathlib.Path) -> Iterator[str]:
    """Of the administrator whom polkit asks for one: root's, in the daemon's mount namespace."""
    shadow = tmp_path / "shadow"
    shadow.write_text(SHADOW)
    shadow.chmod(0o600)
    guard.run("root", "mount", "--bind", str(shadow), "/etc/shadow").check_returncode()
    yield "secret"
    guard.run("root", "umount", "/etc/shadow").check_returncode()


# virsh starts an agent by itself, but for a process of a session only, and there is none here.
WITH_AGENT = """
exec 4< <(pkttyagent --process $$ --notify-fd 5 5>&1 >/dev/tty)
cat <&4
exec "$@"
"""
CLIENTS = {
    "airlock": ["/run/tools/airlock"],
    "virsh": ["bash", "-c", WITH_AGENT, "bash", "virsh"],
}


@pytest.mark.only("airlockd")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_password_on_a_terminal_lets_in(guard, password, client):
    words = guard.command(ASKED, *CLIENTS[client], "-c", guard.daemon.uri, "list", "--all")
    with pexpect.spawn(words[0], words[1:], encoding="utf-8", timeout=60) as terminal:
        terminal.expect("org.airlock.unix.manage")
        # Once mistyped: it is asked for again.
        for word in ("wrong", password):
            terminal.expect("Password: ")
            terminal.sendline(word)
        terminal.expect("Name")
        terminal.expect(pexpect.EOF)
    assert terminal.wait() == 0


# As systemd does it, with the mode that is given.
INHERIT = """
import os, socket, sys
path = "/run/airlock/airlock-sock"
os.makedirs(os.path.dirname(path), exist_ok=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chmod(path, int(sys.argv[1], 8))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="airlockd", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.only("airlockd")
def test_an_inherited_socket_that_is_open_is_named_in_the_log(daemon, tmp_path_factory):
    class Inheriting(daemons.Airlockd):
        def command(self) -> list[str]:
            return ["/usr/bin/python3", "-c", INHERIT, "0666", *super().command()]

    with Inheriting(tmp_path_factory.mktemp("inherited")) as running:
        guard = Polkit(running)
        uri = "qemu:///system?socket=/run/airlock/airlock-sock"
        until(lambda: "unix-auth is 'mode'" in running.log_text())
        assert guard.run("root", "virsh", "-c", uri, "hostname").returncode == 0
        done = guard.run(ASKED, "virsh", "-c", uri, "hostname")
        assert done.returncode != 0
        assert "unix-auth = polkit" in done.stderr


@pytest.mark.only("airlockd")
def test_an_open_socket_without_polkit_serves_root_alone(daemon, tmp_path_factory):
    with daemons.start("airlockd", tmp_path_factory.mktemp("open")) as running:
        uri = "qemu:///system?socket=/run/libvirt/libvirt-sock"
        guard = Polkit(running)
        running.socket.chmod(0o666)
        done = guard.run(ASKED, "virsh", "-c", uri, "hostname")
        assert "unix-auth = polkit" in done.stderr
        assert guard.run("root", "virsh", "-c", uri, "hostname").returncode == 0
        assert guard.run(ASKED, "virsh", "-r", "-c", f"{uri}-ro", "hostname").returncode == 0
        running.socket.chmod(0o660)
        shutil.chown(running.socket, group="games")
        assert guard.run(ALLOWED, "virsh", "-c", uri, "hostname").returncode == 0
