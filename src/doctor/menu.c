/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/menu.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "doctor/facts.h"

/* The words behind "linux", "linuxefi" or "linux16", the path of the kernel among them; NULL: the
 * line is another one. */
static const char *kernel_words(const char *line) {
        static const char *const keys[] = {"linux", "linuxefi", "linux16"};
        size_t length;

        line += strspn(line, " \t");
        length = strcspn(line, " \t");
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                if (strlen(keys[i]) == length && strncmp(line, keys[i], length) == 0)
                        return line + length;
        return NULL;
}

static int parse_menu(const char *text, char ***ret_words) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

        STRV_FOREACH(line, lines) {
                const char *words = kernel_words(line);

                if (words) {
                        *ret_words = g_strsplit_set(words, " \t\r", 0);
                        words_cut(*ret_words);
                        return 0;
                }
        }
        return -ENOENT;
}

int menu_load(const Sys *sys, char ***ret_words, char **ret_path) {
        static const char *const paths[] = {"boot/grub/grub.cfg", "boot/grub2/grub.cfg"};

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                g_autofree char *text = NULL;
                int r = sys_read_text(sys, paths[i], &text);

                if (r == -ENOENT || r == -ENOTDIR)
                        continue;
                *ret_path = g_strconcat("/", paths[i], NULL);
                return r < 0 ? r : parse_menu(text, ret_words);
        }
        return -ENOENT;
}
