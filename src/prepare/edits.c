/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/edits.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/util.h"

static void edit_free(gpointer data) {
        Edit *edit = data;

        g_free(edit->path);
        g_free(edit->before);
        if (edit->text)
                g_string_free(edit->text, TRUE);
        g_free(edit);
}

void edits_init(Edits *edits, const Sys *sys) {
        edits->sys = sys;
        edits->files = g_ptr_array_new_with_free_func(edit_free);
}

void edits_done(Edits *edits) {
        g_clear_pointer(&edits->files, g_ptr_array_unref);
}

/* Where the file is or will be; the directory may be a link too, or be made later. */
static char *real_path(const Sys *sys, const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);
        g_autofree char *name = g_path_get_basename(path);
        g_autofree char *real = NULL;

        if (sys_realpath(sys, path, &real) == 0)
                return g_steal_pointer(&real);
        if (sys_realpath(sys, dir, &real) == 0)
                return g_build_filename(real, name, NULL);
        return g_strdup(path);
}

/* A link to /dev/null is how a file is masked: what stands there would be replaced as a file, so
 * nothing but files is taken, and no link that leads nowhere. */
static int check_is_file(const Sys *sys, const char *path, Err *err) {
        g_autofree char *target = NULL;
        _cleanup_(closep) int fd = sys_open(sys, path, O_PATH);
        struct stat st;

        if (fd < 0 && sys_readlink(sys, path, &target) < 0)
                return 0;
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "/%s is no regular file, or a link that leads nowhere", path),
                         "a link to /dev/null masks a file: take the link away first");
}

static int read_file(const Sys *sys, Edit *edit, Err *err) {
        g_autofree char *text = NULL;
        size_t size;
        int r = check_is_file(sys, edit->path, err);

        if (r < 0)
                return r;
        r = sys_read(sys, edit->path, &text, &size);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return fail_errno(err, r, "cannot read /%s", edit->path);
        if (size > EDIT_FILE_MAX || strlen(text) != size)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "/%s is no text of less than %u KiB: it is not a configuration file",
                            edit->path, EDIT_FILE_MAX >> 10);
        edit->text = g_string_new_len(text, (gssize)size);
        edit->before = g_steal_pointer(&text);
        return 0;
}

int edits_open(Edits *edits, const char *path, Edit **ret, Err *err) {
        g_autofree char *real = real_path(edits->sys, path);
        Edit *edit;
        int r;

        for (guint i = 0; i < edits->files->len; i++) {
                edit = g_ptr_array_index(edits->files, i);
                if (g_str_equal(edit->path, real)) {
                        *ret = edit;
                        return 0;
                }
        }
        edit = g_new0(Edit, 1);
        edit->path = g_steal_pointer(&real);
        edit->mode = 0644;
        r = read_file(edits->sys, edit, err);
        if (r < 0) {
                edit_free(edit);
                return r;
        }
        g_ptr_array_add(edits->files, edit);
        *ret = edit;
        return 0;
}

int edits_set(Edits *edits, const char *path, const char *text, unsigned mode, Err *err) {
        Edit *edit;
        int r = edits_open(edits, path, &edit, err);

        if (r < 0)
                return r;
        if (edit->text)
                g_string_free(edit->text, TRUE);
        edit->text = text ? g_string_new(text) : NULL;
        edit->mode = mode;
        return 0;
}

bool edit_is_changed(const Edit *edit) {
        return g_strcmp0(edit->before, edit->text ? edit->text->str : NULL) != 0;
}
