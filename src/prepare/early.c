/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/early.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "handover/guard.h"
#include "pci/device.h"
#include "prepare/loader.h"

#define MODPROBE_FILE "etc/modprobe.d/airlock.conf"
#define OUR_HEAD      "# Written by airlock prepare; `airlock prepare --undo` takes it away.\n"

/* What all three makers of an initramfs run, before udev loads a driver. A function is named by its
 * whole way through the bridges: when a card is added the buses get other numbers, and a twin,
 * which may be the host's disk, gets the address that this one had. */
static const char script_body[] =
        "airlock_early() {\n"
        "    read -r line < /proc/cmdline\n"
        "    case \" $line \" in *' airlock.early=off '*) return ;; esac\n"
        "    for function in \"$@\"; do\n"
        "        device=${function%=*}\n"
        "        [ -e \"$device/driver_override\" ] || continue\n"
        "        read -r vendor < \"$device/vendor\"\n"
        "        read -r product < \"$device/device\"\n"
        "        # Another card may have come to this place: it stays with the host.\n"
        "        [ \"$vendor:$product\" = \"${function#*=}\" ] || continue\n"
        "        echo vfio-pci > \"$device/driver_override\"\n"
        "        # A driver that is built into the kernel was here before.\n"
        "        if [ -e \"$device/driver/unbind\" ]; then\n"
        "            echo \"${device##*/}\" > \"$device/driver/unbind\"\n"
        "        fi\n"
        "        echo \"${device##*/}\" > /sys/bus/pci/drivers_probe\n"
        "    done\n"
        "}\n"
        "\n"
        "modprobe vfio-pci\n"
        "airlock_early";

static const char mkinitcpio_install[] =
        OUR_HEAD "build() {\n"
                 "    add_module vfio-pci\n"
                 "    add_module vfio_iommu_type1\n"
                 "    if [[ \" ${HOOKS[*]} \" == *\" systemd \"* ]]; then\n"
                 "        add_file /etc/initcpio/airlock-early /usr/lib/airlock-early 0755\n"
                 "        add_file /etc/initcpio/airlock-early.service \\\n"
                 "            /usr/lib/systemd/system/airlock-early.service\n"
                 "        add_symlink "
                 "/usr/lib/systemd/system/sysinit.target.wants/airlock-early.service \\\n"
                 "            /usr/lib/systemd/system/airlock-early.service\n"
                 "    else\n"
                 "        add_runscript\n"
                 "    fi\n"
                 "}\n"
                 "\n"
                 "help() {\n"
                 "    echo 'Gives PCI functions to vfio-pci before other drivers are loaded.'\n"
                 "}\n";

static const char mkinitcpio_unit[] = OUR_HEAD
        "[Unit]\n"
        "DefaultDependencies=no\n"
        "Before=systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "ExecStart=/usr/lib/airlock-early\n";

static const char mkinitcpio_conf[] = OUR_HEAD "HOOKS=(airlock \"${HOOKS[@]}\")\n";

static const char tools_hook[] = "#!/bin/sh\n" OUR_HEAD "if [ \"$1\" = prereqs ]; then\n"
                                 "    exit 0\n"
                                 "fi\n"
                                 "# shellcheck source=/dev/null\n"
                                 ". /usr/share/initramfs-tools/hook-functions\n"
                                 "manual_add_modules vfio-pci vfio_iommu_type1\n";

/* Drivers that this host does not use now are left out unless hostonly is empty. */
static const char dracut_setup[] = "#!/bin/bash\n" OUR_HEAD "check() {\n"
                                   "    return 0\n"
                                   "}\n"
                                   "\n"
                                   "installkernel() {\n"
                                   "    hostonly='' instmods vfio-pci vfio_iommu_type1\n"
                                   "}\n"
                                   "\n"
                                   "install() {\n"
                                   "    inst_hook pre-udev 00 \"${moddir:?}/airlock-early.sh\"\n"
                                   "}\n";

/* How a maker's scripts begin. */
#define TOOLS_TOP                                                \
        "#!/bin/sh\n" OUR_HEAD "if [ \"$1\" = prereqs ]; then\n" \
        "    exit 0\n"                                           \
        "fi\n"
#define SH_TOP "#!/bin/sh\n" OUR_HEAD

typedef struct InitramfsFile {
        const char *path;
        unsigned mode;
        const char *text; /* all of it; NULL: top, the script, end */
        const char *top, *end;
} InitramfsFile;

#define INITRAMFS_FILES 5

typedef struct Initramfs {
        const char *name;
        const char *const probe[3];   /* one of these programs is there */
        const char *const command[5]; /* builds all of them anew */
        InitramfsFile files[INITRAMFS_FILES];
} Initramfs;

static const Initramfs makers[] = {
        {
                "initramfs-tools",
                {"usr/sbin/mkinitramfs"},
                {"update-initramfs", "-u", "-k", "all"},
                {
                        {"etc/initramfs-tools/hooks/airlock", 0755, tools_hook},
                        {"etc/initramfs-tools/scripts/init-top/airlock", 0755, .top = TOOLS_TOP,
                         .end = ""},
                },
        },
        {
                "dracut",
                {"usr/bin/dracut", "usr/sbin/dracut"},
                {"dracut", "--force", "--regenerate-all"},
                {
                        {"usr/lib/dracut/modules.d/91airlock/module-setup.sh", 0755, dracut_setup},
                        {"usr/lib/dracut/modules.d/91airlock/airlock-early.sh", 0755, .top = SH_TOP,
                         .end = ""},
                },
        },
        {
                "mkinitcpio",
                {"usr/bin/mkinitcpio"},
                {"mkinitcpio", "-P"},
                {
                        {"etc/mkinitcpio.conf.d/airlock.conf", 0644, mkinitcpio_conf},
                        {"etc/initcpio/install/airlock", 0644, mkinitcpio_install},
                        {"etc/initcpio/hooks/airlock", 0644,
                         .top = "#!/usr/bin/ash\n" OUR_HEAD "run_earlyhook() {\n", .end = "}\n"},
                        {"etc/initcpio/airlock-early", 0755, .top = SH_TOP, .end = ""},
                        {"etc/initcpio/airlock-early.service", 0644, mkinitcpio_unit},
                },
        },
};

static const Initramfs *find_maker(const Sys *sys) {
        for (size_t i = 0; i < G_N_ELEMENTS(makers); i++)
                for (const char *const *program = makers[i].probe; *program; program++)
                        if (sys_exists(sys, *program))
                                return &makers[i];
        return NULL;
}

/* The function that does it, called with the place and the ids of each device. */
static int script_text(const Sys *sys, const GPtrArray *devices, char **ret, Err *err) {
        g_autoptr(GString) text = g_string_new(script_body);

        for (guint i = 0; i < devices->len; i++) {
                const PciDevice *dev = g_ptr_array_index(devices, i);
                g_autofree char *link =
                        g_strconcat("sys/bus/pci/devices/", PCI_ADDR_TEXT(dev->addr), NULL);
                g_autofree char *place = NULL;
                int r = sys_realpath(sys, link, &place);

                if (r < 0)
                        return fail_errno(err, r, "cannot resolve /%s", link);
                g_string_append_printf(text, " /%s=0x%04x:0x%04x", place, dev->vendor, dev->device);
        }
        g_string_append_c(text, '\n');
        *ret = g_string_free(g_steal_pointer(&text), FALSE);
        return 0;
}

static int edit_by_address(Edits *edits, const Initramfs *maker, const GPtrArray *devices,
                           GPtrArray *commands, Err *err) {
        g_autofree char *script = NULL;
        int r = script_text(edits->sys, devices, &script, err);

        for (size_t i = 0; r == 0 && i < INITRAMFS_FILES && maker->files[i].path; i++) {
                const InitramfsFile *file = &maker->files[i];
                g_autofree char *text = file->text
                                                ? g_strdup(file->text)
                                                : g_strconcat(file->top, script, file->end, NULL);

                r = edits_set(edits, file->path, text, file->mode, err);
        }
        if (r == 0)
                g_ptr_array_add(commands, g_strdupv((char **)(uintptr_t)maker->command));
        return r;
}

/* Another function with the same ids that is not among those asked for. */
static bool has_twin(const Sys *sys, const PciDevice *dev, const GPtrArray *devices) {
        g_auto(GStrv) names = NULL;

        sys_list(sys, "sys/bus/pci/devices", &names);
        STRV_FOREACH(name, names) {
                g_autoptr(PciDevice) other = NULL;
                bool asked = false;
                PciAddr addr;

                if (pci_addr_parse(name, &addr) < 0 ||
                    pci_device_load(sys, addr, &other, NULL) < 0 || other->vendor != dev->vendor ||
                    other->device != dev->device)
                        continue;
                for (guint i = 0; i < devices->len; i++) {
                        const PciDevice *each = g_ptr_array_index(devices, i);

                        asked |= pci_addr_is_equal(each->addr, addr);
                }
                if (!asked)
                        return true;
        }
        return false;
}

/* The driver that has the function now would be loaded first. */
static int load_before(Edits *edits, const PciDevice *dev, Err *err) {
        g_autofree char *line = NULL;

        if (!dev->driver || g_str_equal(dev->driver, "vfio-pci"))
                return 0;
        line = g_strdup_printf("softdep %s pre: vfio-pci", dev->driver);
        return ensure_line(edits, MODPROBE_FILE, line, line, err);
}

static int edit_by_id(Edits *edits, const GPtrArray *devices, Err *err) {
        g_autoptr(GString) line = g_string_new("options vfio-pci ids=");
        int r;

        for (guint i = 0; i < devices->len; i++) {
                const PciDevice *dev = g_ptr_array_index(devices, i);

                if (has_twin(edits->sys, dev, devices))
                        return fail_hint(
                                err,
                                fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                     "%s has a twin (%04x:%04x), and this host's initramfs is "
                                     "built by nothing that is known: by its ids vfio-pci would "
                                     "get both",
                                     PCI_ADDR_TEXT(dev->addr), dev->vendor, dev->device),
                                "install initramfs-tools, dracut or mkinitcpio, or let the "
                                "guest's start take the device");
                g_string_append_printf(line, "%s%04x:%04x", i > 0 ? "," : "", dev->vendor,
                                       dev->device);
        }
        r = ensure_line(edits, MODPROBE_FILE, "options vfio-pci ids=", line->str, err);
        for (guint i = 0; r == 0 && i < devices->len; i++)
                r = load_before(edits, g_ptr_array_index(devices, i), err);
        return r;
}

static int refuse_used(const Sys *sys, const PciDevice *dev, Err *err) {
        g_autoptr(GPtrArray) hits = guard_hits_new();
        int r = guard_check(sys, dev, hits, err);

        for (guint i = 0; r == 0 && i < hits->len; i++) {
                const GuardHit *hit = g_ptr_array_index(hits, i);

                if (hit->is_warning)
                        continue;
                r = fail(err, VIR_ERR_RESOURCE_BUSY,
                         "PCI device %s cannot be taken at boot: the host uses it: %s",
                         PCI_ADDR_TEXT(dev->addr), hit->text);
                return hit->way_out ? fail_hint(err, r, "%s", hit->way_out) : r;
        }
        return r;
}

static int load_device(const Sys *sys, const char *text, PciDevice **ret, Err *err) {
        g_autoptr(PciDevice) dev = NULL;
        PciAddr addr;
        int r;

        if (pci_addr_parse(text, &addr) < 0 && pci_addr_parse_name(text, &addr) < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG, "'%s' is no PCI address", text),
                                 "write it as 0000:01:00.0 or pci_0000_01_00_0");
        r = pci_device_load(sys, addr, &dev, err);
        if (r == 0 && !pci_device_is_endpoint(dev))
                r = fail(err, VIR_ERR_INVALID_ARG,
                         "PCI device %s is a %s, which no guest can be given", text,
                         pci_kind_to_string(dev->kind));
        if (r == 0)
                r = refuse_used(sys, dev, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&dev);
        return 0;
}

int early_edit(Edits *edits, char *const *names, GPtrArray *commands, Err *err) {
        g_autoptr(GPtrArray) devices =
                g_ptr_array_new_with_free_func((GDestroyNotify)pci_device_free);
        const Initramfs *maker = find_maker(edits->sys);

        for (; *names; names++) {
                PciDevice *dev = NULL;
                int r = load_device(edits->sys, *names, &dev, err);

                if (r < 0)
                        return r;
                g_ptr_array_add(devices, dev);
        }
        return maker ? edit_by_address(edits, maker, devices, commands, err)
                     : edit_by_id(edits, devices, err);
}

int ensure_line(Edits *edits, const char *path, const char *prefix, const char *line, Err *err) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;
        bool done = false;
        Edit *edit;
        int r = edits_open(edits, path, &edit, err);

        if (r < 0)
                return r;
        lines = g_strsplit(edit->text ? edit->text->str : OUR_HEAD, "\n", -1);
        for (size_t i = 0; lines[i]; i++) {
                bool is_it = g_str_has_prefix(lines[i], prefix);
                bool is_end = !*lines[i] && !lines[i + 1];

                if (is_it && !done)
                        g_string_append_printf(text, "%s\n", line);
                else if (!is_it && !is_end)
                        g_string_append_printf(text, "%s\n", lines[i]);
                done |= is_it;
        }
        if (!done)
                g_string_append_printf(text, "%s\n", line);
        return edits_set(edits, path, text->str, 0644, err);
}
