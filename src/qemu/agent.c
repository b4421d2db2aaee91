/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/util.h"

#define USEC            UINT64_C(1000000)
#define ONE_WAY_SECONDS 60

typedef struct Request {
        json_t *message;
        char *name;
        bool is_whole, is_one_way;
        int timeout;
        AgentReplyFunc reply;
        void *userdata;
} Request;

struct Agent {
        int fd;
        sd_event *event;
        sd_event_source *io, *timer;
        GQueue requests; /* of Request; the head is under way */
        enum { AGENT_IDLE, AGENT_SYNCING, AGENT_ASKING, AGENT_CLOSED } state;
        json_int_t sync_id;
        GString *outgoing, *incoming;
        bool *freed; /* set by agent_free while a callback of ours runs */
};

static void begin_next(Agent *agent);

static void request_free(Request *request) {
        json_decref(request->message);
        g_free(request->name);
        g_free(request);
}

static void finish(Agent *agent, json_t *result, const Err *err) {
        Request *request = g_queue_pop_head(&agent->requests);
        bool freed = false, *outer = agent->freed;

        sd_event_source_set_enabled(agent->timer, SD_EVENT_OFF);
        if (agent->state != AGENT_CLOSED)
                agent->state = AGENT_IDLE;
        agent->freed = &freed;
        request->reply(result, err, request->userdata);
        request_free(request);
        if (freed) {
                if (outer)
                        *outer = true;
                return;
        }
        agent->freed = outer;
        begin_next(agent);
}

static int unresponsive(Err *err) {
        return fail(err, VIR_ERR_AGENT_UNRESPONSIVE, "QEMU guest agent is not connected");
}

/* Nobody answers any more. */
static void close_channel(Agent *agent) {
        bool freed = false, *outer = agent->freed;

        agent->state = AGENT_CLOSED;
        sd_event_source_set_enabled(agent->io, SD_EVENT_OFF);
        agent->freed = &freed;
        while (!freed && !g_queue_is_empty(&agent->requests)) {
                const Request *request = g_queue_peek_head(&agent->requests);
                g_auto(Err) err = ERR_INIT;

                unresponsive(&err);
                finish(agent, NULL, request->is_one_way ? NULL : &err);
        }
        if (!freed)
                agent->freed = outer;
        else if (outer)
                *outer = true;
}

/* ---- writing ---- */

static void flush_outgoing(Agent *agent) {
        while (agent->outgoing->len > 0) {
                ssize_t n = send(agent->fd, agent->outgoing->str, agent->outgoing->len,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0) /* not now, or never: then reading tells */
                        break;
                g_string_erase(agent->outgoing, 0, n);
        }
        sd_event_source_set_io_events(agent->io,
                                      agent->outgoing->len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void write_message(Agent *agent, const json_t *message) {
        char *text = json_dumps(message, JSON_COMPACT);

        g_string_append(agent->outgoing, text);
        g_string_append_c(agent->outgoing, '\n');
        free(text);
        flush_outgoing(agent);
}

static void set_deadline(Agent *agent, int seconds) {
        if (seconds < 0) {
                sd_event_source_set_enabled(agent->timer, SD_EVENT_OFF);
                return;
        }
        sd_event_source_set_time_relative(agent->timer, (uint64_t)seconds * USEC);
        sd_event_source_set_enabled(agent->timer, SD_EVENT_ONESHOT);
}

/* AGENT_NO_WAIT does not wait for an agent that has something else to do. */
static int sync_seconds(const Request *request) {
        return request->timeout >= 0 && request->timeout < AGENT_SYNC_SECONDS ? request->timeout
                                                                              : AGENT_SYNC_SECONDS;
}

static int command_seconds(const Request *request) {
        if (request->is_one_way)
                return ONE_WAY_SECONDS;
        return request->timeout == AGENT_WAIT_DEFAULT ? AGENT_SYNC_SECONDS : request->timeout;
}

static void begin_next(Agent *agent) {
        const Request *request = g_queue_peek_head(&agent->requests);
        json_t *sync;

        if (!request || agent->state != AGENT_IDLE)
                return;
        agent->state = AGENT_SYNCING;
        agent->sync_id = (json_int_t)g_random_int();
        sync = json_pack("{s:s, s:{s:I}}", "execute", "guest-sync", "arguments", "id",
                         agent->sync_id);
        write_message(agent, sync);
        json_decref(sync);
        set_deadline(agent, sync_seconds(request));
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Agent *agent = userdata;
        const Request *request = g_queue_peek_head(&agent->requests);
        g_auto(Err) err = ERR_INIT;

        if (!request)
                return 0;
        if (agent->state == AGENT_SYNCING)
                fail(&err, VIR_ERR_AGENT_UNRESPONSIVE,
                     "guest agent didn't respond to synchronization within '%d' seconds",
                     sync_seconds(request));
        else
                fail(&err, VIR_ERR_AGENT_COMMAND_TIMEOUT,
                     "guest agent didn't respond to command '%s' within '%d' seconds",
                     request->name, command_seconds(request));
        finish(agent, NULL, &err);
        return 0;
}

/* ---- reading ---- */

static void take_sync(Agent *agent, json_t *message) {
        json_t *id = json_object_get(message, "return");
        const Request *request = g_queue_peek_head(&agent->requests);

        if (!json_is_integer(id) || json_integer_value(id) != agent->sync_id)
                return; /* of an earlier time */
        agent->state = AGENT_ASKING;
        set_deadline(agent, command_seconds(request));
        write_message(agent, request->message);
}

static void take_answer(Agent *agent, json_t *message) {
        const Request *request = g_queue_peek_head(&agent->requests);
        json_t *error = json_object_get(message, "error");
        const char *why = json_string_value(json_object_get(error, "desc"));
        g_auto(Err) err = ERR_INIT;

        if (!error && !json_object_get(message, "return"))
                return;
        if (request->is_whole || !error) {
                finish(agent, request->is_whole ? message : json_object_get(message, "return"),
                       NULL);
                return;
        }
        fail(&err, VIR_ERR_AGENT_COMMAND_FAILED, "unable to execute QEMU agent command '%s': %s",
             request->name, why ? why : "(no description)");
        finish(agent, NULL, &err);
}

/* The agent marks the start of an answer to guest-sync-delimited with a byte that is no JSON. */
static json_t *parse_line(const char *line, size_t size) {
        while (size > 0 && (uint8_t)*line == 0xff) {
                line++;
                size--;
        }
        return json_loadb(line, size, 0, NULL);
}

/* False when the agent was freed by a callback. */
static bool take_lines(Agent *agent) {
        bool freed = false;
        char *end;

        agent->freed = &freed;
        while ((end = memchr(agent->incoming->str, '\n', agent->incoming->len))) {
                size_t size = (size_t)(end - agent->incoming->str);
                json_t *message = parse_line(agent->incoming->str, size);

                g_string_erase(agent->incoming, 0, (gssize)size + 1);
                if (json_is_object(message) && agent->state == AGENT_SYNCING)
                        take_sync(agent, message);
                else if (json_is_object(message) && agent->state == AGENT_ASKING)
                        take_answer(agent, message);
                json_decref(message);
                if (freed)
                        return false;
        }
        agent->freed = NULL;
        return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Agent *agent = userdata;
        char chunk[65536];
        ssize_t n;

        if (revents & EPOLLOUT)
                flush_outgoing(agent);
        n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0)
                g_string_append_len(agent->incoming, chunk, n);
        if (!take_lines(agent))
                return 0;
        if (n <= 0 || agent->incoming->len > AGENT_MESSAGE_MAX)
                close_channel(agent);
        return 0;
}

/* ---- life ---- */

int agent_new_consume_fd(sd_event *event, int fd, Agent **ret, Err *err) {
        g_autoptr(Agent) agent = g_new0(Agent, 1);
        int r;

        agent->fd = fd;
        agent->event = sd_event_ref(event);
        g_queue_init(&agent->requests);
        agent->outgoing = g_string_new(NULL);
        agent->incoming = g_string_new(NULL);
        r = sd_event_add_io(event, &agent->io, fd, EPOLLIN, on_io, agent);
        if (r >= 0)
                r = sd_event_add_time(event, &agent->timer, CLOCK_MONOTONIC, UINT64_MAX, 0,
                                      on_deadline, agent);
        if (r < 0)
                return fail_errno(err, r, "cannot watch the channel of a guest agent");
        *ret = g_steal_pointer(&agent);
        return 0;
}

void agent_free(Agent *agent) {
        if (!agent)
                return;
        if (agent->io && agent->state != AGENT_CLOSED)
                close_channel(agent);
        if (agent->freed)
                *agent->freed = true;
        sd_event_source_disable_unref(agent->io);
        sd_event_source_disable_unref(agent->timer);
        sd_event_unref(agent->event);
        closep(&agent->fd);
        g_queue_clear_full(&agent->requests, (GDestroyNotify)request_free);
        g_string_free(agent->outgoing, TRUE);
        g_string_free(agent->incoming, TRUE);
        g_free(agent);
}

bool agent_is_closed(const Agent *agent) {
        return agent->state == AGENT_CLOSED;
}

void agent_settle(Agent *agent) {
        const Request *request = g_queue_peek_head(&agent->requests);

        if (request && request->is_one_way && agent->state == AGENT_ASKING)
                finish(agent, NULL, NULL);
}

int agent_send(Agent *agent, const AgentCommand *command, AgentReplyFunc reply, void *userdata,
               Err *err) {
        json_t *message = command->message;
        Request *request;

        if (!message)
                message = json_pack("{s:s, s:o*}", "execute", command->name, "arguments",
                                    command->arguments);
        if (agent->state == AGENT_CLOSED || agent->requests.length >= AGENT_QUEUE_MAX) {
                json_decref(message);
                return agent->state == AGENT_CLOSED
                               ? unresponsive(err)
                               : fail(err, VIR_ERR_RESOURCE_BUSY,
                                      "%u commands wait for the guest agent already",
                                      AGENT_QUEUE_MAX);
        }
        request = g_new0(Request, 1);
        *request = (Request){
                .message = message,
                .name = g_strdup(command->name),
                .is_whole = command->message,
                .is_one_way = command->is_one_way,
                .timeout = command->timeout,
                .reply = reply,
                .userdata = userdata,
        };
        g_queue_push_tail(&agent->requests, request);
        begin_next(agent);
        return 0;
}
