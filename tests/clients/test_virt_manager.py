# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager, used as a person would: one session from the connection to the deletion of a guest.

The tests go on where the one before them ended. Pictures of each stage are in build/artifacts/virt-manager.
"""

import pathlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import libvirt
import pytest
from daemons import ROOT, Daemon

import guests

pytest.importorskip("gi", reason="python3-gi is not installed")

import desktop  # noqa: E402
from virtmanager import VirtManager, hardware, shown_as  # noqa: E402

PICTURES = ROOT / "build" / "artifacts" / "virt-manager"
PCI = pathlib.Path("/sys/bus/pci/devices")
GROUPS = pathlib.Path("/sys/kernel/iommu_groups")
# Never what the machine stands on: neither disk nor network card.
SPARE = [
    path.name
    for path in sorted(PCI.glob("*"))
    if (path / "class").read_text()[2:4] not in ("01", "02", "06")
]

# A boot sector that turns to 320x200 in 256 colours, paints a quarter in each of these, and goes round in a circle.
TO_GRAPHICS = bytes.fromhex("b81300 cd10 b800a0 8ec0 31ff")
PAINT = "b0 {:02x} b9803e f3aa"
FOR_EVER = bytes.fromhex("ebfe")
BANDS = {4: (168, 0, 0), 2: (0, 168, 0), 1: (0, 0, 168), 14: (255, 255, 87)}
FEW_LINES = 20  # what the mouse's pointer may cover

NETWORK = """<network><name>default</name><forward mode='nat'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'/></network>"""

pytestmark = [
    pytest.mark.skipif(
        desktop.why_not("virt-manager") is not None, reason=str(desktop.why_not("virt-manager"))
    ),
]

needs_spare = pytest.mark.skipif(not SPARE, reason="this machine has no PCI function to spare")
needs_no_iommu = pytest.mark.skipif(
    GROUPS.exists() and any(GROUPS.iterdir()), reason="this machine has an IOMMU"
)


def boot_sector() -> bytes:
    paint = b"".join(bytes.fromhex(PAINT.format(colour)) for colour in BANDS)
    return (TO_GRAPHICS + paint + FOR_EVER).ljust(510, b"\0") + b"\x55\xaa"


def bands_of(picture: desktop.Picture, box: tuple[int, int, int, int]) -> list[tuple[int, int, int]]:
    """The guest's colours from top to bottom, left of the middle of its display."""
    left, top, width, height = box
    column = [picture.pixel(left + width // 3, y) for y in range(top, top + height)]
    changes = [now for before, now in zip([None, *column], column) if now != before]
    return [colour for colour in changes if colour in BANDS.values()]


class Manager(VirtManager):
    """virt-manager, and beside it a connection of our own to look at what it did."""

    def __init__(self, screen: desktop.Desktop, daemon: Daemon, images: pathlib.Path) -> None:
        super().__init__(screen)
        self.daemon = daemon
        self.images = images
        self.conn = libvirt.open(daemon.uri)

    def image(self, name: str) -> pathlib.Path:
        path = self.images / f"{name}.img"
        path.write_bytes(boot_sector() + bytes(1 << 20))
        return path

    def define(self, name: str, more: str = "") -> None:
        disk = guests.disk(self.image(name), "vda")
        screen = "<graphics type='vnc' port='-1'/><video><model type='vga'/></video>"
        self.conn.defineXML(guests.guest(name, disk + screen + more))

    def guest(self, name: str) -> libvirt.virDomain:
        return self.conn.lookupByName(name)

    def is_in(self, name: str, state: int) -> bool:
        return self.guest(name).state()[0] == state

    def wait_for_state(self, name: str, state: int) -> None:
        self.until(lambda: self.is_in(name, state), f"state {state} of {name}")

    def shows_bands(self, window: desktop.Widget) -> bool:
        area = window.maybe("drawing area")
        return bool(area) and bands_of(self.desktop.screen(), area.box) == list(BANDS.values())

    def shows_something(self, window: desktop.Widget) -> bool:
        """The firmware's text, or more. This may be a guest under a slow KVM, which paints for minutes."""
        area = window.maybe("drawing area")
        if not area:
            return False
        left, top, width, height = area.box
        picture = self.desktop.screen()
        lines = (picture.rows[y][3 * left : 3 * (left + width)] for y in range(top, top + height))
        return sum(any(line) for line in lines) > FEW_LINES


def put_up(conn: libvirt.virConnect, images: pathlib.Path) -> None:
    """A pool and a network of the names that every client looks for."""
    place = f"<target><path>{images}</path></target>"
    conn.storagePoolDefineXML(f"<pool type='dir'><name>default</name>{place}</pool>").create()
    conn.networkDefineXML(NETWORK).create()


def clear(conn: libvirt.virConnect) -> None:
    """No guests, and nothing named 'default'."""
    others = [*conn.listAllStoragePools(), *conn.listAllNetworks()]
    for thing in [*conn.listAllDomains(), *(one for one in others if one.name() == "default")]:
        if thing.isActive():
            thing.destroy()
        thing.undefine()


@pytest.fixture(scope="module")
def manager(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    directory = tmp_path_factory.mktemp("desktop")
    images = tmp_path_factory.mktemp("images")
    enter = ["nsenter", f"--target={daemon.process.pid}", "--mount", "--net", "--"]
    with desktop.Desktop(directory, PICTURES, *enter) as screen:
        made = Manager(screen, daemon, images)
        clear(made.conn)
        put_up(made.conn, images)
        made.define("painter")
        made.define("sleeper")
        made.guest("painter").create()
        made.run("qemu:///system")
        yield made
        clear(libvirt.open(daemon.uri))


@pytest.fixture(autouse=True)
def evidence(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails leaves a picture and all that could be seen."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        request.getfixturevalue("manager").desktop.leave_evidence()


def test_guests_are_listed(manager):
    assert manager.row("painter", "Running")
    assert manager.row("sleeper", "Shutoff")
    manager.desktop.picture("list")
    manager.no_alert()


def test_console_shows_the_guests_screen(manager):
    window = manager.open("painter", "Console")
    manager.until(lambda: manager.shows_bands(window), "the guest's four bands")
    manager.desktop.picture("console")


def test_pause_and_resume(manager):
    window = manager.open("painter", "Console")
    window.find("toggle button", "Pause").press()
    manager.wait_for_state("painter", libvirt.VIR_DOMAIN_PAUSED)
    assert manager.row("painter", "Paused")
    manager.desktop.picture("paused")
    window.find("toggle button", "Pause").press()
    manager.wait_for_state("painter", libvirt.VIR_DOMAIN_RUNNING)


def test_every_page_of_details_opens(manager):
    window = manager.open("painter", "Details")
    pages = {cell.name: cell for cell in window.find("table", "hw-list").all("table cell")}
    for name in ("Overview", "CPUs", "Memory", "VirtIO Disk 1", "Display VNC", "Video VGA"):
        assert name in pages
    for cell in pages.values():
        assert cell.take_focus()
        manager.no_alert()
    manager.desktop.picture("details")


def test_statistics_move(manager):
    window = manager.open("painter", "Details")
    window.find("table cell", "Performance").focus()
    # The guest goes round in a circle: it uses what it gets.
    assert window.find("label", re.compile(r"^[1-9][0-9]* %$"))
    manager.desktop.picture("performance")


def test_snapshots_are_no_error(manager):
    window = manager.open("painter", "Details")
    button = window.find("radio button", "Snapshots")
    if button.sensitive:
        button.press()
    manager.no_alert()


@needs_spare
def test_host_devices_have_names(manager):
    window = manager.open("painter", "Details")
    window.find("push button", "add-hardware").press()
    adding = manager.desktop.window("Add New Virtual Hardware")
    adding.find("table cell", "PCI Host Device").focus()
    adding.find("table cell", re.compile("^" + shown_as(SPARE[-1])))
    shown = {w.name for w in adding.all("table cell")}
    for node in manager.conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV):
        tree = ET.fromstring(node.XMLDesc())
        vendor = tree.findtext("capability/vendor") or ""
        product = tree.findtext("capability/product") or ""
        address = shown_as(tree.findtext("path").rsplit("/", 1)[1])
        assert any(name.startswith(f"{address} {vendor} {product}".strip()) for name in shown)
    manager.desktop.picture("host-devices")
    adding.find("push button", "Cancel").press()
    manager.adding_ended()


@needs_spare
@needs_no_iommu
def test_refusal_can_be_read(manager):
    manager.add_pci(manager.open("painter", "Details"), SPARE[-1])
    alert = manager.alert()
    alert.find("toggle button", "Details").activate()
    text = manager.until(lambda: " ".join(w.text for w in alert.all("text")), "the details' text")
    assert SPARE[-1] in text
    if manager.daemon.ours:
        assert "IOMMU" in text
    manager.answer("No", "refused")
    manager.adding_ended()
    assert "hostdev" not in manager.guest("painter").XMLDesc()


@needs_spare
def test_host_device_is_added_to_a_guest_that_is_off(manager):
    window = manager.open("sleeper", "Details")
    manager.add_pci(window, SPARE[-1])
    manager.adding_ended()
    window.find("table cell", f"PCI {SPARE[-1]}").focus()
    label = window.find("label", re.compile("^" + shown_as(SPARE[-1])))
    assert label.name != shown_as(SPARE[-1])
    manager.desktop.picture("host-device")
    assert "hostdev" in manager.guest("sleeper").XMLDesc()


@needs_spare
def test_host_device_that_another_guest_has_is_asked_about(manager):
    adding = manager.add_pci(manager.open("painter", "Details"), SPARE[-1])
    assert "sleeper" in manager.answer("No", "in-use")
    adding.find("push button", "Cancel").press()
    manager.adding_ended()


@needs_spare
def test_host_device_is_removed_once_confirmed(manager):
    window = manager.open("sleeper", "Details")
    window.find("table cell", f"PCI {SPARE[-1]}").focus()
    window.find("push button", "config-remove").press()
    assert "remove this device" in manager.answer("Yes", "remove")
    manager.until(lambda: f"PCI {SPARE[-1]}" not in hardware(window), "the end of its page")
    assert "hostdev" not in manager.guest("sleeper").XMLDesc()
    manager.close(window)


def test_force_off_and_start(manager):
    window = manager.open("painter", "Console")
    window.find("toggle button", "Menu").choose("Force Off")
    assert "force" in manager.answer("Yes", "force-off").lower()
    manager.wait_for_state("painter", libvirt.VIR_DOMAIN_SHUTOFF)
    assert manager.row("painter", "Shutoff")
    window.find("push button", "Run").press()
    manager.wait_for_state("painter", libvirt.VIR_DOMAIN_RUNNING)
    manager.until(lambda: manager.shows_bands(window), "the guest's four bands, again")
    manager.close(window)


def test_shut_down_by_the_power_button(manager):
    if not guests.TEST_GUEST.exists():
        pytest.skip(f"{guests.TEST_GUEST} is not built: ./dev build")
    obedient = manager.conn.defineXML(guests.answering_guest("obedient"))
    obedient.create()
    manager.row("obedient", "Running").focus()
    # It obeys only once it is up.
    button = manager.main.find("push button", "Shut Down")

    def is_off() -> bool:
        if manager.is_in("obedient", libvirt.VIR_DOMAIN_RUNNING):
            button.press()
        return manager.is_in("obedient", libvirt.VIR_DOMAIN_SHUTOFF)

    manager.until(is_off, "the guest to go off")
    assert manager.row("obedient", "Shutoff")
    obedient.undefine()


def choose_system(wizard: desktop.Widget) -> None:
    wizard.find("text", "oslist-entry").write("generic")
    wizard.find("table cell", re.compile(r"\(generic\)$")).click()


def forward(wizard: desktop.Widget, page: int) -> None:
    """On to the page of this number. Not by the mouse: with each page the window changes its size, and the button is
    somewhere else."""
    wizard.desktop.until(lambda: wizard.find("push button", "Forward").sensitive, "the button to be usable")
    wizard.find("push button", "Forward").activate()
    wizard.find("label", re.compile(f"Step {page} of"))
    wizard.find("push button", re.compile("Forward|Finish"))


def new_guest(manager: Manager, way: str) -> desktop.Widget:
    manager.main.find("push button", "New").press()
    wizard = manager.desktop.window("New VM")
    wizard.find("radio button", re.compile(way)).press()
    forward(wizard, 2)
    return wizard


def finish(manager: Manager, wizard: desktop.Widget, name: str) -> None:
    named = [w for w in wizard.all("text") if w.text.startswith(("vm", "generic", "linux"))]
    named[0].write(name)
    manager.desktop.picture(f"wizard-{name}")
    wizard.find("push button", "Finish").press()
    manager.row(name, "Running")


def test_new_guest_from_an_image(manager):
    wizard = new_guest(manager, "^Import existing")
    wizard.find("text", "import-entry").write(str(manager.image("imported")))
    choose_system(wizard)
    forward(wizard, 3)
    forward(wizard, 4)
    finish(manager, wizard, "imported")
    window = manager.desktop.window(re.compile("^imported on "))
    manager.until(lambda: manager.shows_something(window), "the guest's screen")
    manager.desktop.picture("imported")
    manager.close(window)
    assert "network='default'" in manager.guest("imported").XMLDesc()


def test_new_guest_with_a_new_volume(manager):
    wizard = new_guest(manager, "^Manual install")
    choose_system(wizard)
    forward(wizard, 3)
    forward(wizard, 4)
    wizard.find("spin button").write("0.1")
    forward(wizard, 5)
    finish(manager, wizard, "made")
    assert (manager.images / "made.qcow2").exists()
    manager.close(manager.desktop.window(re.compile("^made on ")))


def test_pages_of_the_connection(manager):
    manager.row("painter").focus()
    manager.main.find("menu", "Edit").choose("Connection Details")
    window = manager.desktop.window(re.compile("Connection Details"))
    window.find("page tab", "Virtual Networks").press()
    assert window.find("table cell", "default")
    manager.desktop.picture("networks")
    window.find("page tab", "Storage").press()
    assert window.find("table cell", "painter.img")
    manager.desktop.picture("storage")
    manager.no_alert()
    manager.close(window)


def test_guest_is_deleted_with_its_storage(manager):
    if manager.guest("imported").isActive():
        manager.guest("imported").destroy()
    manager.row("imported", "Shutoff").focus()
    manager.main.find("menu", "Edit").choose("Delete")
    dialog = manager.desktop.window(re.compile("^Delete "))
    manager.desktop.picture("delete")
    dialog.find("push button", "Delete").press()
    assert "imported.img" in manager.answer("Yes", "delete-storage")
    manager.until(lambda: "imported" not in {g.name() for g in manager.conn.listAllDomains()}, "it gone")
    assert not (manager.images / "imported.img").exists()


def test_daemon_that_starts_anew_is_found_again(manager):
    manager.conn.close()
    manager.daemon.end()
    manager.main.find("table cell", re.compile("Not Connected"))
    manager.desktop.picture("not-connected")
    manager.daemon.start()
    manager.conn = libvirt.open(manager.daemon.uri)
    manager.main.find("table cell", re.compile("Not Connected")).focus()
    manager.main.find("menu", "File")
    manager.main.find("table cell", re.compile("Not Connected")).click("b1d")
    assert manager.row("painter", "Running")
    manager.desktop.picture("connected-again")
