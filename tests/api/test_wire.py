# SPDX-License-Identifier: LGPL-2.1-or-later
"""Framing, order and bad input: what no well-behaved client library sends."""

import contextlib
import struct
import time

import pytest
import wire
from wire import (
    AUTH_LIST,
    CALL_WITH_FDS,
    ERROR,
    FEATURE_KEEPALIVE,
    GET_TYPE,
    KEEPALIVE,
    MESSAGE,
    OK,
    OPEN,
    PING,
    PONG,
    REPLY,
    STREAM,
    SUPPORTS_FEATURE,
    optional,
    pack,
    string,
    u32,
)

VIR_ERR_INTERNAL_ERROR, VIR_ERR_RPC = 1, 39


def test_no_authentication_is_asked_for(raw):
    assert raw().call(AUTH_LIST).payload in (u32(0), u32(1) + u32(0))


def test_a_reply_carries_the_header_of_its_call(raw):
    client = raw()
    client.send(pack(AUTH_LIST, serial=4711))
    reply = client.receive()
    assert (reply.program, reply.version) == (wire.REMOTE, 1)
    assert (reply.procedure, reply.kind, reply.serial) == (AUTH_LIST, REPLY, 4711)


def test_a_call_before_open_is_refused_and_the_connection_lives(raw):
    client = raw()
    assert client.call(AUTH_LIST).status == OK
    failure = client.call(GET_TYPE).failure
    assert failure.code == VIR_ERR_INTERNAL_ERROR
    assert "connection not open" in failure.message
    assert client.open().serves()


def test_a_second_open_is_refused(raw):
    client = raw().open()
    reply = client.call(OPEN, optional(string("qemu:///system")) + u32(0))
    assert "already open" in reply.failure.message


def test_an_unknown_procedure_is_named_and_the_connection_lives(raw):
    client = raw().open()
    for number in (0, 454, 99999, -1):
        failure = client.call(number).failure
        assert failure.code == VIR_ERR_RPC
        assert failure.message.startswith("unknown procedure")
    assert client.serves()


def test_an_unknown_program_is_refused_and_the_connection_lives(raw):
    client = raw().open()
    failure = client.call(1, program=0x12345678).failure
    assert failure.code == VIR_ERR_RPC
    assert "Cannot find program 305419896 version 1" in failure.message
    assert client.serves()


def test_an_unknown_version_is_refused_and_the_connection_lives(raw):
    client = raw().open()
    failure = client.call(GET_TYPE, version=2).failure
    assert failure.code == VIR_ERR_RPC
    assert client.serves()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(u32(1), id="text missing"),
        pytest.param(u32(1) + u32(4194305), id="text too long"),
        pytest.param(u32(1) + u32(0xFFFFFFFF), id="text of four gigabytes"),
    ],
)
def test_arguments_that_do_not_decode_are_refused_and_the_connection_lives(raw, payload):
    client = raw()
    reply = client.call(OPEN, payload)
    assert reply.status == ERROR
    assert reply.failure.code == VIR_ERR_RPC
    assert client.open().serves()


@pytest.mark.parametrize("length", [0, 1, 4, 27, wire.LENGTH_MAX + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_impossible_length_closes_only_that_client(raw, length):
    bystander, client = raw().open(), raw().open()
    client.send(u32(length) + bytes(64))
    assert client.closed()
    assert bystander.serves()


def test_a_large_message_is_taken(raw):
    client = raw().open()
    text = "x" * 1048576
    reply = client.call(wire.LOOKUP_BY_NAME, string(text))
    assert reply.status == ERROR
    assert client.serves()


@pytest.mark.parametrize("kind", [REPLY, MESSAGE, STREAM, 7, -1])
def test_a_message_that_is_no_call_does_no_harm(raw, kind):
    """libvirtd ignores it; a daemon may as well be done with such a client."""
    bystander, client = raw().open(), raw().open()
    client.send(pack(GET_TYPE, kind=kind, serial=99))
    assert bystander.serves()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        assert client.serves()
    assert raw().open().serves()


def test_descriptors_beyond_the_limit_close_only_that_client(raw):
    bystander, client = raw().open(), raw().open()
    client.send(pack(GET_TYPE, u32(33), kind=CALL_WITH_FDS))
    assert client.closed()
    assert bystander.serves()


def test_a_truncated_message_holds_nobody_up(raw):
    stuck, bystander = raw().open(), raw().open()
    stuck.send(pack(GET_TYPE)[:13])
    assert bystander.serves()
    stuck.socket.close()
    assert bystander.serves()


def test_a_slow_client_is_served(raw):
    client = raw().open()
    for byte in pack(GET_TYPE, serial=7):
        client.send(bytes([byte]))
        time.sleep(0.002)
    reply = client.receive()
    assert (reply.serial, reply.payload) == (7, string("QEMU"))


def test_calls_in_flight_are_all_answered(raw):
    client = raw().open()
    client.send(b"".join(pack(GET_TYPE, serial=1000 + n) for n in range(50)))
    replies = [client.receive() for _ in range(50)]
    assert sorted(reply.serial for reply in replies) == [1000 + n for n in range(50)]
    assert {reply.payload for reply in replies} == {string("QEMU")}


def test_a_client_that_does_not_read_holds_nobody_up(raw):
    deaf, bystander = raw().open(), raw().open()
    deaf.socket.settimeout(0.5)
    calls = pack(wire.GET_HOSTNAME) * 1000
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            deaf.send(calls)
    assert bystander.serves()


def test_a_ping_is_answered(raw):
    client = raw().open()
    supported = client.call(SUPPORTS_FEATURE, struct.pack(">i", FEATURE_KEEPALIVE))
    assert supported.payload == u32(1)
    client.send(pack(PING, program=KEEPALIVE, kind=MESSAGE))
    pong = client.receive()
    assert (pong.program, pong.procedure, pong.kind, pong.serial) == (KEEPALIVE, PONG, MESSAGE, 0)
    assert pong.payload == b""


def test_features_that_clients_ask_for(raw):
    client = raw().open()
    answers = {n: client.call(SUPPORTS_FEATURE, u32(n)).payload for n in (8, 9, 10, 14, 15, 16)}
    assert set(answers.values()) == {u32(1)}


def test_close_is_answered_first(raw):
    client = raw().open()
    assert client.call(wire.CLOSE).status == OK
    assert client.closed()


def test_many_clients_come_and_go(raw):
    bystander = raw().open()
    for _ in range(100):
        raw().socket.close()
    clients = [raw() for _ in range(15)]
    for client in clients:
        assert client.open().serves()
    assert bystander.serves()
