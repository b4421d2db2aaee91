# SPDX-License-Identifier: LGPL-2.1-or-later
"""The RPM's spec, and Debian's files, say what the tree says: nobody here builds an RPM at each change."""

import fnmatch
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC = (ROOT / "packaging/airlock.spec").read_text()
MESON = (ROOT / "meson.build").read_text()

# Fedora's.
MACROS = {
    "_bindir": "/usr/bin", "_sbindir": "/usr/sbin", "_libexecdir": "/usr/libexec", "_datadir": "/usr/share",
    "_mandir": "/usr/share/man", "_sysconfdir": "/etc", "_unitdir": "/usr/lib/systemd/system",
    "_sysusersdir": "/usr/lib/sysusers.d", "_tmpfilesdir": "/usr/lib/tmpfiles.d",
}  # fmt: skip


def introspect(*words: str | Path) -> list | dict:
    made = subprocess.run(["meson", "introspect", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(made.stdout)


def below(source: str, target: str) -> list[str]:
    """A directory is installed with all that is in it."""
    files = [file for file in Path(source).rglob("*") if file.is_file()]
    return [f"{target}/{file.relative_to(source)}" for file in files] or [target]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    build = tmp_path_factory.mktemp("spec")
    options = ["--prefix=/usr", f"-Dunitdir={MACROS['_unitdir']}", "-Dinstall=enabled"]
    subprocess.run(["meson", "setup", *options, build, ROOT], check=True, stdout=subprocess.DEVNULL)
    return [name for source, target in introspect("--installed", build).items() for name in below(source, target)]


def patterns() -> list[str]:
    """Of %files, as globs; a directory as all that is in it."""
    lines = SPEC.split("%files\n")[1].split("\n\n")[0].splitlines()
    lines = [line.removeprefix("%config(noreplace) ") for line in lines if not line.startswith(("%license", "%doc", "%dir"))]
    paths = [re.sub(r"%\{(\w+)\}", lambda macro: MACROS[macro[1]], line) for line in lines]
    return [f"{path}*" if path.endswith("/") else path for path in paths]


def test_every_file_is_in_the_spec(installed: list[str]) -> None:
    assert [name for name in installed if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns())] == []


def test_every_line_of_the_spec_is_a_file(installed: list[str]) -> None:
    assert [pattern for pattern in patterns() if not fnmatch.filter(installed, pattern)] == []


def test_the_spec_requires_what_meson_does() -> None:
    wanted = {(one["name"], *one["version"]) for one in introspect("--scan-dependencies", "meson.build")}
    required = re.findall(r"^BuildRequires: +pkgconfig\((\S+)\) (>= \S+)$", SPEC, re.MULTILINE)
    assert {(name, version.replace(" ", "")) for name, version in wanted} == {
        (name, version.replace(" ", "")) for name, version in required
    }


def test_versions_agree() -> None:
    version = re.search(r"^  version: '(.+)',$", MESON, re.MULTILINE)[1]
    assert re.search(r"^Version: +(\S+)$", SPEC, re.MULTILINE)[1] == version
    assert (ROOT / "debian/changelog").read_text().startswith(f"airlock ({version})")
