# SPDX-License-Identifier: LGPL-2.1-or-later
"""A command of the host on this terminal, or on this process's standard input and output."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from lab.channel import Channel, Frame, RunOptions

INPUT_SIZE = 1 << 16
STDIN = 0


def _window() -> tuple[int, int]:
    size = os.get_terminal_size(STDIN)
    return size.lines, size.columns


@contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the host, Ctrl-C too."""
    saved = termios.tcgetattr(STDIN)
    tty.setraw(STDIN)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSAFLUSH, saved)


def _write(frame: Frame) -> None:
    stream = sys.stderr if frame.kind == b"E" else sys.stdout
    stream.buffer.write(frame.payload)
    stream.flush()


class Rebooted(Exception):
    """The host has come up anew, and what ran in it is gone."""


def _pump(channel: Channel, with_input: bool, late: float | None) -> int:
    """Carries both ways until the command ends. TimeoutError when nothing came from either side for `late` seconds."""
    sources: list[Channel | int] = [channel, STDIN] if with_input else [channel]
    while True:
        ready = select.select(sources, [], [], late)[0]
        if not ready:
            raise TimeoutError
        if STDIN in ready:
            data = os.read(STDIN, INPUT_SIZE)
            channel.send_input(data)
            if not data:
                sources.remove(STDIN)
        if channel in ready:
            for frame in channel.ready_frames():
                if frame.kind == b"X":
                    return frame.exit_status
                if frame.kind == b"H":
                    raise Rebooted
                _write(frame)


def shell(channel: Channel) -> int:
    """A shell on a terminal of the host, as large as this one; a new one after the host's reboot."""
    signal.signal(signal.SIGWINCH, lambda *_: channel.send_window(*_window()))
    with _raw():
        while True:
            channel.send_run("TERM=%s exec bash -i" % os.environ.get("TERM", "dumb"), RunOptions(0, _window(), True))
            try:
                return _pump(channel, True, None)
            except Rebooted:
                continue


def command(channel: Channel, script: str, deadline: int, late: int) -> int:
    """A command whose input and output are ours."""
    with_input = not os.isatty(STDIN)
    channel.send_run(script, RunOptions(deadline, None, with_input))
    return _pump(channel, with_input, deadline + late)
