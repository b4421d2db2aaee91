/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/agent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"

/* The guest's end of the channel. */
typedef struct Peer {
        sd_event *event;
        Agent *agent;
        int fd;
        GString *answers;
} Peer;

static int setup(void **state) {
        Peer *peer = g_new0(Peer, 1);
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                         0);
        peer->fd = fds[1];
        peer->answers = g_string_new(NULL);
        assert_true(sd_event_new(&peer->event) >= 0);
        assert_int_equal(agent_new_consume_fd(peer->event, fds[0], &peer->agent, NULL), 0);
        *state = peer;
        return 0;
}

static int teardown(void **state) {
        Peer *peer = *state;

        agent_free(peer->agent);
        sd_event_unref(peer->event);
        if (peer->fd >= 0)
                close(peer->fd);
        g_string_free(peer->answers, TRUE);
        g_free(peer);
        return 0;
}

static void on_answer(json_t *result, const Err *err, void *userdata) {
        Peer *peer = userdata;
        char *text = result ? json_dumps(result, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

        g_string_append_printf(peer->answers, "%s;", err ? err->message : text ? text : "done");
        free(text);
}

static void ask(Peer *peer, const char *name, int timeout, bool is_one_way) {
        AgentCommand command = {.name = name, .timeout = timeout, .is_one_way = is_one_way};

        assert_int_equal(agent_send(peer->agent, &command, on_answer, peer, NULL), 0);
}

static void turn(Peer *peer) {
        while (sd_event_run(peer->event, 0) > 0)
                ;
}

/* What the guest has been sent; the id of the sync where it is one. */
static json_int_t heard(Peer *peer, const char *command) {
        char text[4096] = "";
        json_t *message;
        json_int_t id = 0;

        turn(peer);
        assert_true(read(peer->fd, text, sizeof(text) - 1) > 0);
        message = json_loads(text, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(message, "execute")), command);
        id = json_integer_value(json_object_get(json_object_get(message, "arguments"), "id"));
        json_decref(message);
        return id;
}

static void say(Peer *peer, const char *text) {
        assert_int_equal(write(peer->fd, text, strlen(text)), (ssize_t)strlen(text));
        turn(peer);
}

static void say_synced(Peer *peer) {
        g_autofree char *text =
                g_strdup_printf("{\"return\": %lld}\n", (long long)heard(peer, "guest-sync"));

        say(peer, text);
}

static void a_command_goes_after_a_sync(void **state) {
        Peer *peer = *state;

        ask(peer, "guest-a", AGENT_WAIT_FOREVER, false);
        ask(peer, "guest-b", AGENT_WAIT_FOREVER, false);
        say_synced(peer);
        heard(peer, "guest-a");
        say(peer, "{\"return\": 1}\n");
        say_synced(peer);
        heard(peer, "guest-b");
        say(peer, "{\"error\": {\"class\": \"X\", \"desc\": \"why\"}}\n");
        assert_string_equal(peer->answers->str,
                            "1;unable to execute QEMU agent command 'guest-b': why;");
}

static void what_an_earlier_daemon_asked_is_passed_over(void **state) {
        Peer *peer = *state;
        json_int_t id;
        g_autofree char *synced = NULL;

        ask(peer, "guest-a", AGENT_WAIT_FOREVER, false);
        id = heard(peer, "guest-sync");
        synced = g_strdup_printf("{\"return\": %lld}\n", (long long)id);
        say(peer, "half an answer\n{\"return\": \"old\"}\n{\"return\": 7}\n[1]\n\xff");
        say(peer, synced);
        heard(peer, "guest-a");
        say(peer, "{\"return\": {}}\n");
        assert_string_equal(peer->answers->str, "{};");
}

static void a_silent_agent_is_given_up(void **state) {
        Peer *peer = *state;

        ask(peer, "guest-a", AGENT_NO_WAIT, false);
        while (peer->answers->len == 0)
                sd_event_run(peer->event, UINT64_MAX);
        assert_string_equal(peer->answers->str,
                            "guest agent didn't respond to synchronization within '0' seconds;");
}

static void a_one_way_command_is_done_when_the_guest_has_obeyed(void **state) {
        Peer *peer = *state;

        ask(peer, "guest-shutdown", AGENT_WAIT_FOREVER, true);
        agent_settle(peer->agent); /* nobody has obeyed a command that was not sent */
        assert_string_equal(peer->answers->str, "");
        say_synced(peer);
        heard(peer, "guest-shutdown");
        agent_settle(peer->agent);
        assert_string_equal(peer->answers->str, "done;");
}

static void a_closed_channel_answers_what_waits(void **state) {
        AgentCommand command = {.name = "guest-c"};
        Peer *peer = *state;

        ask(peer, "guest-a", AGENT_WAIT_FOREVER, false);
        ask(peer, "guest-b", AGENT_WAIT_FOREVER, true);
        turn(peer);
        close(peer->fd);
        peer->fd = -1;
        turn(peer);
        assert_true(agent_is_closed(peer->agent));
        assert_string_equal(peer->answers->str, "QEMU guest agent is not connected;done;");
        assert_true(agent_send(peer->agent, &command, on_answer, peer, NULL) < 0);
}

static void the_queue_has_a_limit(void **state) {
        AgentCommand command = {.name = "guest-a", .timeout = AGENT_WAIT_FOREVER};
        Peer *peer = *state;

        for (unsigned i = 0; i < AGENT_QUEUE_MAX; i++)
                ask(peer, "guest-a", AGENT_WAIT_FOREVER, false);
        assert_true(agent_send(peer->agent, &command, on_answer, peer, NULL) < 0);
}

#define TEST(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_command_goes_after_a_sync),
                TEST(what_an_earlier_daemon_asked_is_passed_over),
                TEST(a_silent_agent_is_given_up),
                TEST(a_one_way_command_is_done_when_the_guest_has_obeyed),
                TEST(a_closed_channel_answers_what_waits),
                TEST(the_queue_has_a_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
