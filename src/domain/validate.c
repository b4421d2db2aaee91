/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/validate.h"

#include <string.h>

#include "domain/kind.h"

#define NAME_MAX_BYTES 255

int domain_check_path(const char *path, const char *what, unsigned line, Err *err) {
        if (!path || path[0] == '/')
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "the path '%s' of <%s> at line %u is not absolute",
                    path, what, line);
}

/* In QEMU's key=value lists a ',' would begin another key. */
int domain_check_word(const char *word, const char *what, unsigned line, Err *err) {
        for (const char *s = word; s && *s; s++) {
                if (!g_ascii_isalnum(*s) && !strchr("._-", *s))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "'%s' of <%s> at line %u holds the character '%c'", word, what,
                                    line, g_ascii_isgraph(*s) ? *s : '?');
        }
        return 0;
}

static int check_rom(const DomainDevice *device, Err *err) {
        const DomainRom *rom = &device->rom;

        if (rom->enabled == DOMAIN_SWITCH_OFF && (rom->bar || rom->file))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<rom enabled='no'> at line %u takes neither bar nor file",
                            rom->node.line);
        return domain_check_path(rom->file, "rom", rom->node.line, err);
}

static int check_boot_order(const DomainDevice *device, Err *err) {
        if (device->boot.node.is_present && device->boot.order.value == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<boot order='0'> at line %u: orders begin at 1",
                            device->boot.node.line);
        return 0;
}

int domain_validate_device(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainKind *kind = domain_kinds[device->kind];
        int r;

        r = domain_check_word(device->alias.name, "alias", device->alias.node.line, err);
        if (r < 0)
                return r;
        r = check_rom(device, err);
        if (r < 0)
                return r;
        r = check_boot_order(device, err);
        if (r < 0)
                return r;
        return kind->check ? kind->check(def, device, err) : 0;
}

/* ---- keys ---- */

/* ret: the key was new. key is taken over. */
static int claim(GHashTable *keys, char *key, unsigned line, Err *err) {
        if (!key)
                return 0;
        if (g_hash_table_contains(keys, key)) {
                g_autofree char *text = key;

                return fail(err, VIR_ERR_XML_ERROR, "%s is there twice, again at line %u", text,
                            line);
        }
        g_hash_table_add(keys, key);
        return 0;
}

static int claim_device(GHashTable *keys, const DomainDevice *device, Err *err) {
        const DomainKind *kind = domain_kinds[device->kind];
        char *boot = NULL, *alias = NULL;
        int r;

        r = claim(keys, kind->key ? kind->key(device) : NULL, device->node.line, err);
        if (r < 0)
                return r;
        if (device->boot.node.is_present)
                boot = g_strdup_printf("boot order %u", (unsigned)device->boot.order.value);
        r = claim(keys, boot, device->node.line, err);
        if (r < 0)
                return r;
        /* The first console has the name of the serial port that it is. */
        if (device->alias.name && device->kind != DOMAIN_CONSOLE)
                alias = g_strdup_printf("alias '%s'", device->alias.name);
        return claim(keys, alias, device->node.line, err);
}

int domain_validate_unique(const DomainDef *def, Err *err) {
        g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        int r = claim_device(keys, device, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* ---- the guest ---- */

static int check_name(const DomainDef *def, Err *err) {
        const char *name = def->name;

        if (!*name || strlen(name) > NAME_MAX_BYTES)
                return fail(err, VIR_ERR_XML_ERROR, "a guest's name has from 1 to %d bytes",
                            NAME_MAX_BYTES);
        if (strpbrk(name, "/\n\r\t") || name[0] == '.')
                return fail(
                        err, VIR_ERR_XML_ERROR,
                        "the name '%s' holds a '/' or a control character, or begins with a dot",
                        name);
        if (strspn(name, " ") == strlen(name))
                return fail(err, VIR_ERR_XML_ERROR, "a guest's name is more than blanks");
        if (def->title && strchr(def->title, '\n'))
                return fail(err, VIR_ERR_XML_ERROR, "a guest's title is one line");
        return 0;
}

static int check_size(const DomainDef *def, Err *err) {
        if (def->memory == 0 || def->memory > DOMAIN_MEMORY_MAX)
                return fail(err, VIR_ERR_XML_ERROR,
                            "a guest's memory is from 1 KiB to %" G_GUINT64_FORMAT " KiB",
                            DOMAIN_MEMORY_MAX);
        if (def->current_memory > def->memory)
                return fail(err, VIR_ERR_XML_ERROR,
                            "currentMemory (%" G_GUINT64_FORMAT
                            " KiB) is greater than memory (%" G_GUINT64_FORMAT " KiB)",
                            def->current_memory, def->memory);
        if (def->vcpu.count.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "a guest has at least 1 vCPU");
        if (def->vcpu.current.is_set &&
            (def->vcpu.current.value == 0 || def->vcpu.current.value > def->vcpu.count.value))
                return fail(err, VIR_ERR_XML_ERROR, "vcpu current='%u' is not from 1 to %u",
                            (unsigned)def->vcpu.current.value, (unsigned)def->vcpu.count.value);
        return 0;
}

static int check_cpu_names(const DomainCpu *cpu, Err *err) {
        int r = domain_check_word(cpu->model.name, "model", cpu->model.node.line, err);

        for (guint i = 0; cpu->features && i < cpu->features->len && r == 0; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];

                r = domain_check_word(feature->name, "feature", feature->node.line, err);
        }
        return r;
}

static int check_cpu(const DomainDef *def, Err *err) {
        const DomainCpu *cpu = &def->cpu;
        uint64_t product =
                domain_num_or(cpu->topology.sockets, 1) * domain_num_or(cpu->topology.dies, 1) *
                domain_num_or(cpu->topology.clusters, 1) * domain_num_or(cpu->topology.cores, 1) *
                domain_num_or(cpu->topology.threads, 1);

        if (cpu->topology.node.is_present && product != def->vcpu.count.value)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "the CPU topology has %" G_GUINT64_FORMAT " vCPUs, the guest %u",
                            product, (unsigned)def->vcpu.count.value);
        if (def->type == DOMAIN_TYPE_QEMU && cpu->mode == CPU_HOST_PASSTHROUGH)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<cpu mode='host-passthrough'> at line %u needs KVM",
                                      cpu->node.line),
                                 "use mode='maximum', or <domain type='kvm'>");
        if (domain_num_or(cpu->topology.clusters, 1) > 1)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "a machine of x86_64 has no CPU clusters");
        return check_cpu_names(cpu, err);
}

static int check_machine(const DomainDef *def, Err *err) {
        const char *machine = def->os.type.machine;

        if (!g_str_equal(def->os.type.text, "hvm"))
                return fail(err, VIR_ERR_OS_TYPE, "'%s' at line %u: only hvm is served",
                            def->os.type.text, def->os.type.node.line);
        if (!g_str_equal(def->os.type.arch, "x86_64"))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<type arch='%s'> at line %u is not served yet", def->os.type.arch,
                            def->os.type.node.line);
        if (!g_str_equal(machine, "pc") && !g_str_has_prefix(machine, "pc-i440fx-") &&
            !domain_def_is_q35(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<type machine='%s'> at line %u is not served yet", machine,
                            def->os.type.node.line);
        return domain_check_word(machine, "type", def->os.type.node.line, err);
}

static int check_loader(const DomainDef *def, Err *err) {
        const DomainOs *os = &def->os;

        if (os->loader.type == LOADER_PFLASH && os->loader.readonly != DOMAIN_SWITCH_ON)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<loader type='pflash'> at line %u has to be readonly='yes'",
                            os->loader.node.line);
        if (os->loader.secure == DOMAIN_SWITCH_ON && def->features.smm.state != DOMAIN_SWITCH_ON)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "<loader secure='yes'> at line %u needs system management mode",
                             os->loader.node.line),
                        "add <smm state='on'/> to <features>");
        if (os->nvram.node.is_present && os->loader.type != LOADER_PFLASH)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<nvram> at line %u needs a <loader type='pflash'>",
                            os->nvram.node.line);
        if (os->nvram.node.is_present && !os->nvram.path)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<nvram> at line %u names no file",
                            os->nvram.node.line);
        return 0;
}

static int check_boot(const DomainDef *def, Err *err) {
        const DomainOs *os = &def->os;
        const struct {
                const char *path, *what;
                unsigned line;
        } paths[] = {
                {os->kernel.text, "kernel", os->kernel.node.line},
                {os->initrd.text, "initrd", os->initrd.node.line},
                {os->loader.path, "loader", os->loader.node.line},
                {os->nvram.path, "nvram", os->nvram.node.line},
                {os->nvram.template, "nvram", os->nvram.node.line},
                {def->devices.emulator, "emulator", def->devices.node.line},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                int r = domain_check_path(paths[i].path, paths[i].what, paths[i].line, err);

                if (r < 0)
                        return r;
        }
        if (!os->kernel.text && (os->initrd.text || os->cmdline.text))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<initrd> and <cmdline> are for a guest that has a <kernel>");
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (device->boot.node.is_present && os->boot)
                                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                            "<boot order=…> at line %u of a device cannot stand "
                                            "beside <boot dev=…> of the <os>",
                                            device->boot.node.line);
                }
        }
        return 0;
}

static int check_limits(const DomainDef *def, const DomainDefaults *defaults, Err *err) {
        unsigned max =
                defaults && defaults->max_hostdevs ? defaults->max_hostdevs : DOMAIN_HOSTDEVS_MAX;
        unsigned n = def->devices.list[DOMAIN_HOSTDEV]->len;

        DOMAIN_FOREACH(DomainInterface, net, def, DOMAIN_INTERFACE)
                n += net->type == NET_TYPE_HOSTDEV;
        if (n <= max)
                return 0;
        return fail_hint(
                err,
                fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                     "%u PCI functions are assigned to guest '%s', where at most %u may be", n,
                     def->name, max),
                "max_assigned_functions in airlockd.conf raises the limit");
}

int domain_def_validate(const DomainDef *def, const DomainDefaults *defaults, Err *err) {
        static int (*const checks[])(const DomainDef *, Err *) = {
                check_name,
                check_size,
                check_cpu,
                check_machine,
                check_loader,
                check_boot,
                domain_validate_unique,
        };

        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
                int r = checks[i](def, err);

                if (r < 0)
                        return r;
        }
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        int r = domain_validate_device(def, device, err);

                        if (r < 0)
                                return r;
                }
        }
        return check_limits(def, defaults, err);
}
