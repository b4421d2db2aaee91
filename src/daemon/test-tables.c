/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tables serve, and that docs/clients.md names what they do not.
 *
 *         test-daemon-tables --print     the list for the document
 */
#include "daemon/dispatch.h"

#include <stdio.h>
#include <string.h>

#include "base/test.h"
#include "rpc/proto.h"

#define WIDTH 118 /* of the document */

/* Messages that go the other way have numbers of the same row. */
static bool is_event(const char *name) {
        return strstr(name, "_EVENT_") && !g_str_has_suffix(name, "REGISTER_ANY") &&
               !g_str_has_suffix(name, "EVENT_REGISTER") &&
               !g_str_has_suffix(name, "EVENT_DEREGISTER");
}

static unsigned count_served(uint32_t program, int number) {
        unsigned n = 0;

        for (size_t i = 0; dispatch_tables[i]; i++)
                for (size_t k = 0; k < dispatch_tables[i]->n; k++)
                        n += dispatch_tables[i]->program == program &&
                             dispatch_tables[i]->procedures[k].number == number;
        return n;
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The functions of the remote program that nobody serves, in lines of a document. */
static char *list_absent(void) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) out = g_string_new(NULL);
        size_t width = 0;

        for (int number = 1; rpc_proto_name(number); number++)
                if (!is_event(rpc_proto_name(number)) && count_served(REMOTE_PROGRAM, number) == 0)
                        g_ptr_array_add(names, rpc_proto_function(number));
        g_ptr_array_sort(names, by_name);
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];

                if (width > 0 && width + 1 + strlen(name) > WIDTH) {
                        g_string_append_c(out, '\n');
                        width = 0;
                }
                g_string_append_printf(out, "%s%s", width > 0 ? " " : "", name);
                width += strlen(name) + (width > 0);
        }
        return g_string_free(g_string_append_c(g_steal_pointer(&out), '\n'), FALSE);
}

static void a_procedure_is_served_once(void **state) {
        for (size_t i = 0; dispatch_tables[i]; i++)
                for (size_t k = 0; k < dispatch_tables[i]->n; k++)
                        assert_int_equal(count_served(dispatch_tables[i]->program,
                                                      dispatch_tables[i]->procedures[k].number),
                                         1);
}

static void the_document_names_what_is_not_served(void **state) {
        g_autofree char *text = NULL, *absent = list_absent();

        assert_true(g_file_get_contents(AIRLOCK_DOCS "/clients.md", &text, NULL, NULL));
        if (!strstr(text, absent))
                print_error("docs/clients.md has other lines than this test prints with --print\n");
        assert_non_null(strstr(text, absent));
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_procedure_is_served_once),
                cmocka_unit_test(the_document_names_what_is_not_served),
        };

        if (argc > 1 && g_str_equal(argv[1], "--print")) {
                g_autofree char *absent = list_absent();

                return fputs(absent, stdout) < 0;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
