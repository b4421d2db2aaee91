/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of the command: its settings, its connection, and how it speaks. Results go to stdout,
 * all else to stderr. */

#include <stdbool.h>

#include <glib.h>

#include "base/err.h"
#include "base/xml.h"
#include "cli/args.h"
#include "cli/command.h"
#include "client/conn.h"
#include "client/guest.h"

/* Longest file that is read: what one call can carry. */
#define CLI_FILE_MAX (4u << 20)

struct Cli {
        const CommandGroup *const *groups;
        char *uri;         /* as given; NULL: the default */
        bool uri_is_asked; /* by an option or by the command connect, not by the environment */
        bool read_only;
        bool quiet; /* results alone: no heads of tables, no confirmations */
        bool json;  /* of commands that can */
        bool timing;
        char escape; /* control character that ends a console */

        Conn *conn; /* NULL: not yet, or lost */
        bool leave; /* quit was said */
        int status; /* exit status of a command that ran well and has one to give; 0 */
        char *what; /* the line above an error's own text: "Failed to start domain 'x'" */
};

void cli_done(Cli *cli);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cli, cli_done)

/* Connects unless that is done. */
int cli_connect(Cli *cli, Err *err);

/* What is said beside the result; nothing when quiet. */
void cli_say(const Cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Remembers what failed, for cli_report(), and returns r. */
int cli_failed(Cli *cli, int r, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* "error: what\nerror: message\nhint: way out", as far as each is there. */
void cli_report(Cli *cli, const Err *err);

/* Runs the commands of a line. Returns the exit status: of the last one, or 1 when the line does
 * not parse, in which case none was run. */
int cli_run_line(Cli *cli, const char *line);

/* One command of words that need no splitting: argv. */
int cli_run_words(Cli *cli, char *const *words);

/* A guest by its name; the one that option "domain" names. */
int cli_guest_named(Cli *cli, const char *name, GuestLookup by, Guest **ret, Err *err);
int cli_guest(Cli *cli, const Args *args, GuestLookup by, Guest **ret, Err *err);

/* The content of a file that the user named. */
int cli_read_file(const char *path, char **ret, Err *err);

/* "0000:01:00.0" and "01:00.0" as node device "pci_0000_01_00_0"; other text as it is. */
char *cli_device_name(const char *text);

/* Flags of the airlock program for the options of OPT_HANDOVER. */
unsigned cli_handover_flags(const Args *args);

/* A descriptor that becomes readable when the user interrupts the program; until it is closed by
 * cli_interrupt_done() that does not end it. Negative errno where there is none. */
int cli_interrupt_fd(void);
void cli_interrupt_done(int *fd);

/* size in the largest unit that leaves at least 1: 8.0 and "MiB". */
double cli_human_size(uint64_t size, const char **ret_unit);

/* The guest's XML, which has <devices>; flags: GuestXmlFlags. */
int cli_guest_doc(Cli *cli, const Guest *guest, unsigned flags, XmlDoc **ret, Err *err);
