/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

typedef struct QmpCommand {
        uint64_t id;
        QmpReplyFunc reply; /* NULL: nobody waits any more */
        void *userdata;
        bool is_raw;       /* reply takes the whole answer */
        json_t *client_id; /* of a raw command; NULL: it had none */
} QmpCommand;

/* A descriptor that goes out with the byte at offset in outgoing. */
typedef struct QmpFd {
        size_t offset;
        int fd;
} QmpFd;

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
        GQueue fds;        /* of QmpFd, by offset */
        GString *incoming; /* up to the end of the line that is not yet whole */
};

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static void command_free(QmpCommand *command) {
        json_decref(command->client_id);
        g_free(command);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpCommand, command_free)

static void fd_free(QmpFd *entry) {
        closep(&entry->fd);
        g_free(entry);
}

int qmp_new_consume_fd(sd_event *event, int fd, const QmpHandlers *handlers, void *userdata,
                       Qmp **ret, Err *err) {
        g_autoptr(Qmp) qmp = g_new0(Qmp, 1);
        int r;

        qmp->fd = fd;
        qmp->handlers = handlers;
        qmp->userdata = userdata;
        g_queue_init(&qmp->commands);
        g_queue_init(&qmp->fds);
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
        g_queue_clear_full(&qmp->commands, (GDestroyNotify)command_free);
        g_queue_clear_full(&qmp->fds, (GDestroyNotify)fd_free);
        g_string_free(qmp->outgoing, TRUE);
        g_string_free(qmp->incoming, TRUE);
        g_free(qmp);
}

bool qmp_is_ready(const Qmp *qmp) {
        return qmp->is_ready;
}

/* Sends what may go in one piece: up to the next descriptor, or from it on with it. */
static ssize_t send_piece(Qmp *qmp) {
        QmpFd *entry = g_queue_peek_head(&qmp->fds);
        const QmpFd *later = g_queue_peek_nth(&qmp->fds, 1);
        bool is_due = entry && entry->offset == 0;
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = {};
        struct iovec part = {qmp->outgoing->str, qmp->outgoing->len};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

        if (entry && !is_due)
                part.iov_len = entry->offset;
        if (is_due) {
                if (later)
                        part.iov_len = later->offset;
                message.msg_control = control.bytes;
                message.msg_controllen = sizeof(control.bytes);
                control.align = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
                memcpy(CMSG_DATA(&control.align), &entry->fd, sizeof(int));
        }
        return sendmsg(qmp->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void note_sent(Qmp *qmp, size_t n) {
        QmpFd *entry = g_queue_peek_head(&qmp->fds);

        if (entry && entry->offset == 0)
                fd_free(g_queue_pop_head(&qmp->fds));
        for (GList *l = qmp->fds.head; l; l = l->next) {
                entry = l->data;
                entry->offset -= n;
        }
        g_string_erase(qmp->outgoing, 0, (gssize)n);
}

static void flush_outgoing(Qmp *qmp) {
        while (qmp->outgoing->len > 0) {
                ssize_t n = send_piece(qmp);

                if (n < 0) /* not now, or never: then reading tells */
                        break;
                note_sent(qmp, (size_t)n);
        }
        sd_event_source_set_io_events(qmp->io,
                                      qmp->outgoing->len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Takes over message and gives it its id. */
static void queue_message(Qmp *qmp, json_t *message, QmpCommand *command) {
        char *text;

        command->id = ++qmp->last_id;
        json_object_set_new(message, "id", json_integer((json_int_t)command->id));
        text = json_dumps(message, JSON_COMPACT);

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

        *entry = (QmpCommand){.reply = reply, .userdata = userdata};
        queue_message(qmp, json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments),
                      entry);
}

void qmp_send_fd(Qmp *qmp, const char *command, json_t *arguments, int fd, QmpReplyFunc reply,
                 void *userdata) {
        QmpFd *entry = g_new0(QmpFd, 1);

        *entry = (QmpFd){qmp->outgoing->len, fcntl(fd, F_DUPFD_CLOEXEC, 3)};
        g_queue_push_tail(&qmp->fds, entry);
        qmp_send(qmp, command, arguments, reply, userdata);
}

void qmp_send_raw(Qmp *qmp, const json_t *message, QmpReplyFunc reply, void *userdata) {
        QmpCommand *entry = g_new0(QmpCommand, 1);
        json_t *copy = json_copy((json_t *)(uintptr_t)message);

        *entry = (QmpCommand){.reply = reply,
                              .userdata = userdata,
                              .is_raw = true,
                              .client_id = json_incref(json_object_get(message, "id"))};
        queue_message(qmp, copy, entry);
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

static void answer_raw(const QmpCommand *command, json_t *message) {
        if (command->client_id)
                json_object_set(message, "id", command->client_id);
        else
                json_object_del(message, "id");
        command->reply(message, NULL, command->userdata);
}

static void take_reply(Qmp *qmp, json_t *message) {
        g_autoptr(QmpCommand) command = NULL;
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
        if (command->is_raw) {
                answer_raw(command, message);
                return;
        }
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
                command_free(command);
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
