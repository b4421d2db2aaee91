/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/qmp.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"

typedef struct Peer {
        sd_event *event;
        Qmp *qmp;
        int fd; /* QEMU's end */
        unsigned ready, closed;
        GString *events, *answers;
} Peer;

static void on_ready(void *userdata) {
        ((Peer *)userdata)->ready++;
}

static void on_event(const char *name, json_t *data, void *userdata) {
        Peer *peer = userdata;

        g_string_append_printf(peer->events, "%s %s;", name,
                               json_string_value(json_object_get(data, "device")));
}

static void on_closed(void *userdata) {
        ((Peer *)userdata)->closed++;
}

static const QmpHandlers handlers = {on_ready, on_event, on_closed};

static void on_answer(json_t *result, const Err *err, void *userdata) {
        Peer *peer = userdata;

        if (err)
                g_string_append_printf(peer->answers, "error: %s;", err->message);
        else
                g_string_append_printf(peer->answers, "%s;",
                                       json_string_value(json_object_get(result, "x")));
}

static int setup(void **state) {
        Peer *peer = g_new0(Peer, 1);
        int fds[2];

        assert_int_equal(sd_event_new(&peer->event), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer->fd = fds[1];
        peer->events = g_string_new(NULL);
        peer->answers = g_string_new(NULL);
        assert_int_equal(qmp_new_consume_fd(peer->event, fds[0], &handlers, peer, &peer->qmp, NULL),
                         0);
        *state = peer;
        return 0;
}

static int teardown(void **state) {
        Peer *peer = *state;

        qmp_free(peer->qmp);
        closep(&peer->fd);
        sd_event_unref(peer->event);
        g_string_free(peer->events, TRUE);
        g_string_free(peer->answers, TRUE);
        g_free(peer);
        return 0;
}

static void say(Peer *peer, const char *text) {
        assert_int_equal(write(peer->fd, text, strlen(text)), (ssize_t)strlen(text));
        while (sd_event_run(peer->event, 0) > 0)
                ;
}

static void hear(Peer *peer, const char *expected) {
        char text[4096] = {0};

        assert_true(read(peer->fd, text, sizeof(text) - 1) > 0);
        assert_string_equal(text, expected);
}

static void greet(Peer *peer) {
        say(peer, GREETING);
        hear(peer, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
        say(peer, "{\"return\": {}, \"id\": 1}\r\n");
        assert_int_equal(peer->ready, 1);
}

static void commands_are_answered_in_order(void **state) {
        Peer *peer = *state;

        greet(peer);
        qmp_send(peer->qmp, "a", json_pack("{s:i}", "n", 1), on_answer, peer);
        hear(peer, "{\"execute\":\"a\",\"arguments\":{\"n\":1},\"id\":2}\n");
        qmp_send(peer->qmp, "b", NULL, on_answer, peer);
        hear(peer, "{\"execute\":\"b\",\"id\":3}\n");
        say(peer,
            "{\"return\": {\"x\": \"1\"}, \"id\": 2}\r\n{\"error\": {\"class\": \"GenericError\", "
            "\"desc\": \"no\"}, ");
        assert_string_equal(peer->answers->str, "1;");
        say(peer, "\"id\": 3}\r\n");
        assert_string_equal(peer->answers->str, "1;error: QEMU says: no;");
}

static void events_come_in_between(void **state) {
        Peer *peer = *state;

        greet(peer);
        say(peer, "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"hostdev0\"}}\r\n");
        assert_string_equal(peer->events->str, "DEVICE_DELETED hostdev0;");
}

static void a_closed_monitor_answers_what_is_open(void **state) {
        Peer *peer = *state;

        greet(peer);
        qmp_send(peer->qmp, "a", NULL, on_answer, peer);
        qmp_send(peer->qmp, "b", NULL, on_answer, &peer->ready);
        qmp_forget(peer->qmp, &peer->ready);
        closep(&peer->fd);
        peer->fd = -1;
        while (sd_event_run(peer->event, 0) > 0)
                ;
        assert_int_equal(peer->closed, 1);
        assert_string_equal(peer->answers->str,
                            "error: QEMU closed its monitor before it answered;");
}

static void numbers_over_63_bits_are_taken(void **state) {
        Peer *peer = *state;

        greet(peer);
        qmp_send(peer->qmp, "a", NULL, on_answer, peer);
        say(peer, "{\"return\": {\"n\": 18446744073709551615, \"x\": \"1\"}, \"id\": 2}\r\n");
        assert_string_equal(peer->answers->str, "1;");
}

static void garbage_is_passed_over(void **state) {
        Peer *peer = *state;

        say(peer, "not json\n[1,2]\n{\"return\": {}, \"id\": 99}\n");
        greet(peer);
        assert_int_equal(peer->closed, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(commands_are_answered_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(events_come_in_between, setup, teardown),
                cmocka_unit_test_setup_teardown(a_closed_monitor_answers_what_is_open, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(numbers_over_63_bits_are_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(garbage_is_passed_over, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
