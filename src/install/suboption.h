/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sub-options of an option: "path=/x.img,size=8". Which there are, and where each stands in the
 * guest's XML, is data (grammar.h).
 *
 * Words without a name in front of all others fill the option's first sub-option. Quotes and
 * backslashes are a shell's. */

#include <stdbool.h>

#include <libxml/tree.h>

#include <glib.h>

#include "base/err.h"

typedef enum SubKind {
        SUB_TEXT,
        SUB_NUMBER,
        SUB_YES_NO,  /* any word of truth becomes yes or no */
        SUB_ON_OFF,  /* … on or off */
        SUB_ELEMENT, /* … an empty element or none */
        SUB_FILE,    /* a path, made absolute */
        SUB_WORD,    /* needs no value, and is read by the option itself, as the next */
        SUB_OWN,
} SubKind;

typedef struct SubOption {
        const char *name; /* '#' is a number that may be left out: "numa.cell#.cpus" */
        const char *path; /* as in node.h, below the option's element, with the same '#'s */
        SubKind kind;
        const char *aliases; /* with spaces between them; NULL: none */
        bool comma;          /* its value goes on until the next word that is a sub-option */
} SubOption;

/* One option that has sub-options. */
typedef struct Grammar {
        const char *option;  /* "disk" */
        const char *element; /* "disk": each makes one in <devices>; NULL: none of its own */
        const char *place;   /* path of the element that it is about, below <domain> */
        const char *first;   /* sub-options of the first words without a name */
        const SubOption *subs;
        const SubOption *common; /* more of them; NULL: none */
} Grammar;

typedef struct SubValue {
        const SubOption *option; /* NULL: any word of the option's own, as "+x2apic" */
        char *key;               /* as typed */
        char *value;             /* NULL: none was given */
} SubValue;

/* What was typed: SubValue *, in order. */
typedef GPtrArray SubValues;

/* Splits text. any: words that are no sub-option are taken, for the option itself. Refuses others
 * with the nearest name. */
int sub_parse(const Grammar *grammar, const char *text, bool any, SubValues **ret, Err *err);

/* Takes a value out of what was typed. "": without a value. NULL: was not typed. */
char *sub_take(SubValues *values, const char *name);

/* The value; borrowed. */
const char *sub_peek(const SubValues *values, const char *name);

/* Writes all that is left into element. Values that are not of their kind are refused. */
int sub_apply(const Grammar *grammar, const SubValues *values, xmlNode *element, Err *err);

/* yes, no, on, off, true, false, y, n, 1, 0. -EINVAL: none of these. */
int sub_truth(const char *text, bool *ret);

/* The list that "--disk help" asks for. */
char *sub_help(const Grammar *grammar);
