# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the package's suite: ./dev package has built it, and here it is installed in a Debian of its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import debian as debians  # noqa: E402

PACKAGES = HERE.parent.parent / "build/package"


@pytest.fixture(scope="session")
def root() -> Path:
    made = subprocess.run([HERE / "make-root"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return HERE.parent.parent / made


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What was built, and a later one."""
    (built,) = PACKAGES.glob("airlock_*_amd64.deb")
    return built, debians.newer_version(built, tmp_path_factory.mktemp("newer"))


@pytest.fixture
def debian(root: Path, packages: tuple[Path, Path], tmp_path: Path) -> Iterator[debians.Debian]:
    with debians.boot(root, packages, tmp_path) as running:
        yield running


@pytest.fixture
def built(packages: tuple[Path, Path]) -> str:
    return f"/tmp/{packages[0].name}"


@pytest.fixture
def newer(packages: tuple[Path, Path]) -> str:
    return f"/tmp/{packages[1].name}"


@pytest.fixture
def installed(debian: debians.Debian, built: str) -> debians.Debian:
    debian.run("dpkg", "--install", built)
    return debian
