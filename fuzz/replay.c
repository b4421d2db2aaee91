/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a fuzzer once on each file of the directories that are given: how a build without libFuzzer
 * tests that what was found once stays fixed. */

#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include "fuzz.h"

static unsigned replay_file(const char *path) {
        g_autofree char *data = NULL;
        gsize size;

        if (!g_file_get_contents(path, &data, &size, NULL)) {
                fprintf(stderr, "cannot read %s\n", path);
                exit(EXIT_FAILURE);
        }
        LLVMFuzzerTestOneInput((const uint8_t *)data, size);
        return 1;
}

static unsigned replay_directory(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;
        unsigned n = 0;

        if (!dir)
                return replay_file(path);
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                n += replay_file(file);
        }
        return n;
}

int main(int argc, char **argv) {
        unsigned n = 0;

        for (int i = 1; i < argc; i++)
                n += replay_directory(argv[i]);
        printf("%u inputs\n", n);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* a corpus that is not found tests nothing */
}
