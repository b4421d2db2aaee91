# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections, guests and events for the tests of the wire."""

import contextlib
import itertools
import pathlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

import libvirt
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import guests  # noqa: E402
import wire  # noqa: E402
from daemons import Daemon  # noqa: E402

NAMES = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=run_events, daemon=True).start()


def run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


@pytest.fixture
def conn(daemon: Daemon) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(daemon.uri)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def module_conn(daemon: Daemon) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(daemon.uri)
    yield connection
    connection.close()


@pytest.fixture
def fresh(daemon: Daemon) -> Iterator[Callable[..., libvirt.virConnect]]:
    """Opens a further connection: fresh(), fresh(read_only=True)."""
    with contextlib.ExitStack() as stack:

        def connect(*, read_only: bool = False) -> libvirt.virConnect:
            # A connection that the library believes to be writable: the daemon has to refuse.
            connection = libvirt.open(daemon.uri_ro if read_only else daemon.uri)
            stack.callback(connection.close)
            return connection

        yield connect


@pytest.fixture
def raw(daemon: Daemon) -> Iterator[Callable[[], wire.Wire]]:
    """Makes raw clients, which are closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(wire.Wire(daemon.socket))


@pytest.fixture
def name() -> str:
    """A guest's name that no other test has."""
    return f"guest-{next(NAMES)}"


@pytest.fixture(autouse=True)
def no_guest_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test leaves the daemon without guests; those of a module's fixtures are exempt."""
    yield
    if "conn" not in request.fixturenames or request.getfixturevalue("daemon").died():
        return
    connection = libvirt.open(request.getfixturevalue("daemon").uri)
    for dom in connection.listAllDomains():
        if not dom.name().startswith("module-"):
            remove(dom)
    connection.close()


def remove(dom: libvirt.virDomain) -> None:
    persistent = dom.isPersistent()
    if dom.isActive():
        dom.destroy()
    if persistent:
        dom.undefine()


@pytest.fixture
def running(conn: libvirt.virConnect, name: str) -> libvirt.virDomain:
    """A persistent guest that runs."""
    dom = conn.defineXML(guests.guest(name))
    dom.create()
    return dom


@pytest.fixture(scope="module")
def module_guest(module_conn: libvirt.virConnect) -> Iterator[libvirt.virDomain]:
    """One running guest for a whole module that only looks at it or puts it back as it was."""
    dom = module_conn.defineXML(guests.guest(f"module-{next(NAMES)}"))
    dom.create()
    yield dom
    remove(dom)


@pytest.fixture
def answering(conn: libvirt.virConnect, name: str) -> libvirt.virDomain:
    """A running guest that acknowledges hot-unplug and obeys the power button."""
    if not guests.TEST_GUEST.exists():
        pytest.skip(f"{guests.TEST_GUEST} is not built: ./dev build")
    dom = conn.defineXML(guests.answering_guest(name))
    dom.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    stream = conn.newStream()
    dom.openConsole(None, stream)
    dom.resume()
    read_until(stream, guests.READY)
    stream.finish()
    return dom


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


def until(condition: Callable[[], bool], seconds: float = 10, what: str = "") -> None:
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


@pytest.fixture
def events(fresh: Callable[..., libvirt.virConnect]) -> Iterator[Events]:
    recorder = Events(fresh())
    yield recorder
    recorder.close()
