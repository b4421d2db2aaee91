# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager's windows: its list of guests, a guest's own window, its dialogs."""

import re

import desktop


def shown_as(address: str) -> str:
    """An address as virt-manager's list shows it."""
    return address.replace(".", ":")


def hardware(window: desktop.Widget) -> list[str]:
    cells = window.find("table", "hw-list").all("table cell")
    return [cell.name for cell in cells if cell.name]


class VirtManager:
    """virt-manager on a desktop."""

    def __init__(self, screen: desktop.Desktop) -> None:
        self.desktop = screen
        self.until = screen.until

    def run(self, uri: str) -> None:
        self.desktop.run("virt-manager", "--no-fork", "--debug", "--connect", uri)

    @property
    def main(self) -> desktop.Widget:
        return self.desktop.window("Virtual Machine Manager")

    def row(self, name: str, state: str = "") -> desktop.Widget:
        """The guest's row in the list, once it tells of this state."""
        return self.main.find("table cell", re.compile(rf"^{re.escape(name)}\n{state}"))

    def open(self, name: str, page: str) -> desktop.Widget:
        """The guest's window at one of its pages."""
        title = re.compile(rf"^{re.escape(name)} on ")
        if not (window := self.desktop.open_window(title)):
            self.row(name).focus()
            self.main.find("push button", "Open").press()
            window = self.desktop.window(title)
        window.find("radio button", page).press()
        return window

    def close(self, window: desktop.Widget) -> None:
        title = window.name
        window.find("menu", "File").choose("Close")
        self.until(lambda: not self.desktop.open_window(title), f"the end of '{title}'")

    def alert(self) -> desktop.Widget:
        return self.desktop.window(re.compile(""), role="alert")

    def answer(self, button: str, picture: str) -> str:
        """Presses a button of the dialog that comes up. Returns what it said."""
        alert = self.alert()
        said = "\n".join(w.text for w in alert.all("label"))
        self.desktop.picture(picture)
        alert.find("push button", button).press()
        self.until(lambda: not self.desktop.open_window(re.compile(""), "alert"), "the dialog's end")
        return said

    def no_alert(self) -> None:
        assert not self.desktop.open_window(re.compile(""), "alert")

    def add_pci(self, window: desktop.Widget, address: str) -> desktop.Widget:
        """Asks for this function in 'Add New Virtual Hardware', which is returned."""
        window.find("push button", "add-hardware").press()
        adding = self.desktop.window("Add New Virtual Hardware")
        adding.find("table cell", "PCI Host Device").focus()
        adding.find("table cell", re.compile("^" + shown_as(address))).focus()
        adding.find("push button", "Finish").press()
        return adding

    def adding_ended(self) -> None:
        title = "Add New Virtual Hardware"
        self.until(lambda: not self.desktop.open_window(title), f"the end of '{title}'")
