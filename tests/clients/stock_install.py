# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock virt-install, many command lines in one process: most of its time goes into its start.

Reads a list of argument lists as JSON, and prints the list of what each printed (null: it failed).
"""

import contextlib
import io
import json
import sys

sys.path.insert(0, "/usr/share/virt-manager")

from virtinst import virtinstall  # noqa: E402


def answer(arguments: list[str]) -> str | None:
    sys.argv = ["virt-install", *arguments]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        try:
            virtinstall.main()
        except SystemExit as end:
            if end.code:
                return None
        except Exception:
            return None
    return output.getvalue()


json.dump([answer(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
