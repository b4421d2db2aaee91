/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <systemd/sd-journal.h>

static int log_level = LOG_INFO;

void log_set_level(int level) {
        log_level = level;
}

/* The journal takes fields; a field without a value is left out. */
static void log_to_journal(int priority, const char *guest, const char *pci, const char *text) {
        char *fields[] = {
                g_strdup_printf("MESSAGE=%s", text),
                g_strdup_printf("PRIORITY=%d", priority),
                g_strdup_printf("GUEST=%s", guest ? guest : ""),
                g_strdup_printf("PCI=%s", pci ? pci : ""),
        };
        struct iovec iov[4];
        int n = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                if (!g_str_has_suffix(fields[i], "="))
                        iov[n++] = (struct iovec){fields[i], strlen(fields[i])};
        sd_journal_sendv(iov, n);
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                g_free(fields[i]);
}

void log_message(int priority, const char *guest, const char *pci, const char *format, ...) {
        g_autofree char *text = NULL;
        va_list ap;

        if (priority > log_level)
                return;
        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        if (getenv("JOURNAL_STREAM"))
                log_to_journal(priority, guest, pci, text);
        else
                fprintf(stderr, "%s%s%s%s%s\n", guest ? guest : "", guest ? ": " : "",
                        pci ? pci : "", pci ? ": " : "", text);
}

void log_err(const Err *err, const char *format, ...) {
        g_autofree char *what = NULL, *text = err_text(err);
        va_list ap;

        va_start(ap, format);
        what = g_strdup_vprintf(format, ap);
        va_end(ap);
        log_error("%s: %s", what, text);
}
