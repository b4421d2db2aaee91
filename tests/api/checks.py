# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the wire say often: refusals, waiting, and what a connection was told."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import libvirt
import pytest

LIMIT = 180  # seconds for what comes by itself, on a machine that has other things to do


def remove(dom: libvirt.virDomain) -> None:
    persistent = dom.isPersistent()
    if dom.isActive():
        try:
            dom.destroy()
        except libvirt.libvirtError as error:  # it ended by itself between the two
            if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                raise
    if persistent:
        dom.undefine()


@contextlib.contextmanager
def refused(code: int, *words: str) -> Iterator[pytest.ExceptionInfo[libvirt.libvirtError]]:
    """The block fails with this error code, and its message has these words."""
    with pytest.raises(libvirt.libvirtError) as info:
        yield info
    message = info.value.get_error_message()
    assert info.value.get_error_code() == code, message
    for word in words:
        assert word in message


def read_until(stream: libvirt.virStream, word: bytes) -> bytes:
    text = b""
    while word not in text:
        piece = stream.recv(4096)
        assert piece, text
        text += piece
    return text


def until(condition: Callable[[], bool], seconds: float = LIMIT, what: str = "") -> None:
    """Waits for a state that the daemon reaches by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "it did not happen in time"
        time.sleep(0.02)


class Events:
    """What a connection was told, in order."""

    def __init__(self, connection: libvirt.virConnect) -> None:
        self.connection = connection
        self.seen: list[tuple] = []
        self.changed = threading.Condition()
        self.ids: list[int] = []

    def listen(self, event: int, name: str | None = None) -> int:
        """name: hear of this guest only"""
        dom = self.connection.lookupByName(name) if name else None
        number = self.connection.domainEventRegisterAny(dom, event, self.note, event)
        self.ids.append(number)
        return number

    def note(self, _conn: libvirt.virConnect, dom: libvirt.virDomain, *details: object) -> None:
        *told, event = details
        with self.changed:
            self.seen.append((event, dom.name(), *told))
            self.changed.notify_all()

    def lifecycle(self) -> list[tuple[int, int]]:
        return [told[2:] for told in self.seen if told[0] == libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE]

    def wait(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), self.seen

    def close(self) -> None:
        for number in self.ids:
            self.connection.domainEventDeregisterAny(number)
