/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/object-store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

char *object_config_path(const Manager *manager, const char *kind, const char *name) {
        return g_strdup_printf("%s/%s/%s.xml", manager->paths.config_dir, kind, name);
}

char *object_autostart_path(const Manager *manager, const char *kind, const char *name) {
        return g_strdup_printf("%s/%s/autostart/%s.xml", manager->paths.config_dir, kind, name);
}

char *object_run_path(const Manager *manager, const char *kind, const char *name,
                      const char *ending) {
        return g_strdup_printf("%s/%s/%s.%s", manager->paths.run_dir, kind, name, ending);
}

int object_write_file(const char *path, const char *text, Err *err) {
        g_autofree char *dir = g_path_get_dirname(path);
        int r = file_mkdir_p(dir, 0755, err);

        return r < 0 ? r : file_write_atomic(path, text, strlen(text), err);
}

bool object_has_autostart(const Manager *manager, const char *kind, const char *name) {
        g_autofree char *link = object_autostart_path(manager, kind, name);

        return g_file_test(link, G_FILE_TEST_IS_SYMLINK);
}

int object_set_autostart(const Manager *manager, const char *kind, const char *name, bool autostart,
                         Err *err) {
        g_autofree char *link = object_autostart_path(manager, kind, name);
        g_autofree char *dir = g_path_get_dirname(link);
        g_autofree char *target = g_strdup_printf("../%s.xml", name);
        int r = autostart ? file_mkdir_p(dir, 0700, err) : file_remove(link, err);

        if (r < 0)
                return r;
        if (autostart && symlink(target, link) < 0 && errno != EEXIST)
                return fail_errno(err, neg_errno(), "cannot mark '%s' for autostart", name);
        return 0;
}

void object_each_file(Manager *manager, const char *parent, const char *kind, ObjectFunc func) {
        g_autofree char *path = g_build_filename(parent, kind, NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                if (g_str_has_suffix(name, ".xml"))
                        func(manager, file);
        }
}
