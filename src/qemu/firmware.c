/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/firmware.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "domain/tables.h"

#define DESCRIPTOR_MAX (64u << 10)
#define DIRS_MAX       4

const char *const firmware_dirs[] = {"/usr/share/qemu/firmware", "/etc/qemu/firmware", NULL};

struct FirmwareStore {
        const char *const *dirs;
        char *nvram_dir;
        struct timespec changed[DIRS_MAX]; /* of dirs when they were read */
        GPtrArray *list;                   /* Firmware, by name; NULL: not read yet */
};

/* ---- one descriptor ---- */

void firmware_free(Firmware *firmware) {
        if (!firmware)
                return;
        g_free(firmware->name);
        g_free(firmware->code);
        g_free(firmware->variables);
        g_strfreev(firmware->machines);
        g_free(firmware);
}

static bool has_word(const json_t *list, const char *word) {
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item)
                if (g_strcmp0(json_string_value(item), word) == 0)
                        return true;
        return false;
}

static int take_file(const json_t *file, char **ret, FlashFormat *ret_format) {
        const char *path = json_string_value(json_object_get(file, "filename"));
        const char *format = json_string_value(json_object_get(file, "format"));

        if (!path || path[0] != '/')
                return -EINVAL;
        if (g_strcmp0(format, "qcow2") == 0)
                *ret_format = FLASH_QCOW2;
        else if (!format || g_str_equal(format, "raw"))
                *ret_format = FLASH_RAW;
        else
                return -EINVAL;
        *ret = g_strdup(path);
        return 0;
}

static int take_mapping(Firmware *firmware, const json_t *mapping) {
        const char *device = json_string_value(json_object_get(mapping, "device"));
        const char *mode = json_string_value(json_object_get(mapping, "mode"));

        if (g_strcmp0(device, "memory") == 0)
                return take_file(mapping, &firmware->code, &firmware->code_format);
        if (g_strcmp0(device, "flash") != 0 || g_strcmp0(mode, "combined") == 0)
                return -EINVAL;
        firmware->is_flash = true;
        firmware->is_stateless = g_strcmp0(mode, "stateless") == 0;
        if (take_file(json_object_get(mapping, "executable"), &firmware->code,
                      &firmware->code_format) < 0)
                return -EINVAL;
        if (firmware->is_stateless)
                return 0;
        return take_file(json_object_get(mapping, "nvram-template"), &firmware->variables,
                         &firmware->variables_format);
}

static int take_machines(Firmware *firmware, const json_t *targets) {
        g_autoptr(GPtrArray) machines = g_ptr_array_new();
        size_t i, j;
        json_t *target, *machine;

        json_array_foreach(targets, i, target) {
                const char *arch = json_string_value(json_object_get(target, "architecture"));

                if (g_strcmp0(arch, "x86_64") != 0)
                        continue;
                json_array_foreach(json_object_get(target, "machines"), j, machine)
                        if (json_is_string(machine))
                                g_ptr_array_add(machines, g_strdup(json_string_value(machine)));
        }
        if (machines->len == 0)
                return -EINVAL;
        g_ptr_array_add(machines, NULL);
        firmware->machines = (char **)g_ptr_array_free(g_steal_pointer(&machines), FALSE);
        return 0;
}

static int take_descriptor(Firmware *firmware, const json_t *root) {
        const json_t *features = json_object_get(root, "features");
        const json_t *interfaces = json_object_get(root, "interface-types");

        firmware->is_uefi = has_word(interfaces, "uefi");
        if (!firmware->is_uefi && !has_word(interfaces, "bios"))
                return -EINVAL;
        firmware->has_secure_boot = has_word(features, "secure-boot");
        firmware->has_enrolled_keys = has_word(features, "enrolled-keys");
        firmware->needs_smm = has_word(features, "requires-smm");
        if (take_machines(firmware, json_object_get(root, "targets")) < 0)
                return -EINVAL;
        return take_mapping(firmware, json_object_get(root, "mapping"));
}

int firmware_parse(const char *name, const char *text, Firmware **ret) {
        g_autoptr(Firmware) firmware = g_new0(Firmware, 1);
        json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        int r = take_descriptor(firmware, root);

        json_decref(root);
        if (r < 0)
                return r;
        firmware->name = g_strdup(name);
        *ret = g_steal_pointer(&firmware);
        return 0;
}

/* ---- matching ---- */

bool firmware_is_for(const Firmware *firmware, const char *machine) {
        STRV_FOREACH(pattern, firmware->machines)
                if (g_pattern_match_simple(pattern, machine))
                        return true;
        return false;
}

static bool has_feature(const Firmware *firmware, FirmwareFeature feature) {
        return feature == FIRMWARE_SECURE_BOOT ? firmware->has_secure_boot
                                               : firmware->has_enrolled_keys;
}

static bool fits_features(const Firmware *firmware, const DomainOs *os) {
        const GPtrArray *list = os->firmware_features.list;

        for (guint i = 0; list && i < list->len; i++) {
                const DomainFirmwareFeature *wanted = list->pdata[i];

                if (has_feature(firmware, wanted->name) != (wanted->enabled == DOMAIN_SWITCH_ON))
                        return false;
        }
        return true;
}

/* What the guest says of loader and nvram, as far as it says anything. */
static bool fits_files(const Firmware *firmware, const DomainOs *os) {
        LoaderType type = firmware->is_flash ? LOADER_PFLASH : LOADER_ROM;

        if (os->loader.type && os->loader.type != type)
                return false;
        if (os->loader.path && !g_str_equal(os->loader.path, firmware->code))
                return false;
        if (os->loader.format && os->loader.format != firmware->code_format)
                return false;
        if (os->loader.stateless &&
            firmware->is_stateless != (os->loader.stateless == DOMAIN_SWITCH_ON))
                return false;
        if (os->nvram.template && g_strcmp0(os->nvram.template, firmware->variables) != 0)
                return false;
        return !os->nvram.node.is_present || firmware->variables;
}

bool firmware_fits(const Firmware *firmware, const DomainDef *def) {
        const DomainOs *os = &def->os;

        if (os->firmware && firmware->is_uefi != (os->firmware == FIRMWARE_EFI))
                return false;
        if (os->loader.secure && firmware->needs_smm != (os->loader.secure == DOMAIN_SWITCH_ON))
                return false;
        if (firmware->needs_smm && def->features.smm.state == DOMAIN_SWITCH_OFF)
                return false;
        return firmware_is_for(firmware, os->type.machine) && fits_features(firmware, os) &&
               fits_files(firmware, os);
}

/* ---- the store ---- */

FirmwareStore *firmware_store_new(const char *const *dirs, const char *nvram_dir) {
        FirmwareStore *store = g_new0(FirmwareStore, 1);

        g_assert(g_strv_length((char **)(uintptr_t)dirs) <= DIRS_MAX);
        store->dirs = dirs;
        store->nvram_dir = g_strdup(nvram_dir);
        return store;
}

void firmware_store_free(FirmwareStore *store) {
        if (!store)
                return;
        g_clear_pointer(&store->list, g_ptr_array_unref);
        g_free(store->nvram_dir);
        g_free(store);
}

static int compare_names(gconstpointer a, gconstpointer b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* File name → path, of the directory that counts. */
static GHashTable *find_files(const FirmwareStore *store) {
        GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

        for (guint i = 0; store->dirs[i]; i++) {
                g_autoptr(GDir) dir = g_dir_open(store->dirs[i], 0, NULL);
                const char *name;

                while (dir && (name = g_dir_read_name(dir)))
                        if (g_str_has_suffix(name, ".json"))
                                g_hash_table_insert(files, g_strdup(name),
                                                    g_build_filename(store->dirs[i], name, NULL));
        }
        return files;
}

static void read_one(GPtrArray *list, const char *name, const char *path) {
        g_autoptr(Firmware) firmware = NULL;
        g_autofree char *text = NULL;
        size_t size;

        if (file_read(path, DESCRIPTOR_MAX, &text, &size, NULL) < 0 || size == 0)
                return;
        if (firmware_parse(name, text, &firmware) < 0)
                log_debug("'%s' describes no firmware for our guests", path);
        else
                g_ptr_array_add(list, g_steal_pointer(&firmware));
}

static GPtrArray *read_all(const FirmwareStore *store) {
        GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)firmware_free);
        g_autoptr(GHashTable) files = find_files(store);
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        GHashTableIter iter;
        gpointer name;

        g_hash_table_iter_init(&iter, files);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                g_ptr_array_add(names, name);
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len; i++)
                read_one(list, names->pdata[i], g_hash_table_lookup(files, names->pdata[i]));
        return list;
}

/* A package that is installed now counts for the next guest. */
const GPtrArray *firmware_store_list(FirmwareStore *store) {
        bool is_changed = !store->list;

        for (guint i = 0; store->dirs[i]; i++) {
                struct stat st = {};

                if (stat(store->dirs[i], &st) < 0)
                        st = (struct stat){};
                is_changed |= memcmp(&st.st_mtim, &store->changed[i], sizeof(st.st_mtim)) != 0;
                store->changed[i] = st.st_mtim;
        }
        if (!is_changed)
                return store->list;
        g_clear_pointer(&store->list, g_ptr_array_unref);
        store->list = read_all(store);
        return store->list;
}

/* ---- choosing ---- */

static void set_feature(DomainOs *os, FirmwareFeature name, bool enabled) {
        DomainFirmwareFeature *feature = domain_element_new(&domain_firmware_feature_element);

        feature->node.is_present = true;
        feature->name = name;
        feature->enabled = enabled ? DOMAIN_SWITCH_ON : DOMAIN_SWITCH_OFF;
        g_ptr_array_add(os->firmware_features.list, feature);
}

static bool says_feature(const DomainOs *os, FirmwareFeature name) {
        const GPtrArray *list = os->firmware_features.list;

        for (guint i = 0; i < list->len; i++)
                if (((const DomainFirmwareFeature *)list->pdata[i])->name == name)
                        return true;
        return false;
}

static int compare_features(gconstpointer a, gconstpointer b) {
        const DomainFirmwareFeature *first = *(DomainFirmwareFeature *const *)a;
        const DomainFirmwareFeature *second = *(DomainFirmwareFeature *const *)b;

        return (int)first->name - (int)second->name;
}

static void tell_features(DomainOs *os, const Firmware *firmware) {
        os->firmware = FIRMWARE_EFI;
        os->firmware_features.node.is_present = true;
        if (!os->firmware_features.list)
                os->firmware_features.list = g_ptr_array_new();
        for (FirmwareFeature name = FIRMWARE_ENROLLED_KEYS; name <= FIRMWARE_SECURE_BOOT; name++)
                if (!says_feature(os, name))
                        set_feature(os, name, has_feature(firmware, name));
        g_ptr_array_sort(os->firmware_features.list, compare_features);
}

static void fill_string(char **place, const char *text) {
        if (!*place)
                *place = g_strdup(text);
}

/* Variables of the guest's own, which are copied from the template when it first starts. */
static void give_variables(DomainDef *def, const char *dir, const char *template,
                           FlashFormat format) {
        DomainOs *os = &def->os;

        os->nvram.node.is_present = true;
        fill_string(&os->nvram.template, template);
        if (os->nvram.template && !os->nvram.template_format)
                os->nvram.template_format = format;
        if (!os->nvram.format)
                os->nvram.format = format;
        if (!os->nvram.path)
                os->nvram.path = g_strdup_printf("%s/%s_VARS.%s", dir, def->name,
                                                 os->nvram.format == FLASH_QCOW2 ? "qcow2" : "fd");
}

static void take(DomainDef *def, const Firmware *firmware, const char *nvram_dir) {
        DomainOs *os = &def->os;

        os->loader.node.is_present = true;
        os->loader.type = firmware->is_flash ? LOADER_PFLASH : LOADER_ROM;
        fill_string(&os->loader.path, firmware->code);
        if (!firmware->is_flash)
                return;
        os->loader.readonly = DOMAIN_SWITCH_ON;
        os->loader.format = firmware->code_format;
        if (firmware->is_stateless)
                os->loader.stateless = DOMAIN_SWITCH_ON;
        if (firmware->needs_smm) {
                os->loader.secure = DOMAIN_SWITCH_ON;
                def->features.node.is_present = true;
                def->features.smm.node.is_present = true;
                def->features.smm.state = DOMAIN_SWITCH_ON;
        }
        if (firmware->is_uefi)
                tell_features(os, firmware);
        if (firmware->variables)
                give_variables(def, nvram_dir, firmware->variables, firmware->variables_format);
}

/* Firmware that was packaged before there were descriptors, and what its variables begin as. */
static const struct Pair {
        const char *code, *variables;
} old_pairs[] = {
        {"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
        {"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
        {"/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"},
};

/* One that all guests read; what a guest may write to is its own matter. */
static bool is_shared_flash(const DomainOs *os) {
        return os->loader.path && os->loader.type == LOADER_PFLASH &&
               os->loader.readonly == DOMAIN_SWITCH_ON;
}

/* A loader that no descriptor knows. */
static void give_unknown_variables(DomainDef *def, const char *nvram_dir) {
        const DomainOs *os = &def->os;
        const char *template = NULL;

        if (!is_shared_flash(os) || os->loader.stateless == DOMAIN_SWITCH_ON)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(old_pairs); i++)
                if (g_str_equal(old_pairs[i].code, os->loader.path))
                        template = old_pairs[i].variables;
        give_variables(def, nvram_dir, template, os->loader.format ? os->loader.format : FLASH_RAW);
}

int firmware_choose(DomainDef *def, const void *data, Err *err) {
        FirmwareStore *store = (FirmwareStore *)(uintptr_t)data;
        const DomainOs *os = &def->os;
        const GPtrArray *list;

        if (!os->firmware && !is_shared_flash(os))
                return 0;
        list = firmware_store_list(store);
        for (guint i = 0; i < list->len; i++) {
                if (!firmware_fits(list->pdata[i], def))
                        continue;
                take(def, list->pdata[i], store->nvram_dir);
                return 0;
        }
        if (os->loader.path)
                give_unknown_variables(def, store->nvram_dir);
        /* QEMU has a BIOS of its own. */
        if (os->loader.path || (os->firmware == FIRMWARE_BIOS && !os->loader.node.is_present))
                return 0;
        return fail_hint(
                err,
                fail(err, VIR_ERR_OPERATION_FAILED,
                     "no '%s' firmware of this host fits guest '%s' and its machine '%s'",
                     os->firmware == FIRMWARE_EFI ? "efi" : "bios", def->name, os->type.machine),
                "install one (apt install ovmf), ask for other features, or name <loader> and "
                "<nvram>");
}
