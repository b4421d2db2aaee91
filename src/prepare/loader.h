/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boot loaders, one table line each: how one is recognised, where its kernel command lines
 * stand, and what makes a changed one count. */

#include "prepare/edits.h"
#include "prepare/line.h"

/* One kernel command line of a host's configuration. */
typedef struct BootLine BootLine;

struct BootLine {
        Edits *edits; /* borrowed */
        char *path;
        char *spare; /* grub: the file for new words, where that is not path */
        int (*collect)(const BootLine *line, GArray *fields, Err *err);
        int (*target)(const BootLine *line, Field *ret, Err *err);
        bool padded; /* the file is grubenv, whose size is fixed */
};

void boot_line_free(gpointer data);

typedef enum TrialKind {
        TRIAL_NONE,
        TRIAL_GRUB,  /* a menu entry in custom.cfg, grub-reboot */
        TRIAL_BLS,   /* an entry of its own, grub2-reboot */
        TRIAL_ENTRY, /* an entry of its own, bootctl set-oneshot */
} TrialKind;

typedef struct Loader {
        const char *name, *title;
        const char *by_hand; /* NULL: it is served; else what a person can do */
        TrialKind trial;
        bool (*detect)(const Sys *sys);
        /* Appends the lines (BootLine *), the one that a normal boot uses first. */
        int (*lines)(Edits *edits, GPtrArray *lines, Err *err);
        /* Appends what is to be run after a change, each a char ** that ends with NULL. */
        void (*commands)(const Sys *sys, GPtrArray *commands);
} Loader;

/* The loader that this host uses; never NULL: the last line of the table knows none. */
const Loader *loader_detect(const Sys *sys);

/* Makes all of the loader's lines say what is wished. */
int loader_edit(const Loader *loader, Edits *edits, const LineWish *wish, GPtrArray *notes,
                Err *err);

/* Where the loader keeps its entries: "boot/loader/entries"; NULL: nowhere. */
const char *loader_entries_dir(const Sys *sys);

/* The text of a variable of systemd's Boot Loader Interface, "LoaderInfo"; the caller's. NULL: it
 * is not set, or the firmware is no EFI. */
char *loader_efi_text(const Sys *sys, const char *name);

/* Where GRUB keeps its configuration: "boot/grub" or "boot/grub2". */
const char *loader_grub_dir(const Sys *sys);

/* A command for the list: its words, up to NULL. */
void add_command(GPtrArray *commands, const char *word, ...) G_GNUC_NULL_TERMINATED;

/* lines-grub.c */
int lines_grub(Edits *edits, GPtrArray *lines, Err *err);
int lines_grub_snippet(Edits *edits, GPtrArray *lines, Err *err);

/* lines-entry.c */
int lines_bls(Edits *edits, GPtrArray *lines, Err *err);
int lines_systemd_boot(Edits *edits, GPtrArray *lines, Err *err);
int lines_kernel_cmdline(Edits *edits, GPtrArray *lines, Err *err);

/* The options of an entry in the text of a file. */
void entry_fields(const char *path, GString *text, GArray *fields);

/* True for an entry that boots Linux and is none of those to fall back on. */
bool entry_is_normal(const char *name, const char *text);
