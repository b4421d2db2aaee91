# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real polkitd on a system bus of its own, in the namespaces of one daemon.

    daemon = daemon_with_polkit("airlockd", directory)
    with daemon, Polkit(daemon) as polkit:
        polkit.run("games", "virsh", "-c", daemon.uri, "list")

The users are some that every Debian has; RULES decides about them.
"""

import pathlib
import pwd
import shutil
import signal
import subprocess

from checks import until
from daemons import LIBVIRTD_CONF, ROOT, Airlockd, Daemon, Libvirtd

# What polkit finds to say about each; of the last one only the actions' own defaults.
ALLOWED, REFUSED, ASKED = "games", "mail", "nobody"

RULES = f"""\
polkit.addRule(function(action, subject) {{
    if (action.id.indexOf(".unix.") < 0) {{
        return polkit.Result.NOT_HANDLED;
    }}
    if (subject.user == "{ALLOWED}" && action.id.indexOf(".manage") > 0) {{
        return polkit.Result.YES;
    }}
    if (subject.user == "{REFUSED}") {{
        return polkit.Result.NO;
    }}
    return polkit.Result.NOT_HANDLED;
}});
"""

# As the system's bus is, without starting services for those who call them.
BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <includedir>/usr/share/dbus-1/system.d</includedir>
</busconfig>
"""

SYSTEM_ACTIONS = pathlib.Path("/usr/share/polkit-1/actions")
ACTIONS = [
    ROOT / "data" / "org.airlock.unix.policy",
    SYSTEM_ACTIONS / "org.libvirt.unix.policy",
    SYSTEM_ACTIONS / "org.freedesktop.policykit.policy",
]
POLKITD = pathlib.Path("/usr/lib/polkit-1/polkitd")


def why_not() -> str | None:
    for program in ("dbus-daemon", "pkttyagent", str(POLKITD)):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


def binds(directory: pathlib.Path) -> list[tuple[pathlib.Path, str]]:
    return [
        (directory / "actions", str(SYSTEM_ACTIONS)),
        (directory / "rules", "/usr/share/polkit-1/rules.d"),
        (directory / "local-rules", "/etc/polkit-1/rules.d"),
    ]


def write_rules(directory: pathlib.Path) -> None:
    for action in ACTIONS:
        if action.exists():
            shutil.copy(action, directory / "actions")
    shutil.copy(ROOT / "data" / "airlock.rules", directory / "rules" / "60-airlock.rules")
    (directory / "local-rules" / "50-test.rules").write_text(RULES)
    (directory / "bus.conf").write_text(BUS)


class PolkitAirlockd(Airlockd):
    def binds(self) -> list[tuple[pathlib.Path, str]]:
        return [*super().binds(), *binds(self.directory)]

    def command(self) -> list[str]:
        return [*super().command(), "--unix-auth=polkit", "--verbose"]

    def prepare(self) -> None:
        super().prepare()
        write_rules(self.directory)


class PolkitLibvirtd(Libvirtd):
    def binds(self) -> list[tuple[pathlib.Path, str]]:
        return [*super().binds(), *binds(self.directory)]

    def prepare(self) -> None:
        super().prepare()
        write_rules(self.directory)
        text = LIBVIRTD_CONF.replace('"none"', '"polkit"').replace("0600", "0777")
        (self.directory / "etc" / "libvirtd.conf").write_text(text)


KINDS = {kind.name: kind for kind in (PolkitAirlockd, PolkitLibvirtd)}


def daemon_with_polkit(name: str, directory: pathlib.Path) -> Daemon:
    daemon = KINDS[name](directory)
    # Seen from inside, where other users than root reach it too.
    daemon.uri = "qemu:///system?socket=/run/libvirt/libvirt-sock"
    return daemon


def enter(daemon: Daemon) -> list[str]:
    """Prefix of a command that runs in all of the daemon's namespaces."""
    assert daemon.process
    pid = daemon.process.pid
    (init,) = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return ["nsenter", f"--target={init}", "--mount", "--net", "--pid", "--"]


def as_user(user: str) -> list[str]:
    group = pwd.getpwnam(user).pw_gid
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--"]


def kill_inside(entered: subprocess.Popen[bytes], number: int) -> None:
    """nsenter forks where it enters a PID namespace: what it runs is its child, and when that stops
    it stops too."""
    pids = pathlib.Path(f"/proc/{entered.pid}/task/{entered.pid}/children").read_text().split()
    if number == signal.SIGCONT:
        pids.append(str(entered.pid))
    subprocess.run(["kill", f"-{int(number)}", *pids], check=True)


class Polkit:
    """dbus-daemon and polkitd inside; they end with the namespaces at the latest."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.bus: subprocess.Popen[bytes] | None = None
        self.polkitd: subprocess.Popen[bytes] | None = None

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.daemon.directory / "polkit.log").open("a")
        return subprocess.Popen([*enter(self.daemon), *command], stdout=log, stderr=log)

    def __enter__(self) -> "Polkit":
        self.start_bus()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.end_bus()

    def start_bus(self) -> None:
        (self.daemon.run / "dbus").mkdir(exist_ok=True)
        config = self.daemon.directory / "bus.conf"
        self.bus = self.spawn("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile")
        until((self.daemon.run / "dbus" / "system_bus_socket").exists)

    def end_bus(self) -> None:
        if self.bus:
            kill_inside(self.bus, signal.SIGKILL)
            self.bus.wait()
            self.bus = None
        (self.daemon.run / "dbus" / "system_bus_socket").unlink(missing_ok=True)

    def start(self) -> None:
        self.polkitd = self.spawn(str(POLKITD), "--no-debug")
        until(self.answers)

    def end(self) -> None:
        if self.polkitd:
            self.signal(signal.SIGKILL)
            self.polkitd.wait()
            self.polkitd = None

    def signal(self, number: int) -> None:
        assert self.polkitd
        kill_inside(self.polkitd, number)

    def answers(self) -> bool:
        ask = ["pkcheck", "--action-id", "org.airlock.unix.monitor", "--process", "1"]
        return self.run("root", *ask).returncode == 0

    def command(self, user: str, *command: str) -> list[str]:
        return [*enter(self.daemon), *as_user(user), *command]

    def run(self, user: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Without a terminal: no agent can be started on one."""
        return subprocess.run(
            ["setsid", "--wait", *self.command(user, *command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
