/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/loader.h"

#include <stdarg.h>
#include <string.h>

#include "base/util.h"
#include "prepare/bootconf.h"

#define LOADER_VENDOR "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

void boot_line_free(gpointer data) {
        BootLine *line = data;

        g_free(line->path);
        g_free(line->spare);
        g_free(line);
}

void add_command(GPtrArray *commands, const char *word, ...) {
        GPtrArray *words = g_ptr_array_new();
        va_list ap;

        va_start(ap, word);
        for (; word; word = va_arg(ap, const char *))
                g_ptr_array_add(words, g_strdup(word));
        va_end(ap);
        g_ptr_array_add(words, NULL);
        g_ptr_array_add(commands, g_ptr_array_free(words, FALSE));
}

static bool exists_any(const Sys *sys, const char *const *paths) {
        for (; *paths; paths++)
                if (sys_exists(sys, *paths))
                        return true;
        return false;
}

#define EXISTS_ANY(sys, ...) exists_any((sys), (const char *const[]){__VA_ARGS__, NULL})

static bool has_file(const Sys *sys, const char *dir, const char *suffix) {
        g_auto(GStrv) names = NULL;

        if (sys_list(sys, dir, &names) < 0)
                return false;
        STRV_FOREACH(name, names)
                if (g_str_has_suffix(name, suffix))
                        return true;
        return false;
}

/* Where the EFI system partition or /boot can be; the first one that systemd-boot was put on. */
static const char *const boot_dirs[] = {"boot", "efi", "boot/efi", NULL};
static const char *const entry_dirs[] = {"boot/loader/entries", "efi/loader/entries",
                                         "boot/efi/loader/entries", NULL};

const char *loader_entries_dir(const Sys *sys) {
        for (const char *const *dir = entry_dirs; *dir; dir++)
                if (has_file(sys, *dir, ".conf"))
                        return *dir;
        return NULL;
}

const char *loader_grub_dir(const Sys *sys) {
        return sys_exists(sys, "boot/grub2/grub.cfg") || !sys_exists(sys, "boot/grub")
                       ? "boot/grub2"
                       : "boot/grub";
}

/* Kernels with their line and initramfs in one file. */
static bool has_unified_images(const Sys *sys) {
        for (const char *const *dir = boot_dirs; *dir; dir++) {
                g_autofree char *path = g_build_filename(*dir, "EFI/Linux", NULL);

                if (has_file(sys, path, ".efi"))
                        return true;
        }
        return false;
}

/* Four bytes of attributes, then letters with a zero between them. */
char *loader_efi_text(const Sys *sys, const char *name) {
        g_autofree char *path = g_strdup_printf("sys/firmware/efi/efivars/%s-" LOADER_VENDOR, name);
        g_autofree char *data = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        size_t size = 0;

        if (sys_read(sys, path, &data, &size) < 0)
                return NULL;
        for (size_t i = 4; i + 1 < size && data[i]; i += 2)
                g_string_append_c(text, data[i]);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool runs_another_than(const Sys *sys, const char *name) {
        g_autofree char *running = loader_efi_text(sys, "LoaderInfo");

        return running && !strstr(running, name);
}

static bool runs(const Sys *sys, const char *name) {
        g_autofree char *running = loader_efi_text(sys, "LoaderInfo");

        return running && strstr(running, name);
}

static bool detect_proxmox(const Sys *sys) {
        return sys_exists(sys, "etc/kernel/proxmox-boot-uuids") &&
               EXISTS_ANY(sys, "usr/sbin/proxmox-boot-tool", "usr/bin/proxmox-boot-tool");
}

static bool detect_bls(const Sys *sys) {
        return sys_exists(sys, "boot/grub2") && has_file(sys, "boot/loader/entries", ".conf") &&
               (!sys_exists(sys, "boot/loader/loader.conf") || runs(sys, "GRUB")) &&
               !runs_another_than(sys, "GRUB");
}

static bool detect_systemd_boot(const Sys *sys) {
        if (runs_another_than(sys, "systemd-boot"))
                return false;
        for (const char *const *dir = boot_dirs; *dir; dir++) {
                g_autofree char *path = g_build_filename(*dir, "loader/loader.conf", NULL);

                if (sys_exists(sys, path) && (loader_entries_dir(sys) || has_unified_images(sys)))
                        return true;
        }
        return false;
}

/* A GRUB that is installed beside a systemd-boot, which started this host, starts nothing. Others
 * can have started GRUB, and an older one does not say its name. */
static bool has_grub_defaults(const Sys *sys) {
        return EXISTS_ANY(sys, "etc/default/grub", "etc/sysconfig/grub") &&
               !runs(sys, "systemd-boot");
}

static bool detect_grub_debian(const Sys *sys) {
        return has_grub_defaults(sys) && EXISTS_ANY(sys, "usr/sbin/update-grub");
}

static bool detect_grub2(const Sys *sys) {
        return has_grub_defaults(sys) &&
               EXISTS_ANY(sys, "usr/sbin/grub2-mkconfig", "usr/bin/grub2-mkconfig");
}

static bool detect_grub(const Sys *sys) {
        return has_grub_defaults(sys) &&
               EXISTS_ANY(sys, "usr/bin/grub-mkconfig", "usr/sbin/grub-mkconfig");
}

static bool detect_raspberry(const Sys *sys) {
        return EXISTS_ANY(sys, "boot/firmware/cmdline.txt", "boot/firmware/config.txt",
                          "boot/cmdline.txt", "boot/config.txt");
}

static bool detect_extlinux(const Sys *sys) {
        return EXISTS_ANY(sys, "boot/extlinux.conf", "boot/extlinux/extlinux.conf",
                          "boot/syslinux/syslinux.cfg", "etc/update-extlinux.conf");
}

static bool detect_uboot(const Sys *sys) {
        return EXISTS_ANY(sys, "boot/boot.scr", "boot/uEnv.txt", "boot/armbianEnv.txt");
}

static bool detect_refind(const Sys *sys) {
        return EXISTS_ANY(sys, "boot/refind_linux.conf", "boot/EFI/refind", "boot/efi/EFI/refind");
}

static bool detect_lilo(const Sys *sys) {
        return sys_exists(sys, "etc/lilo.conf");
}

static bool detect_nothing(const Sys *sys) {
        return true;
}

/* proxmox-boot-tool writes what each system partition starts by, systemd-boot or GRUB: both
 * sources say the same. */
static int lines_proxmox(Edits *edits, GPtrArray *lines, Err *err) {
        int r = lines_kernel_cmdline(edits, lines, err);

        return r == 0 && sys_exists(edits->sys, "etc/default/grub")
                       ? lines_grub_snippet(edits, lines, err)
                       : r;
}

static void commands_proxmox(const Sys *sys, GPtrArray *commands) {
        add_command(commands, "proxmox-boot-tool", "refresh", NULL);
}

static void commands_update_grub(const Sys *sys, GPtrArray *commands) {
        add_command(commands, "update-grub", NULL);
}

static void commands_grub(const Sys *sys, GPtrArray *commands) {
        add_command(commands, "grub-mkconfig", "-o", "/boot/grub/grub.cfg", NULL);
}

/* A grub.cfg on the EFI system partition, unless it only leads to the one in /boot. */
static char *efi_grub_cfg(const Sys *sys) {
        g_auto(GStrv) names = NULL;

        if (sys_list(sys, "boot/efi/EFI", &names) < 0)
                return NULL;
        STRV_FOREACH(name, names) {
                g_autofree char *path = g_build_filename("boot/efi/EFI", name, "grub.cfg", NULL);
                g_autofree char *text = NULL;

                if (sys_read(sys, path, &text, NULL) == 0 && !strstr(text, "configfile"))
                        return g_strconcat("/", path, NULL);
        }
        return NULL;
}

/* Older Fedora and RHEL 7 have one grub.cfg for BIOS and another for UEFI. A tree that says nothing
 * about its firmware gets both written. */
static void commands_grub2(const Sys *sys, GPtrArray *commands) {
        g_autofree char *efi = efi_grub_cfg(sys);
        bool firmware_known = sys_exists(sys, "sys/firmware");
        bool is_efi = sys_exists(sys, "sys/firmware/efi");

        if (efi && (is_efi || !firmware_known))
                add_command(commands, "grub2-mkconfig", "-o", efi, NULL);
        if (!efi || !is_efi)
                add_command(commands, "grub2-mkconfig", "-o", "/boot/grub2/grub.cfg", NULL);
}

/* An entry counts as it stands; a unified image is built anew. */
static void commands_systemd_boot(const Sys *sys, GPtrArray *commands) {
        if (!has_unified_images(sys))
                return;
        if (sys_exists(sys, "etc/mkinitcpio.conf"))
                add_command(commands, "mkinitcpio", "-P", NULL);
        else
                add_command(commands, "kernel-install", "add-all", NULL);
}

static void commands_none(const Sys *sys, GPtrArray *commands) {
}

/* The first that is recognised is the one: those that write for others come before these. */
static const Loader loaders[] = {
        {"proxmox-boot-tool", "Proxmox's boot tool", NULL, TRIAL_NONE, detect_proxmox,
         lines_proxmox, commands_proxmox},
        {"grub-bls", "GRUB with entries in /boot/loader/entries", NULL, TRIAL_BLS, detect_bls,
         lines_bls, commands_none},
        {"systemd-boot", "systemd-boot", NULL, TRIAL_ENTRY, detect_systemd_boot, lines_systemd_boot,
         commands_systemd_boot},
        {"grub-debian", "GRUB with update-grub", NULL, TRIAL_GRUB, detect_grub_debian,
         lines_grub_snippet, commands_update_grub},
        {"grub2", "GRUB with grub2-mkconfig", NULL, TRIAL_GRUB, detect_grub2, lines_grub,
         commands_grub2},
        {"grub", "GRUB with grub-mkconfig", NULL, TRIAL_GRUB, detect_grub, lines_grub,
         commands_grub},
        {"raspberry", "the Raspberry Pi's firmware",
         "add the words to the one line of cmdline.txt, beside config.txt", TRIAL_NONE,
         detect_raspberry, NULL, NULL},
        {"extlinux", "extlinux or syslinux",
         "add the words to each APPEND line of its configuration; on Alpine to "
         "default_kernel_opts in /etc/update-extlinux.conf, and run update-extlinux",
         TRIAL_NONE, detect_extlinux, NULL, NULL},
        {"u-boot", "U-Boot",
         "add the words to bootargs, in the file beside boot.scr that your board reads", TRIAL_NONE,
         detect_uboot, NULL, NULL},
        {"refind", "rEFInd", "add the words to the first line of /boot/refind_linux.conf",
         TRIAL_NONE, detect_refind, NULL, NULL},
        {"lilo", "LILO", "add the words to append= in /etc/lilo.conf, and run lilo", TRIAL_NONE,
         detect_lilo, NULL, NULL},
        {"unknown", "a boot loader that is not known",
         "add the words to the kernel command line where this host's boot loader has it",
         TRIAL_NONE, detect_nothing, NULL, NULL},
};

const Loader *loader_detect(const Sys *sys) {
        const Loader *loader = loaders;

        while (!loader->detect(sys))
                loader++;
        return loader;
}

void bootconf_free(BootConf *conf) {
        if (!conf)
                return;
        g_free(conf->by_hand);
        g_strfreev(conf->words);
        g_strfreev(conf->files);
        g_free(conf);
}

static void add_once(GPtrArray *list, const char *path) {
        g_autofree char *text = g_strconcat("/", path, NULL);

        for (guint i = 0; i < list->len; i++)
                if (g_str_equal(g_ptr_array_index(list, i), text))
                        return;
        g_ptr_array_add(list, g_steal_pointer(&text));
}

static int read_words(Edits *edits, const Loader *loader, GPtrArray *words, GPtrArray *files,
                      Err *err) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(boot_line_free);
        g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
        int r = loader->lines(edits, lines, err);
        const BootLine *line = lines->len > 0 ? g_ptr_array_index(lines, 0) : NULL;
        bool at_end = false;

        if (r == 0 && line)
                r = line->collect(line, fields, err);
        for (guint i = 0; r == 0 && !at_end && i < fields->len; i++) {
                const Field *field = &g_array_index(fields, Field, i);
                g_autoptr(GPtrArray) found = field_words(field);

                add_once(files, field->path);
                for (guint k = 0; k < found->len; k++) {
                        const FieldWord *word = g_ptr_array_index(found, k);

                        at_end = g_str_equal(word->text, LINE_END_OF_KERNEL);
                        if (at_end)
                                break;

                        /* The fields that it stands for are here already. */
                        if (!strstr(word->text, "$GRUB_CMDLINE") &&
                            !strstr(word->text, "${GRUB_CMDLINE"))
                                g_ptr_array_add(words, g_strdup(word->text));
                }
        }
        return r;
}

int bootconf_load(const Sys *sys, BootConf **ret, Err *err) {
        const Loader *loader = loader_detect(sys);
        g_autoptr(BootConf) conf = g_new0(BootConf, 1);
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
        g_auto(Edits) edits = {};
        int r = 0;

        edits_init(&edits, sys);
        conf->loader = loader->name;
        conf->title = loader->title;
        conf->by_hand = g_strdup(loader->by_hand);
        if (!loader->by_hand)
                r = read_words(&edits, loader, words, files, err);
        if (r < 0)
                return r;
        g_ptr_array_add(words, NULL);
        g_ptr_array_add(files, NULL);
        conf->words = g_strdupv((char **)words->pdata);
        conf->files = g_strdupv((char **)files->pdata);
        *ret = g_steal_pointer(&conf);
        return 0;
}

bool bootconf_has(const BootConf *conf, const char *word) {
        STRV_FOREACH(each, conf->words)
                if (line_word_says(each, word))
                        return true;
        return false;
}
