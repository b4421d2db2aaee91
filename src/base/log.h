/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal (with fields) where the process was started by systemd, stderr elsewhere. The layers
 * below the programs log nothing above debug; an error is told once, at the edge.
 *
 * guest and pci are the subjects and become the fields GUEST= and PCI=; NULL: none. */

#include <syslog.h>

#include <glib.h>

#include "base/err.h"

/* Messages less important than level (a syslog priority) are dropped; LOG_INFO at first. */
void log_set_level(int level);

void log_message(int priority, const char *guest, const char *pci, const char *format, ...)
        G_GNUC_PRINTF(4, 5);

#define log_debug(...)   log_message(LOG_DEBUG, NULL, NULL, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, NULL, NULL, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, NULL, NULL, __VA_ARGS__)
#define log_error(...)   log_message(LOG_ERR, NULL, NULL, __VA_ARGS__)

/* "WHAT: text of err" at LOG_ERR. */
void log_err(const Err *err, const char *format, ...) G_GNUC_PRINTF(2, 3);
