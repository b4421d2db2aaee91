# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections, guests and events for the tests of the wire."""

import contextlib
import itertools
import pathlib
import sys
import threading
from collections.abc import Callable, Iterator

import libvirt
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import guests  # noqa: E402
import wire  # noqa: E402
from checks import Events, read_until, remove  # noqa: E402
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


@pytest.fixture
def events(fresh: Callable[..., libvirt.virConnect]) -> Iterator[Events]:
    recorder = Events(fresh())
    yield recorder
    recorder.close()
