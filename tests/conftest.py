# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the suites that speak to a daemon: one private daemon for the session.

--daemon airlockd|libvirtd|both chooses it; each test then runs once for each daemon.
"""

import pathlib
import sys
from collections.abc import Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import daemons  # noqa: E402

LOG_SHOWN = 4000  # characters


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--daemon", default="both", choices=["airlockd", "libvirtd", "both"], help="what to test"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only(daemon): the test says nothing about the other daemon")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "daemon" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--daemon")
        names = [name for name in daemons.KINDS if chosen in (name, "both")]
        metafunc.parametrize("daemon", names, indirect=True, scope="session")


def is_for(item: pytest.Item) -> bool:
    only = item.get_closest_marker("only")
    return not only or item.callspec.params["daemon"] in only.args


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if not is_for(item)])
    items[:] = [item for item in items if is_for(item)]


@pytest.fixture(scope="session")
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[daemons.Daemon]:
    """The session's private daemon, running."""
    reason = daemons.why_not(request.param)
    if reason:
        pytest.skip(reason)
    with daemons.start(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running
        if running.ours:
            # Under the sanitizers this is where a leak would show.
            assert running.end() == 0, running.log_text()


@pytest.fixture(autouse=True)
def daemon_lives(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test in which the daemon died has failed, and the next one gets a new daemon."""
    yield
    if "daemon" not in request.fixturenames:
        return
    running = request.getfixturevalue("daemon")
    if status := running.died():
        running.start()
        pytest.fail(f"{running.name} ended by itself with status {status}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Gives a failed test the end of what its daemon logged."""
    outcome = yield
    report = outcome.get_result()
    running = getattr(item, "funcargs", {}).get("daemon")
    if report.failed and running is not None:
        report.sections.append((f"log of {running.name}", running.log_text()[-LOG_SHOWN:]))
