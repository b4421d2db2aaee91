# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP of the QEMU that is the virtual host: plug and pull its devices, end it."""

import json
import socket
from typing import Any


class QmpError(Exception):
    """QEMU refused the command; the text is QEMU's."""


class Qmp:
    """A connection that speaks first when greeted. Events are kept in the order of their coming."""

    def __init__(self, connection: socket.socket) -> None:
        self.events: list[dict[str, Any]] = []
        self._file = connection.makefile("rw")
        self._greeted = False

    def _read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise QmpError("QEMU has ended")
        message: dict[str, Any] = json.loads(line)
        return message

    def _reply(self) -> Any:
        while True:
            message = self._read()
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise QmpError(message["error"]["desc"])
            else:
                return message["return"]

    def _send(self, command: str, arguments: dict[str, Any]) -> Any:
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        return self._reply()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Runs a command; '_' in the name of an argument stands for '-'."""
        if not self._greeted:
            self._read()
            self._send("qmp_capabilities", {})
            self._greeted = True
        return self._send(command, {key.replace("_", "-"): value for key, value in arguments.items()})

    def wait_event(self, name: str) -> dict[str, Any]:
        """The next event of that name: one that is kept already or the first to come."""
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            self.events.append(self._read())
