# SPDX-License-Identifier: LGPL-2.1-or-later
"""./dev lab: a shell or a command in a virtual host."""

import argparse
import os
import shlex
import sys
import termios

from lab import paths, terminal, topology
from lab.channel import ChannelClosed
from lab.host import LATE, HostError, LabHost
from lab.services import Daemon

HUNG = 125  # our own failures, as `timeout` and `env` have it


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev lab",
        usage="./dev lab [NAME [--stock | --no-airlockd] [--deadline SECONDS] [-- COMMAND...]]",
        description="Without a command: a shell in the host. One word after -- is a script, several are a command.",
    )
    parser.add_argument("name", nargs="?", help="a file of lab/hosts; without it: what there is")
    daemon = parser.add_mutually_exclusive_group()
    daemon.add_argument("--stock", action="store_const", dest="daemon", const=Daemon.STOCK,
                        help="run stock libvirtd in place of airlockd")  # fmt: skip
    daemon.add_argument("--no-airlockd", action="store_const", dest="daemon", const=Daemon.NONE,
                        help="run no daemon")  # fmt: skip
    parser.add_argument("--deadline", type=int, default=600, help="seconds that the command has (600)")
    split = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:split])
    options.command = words[split + 1 :]
    options.daemon = options.daemon or Daemon.AIRLOCK
    return options


def list_hosts() -> int:
    for name in topology.names():
        print(f"{name:<12}{topology.load(name).summary}")
    return 0


def to_script(command: list[str]) -> str:
    return command[0] if len(command) == 1 else shlex.join(command)


class Hung(Exception):
    """The host did not answer any more, or ended, under the command."""


def run_once(options: argparse.Namespace) -> int:
    with LabHost.boot(options.name, options.daemon, share=paths.SHARE) as host, host.channel() as channel:
        if not options.command:
            return terminal.shell(channel)
        try:
            return terminal.command(channel, to_script(options.command), options.deadline, LATE)
        except (TimeoutError, ChannelClosed, ConnectionError):
            raise Hung(f"lab host '{options.name}' hung or ended\n{host.diagnosis()}") from None


def run(options: argparse.Namespace) -> int:
    try:
        return run_once(options)
    except Hung as error:
        print(f"{error}\nlab: trying once more", file=sys.stderr)
        return run_once(options)


def main() -> int:
    options = parse(sys.argv[1:])
    if not options.name:
        return list_hosts()
    if not options.command and not os.isatty(0):
        print("lab: a shell needs a terminal; give a command after --", file=sys.stderr)
        return HUNG
    try:
        return run(options)
    except (Hung, HostError, topology.TopologyError, termios.error) as error:
        print(f"lab: {error}", file=sys.stderr)
        return HUNG
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
