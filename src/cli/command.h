/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a command is: one table line with its options, its help and the function that runs it. The
 * grammar (parse.h), the help, the completion and the shell all work from these tables.
 *
 * The grammar is virsh's: words that start with "--" are options, all others fill the options that
 * take a value, in the order of the table; one of kind OPTION_REST takes every word that is left.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/err.h"

typedef struct Args Args;
typedef struct Cli Cli;

typedef enum OptionKind {
        OPTION_FLAG,   /* --live */
        OPTION_TEXT,   /* --driver vfio, --driver=vfio, or by position */
        OPTION_NUMBER, /* the same with a number above 0 */
        OPTION_REST,   /* every word that is left; last in its table */
} OptionKind;

/* What can stand for an option's value; the shell offers it. */
typedef enum Candidates {
        CANDIDATES_NONE,
        CANDIDATES_GUEST,
        CANDIDATES_GUEST_ACTIVE,
        CANDIDATES_GUEST_INACTIVE,
        CANDIDATES_GUEST_DISK, /* targets in the guest that option "domain" names */
        CANDIDATES_GUEST_INTERFACE,
        CANDIDATES_DEVICE, /* node devices */
        CANDIDATES_PCI,    /* those that are PCI functions; by address where one is begun */
        CANDIDATES_NETWORK,
        CANDIDATES_POOL,
        CANDIDATES_VOLUME,  /* of every active pool; by its path where a path is begun */
        CANDIDATES_SUBJECT, /* what a plan is about */
        CANDIDATES_FILE,
        CANDIDATES_COMMAND,
        CANDIDATES_CHECK, /* of the doctor */
        CANDIDATES_WORDS, /* the option's own list */
} Candidates;

typedef struct Option {
        const char *name;
        OptionKind kind;
        bool positional; /* its name is usually left out */
        bool required;
        bool named_only; /* no bare word is taken for it */
        Candidates candidates;
        const char *const *words; /* with CANDIDATES_WORDS; NULL-terminated */
        const char *help;
} Option;

typedef struct Command {
        const char *name;
        const char *summary;     /* one line, for lists of commands */
        const char *description; /* paragraphs, one a line; NULL: the summary says it all */
        const Option *options;   /* ends with a line without a name; NULL: takes none */
        bool offline;            /* runs without a connection */
        bool json;               /* can answer in JSON */
        bool raw;                /* every word goes to the OPTION_REST, those with dashes too */
        const char *examples;    /* one a line, without the program's name; NULL: none */

        /* 0; or negative, with err set unless all was told already. */
        int (*run)(Cli *cli, const Args *args, Err *err);
} Command;

typedef struct CommandGroup {
        const char *keyword; /* for `help KEYWORD` */
        const char *title;
        const Command *const *tables; /* NULL-terminated; each ends with a line without a name */
} CommandGroup;

#define COMMAND_FOREACH(command, group)                             \
        for (const Command *const *_t = (group)->tables; *_t; _t++) \
                for (const Command *command = *_t; command->name; command++)
#define OPTION_FOREACH(option, command) \
        for (const Option *option = (command)->options; option && option->name; option++)
#define GROUP_FOREACH(group, groups) \
        for (const CommandGroup *const *_p = (groups), *group = *_p; group; group = *++_p)

/* groups: NULL-terminated. NULL when there is no such command or group. */
const Command *command_find(const CommandGroup *const *groups, const char *name);
const CommandGroup *command_group_find(const CommandGroup *const *groups, const char *keyword);
const Option *command_option(const Command *command, const char *name);

/* "attach-device <domain> <file> [--live]". Free with g_free(). */
char *command_synopsis(const Command *command);

/* The help of one command, of one group and of everything, each ready to print. */
char *command_help(const Command *command);
char *command_group_help(const CommandGroup *group);
char *command_all_help(const CommandGroup *const *groups);
