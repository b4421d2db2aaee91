/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/tree.h"

#include <string.h>

#include "base/util.h"

#define SHA256_PREFIX "sha256:"
#define SHA256_LENGTH 64

const char *const tree_known_kernels[][2] = {
        {"images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"},
        {"current/images/netboot/debian-installer/amd64/linux",
         "current/images/netboot/debian-installer/amd64/initrd.gz"},
        {"install.amd/vmlinuz", "install.amd/initrd.gz"},
        {"boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"},
        {"casper/vmlinuz", "casper/initrd"},
        {"live/vmlinuz", "live/initrd.img"},
        {NULL, NULL},
};

void tree_info_free(TreeInfo *info) {
        if (!info)
                return;
        g_free(info->family);
        g_free(info->version);
        g_free(info->arch);
        g_free(info->kernel);
        g_free(info->initrd);
        g_hash_table_unref(info->sha256);
        g_free(info);
}

const char *tree_info_sha256(const TreeInfo *info, const char *path) {
        return g_hash_table_lookup(info->sha256, path);
}

static void replace(char **to, const char *value) {
        g_free(*to);
        *to = g_strdup(value);
}

static void take_sum(TreeInfo *info, const char *path, const char *value) {
        if (g_str_has_prefix(value, SHA256_PREFIX) &&
            strlen(value) == strlen(SHA256_PREFIX) + SHA256_LENGTH)
                g_hash_table_replace(info->sha256, g_strdup(path),
                                     g_strdup(value + strlen(SHA256_PREFIX)));
}

/* One line of a section. images: the section of the arch that is wanted. */
static void take_line(TreeInfo *info, const char *section, const char *images, const char *key,
                      const char *value) {
        const struct {
                const char *section, *key;
                char **to;
        } wanted[] = {
                {"general", "family", &info->family}, {"general", "version", &info->version},
                {"general", "arch", &info->arch},     {images, "kernel", &info->kernel},
                {images, "initrd", &info->initrd},
        };

        if (g_str_equal(section, "checksums"))
                take_sum(info, key, value);
        for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
                if (*value && g_str_equal(section, wanted[i].section) &&
                    g_str_equal(key, wanted[i].key))
                        replace(wanted[i].to, value);
}

/* A tree's file is in the tree. */
static int check_path(const char *path, Err *err) {
        g_auto(GStrv) steps = path ? g_strsplit(path, "/", -1) : NULL;

        /* It is shown on terminals. */
        for (const char *p = path; p && *p; p++)
                if (g_ascii_iscntrl(*p))
                        return fail(err, VIR_ERR_OPERATION_FAILED,
                                    "the tree's .treeinfo names a file with a control character");
        if (path && *path == '/')
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "the tree's .treeinfo names a file '%s' "
                            "outside of the tree",
                            path);
        STRV_FOREACH(step, steps)
                if (g_str_equal(step, ".."))
                        return fail(err, VIR_ERR_OPERATION_FAILED,
                                    "the tree's .treeinfo names a file '%s' "
                                    "outside of the tree",
                                    path);
        return 0;
}

static void parse_lines(TreeInfo *info, char **lines, const char *images) {
        g_autofree char *section = g_strdup("");

        STRV_FOREACH(raw, lines) {
                char *line = g_strstrip(raw);
                size_t length = strlen(line);
                char *equals = strpbrk(line, "=:");

                if (*line == '#' || *line == ';')
                        continue;
                if (*line == '[' && line[length - 1] == ']') {
                        line[length - 1] = '\0';
                        replace(&section, line + 1);
                } else if (equals) {
                        *equals = '\0';
                        take_line(info, section, images, g_strstrip(line), g_strstrip(equals + 1));
                }
        }
}

int tree_info_parse(const char *text, const char *arch, TreeInfo **ret, Err *err) {
        g_autoptr(TreeInfo) info = g_new0(TreeInfo, 1);
        g_autofree char *images = g_strdup_printf("images-%s", arch);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        int r;

        info->sha256 = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        parse_lines(info, lines, images);
        if (!info->family && !info->kernel)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "the tree's .treeinfo names neither a system nor a kernel");
        r = check_path(info->kernel, err);
        if (r >= 0)
                r = check_path(info->initrd, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&info);
        return 0;
}
