/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the guest-*.c share: how a guest goes into a call. */

#include "client/guest.h"
#include "rpc/remote_domain.h"

/* Many procedures take a guest, or a guest and flags, and answer with one number or nothing. They
 * have the same bytes on the wire, whatever their structs are called. */
typedef remote_domain_destroy_flags_args GuestFlagsArgs;
#define xdr_GuestFlagsArgs xdr_remote_domain_destroy_flags_args
typedef remote_domain_get_autostart_ret NumberRet;
#define xdr_NumberRet xdr_remote_domain_get_autostart_ret

/* Borrows the name. */
remote_domain guest_handle(const Guest *guest);

/* A guest as the daemon names it. */
Guest *guest_new(const remote_domain *dom);

/* XDR knows no const; a call does not change its arguments. */
static inline char *wire_text(const char *text) {
        return (char *)(uintptr_t)text;
}
