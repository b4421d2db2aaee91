/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/test-host.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

#define BINARY_MAX 65536

static void make_parent(const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);

        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
}

void test_host_put(const TestHost *host, const char *path, const void *data, size_t size) {
        g_autofree char *whole = g_build_filename(host->root, path, NULL);

        make_parent(whole);
        assert_true(g_file_set_contents(whole, data, (gssize)size, NULL));
}

void test_host_link(const TestHost *host, const char *path, const char *target) {
        g_autofree char *whole = g_build_filename(host->root, path, NULL);

        make_parent(whole);
        unlink(whole);
        assert_int_equal(symlink(target, whole), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void remove_tree(const char *path) {
        nftw(path, remove_entry, 64, FTW_DEPTH | FTW_PHYS);
}

void test_host_remove(const TestHost *host, const char *path) {
        g_autofree char *whole = g_build_filename(host->root, path, NULL);

        remove_tree(whole);
}

/* "SIZE @OFFSET HEX @OFFSET HEX …" */
static void put_binary(const TestHost *host, const char *path, const char *text) {
        g_auto(GStrv) words = g_strsplit(text, " ", 0);
        g_autofree uint8_t *data = NULL;
        uint64_t size, offset = 0;

        assert_int_equal(str_to_uint(words[0], 10, BINARY_MAX, &size), 0);
        data = g_malloc0(size + 1);
        STRV_FOREACH(word, words + 1) {
                if (*word == '@') {
                        assert_int_equal(str_to_uint(word + 1, 16, size, &offset), 0);
                        continue;
                }
                for (; *word; word += 2, offset++) {
                        int high = g_ascii_xdigit_value(word[0]);
                        int low = g_ascii_xdigit_value(word[1]);

                        assert_true(high >= 0 && low >= 0 && offset < size);
                        data[offset] = (uint8_t)(high << 4 | low);
                }
        }
        test_host_put(host, path, data, size);
}

static void put_text(const TestHost *host, const char *path, const char *text) {
        g_autofree char *plain = g_strcompress(text);
        g_autofree char *line = g_strconcat(plain, "\n", NULL);

        test_host_put(host, path, line, strlen(line));
}

/* A line is "NAME OPERATOR REST"; REST may be empty. */
static void put_line(const TestHost *host, const char *dir, char *line) {
        static const struct {
                const char *operator;
                void (*put)(const TestHost *host, const char *path, const char *rest);
        } kinds[] = {{"=", put_text}, {"->", test_host_link}, {":", put_binary}};
        g_auto(GStrv) words = g_strsplit(line, " ", 3);
        g_autofree char *path = g_build_filename(dir, words[0], NULL);

        assert_true(g_strv_length(words) >= 2);
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (strcmp(words[1], kinds[i].operator) == 0) {
                        kinds[i].put(host, path, words[2] ? words[2] : "");
                        return;
                }
        print_error("unknown line '%s'\n", line);
        assert_true(false);
}

static void unpack(const TestHost *host, const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
        g_autofree char *dir = g_strdup("");

        STRV_FOREACH(line, lines) {
                if (!*line || *line == '#')
                        continue;
                if (*line == '[') {
                        g_free(dir);
                        dir = g_strndup(line + 1, strcspn(line + 1, "]"));
                        continue;
                }
                put_line(host, dir, line);
        }
}

char *test_host_path(const char *name) {
        return g_build_filename(HOSTS_DIR, name, NULL);
}

TestHost *test_host_new_empty(void) {
        TestHost *host = g_new0(TestHost, 1);

        host->root = g_dir_make_tmp("airlock-host-XXXXXX", NULL);
        assert_non_null(host->root);
        assert_int_equal(sys_new(host->root, &host->sys), 0);
        return host;
}

TestHost *test_host_new(const char *name) {
        g_autofree char *file = g_strconcat(name, ".capture", NULL);
        g_autofree char *path = test_host_path(file);
        g_autofree char *text = NULL;
        TestHost *host = test_host_new_empty();

        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        unpack(host, text);
        return host;
}

void test_host_free(TestHost *host) {
        if (!host)
                return;
        sys_free(host->sys);
        remove_tree(host->root);
        g_free(host->root);
        g_free(host);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

char **test_host_list(void) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        GDir *dir = g_dir_open(HOSTS_DIR, 0, NULL);
        const char *file;

        assert_non_null(dir);
        while ((file = g_dir_read_name(dir)))
                if (g_str_has_suffix(file, ".capture"))
                        g_ptr_array_add(names, g_strndup(file, strlen(file) - strlen(".capture")));
        g_dir_close(dir);
        assert_true(names->len > 0);
        qsort(names->pdata, names->len, sizeof(char *), compare_names);
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static void show_difference(const char *name, const char *expected, const char *text) {
        g_auto(GStrv) wanted = g_strsplit(expected, "\n", 0);
        g_auto(GStrv) got = g_strsplit(text, "\n", 0);
        unsigned i = 0;

        while (wanted[i] && got[i] && strcmp(wanted[i], got[i]) == 0)
                i++;
        print_error("%s:%u: expected '%s', is '%s'\n", name, i + 1, wanted[i] ? wanted[i] : "(end)",
                    got[i] ? got[i] : "(end)");
        assert_true(false);
}

void test_host_assert_golden(const char *name, const char *text) {
        g_autofree char *path = test_host_path(name);
        g_autofree char *expected = NULL;

        if (g_strcmp0(g_getenv("AIRLOCK_UPDATE"), "1") == 0)
                assert_true(g_file_set_contents(path, text, -1, NULL));
        assert_true(g_file_get_contents(path, &expected, NULL, NULL));
        if (strcmp(expected, text) != 0)
                show_difference(name, expected, text);
}
