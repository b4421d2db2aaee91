# SPDX-License-Identifier: LGPL-2.1-or-later
"""First process of a private mount, network and PID namespace in which one daemon runs.

    unshare --mount --mount-proc --net --pid --fork --kill-child \\
        sandbox.py [SOURCE TARGET]... -- DAEMON [ARGUMENT]...

Each TARGET is covered by the directory SOURCE. Commands come as lines on the standard input, one
answer line each: "start", "signal NUMBER", "status", "wait". When the input ends, or this process
is killed, the kernel ends everything that was started here: daemon, guests, helpers.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40


class Init:
    """Starts the daemon, and reaps whatever the daemon's children leave behind."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.pid = 0
        self.status = 0
        self.wake_r, self.wake_w = os.pipe()
        os.set_blocking(self.wake_w, False)
        signal.set_wakeup_fd(self.wake_w)
        signal.signal(signal.SIGCHLD, lambda *_: self.reap())

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.pid, self.status = 0, status

    def start(self) -> str:
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(2, 1)
            os.execvp(self.command[0], self.command)
        self.pid = pid
        return str(pid)

    def signal(self, number: int) -> str:
        if self.pid:
            os.kill(self.pid, number)
        return "sent"

    def wait(self) -> str:
        while self.pid:
            select.select([self.wake_r], [], [])
            os.read(self.wake_r, 64)
        return str(os.waitstatus_to_exitcode(self.status))

    def obey(self, line: str) -> str:
        words = line.split()
        if words[0] == "start":
            return self.start()
        if words[0] == "signal":
            return self.signal(int(words[1]))
        if words[0] == "status":
            return "alive" if self.pid else str(os.waitstatus_to_exitcode(self.status))
        if words[0] == "wait":
            return self.wait()
        return "unknown"


def bring_up_loopback() -> None:
    """Guests' displays listen on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)


def main() -> None:
    split = sys.argv.index("--")
    binds, command = sys.argv[1:split], sys.argv[split + 1 :]
    for source, target in zip(binds[::2], binds[1::2]):
        subprocess.run(["mount", "--bind", source, target], check=True)
    bring_up_loopback()
    init = Init(command)
    for line in iter(sys.stdin.readline, ""):
        print(init.obey(line), flush=True)


main()
