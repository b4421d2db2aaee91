/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of a boot loader's configuration: read as a shell-like file, as a boot entry and as a plain
 * line. Reading changes nothing; what is made to say a thing says it, and is left alone after that.
 */

#include <string.h>

#include "fuzz.h"
#include "prepare/line.h"
#include "prepare/loader.h"
#include "prepare/shell.h"

/* More is not read from a file either. */
#define SIZE_MAX_FUZZ 4096

static const LineWish wish = {.vendor = LINE_INTEL, .passthrough = LINE_ON};

static void check_field(Field field) {
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) words = field_words(&field);
        g_autofree char *once = NULL;

        for (guint i = 0; i < words->len; i++) {
                const FieldWord *word = g_ptr_array_index(words, i);

                g_assert_true(word->start < word->end && word->end <= field.end);
                g_assert_true(word->cut <= word->start && word->cut_end >= word->end);
        }
        if (line_apply_field(&field, &wish, notes, NULL) < 0)
                return;
        once = g_strdup(field.text->str);
        g_assert_true(line_apply_field(&field, &wish, notes, NULL) == 0);
        g_assert_cmpstr(field.text->str, ==, once);
}

static void check_shell(const char *data) {
        g_autoptr(GString) text = g_string_new(data);
        g_autoptr(GArray) found = NULL;

        if (shell_assignments("file", text, "GRUB_CMDLINE_LINUX", &found, NULL) < 0)
                return;
        g_assert_cmpstr(text->str, ==, data);
        for (guint i = found->len; i-- > 0;) {
                const ShellAssignment *a = &g_array_index(found, ShellAssignment, i);

                check_field((Field){"file", text, a->start, a->end, FIELD_SHELL});
        }
}

static void check_entry(const char *data) {
        g_autoptr(GString) text = g_string_new(data);
        g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));

        entry_fields("file", text, fields);
        for (guint i = fields->len; i-- > 0;)
                check_field(g_array_index(fields, Field, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autofree char *text = g_strndup((const char *)data, MIN(size, SIZE_MAX_FUZZ));
        g_autoptr(GString) line = g_string_new(text);

        check_shell(text);
        check_entry(text);
        check_field((Field){"file", line, 0, line->len, FIELD_PLAIN});
        return 0;
}
