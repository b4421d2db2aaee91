# SPDX-License-Identifier: LGPL-2.1-or-later
"""A desktop for one graphical program: a screen that is a file, a session bus, and hands and eyes.

    with Desktop(directory, pictures, "nsenter", …, "--") as screen:
        screen.run("virt-manager", "--no-fork")
        window = screen.window("Virtual Machine Manager")
        window.find("push button", "Open").press()
        screen.picture("open")

The program is seen as a screen reader sees it (AT-SPI); the screen itself is read from the file that
Xvfb draws in, so that pictures need no client of their own.
"""

import contextlib
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gi

gi.require_version("Gio", "2.0")

from gi.repository import Gio, GLib  # noqa: E402

NEEDED = ("Xvfb", "openbox", "dbus-daemon", "/usr/libexec/at-spi-bus-launcher")
LIMIT = 60  # seconds in which what is waited for must come, on a busy machine too
PAUSE = 0.05
WIDTH, HEIGHT = 1280, 1024
DEEPEST = 60  # levels of widgets
CALL_LIMIT = 5000  # milliseconds

# States and places of the AT-SPI D-Bus protocol, as its XML descriptions have them.
ACTIVE, SENSITIVE, SHOWING = 1, 24, 25
ROOT = "/org/a11y/atspi/accessible/root"
REGISTRY = "org.a11y.atspi.Registry"
MOUSE = ("/org/a11y/atspi/registry/deviceeventcontroller", "org.a11y.atspi.DeviceEventController")

FOCUSABLE = ("push button", "radio button", "text", "table", "tree table")
TEXTS = ("label", "text", "password text", "spin button")

Pattern = str | re.Pattern[str] | None


def why_not(*programs: str) -> str | None:
    """Why there can be no desktop with these programs here, or None."""
    missing = [name for name in (*NEEDED, *programs) if not shutil.which(name)]
    return f"not installed: {', '.join(missing)}" if missing else None


def matches(wanted: Pattern, text: str) -> bool:
    if wanted is None:
        return True
    return bool(wanted.search(text)) if isinstance(wanted, re.Pattern) else wanted == text


def is_set(states: tuple[int, int], state: int) -> bool:
    low, high = states
    return bool((low | high << 32) >> state & 1)


def connect(address: str) -> Gio.DBusConnection:
    flags = Gio.DBusConnectionFlags
    kind = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, kind, None, None)


class Widget:
    """One thing on the screen. One that is gone has no name, no state and no children."""

    def __init__(self, desktop: "Desktop", owner: str, path: str) -> None:
        self.desktop = desktop
        self.owner = owner
        self.path = path

    def call(self, interface: str, method: str, words: str = "()", *values: object) -> tuple:
        """One call of the AT-SPI D-Bus protocol; fails with GLib.Error."""
        name = f"org.a11y.atspi.{interface}"
        return self.desktop.call(self.owner, self.path, name, method, GLib.Variant(words, values))

    def question(self, interface: str, method: str) -> tuple[str, str, str, str, None]:
        """The same call, for Desktop.call_all()."""
        return self.owner, self.path, f"org.a11y.atspi.{interface}", method, None

    def ask(self, otherwise: object, interface: str, method: str, words: str = "()",
            *values: object) -> object:
        try:
            return self.call(interface, method, words, *values)[0]
        except GLib.Error:
            return otherwise

    def get(self, attribute: str) -> object:
        return self.desktop.call(*self.question_of(attribute))[0]

    def question_of(self, attribute: str) -> tuple[str, str, str, str, GLib.Variant]:
        words = GLib.Variant("(ss)", ("org.a11y.atspi.Accessible", attribute))
        return self.owner, self.path, "org.freedesktop.DBus.Properties", "Get", words

    @property
    def name(self) -> str:
        try:
            return self.get("Name")
        except GLib.Error:
            return ""

    @property
    def role(self) -> str:
        return self.ask("", "Accessible", "GetRoleName")

    @property
    def text(self) -> str:
        """What it shows, where that is more than its name."""
        shown = self.ask("", "Text", "GetText", "(ii)", 0, -1) if self.role in TEXTS else ""
        return shown or self.name

    def has(self, state: int) -> bool:
        return is_set(self.ask((0, 0), "Accessible", "GetState"), state)

    @property
    def showing(self) -> bool:
        return self.has(SHOWING)

    @property
    def sensitive(self) -> bool:
        return self.has(SENSITIVE)

    @property
    def children(self) -> list["Widget"]:
        return [Widget(self.desktop, *one) for one in self.ask([], "Accessible", "GetChildren")]

    @property
    def parent(self) -> "Widget":
        return Widget(self.desktop, *self.get("Parent"))

    def each(self) -> Iterator["Widget"]:
        """What is shown below it, from the top. Cells of a list count, scrolled away or not."""
        return (seen.widget for seen in self.look())

    def look(self) -> Iterator["Seen"]:
        """The same with what each looks like. A level is asked for at once: there are hundreds of
        widgets, and the program may be slow to come to its turn."""
        above = [self]
        while above:
            lists = self.desktop.call_all([w.question("Accessible", "GetChildren") for w in above])
            found = [Widget(self.desktop, *one) for children in lists if children for one in children]
            shown = [seen for seen in self.desktop.glance(found) if seen.counts]
            yield from shown
            above = [seen.widget for seen in shown]

    def all(self, role: str | None = None, name: Pattern = None) -> list["Widget"]:
        return [seen.widget for seen in self.look() if seen.fits(role, name)]

    def maybe(self, role: str | None = None, name: Pattern = None) -> "Widget | None":
        return next((seen.widget for seen in self.look() if seen.fits(role, name)), None)

    def find(self, role: str | None = None, name: Pattern = None) -> "Widget":
        """Waits until there is one."""
        return self.desktop.until(lambda: self.maybe(role, name), f"{role} '{name}' in {self}")

    def press(self) -> None:
        """Clicks on it, as its user would: what the program does then is none of our call's business,
        and a dialog that it waits for can be seen meanwhile."""
        self.desktop.until(lambda: self.sensitive, f"{self} to be usable")
        self.focus()
        self.click()

    def activate(self) -> None:
        """Does what it offers, without the mouse: for what opens no dialog, which would wait for us
        while we wait for it. A program that is busy does it later."""
        self.ask(False, "Action", "DoAction", "(i)", 0)

    def focus(self) -> None:
        """Puts its window on top of the others; the row of a cell becomes the selected one."""
        window = self.window
        if not self.take_focus() and not window.has(ACTIVE):
            next(w for w in window.each() if w.role in FOCUSABLE and w.take_focus())
        self.desktop.until(lambda: window.has(ACTIVE), f"the window of {self} on top")

    def take_focus(self) -> bool:
        return self.ask(False, "Component", "GrabFocus")

    def choose(self, *names: str) -> None:
        """Opens this menu, the menus below it of these names, and takes the last."""
        self.press()
        menu = self
        for name in names:
            menu = menu.find(name=name)
            self.desktop.until(lambda entry=menu: entry.sensitive, f"{menu} to be usable")
            menu.click()

    @property
    def window(self) -> "Widget":
        top = self
        while (above := top.parent).role != "application":
            top = above
        return top

    def write(self, text: str) -> None:
        self.desktop.until(lambda: self.sensitive, f"{self} to be usable")
        self.call("EditableText", "SetTextContents", "(s)", text)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height on the screen."""
        return self.call("Component", "GetExtents", "(u)", 0)[0]

    def click(self, what: str = "b1c") -> None:
        """b1c: a click, b1d: a double one, b3c: one with the right button. Where it is once it stays there: a
        window that was opened or has another page finds its size and place first."""
        before = None
        while (box := self.box) != before:
            before = box
            time.sleep(PAUSE)
        x, y, width, height = box
        self.desktop.mouse(x + width // 2, y + height // 2, what)

    def __str__(self) -> str:
        return f"{self.role} '{self.name}'"

    def tree(self, depth: int = 0) -> str:
        """All that is shown, for a person who looks for what went wrong."""
        lines = [f"{'  ' * depth}{self.role} {self.name!r} {self.text[:300]!r}"]
        if depth < DEEPEST:
            shown = (c for c in self.children if c.showing or c.role == "table cell")
            lines += [child.tree(depth + 1) for child in shown]
        return "\n".join(lines)


@dataclass
class Seen:
    """What a widget looked like when all of them were looked at."""

    widget: Widget
    states: tuple[int, int]
    role: str
    name: str

    @property
    def counts(self) -> bool:
        return is_set(self.states, SHOWING) or self.role == "table cell"

    def fits(self, role: str | None, name: Pattern) -> bool:
        """A label may be meant by what it shows, too."""
        if role not in (None, self.role):
            return False
        return matches(name, self.name) or (self.role in TEXTS and matches(name, self.widget.text))


class Picture:
    """The screen at one moment: rows of pixels, three bytes each."""

    def __init__(self, xwd: bytes) -> None:
        fields = struct.unpack(">25I", xwd[:100])
        header, self.width, self.height = fields[0], fields[4], fields[5]
        line, colours = fields[12], fields[19]
        start = header + 12 * colours
        rows = []
        for y in range(self.height):
            raw = xwd[start + y * line : start + y * line + 4 * self.width]
            row = bytearray(3 * self.width)
            row[0::3], row[1::3], row[2::3] = raw[2::4], raw[1::4], raw[0::4]
            rows.append(bytes(row))
        self.rows = rows

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        return tuple(self.rows[y][3 * x : 3 * x + 3])

    def save(self, path: pathlib.Path) -> None:
        def chunk(kind: bytes, data: bytes) -> bytes:
            check = zlib.crc32(kind + data)
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + row for row in self.rows), 6)
        body = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


class Desktop:
    """enter: the words in front of a command that runs it where the program is to run."""

    def __init__(self, directory: pathlib.Path, pictures: pathlib.Path, *enter: str) -> None:
        self.directory = directory
        self.pictures = pictures
        self.enter = enter
        self.taken = 0
        self.stack = contextlib.ExitStack()
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "XDG_RUNTIME_DIR": str(directory),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/bus",
            "LC_ALL": "C.UTF-8",
            "GSETTINGS_BACKEND": "memory",
            "GTK_THEME": "Adwaita",
        }

    def __enter__(self) -> "Desktop":
        shutil.rmtree(self.pictures, ignore_errors=True)
        self.pictures.mkdir(parents=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            self.stack = stack
            self.open()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def open(self) -> None:
        reader, writer = os.pipe()
        size = f"{WIDTH}x{HEIGHT}x24"
        words = ["-displayfd", str(writer), "-screen", "0", size, "-fbdir", str(self.directory)]
        self.spawn("Xvfb", *words, "-nolisten", "tcp", "-noreset", fds=(writer,))
        os.close(writer)
        with os.fdopen(reader) as answer:
            self.environment["DISPLAY"] = f":{answer.readline().strip()}"
        address = self.environment["DBUS_SESSION_BUS_ADDRESS"]
        self.spawn("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}")
        self.until((self.directory / "bus").exists, "the session bus")
        self.spawn("openbox")
        self.bus = self.open_bus(address)

    def open_bus(self, session: str) -> Gio.DBusConnection:
        """The bus of AT-SPI, which the session's bus knows of."""
        words = ("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None)
        self.bus = connect(session)
        found = self.call(*words)[0]
        self.bus.close_sync()
        bus = connect(found)
        self.stack.callback(bus.close_sync)
        return bus

    def call(self, owner: str, path: str, interface: str, method: str, words: object) -> tuple:
        answer = self.bus.call_sync(
            owner, path, interface, method, words, None, Gio.DBusCallFlags.NONE, CALL_LIMIT, None
        )
        return answer.unpack()

    def call_all(self, questions: list[tuple]) -> list[object]:
        """The first value of each answer, None for what failed. All are asked before any answers."""
        answers: list[object] = [None] * len(questions)
        waiting = len(questions)

        def keep(bus: Gio.DBusConnection, result: Gio.AsyncResult, number: int) -> None:
            nonlocal waiting
            waiting -= 1
            with contextlib.suppress(GLib.Error):
                answers[number] = bus.call_finish(result).unpack()[0]

        for number, question in enumerate(questions):
            flags = Gio.DBusCallFlags.NONE
            self.bus.call(*question, None, flags, CALL_LIMIT, None, keep, number)
        while waiting:
            GLib.MainContext.default().iteration(True)
        return answers

    def glance(self, widgets: list[Widget]) -> list[Seen]:
        states = self.call_all([w.question("Accessible", "GetState") for w in widgets])
        roles = self.call_all([w.question("Accessible", "GetRoleName") for w in widgets])
        names = self.call_all([w.question_of("Name") for w in widgets])
        looks = zip(widgets, states, roles, names)
        return [Seen(w, state or (0, 0), role or "", name or "") for w, state, role, name in looks]

    def mouse(self, x: int, y: int, what: str) -> None:
        self.call(REGISTRY, *MOUSE, "GenerateMouseEvent", GLib.Variant("(iis)", (x, y, what)))

    def spawn(self, *words: str, fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        log = self.stack.enter_context((self.directory / f"{words[0]}.log").open("ab"))
        process = subprocess.Popen(
            [*self.enter, *words], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, pass_fds=fds, start_new_session=True,
        )  # fmt: skip

        def end() -> None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.stack.callback(end)
        return process

    def run(self, *words: str) -> None:
        self.process = self.spawn(*words)

    def program(self) -> Widget | None:
        """The program that was run, once it can be seen; it is the only one that shows itself."""
        programs = Widget(self, REGISTRY, ROOT).children
        return programs[-1] if programs else None

    def windows(self) -> list[Widget]:
        program = self.program()
        return [w for w in program.children if w.showing] if program else []

    def window(self, name: str | re.Pattern[str], role: str | None = None) -> Widget:
        """Waits for a window of this title."""
        return self.until(lambda: self.open_window(name, role), f"a window '{name}'")

    def open_window(self, name: str | re.Pattern[str], role: str | None = None) -> Widget | None:
        for w in self.windows():
            if matches(name, w.name) and role in (None, w.role):
                return w
        return None

    def until(self, condition: Callable[[], object], what: str) -> object:
        deadline = time.monotonic() + LIMIT
        while True:
            with contextlib.suppress(GLib.Error):
                if answer := condition():
                    return answer
            if self.process and self.process.poll() is not None:
                status = self.process.returncode
                raise AssertionError(f"the program ended with {status}, and {what} was waited for")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}")
            time.sleep(PAUSE)

    def screen(self) -> Picture:
        return Picture((self.directory / "Xvfb_screen0").read_bytes())

    def picture(self, name: str) -> Picture:
        """Keeps the screen as the next picture."""
        self.taken += 1
        picture = self.screen()
        picture.save(self.pictures / f"{self.taken:02}-{name}.png")
        return picture

    def leave_evidence(self) -> None:
        """A picture, and all that can be seen in words."""
        self.picture("failure")
        program = self.program()
        path = self.pictures / f"{self.taken:02}-failure.txt"
        path.write_text(program.tree() if program else "nothing is seen of the program")
