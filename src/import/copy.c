/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import/copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "import/source.h"

#define DIR_FILES_MAX 64 /* a TPM has some five */

/* What swtpm keeps, by the version that the TPM has. */
static const char *const parts[] = {"tpm2", "tpm1.2"};

void import_copy_free(ImportCopy *copy) {
        g_free(copy->from);
        g_free(copy->to);
        g_free(copy);
}

/* ---- one file ---- */

/* A path as the host's Sys takes it. */
static const char *below(const char *path) {
        return path + strspn(path, "/");
}

static int read_source(const Sys *host, const char *path, char **ret, size_t *ret_size, Err *err) {
        int r = import_read_file(host, below(path), IMPORT_FILE_MAX, ret, ret_size);

        return r == 0 || r == -ENOENT ? r : fail_errno(err, r, "cannot read '%s'", path);
}

static int judge_file(const Sys *host, const char *from, const char *to, ImportCopyState *ret,
                      Err *err) {
        g_autofree char *old = NULL, *new = NULL;
        size_t old_size, new_size;
        int r = read_source(host, from, &old, &old_size, err);

        *ret = IMPORT_COPY_MISSING;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = file_read(to, IMPORT_FILE_MAX, &new, &new_size, err);
        *ret = r == -ENOENT ? IMPORT_COPY_WANTED : IMPORT_COPY_DONE;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (old_size == new_size && memcmp(old, new, old_size) == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED,
                              "'%s' is there already and differs from '%s'", to, from),
                         "it may be of an earlier guest of that name: move it away");
}

static int copy_file(const Sys *host, const char *from, const char *to, Err *err) {
        g_autofree char *data = NULL;
        size_t size;
        int r = read_source(host, from, &data, &size, err);

        if (r < 0)
                return r == -ENOENT ? fail_errno(err, r, "cannot read '%s'", from) : r;
        return file_write_atomic(to, data, size, err);
}

/* ---- a directory of directories ---- */

typedef int (*FileFunc)(const Sys *host, const char *from, const char *to, void *userdata,
                        Err *err);

static bool is_regular(const Sys *host, const char *path) {
        g_autofree char *data = NULL;

        return import_read_file(host, below(path), IMPORT_FILE_MAX, &data, NULL) != -EINVAL;
}

/* Sockets and locks that lie beside the files are none of them. */
static int each_file(const Sys *host, const ImportCopy *copy, FileFunc func, void *userdata,
                     Err *err) {
        unsigned n = 0;
        int r = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                g_autofree char *dir = g_build_filename(copy->from, parts[i], NULL);
                g_auto(GStrv) names = NULL;

                if (sys_list(host, below(dir), &names) < 0)
                        continue;
                STRV_FOREACH(name, names) {
                        g_autofree char *from = g_build_filename(dir, name, NULL);
                        g_autofree char *to = g_build_filename(copy->to, parts[i], name, NULL);

                        if (name[0] == '.' || !is_regular(host, from))
                                continue;
                        if (++n > DIR_FILES_MAX)
                                return fail(err, VIR_ERR_OPERATION_FAILED,
                                            "there are more than %d files below '%s'",
                                            DIR_FILES_MAX, copy->from);
                        r = func(host, from, to, userdata, err);
                        if (r < 0)
                                return r;
                }
        }
        return r;
}

static int judge_one(const Sys *host, const char *from, const char *to, void *userdata, Err *err) {
        ImportCopyState *worst = userdata, state;
        int r = judge_file(host, from, to, &state, err);

        if (r == 0 && *worst != IMPORT_COPY_WANTED)
                *worst = state;
        return r;
}

static int copy_one(const Sys *host, const char *from, const char *to, void *userdata, Err *err) {
        g_autofree char *dir = g_path_get_dirname(to);
        int r = file_mkdir_p(dir, 0700, err);

        return r < 0 ? r : copy_file(host, from, to, err);
}

static int remove_one(const Sys *host, const char *from, const char *to, void *userdata, Err *err) {
        unlink(to);
        return 0;
}

static void remove_dir(const Sys *host, const ImportCopy *copy) {
        g_auto(Err) ignored = ERR_INIT;

        each_file(host, copy, remove_one, NULL, &ignored);
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                g_autofree char *dir = g_build_filename(copy->to, parts[i], NULL);

                rmdir(dir);
        }
        rmdir(copy->to);
}

/* Under another name until it is whole. */
static int copy_dir(const Sys *host, const ImportCopy *copy, Err *err) {
        g_autofree char *partial = g_strconcat(copy->to, ".partial", NULL);
        const ImportCopy first = {copy->what, copy->from, partial, true};
        int r;

        remove_dir(host, &first);
        r = each_file(host, &first, copy_one, NULL, err);
        if (r == 0 && rename(partial, copy->to) < 0)
                r = fail_errno(err, neg_errno(), "cannot make '%s'", copy->to);
        if (r < 0)
                remove_dir(host, &first);
        else
                file_sync_parent(copy->to);
        return r;
}

/* ---- both ---- */

int import_copy_judge(const Sys *host, const ImportCopy *copy, ImportCopyState *ret, Err *err) {
        if (!copy->is_dir)
                return judge_file(host, copy->from, copy->to, ret, err);
        *ret = IMPORT_COPY_MISSING;
        return each_file(host, copy, judge_one, ret, err);
}

int import_copy_make(const Sys *host, const ImportCopy *copy, Err *err) {
        g_autofree char *dir = g_path_get_dirname(copy->to);
        int r = file_mkdir_p(dir, 0700, err);

        if (r < 0)
                return r;
        return copy->is_dir ? copy_dir(host, copy, err)
                            : copy_file(host, copy->from, copy->to, err);
}

void import_copy_undo(const Sys *host, const ImportCopy *copy) {
        if (copy->is_dir)
                remove_dir(host, copy);
        else
                unlink(copy->to);
}
