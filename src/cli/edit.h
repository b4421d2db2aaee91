/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Something with a definition or a text that the user changes in his editor: a guest, a network, a
 * pool. */

#include "cli/cli.h"

typedef struct EditObject {
        const void *object;
        int (*fetch)(Cli *cli, const void *object, char **ret, Err *err);
        int (*define)(Cli *cli, const void *object, const char *text, bool validate, Err *err);
} EditObject;

/* Opens the editor until the daemon takes what it leaves, or the user gives up. Returns 1 when
 * nothing was changed. */
int edit_object(Cli *cli, const EditObject *object, bool validate, Err *err);
