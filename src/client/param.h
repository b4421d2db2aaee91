/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Named values as a daemon sends them: statistics, tunables, facts about a guest. */

#include <stdint.h>

#include <glib.h>

typedef struct remote_typed_param remote_typed_param;

typedef struct Param {
        char *field;     /* "block.0.rd.reqs" */
        char *text;      /* the value as virsh prints it: a truth is "yes" or "no" */
        uint64_t number; /* the value of an unsigned number; 0 of all else */
} Param;

/* An array that frees what it holds. */
GPtrArray *params_new(void);

void params_add_number(GPtrArray *params, const char *field, uint64_t value);

/* Copies a list of the wire to the end of params. */
void params_add_wire(GPtrArray *params, const remote_typed_param *list, unsigned n);

/* NULL: there is no such field. */
const Param *params_find(const GPtrArray *params, const char *field);

/* The number of a field; 0 where there is none. */
uint64_t params_number(const GPtrArray *params, const char *field);
