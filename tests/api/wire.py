# SPDX-License-Identifier: LGPL-2.1-or-later
"""The remote protocol by hand, for what the client library never sends."""

import pathlib
import socket
import struct
from dataclasses import dataclass

REMOTE, KEEPALIVE = 0x20008086, 0x6B656570
CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS = 0, 1, 2, 3, 4
OK, ERROR, CONTINUE = 0, 1, 2
PING, PONG = 1, 2

OPEN, CLOSE, GET_TYPE, GET_VERSION, GET_HOSTNAME = 1, 2, 3, 4, 59
SUPPORTS_FEATURE, AUTH_LIST, AUTH_POLKIT, GET_LIB_VERSION = 60, 66, 70, 157
LOOKUP_BY_NAME, DETACH_DEVICE = 23, 44
FEATURE_KEEPALIVE = 10

LENGTH_MAX = 33554432 + 4  # bytes of a message with its length word


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def optional(data: bytes | None) -> bytes:
    return bytes(4) if data is None else struct.pack(">I", 1) + data


def u32(value: int) -> bytes:
    return struct.pack(">I", value)


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, form: str = ">i") -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self) -> str:
        size = self.number()
        text = self.data[self.at : self.at + size].decode()
        self.at += size + -size % 4
        return text


@dataclass
class Failure:
    """The head of a remote error."""

    code: int
    domain: int
    message: str


@dataclass
class Message:
    program: int
    version: int
    procedure: int
    kind: int
    serial: int
    status: int
    payload: bytes

    @property
    def failure(self) -> Failure:
        assert self.status == ERROR, self
        reader = Reader(self.payload)
        code, domain = reader.number(), reader.number()
        return Failure(code, domain, reader.string() if reader.number() else "")


def pack(
    procedure: int,
    payload: bytes = b"",
    *,
    program: int = REMOTE,
    version: int = 1,
    kind: int = CALL,
    serial: int = 0,
    status: int = OK,
) -> bytes:
    head = struct.pack(">IIiiIi", program, version, procedure, kind, serial, status)
    return u32(4 + len(head) + len(payload)) + head + payload


class Wire:
    """One raw client; every read ends after ten seconds."""

    def __init__(self, path: pathlib.Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.serial = 0

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += piece
        return data

    def receive(self) -> Message:
        (length,) = struct.unpack(">I", self.exactly(4))
        body = self.exactly(length - 4)
        return Message(*struct.unpack(">IIiiIi", body[:24]), payload=body[24:])

    def call(self, procedure: int, payload: bytes = b"", **header: int) -> Message:
        """Sends one call and returns its reply; keepalive pings on the way are answered."""
        serial, self.serial = self.serial, self.serial + 1
        self.send(pack(procedure, payload, serial=serial, **header))
        while True:
            message = self.receive()
            if message.program == KEEPALIVE:
                if message.procedure == PING:
                    self.send(pack(PONG, program=KEEPALIVE, kind=MESSAGE))
                continue
            if message.kind == REPLY:
                assert message.serial == serial
                return message

    def open(self, uri: str = "qemu:///system", flags: int = 0) -> "Wire":
        assert self.call(AUTH_LIST).status == OK
        reply = self.call(OPEN, optional(string(uri)) + u32(flags))
        assert reply.status == OK, reply.failure
        return self

    def closed(self) -> bool:
        """Waits for the daemon to close this connection."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True

    def serves(self) -> bool:
        return self.call(GET_TYPE).payload == string("QEMU")
