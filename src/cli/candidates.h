/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can stand for an option's value: names that the daemon knows, words of tables, files. The
 * daemon is asked each time; one that does not answer offers nothing, and that is no error. */

#include "cli/cli.h"

typedef struct Candidate {
        char *text;
        char *what; /* one line about it; NULL: nothing was asked, or is known */
} Candidate;

typedef struct Offer {
        Cli *cli;
        const char *head;   /* stands before each text: "--pool="; "" */
        const char *prefix; /* what is typed behind it; only what begins so gets in */
        bool describe;      /* say what each is, at the price of more calls */
        bool leaves_files;  /* the caller completes names of files by itself … */
        bool wants_file;    /* … and is told so */
        GHashTable *given;  /* name of each option that is given, to its value */
        GPtrArray *list;    /* Candidate * */
} Offer;

void candidate_free(Candidate *candidate);

/* Takes text in when it begins with the prefix and fits into one line. */
void offer_add(Offer *o, const char *text, const char *what);

void offer_values(Offer *o, const Option *option);
