/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person reads about a failure. The caller's control flow goes by the negative errno that
 * every function returns; an Err is filled once, where the failure is understood, passed up
 * unchanged, and told at the edge (client, terminal, journal).
 *
 *         g_auto(Err) err = ERR_INIT;
 *
 *         r = pci_device_load(sys, addr, &dev, &err);
 *         if (r < 0)
 *                 log_err(&err, …);
 *
 * Code and domain are the numbers of libvirt's public virterror.h, because they travel on the wire
 * and clients decide by them. */

#include <stdbool.h>

#include <glib.h>

typedef enum ErrCode {
        VIR_ERR_OK = 0,
        VIR_ERR_INTERNAL_ERROR = 1,
        VIR_ERR_NO_MEMORY = 2,
        VIR_ERR_NO_SUPPORT = 3,
        VIR_ERR_NO_CONNECT = 5,
        VIR_ERR_INVALID_CONN = 6,
        VIR_ERR_INVALID_ARG = 8,
        VIR_ERR_OPERATION_FAILED = 9,
        VIR_ERR_OS_TYPE = 16,
        VIR_ERR_XML_ERROR = 27,
        VIR_ERR_OPERATION_DENIED = 29,
        VIR_ERR_XML_DETAIL = 35,
        VIR_ERR_SYSTEM_ERROR = 38,
        VIR_ERR_RPC = 39,
        VIR_ERR_NO_DOMAIN = 42,
        VIR_ERR_NO_NETWORK = 43,
        VIR_ERR_AUTH_FAILED = 45,
        VIR_ERR_NO_STORAGE_POOL = 49,
        VIR_ERR_NO_STORAGE_VOL = 50,
        VIR_ERR_NO_NODE_DEVICE = 53,
        VIR_ERR_OPERATION_INVALID = 55,
        VIR_ERR_NO_INTERFACE = 57,
        VIR_ERR_NO_NWFILTER = 62,
        VIR_ERR_NO_SECRET = 66,
        VIR_ERR_CONFIG_UNSUPPORTED = 67,
        VIR_ERR_OPERATION_TIMEOUT = 68,
        VIR_ERR_ARGUMENT_UNSUPPORTED = 74,
        VIR_ERR_OPERATION_ABORTED = 78,
        VIR_ERR_AUTH_CANCELLED = 79,
        VIR_ERR_NO_DOMAIN_METADATA = 80,
        VIR_ERR_OPERATION_UNSUPPORTED = 84,
        VIR_ERR_AGENT_UNRESPONSIVE = 86,
        VIR_ERR_RESOURCE_BUSY = 87,
        VIR_ERR_STORAGE_VOL_EXIST = 90,
        VIR_ERR_CPU_INCOMPATIBLE = 91,
        VIR_ERR_XML_INVALID_SCHEMA = 92,
        VIR_ERR_AUTH_UNAVAILABLE = 94,
        VIR_ERR_AGENT_UNSYNCED = 97,
        VIR_ERR_DEVICE_MISSING = 99,
        VIR_ERR_NO_NWFILTER_BINDING = 101,
        VIR_ERR_NO_NETWORK_PORT = 107,
        VIR_ERR_NO_HOSTNAME = 108,
        VIR_ERR_NO_NETWORK_METADATA = 111,
        VIR_ERR_AGENT_COMMAND_TIMEOUT = 112,
        VIR_ERR_AGENT_COMMAND_FAILED = 113,
} ErrCode;

typedef enum ErrDomain {
        VIR_FROM_NONE = 0,
        VIR_FROM_XML = 5,
        VIR_FROM_RPC = 7,
        VIR_FROM_QEMU = 10,
        VIR_FROM_STORAGE = 18,
        VIR_FROM_NETWORK = 19,
        VIR_FROM_DOMAIN = 20,
        VIR_FROM_NODEDEV = 22,
        VIR_FROM_INTERFACE = 26,
        VIR_FROM_SECRET = 30,
        VIR_FROM_CPU = 31,
        VIR_FROM_NWFILTER = 33, /* clients renumber code 62 of any other domain */
        VIR_FROM_STREAMS = 38,
        VIR_FROM_POLKIT = 60,
} ErrDomain;

typedef struct Err {
        ErrCode code; /* VIR_ERR_OK: nothing failed yet */
        ErrDomain domain;
        int errnum;    /* errno behind it; 0: none */
        char *message; /* object and cause */
        char *hint;    /* the way out; NULL: none is known */
} Err;

#define ERR_INIT \
        {}

void err_clear(Err *err);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Err, err_clear)

static inline bool err_is_set(const Err *err) {
        return err && err->code != VIR_ERR_OK;
}

/* Fill *err (NULL: the caller wants none) unless it is set already, and return the negative errno
 * that goes with the code (-EINVAL for bad input, -ENOENT for what is not there, -EBUSY for a wrong
 * state, else -EIO). */
int fail(Err *err, ErrCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same with the way out in a second sentence; use it as
 *         return fail_hint(err, fail(err, CODE, "…"), "detach it first: …"). */
int fail_hint(Err *err, int r, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* A failed system call: r is the negative errno, which is appended as text and returned. */
int fail_errno(Err *err, int r, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Overrides the domain that follows from the code. Returns r, for tail calls. */
int err_in_domain(Err *err, ErrDomain domain, int r);

/* Moves *from to *to (which keeps an error that it has already); *from is cleared. */
void err_move(Err *to, Err *from);
void err_copy(Err *to, const Err *from);

/* "cause; way out": what is shown to a person. "" when nothing failed. Never NULL. */
char *err_text(const Err *err);

/* The whole text in the form that libvirt's clients expect: the code's general words before the
 * text, as in "Domain not found: no domain with matching name 'x'". */
char *err_wire_text(const Err *err);
