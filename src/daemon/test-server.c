/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/server.h"

#include "base/test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/event.h"
#include "daemon/manager.h"
#include "daemon/stream.h"
#include "daemon/transport.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_event.h"

/* A server on real sockets in a directory of its own, its loop, and procedures that are made for
 * the test; the peer's side is the same transport, driven by hand. */

#define WAIT_USEC UINT64_C(20000)
#define TRIES     250 /* 5 s: a machine may be busy */

typedef struct Fixture {
        char *dir;
        Manager manager;
        Server *server;
} Fixture;

/* ---- what the server serves here ---- */

static GPtrArray *later;   /* calls that wait, with a reference each */
static int stream_fd = -1; /* our end of what the next stream reads and writes */
static unsigned n_ended;   /* streams that ended */

static int open_connection(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_open_args *a = args;

        client_set_open(call_client(call), "test:///", a->flags & 1);
        return 0;
}

static int enable_keepalive(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        ((remote_connect_supports_feature_ret *)ret)->supported = 1;
        return 0;
}

static int get_hostname(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        ((remote_connect_get_hostname_ret *)ret)->hostname = g_strdup("here");
        return 0;
}

static int later_call(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        g_ptr_array_add(later, call_ref(call));
        return CALL_LATER;
}

static int forgotten(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return CALL_LATER; /* without a reference: a bug that the client must survive */
}

static int write_something(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return 0;
}

/* Gives back what came in: the same file, as another descriptor. */
static int echo_fd(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        _cleanup_(closep) int fd = client_take_fd(call_client(call));

        ((remote_domain_create_with_flags_ret *)ret)->dom.name = g_strdup("g");
        if (fd < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "no descriptor came");
        return call_add_reply_fd(call, fd, err);
}

static void on_ended(void *userdata) {
        n_ended++;
}

static int open_stream(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                         0);
        stream_fd = pair[1];
        return stream_open_consume(call, pair[0], on_ended, NULL, NULL, err);
}

static const Procedure test_procedures[] = {
        {.number = REMOTE_PROC_CONNECT_OPEN,
         .name = "virConnectOpen",
         PROC_ARGS(remote_connect_open_args),
         .before_open = true,
         .run = open_connection},
        {.number = REMOTE_PROC_CONNECT_SUPPORTS_FEATURE,
         .name = "virConnectSupportsFeature",
         PROC_ARGS(remote_connect_supports_feature_args),
         PROC_RET(remote_connect_supports_feature_ret),
         .before_open = true,
         .run = enable_keepalive},
        {.number = REMOTE_PROC_CONNECT_GET_HOSTNAME,
         .name = "virConnectGetHostname",
         PROC_RET(remote_connect_get_hostname_ret),
         .read_only = true,
         .run = get_hostname},
        {.number = REMOTE_PROC_DOMAIN_CREATE,
         .name = "virDomainCreate",
         PROC_ARGS(remote_domain_create_args),
         .run = later_call},
        {.number = REMOTE_PROC_DOMAIN_SUSPEND, .name = "virDomainSuspend", .run = forgotten},
        {.number = REMOTE_PROC_DOMAIN_DESTROY, .name = "virDomainDestroy", .run = write_something},
        {.number = REMOTE_PROC_DOMAIN_CREATE_WITH_FLAGS,
         .name = "virDomainCreateWithFlags",
         PROC_RET(remote_domain_create_with_flags_ret),
         .run = echo_fd},
        {.number = REMOTE_PROC_DOMAIN_OPEN_CONSOLE,
         .name = "virDomainOpenConsole",
         .run = open_stream},
};

static const ProcedureTable test_table = {REMOTE_PROGRAM, test_procedures,
                                          G_N_ELEMENTS(test_procedures)};
const ProcedureTable *const dispatch_tables[] = {&test_table, &rpc_event_table, NULL};

/* ---- both ends ---- */

static int start(void **state) {
        Fixture *f = g_new0(Fixture, 1);

        f->dir = g_dir_make_tmp("airlock-server-XXXXXX", NULL);
        assert_non_null(f->dir);
        assert_true(sd_event_new(&f->manager.event) >= 0);
        f->manager.events = events_new();
        later = g_ptr_array_new();
        n_ended = 0;
        *state = f;
        return 0;
}

static int serve(Fixture *f, const char *libvirt_dir, Err *err) {
        return server_new(&f->manager,
                          &(ServerOptions){.socket_dir = f->dir, .libvirt_dir = libvirt_dir},
                          &f->server, err);
}

static int start_serving(void **state) {
        start(state);
        assert_int_equal(serve(*state, NULL, NULL), 0);
        return 0;
}

static int end(void **state) {
        Fixture *f = *state;

        for (guint i = 0; i < later->len; i++)
                call_unref(later->pdata[i]);
        g_ptr_array_unref(later);
        server_free(f->server);
        events_free(f->manager.events);
        sd_event_unref(f->manager.event);
        closep(&stream_fd);
        stream_fd = -1;
        assert_int_equal(rmdir(f->dir), 0); /* nothing of ours was left in it */
        g_free(f->dir);
        g_free(f);
        return 0;
}

static int dial(Fixture *f, const char *name) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", f->dir, name);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        close(fd);
        return -1;
}

static Transport *connect_to(Fixture *f, const char *name) {
        int fd = dial(f, name);

        assert_true(fd >= 0);
        return transport_new_consume(fd, RPC_PACKET_MAX);
}

static void round_of_loop(Fixture *f) {
        assert_true(sd_event_run(f->manager.event, WAIT_USEC) >= 0);
}

static void send_bytes(Fixture *f, Transport *t, GByteArray *bytes) {
        assert_int_equal(transport_send_consume(t, bytes, NULL, 0), 0);
        while (transport_flush(t) > 0)
                round_of_loop(f);
}

static void send_call(Fixture *f, Transport *t, int procedure, uint32_t serial, xdrproc_t xdr,
                      const void *args) {
        RpcHeader header = {REMOTE_PROGRAM, 1, procedure, RPC_TYPE_CALL, serial, RPC_STATUS_OK};
        GByteArray *bytes = NULL;

        assert_int_equal(rpc_packet_encode(&header, 0, xdr, args, &bytes, NULL), 0);
        send_bytes(f, t, bytes);
}

/* What the server sends next; -ECONNRESET when it has closed. */
static int receive(Fixture *f, Transport *t, RpcPacket *ret) {
        for (unsigned i = 0; i < TRIES; i++) {
                int r = transport_receive(t, ret);

                if (r != 0)
                        return r < 0 ? r : 0;
                round_of_loop(f);
        }
        return -ETIMEDOUT;
}

static bool is_quiet(Fixture *f, Transport *t) {
        RpcPacket packet;

        for (unsigned i = 0; i < 5; i++) {
                round_of_loop(f);
                if (transport_receive(t, &packet) != 0)
                        return false;
        }
        return true;
}

static void assert_reply(Fixture *f, Transport *t, uint32_t serial) {
        RpcPacket packet;

        assert_int_equal(receive(f, t, &packet), 0);
        assert_int_equal(packet.header.type, RPC_TYPE_REPLY);
        assert_int_equal(packet.header.status, RPC_STATUS_OK);
        assert_int_equal(packet.header.serial, serial);
        transport_release(t);
}

static void assert_error(Fixture *f, Transport *t, uint32_t serial, ErrCode code,
                         const char *message) {
        g_auto(Err) err = ERR_INIT;
        RpcPacket packet;

        assert_int_equal(receive(f, t, &packet), 0);
        assert_int_equal(packet.header.status, RPC_STATUS_ERROR);
        assert_int_equal(packet.header.serial, serial);
        assert_int_equal(rpc_packet_decode_error(&packet, &err), 0);
        assert_int_equal(err.code, code);
        assert_string_equal(err.message, message);
        transport_release(t);
}

static Transport *open_at(Fixture *f, const char *name, uint32_t flags) {
        Transport *t = connect_to(f, name);
        remote_connect_open_args args = {.flags = flags};

        send_call(f, t, REMOTE_PROC_CONNECT_OPEN, 0, (xdrproc_t)xdr_remote_connect_open_args,
                  &args);
        assert_reply(f, t, 0);
        return t;
}

static Transport *open_client(Fixture *f) {
        return open_at(f, "airlock-sock", 0);
}

static void call_hostname(Fixture *f, Transport *t, uint32_t serial) {
        send_call(f, t, REMOTE_PROC_CONNECT_GET_HOSTNAME, serial, NULL, NULL);
}

static void call_later(Fixture *f, Transport *t, uint32_t serial) {
        remote_domain_create_args args = {.dom = {.name = (char *)(uintptr_t) "g"}};

        send_call(f, t, REMOTE_PROC_DOMAIN_CREATE, serial, (xdrproc_t)xdr_remote_domain_create_args,
                  &args);
}

static void wait_for_later(Fixture *f, guint n) {
        for (unsigned i = 0; i < TRIES && later->len < n; i++)
                round_of_loop(f);
        assert_int_equal(later->len, n);
}

/* ---- calls ---- */

static void a_call_is_answered_with_its_serial(void **state) {
        g_autoptr(Transport) t = open_client(*state);

        call_hostname(*state, t, 41);
        assert_reply(*state, t, 41);
}

static void a_call_before_open_is_refused_as_libvirtd_does(void **state) {
        g_autoptr(Transport) t = connect_to(*state, "airlock-sock");

        call_hostname(*state, t, 1);
        assert_error(*state, t, 1, VIR_ERR_INTERNAL_ERROR,
                     "internal error: hypervisor connection not open");
}

static void what_is_not_served_is_named_and_the_connection_lives(void **state) {
        g_autoptr(Transport) t = open_client(*state);
        RpcHeader other = {0x1234, 7, 1, RPC_TYPE_CALL, 4, 0};
        GByteArray *bytes = NULL;

        send_call(*state, t, REMOTE_PROC_DOMAIN_BACKUP_BEGIN, 2, NULL, NULL);
        assert_error(*state, t, 2, VIR_ERR_NO_SUPPORT,
                     "this function is not supported by the connection driver: "
                     "virDomainBackupBegin");
        send_call(*state, t, 4711, 3, NULL, NULL);
        assert_error(*state, t, 3, VIR_ERR_RPC, "unknown procedure: 4711");
        rpc_packet_encode(&other, 0, NULL, NULL, &bytes, NULL);
        send_bytes(*state, t, bytes);
        assert_error(*state, t, 4, VIR_ERR_RPC, "Cannot find program 4660 version 7");
        call_hostname(*state, t, 5);
        assert_reply(*state, t, 5);
}

static void a_read_only_connection_reads_only(void **state) {
        g_autoptr(Transport) by_socket = open_at(*state, "airlock-sock-ro", 0);
        g_autoptr(Transport) by_flag = open_at(*state, "airlock-sock", 1);
        Transport *both[] = {by_socket, by_flag};

        for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
                call_hostname(*state, both[i], 1);
                assert_reply(*state, both[i], 1);
                send_call(*state, both[i], REMOTE_PROC_DOMAIN_DESTROY, 2, NULL, NULL);
                assert_error(*state, both[i], 2, VIR_ERR_OPERATION_DENIED,
                             "operation forbidden: read only access prevents virDomainDestroy");
        }
}

static void replies_come_when_they_are_ready(void **state) {
        g_autoptr(Transport) t = open_client(*state);
        g_auto(Err) err = ERR_INIT;

        call_later(*state, t, 1);
        call_later(*state, t, 2);
        call_hostname(*state, t, 3);
        assert_reply(*state, t, 3);
        wait_for_later(*state, 2);
        fail(&err, VIR_ERR_OPERATION_INVALID, "no");
        call_fail(g_ptr_array_steal_index(later, 1), &err);
        assert_error(*state, t, 2, VIR_ERR_OPERATION_INVALID,
                     "Requested operation is not valid: no");
        call_reply(g_ptr_array_steal_index(later, 0));
        assert_reply(*state, t, 1);
}

static void a_ping_is_answered_while_calls_run(void **state) {
        RpcHeader ping = {KEEPALIVE_PROGRAM, 1, KEEPALIVE_PROC_PING, RPC_TYPE_MESSAGE, 0, 0};
        g_autoptr(Transport) t = open_client(*state);
        RpcPacket packet;

        call_later(*state, t, 1);
        send_bytes(*state, t, rpc_packet_encode_raw(&ping, NULL, 0));
        assert_int_equal(receive(*state, t, &packet), 0);
        assert_int_equal(packet.header.program, KEEPALIVE_PROGRAM);
        assert_int_equal(packet.header.procedure, KEEPALIVE_PROC_PONG);
        transport_release(t);
}

static void calls_over_the_limit_wait(void **state) {
        g_autoptr(Transport) t = open_client(*state);

        for (uint32_t i = 0; i <= CLIENT_CALLS_MAX; i++)
                call_later(*state, t, i);
        wait_for_later(*state, CLIENT_CALLS_MAX);
        assert_true(is_quiet(*state, t));
        assert_int_equal(later->len, CLIENT_CALLS_MAX);
        call_reply(g_ptr_array_steal_index(later, 0));
        assert_reply(*state, t, 0);
        wait_for_later(*state, CLIENT_CALLS_MAX);
}

static void an_answer_for_a_client_that_has_gone_is_dropped(void **state) {
        Fixture *f = *state;
        Transport *t = open_client(f);

        call_later(f, t, 1);
        wait_for_later(f, 1);
        transport_free(t);
        for (unsigned i = 0; i < TRIES && server_n_clients(f->server) > 0; i++)
                round_of_loop(f);
        assert_int_equal(server_n_clients(f->server), 0);
        assert_null(call_client(later->pdata[0]));
        call_reply(g_ptr_array_steal_index(later, 0));
}

static void a_handler_that_forgets_its_call_does_not_hang_the_client(void **state) {
        g_autoptr(Transport) t = open_client(*state);

        send_call(*state, t, REMOTE_PROC_DOMAIN_SUSPEND, 6, NULL, NULL);
        assert_error(*state, t, 6, VIR_ERR_OPERATION_ABORTED,
                     "operation aborted: virDomainSuspend was not finished");
}

static void descriptors_travel_both_ways(void **state) {
        RpcHeader header = {REMOTE_PROGRAM,         1, REMOTE_PROC_DOMAIN_CREATE_WITH_FLAGS,
                            RPC_TYPE_CALL_WITH_FDS, 1, 0};
        g_autoptr(Transport) t = open_client(*state);
        _cleanup_(closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        _cleanup_(closep) int back = -1;
        GByteArray *bytes = NULL;
        struct stat sent, got;
        RpcPacket packet;

        rpc_packet_encode(&header, 1, NULL, NULL, &bytes, NULL);
        assert_int_equal(transport_send_consume(t, bytes, &null, 1), 0);
        assert_int_equal(transport_flush(t), 0);
        assert_int_equal(receive(*state, t, &packet), 0);
        assert_int_equal(packet.header.type, RPC_TYPE_REPLY_WITH_FDS);
        assert_int_equal(packet.n_fds, 1);
        back = transport_take_fd(t);
        assert_int_equal(transport_take_fd(t), -1);
        transport_release(t);
        assert_int_equal(fstat(null, &sent), 0);
        assert_int_equal(fstat(back, &got), 0);
        assert_int_equal(sent.st_rdev, got.st_rdev);
        call_hostname(*state, t, 2);
        assert_reply(*state, t, 2);
}

/* ---- bad input ---- */

static void bad_input_closes_that_client_only(void **state) {
        static const struct {
                const char *what;
                uint32_t words[8];
        } bad[] = {
                {"length of 0", {0, 0, 0, 0, 0, 0, 0}},
                {"length over the limit", {RPC_PACKET_MAX + 1, REMOTE_PROGRAM, 1, 1, 0, 0, 0}},
                {"unknown type", {28, REMOTE_PROGRAM, 1, 1, 7, 0, 0}},
                {"a reply", {28, REMOTE_PROGRAM, 1, 1, RPC_TYPE_REPLY, 0, 0}},
                {"too many descriptors", {32, REMOTE_PROGRAM, 1, 1, 4, 0, 0, 33}},
        };
        g_autoptr(Transport) good = open_client(*state);

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(Transport) t = open_client(*state);
                GByteArray *bytes = g_byte_array_new();
                RpcPacket packet;

                for (size_t w = 0; w < G_N_ELEMENTS(bad[i].words); w++) {
                        uint32_t word = GUINT32_TO_BE(bad[i].words[w]);

                        g_byte_array_append(bytes, (const uint8_t *)&word, sizeof(word));
                }
                send_bytes(*state, t, bytes);
                assert_int_equal(receive(*state, t, &packet), -ECONNRESET);
        }
        call_hostname(*state, good, 1);
        assert_reply(*state, good, 1);
}

static void the_socket_for_everyone_takes_no_long_messages(void **state) {
        static uint8_t block[RPC_STREAM_CHUNK];
        RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_CONNECT_GET_HOSTNAME,
                            RPC_TYPE_CALL,  1, 0};
        g_autoptr(Transport) t = open_at(*state, "airlock-sock-ro", 0);
        g_autoptr(Transport) rw = open_client(*state);
        uint32_t length = GUINT32_TO_BE(CLIENT_READ_ONLY_MESSAGE_MAX + 4);
        GByteArray *bytes = rpc_packet_encode_raw(&header, block, sizeof(block));
        RpcPacket packet;

        memcpy(bytes->data, &length, sizeof(length));
        send_bytes(*state, t, bytes);
        assert_int_equal(receive(*state, t, &packet), -ECONNRESET);
        send_bytes(*state, rw, rpc_packet_encode_raw(&header, block, sizeof(block)));
        assert_reply(*state, rw, 1);
}

static void a_payload_that_does_not_decode_is_an_error_reply(void **state) {
        g_autoptr(Transport) t = open_client(*state);

        send_call(*state, t, REMOTE_PROC_DOMAIN_CREATE, 3, NULL, NULL);
        assert_error(*state, t, 3, VIR_ERR_RPC, "Unable to decode the payload of procedure 9");
}

static void a_client_that_reads_no_answers_is_not_read_either(void **state) {
        Fixture *f = *state;
        g_autoptr(Transport) t = open_client(f);
        size_t sent = 0;

        /* Each call of 28 bytes is answered with 40: were they all read, the answers would pile up.
         */
        for (unsigned i = 0; i < 2000000 && transport_backlog(t) < (1u << 20); i++) {
                RpcHeader header = {REMOTE_PROGRAM, 1, REMOTE_PROC_CONNECT_GET_HOSTNAME, 0, i, 0};

                transport_send_consume(t, rpc_packet_encode_raw(&header, NULL, 0), NULL, 0);
                transport_flush(t);
                sent += RPC_PACKET_MIN;
                if (i % 1000 == 0)
                        assert_true(sd_event_run(f->manager.event, 0) >= 0);
        }
        assert_true(transport_backlog(t) >= (1u << 20));
        assert_true(sent < (64u << 20));
        assert_int_equal(server_n_clients(f->server), 1);
}

/* ---- events ---- */

static int register_domain(Fixture *f, Transport *t, int event, remote_domain *only) {
        remote_connect_domain_event_callback_register_any_args args = {event, only};
        remote_connect_domain_event_callback_register_any_ret ret;
        RpcPacket packet;

        send_call(f, t, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, 1,
                  (xdrproc_t)xdr_remote_connect_domain_event_callback_register_any_args, &args);
        assert_int_equal(receive(f, t, &packet), 0);
        assert_int_equal(packet.header.status, RPC_STATUS_OK);
        assert_int_equal(
                rpc_packet_decode(
                        &packet,
                        (xdrproc_t)xdr_remote_connect_domain_event_callback_register_any_ret, &ret,
                        sizeof(ret), NULL),
                0);
        transport_release(t);
        return ret.callbackID;
}

static const uint8_t uuid_a[16] = {1};
static const uint8_t uuid_b[16] = {2};
static const DomainRef guest_a = {"a", uuid_a, 5};
static const DomainRef guest_b = {"b", uuid_b, -1};

static void assert_started(Fixture *f, Transport *t, int id, const char *name) {
        remote_domain_event_callback_lifecycle_msg message;
        xdrproc_t xdr = (xdrproc_t)xdr_remote_domain_event_callback_lifecycle_msg;
        RpcPacket packet;

        assert_int_equal(receive(f, t, &packet), 0);
        assert_int_equal(packet.header.type, RPC_TYPE_MESSAGE);
        assert_int_equal(packet.header.procedure, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE);
        assert_int_equal(packet.header.serial, 0);
        assert_int_equal(rpc_packet_decode(&packet, xdr, &message, sizeof(message), NULL), 0);
        assert_int_equal(message.callbackID, id);
        assert_string_equal(message.msg.dom.name, name);
        assert_int_equal(message.msg.event, EVENT_STARTED);
        xdr_free(xdr, &message);
        transport_release(t);
}

static void events_reach_who_asked_for_that_guest(void **state) {
        Fixture *f = *state;
        g_autoptr(Transport) all = open_client(f);
        g_autoptr(Transport) one = open_client(f);
        remote_domain only = {.name = (char *)(uintptr_t) "a", .uuid = {1}};
        int all_id = register_domain(f, all, 0, NULL);
        int one_id = register_domain(f, one, 0, &only);

        event_domain_lifecycle(&f->manager, &guest_b, EVENT_STARTED, EVENT_STARTED_BOOTED);
        event_domain_lifecycle(&f->manager, &guest_a, EVENT_STARTED, EVENT_STARTED_BOOTED);
        assert_started(f, all, all_id, "b");
        assert_started(f, all, all_id, "a");
        assert_started(f, one, one_id, "a");
        assert_true(is_quiet(f, one));
        event_domain_reboot(&f->manager, &guest_a);
        assert_true(is_quiet(f, all));
}

static void old_registrations_get_old_messages(void **state) {
        Fixture *f = *state;
        g_autoptr(Transport) t = open_client(f);
        remote_connect_domain_event_register_any_args args = {15};
        remote_domain_event_device_removed_msg message;
        xdrproc_t xdr = (xdrproc_t)xdr_remote_domain_event_device_removed_msg;
        RpcPacket packet;

        send_call(f, t, REMOTE_PROC_CONNECT_DOMAIN_EVENT_REGISTER_ANY, 1,
                  (xdrproc_t)xdr_remote_connect_domain_event_register_any_args, &args);
        assert_reply(f, t, 1);
        event_domain_device_added(&f->manager, &guest_a, "hostdev0");
        event_domain_device_removed(&f->manager, &guest_a, "hostdev0");
        assert_int_equal(receive(f, t, &packet), 0);
        assert_int_equal(packet.header.procedure, REMOTE_PROC_DOMAIN_EVENT_DEVICE_REMOVED);
        assert_int_equal(rpc_packet_decode(&packet, xdr, &message, sizeof(message), NULL), 0);
        assert_string_equal(message.devAlias, "hostdev0");
        xdr_free(xdr, &message);
        transport_release(t);
        assert_true(is_quiet(f, t));
}

static void unknown_events_are_refused_as_libvirtd_does(void **state) {
        g_autoptr(Transport) t = open_client(*state);
        remote_connect_domain_event_callback_register_any_args args = {4711, NULL};

        send_call(*state, t, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, 1,
                  (xdrproc_t)xdr_remote_connect_domain_event_callback_register_any_args, &args);
        assert_error(*state, t, 1, VIR_ERR_INTERNAL_ERROR,
                     "internal error: unsupported event ID 4711");
}

static void a_client_that_reads_no_events_is_closed(void **state) {
        Fixture *f = *state;
        g_autoptr(Transport) t = open_client(f);
        g_autoptr(Transport) good = open_client(f);

        register_domain(f, t, 0, NULL);
        assert_int_equal(server_n_clients(f->server), 2);
        for (unsigned i = 0; i < 10000000 && server_n_clients(f->server) == 2; i++)
                event_domain_lifecycle(&f->manager, &guest_a, EVENT_STARTED, 0);
        assert_int_equal(server_n_clients(f->server), 1);
        call_hostname(f, good, 1);
        assert_reply(f, good, 1);
}

/* ---- streams ---- */

static RpcHeader stream_packet(RpcStatus status) {
        return (RpcHeader){REMOTE_PROGRAM,  1, REMOTE_PROC_DOMAIN_OPEN_CONSOLE,
                           RPC_TYPE_STREAM, 9, status};
}

static void send_stream(Fixture *f, Transport *t, RpcStatus status, const char *text) {
        RpcHeader header = stream_packet(status);

        send_bytes(f, t, rpc_packet_encode_raw(&header, text, strlen(text)));
}

static Transport *open_console(Fixture *f) {
        Transport *t = open_client(f);

        send_call(f, t, REMOTE_PROC_DOMAIN_OPEN_CONSOLE, 9, NULL, NULL);
        assert_reply(f, t, 9);
        return t;
}

static void assert_stream(Fixture *f, Transport *t, RpcStatus status, const char *text) {
        RpcPacket packet;

        assert_int_equal(receive(f, t, &packet), 0);
        assert_int_equal(packet.header.type, RPC_TYPE_STREAM);
        assert_int_equal(packet.header.status, status);
        assert_int_equal(packet.header.serial, 9);
        assert_int_equal(packet.payload_size, strlen(text));
        assert_memory_equal(packet.payload, text, strlen(text));
        transport_release(t);
}

static void assert_arrives(Fixture *f, const char *text) {
        char got[64] = "";
        ssize_t n = -1;

        for (unsigned i = 0; i < TRIES && n < 0; i++) {
                round_of_loop(f);
                n = read(stream_fd, got, sizeof(got));
        }
        assert_int_equal(n, strlen(text));
        assert_memory_equal(got, text, strlen(text));
}

static void a_stream_carries_bytes_both_ways_and_is_finished(void **state) {
        g_autoptr(Transport) t = open_console(*state);

        send_stream(*state, t, RPC_STATUS_CONTINUE, "typed");
        assert_arrives(*state, "typed");
        assert_int_equal(write(stream_fd, "shown", 5), 5);
        assert_stream(*state, t, RPC_STATUS_CONTINUE, "shown");
        send_stream(*state, t, RPC_STATUS_OK, "");
        assert_stream(*state, t, RPC_STATUS_OK, "");
        assert_int_equal(n_ended, 1);
        send_stream(*state, t, RPC_STATUS_CONTINUE, "late");
        call_hostname(*state, t, 10);
        assert_reply(*state, t, 10);
}

static void the_end_of_the_other_side_is_an_empty_packet(void **state) {
        g_autoptr(Transport) t = open_console(*state);

        close(steal_fd(&stream_fd));
        assert_stream(*state, t, RPC_STATUS_CONTINUE, "");
        assert_true(is_quiet(*state, t));
        assert_int_equal(n_ended, 0);
        send_stream(*state, t, RPC_STATUS_OK, "");
        assert_stream(*state, t, RPC_STATUS_OK, "");
        assert_int_equal(n_ended, 1);
}

static void an_aborted_stream_ends_at_once(void **state) {
        g_autoptr(Transport) t = open_console(*state);

        send_stream(*state, t, RPC_STATUS_ERROR, "");
        assert_stream(*state, t, RPC_STATUS_OK, "");
        assert_int_equal(n_ended, 1);
}

static void a_stream_dies_with_its_client(void **state) {
        transport_free(open_console(*state));
        for (unsigned i = 0; i < TRIES && n_ended == 0; i++)
                round_of_loop(*state);
        assert_int_equal(n_ended, 1);
}

/* The descriptor takes nothing: the client's socket must fill up, not the daemon. */
static void a_stream_that_is_stuck_holds_its_client_back(void **state) {
        static char block[65536];
        Fixture *f = *state;
        RpcHeader header = stream_packet(RPC_STATUS_CONTINUE);
        g_autoptr(Transport) t = open_console(f);
        size_t sent = 0;

        while (sent < (16u << 20) && transport_backlog(t) == 0) {
                transport_send_consume(t, rpc_packet_encode_raw(&header, block, sizeof(block)),
                                       NULL, 0);
                sent += sizeof(block);
                for (unsigned i = 0; i < 3 && transport_flush(t) > 0; i++)
                        round_of_loop(f);
        }
        assert_true(sent < (4u << 20));
}

/* ---- sockets ---- */

static bool exists(Fixture *f, const char *name) {
        g_autofree char *path = g_build_filename(f->dir, name, NULL);

        return g_file_test(path, G_FILE_TEST_EXISTS);
}

static int listen_as_another(Fixture *f, const char *name) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", f->dir, name);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static void remove_at(Fixture *f, const char *name) {
        g_autofree char *path = g_build_filename(f->dir, name, NULL);

        assert_int_equal(unlink(path), 0);
}

static void sockets_have_the_modes_of_their_kind(void **state) {
        Fixture *f = *state;
        g_autofree char *rw = g_build_filename(f->dir, "airlock-sock", NULL);
        g_autofree char *ro = g_build_filename(f->dir, "airlock-sock-ro", NULL);
        struct stat st;

        assert_int_equal(serve(f, f->dir, NULL), 0);
        assert_int_equal(stat(rw, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(stat(ro, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666);
        assert_true(exists(f, "libvirt-sock") && exists(f, "libvirt-sock-ro"));
        assert_true(exists(f, "virtqemud-sock") && exists(f, "virtqemud-sock-ro"));
        assert_false(exists(f, "airlock-sock.new"));
}

static void stale_files_are_replaced(void **state) {
        Fixture *f = *state;

        close(listen_as_another(f, "airlock-sock"));
        close(listen_as_another(f, "virtqemud-sock"));
        assert_int_equal(dial(f, "virtqemud-sock"), -1);
        assert_int_equal(serve(f, f->dir, NULL), 0);
        transport_free(open_client(f));
        transport_free(open_at(f, "virtqemud-sock", 0));
}

static void a_live_daemon_of_libvirt_keeps_all_of_its_names(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int other = listen_as_another(f, "libvirt-sock");

        assert_int_equal(serve(f, f->dir, NULL), 0);
        transport_free(open_client(f));
        assert_false(exists(f, "virtqemud-sock"));
        assert_false(exists(f, "virtqemud-sock-ro"));
        assert_int_equal(accept4(other, NULL, NULL, SOCK_NONBLOCK), -1); /* not even woken */
        remove_at(f, "libvirt-sock");
}

static void a_live_daemon_on_our_own_socket_is_an_error(void **state) {
        Fixture *f = *state;
        G_GNUC_UNUSED _cleanup_(closep) int other = listen_as_another(f, "airlock-sock");
        g_auto(Err) err = ERR_INIT;

        assert_true(serve(f, NULL, &err) < 0);
        assert_non_null(strstr(err.message, "another daemon listens on"));
        remove_at(f, "airlock-sock");
}

static void a_file_that_another_put_in_our_place_stays(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int other = -1;

        assert_int_equal(serve(f, f->dir, NULL), 0);
        remove_at(f, "libvirt-sock");
        other = listen_as_another(f, "libvirt-sock");
        assert_true(other >= 0);
        g_clear_pointer(&f->server, server_free);
        assert_true(exists(f, "libvirt-sock"));
        assert_false(exists(f, "virtqemud-sock"));
        remove_at(f, "libvirt-sock");
}

/* As libvirtd does it: remove what is there, bind, listen. */
static void a_libvirt_daemon_that_starts_later_gets_all_names(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int other = -1;

        assert_int_equal(serve(f, f->dir, NULL), 0);
        remove_at(f, "libvirt-sock");
        other = listen_as_another(f, "libvirt-sock");
        assert_true(other >= 0);
        for (unsigned i = 0; i < TRIES && exists(f, "virtqemud-sock"); i++)
                round_of_loop(f);
        assert_false(exists(f, "virtqemud-sock") || exists(f, "virtqemud-sock-ro"));
        assert_false(exists(f, "libvirt-sock-ro"));
        assert_true(exists(f, "libvirt-sock"));
        transport_free(open_client(f));
        remove_at(f, "libvirt-sock");
        for (unsigned i = 0; i < TRIES && !exists(f, "virtqemud-sock"); i++)
                round_of_loop(f);
        transport_free(open_at(f, "libvirt-sock", 0));
}

#define TEST(name)         cmocka_unit_test_setup_teardown(name, start_serving, end)
#define TEST_SOCKETS(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_call_is_answered_with_its_serial),
                TEST(a_call_before_open_is_refused_as_libvirtd_does),
                TEST(what_is_not_served_is_named_and_the_connection_lives),
                TEST(a_read_only_connection_reads_only),
                TEST(replies_come_when_they_are_ready),
                TEST(a_ping_is_answered_while_calls_run),
                TEST(calls_over_the_limit_wait),
                TEST(an_answer_for_a_client_that_has_gone_is_dropped),
                TEST(a_handler_that_forgets_its_call_does_not_hang_the_client),
                TEST(descriptors_travel_both_ways),
                TEST(bad_input_closes_that_client_only),
                TEST(the_socket_for_everyone_takes_no_long_messages),
                TEST(a_payload_that_does_not_decode_is_an_error_reply),
                TEST(a_client_that_reads_no_answers_is_not_read_either),
                TEST(events_reach_who_asked_for_that_guest),
                TEST(old_registrations_get_old_messages),
                TEST(unknown_events_are_refused_as_libvirtd_does),
                TEST(a_client_that_reads_no_events_is_closed),
                TEST(a_stream_carries_bytes_both_ways_and_is_finished),
                TEST(the_end_of_the_other_side_is_an_empty_packet),
                TEST(an_aborted_stream_ends_at_once),
                TEST(a_stream_dies_with_its_client),
                TEST(a_stream_that_is_stuck_holds_its_client_back),
                TEST_SOCKETS(sockets_have_the_modes_of_their_kind),
                TEST_SOCKETS(stale_files_are_replaced),
                TEST_SOCKETS(a_live_daemon_of_libvirt_keeps_all_of_its_names),
                TEST_SOCKETS(a_live_daemon_on_our_own_socket_is_an_error),
                TEST_SOCKETS(a_libvirt_daemon_that_starts_later_gets_all_names),
                TEST_SOCKETS(a_file_that_another_put_in_our_place_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
