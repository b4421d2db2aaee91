/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/error.h"

#include <string.h>

#define LEVEL_ERROR 2

/* A copy of at most RPC_ERROR_TEXT_MAX bytes that ends at a whole character. */
static remote_string *text_new(const char *text) {
        remote_string *ret = g_new0(remote_string, 1);
        g_autofree char *cut = g_strndup(text, RPC_ERROR_TEXT_MAX);

        *ret = g_utf8_make_valid(cut, -1);
        if (strlen(*ret) > RPC_ERROR_TEXT_MAX)
                (*ret)[RPC_ERROR_TEXT_MAX] = '\0';
        return ret;
}

void rpc_error_fill(const Err *err, remote_error *ret) {
        g_auto(Err) unknown = ERR_INIT;
        g_autofree char *whole = NULL;
        g_autofree char *detail = NULL;

        if (!err_is_set(err)) {
                fail(&unknown, VIR_ERR_INTERNAL_ERROR, "the cause is unknown");
                err = &unknown;
        }
        whole = err_wire_text(err);
        detail = err_text(err);
        *ret = (remote_error){
                .code = (int)err->code,
                .domain = (int)err->domain,
                .message = text_new(whole),
                .level = LEVEL_ERROR,
                .str1 = text_new("%s"),
                .str2 = text_new(detail),
                .str3 = err->hint ? text_new(err->hint) : NULL,
                .int1 = err->errnum > 0 ? err->errnum : -1,
                .int2 = -1,
        };
}

void rpc_error_read(const remote_error *error, Err *ret) {
        g_autofree char *text = g_strdup(error->message ? *error->message : "unknown error");
        g_autofree char *suffix = NULL;

        if (err_is_set(ret))
                return;
        err_clear(ret);
        if (error->str3) {
                suffix = g_strdup_printf("; %s", *error->str3);
                if (g_str_has_suffix(text, suffix))
                        text[strlen(text) - strlen(suffix)] = '\0';
                ret->hint = g_strdup(*error->str3);
        }
        ret->code = error->code > 0 ? (ErrCode)error->code : VIR_ERR_INTERNAL_ERROR;
        ret->domain = (ErrDomain)error->domain;
        ret->errnum = error->code == VIR_ERR_SYSTEM_ERROR && error->int1 > 0 ? error->int1 : 0;
        ret->message = g_steal_pointer(&text);
}
