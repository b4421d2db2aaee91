/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an install tree says of itself in its .treeinfo (the format of Fedora, RHEL and their kin:
 * sections in brackets, "key = value" lines). */

#include <glib.h>

#include "base/err.h"

/* Longest .treeinfo that is read. */
#define TREE_INFO_MAX (1u << 20)

typedef struct TreeInfo {
        char *family;  /* "Red Hat Enterprise Linux"; NULL as any: it does not say */
        char *version; /* "7.0" */
        char *arch;    /* "x86_64" */
        char *kernel;  /* below the tree's root */
        char *initrd;
        GHashTable *sha256; /* path to sum, both text */
} TreeInfo;

/* arch: whose kernel is wanted. Refuses text that is no .treeinfo, and paths that leave the tree.
 */
int tree_info_parse(const char *text, const char *arch, TreeInfo **ret, Err *err);
void tree_info_free(TreeInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TreeInfo, tree_info_free)

/* The sum of a file; NULL: the tree does not say. */
const char *tree_info_sha256(const TreeInfo *info, const char *path);

/* Where trees without a .treeinfo keep kernel and initrd: pairs, ended by NULL. */
extern const char *const tree_known_kernels[][2];
