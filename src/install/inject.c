/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/inject.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"

#define CPIO_ALIGN   4
#define CPIO_TRAILER "TRAILER!!!"
#define CPIO_FILE    0100000u
#define FILE_MAX     (256u << 20)

static void pad(GByteArray *archive) {
        static const guint8 zeros[CPIO_ALIGN];

        g_byte_array_append(archive, zeros, (CPIO_ALIGN - archive->len % CPIO_ALIGN) % CPIO_ALIGN);
}

/* The header: magic, then thirteen numbers of eight hexadecimal digits: inode, mode, uid, gid,
 * links, time, size, four of devices, length of the name with its NUL, and a sum that is not used.
 */
static void add_entry(GByteArray *archive, unsigned inode, unsigned mode, const char *name,
                      const char *data, size_t size) {
        g_autofree char *header = g_strdup_printf(
                "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", inode, mode, 0u, 0u,
                1u, 0u, size, 0u, 0u, 0u, 0u, strlen(name) + 1, 0u);

        g_byte_array_append(archive, (const guint8 *)header, (guint)strlen(header));
        g_byte_array_append(archive, (const guint8 *)name, (guint)strlen(name) + 1);
        pad(archive);
        g_byte_array_append(archive, (const guint8 *)data, (guint)size);
        pad(archive);
}

int inject_add(GByteArray *archive, const char *path, Err *err) {
        g_autofree char *name = g_path_get_basename(path);
        g_autofree char *data = NULL;
        struct stat st;
        size_t size;
        int r;

        r = file_read(path, FILE_MAX, &data, &size, err);
        if (r < 0 && !err_is_set(err))
                return fail_errno(err, r, "--initrd-inject %s", path);
        if (r < 0)
                return r;
        if (stat(path, &st) < 0)
                return fail_errno(err, neg_errno(), "--initrd-inject %s", path);
        add_entry(archive, archive->len + 1, CPIO_FILE | (st.st_mode & 0777), name, data, size);
        return 0;
}

void inject_end(GByteArray *archive) {
        add_entry(archive, 0, 0, CPIO_TRAILER, "", 0);
}

/* An archive begins where the initrd's length is a multiple of four. */
static int append(const char *initrd, const GByteArray *archive, Err *err) {
        FILE *file = fopen(initrd, "r+e");
        bool whole;
        long size;

        if (!file)
                return fail_errno(err, neg_errno(), "cannot write '%s'", initrd);
        whole = fseek(file, 0, SEEK_END) == 0;
        size = ftell(file);
        for (; whole && size % CPIO_ALIGN != 0; size++)
                whole = fputc('\0', file) == 0;
        whole = whole && fwrite(archive->data, 1, archive->len, file) == archive->len;
        whole = fclose(file) == 0 && whole;
        return whole ? 0 : fail_errno(err, neg_errno(), "cannot write '%s'", initrd);
}

int inject_files(const char *initrd, char *const *paths, Err *err) {
        g_autoptr(GByteArray) archive = g_byte_array_new();
        int r = 0;

        if (!*paths)
                return 0;
        for (; r >= 0 && *paths; paths++)
                r = inject_add(archive, *paths, err);
        if (r < 0)
                return r;
        inject_end(archive);
        return append(initrd, archive, err);
}
