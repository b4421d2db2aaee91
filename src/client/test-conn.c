/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "client/conn.h"
#include "client/event.h"
#include "client/guest.h"
#include "client/host.h"
#include "rpc/error.h"
#include "rpc/packet.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_event.h"

/* The other end of the socket: a child process that answers as the test wants it. It exits with 0
 * when the client did what it should. */
typedef struct Peer {
        char *dir;
        char *path;
        pid_t pid;
} Peer;

static void read_exactly(int fd, uint8_t *data, size_t size) {
        while (size > 0) {
                ssize_t n = read(fd, data, size);

                if (n <= 0)
                        _exit(2);
                data += n;
                size -= (size_t)n;
        }
}

/* The header of the next message; its payload is thrown away. */
static RpcHeader receive(int fd) {
        uint8_t data[4096];
        RpcPacket packet;
        size_t size;

        read_exactly(fd, data, RPC_PACKET_LENGTH_SIZE);
        if (rpc_packet_size(data, &size) < 0 || size > sizeof(data))
                _exit(3);
        read_exactly(fd, data + RPC_PACKET_LENGTH_SIZE, size - RPC_PACKET_LENGTH_SIZE);
        if (rpc_packet_parse(data, size, &packet) < 0)
                _exit(4);
        return packet.header;
}

static void send_message(int fd, RpcHeader header, xdrproc_t xdr, const void *value) {
        g_autoptr(GByteArray) bytes = NULL;

        if (rpc_packet_encode(&header, 0, xdr, value, &bytes, NULL) < 0 ||
            write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len)
                _exit(5);
}

static void reply(int fd, RpcHeader call, xdrproc_t xdr, const void *value) {
        call.type = RPC_TYPE_REPLY;
        send_message(fd, call, xdr, value);
}

/* AUTH_LIST, CONNECT_OPEN and GET_URI, as every connection begins. */
static void greet(int fd) {
        remote_auth_list_ret none = {};
        remote_connect_get_uri_ret uri = {.uri = (char *)(uintptr_t) "qemu:///system"};

        reply(fd, receive(fd), (xdrproc_t)xdr_remote_auth_list_ret, &none);
        reply(fd, receive(fd), NULL, NULL);
        reply(fd, receive(fd), (xdrproc_t)xdr_remote_connect_get_uri_ret, &uri);
}

static void peer_start(Peer *peer, void (*serve)(int fd)) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(closep) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        peer->dir = g_dir_make_tmp("airlock-conn-XXXXXX", NULL);
        peer->path = g_build_filename(peer->dir, "sock", NULL);
        memcpy(address.sun_path, peer->path, strlen(peer->path));
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        peer->pid = fork();
        assert_true(peer->pid >= 0);
        if (peer->pid == 0) {
                int fd = accept(listener, NULL, NULL);

                alarm(30);
                greet(fd);
                serve(fd);
                _exit(0);
        }
}

static void peer_end(Peer *peer) {
        int status;

        assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
        assert_int_equal(status, 0);
        unlink(peer->path);
        rmdir(peer->dir);
        g_free(peer->path);
        g_free(peer->dir);
}

static void answer_hostname(int fd, RpcHeader call) {
        remote_connect_get_hostname_ret name = {.hostname = (char *)(uintptr_t) "vm"};

        reply(fd, call, (xdrproc_t)xdr_remote_connect_get_hostname_ret, &name);
}

/* A ping and an event arrive before the answer. */
static void serve_busy(int fd) {
        RpcHeader call = receive(fd);
        remote_node_device_event_update_msg event = {
                .dev = {.name = (char *)(uintptr_t) "pci_0000_01_00_0"},
        };
        RpcHeader ping = {
                .program = KEEPALIVE_PROGRAM,
                .version = 1,
                .procedure = KEEPALIVE_PROC_PING,
                .type = RPC_TYPE_MESSAGE,
        };
        RpcHeader message = {
                .program = REMOTE_PROGRAM,
                .version = 1,
                .procedure = REMOTE_PROC_NODE_DEVICE_EVENT_UPDATE,
                .type = RPC_TYPE_MESSAGE,
        };

        send_message(fd, ping, NULL, NULL);
        if (receive(fd).procedure != KEEPALIVE_PROC_PONG)
                _exit(6);
        send_message(fd, message, (xdrproc_t)xdr_remote_node_device_event_update_msg, &event);
        answer_hostname(fd, call);
        if (receive(fd).procedure != REMOTE_PROC_CONNECT_CLOSE)
                _exit(7);
}

static void a_call_answers_pings_and_keeps_events(void **state) {
        g_autoptr(Conn) conn = NULL;
        g_autofree char *name = NULL;
        g_auto(Event) event = {};
        g_auto(Err) err = ERR_INIT;
        Peer peer;

        peer_start(&peer, serve_busy);
        assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
        assert_string_equal(conn_uri(conn), "qemu:///system");
        assert_int_equal(host_name(conn, &name, &err), 0);
        assert_string_equal(name, "vm");
        assert_true(event_take(conn, &event));
        assert_string_equal(event_kind_name(event.kind), "update");
        assert_string_equal(event.object, "pci_0000_01_00_0");
        g_clear_pointer(&conn, conn_free);
        peer_end(&peer);
}

static void serve_refusal(int fd) {
        RpcHeader call = receive(fd);
        g_auto(Err) err = ERR_INIT;
        g_autoptr(GByteArray) bytes = NULL;

        fail_hint(&err, fail(&err, VIR_ERR_OPERATION_INVALID, "it is held"), "let it go");
        bytes = rpc_packet_encode_error(&call, &err);
        if (write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len)
                _exit(5);
}

static void a_refusal_comes_back_complete(void **state) {
        g_autoptr(Conn) conn = NULL;
        g_autofree char *name = NULL;
        g_auto(Err) err = ERR_INIT;
        Peer peer;

        peer_start(&peer, serve_refusal);
        assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
        assert_true(host_name(conn, &name, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_OPERATION_INVALID);
        assert_string_equal(err.message, "Requested operation is not valid: it is held");
        assert_string_equal(err.hint, "let it go");
        peer_end(&peer);
}

static void serve_last_answer(int fd) {
        answer_hostname(fd, receive(fd));
}

static void an_answer_counts_though_the_daemon_left(void **state) {
        for (unsigned i = 0; i < 20; i++) {
                g_autoptr(Conn) conn = NULL;
                g_autofree char *name = NULL;
                g_auto(Err) err = ERR_INIT;
                Peer peer;

                peer_start(&peer, serve_last_answer);
                assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
                assert_int_equal(host_name(conn, &name, &err), 0);
                assert_string_equal(name, "vm");
                assert_false(err_is_set(&err));
                peer_end(&peer);
        }
}

static void serve_end(int fd) {
        receive(fd);
}

static void a_closed_socket_loses_the_connection(void **state) {
        g_autoptr(Conn) conn = NULL;
        g_autofree char *name = NULL;
        g_auto(Err) err = ERR_INIT;
        Peer peer;

        peer_start(&peer, serve_end);
        assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
        assert_int_equal(host_name(conn, &name, &err), -EPIPE);
        assert_true(conn_is_lost(conn));
        err_clear(&err);
        assert_true(host_name(conn, &name, &err) < 0);
        assert_null(name);
        peer_end(&peer);
}

static void serve_garbage(int fd) {
        static const uint8_t garbage[28] = {0xff, 0xff, 0xff, 0xff};

        receive(fd);
        if (write(fd, garbage, sizeof(garbage)) != sizeof(garbage))
                _exit(5);
}

static void garbage_loses_the_connection(void **state) {
        g_autoptr(Conn) conn = NULL;
        g_autofree char *name = NULL;
        g_auto(Err) err = ERR_INIT;
        Peer peer;

        peer_start(&peer, serve_garbage);
        assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
        assert_true(host_name(conn, &name, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_RPC);
        assert_true(conn_is_lost(conn));
        peer_end(&peer);
}

static void serve_wrong_serial(int fd) {
        RpcHeader call = receive(fd);

        call.serial++;
        answer_hostname(fd, call);
}

static void a_reply_to_no_call_loses_the_connection(void **state) {
        g_autoptr(Conn) conn = NULL;
        g_autofree char *name = NULL;
        g_auto(Err) err = ERR_INIT;
        Peer peer;

        peer_start(&peer, serve_wrong_serial);
        assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
        assert_true(host_name(conn, &name, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_RPC);
        peer_end(&peer);
}

static void send_stream(int fd, RpcHeader call, RpcStatus status, const char *data) {
        g_autoptr(GByteArray) bytes = NULL;

        call.type = RPC_TYPE_STREAM;
        call.status = status;
        bytes = rpc_packet_encode_raw(&call, data, strlen(data));
        if (write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len)
                _exit(5);
}

static void serve_stream(int fd) {
        RpcHeader call = receive(fd);
        RpcHeader got;

        reply(fd, call, NULL, NULL);
        send_stream(fd, call, RPC_STATUS_CONTINUE, "hello");
        got = receive(fd);
        if (got.type != RPC_TYPE_STREAM || got.status != RPC_STATUS_CONTINUE ||
            got.serial != call.serial || got.procedure != call.procedure)
                _exit(6);
        send_stream(fd, call, RPC_STATUS_CONTINUE, "");
        got = receive(fd);
        if (got.type != RPC_TYPE_STREAM || got.status != RPC_STATUS_OK)
                _exit(7);
        send_stream(fd, call, RPC_STATUS_OK, "");
        if (receive(fd).procedure != REMOTE_PROC_CONNECT_CLOSE)
                _exit(8);
}

static void a_stream_carries_bytes_to_its_end(void **state) {
        Guest guest = {.name = (char *)(uintptr_t) "g1", .id = 1};
        g_autoptr(GByteArray) data = NULL;
        g_autoptr(Conn) conn = NULL;
        g_auto(Err) err = ERR_INIT;
        Peer peer;

        peer_start(&peer, serve_stream);
        assert_int_equal(conn_open(peer.path, false, &conn, &err), 0);
        assert_int_equal(guest_open_console(conn, &guest, NULL, 0, &err), 0);
        data = g_byte_array_new();
        while (data->len < strlen("hello")) {
                g_autoptr(GByteArray) part = NULL;

                assert_int_equal(conn_process(conn, &err), 0);
                part = conn_stream_take(conn);
                g_byte_array_append(data, part->data, part->len);
        }
        assert_memory_equal(data->data, "hello", strlen("hello"));
        assert_false(conn_stream_is_ended(conn));
        assert_int_equal(conn_stream_send(conn, "hi", 2, &err), 0);
        while (!conn_stream_is_ended(conn))
                assert_int_equal(conn_process(conn, &err), 0);
        assert_int_equal(conn_stream_close(conn, &err), 0);
        g_clear_pointer(&conn, conn_free);
        peer_end(&peer);
}

static void an_absent_socket_is_named(void **state) {
        g_autoptr(Conn) conn = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(conn_open("/nonexistent/sock", false, &conn, &err), -ENOENT);
        assert_string_equal(err.message, "Failed to connect socket to '/nonexistent/sock': "
                                         "No such file or directory");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_call_answers_pings_and_keeps_events),
                cmocka_unit_test(a_refusal_comes_back_complete),
                cmocka_unit_test(an_answer_counts_though_the_daemon_left),
                cmocka_unit_test(a_closed_socket_loses_the_connection),
                cmocka_unit_test(garbage_loses_the_connection),
                cmocka_unit_test(a_reply_to_no_call_loses_the_connection),
                cmocka_unit_test(a_stream_carries_bytes_to_its_end),
                cmocka_unit_test(an_absent_socket_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
