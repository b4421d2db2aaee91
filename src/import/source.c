/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "import/object.h"

#define ETC "etc/libvirt"

/* ---- files ---- */

static int read_whole(int fd, char *data, size_t size, size_t *ret) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, data + done, size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return neg_errno();
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        data[done] = '\0';
        *ret = done;
        return 0;
}

int import_read_file(const Sys *sys, const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_(closep) int fd = sys_open(sys, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        g_autofree char *data = NULL;
        struct stat st;
        size_t size = 0;
        int r;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return neg_errno();
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if ((uint64_t)st.st_size > max)
                return -EFBIG;
        data = g_malloc((size_t)st.st_size + 1);
        r = read_whole(fd, data, (size_t)st.st_size, &size);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&data);
        if (ret_size)
                *ret_size = size;
        return 0;
}

/* ---- what starts with the host ---- */

/* A unit that is masked is not started, whoever wants it. */
static bool is_masked(const Sys *host, const char *unit) {
        g_autofree char *path = g_build_filename("etc/systemd/system", unit, NULL);
        g_autofree char *target = NULL;

        return sys_readlink(host, path, &target) == 0 && g_str_equal(target, "/dev/null");
}

char *import_boot_unit(const Sys *host, const char *const *daemons) {
        static const char *const places[][2] = {
                {"etc/systemd/system/multi-user.target.wants", ".service"},
                {"etc/systemd/system/sockets.target.wants", ".socket"},
                {"etc/runlevels/default", ""}, /* OpenRC */
        };

        for (; *daemons; daemons++)
                for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
                        g_autofree char *unit = g_strconcat(*daemons, places[i][1], NULL);
                        g_autofree char *path = g_build_filename(places[i][0], unit, NULL);

                        if (sys_exists(host, path) && !is_masked(host, unit))
                                return g_steal_pointer(&unit);
                }
        return NULL;
}

/* ---- the whole ---- */

/* A directory that was named is one of this machine, whatever the root. */
static int open_etc(const ImportPlace *place, ImportSource *source, Err *err) {
        g_auto(GStrv) names = NULL;
        int r = sys_new(place->from ? NULL : place->root, &source->etc);

        source->etc_path = place->from
                                   ? g_canonicalize_filename(place->from, NULL)
                                   : g_build_filename(place->root ? place->root : "/", ETC, NULL);
        source->etc_dir = g_strdup(place->from ? source->etc_path + 1 : ETC);
        if (r == 0)
                r = sys_list(source->etc, source->etc_dir, &names);
        if (r == 0)
                return 0;
        return fail_hint(
                err, fail_errno(err, r, "cannot read libvirt's directory '%s'", source->etc_path),
                r == -EACCES ? "run it as root"
                             : "name the one that has libvirt's files: --from DIRECTORY");
}

int import_source_open(const ImportPlace *place, ImportSource **ret, Err *err) {
        g_autoptr(ImportSource) source = g_new0(ImportSource, 1);
        int r = sys_new(place->root, &source->host);

        source->objects = g_ptr_array_new_with_free_func((GDestroyNotify)import_object_free);
        if (r < 0)
                return fail_errno(err, r, "cannot open '%s'", place->root ? place->root : "/");
        r = open_etc(place, source, err);
        for (ImportKind kind = 0; r == 0 && kind < _IMPORT_KIND_MAX; kind++)
                r = import_objects_read(source, kind, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&source);
        return 0;
}

void import_source_free(ImportSource *source) {
        if (!source)
                return;
        g_clear_pointer(&source->objects, g_ptr_array_unref);
        sys_free(source->etc);
        sys_free(source->host);
        g_free(source->etc_dir);
        g_free(source->etc_path);
        g_free(source);
}
