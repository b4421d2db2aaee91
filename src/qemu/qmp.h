/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A conversation with one QEMU over its monitor socket (QEMU's docs/interop/qmp-spec.rst and
 * the qapi schemas): commands go out as they are sent, each gets its answer in a callback, in
 * order; events come in between. The greeting and qmp_capabilities are done here.
 *
 * The socket may be connected before QEMU serves it (we made the listening socket and passed it
 * on), so nothing is polled: the greeting arrives when QEMU is able. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include <glib.h>

#include "base/err.h"

/* One message of QEMU; its longest answers (query-cpu-definitions) are a few hundred KiB. */
#define QMP_MESSAGE_MAX (16u << 20)

typedef struct Qmp Qmp;

/* Exactly one of result (borrowed) and err is set. Every command is answered: with
 * VIR_ERR_OPERATION_FAILED when QEMU goes away first. */
typedef void (*QmpReplyFunc)(json_t *result, const Err *err, void *userdata);

typedef struct QmpHandlers {
        void (*ready)(void *userdata); /* the greeting is done, commands are taken */
        void (*event)(const char *name, json_t *data, void *userdata);
        void (*closed)(void *userdata); /* once; the Qmp may be freed in it */
} QmpHandlers;

/* Takes over fd (a connected, non-blocking socket); handlers is borrowed for its life. */
int qmp_new_consume_fd(sd_event *event, int fd, const QmpHandlers *handlers, void *userdata,
                       Qmp **ret, Err *err);

/* Pending commands are dropped without an answer. */
void qmp_free(Qmp *qmp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Qmp, qmp_free)

/* Sends a command; arguments (NULL: none) is taken over; reply NULL: its answer is of no interest.
 */
void qmp_send(Qmp *qmp, const char *command, json_t *arguments, QmpReplyFunc reply, void *userdata);

/* The same with a descriptor that goes along (getfd, add-fd); it is duplicated. */
void qmp_send_fd(Qmp *qmp, const char *command, json_t *arguments, int fd, QmpReplyFunc reply,
                 void *userdata);

/* Sends a whole command object as a client wrote it (borrowed; its "id" is ours on the wire).
 * result is the whole answer, {"return": …} or {"error": …}, with the client's own id or none; err
 * is set only when QEMU went away. */
void qmp_send_raw(Qmp *qmp, const json_t *message, QmpReplyFunc reply, void *userdata);

/* Answers everything that is open with an error and calls closed, as when QEMU had closed it. */
void qmp_close(Qmp *qmp);

/* Drops the answers of all commands sent with this userdata. */
void qmp_forget(Qmp *qmp, const void *userdata);

bool qmp_is_ready(const Qmp *qmp);
