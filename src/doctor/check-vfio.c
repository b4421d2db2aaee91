/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "doctor/check.h"
#include "handover/handover.h"
#include "handover/modprobe.h"

static const char *const modules[] = {"vfio", "vfio_iommu_type1", "vfio_pci"};

void check_vfio_module(Doctor *d) {
        const Platform *platform = survey_platform(d->facts->survey);
        ModuleState state = module_state(d->facts->sys, platform->kernel, "vfio_pci");

        if (platform->missing_module)
                doctor_fail(d,
                            "install the kernel's complete set of modules, or one with "
                            "CONFIG_VFIO_PCI",
                            "kernel %s has no module %s", platform->kernel,
                            platform->missing_module);
        else if (state == MODULE_UNKNOWN)
                doctor_skip(d,
                            "not known: vfio_pci is not loaded, and /lib/modules/%s cannot be "
                            "read",
                            platform->kernel);
        else if (state == MODULE_FILE)
                doctor_ok(d, "vfio_pci can be loaded; airlockd does when a device needs it");
        else
                doctor_ok(d, "vfio_pci is %s", module_state_to_string(state));
}

static bool is_in_list(const char *list, const char *module) {
        g_auto(GStrv) names = g_strsplit(list ? list : "", ",", 0);

        STRV_FOREACH(name, names)
                if (modprobe_is_same(name, module))
                        return true;
        return false;
}

/* An install line that loads nothing. */
static bool is_dead_end(const ModprobeLine *line) {
        static const char *const ends[] = {"/bin/true", "/bin/false", "/usr/bin/true",
                                           "/usr/bin/false", NULL};

        return line->words[2] && g_strv_contains(ends, line->words[2]);
}

/* Returns whether something was told of the module. */
static bool judge_module(Doctor *d, const char *module) {
        const DoctorFacts *facts = d->facts;
        const ModprobeLine *line;
        unsigned pos = 0;

        if (is_in_list(facts_option(facts, "module_blacklist"), module)) {
                doctor_fail(d, "boot without it", "module_blacklist on the command line forbids %s",
                            module);
                return true;
        }
        while ((line = modprobe_next(facts->modprobe, "install", module, &pos)))
                if (is_dead_end(line)) {
                        doctor_fail(d, "remove that line", "%s: 'install %s %s' forbids it",
                                    line->file, module, line->words[2]);
                        return true;
                }
        pos = 0;
        line = modprobe_next(facts->modprobe, "blacklist", module, &pos);
        if (line)
                doctor_warn(d, "remove that line",
                            "%s: %s is blacklisted; it can be loaded by name only", line->file,
                            module);
        return line != NULL;
}

void check_vfio_blacklist(Doctor *d) {
        bool told = false;

        for (size_t i = 0; i < G_N_ELEMENTS(modules); i++)
                told = judge_module(d, modules[i]) || told;
        if (told)
                return;
        if (d->facts->modprobe_r < 0)
                doctor_unread(d, "etc/modprobe.d", d->facts->modprobe_r);
        else
                doctor_ok(d, "no line of modprobe.d and no word of the command line does");
}

/* One place that names devices for vfio-pci by vendor and device id. */
typedef struct IdSource {
        const char *file; /* borrowed */
        char **ids;       /* "10de:1b80", with more parts behind a further colon */
} IdSource;

static void id_source_clear(void *data) {
        IdSource *source = data;

        g_strfreev(source->ids);
}

static void add_source(GArray *sources, const char *file, const char *list) {
        IdSource source = {.file = file, .ids = g_strsplit(list, ",", 0)};

        g_array_append_val(sources, source);
}

static GArray *list_sources(const DoctorFacts *facts) {
        GArray *sources = g_array_new(FALSE, FALSE, sizeof(IdSource));
        const char *word = facts_option(facts, "vfio_pci.ids");
        const ModprobeLine *line;
        unsigned pos = 0;

        g_array_set_clear_func(sources, id_source_clear);
        if (word && *word)
                add_source(sources, "/proc/cmdline", word);
        while ((line = modprobe_next(facts->modprobe, "options", "vfio_pci", &pos)))
                STRV_FOREACH(option, line->words + 2)
                        if (g_str_has_prefix(option, "ids="))
                                add_source(sources, line->file, option + strlen("ids="));
        return sources;
}

static bool matches(const PciDevice *dev, const char *id) {
        g_autofree char *own = g_strdup_printf("%04x:%04x", dev->vendor, dev->device);

        return g_ascii_strncasecmp(own, id, strlen(own)) == 0 &&
               (!id[strlen(own)] || id[strlen(own)] == ':');
}

/* Functions with that id. The caller's, of borrowed PciDevice. */
static GPtrArray *find_functions(const DoctorFacts *facts, const char *id) {
        GPtrArray *found = g_ptr_array_new();
        size_t n;
        const PciDevice *const *all = pci_tree_list(facts->tree, &n);

        for (size_t i = 0; i < n; i++)
                if (matches(all[i], id))
                        g_ptr_array_add(found, (void *)(uintptr_t)all[i]);
        return found;
}

static void judge_id(Doctor *d, const IdSource *source, const char *id) {
        g_autoptr(GPtrArray) found = find_functions(d->facts, id);
        g_autoptr(GString) list = g_string_new(NULL);

        for (unsigned i = 0; i < found->len; i++)
                g_string_append_printf(list, "%s%s", i > 0 ? " " : "",
                                       PCI_ADDR_TEXT(((const PciDevice *)found->pdata[i])->addr));
        doctor_about(d, id);
        if (found->len == 0)
                doctor_warn(d, "remove it", "%s names it, and no function of this host has that id",
                            source->file);
        else if (found->len > 1)
                doctor_warn(d,
                            "bind by address (airlock prepare --vfio-early ADDRESS) where one of "
                            "them shall stay",
                            "%s takes all of %s", source->file, list->str);
        else
                doctor_ok(d, "%s names %s", source->file, list->str);
}

/* Both are handed to the module, and a later value of a parameter replaces an earlier one. */
static void judge_sources(Doctor *d, const GArray *sources) {
        const IdSource *first = &g_array_index(sources, IdSource, 0);
        const IdSource *last = &g_array_index(sources, IdSource, sources->len - 1);

        if (sources->len > 1)
                doctor_warn(d, "keep one of them",
                            "vfio-pci's ids are set %u times (%s, %s): only one takes effect",
                            sources->len, first->file, last->file);
}

void check_vfio_ids(Doctor *d) {
        g_autoptr(GArray) sources = list_sources(d->facts);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        if (sources->len == 0 && d->facts->modprobe_r < 0)
                doctor_unread(d, "etc/modprobe.d", d->facts->modprobe_r);
        else if (sources->len == 0)
                doctor_ok(d, "none: airlockd binds devices when guests start");
        else
                judge_sources(d, sources);
        for (unsigned i = 0; i < sources->len; i++) {
                const IdSource *source = &g_array_index(sources, IdSource, i);

                STRV_FOREACH(id, source->ids)
                        if (g_hash_table_add(seen, id))
                                judge_id(d, source, id);
        }
}

/* The file, or the file in a directory, by which vfio-pci is loaded at boot; the caller's. */
static char *mention(const DoctorFacts *facts, const char *path) {
        g_autofree char *text = facts_read(facts, path, NULL);
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", 0);

        STRV_FOREACH(line, lines)
                if (line[strspn(line, " \t")] != '#' &&
                    (strstr(line, "vfio_pci") || strstr(line, "vfio-pci")))
                        return g_strconcat("/", path, NULL);
        return NULL;
}

static char *find_mention(const DoctorFacts *facts, const char *const *paths, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char *found = mention(facts, paths[i]);
                g_auto(GStrv) names = NULL;

                if (found)
                        return found;
                if (sys_list(facts->sys, paths[i], &names) < 0)
                        continue;
                STRV_FOREACH(name, names) {
                        g_autofree char *path = g_build_filename(paths[i], name, NULL);

                        found = g_str_has_suffix(name, ".conf") ? mention(facts, path) : NULL;
                        if (found)
                                return found;
                }
        }
        return NULL;
}

void check_vfio_early(Doctor *d) {
        static const char *const initramfs[] = {"etc/initramfs-tools/modules", "etc/dracut.conf.d",
                                                "etc/dracut.conf", "etc/mkinitcpio.conf",
                                                "etc/mkinitcpio.conf.d"};
        static const char *const late[] = {"etc/modules", "etc/modules-load.d"};
        g_autoptr(GArray) sources = list_sources(d->facts);
        g_autofree char *early = find_mention(d->facts, initramfs, G_N_ELEMENTS(initramfs));
        g_autofree char *boot = find_mention(d->facts, late, G_N_ELEMENTS(late));

        if (early)
                doctor_ok(d, "in the initramfs, by %s", early);
        else if (module_state(d->facts->sys, d->facts->kernel, "vfio_pci") == MODULE_BUILTIN)
                doctor_ok(d, "built in, there from the start");
        else if (sources->len == 0)
                doctor_ok(d, "not asked for: nothing names devices for it at boot");
        else
                doctor_warn(d, "airlock prepare --vfio-early DEVICE puts it into the initramfs",
                            "%s%s, after the drivers that the initramfs loads",
                            boot ? "loaded at boot by " : "no file has it loaded at boot",
                            boot ? boot : "");
}

/* "softdep nouveau pre: vfio-pci": the file that has it; NULL: none. Borrowed. */
static const char *find_softdep(const DoctorFacts *facts, const char *driver) {
        const ModprobeLine *line;
        unsigned pos = 0;

        while ((line = modprobe_next(facts->modprobe, "softdep", driver, &pos)))
                STRV_FOREACH(word, line->words + 2)
                        if (modprobe_is_same(word, "vfio_pci"))
                                return line->file;
        return NULL;
}

static void judge_driver(Doctor *d, const IdSource *source, const PciDevice *dev) {
        const char *softdep = dev->driver ? find_softdep(d->facts, dev->driver) : NULL;
        g_autofree char *way_out =
                dev->driver
                        ? g_strdup_printf("airlock prepare --vfio-early %s, or 'softdep %s pre: "
                                          "vfio-pci' in /etc/modprobe.d",
                                          PCI_ADDR_TEXT(dev->addr), dev->driver)
                        : NULL;

        doctor_about(d, PCI_ADDR_TEXT(dev->addr));
        if (handover_is_vfio(dev->driver))
                doctor_ok(d, "on %s, as %s wants it", dev->driver, source->file);
        else if (softdep)
                doctor_warn(d, "update the initramfs, so that it has that line too",
                            "%s was faster, in spite of the softdep in %s", dev->driver, softdep);
        else if (dev->driver)
                doctor_warn(d, way_out, "%s names it for vfio-pci, but %s was faster", source->file,
                            dev->driver);
        else
                doctor_warn(d, "modprobe vfio-pci",
                            "%s names it for vfio-pci, but it has no driver", source->file);
}

void check_vfio_drivers(Doctor *d) {
        g_autoptr(GArray) sources = list_sources(d->facts);
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < sources->len; i++) {
                const IdSource *source = &g_array_index(sources, IdSource, i);

                STRV_FOREACH(id, source->ids) {
                        g_autoptr(GPtrArray) found = find_functions(d->facts, id);

                        for (unsigned j = 0; j < found->len; j++)
                                if (g_hash_table_add(seen, found->pdata[j]))
                                        judge_driver(d, source, found->pdata[j]);
                }
        }
        if (g_hash_table_size(seen) == 0 && d->facts->modprobe_r < 0)
                doctor_unread(d, "etc/modprobe.d", d->facts->modprobe_r);
        else if (g_hash_table_size(seen) == 0)
                doctor_ok(d, "no driver competes: nothing is to be bound at boot");
}

/* The kernel makes nodes for root alone; a rule of udev can open them. */
static bool is_open_to_all(const Sys *sys, const char *node) {
        _cleanup_(closep) int fd = sys_open(sys, node, O_PATH);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IWOTH);
}

static void judge_node(Doctor *d, const PciDevice *dev, const char *node) {
        if (!sys_exists(d->facts->sys, node))
                doctor_fail(d, "let udev run, or mount devtmpfs on /dev",
                            "it is on %s, but there is no /%s", dev->driver, node);
        else if (is_open_to_all(d->facts->sys, node))
                doctor_warn(d, "look for the rule below /etc/udev/rules.d; airlockd needs none",
                            "anybody on this host can open /%s, and with it the device", node);
}

/* A group whose function is on a VFIO driver has a node. */
static void judge_group_nodes(Doctor *d, unsigned *ret_n) {
        size_t n;
        const PciDevice *const *all = pci_tree_list(d->facts->tree, &n);

        for (size_t i = 0; i < n; i++) {
                g_autofree char *node = g_strdup_printf("dev/vfio/%d", all[i]->iommu_group);

                if (!handover_is_vfio(all[i]->driver) || all[i]->iommu_group < 0)
                        continue;
                *ret_n += 1;
                doctor_about(d, PCI_ADDR_TEXT(all[i]->addr));
                judge_node(d, all[i], node);
        }
        doctor_about(d, NULL);
}

void check_vfio_nodes(Doctor *d) {
        const Sys *sys = d->facts->sys;
        bool has_container = sys_exists(sys, "dev/vfio/vfio"),
             has_iommufd = sys_exists(sys, "dev/iommu");
        unsigned n = 0;

        if (!sys_exists(sys, "dev")) {
                doctor_skip(d, "not known: there is no /dev");
                return;
        }
        judge_group_nodes(d, &n);
        if (has_container || has_iommufd)
                doctor_ok(d, "%s%s%s, %u devices on VFIO", has_container ? "/dev/vfio/vfio" : "",
                          has_container && has_iommufd ? " and " : "",
                          has_iommufd ? "/dev/iommu" : "", n);
        else if (sys_exists(sys, "sys/bus/pci/drivers/vfio-pci"))
                doctor_fail(d, "let udev run, or mount devtmpfs on /dev",
                            "VFIO is loaded, but there is neither /dev/vfio/vfio nor /dev/iommu");
        else
                doctor_ok(d, "none yet: VFIO is not loaded");
}
