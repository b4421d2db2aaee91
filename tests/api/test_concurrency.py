# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many clients that change things at the same time."""

import concurrent.futures
import contextlib
import threading

import libvirt

import guests

CLIENTS = 4


def test_lives_of_guests_beside_each_other(conn, daemon, name):
    def live(number: int) -> None:
        own = libvirt.open(daemon.uri)
        for turn in range(3):
            dom = own.defineXML(guests.guest(f"{name}-{number}-{turn}"))
            dom.create()
            assert dom.isActive()
            dom.attachDevice(guests.RNG)
            dom.destroy()
            dom.undefine()
        own.close()

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(live, range(CLIENTS)))
    assert conn.listAllDomains() == []


def test_calls_for_one_guest_from_all_sides(conn, daemon, running):
    """A call may be refused, or lose its QEMU to a destroy; the guest stays in one piece."""

    def disturb(number: int) -> None:
        own = libvirt.open(daemon.uri)
        dom = own.lookupByName(running.name())
        for verb in ("suspend", "resume", "destroy", "create", "reset", "isActive", "info") * 2:
            with contextlib.suppress(libvirt.libvirtError):
                getattr(dom, verb)()
        assert own.isAlive()
        own.close()

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(disturb, range(CLIENTS)))
    if not running.isActive():
        running.create()
    assert running.state()[0] in (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_PAUSED)
    running.destroy()


def test_lists_are_answered_while_guests_start(conn, daemon, name):
    done = threading.Event()

    def start() -> None:
        own = libvirt.open(daemon.uri)
        for number in range(3):
            own.createXML(guests.guest(f"{name}-{number}"))
        done.set()

    starter = threading.Thread(target=start)
    starter.start()
    lists = 0
    while not done.is_set():
        assert len(conn.listAllDomains()) <= 3
        lists += 1
    starter.join()
    assert lists > 10
