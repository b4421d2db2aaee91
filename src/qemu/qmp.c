/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/qmp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

typedef struct QmpCommand {
        uint64_t id;
        QmpReplyFunc reply; /* NULL: nobody waits any more */
        void *userdata;
} QmpCommand;

struct Qmp {
        int fd;
        sd_event_source *io;
        const QmpHandlers *handlers;
        void *userdata;
        bool is_ready, is_closed;
        bool *freed; /* set by qmp_free while a callback of ours runs */

        uint64_t last_id;
        GQueue commands;   /* of QmpCommand, oldest first: QEMU answers in order */
        GString *outgoing; /* not yet written */
        GString *incoming; /* up to the end of the line that is not yet whole */
};

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata);

int qmp_new_consume_fd(sd_event *event, int fd, const QmpHandlers *handlers, void *userdata,
                       Qmp **ret, Err *err) {
        g_autoptr(Qmp) qmp = g_new0(Qmp, 1);
        int r;

        qmp->fd = fd;
        qmp->handlers = handlers;
        qmp->userdata = userdata;
        g_queue_init(&qmp->commands);
        qmp->outgoing = g_string_new(NULL);
        qmp->incoming = g_string_new(NULL);
        r = sd_event_add_io(event, &qmp->io, fd, EPOLLIN, on_io, qmp);
        if (r < 0)
                return fail_errno(err, r, "cannot watch a QEMU monitor");
        *ret = g_steal_pointer(&qmp);
        return 0;
}

void qmp_free(Qmp *qmp) {
        if (!qmp)
                return;
        if (qmp->freed)
                *qmp->freed = true;
        sd_event_source_disable_unref(qmp->io);
        closep(&qmp->fd);
        g_queue_clear_full(&qmp->commands, g_free);
        g_string_free(qmp->outgoing, TRUE);
        g_string_free(qmp->incoming, TRUE);
        g_free(qmp);
}

bool qmp_is_ready(const Qmp *qmp) {
        return qmp->is_ready;
}

static void flush_outgoing(Qmp *qmp) {
        while (qmp->outgoing->len > 0) {
                ssize_t n = send(qmp->fd, qmp->outgoing->str, qmp->outgoing->len,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0) /* not now, or never: then reading tells */
                        break;
                g_string_erase(qmp->outgoing, 0, n);
        }
        sd_event_source_set_io_events(qmp->io,
                                      qmp->outgoing->len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void queue_command(Qmp *qmp, const char *name, json_t *arguments, QmpCommand *command) {
        json_t *message = json_pack("{s:s, s:I, s:o*}", "execute", name, "id",
                                    (json_int_t)command->id, "arguments", arguments);
        char *text = json_dumps(message, JSON_COMPACT);

        g_string_append(qmp->outgoing, text);
        g_string_append_c(qmp->outgoing, '\n');
        free(text);
        json_decref(message);
        g_queue_push_tail(&qmp->commands, command);
        flush_outgoing(qmp);
}

void qmp_send(Qmp *qmp, const char *command, json_t *arguments, QmpReplyFunc reply,
              void *userdata) {
        QmpCommand *entry = g_new0(QmpCommand, 1);

        *entry = (QmpCommand){.id = ++qmp->last_id, .reply = reply, .userdata = userdata};
        queue_command(qmp, command, arguments, entry);
}

void qmp_forget(Qmp *qmp, const void *userdata) {
        for (GList *l = qmp->commands.head; l; l = l->next) {
                QmpCommand *command = l->data;

                if (command->userdata == userdata)
                        command->reply = NULL;
        }
}

static void on_capabilities(json_t *result, const Err *err, void *userdata) {
        Qmp *qmp = userdata;

        if (err)
                return;
        qmp->is_ready = true;
        qmp->handlers->ready(qmp->userdata);
}

static void take_reply(Qmp *qmp, json_t *message) {
        g_autofree QmpCommand *command = NULL;
        json_t *id = json_object_get(message, "id");
        json_t *error = json_object_get(message, "error");
        g_auto(Err) err = ERR_INIT;
        const char *text;

        command = g_queue_peek_head(&qmp->commands);
        if (!command || !json_is_number(id) || (uint64_t)json_number_value(id) != command->id) {
                g_steal_pointer(&command); /* an answer to nothing that we asked */
                return;
        }
        g_queue_pop_head(&qmp->commands);
        if (!command->reply)
                return;
        if (!error) {
                command->reply(json_object_get(message, "return"), NULL, command->userdata);
                return;
        }
        text = json_string_value(json_object_get(error, "desc"));
        fail(&err, VIR_ERR_OPERATION_FAILED, "QEMU says: %s", text ? text : "(no description)");
        command->reply(NULL, &err, command->userdata);
}

static void take_message(Qmp *qmp, json_t *message) {
        const char *event = json_string_value(json_object_get(message, "event"));

        if (event)
                qmp->handlers->event(event, json_object_get(message, "data"), qmp->userdata);
        else if (json_object_get(message, "QMP"))
                qmp_send(qmp, "qmp_capabilities", NULL, on_capabilities, qmp);
        else
                take_reply(qmp, message);
}

/* QEMU counts in 64 bits without a sign, and writes all ones for "not known"; an integer of jansson
 * has 63 bits. Then all numbers of that message become reals. */
static json_t *load_message(const char *text, size_t size) {
        json_t *message = json_loadb(text, size, 0, NULL);

        return message ? message : json_loadb(text, size, JSON_DECODE_INT_AS_REAL, NULL);
}

/* Takes whole lines out of incoming; false when the Qmp was freed by a callback. */
static bool take_lines(Qmp *qmp) {
        bool freed = false;
        char *end;

        qmp->freed = &freed;
        while ((end = memchr(qmp->incoming->str, '\n', qmp->incoming->len))) {
                size_t size = (size_t)(end - qmp->incoming->str);
                json_t *message = load_message(qmp->incoming->str, size);

                g_string_erase(qmp->incoming, 0, (gssize)size + 1);
                if (message)
                        take_message(qmp, message);
                json_decref(message);
                if (freed)
                        return false;
        }
        qmp->freed = NULL;
        return true;
}

void qmp_close(Qmp *qmp) {
        g_auto(Err) err = ERR_INIT;
        bool freed = false;
        QmpCommand *command;

        if (qmp->is_closed)
                return;
        qmp->is_closed = true;
        qmp->is_ready = false;
        sd_event_source_set_enabled(qmp->io, SD_EVENT_OFF);
        fail(&err, VIR_ERR_OPERATION_FAILED, "QEMU closed its monitor before it answered");
        qmp->freed = &freed;
        while (!freed && (command = g_queue_pop_head(&qmp->commands))) {
                if (command->reply)
                        command->reply(NULL, &err, command->userdata);
                g_free(command);
        }
        if (freed)
                return;
        qmp->freed = NULL;
        qmp->handlers->closed(qmp->userdata);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Qmp *qmp = userdata;
        char chunk[65536];
        ssize_t n;

        if (revents & EPOLLOUT)
                flush_outgoing(qmp);
        n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0)
                g_string_append_len(qmp->incoming, chunk, n);
        if (!take_lines(qmp))
                return 0;
        if (n <= 0 || qmp->incoming->len > QMP_MESSAGE_MAX)
                qmp_close(qmp);
        return 0;
}
