# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command airlock beside stock virsh, both with one daemon."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import guests

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 60  # seconds that any one command may take

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CPU_TIME = re.compile(r"^(CPU time: +)[0-9.]+s$", re.M)


def airlock_path() -> pathlib.Path:
    given = os.environ.get("AIRLOCK")
    return pathlib.Path(given) if given else ROOT / "build" / "main" / "src" / "cli" / "airlock"


MARKS = [
    pytest.mark.skipif(not airlock_path().exists(), reason="airlock is not built"),
    pytest.mark.skipif(not shutil.which("virsh"), reason="virsh is not installed"),
]

# No ids, UUIDs or addresses, so that two runs are the same.
DEFINITION = guests.guest("cli", uuid="11111111-2222-3333-4444-555555555555",
                          before="<title>A title</title>")
TRANSIENT = guests.guest("clitmp", uuid="11111111-2222-3333-4444-666666666666")
DEVICE = guests.interface("52:54:00:11:22:33", "e1000e")


class Place:
    """A directory with the files that commands name, and both commands with one daemon."""

    def __init__(self, daemon, directory: pathlib.Path) -> None:
        self.directory = directory
        self.env = {
            **os.environ,
            "VIRSH_DEFAULT_CONNECT_URI": daemon.uri,
            "AIRLOCK_DEFAULT_URI": daemon.uri,
            "XDG_CACHE_HOME": str(directory / "cache"),
            "LC_ALL": "C.UTF-8",
            "EDITOR": "true",
        }
        self.env.pop("VISUAL", None)
        for name, text in {"g.xml": DEFINITION, "t.xml": TRANSIENT, "n.xml": DEVICE}.items():
            (directory / name).write_text(text)

    def run(self, program: str, *args: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *args], input=text, capture_output=True, text=True, env=self.env,
            cwd=self.directory, timeout=LIMIT, check=False,
        )

    def virsh(self, *args: str, **options: str) -> subprocess.CompletedProcess[str]:
        return self.run("virsh", *args, **options)

    def airlock(self, *args: str, **options: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(airlock_path()), *args, **options)

    def clean(self) -> None:
        for name in ("cli", "clitmp"):
            self.virsh("-q", "destroy", name)
            self.virsh("-q", "undefine", name)


def shown(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """What a script sees, without what differs between two runs of one program."""
    out = UUID.sub("UUID", done.stdout)
    out = CPU_TIME.sub(r"\1…", out)
    out = re.sub(r"^ ([0-9]+) +(cli)", r" N \2", out, flags=re.M)
    out = re.sub(r"^(Id: +)[0-9]+$", r"\1N", out, flags=re.M)
    out = re.sub(r"^[0-9]+$", "N", out, flags=re.M)
    return done.returncode, out, UUID.sub("UUID", done.stderr)


def compare(place: Place, command: str, *before: str) -> None:
    results = []
    for run in (place.virsh, place.airlock):
        place.clean()
        for line in before:
            assert place.virsh("-q", line).returncode == 0
        results.append(shown(run(*command.split())))
    assert results[1] == results[0]
