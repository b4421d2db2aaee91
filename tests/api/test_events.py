# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events: which, in what order, with what details, and to whom."""

import libvirt
import pytest
from libvirt import (
    VIR_DOMAIN_EVENT_DEFINED,
    VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    VIR_DOMAIN_EVENT_ID_REBOOT,
    VIR_DOMAIN_EVENT_RESUMED,
    VIR_DOMAIN_EVENT_SHUTDOWN,
    VIR_DOMAIN_EVENT_STARTED,
    VIR_DOMAIN_EVENT_STOPPED,
    VIR_DOMAIN_EVENT_SUSPENDED,
    VIR_DOMAIN_EVENT_UNDEFINED,
)

import guests

DEFINED_ADDED = (VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED)
DEFINED_UPDATED = (VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_UPDATED)
UNDEFINED = (VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED)
STARTED = (VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED)
SUSPENDED = (VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED)
RESUMED = (VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED)
GUEST_SHUTDOWN = (VIR_DOMAIN_EVENT_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_GUEST)
HOST_SHUTDOWN = (VIR_DOMAIN_EVENT_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST)
DESTROYED = (VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED)
STOPPED = (VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)


def test_a_guests_life_is_told_in_order(conn, events, name):
    events.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE)
    dom = conn.defineXML(guests.guest(name))
    conn.defineXML(guests.guest(name, uuid=dom.UUIDString()))
    dom.create()
    dom.suspend()
    dom.resume()
    dom.destroy()
    dom.undefine()
    events.wait(lambda: UNDEFINED in events.lifecycle())
    assert {told[1] for told in events.seen} == {name}
    told = [each for each in events.lifecycle() if each != HOST_SHUTDOWN]
    expected = [DEFINED_ADDED, DEFINED_UPDATED, RESUMED, STARTED, SUSPENDED, RESUMED, DESTROYED]
    assert told == [*expected, UNDEFINED]


def test_a_paused_start_is_started_and_suspended(conn, events, name):
    events.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE)
    conn.createXML(guests.guest(name), libvirt.VIR_DOMAIN_START_PAUSED)
    events.wait(lambda: len(events.seen) >= 2)
    assert events.lifecycle() == [STARTED, SUSPENDED]


def test_a_shutdown_by_the_guest(conn, answering, events):
    events.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE, answering.name())
    answering.shutdown()
    events.wait(lambda: STOPPED in events.lifecycle())
    assert events.lifecycle() == [GUEST_SHUTDOWN, STOPPED]


def test_a_listener_for_one_guest_hears_of_that_only(conn, running, events, name):
    events.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE, running.name())
    other = conn.defineXML(guests.guest(name + "-other"))
    other.create()
    running.suspend()
    running.resume()
    other.destroy()
    running.suspend()
    events.wait(lambda: len(events.seen) >= 3)
    assert {told[1] for told in events.seen} == {running.name()}
    assert events.lifecycle() == [SUSPENDED, RESUMED, SUSPENDED]


def test_nothing_is_heard_after_deregistration(conn, running, events):
    first = events.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE)
    running.suspend()
    events.wait(lambda: len(events.seen) == 1)
    events.ids.clear()
    events.connection.domainEventDeregisterAny(first)
    running.resume()
    second = events.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE)
    assert second != first
    running.suspend()
    events.wait(lambda: len(events.seen) == 2)
    assert events.lifecycle() == [SUSPENDED, SUSPENDED]


def test_two_connections_hear_the_same(conn, running, fresh):
    from checks import Events

    recorders = [Events(fresh()), Events(fresh())]
    for recorder in recorders:
        recorder.listen(VIR_DOMAIN_EVENT_ID_LIFECYCLE)
    running.suspend()
    for recorder in recorders:
        recorder.wait(lambda: recorder.lifecycle() == [SUSPENDED])
        recorder.close()


def test_device_added(conn, running, events):
    events.listen(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED)
    running.attachDevice(guests.RNG)
    events.wait(lambda: len(events.seen) == 1)
    assert events.seen == [(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, running.name(), "rng0")]


def test_device_removed_when_the_guest_lets_go(conn, answering, events):
    answering.attachDevice(guests.RNG)
    events.listen(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED)
    answering.detachDevice(guests.RNG)
    events.wait(lambda: len(events.seen) == 1)
    assert events.seen == [(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, answering.name(), "rng0")]


def test_a_reset_is_told_as_a_reboot(conn, running, events):
    events.listen(VIR_DOMAIN_EVENT_ID_REBOOT, running.name())
    running.reset()
    events.wait(lambda: len(events.seen) == 1)


@pytest.mark.parametrize("event", range(24))
def test_every_kind_of_event_can_be_asked_for(fresh, event):
    connection = fresh()
    number = connection.domainEventRegisterAny(None, event, lambda *_: None, None)
    connection.domainEventDeregisterAny(number)


def test_an_unknown_event_is_refused(raw):
    import wire

    client = raw().open()
    reply = client.call(316, wire.u32(99) + wire.u32(0))
    assert reply.status == wire.ERROR
    assert "99" in reply.failure.message


def test_an_unknown_registration_is_refused(raw):
    import wire

    client = raw().open()
    assert client.call(317, wire.u32(4711)).status == wire.ERROR
    assert client.serves()


def test_a_listener_that_vanished_is_forgotten(conn, running, raw):
    import wire

    client = raw().open()
    assert client.call(316, wire.u32(0) + wire.u32(0)).status == wire.OK
    client.socket.close()
    running.suspend()
    running.resume()
    assert raw().open().serves()


@pytest.mark.parametrize(
    ("register", "deregister", "arguments"),
    [
        pytest.param(105, 106, b"", id="one kind"),
        pytest.param(167, 168, bytes(4), id="any kind"),
    ],
)
def test_old_clients_hear_too(conn, running, raw, register, deregister, arguments):
    """Those that do not know of callback ids get the legacy lifecycle message, number 107."""
    import wire

    client = raw().open()
    assert client.call(register, arguments).status == wire.OK
    running.suspend()
    told = client.receive()
    assert (told.procedure, told.kind) == (107, wire.MESSAGE)
    assert told.payload.startswith(wire.string(running.name()))
    assert told.payload[-8:] == wire.u32(SUSPENDED[0]) + wire.u32(SUSPENDED[1])
    assert client.call(deregister, arguments).status == wire.OK
    running.resume()
    assert client.serves()


@pytest.mark.parametrize("kind", ["network", "storagePool", "secret"])
def test_other_kinds_of_objects_take_listeners(fresh, kind):
    connection = fresh()
    register = getattr(connection, f"{kind}EventRegisterAny")
    number = register(None, 0, lambda *_: None, None)
    getattr(connection, f"{kind}EventDeregisterAny")(number)


