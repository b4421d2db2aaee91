# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections and names for the tests with whole guests."""

import itertools
import pathlib
import sys
import threading
from collections.abc import Iterator

import libvirt
import pytest

# What the tests of the wire know of refusals, waiting and events.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "api"))

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
    for dom in connection.listAllDomains():
        if not dom.name().startswith("module-"):
            remove(dom)
    connection.close()


def remove(dom: libvirt.virDomain) -> None:
    persistent = dom.isPersistent()
    if dom.isActive():
        dom.destroy()
    if persistent:
        dom.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


@pytest.fixture
def name() -> str:
    """A guest's name that no other test has."""
    return f"linux-{next(NAMES)}"
