/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An Err on the wire. libvirt's clients show message and decide by code and domain; str1 and str2
 * are as libvirtd fills them, str3 carries the hint for our own client. */

#include "base/err.h"
#include "rpc/remote_types.h"

/* Longer texts are cut: an error always fits. */
#define RPC_ERROR_TEXT_MAX 65536u

/* The caller frees *ret by xdr_free(). err without a code becomes an internal error. */
void rpc_error_fill(const Err *err, remote_error *ret);

/* Sets *ret unless it is set. Its message is the complete text with the general words of the code
 * ("Domain not found: …") and without the hint, ready to be shown. */
void rpc_error_read(const remote_error *error, Err *ret);
