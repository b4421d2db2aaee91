# SPDX-License-Identifier: LGPL-2.1-or-later
"""A running virtual host, and commands in it."""

import queue
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import paths, services, topology
from lab.channel import Channel, ChannelClosed, RunOptions
from lab.machine import Machine
from lab.services import Daemon

LATE = 15  # seconds after a command's own deadline at which the host counts as hung
LOGS_KEPT = 60


class HostError(Exception):
    """The host did not come up, hung or ended; the text says where its console log is."""


@dataclass(frozen=True)
class CommandResult:
    status: int
    output: str  # standard output
    errors: str  # standard error

    @property
    def ok(self) -> bool:
        return self.status == 0


Sink = Callable[[bytes, bytes], None]  # kind ('O' or 'E') and data, as they come


class LabHost:
    """
    with LabHost.boot("guide") as host:
        host.check("virsh nodedev-list --cap pci")

    Commands of several threads run at the same time, up to lab.machine.PORTS of them.
    Boot it from a thread that lives on: the host ends with the thread that started it.
    """

    def __init__(self, name: str, machine: Machine) -> None:
        self.name = name
        self.machine = machine
        self.console = machine.console
        self.share = machine.share  # /lab/share in the host
        self._free: queue.Queue[Channel] = queue.Queue()

    @classmethod
    def boot(cls, name: str, daemon: Daemon = Daemon.AIRLOCK, share: Path | None = None) -> Self:
        """Boots lab/hosts/NAME.toml; a host that does not come up is tried once more."""
        disk = topology.load(name).disk
        subprocess.run([paths.PREPARE, *([disk] if disk else [])], check=True)
        try:
            return cls._boot_once(name, daemon, share)
        except HostError:
            return cls._boot_once(name, daemon, share)

    @classmethod
    def _boot_once(cls, name: str, daemon: Daemon, share: Path | None) -> Self:
        description = topology.load(name)
        directory = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=paths.RUNS))
        if share is None:
            share = directory / "share"
            share.mkdir()
        console = _new_log(directory.name)
        host = cls(name, Machine(description, directory, share, console))
        try:
            host._come_up(description, daemon)
        except BaseException:
            host.stop()
            raise
        return host

    def _come_up(self, description: topology.Topology, daemon: Daemon) -> None:
        end = time.monotonic() + description.boot_seconds
        for channel in self.machine.channels:
            self._await_hello(channel, end)
            self._free.put(channel)
        result = self.run(services.script(description, daemon), timeout=max(1, int(end - time.monotonic())))
        if not result.ok:
            raise self._error(f"set-up failed with status {result.status}:\n{result.output}{result.errors}")
        if daemon is Daemon.AIRLOCK and not services.have_airlockd():
            print("lab: no airlockd in build/main yet: the host runs without it", flush=True)

    def _await_hello(self, channel: Channel, end: float) -> None:
        """Goes past what was on its way when the host went down."""
        try:
            while next(channel.frames(max(1.0, end - time.monotonic()))).kind != b"H":
                pass
        except TimeoutError:
            raise self._error("did not come up in time") from None
        except (ChannelClosed, ConnectionError):
            raise self._error("ended while it came up") from None

    def _error(self, what: str) -> HostError:
        return HostError(f"lab host '{self.name}' {what}\n{self.diagnosis()}")

    def diagnosis(self, lines: int = 30) -> str:
        """What QEMU said and the end of the console, for a report of a failure."""
        qemu = self.machine.qemu_log.read_text(errors="replace") if self.machine.qemu_log.exists() else ""
        console = self.console.read_text(errors="replace") if self.console.exists() else ""
        tail = "\n".join(console.splitlines()[-lines:])
        return f"{qemu}console log: {self.console}\n{tail}"

    @contextmanager
    def channel(self) -> Iterator[Channel]:
        """A port of one's own for the length of one command. One that was left in the middle is not used again."""
        channel = self._free.get()
        try:
            yield channel
        except HostError:
            self._free.put(channel)  # the host has ended: whoever comes next is to hear of it, not to wait
            raise
        self._free.put(channel)

    def run(
        self, script: str, timeout: int = 120, sink: Sink | None = None, input_data: bytes | None = None
    ) -> CommandResult:
        """
        Runs a shell script in the host. At the timeout (seconds) it is killed and the status is 124.
        What it writes is returned, or given to sink as it comes.
        """
        collected = {b"O": bytearray(), b"E": bytearray()}
        with self.channel() as channel:
            with self._ended_if_it_fails():
                channel.send_run(script, RunOptions(deadline=timeout, with_input=input_data is not None))
                if input_data is not None:
                    channel.send_input(input_data)
                    channel.send_input(b"")
                status = _collect(channel, timeout, sink or (lambda kind, data: collected[kind].extend(data)))
        return CommandResult(
            status, collected[b"O"].decode(errors="replace"), collected[b"E"].decode(errors="replace")
        )

    @contextmanager
    def _ended_if_it_fails(self) -> Iterator[None]:
        """A host that does not answer is ended, so that nothing waits for it a second time."""
        try:
            yield
        except TimeoutError:
            error = self._error("does not answer")
        except (ChannelClosed, OSError):
            error = self._error("ended under a command")
        else:
            return
        self.stop()
        raise error

    def check(self, script: str, timeout: int = 120) -> str:
        """Runs a script that must succeed; returns what it wrote to its standard output."""
        result = self.run(script, timeout)
        if not result.ok:
            raise AssertionError(
                f"in '{self.name}': {script}\nended with status {result.status}\n{result.output}{result.errors}"
            )
        return result.output

    def reboot(self, seconds: int) -> None:
        """
        Restarts a host that boots from a disk, and returns when its agent answers: after one boot, or after as many as
        it takes. HostError when it does not. No command may be running.
        """
        channels = [self._free.get(timeout=LATE) for _ in self.machine.channels]
        channels[0].send_run("systemctl --no-block reboot", RunOptions())
        end = time.monotonic() + seconds
        for channel in channels:
            self._await_hello(channel, end)
            self._free.put(channel)

    def qmp(self, command: str, **arguments: Any) -> Any:
        """A command to the QEMU that is the host: device_add, device_del, …"""
        return self.machine.qmp.execute(command, **arguments)

    def stop(self) -> None:
        self.machine.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _collect(channel: Channel, timeout: int, sink: Sink) -> int:
    for frame in channel.frames(timeout + LATE):
        if frame.kind == b"X":
            return frame.exit_status
        sink(frame.kind, frame.payload)
    raise ChannelClosed


def _new_log(name: str) -> Path:
    """Console logs stay for a while; the oldest go."""
    for old in sorted(paths.LOGS.glob("*.log"), key=lambda log: log.stat().st_mtime)[:-LOGS_KEPT]:
        old.unlink(missing_ok=True)
    return paths.LOGS / f"{name}.log"
