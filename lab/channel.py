# SPDX-License-Identifier: LGPL-2.1-or-later
"""One port of the host's agent: frames in, frames out (lab/agent/agent.c has the list)."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEAD = struct.Struct("<cI")
REQUEST = struct.Struct("<IHHH")
INPUT_CHUNK = 64 * 1024


class ChannelClosed(Exception):
    """The host has ended."""


@dataclass(frozen=True)
class Frame:
    kind: bytes
    payload: bytes

    @property
    def exit_status(self) -> int:
        return int.from_bytes(self.payload, "little", signed=True)


@dataclass(frozen=True)
class RunOptions:
    deadline: int = 0  # seconds; 0: none
    terminal: tuple[int, int] | None = None  # rows, columns: run on a terminal of this size
    with_input: bool = False  # input frames follow


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._buffer = bytearray()

    def fileno(self) -> int:
        return self.socket.fileno()

    def _send(self, kind: bytes, payload: bytes) -> None:
        self.socket.sendall(HEAD.pack(kind, len(payload)) + payload)

    def send_run(self, script: str, options: RunOptions) -> None:
        rows, columns = options.terminal or (0, 0)
        flags = (1 if options.terminal else 0) | (2 if options.with_input else 0)
        self._send(b"R", REQUEST.pack(options.deadline, flags, rows, columns) + script.encode())

    def send_input(self, data: bytes) -> None:
        """Input for the command. Empty: its end."""
        for start in range(0, len(data) or 1, INPUT_CHUNK):
            self._send(b"I", data[start : start + INPUT_CHUNK])

    def send_window(self, rows: int, columns: int) -> None:
        self._send(b"W", struct.pack("<HH", rows, columns))

    def _fill(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise ChannelClosed
        self._buffer += data

    def _take(self) -> Frame | None:
        if len(self._buffer) < HEAD.size:
            return None
        kind, length = HEAD.unpack_from(self._buffer)
        end = HEAD.size + length
        if len(self._buffer) < end:
            return None
        frame = Frame(kind, bytes(self._buffer[HEAD.size : end]))
        del self._buffer[:end]
        return frame

    def ready_frames(self) -> Iterator[Frame]:
        """Reads once, then hands out every frame that is whole."""
        self._fill()
        while frame := self._take():
            yield frame

    def frames(self, silence: float | None) -> Iterator[Frame]:
        """Frames as they come. TimeoutError when none comes for so many seconds (None: wait for ever)."""
        self.socket.settimeout(silence)
        while True:
            while frame := self._take():
                yield frame
            self._fill()
