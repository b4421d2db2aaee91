/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtiofsd, the program that serves a directory of the host to the guest. */
#include "daemon/vm-kind.h"

#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/util.h"
#include "daemon/vm-sidecar.h"

#define DESCRIPTION_MAX (64u << 10)

/* ---- which program ---- */

/* The program of a description (QEMU's docs/interop/vhost-user.json), if it serves file systems. */
static char *read_description(const char *path) {
        g_autofree char *text = NULL;
        const char *binary = NULL, *type = NULL;
        char *found = NULL;
        json_t *whole;
        size_t size;

        if (file_read(path, DESCRIPTION_MAX, &text, &size, NULL) < 0)
                return NULL;
        whole = json_loadb(text, size, 0, NULL);
        json_unpack(whole, "{s:s, s:s}", "binary", &binary, "type", &type);
        if (binary && g_strcmp0(type, "fs") == 0 && access(binary, X_OK) == 0)
                found = g_strdup(binary);
        json_decref(whole);
        return found;
}

static int compare_names(gconstpointer a, gconstpointer b) {
        return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* The first by name, as QEMU's other users choose. */
static char *find_described(const char *directory) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
        char *found = NULL;
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (g_str_has_suffix(name, ".json"))
                        g_ptr_array_add(names, g_build_filename(directory, name, NULL));
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len && !found; i++)
                found = read_description(names->pdata[i]);
        return found;
}

static char *find_program(const DomainFilesystem *fs) {
        static const char *const usual[] = {
                "/usr/libexec/virtiofsd",
                "/usr/lib/qemu/virtiofsd",
                NULL,
        };
        const char *path = vm_sidecar_find_program(usual);
        char *found = g_strdup(fs->binary.path);

        if (!found)
                found = find_described("/etc/qemu/vhost-user");
        if (!found)
                found = find_described("/usr/share/qemu/vhost-user");
        return found ? found : g_strdup(path ? path : usual[0]);
}

/* ---- what it is told ---- */

static void add_switch(GString *options, DomainSwitch value, const char *on, const char *off) {
        if (value)
                g_string_append_printf(options, ",%s", value == DOMAIN_SWITCH_ON ? on : off);
}

/* These are understood by QEMU's own virtiofsd (up to 7.2) and by the one of its own project. */
static char *build_options(const DomainFilesystem *fs) {
        static const char *const caches[] = {NULL, "none", "always"};
        static const char *const sandboxes[] = {NULL, "namespace", "chroot"};
        GString *options = g_string_new(NULL);

        g_string_append_printf(options, "source=%s", fs->source.dir);
        if (fs->binary.cache.mode)
                g_string_append_printf(options, ",cache=%s", caches[fs->binary.cache.mode]);
        if (fs->binary.sandbox.mode)
                g_string_append_printf(options, ",sandbox=%s", sandboxes[fs->binary.sandbox.mode]);
        add_switch(options, fs->binary.xattr, "xattr", "no_xattr");
        add_switch(options, fs->binary.lock.flock, "flock", "no_flock");
        add_switch(options, fs->binary.lock.posix, "posix_lock", "no_posix_lock");
        return g_string_free(options, FALSE);
}

static void add_maps(GPtrArray *argv, const char *option, const GPtrArray *maps) {
        for (guint i = 0; maps && i < maps->len; i++) {
                const FsIdMap *map = maps->pdata[i];

                g_ptr_array_add(argv, g_strdup_printf("--%s=:%u:%u:%u:", option,
                                                      (unsigned)map->start.value,
                                                      (unsigned)map->target.value,
                                                      (unsigned)map->count.value));
        }
}

static GPtrArray *build_argv(const DomainFilesystem *fs) {
        GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

        g_ptr_array_add(argv, find_program(fs));
        g_ptr_array_add(argv, g_strdup("--fd=" SIDECAR_FD));
        g_ptr_array_add(argv, g_strdup("-o"));
        g_ptr_array_add(argv, build_options(fs));
        if (fs->binary.thread_pool.node.is_present)
                g_ptr_array_add(argv, g_strdup_printf("--thread-pool-size=%u",
                                                      (unsigned)fs->binary.thread_pool.size.value));
        if (fs->binary.openfiles.node.is_present)
                g_ptr_array_add(argv, g_strdup_printf("--rlimit-nofile=%u",
                                                      (unsigned)fs->binary.openfiles.max.value));
        add_maps(argv, "uid-map", fs->idmap.uids);
        add_maps(argv, "gid-map", fs->idmap.gids);
        g_ptr_array_add(argv, NULL);
        return argv;
}

/* ---- the kind ---- */

static bool is_ours(const DomainDevice *device) {
        const DomainFilesystem *fs = (const DomainFilesystem *)device;

        return fs->driver.type == FS_DRIVER_VIRTIOFS && !fs->source.socket;
}

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        const DomainFilesystem *fs = (const DomainFilesystem *)device;
        struct stat status;

        if (!fs->source.dir)
                return 0;
        if (stat(fs->source.dir, &status) < 0)
                return fail_errno(err, neg_errno(), "filesystem %s: cannot access '%s'",
                                  fs->target.dir, fs->source.dir);
        if (!S_ISDIR(status.st_mode))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "filesystem %s: '%s' is no directory",
                            fs->target.dir, fs->source.dir);
        return 0;
}

static int plan(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device, Err *err) {
        g_autoptr(GPtrArray) argv = NULL;
        g_autofree char *socket = NULL;

        if (!is_ours(device))
                return 0;
        argv = build_argv((const DomainFilesystem *)device);
        socket = vm_sidecar_path(vm, device->alias.name, "sock");
        vm_sidecar_add_step(vm, plan,
                            &(SidecarSpec){
                                    .alias = device->alias.name,
                                    .what = "virtiofs server",
                                    .argv = (char *const *)argv->pdata,
                                    .hint = "install virtiofsd, or name it in <binary path=…>",
                                    .socket = socket,
                            });
        return 0;
}

static void release(Vm *vm, const DomainDevice *device) {
        if (is_ours(device))
                vm_sidecar_end(vm, device->alias.name);
}

const VmKind vm_filesystem_kind = {
        .fill = fill,
        .plan = plan,
        .release = release,
};
