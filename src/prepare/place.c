/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/util.h"

#define MIB        ((uint64_t)1 << 20)
#define FILES_ROOM MIB /* for changed files, their copies and directories */

/* ---- what this is ---- */

/* "container=lxc" among the strings of its environment; the caller's. NULL: there is none. */
static char *find_container_word(const Sys *sys) {
        static const char key[] = "container=";
        g_autofree char *data = NULL;
        size_t size = 0;

        if (sys_read(sys, "proc/1/environ", &data, &size) < 0)
                return NULL;
        for (size_t at = 0; at < size; at += strlen(data + at) + 1)
                if (g_str_has_prefix(data + at, key) && data[at + strlen(key)])
                        return g_strdup(data + at + strlen(key));
        return NULL;
}

/* What runs this container, "lxc"; the caller's. NULL: it is none that shows itself
 * (systemd's Container Interface). */
static char *find_container(const Sys *sys) {
        char *name = NULL;

        if (sys_read_text(sys, "run/systemd/container", &name) == 0 ||
            sys_read_text(sys, "run/host/container-manager", &name) == 0)
                return name;
        if (sys_exists(sys, "run/.containerenv"))
                return g_strdup("podman");
        return find_container_word(sys);
}

/* Where the first process may not be looked at, nobody knows. */
static bool is_chroot(const Sys *sys) {
        struct stat first, ours;

        if (!sys_is_live(sys))
                return false;
        if (!sys_exists(sys, "proc/self"))
                return true;
        return stat("/proc/1/root/.", &first) == 0 && stat("/.", &ours) == 0 &&
               (first.st_dev != ours.st_dev || first.st_ino != ours.st_ino);
}

/* ---- what is mounted ---- */

/* A line of mountinfo (proc(5)). */
typedef struct Mount {
        char **words;  /* 4: where; 5: options */
        char **behind; /* of the file system: type, source, options */
} Mount;

static void mount_clear(void *data) {
        Mount *mount = data;

        g_strfreev(mount->words);
        g_strfreev(mount->behind);
}

/* Of Mount, in order; empty where the file cannot be read. */
static GArray *load_mounts(const Sys *sys) {
        GArray *mounts = g_array_new(FALSE, FALSE, sizeof(Mount));
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        g_array_set_clear_func(mounts, mount_clear);
        if (sys_read(sys, "proc/self/mountinfo", &text, NULL) < 0)
                return mounts;
        lines = g_strsplit(text, "\n", -1);
        STRV_FOREACH(line, lines) {
                const char *behind = strstr(line, " - ");
                Mount mount = {g_strsplit(line, " ", -1),
                               g_strsplit(behind ? behind + 3 : "", " ", -1)};

                if (g_strv_length(mount.words) > 5 && g_strv_length(mount.behind) > 2)
                        g_array_append_val(mounts, mount);
                else
                        mount_clear(&mount);
        }
        return mounts;
}

/* The one on which the path lies: the longest that fits, the last of equals. NULL: none is known.
 */
static const Mount *mount_of(const GArray *mounts, const char *path) {
        g_autofree char *full = g_strconcat("/", path, NULL);
        const Mount *best = NULL;

        for (guint i = 0; i < mounts->len; i++) {
                const Mount *mount = &g_array_index(mounts, Mount, i);
                size_t n = strlen(mount->words[4]);
                bool is_root = n == 1;

                if (strncmp(full, mount->words[4], n) != 0 ||
                    (!is_root && full[n] != '/' && full[n] != '\0'))
                        continue;
                if (!best || n >= strlen(best->words[4]))
                        best = mount;
        }
        return best;
}

static bool has_option(const char *options, const char *name) {
        g_auto(GStrv) list = g_strsplit(options, ",", -1);

        return g_strv_contains((const char *const *)list, name);
}

static bool is_read_only(const Mount *mount) {
        return has_option(mount->words[5], "ro") || has_option(mount->behind[2], "ro");
}

/* fstab wants it mounted; of the EFI partition that is not said by a line "noauto", as some hosts
 * mount it for updates alone. */
static bool is_in_fstab(const Sys *sys, const char *where) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (sys_read(sys, "etc/fstab", &text, NULL) < 0)
                return false;
        lines = g_strsplit(text, "\n", -1);
        STRV_FOREACH(line, lines) {
                g_autofree char *plain = g_strdelimit(g_strstrip(g_strdup(line)), "\t", ' ');
                g_auto(GStrv) raw = g_strsplit(plain, " ", -1);
                const char *fields[4] = {"", "", "", ""};
                size_t n = 0;

                for (char **word = raw; *word && n < G_N_ELEMENTS(fields); word++)
                        if (**word)
                                fields[n++] = *word;
                if (*plain != '#' && g_str_equal(fields[1], where))
                        return g_str_equal(where, "/boot") || !has_option(fields[3], "noauto");
        }
        return false;
}

static int check_mounted(const Sys *sys, Err *err) {
        static const char *const places[] = {"/boot", "/boot/efi", "/efi"};
        g_autoptr(GArray) mounts = load_mounts(sys);

        for (size_t i = 0; mounts->len > 0 && i < G_N_ELEMENTS(places); i++) {
                const Mount *mount = mount_of(mounts, places[i] + 1);

                if (!is_in_fstab(sys, places[i]) ||
                    (mount && g_str_equal(mount->words[4], places[i])))
                        continue;
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "%s stands in /etc/fstab and is not mounted: what is changed "
                                      "below it now does not start the host",
                                      places[i]),
                                 "mount %s", places[i]);
        }
        return 0;
}

int place_check(const Sys *sys, Err *err) {
        g_autofree char *container = find_container(sys);

        if (container)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "this is a container (%s): its kernel is the host's, and is "
                                      "started there",
                                      container),
                                 "run it on the host");
        if (is_chroot(sys))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "this is a chroot, which starts no kernel"),
                                 "run it outside, with --root and this directory");
        return check_mounted(sys, err);
}

/* ---- room ---- */

/* The largest initramfs of /boot: a new one is about as large, and stands beside it at first. */
static uint64_t largest_initramfs(const Sys *sys) {
        g_auto(GStrv) names = NULL;
        uint64_t largest = 0;

        sys_list(sys, "boot", &names);
        STRV_FOREACH(name, names) {
                g_autofree char *path = g_build_filename("boot", name, NULL);
                _cleanup_(closep) int fd =
                        g_str_has_prefix(name, "initr") ? sys_open(sys, path, O_PATH) : -1;
                struct stat st;

                if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                        largest = MAX(largest, (uint64_t)st.st_size);
        }
        return largest;
}

static bool builds_initramfs(const GPtrArray *commands) {
        static const char *const makers[] = {"update-initramfs", "dracut", "mkinitcpio", NULL};

        for (guint i = 0; i < commands->len; i++)
                if (g_strv_contains(makers, ((char **)g_ptr_array_index(commands, i))[0]))
                        return true;
        return false;
}

/* The nearest directory above the path that is there already, as a descriptor. */
static int open_above(const Sys *sys, const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);

        for (;;) {
                g_autofree char *above = NULL;
                int fd = sys_open(sys, dir, O_RDONLY | O_DIRECTORY);

                if (fd >= 0 || g_str_equal(dir, "."))
                        return fd;
                above = g_path_get_dirname(dir);
                g_free(dir);
                dir = g_steal_pointer(&above);
        }
}

/* What is to be written, and how much of it. */
typedef struct Need {
        const char *path, *what;
        uint64_t size;
} Need;

static int check_one(const Sys *sys, const GArray *mounts, const Need *need, Err *err) {
        _cleanup_(closep) int fd = open_above(sys, need->path);
        const Mount *mount = mount_of(mounts, need->path);
        struct statvfs fs;
        uint64_t room;

        if (mount && is_read_only(mount))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "%s is mounted read-only, and %s is to be written there",
                                      mount->words[4], need->what),
                                 "mount -o remount,rw %s", mount->words[4]);
        if (fd < 0 || fstatvfs(fd, &fs) < 0)
                return 0;
        room = (uint64_t)fs.f_bavail * fs.f_frsize;
        if (room >= need->size)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_INVALID,
                              "%s has %" PRIu64 " MiB left, and %" PRIu64 " are needed for %s",
                              mount ? mount->words[4] : "the file system", room / MIB,
                              (need->size + MIB - 1) / MIB, need->what),
                         "remove what is not needed any more (old kernels: apt autoremove)");
}

int place_check_room(const Edits *edits, const GPtrArray *commands, Err *err) {
        g_autoptr(GArray) mounts = load_mounts(edits->sys);
        bool builds = builds_initramfs(commands);
        Need boot = {"boot/new", builds ? "a new initramfs" : "the boot loader's menu", FILES_ROOM};
        int r = 0;

        for (guint i = 0; r == 0 && i < edits->files->len; i++) {
                const Edit *edit = g_ptr_array_index(edits->files, i);
                g_autofree char *what = g_strconcat("/", edit->path, NULL);
                Need need = {edit->path, what, FILES_ROOM};

                if (edit_is_changed(edit))
                        r = check_one(edits->sys, mounts, &need, err);
        }
        if (r < 0 || commands->len == 0)
                return r;
        boot.size += builds ? largest_initramfs(edits->sys) : 0;
        return check_one(edits->sys, mounts, &boot, err);
}
