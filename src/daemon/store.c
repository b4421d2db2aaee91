/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"

#define CONFIG_FILE_MAX (16u << 20)
#define NAME_MAX_BYTES  200

int store_check_name(const char *name, Err *err) {
        size_t size = strlen(name);

        if (size == 0 || size > NAME_MAX_BYTES || strchr(name, '/') || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "'%.*s' cannot be a guest's name: it takes 1 to %d bytes without '/'",
                            80, name, NAME_MAX_BYTES);
        for (const char *c = name; *c; c++)
                if (g_ascii_iscntrl(*c))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "a guest's name cannot hold a control character");
        return 0;
}

static char *config_path(const Paths *paths, const char *name) {
        return g_strdup_printf("%s/guests/%s.xml", paths->config_dir, name);
}

static char *cards_path(const Paths *paths, const char *name) {
        return g_strdup_printf("%s/guests/%s.cards.json", paths->config_dir, name);
}

char *store_save_path(const Paths *paths, const char *name) {
        return g_strdup_printf("%s/save/%s.save", paths->state_dir, name);
}

static char *autostart_path(const Paths *paths, const char *name) {
        return g_strdup_printf("%s/guests/autostart/%s.xml", paths->config_dir, name);
}

bool store_is_autostart(const Paths *paths, const char *name) {
        g_autofree char *link = autostart_path(paths, name);

        return g_file_test(link, G_FILE_TEST_IS_SYMLINK);
}

int store_write_config(const Paths *paths, const char *name, const char *xml, Err *err) {
        g_autofree char *path = config_path(paths, name);
        g_autofree char *dir = g_path_get_dirname(path);
        int r = file_mkdir_p(dir, 0700, err);

        return r < 0 ? r : file_write_atomic(path, xml, strlen(xml), err);
}

int store_remove_config(const Paths *paths, const char *name, Err *err) {
        g_autofree char *path = config_path(paths, name), *cards = cards_path(paths, name);
        int r = store_set_autostart(paths, name, false, err);

        if (r == 0)
                r = file_remove(cards, err);
        return r < 0 ? r : file_remove(path, err);
}

int store_read_cards(const Paths *paths, const char *name, char **ret, Err *err) {
        g_autofree char *path = cards_path(paths, name);

        return file_read(path, CONFIG_FILE_MAX, ret, NULL, err);
}

int store_write_cards(const Paths *paths, const char *name, const char *text, Err *err) {
        g_autofree char *path = cards_path(paths, name);

        return file_write_atomic(path, text, strlen(text), err);
}

int store_each_config(const Paths *paths, StoreFunc func, void *userdata, Err *err) {
        g_autofree char *dir_path = g_build_filename(paths->config_dir, "guests", NULL);
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        const char *file;

        while (dir && (file = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(dir_path, file, NULL);
                g_autofree char *text = NULL, *name = NULL;
                g_auto(Err) problem = ERR_INIT;

                if (!g_str_has_suffix(file, ".xml"))
                        continue;
                name = g_strndup(file, strlen(file) - strlen(".xml"));
                if (file_read(path, CONFIG_FILE_MAX, &text, NULL, &problem) < 0)
                        log_err(&problem, "cannot load guest '%s'", name);
                else
                        func(name, text, store_is_autostart(paths, name), userdata);
        }
        return 0;
}

int store_set_autostart(const Paths *paths, const char *name, bool autostart, Err *err) {
        g_autofree char *link = autostart_path(paths, name);
        g_autofree char *dir = g_path_get_dirname(link);
        g_autofree char *target = g_strdup_printf("../%s.xml", name);
        int r;

        if (!autostart)
                return file_remove(link, err);
        r = file_mkdir_p(dir, 0700, err);
        if (r < 0)
                return r;
        if (symlink(target, link) < 0 && errno != EEXIST)
                return fail_errno(err, neg_errno(), "cannot mark guest '%s' for autostart", name);
        file_sync_parent(link);
        return 0;
}

char *store_run_path(const Paths *paths, const char *guest, const char *file) {
        return g_build_filename(paths->run_dir, "guests", guest, file, NULL);
}

int store_make_run_dir(const Paths *paths, const char *guest, Err *err) {
        g_autofree char *dir = store_run_path(paths, guest, NULL);

        return file_mkdir_p(dir, 0700, err);
}

void store_remove_run_dir(const Paths *paths, const char *guest) {
        g_autofree char *dir_path = store_run_path(paths, guest, NULL);
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        const char *file;

        while (dir && (file = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(dir_path, file, NULL);

                unlink(path);
        }
        rmdir(dir_path);
}

int store_write_status(const Paths *paths, const char *guest, const char *text, Err *err) {
        g_autofree char *path = store_run_path(paths, guest, "status.json");

        return file_write_atomic(path, text, strlen(text), err);
}

int store_each_status(const Paths *paths, StoreFunc func, void *userdata, Err *err) {
        g_autofree char *dir_path = g_build_filename(paths->run_dir, "guests", NULL);
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = store_run_path(paths, name, "status.json");
                g_autofree char *text = NULL;
                g_auto(Err) problem = ERR_INIT;
                int r = file_read(path, CONFIG_FILE_MAX, &text, NULL, &problem);

                if (err_is_set(&problem))
                        log_err(&problem, "cannot read the status of guest '%s'", name);
                else
                        func(name, r < 0 ? "" : text, false, userdata);
        }
        return 0;
}
