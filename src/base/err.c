/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>

#include "base/util.h"

/* One line a code: the words that clients see first, where the error usually comes from, and what
 * the C caller gets. Words NULL: the text stands alone. */
static const struct ErrClass {
        ErrCode code;
        ErrDomain domain;
        int r;
        const char *words;
} err_classes[] = {
        {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, -EIO, "internal error"},
        {VIR_ERR_NO_MEMORY, VIR_FROM_NONE, -ENOMEM, "out of memory"},
        {VIR_ERR_NO_SUPPORT, VIR_FROM_QEMU, -EOPNOTSUPP,
         "this function is not supported by the connection driver"},
        {VIR_ERR_NO_CONNECT, VIR_FROM_NONE, -EINVAL, "no connection driver available for"},
        {VIR_ERR_INVALID_CONN, VIR_FROM_NONE, -EINVAL, "invalid connection pointer in"},
        {VIR_ERR_INVALID_ARG, VIR_FROM_QEMU, -EINVAL, "invalid argument"},
        {VIR_ERR_OPERATION_FAILED, VIR_FROM_DOMAIN, -EIO, "operation failed"},
        {VIR_ERR_OS_TYPE, VIR_FROM_DOMAIN, -EINVAL, "unknown OS type"},
        {VIR_ERR_XML_ERROR, VIR_FROM_DOMAIN, -EINVAL, "XML error"},
        {VIR_ERR_OPERATION_DENIED, VIR_FROM_NONE, -EACCES, "operation forbidden"},
        {VIR_ERR_XML_DETAIL, VIR_FROM_XML, -EINVAL, NULL},
        {VIR_ERR_SYSTEM_ERROR, VIR_FROM_QEMU, -EIO, NULL},
        {VIR_ERR_RPC, VIR_FROM_RPC, -EPROTO, NULL},
        {VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, -ENOENT, "Domain not found"},
        {VIR_ERR_NO_NETWORK, VIR_FROM_NETWORK, -ENOENT, "Network not found"},
        {VIR_ERR_AUTH_FAILED, VIR_FROM_POLKIT, -EACCES, "authentication failed"},
        {VIR_ERR_AUTH_CANCELLED, VIR_FROM_POLKIT, -EACCES, "authentication cancelled"},
        {VIR_ERR_AUTH_UNAVAILABLE, VIR_FROM_POLKIT, -EACCES, "authentication unavailable"},
        {VIR_ERR_NO_STORAGE_POOL, VIR_FROM_STORAGE, -ENOENT, "Storage pool not found"},
        {VIR_ERR_NO_STORAGE_VOL, VIR_FROM_STORAGE, -ENOENT, "Storage volume not found"},
        {VIR_ERR_NO_NODE_DEVICE, VIR_FROM_NODEDEV, -ENOENT, "Node device not found"},
        {VIR_ERR_OPERATION_INVALID, VIR_FROM_QEMU, -EBUSY, "Requested operation is not valid"},
        {VIR_ERR_NO_INTERFACE, VIR_FROM_INTERFACE, -ENOENT, "Interface not found"},
        {VIR_ERR_NO_NWFILTER, VIR_FROM_NWFILTER, -ENOENT, "Network filter not found"},
        {VIR_ERR_NO_NWFILTER_BINDING, VIR_FROM_NWFILTER, -ENOENT,
         "Network filter binding not found"},
        {VIR_ERR_NO_SECRET, VIR_FROM_SECRET, -ENOENT, "Secret not found"},
        {VIR_ERR_CONFIG_UNSUPPORTED, VIR_FROM_QEMU, -EOPNOTSUPP, "unsupported configuration"},
        {VIR_ERR_OPERATION_TIMEOUT, VIR_FROM_QEMU, -ETIMEDOUT, "Timed out during operation"},
        {VIR_ERR_ARGUMENT_UNSUPPORTED, VIR_FROM_DOMAIN, -EOPNOTSUPP, "argument unsupported"},
        {VIR_ERR_OPERATION_ABORTED, VIR_FROM_QEMU, -ECANCELED, "operation aborted"},
        {VIR_ERR_NO_DOMAIN_METADATA, VIR_FROM_DOMAIN, -ENOENT, "metadata not found"},
        {VIR_ERR_OPERATION_UNSUPPORTED, VIR_FROM_QEMU, -EOPNOTSUPP, "Operation not supported"},
        {VIR_ERR_AGENT_UNRESPONSIVE, VIR_FROM_QEMU, -ETIMEDOUT, "Guest agent is not responding"},
        {VIR_ERR_RESOURCE_BUSY, VIR_FROM_QEMU, -EBUSY, "resource busy"},
        {VIR_ERR_CPU_INCOMPATIBLE, VIR_FROM_CPU, -EINVAL, "the CPU is incompatible with host CPU"},
        {VIR_ERR_XML_INVALID_SCHEMA, VIR_FROM_XML, -EINVAL,
         "XML document failed to validate against schema"},
        {VIR_ERR_AGENT_UNSYNCED, VIR_FROM_QEMU, -EIO,
         "guest agent replied with wrong id to guest-sync command"},
        {VIR_ERR_NO_NETWORK_PORT, VIR_FROM_NETWORK, -ENOENT, "network port not found"},
        {VIR_ERR_NO_NETWORK_METADATA, VIR_FROM_NETWORK, -ENOENT, "metadata not found"},
        {VIR_ERR_NO_HOSTNAME, VIR_FROM_QEMU, -ENOENT, "no hostname found"},
        {VIR_ERR_AGENT_COMMAND_TIMEOUT, VIR_FROM_QEMU, -ETIMEDOUT, "guest agent command timed out"},
        {VIR_ERR_AGENT_COMMAND_FAILED, VIR_FROM_QEMU, -EIO, "guest agent command failed"},
        {VIR_ERR_DEVICE_MISSING, VIR_FROM_DOMAIN, -ENOENT, "device not found"},
};

static const struct ErrClass *err_class(ErrCode code) {
        for (size_t i = 0; i < G_N_ELEMENTS(err_classes); i++)
                if (err_classes[i].code == code)
                        return &err_classes[i];
        return &err_classes[0];
}

void err_clear(Err *err) {
        g_clear_pointer(&err->message, g_free);
        g_clear_pointer(&err->hint, g_free);
        *err = (Err)ERR_INIT;
}

int fail(Err *err, ErrCode code, const char *format, ...) {
        const struct ErrClass *class = err_class(code);
        va_list ap;

        if (!err || err_is_set(err))
                return class->r;
        va_start(ap, format);
        err->code = code;
        err->domain = class->domain;
        err->message = g_strdup_vprintf(format, ap);
        va_end(ap);
        return class->r;
}

int fail_hint(Err *err, int r, const char *format, ...) {
        va_list ap;

        if (!err || err->hint)
                return r;
        va_start(ap, format);
        err->hint = g_strdup_vprintf(format, ap);
        va_end(ap);
        return r;
}

int fail_errno(Err *err, int r, const char *format, ...) {
        g_autofree char *what = NULL;
        va_list ap;

        if (!err || err_is_set(err))
                return r;
        va_start(ap, format);
        what = g_strdup_vprintf(format, ap);
        va_end(ap);
        fail(err, VIR_ERR_SYSTEM_ERROR, "%s: %s", what, g_strerror(-r));
        err->errnum = -r;
        return r;
}

int err_in_domain(Err *err, ErrDomain domain, int r) {
        if (err_is_set(err))
                err->domain = domain;
        return r;
}

void err_move(Err *to, Err *from) {
        if (to && !err_is_set(to)) {
                err_clear(to);
                *to = *from;
                *from = (Err)ERR_INIT;
        }
        err_clear(from);
}

void err_copy(Err *to, const Err *from) {
        if (!to || err_is_set(to))
                return;
        err_clear(to);
        *to = *from;
        to->message = g_strdup(from->message);
        to->hint = g_strdup(from->hint);
}

char *err_text(const Err *err) {
        if (!err_is_set(err))
                return g_strdup("");
        if (!err->hint)
                return g_strdup(err->message);
        return g_strdup_printf("%s; %s", err->message, err->hint);
}

char *err_wire_text(const Err *err) {
        g_autofree char *text = err_text(err);
        const char *words = err_class(err->code)->words;

        if (!words || !err_is_set(err))
                return g_steal_pointer(&text);
        if (err->code == VIR_ERR_NO_CONNECT || err->code == VIR_ERR_INVALID_CONN)
                return g_strdup_printf("%s %s", words, text);
        return g_strdup_printf("%s: %s", words, text);
}
