# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of differences and the tests that show them are in step."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_each_difference_is_documented_and_shown():
    text = (ROOT / "docs" / "compatibility.md").read_text()
    documented = set(re.findall(r"^\| ([a-z]+-[a-z-]+) \|", text, re.MULTILINE))
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    shown = {name for source in sources for name in re.findall(r"difference: ([a-z-]+)", source)}
    assert documented == shown
