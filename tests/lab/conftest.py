# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Virtual hosts for tests. A test names its host by a mark, for itself or for its whole file:

    pytestmark = pytest.mark.host("guide")                # with airlockd
    @pytest.mark.host("guide", daemon="libvirtd")         # with stock libvirtd; "none": without any

and uses it by the fixture `host` (lab.LabHost). Tests are sorted by host, so that each host boots once; a test leaves
the host as it found it. One that cannot (it pulls the daemon down, or the power) takes the fixture `fresh_host`.
A file of long tests says apart=True: it has the host for itself, and can run beside others (pytest -n 2 --dist loadgroup).
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import HostError, LabHost, paths, services  # noqa: E402
from lab.services import Daemon  # noqa: E402

Wanted = tuple[str, Daemon]
LOG_LINES = 40


def pytest_configure(config: pytest.Config) -> None:
    words = "host(name, daemon='airlockd', apart=False): the virtual host that the test runs in"
    config.addinivalue_line("markers", words)


def wanted_by(item: pytest.Item) -> Wanted | None:
    mark = item.get_closest_marker("host")
    return (mark.args[0], Daemon(mark.kwargs.get("daemon", "airlockd"))) if mark else None


def is_apart(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("host")
    return mark is not None and mark.kwargs.get("apart", False)


def group_of(item: pytest.Item) -> str:
    """Tests of one group share a boot."""
    wanted = wanted_by(item)
    if not wanted or "fresh_host" in item.fixturenames:
        return item.nodeid
    own = f"/{item.path.stem}" if is_apart(item) else ""
    return f"{wanted[0]}/{wanted[1].value}{own}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """For pytest-xdist: a group is not torn apart."""
    if (group := group_of(item)) != item.nodeid:
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By group, keeping the order within: the long ones first, so that none is left at the end to be waited for."""
    groups = {item: group_of(item) for item in items}
    sizes = Counter(groups.values())
    items.sort(key=lambda item: (not is_apart(item), -sizes[groups[item]], groups[item]))


class Pool:
    """The host that is up. Only one is in each process of pytest: on two cores, two are the most that is of use."""

    def __init__(self) -> None:
        self.group = ""
        self.host: LabHost | None = None

    def get(self, wanted: Wanted, group: str) -> LabHost:
        if self.host is None or self.group != group:
            self.drop()
            self.host = LabHost.boot(*wanted)
            self.group = group
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
    host = pool.get(wanted, group_of(request.node))
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
        log = f"tail -n {LOG_LINES} /run/airlockd.log 2> /dev/null || journalctl -q -n {LOG_LINES} -u 'airlock*'"
        result = host.run(f"{log}; ls /run/airlock", timeout=30)
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
