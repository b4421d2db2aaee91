/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/guard.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>

#include "base/util.h"

static void hit_free(void *data) {
        GuardHit *hit = data;

        g_free(hit->owner);
        g_free(hit->text);
        g_free(hit->way_out);
        g_free(hit);
}

GPtrArray *guard_hits_new(void) {
        return g_ptr_array_new_with_free_func(hit_free);
}

static GuardHit *add_hit(GPtrArray *hits, const char *owner, const char *format, ...)
        G_GNUC_PRINTF(3, 4);
static GuardHit *add_hit(GPtrArray *hits, const char *owner, const char *format, ...) {
        GuardHit *hit = g_new0(GuardHit, 1);
        va_list ap;

        va_start(ap, format);
        hit->text = g_strdup_vprintf(format, ap);
        va_end(ap);
        hit->owner = g_strdup(owner);
        g_ptr_array_add(hits, hit);
        return hit;
}

/* What is absent is not in use: *ret is "" then. */
static int read_optional(const Sys *sys, const char *path, char **ret, Err *err) {
        int r = sys_read(sys, path, ret, NULL);

        if (r == -ENOENT) {
                *ret = g_strdup("");
                return 0;
        }
        return r < 0 ? fail_errno(err, r, "cannot read /%s", path) : 0;
}

static int list_optional(const Sys *sys, const char *path, char ***ret, Err *err) {
        int r = sys_list(sys, path, ret);

        if (r == -ENOENT || r == -ENOTDIR) {
                *ret = g_new0(char *, 1);
                return 0;
        }
        return r < 0 ? fail_errno(err, r, "cannot list /%s", path) : 0;
}

/* True when the entry of sysfs is, or lies below, the directory path. */
static bool is_below(const Sys *sys, const char *entry, const char *path) {
        g_autofree char *real = NULL;
        size_t n = strlen(path);

        if (sys_realpath(sys, entry, &real) < 0)
                return false;
        return strncmp(real, path, n) == 0 && (real[n] == '/' || real[n] == '\0');
}

/* What a function carries: block devices or network interfaces, each with the one below it. */

typedef struct Carried {
        char *name;
        char *below; /* NULL: the function itself */
} Carried;

static void carried_free(void *data) {
        Carried *carried = data;

        g_free(carried->name);
        g_free(carried->below);
        g_free(carried);
}

static const Carried *carried_at(const GPtrArray *list, unsigned i) {
        return list->pdata[i];
}

static const Carried *carried_find(const GPtrArray *list, const char *name) {
        for (unsigned i = 0; i < list->len; i++)
                if (strcmp(carried_at(list, i)->name, name) == 0)
                        return carried_at(list, i);
        return NULL;
}

static void carry(GPtrArray *list, const char *name, const char *below) {
        Carried *carried;

        if (carried_find(list, name))
                return;
        carried = g_new0(Carried, 1);
        carried->name = g_strdup(name);
        carried->below = g_strdup(below);
        g_ptr_array_add(list, carried);
}

static GPtrArray *carried_names(const GPtrArray *list) {
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; i < list->len; i++)
                g_ptr_array_add(names, g_strdup(carried_at(list, i)->name));
        return names;
}

/* All entries of a class that lie below the directory path. */
static int carry_class(const Sys *sys, const char *class, const char *path, const char *below,
                       GPtrArray *list, Err *err) {
        g_autofree char *dir = g_build_filename("sys/class", class, NULL);
        g_auto(GStrv) names = NULL;
        int r = list_optional(sys, dir, &names, err);

        if (r < 0)
                return r;
        STRV_FOREACH(name, names) {
                g_autofree char *entry = g_build_filename(dir, *name ? name : ".", NULL);

                if (is_below(sys, entry, path))
                        carry(list, name, below);
        }
        return 0;
}

/* The hidden "nvme1c2n3" is path 2 to the disk "nvme1n3", which lives below no PCI function at all
 * (drivers/nvme/host/multipath.c). NULL: the name is of another form. */
static char *multipath_disk(const char *name) {
        const char *path = strchr(name, 'c');
        const char *disk = path ? strchr(path, 'n') : NULL;

        if (!g_str_has_prefix(name, "nvme") || !disk)
                return NULL;
        return g_strdup_printf("%.*s%s", (int)(path - name), name, disk);
}

/* What lies on the block device: its multipath disk, its partitions and its holders. */
static int carry_above_block(const Sys *sys, const char *name, GPtrArray *list, Err *err) {
        g_autofree char *entry = g_build_filename("sys/class/block", name, NULL);
        g_autofree char *dir = g_build_filename(entry, "holders", NULL);
        g_autofree char *disk = multipath_disk(name);
        g_autofree char *real = NULL;
        g_auto(GStrv) holders = NULL;
        int r;

        if (disk)
                carry(list, disk, name);
        if (sys_realpath(sys, entry, &real) == 0) {
                r = carry_class(sys, "block", real, name, list, err);
                if (r < 0)
                        return r;
        }
        r = list_optional(sys, dir, &holders, err);
        if (r < 0)
                return r;
        STRV_FOREACH(holder, holders)
                carry(list, holder, name);
        return 0;
}

static int carry_blocks(const Sys *sys, const PciDevice *dev, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(carried_free);
        int r = carry_class(sys, "block", dev->path, NULL, list, err);

        for (unsigned i = 0; r == 0 && i < list->len; i++) {
                g_autofree char *name = g_strdup(carried_at(list, i)->name);

                r = carry_above_block(sys, name, list, err);
        }
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&list);
        return 0;
}

int guard_block_devices(const Sys *sys, const PciDevice *dev, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) list = NULL;
        int r = carry_blocks(sys, dev, &list, err);

        if (r == 0)
                *ret = carried_names(list);
        return r;
}

static int carry_interfaces(const Sys *sys, const PciDevice *dev, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(carried_free);
        int r = carry_class(sys, "net", dev->path, NULL, list, err);

        for (unsigned i = 0; r == 0 && i < list->len; i++) {
                g_autofree char *name = g_strdup(carried_at(list, i)->name);
                g_autofree char *dir = g_build_filename("sys/class/net", name, NULL);
                g_auto(GStrv) entries = NULL;

                r = list_optional(sys, dir, &entries, err);
                STRV_FOREACH(entry, entries)
                        if (g_str_has_prefix(entry, "upper_"))
                                carry(list, entry + strlen("upper_"), name);
        }
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&list);
        return 0;
}

int guard_interfaces(const Sys *sys, const PciDevice *dev, GPtrArray **ret, Err *err) {
        g_autoptr(GPtrArray) list = NULL;
        int r = carry_interfaces(sys, dev, &list, err);

        if (r == 0)
                *ret = carried_names(list);
        return r;
}

/* Disks. */

/* "/dev/mapper/vg-root on nvme0n1p3 on nvme0n1": what stands on what, down to the function. */
static char *block_chain(const Sys *sys, const GPtrArray *list, const Carried *block) {
        g_autofree char *path = g_build_filename("sys/class/block", block->name, "dm/name", NULL);
        g_autofree char *mapper = NULL;
        g_autoptr(GString) text = g_string_new("/dev/");

        if (sys_read_text(sys, path, &mapper) == 0)
                g_string_append_printf(text, "mapper/%s", mapper);
        else
                g_string_append(text, block->name);
        for (const Carried *c = block; c && c->below; c = carried_find(list, c->below))
                g_string_append_printf(text, " on %s", c->below);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The block device that a line of mountinfo or swaps means, by number or by its node's name. */
static const Carried *block_of(const Sys *sys, const GPtrArray *list, const char *number,
                               const char *node) {
        g_autofree char *name = g_path_get_basename(node);

        for (unsigned i = 0; i < list->len; i++) {
                const Carried *block = carried_at(list, i);
                g_autofree char *dev =
                        g_build_filename("sys/class/block", block->name, "dev", NULL);
                g_autofree char *mapper =
                        g_build_filename("sys/class/block", block->name, "dm/name", NULL);
                g_autofree char *own = NULL, *dm = NULL;

                if (number && sys_read_text(sys, dev, &own) == 0 && strcmp(own, number) == 0)
                        return block;
                if (node[0] != '/')
                        continue;
                if (strcmp(name, block->name) == 0)
                        return block;
                if (sys_read_text(sys, mapper, &dm) == 0 && strcmp(name, dm) == 0)
                        return block;
        }
        return NULL;
}

/* A line of mountinfo (proc_pid_mountinfo(5)) in its parts, which the caller's strv owns. */
typedef struct Mount {
        const char *number, *point, *type, *source;
} Mount;

static bool mount_parse(char **fields, Mount *ret) {
        guint n = g_strv_length(fields), dash = 6;

        while (dash < n && strcmp(fields[dash], "-") != 0)
                dash++;
        if (dash + 2 >= n)
                return false;
        *ret = (Mount){.number = fields[2],
                       .point = fields[4],
                       .type = fields[dash + 1],
                       .source = fields[dash + 2]};
        return true;
}

static int read_mounts(const Sys *sys, char ***ret_lines, Err *err) {
        g_autofree char *text = NULL;
        int r = sys_read(sys, "proc/1/mountinfo", &text,
                         NULL); /* the host's, not a service's own */

        if (r < 0)
                r = read_optional(sys, "proc/self/mountinfo", &text, err);
        if (r == 0)
                *ret_lines = g_strsplit(text, "\n", 0);
        return r;
}

static void mount_hit(const Sys *sys, const GPtrArray *list, const Mount *mount, GPtrArray *hits) {
        const Carried *block = block_of(sys, list, mount->number, mount->source);
        g_autofree char *chain = NULL, *point = NULL;
        GuardHit *hit;

        if (!block)
                return;
        chain = block_chain(sys, list, block);
        point = g_strcompress(mount->point); /* a space is \040 */
        hit = add_hit(hits, point, "%s is mounted at %s (%s)", chain, point, mount->type);
        if (strcmp(point, "/") != 0)
                hit->way_out = g_strdup_printf("umount %s", point);
}

static int check_mounts(const Sys *sys, const GPtrArray *list, GPtrArray *hits, Err *err) {
        g_auto(GStrv) lines = NULL;
        int r = read_mounts(sys, &lines, err);

        if (r < 0)
                return r;
        STRV_FOREACH(line, lines) {
                g_auto(GStrv) fields = g_strsplit(line, " ", 0);
                Mount mount;

                if (mount_parse(fields, &mount))
                        mount_hit(sys, list, &mount, hits);
        }
        return 0;
}

static int check_swaps(const Sys *sys, const GPtrArray *list, GPtrArray *hits, Err *err) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        int r = read_optional(sys, "proc/swaps", &text, err);

        if (r < 0)
                return r;
        lines = g_strsplit(text, "\n", 0);
        STRV_FOREACH(line, lines) {
                g_autofree char *node = g_strndup(line, strcspn(line, " \t"));
                const Carried *block = *node == '/' ? block_of(sys, list, NULL, node) : NULL;
                g_autofree char *chain = block ? block_chain(sys, list, block) : NULL;

                if (block)
                        add_hit(hits, "swap", "%s is swap space", chain)->way_out =
                                g_strdup_printf("swapoff %s", node);
        }
        return 0;
}

/* dm, md and bcache show themselves as holders; nothing but a holder can be "on" another disk with
 * a name that is not a partition's. */
static int check_holders(const Sys *sys, const GPtrArray *list, GPtrArray *hits, Err *err) {
        static const struct {
                const char *file, *what;
        } kinds[] = {
                {"dm", "device mapper (LVM, LUKS or multipath)"},
                {"md", "MD RAID"},
                {"bcache", "bcache"},
        };

        for (unsigned i = 0; i < list->len; i++) {
                const Carried *block = carried_at(list, i);

                for (size_t j = 0; j < G_N_ELEMENTS(kinds) && block->below; j++) {
                        g_autofree char *path = g_build_filename("sys/class/block", block->name,
                                                                 kinds[j].file, NULL);
                        g_autofree char *chain = block_chain(sys, list, block);

                        if (sys_exists(sys, path))
                                add_hit(hits, block->name, "%s is in use: %s", chain,
                                        kinds[j].what);
                }
        }
        return 0;
}

/* Mounted where this process cannot see it: in a container, or below an overlay that became the
 * root. These file systems list the devices that they are on. */
static int check_hidden_mounts(const Sys *sys, const GPtrArray *list, GPtrArray *hits, Err *err) {
        static const char *const types[] = {"ext4", "xfs", "f2fs", "erofs", "jfs", "nilfs2"};
        unsigned n = hits->len;

        for (unsigned i = 0; i < list->len && n == 0; i++)
                for (size_t j = 0; j < G_N_ELEMENTS(types); j++) {
                        const Carried *block = carried_at(list, i);
                        g_autofree char *path =
                                g_build_filename("sys/fs", types[j], block->name, NULL);
                        g_autofree char *chain = block_chain(sys, list, block);

                        if (sys_exists(sys, path))
                                add_hit(hits, types[j],
                                        "%s is mounted where it cannot be seen from here (%s)",
                                        chain, types[j]);
                }
        return 0;
}

/* A file system over several disks shows one of them in mountinfo only, or none. */
static int check_btrfs(const Sys *sys, const GPtrArray *list, GPtrArray *hits, Err *err) {
        g_auto(GStrv) systems = NULL;
        int r = list_optional(sys, "sys/fs/btrfs", &systems, err);

        if (r < 0)
                return r;
        STRV_FOREACH(uuid, systems)
                for (unsigned i = 0; i < list->len; i++) {
                        const Carried *block = carried_at(list, i);
                        g_autofree char *path = g_build_filename("sys/fs/btrfs", uuid, "devices",
                                                                 block->name, NULL);
                        g_autofree char *chain = block_chain(sys, list, block);

                        if (sys_exists(sys, path))
                                add_hit(hits, uuid, "%s is part of the mounted btrfs %s", chain,
                                        uuid);
                }
        return 0;
}

/* ZFS opens its members without telling sysfs; udev's database knows what is on a disk. */
static int check_zfs(const Sys *sys, const GPtrArray *list, GPtrArray *hits, Err *err) {
        if (!sys_exists(sys, "sys/module/zfs"))
                return 0;
        for (unsigned i = 0; i < list->len; i++) {
                const Carried *block = carried_at(list, i);
                g_autofree char *dev =
                        g_build_filename("sys/class/block", block->name, "dev", NULL);
                g_autofree char *chain = block_chain(sys, list, block);
                g_autofree char *number = NULL, *path = NULL, *text = NULL;

                if (sys_read_text(sys, dev, &number) < 0)
                        continue;
                path = g_strdup_printf("run/udev/data/b%s", number);
                if (sys_read_text(sys, path, &text) == 0 && strstr(text, "ID_FS_TYPE=zfs_member"))
                        add_hit(hits, "zfs", "%s is a member of a ZFS pool", chain)->way_out =
                                g_strdup("zpool export");
        }
        return 0;
}

static int check_disks(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err) {
        static int (*const checks[])(const Sys *sys, const GPtrArray *list, GPtrArray *hits,
                                     Err *err) = {
                check_mounts,  check_hidden_mounts, check_swaps,
                check_holders, check_btrfs,         check_zfs,
        };
        g_autoptr(GPtrArray) list = NULL;
        int r = carry_blocks(sys, dev, &list, err);

        for (size_t i = 0; r == 0 && list->len > 0 && i < G_N_ELEMENTS(checks); i++)
                r = checks[i](sys, list, hits, err);
        return r;
}

/* A file system that a virtual machine gets from its own host through a virtio function. */

typedef struct Share {
        char *driver; /* of the virtio device; NULL: none */
        char *tag;    /* NULL: unknown */
} Share;

static void share_done(Share *share) {
        g_free(share->driver);
        g_free(share->tag);
}

static void share_load(const Sys *sys, const char *device, Share *ret) {
        g_autofree char *tag = g_build_filename(device, "mount_tag", NULL);
        g_autofree char *driver = g_build_filename(device, "driver", NULL);

        sys_readlink_name(sys, driver, &ret->driver);
        sys_read_text(sys, tag, &ret->tag);
}

/* virtiofs does not tell the tag of its device everywhere, so each of its mounts counts. */
static bool is_share_mounted(const Share *share, const Mount *mount) {
        if (strcmp(mount->type, "9p") == 0)
                return g_strcmp0(share->tag, mount->source) == 0;
        return strcmp(mount->type, "virtiofs") == 0 && strcmp(share->driver, "virtiofs") == 0;
}

/* The layers of an overlay on / are in no list of mounts. */
static void check_share(const Share *share, char **mount_lines, GPtrArray *hits) {
        const char *tag = share->tag ? share->tag : share->driver;
        unsigned before = hits->len;
        bool is_layered = false;

        STRV_FOREACH(line, mount_lines) {
                g_auto(GStrv) fields = g_strsplit(line, " ", 0);
                Mount mount;

                if (!mount_parse(fields, &mount))
                        continue;
                is_layered |= strcmp(mount.point, "/") == 0 && strcmp(mount.type, "overlay") == 0;
                if (is_share_mounted(share, &mount))
                        add_hit(hits, mount.point, "the share '%s' is mounted at %s (%s)", tag,
                                mount.point, mount.type);
        }
        if (hits->len == before && is_layered)
                add_hit(hits, "/",
                        "the share '%s' may be a layer of the overlay that is mounted at /", tag);
}

static int check_shares(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err) {
        static const char *const drivers[] = {"9pnet_virtio", "virtiofs", NULL};
        g_auto(GStrv) names = NULL, lines = NULL;
        int r = list_optional(sys, "sys/bus/virtio/devices", &names, err);

        if (r == 0)
                r = read_mounts(sys, &lines, err);
        if (r < 0)
                return r;
        STRV_FOREACH(name, names) {
                g_autofree char *device = g_build_filename("sys/bus/virtio/devices", name, NULL);
                _cleanup_(share_done) Share share = {};

                if (!is_below(sys, device, dev->path))
                        continue;
                share_load(sys, device, &share);
                if (share.driver && g_strv_contains(drivers, share.driver))
                        check_share(&share, lines, hits);
        }
        return 0;
}

/* Network. */

/* The interfaces with a default route: a set of names. */
static int default_routes(const Sys *sys, GHashTable **ret, Err *err) {
        g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        static const struct {
                const char *path, *destination, *mask;
                unsigned destination_at, mask_at, name_at;
        } tables[] = {
                {"proc/net/route", "00000000", "00000000", 1, 7, 0},
                {"proc/net/ipv6_route", "00000000000000000000000000000000", "00", 0, 1, 9},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autofree char *text = NULL;
                g_auto(GStrv) lines = NULL;
                int r = read_optional(sys, tables[i].path, &text, err);

                if (r < 0)
                        return r;
                lines = g_strsplit(text, "\n", 0);
                STRV_FOREACH(line, lines) {
                        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
                        g_auto(GStrv) all = g_strsplit_set(line, " \t", 0), fields = NULL;

                        STRV_FOREACH(field, all)
                                if (*field)
                                        g_strv_builder_add(builder, field);
                        fields = g_strv_builder_end(builder);
                        if (g_strv_length(fields) > MAX(tables[i].mask_at, tables[i].name_at) &&
                            strcmp(fields[tables[i].destination_at], tables[i].destination) == 0 &&
                            strcmp(fields[tables[i].mask_at], tables[i].mask) == 0)
                                g_hash_table_add(set, g_strdup(fields[tables[i].name_at]));
                }
        }
        *ret = g_steal_pointer(&set);
        return 0;
}

static const char *master_kind(const Sys *sys, const char *name) {
        g_autofree char *bridge = g_build_filename("sys/class/net", name, "bridge", NULL);
        g_autofree char *bond = g_build_filename("sys/class/net", name, "bonding", NULL);

        if (sys_exists(sys, bridge))
                return "bridge";
        return sys_exists(sys, bond) ? "bond" : "team or other device";
}

/* One that is a port of a bridge, bond or team has a link "master" to it. */
static void check_master(const Sys *sys, const char *name, GPtrArray *hits) {
        g_autofree char *path = g_build_filename("sys/class/net", name, "master", NULL);
        g_autofree char *master = NULL;

        if (sys_readlink_name(sys, path, &master) < 0)
                return;
        add_hit(hits, master, "network interface %s is a port of the %s %s", name,
                master_kind(sys, master), master)
                ->way_out = g_strdup_printf("ip link set %s nomaster", name);
}

static void check_up(const Sys *sys, const char *name, GPtrArray *hits) {
        g_autofree char *path = g_build_filename("sys/class/net", name, "flags", NULL);
        uint64_t flags = 0;

        if (sys_read_uint(sys, path, 0, UINT32_MAX, &flags) == 0 && (flags & IFF_UP))
                add_hit(hits, name, "network interface %s is up and leaves the host", name)
                        ->is_warning = true;
}

static int check_network(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err) {
        g_autoptr(GHashTable) routes = NULL;
        g_autoptr(GPtrArray) list = NULL;
        int r = carry_interfaces(sys, dev, &list, err);

        if (r < 0 || list->len == 0)
                return r;
        r = default_routes(sys, &routes, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < list->len; i++) {
                const char *name = carried_at(list, i)->name;

                if (g_hash_table_contains(routes, name))
                        add_hit(hits, name, "network interface %s carries the default route", name)
                                ->way_out = g_strdup("move the default route to another interface");
                if (!carried_at(list, i)->below) {
                        check_master(sys, name, hits);
                        check_up(sys, name, hits);
                }
        }
        return 0;
}

/* Display. */

static bool is_framebuffer_name(const char *text) {
        static const char *const names[] = {"BOOTFB", "simplefb", "efifb", "vesafb"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (strcmp(text, names[i]) == 0)
                        return true;
        return false;
}

/* A line of /proc/iomem, "  c0000000-c0ffffff : BOOTFB", inside one of the function's BARs. */
static bool is_boot_framebuffer(const PciDevice *dev, const char *line) {
        g_auto(GStrv) parts = g_strsplit(line, " : ", 2);
        g_auto(GStrv) range = NULL;
        uint64_t start;

        if (g_strv_length(parts) != 2 || !is_framebuffer_name(parts[1]))
                return false;
        range = g_strsplit(g_strstrip(parts[0]), "-", 2);
        if (!range[0] || str_to_uint(range[0], 16, UINT64_MAX, &start) < 0)
                return false;
        for (size_t i = 0; i < PCI_BARS; i++)
                if (dev->bars[i].size > 0 && start >= dev->bars[i].start &&
                    start - dev->bars[i].start < dev->bars[i].size)
                        return true;
        return false;
}

static int check_boot_framebuffer(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        int r = read_optional(sys, "proc/iomem", &text, err);

        if (r < 0)
                return r;
        lines = g_strsplit(text, "\n", 0);
        STRV_FOREACH(line, lines)
                if (is_boot_framebuffer(dev, line))
                        add_hit(hits, "framebuffer",
                                "the firmware's framebuffer is in its memory (/proc/iomem: %s)",
                                g_strstrip(line));
        return 0;
}

static int check_consoles(const Sys *sys, GPtrArray *hits, Err *err) {
        g_auto(GStrv) names = NULL;
        int r = list_optional(sys, "sys/class/vtconsole", &names, err);

        if (r < 0)
                return r;
        STRV_FOREACH(name, names) {
                g_autofree char *kind = g_build_filename("sys/class/vtconsole", name, "name", NULL);
                g_autofree char *bind = g_build_filename("sys/class/vtconsole", name, "bind", NULL);
                g_autofree char *text = NULL;
                uint64_t is_bound = 0;

                if (sys_read_text(sys, kind, &text) == 0 && strstr(text, "VGA") &&
                    sys_read_uint(sys, bind, 10, 1, &is_bound) == 0 && is_bound)
                        add_hit(hits, "console", "the text console is on it (%s)", name);
        }
        return 0;
}

static int check_display(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(carried_free);
        unsigned before = hits->len;
        int r;

        if (!dev->boot_vga)
                return 0;
        r = carry_class(sys, "graphics", dev->path, NULL, list, err);
        for (unsigned i = 0; r == 0 && i < list->len; i++)
                add_hit(hits, carried_at(list, i)->name,
                        "the boot display's framebuffer %s is on it", carried_at(list, i)->name);
        if (r == 0)
                r = check_boot_framebuffer(sys, dev, hits, err);
        if (r == 0)
                r = check_consoles(sys, hits, err);
        if (r == 0 && hits->len == before)
                add_hit(hits, "display", "it is the display that the host booted with")
                        ->is_warning = true;
        return r;
}

int guard_check(const Sys *sys, const PciDevice *dev, GPtrArray *hits, Err *err) {
        static int (*const checks[])(const Sys *sys, const PciDevice *dev, GPtrArray *hits,
                                     Err *err) = {
                check_disks,
                check_shares,
                check_network,
                check_display,
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < G_N_ELEMENTS(checks); i++)
                r = checks[i](sys, dev, hits, err);
        return r;
}
