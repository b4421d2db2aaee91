# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests for the tests of hand-overs: their XML, and what they say on their serial port."""

import json
import re
from dataclasses import dataclass, field

from lab import LabHost

READY = 300  # seconds from the start of a guest to its last fact, on a busy machine


def hostdev(address: str, managed: str = "yes", extra: str = "") -> str:
    """The <hostdev> of a function: "0000:01:00.0"."""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return (
        f"<hostdev mode='subsystem' type='pci' managed='{managed}'><source><address domain='0x{domain}' bus='0x{bus}' "
        f"slot='0x{slot}' function='0x{function}'/></source>{extra}</hostdev>"
    )


def node_name(address: str) -> str:
    return "pci_" + re.sub("[:.]", "_", address)


def driver(host: LabHost, address: str) -> str:
    """The driver that a function is bound to; "" where none is."""
    return host.run(f"basename $(readlink /sys/bus/pci/devices/{address}/driver) 2>/dev/null").output.strip()


def override(host: LabHost, address: str) -> str:
    return host.check(f"cat /sys/bus/pci/devices/{address}/driver_override").strip()


def until(host: LabHost, script: str, seconds: int = 60) -> None:
    """Runs a script in the host until it succeeds."""
    quoted = script.replace("'", "'\\''")
    host.check(f"timeout {seconds} sh -c 'until {quoted}; do sleep 0.2; done' > /dev/null", timeout=seconds + 30)


def ledger(host: LabHost) -> dict:
    return json.loads(host.check("airlock ledger --json"))


def ledger_has(text: str) -> str:
    """A script that succeeds when the ledger, as one line without blanks, has the text."""
    return f"airlock ledger --json | tr -d ' \\n' | grep -qF '{text}'"


@dataclass
class Guest:
    """A guest of a lab host, driven by a client: "virsh" or "airlock"."""

    host: LabHost
    name: str
    client: str = "virsh"
    devices: str = ""
    metadata: str = ""
    kernel: str = "<kernel>/lab/tg.elf</kernel>"
    memory: int = 32
    accelerator: str = "kvm"
    seen: int = field(default=0, init=False)  # lines of the log that wait_for() has gone past

    @property
    def log(self) -> str:
        return f"/tmp/{self.name}.log"

    @property
    def xml(self) -> str:
        cpu = "<cpu mode='host-passthrough'/>" if self.accelerator == "kvm" else ""
        return (
            f"<domain type='{self.accelerator}'><name>{self.name}</name><memory unit='MiB'>{self.memory}</memory>"
            f"<vcpu>1</vcpu>{self.metadata}<os><type arch='x86_64' machine='q35'>hvm</type>{self.kernel}</os>"
            f"<features><acpi/></features>{cpu}<on_poweroff>destroy</on_poweroff><devices>"
            f"<controller type='usb' model='none'/><memballoon model='none'/>"
            f"<serial type='file'><source path='{self.log}'/></serial>{self.devices}</devices></domain>"
        )

    def file(self, name: str, text: str) -> str:
        path = f"/tmp/{self.name}-{name}.xml"
        self.host.check(f"cat > {path} <<'XML'\n{text}\nXML")
        return path

    def do(self, command: str) -> str:
        return self.host.check(f"{self.client} {command}", timeout=180)

    def refuse(self, command: str) -> str:
        """Runs a command that must fail; its error text."""
        result = self.host.run(f"{self.client} {command}", timeout=180)
        assert result.status == 1, result.output
        return result.errors

    def define(self) -> None:
        self.host.check(f"rm -f {self.log}")
        self.do(f"define {self.file('domain', self.xml)}")

    def start(self) -> None:
        self.seen = 0
        self.host.check(f"rm -f {self.log}")
        self.do(f"start {self.name}")

    def lines(self) -> list[str]:
        text = self.host.run(f"cat {self.log}").output
        return [line.strip() for line in text.splitlines() if line.startswith(("tg: ", "linux: "))]

    def wait_for(self, pattern: str) -> list[str]:
        """Waits for a line after those that were waited for before; all lines up to it."""
        self.host.run(
            f"touch {self.log}; timeout {READY} sh -c 'tail -n +{self.seen + 1} -f {self.log} | grep -aqm1 -E \"{pattern}\"'",
            timeout=READY + 10,
        )
        lines = self.host.run(f"cat {self.log}").output.splitlines()
        for n, line in enumerate(lines[self.seen :], self.seen + 1):
            if re.search(pattern, line):
                self.seen = n
                return [line.strip() for line in lines[:n]]
        raise AssertionError(f"guest {self.name} did not say '{pattern}':\n" + "\n".join(lines))

    def remove(self) -> None:
        self.host.run(f"virsh destroy {self.name}; virsh undefine {self.name}", timeout=120)
