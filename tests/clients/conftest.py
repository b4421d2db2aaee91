# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock clients as processes, on the session's private daemon."""

import itertools
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable, Iterator

import daemons
import installing
import pytest
from beside import Place
from daemons import Daemon

import guests

NAMES = itertools.count(1)


class Virsh:
    """virsh, connected to one daemon."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def run(self, *words: object, **more: object) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "LC_ALL": "C.UTF-8", **more.pop("env", {})}
        command = ["virsh", "-c", self.uri, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, **more)

    def __call__(self, *words: object, **more: object) -> str:
        """What a command that succeeds prints, without the blank lines around it."""
        done = self.run(*words, **more)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.strip("\n")

    def fails(self, *words: object, **more: object) -> str:
        """What a command that fails says on the standard error."""
        done = self.run(*words, **more)
        assert done.returncode == 1, done
        return done.stderr.strip("\n")


@pytest.fixture
def virsh(daemon: Daemon) -> Iterator[Virsh]:
    if not shutil.which("virsh"):
        pytest.skip("virsh is not installed")
    shell = Virsh(daemon.uri)
    yield shell
    for guest in shell("list", "--all", "--name").split():
        shell.run("destroy", guest)
        shell.run("undefine", guest)


@pytest.fixture
def document(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Writes a document to a file of this name."""

    def write(name: str, text: str) -> pathlib.Path:
        path = tmp_path / f"{name}.xml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def name() -> str:
    return f"guest-{next(NAMES)}"


@pytest.fixture
def defined(virsh: Virsh, document: Callable[..., pathlib.Path], name: str) -> str:
    """The name of a guest that is defined and off."""
    virsh("define", document(name, guests.guest(name)))
    return name


@pytest.fixture
def running(virsh: Virsh, defined: str) -> str:
    """The name of a guest that runs."""
    virsh("start", defined)
    return defined


@pytest.fixture
def answering(virsh: Virsh, document: Callable[..., pathlib.Path], name: str) -> str:
    """The name of a running guest that acknowledges hot-unplug and obeys the power button."""
    if not guests.TEST_GUEST.exists():
        pytest.skip(f"{guests.TEST_GUEST} is not built: ./dev build")
    pexpect = pytest.importorskip("pexpect", reason="python3-pexpect is not installed")
    virsh("create", document(name, guests.answering_guest(name)), "--paused")
    console = pexpect.spawn("virsh", ["-c", virsh.uri, "console", name], timeout=20)
    console.expect("Escape character is")
    virsh("resume", name)
    console.expect(guests.READY)
    console.close()
    return name


@pytest.fixture
def place(daemon: Daemon, tmp_path: pathlib.Path) -> Iterator[Place]:
    """virsh and airlock, with a clean daemon."""
    place = Place(daemon, tmp_path)
    place.clean()
    yield place
    place.clean()


@pytest.fixture(scope="session")
def install_host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[installing.Host]:
    """A host for installations, with airlockd; by hand, --daemon libvirtd has the same tests run on that one."""
    name = "libvirtd" if request.config.getoption("--daemon") == "libvirtd" else "airlockd"
    if reason := daemons.why_not(name) or installing.why_not():
        pytest.skip(reason)
    with daemons.start(name, tmp_path_factory.mktemp("installing")) as running:
        host = installing.Host(running)
        host.prepare()
        yield host
        host.close()
        if running.ours:
            assert running.end() == 0, running.log_text()


@pytest.fixture
def tools(install_host: installing.Host) -> Iterator[installing.Host]:
    """The tools on a host without guests."""
    yield install_host
    install_host.clean()
