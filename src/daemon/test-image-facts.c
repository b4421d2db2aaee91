/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/image-facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

/* What a child wrote that was asked for these images. */
static char *look_at(const char *const *paths) {
        FILE *file = tmpfile();
        ImageFacts *facts = image_facts_new(fileno(file));
        char text[4096] = "";

        for (; *paths; paths++)
                assert_non_null(image_facts_get(facts, *paths));
        image_facts_free(facts);
        rewind(file);
        assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
        fclose(file);
        return g_strdup(text);
}

static void what_the_child_finds_the_daemon_knows(void **state) {
        static const uint8_t bytes[] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3, 0, 0};
        g_autofree char *path = g_strdup("/tmp/test-image-XXXXXX"), *output = NULL, *stuck = NULL;
        _cleanup_(closep) int fd = g_mkstemp(path);
        const char *const paths[] = {path, "/no/such/image", NULL};
        g_autoptr(ImageFacts) facts = NULL;
        const ImageFact *fact;

        assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
        output = look_at(paths);
        unlink(path);
        facts = image_facts_read(output, &stuck);
        assert_null(stuck);
        fact = image_facts_get(facts, path);
        assert_int_equal(fact->errnum, 0);
        assert_false(fact->is_block);
        assert_int_equal(g_bytes_get_size(fact->head), 8);
        assert_memory_equal(g_bytes_get_data(fact->head, NULL), bytes, 8);
        assert_int_equal(image_facts_get(facts, "/no/such/image")->errnum, ENOENT);
        assert_null(image_facts_get(facts, "/never/asked/for"));
}

static void the_image_that_does_not_answer_is_known(void **state) {
        g_autofree char *stuck = NULL;
        g_autoptr(ImageFacts) facts =
                image_facts_read("{\"path\":\"/a\"}\n{\"path\":\"/"
                                 "a\",\"errno\":2,\"block\":false,\"head-errno\":0}\n"
                                 "{\"path\":\"/mnt/dead\"}\n",
                                 &stuck);

        assert_string_equal(stuck, "/mnt/dead");
        assert_int_equal(image_facts_get(facts, "/a")->errnum, ENOENT);
        assert_null(image_facts_get(facts, "/mnt/dead"));
}

static void what_is_no_line_of_the_child_is_left_out(void **state) {
        static const char *const texts[] = {"",    "\n\n",          "{",
                                            "[1]", "{\"errno\":1}", "{\"path\":7,\"errno\":1}"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autofree char *stuck = NULL;
                g_autoptr(ImageFacts) facts = image_facts_read(texts[i], &stuck);

                assert_null(stuck);
                assert_null(image_facts_get(facts, "/a"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_the_child_finds_the_daemon_knows),
                cmocka_unit_test(the_image_that_does_not_answer_is_known),
                cmocka_unit_test(what_is_no_line_of_the_child_is_left_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
