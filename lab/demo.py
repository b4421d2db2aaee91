# SPDX-License-Identifier: LGPL-2.1-or-later
"""
./dev demo: the guide's procedure in the host `guide`, once by stock virsh and once by airlock, on one airlockd.

Every command is shown with what it wrote, and what it must have written is checked. --stock runs the half of virsh on
stock libvirtd, for comparison.
"""

import argparse
import re
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from lab.host import HostError, LabHost
from lab.services import Daemon

GUEST_LOG = "/tmp/guest1.log"
ADDRESS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")

CARD, CARD_SECOND, SINGLE, EDU = "0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:03:00.0"


def hostdev(address: str) -> str:
    domain, bus, slot, function = ADDRESS.fullmatch(address).groups()  # type: ignore[union-attr]
    return f"""<hostdev mode='subsystem' type='pci' managed='yes'>
  <source><address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/></source>
</hostdev>
"""


GUEST = f"""<domain type='kvm'>
  <name>guest1</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/lab/tg.elf</kernel>
  </os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='pci' model='pcie-root'/>
{"    <controller type='pci' model='pcie-root-port'/>" * 5}
    <serial type='file'><source path='{GUEST_LOG}'/></serial>
    <memballoon model='none'/>
{hostdev(CARD)}{hostdev(CARD_SECOND)}{hostdev(EDU)}
  </devices>
</domain>
"""


@dataclass(frozen=True)
class Step:
    """A command of the host, and patterns that its output must match. %s stands for the tool."""

    why: str
    command: str
    expect: tuple[str, ...] = ()
    quiet: bool = False  # our own looking, no part of the procedure


def node(address: str) -> str:
    return "pci_" + re.sub("[:.]", "_", address)


def driver_is(address: str, driver: str) -> Step:
    return Step(f"{address} on the host: {driver}", f"lspci -ks {address}", (f"driver in use: {driver}",))


def guest_says(why: str, *patterns: str) -> list[Step]:
    return [Step(why, wait_line(pattern), (pattern,), quiet=True) for pattern in patterns]


def wait_line(pattern: str) -> str:
    """Shell that ends with the first line of the guest's log that matches, without asking again and again."""
    watch = f"exec 3< <(exec tail -n +1 -F {GUEST_LOG} 2> /dev/null); tail=$!"
    find = f"timeout 90 grep -m 1 -E {shlex.quote(pattern)} <&3; status=$?; kill $tail; exit $status"
    return f"bash -c {shlex.quote(f'{watch}; {find}')}"


def find_the_device() -> list[Step]:
    group = r"(?s)<iommuGroup number='\d+'>.*bus='0x01' slot='0x00' function='0x0'.*function='0x1'.*</iommuGroup>"
    return [
        Step("The card by its short address", "lspci -s 01:00", (r"01:00\.0 .*82576", r"01:00\.1 .*82576")),
        Step("Every PCI device by its name", "%s nodedev-list --cap pci", (node(CARD), node(CARD_SECOND))),
        Step("The first function: driver, capability, IOMMU group", f"%s nodedev-dumpxml {node(CARD)}",
             ("<name>igb</name>", "<product id='0x10c9'>82576", group)),
        Step("The second function is in the same group", f"%s nodedev-dumpxml {node(CARD_SECOND)}",
             ("<name>igb</name>", group)),
    ]  # fmt: skip


def detach_and_reattach() -> list[Step]:
    return [
        Step("Away from the host's driver by hand …", f"%s nodedev-detach {node(SINGLE)}"),
        driver_is(SINGLE, "vfio-pci"),
        Step("… and back", f"%s nodedev-reattach {node(SINGLE)}"),
        driver_is(SINGLE, "igb"),
    ]


def start_the_guest() -> list[Step]:
    return [
        Step("A guest with both functions of the card, and edu, managed", "%s define /tmp/guest1.xml"),
        Step("Start: the devices leave the host and enter the guest", "%s start guest1"),
        driver_is(CARD, "vfio-pci"),
        *guest_says("The guest reads the card's address from its registers",
                    "nic .* mac=52:54:00:00:01:00", "nic .* mac=52:54:00:00:01:01"),
        *guest_says("The guest proves interrupts, and DMA in both ways",
                    "edu .* msi ok", "edu .* dma-from-memory ok", "edu .* dma-to-memory ok"),
        *guest_says("The guest serves requests", "ready"),
    ]  # fmt: skip


def attach_and_detach_live() -> list[Step]:
    return [
        Step("A third port into the running guest", "%s attach-device guest1 /tmp/single.xml --live"),
        *guest_says("The guest sees it come and reads its address", "added .* id=8086:10c9", "mac=52:54:00:00:02:00"),
        Step("And out again", "%s detach-device guest1 /tmp/single.xml --live"),
        *guest_says("The guest lets it go", "request .* granted", "removed .* id=8086:10c9"),
        driver_is(SINGLE, "igb"),
    ]


def stop_the_guest() -> list[Step]:
    return [
        Step("The power button", "%s shutdown guest1"),
        *guest_says("The guest obeys", "^tg: off"),
        Step("The devices come home", "udevadm wait --timeout=30 " + " ".join(
            f"/sys/bus/pci/drivers/igb/{address}" for address in (CARD, CARD_SECOND)), quiet=True),
        driver_is(CARD, "igb"),
        driver_is(CARD_SECOND, "igb"),
        Step("The guest is off", "%s list --all", ("guest1 +shut off",)),
        Step("Forget it", "%s undefine guest1"),
    ]  # fmt: skip


def procedure() -> Iterator[Step]:
    for chapter in (find_the_device, detach_and_reattach, start_the_guest, attach_and_detach_live, stop_the_guest):
        yield from chapter()


def run_step(host: LabHost, step: Step, tool: str) -> bool:
    command = step.command.replace("%s", tool, 1)
    print(f"\n# {step.why}")
    if not step.quiet:
        print(f"$ {command}", flush=True)
    result = host.run(command, timeout=120)
    print((result.output + result.errors).strip("\n"), flush=True)
    missing = [pattern for pattern in step.expect if not re.search(pattern, result.output)]
    for pattern in missing:
        print(f"MISSING: {pattern}")
    if not result.ok:
        print(f"FAILED with status {result.status}")
    return result.ok and not missing


def run_tool(host: LabHost, tool: str) -> bool:
    print(f"\n=== By {tool} ===")
    host.check(f"rm -f {GUEST_LOG}")
    steps = list(procedure())
    for number, step in enumerate(steps):
        if not run_step(host, step, tool):
            print(f"\ndemo: step {number + 1} of {len(steps)} by {tool} failed")
            print(host.run(f"tail -n 20 {GUEST_LOG} /run/airlockd.log", timeout=10).output)
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev demo", description="The guide's procedure, shown and checked.")
    parser.add_argument("--stock", action="store_true", help="virsh on stock libvirtd in place of airlockd")
    stock = parser.parse_args().stock
    started = time.monotonic()
    print("Booting the virtual host 'guide' ...", flush=True)
    try:
        with LabHost.boot("guide", Daemon.STOCK if stock else Daemon.AIRLOCK) as host:
            print(f"up after {time.monotonic() - started:.0f} s")
            host.run("cat > /tmp/guest1.xml", input_data=GUEST.encode())
            host.run("cat > /tmp/single.xml", input_data=hostdev(SINGLE).encode())
            good = all(run_tool(host, tool) for tool in (["virsh"] if stock else ["virsh", "airlock"]))
    except HostError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\ndemo: {'everything came and went as it must' if good else 'FAILED'}, {time.monotonic() - started:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
