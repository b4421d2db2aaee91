# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Virtual hosts for tests. A test names its host by a mark, for itself or for its whole file:

    pytestmark = pytest.mark.host("guide")                # with airlockd
    @pytest.mark.host("guide", daemon="libvirtd")         # with stock libvirtd; "none": without any

and uses it by the fixture `host` (lab.LabHost). Tests are sorted by host, so that each host boots once; a test leaves
the host as it found it. One that cannot (it pulls the daemon down, or the power) takes the fixture `fresh_host`.
"""

import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import HostError, LabHost, paths, services  # noqa: E402
from lab.services import Daemon  # noqa: E402

Wanted = tuple[str, Daemon]
LOG_LINES = 40


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "host(name, daemon='airlockd'): the virtual host that the test runs in")


def wanted_by(item: pytest.Item) -> Wanted | None:
    mark = item.get_closest_marker("host")
    return (mark.args[0], Daemon(mark.kwargs.get("daemon", "airlockd"))) if mark else None


def needs_fresh(item: pytest.Item) -> bool:
    return "fresh_host" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups by host, keeping the order within: first those without a host, then each host's."""

    def key(item: pytest.Item) -> tuple[bool, bool, str]:
        wanted = wanted_by(item)
        return (wanted is not None, needs_fresh(item), f"{wanted[0]}/{wanted[1].value}" if wanted else "")

    items.sort(key=key)


class Pool:
    """The host that is up. Only one is: two would share two cores."""

    def __init__(self) -> None:
        self.wanted: Wanted | None = None
        self.host: LabHost | None = None

    def get(self, wanted: Wanted) -> LabHost:
        if self.host is None or self.wanted != wanted:
            self.drop()
            self.host = LabHost.boot(wanted[0], wanted[1])
            self.wanted = wanted
        return self.host

    def drop(self) -> None:
        if self.host:
            self.host.stop()
        self.host = None


@pytest.fixture(scope="session", autouse=True)
def prepared() -> None:
    subprocess.run([paths.PREPARE], check=True)


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.drop()


def checked(request: pytest.FixtureRequest) -> Wanted:
    wanted = wanted_by(request.node)
    assert wanted, "the test has no mark 'host'"
    if wanted[1] is Daemon.AIRLOCK and not services.have_airlockd():
        pytest.skip("airlockd is not built")
    return wanted


@pytest.fixture
def host(request: pytest.FixtureRequest, pool: Pool) -> Iterator[LabHost]:
    """The host of the test's mark, shared with others."""
    wanted = checked(request)
    host = pool.get(wanted)
    request.node.stash[HOST] = host
    yield host
    if host.machine.process.poll() is not None:
        pool.drop()


@pytest.fixture
def fresh_host(request: pytest.FixtureRequest, pool: Pool) -> Iterator[LabHost]:
    """A host for this test alone."""
    wanted = checked(request)
    pool.drop()
    with LabHost.boot(*wanted) as host:
        request.node.stash[HOST] = host
        yield host


HOST = pytest.StashKey[LabHost]()


def daemon_log(host: LabHost) -> str:
    try:
        result = host.run(f"tail -n {LOG_LINES} /run/airlockd.log; ls /run/airlock", timeout=10)
    except HostError as error:
        return str(error)
    return result.output + result.errors


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.CallInfo[None], None]:
    """Puts the host's console and the daemon's log into the report of a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    host = item.stash.get(HOST, None)
    if report.failed and report.when == "call" and host:
        report.sections.append((f"console of {host.name}", host.diagnosis()))
        report.sections.append(("airlockd.log", daemon_log(host)))
