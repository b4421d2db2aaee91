/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the manual page of airlock install with its options, where the page has "options"; part of
 * the build, see cli/roff.h. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/roff.h"
#include "install/option.h"

static bool fill(GString *out, char *const *words) {
        g_autofree char *options = NULL;

        if (g_strcmp0(words[0], "options") != 0)
                return false;
        options = options_manual();
        g_string_append(out, options);
        return true;
}

int main(int argc, char **argv) {
        if (argc == 2)
                return roff_print(argv[1], fill);
        fputs("airlock-install-manual PAGE\n", stderr);
        return EXIT_FAILURE;
}
