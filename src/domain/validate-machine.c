/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/validate.h"

#include <string.h>

#include "base/util.h"
#include "domain/kind.h"

#define NAME_MAX_BYTES 255
#define VENDOR_ID_MAX  12 /* what a CPUID leaf holds */

/* ---- name and size ---- */

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

static int check_max_memory(const DomainDef *def, Err *err) {
        const DomainNode *node = &def->max_memory.node;
        unsigned n = def->devices.list[DOMAIN_MEMORY]->len;

        if (!node->is_present)
                return 0;
        if (def->max_memory.slots.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<maxMemory slots='0'> at line %u has no slot",
                            node->line);
        if (def->max_memory.kib < def->memory || def->max_memory.kib > DOMAIN_MEMORY_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "maxMemory (%" G_GUINT64_FORMAT
                            " KiB) at line %u is not from memory (%" G_GUINT64_FORMAT
                            " KiB) to %" G_GUINT64_FORMAT " KiB",
                            def->max_memory.kib, node->line, def->memory, DOMAIN_MEMORY_MAX);
        if (n > def->max_memory.slots.value)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "%u <memory> devices, and <maxMemory> has %u slots", n,
                            (unsigned)def->max_memory.slots.value);
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
        return check_max_memory(def, err);
}

/* ---- cpu ---- */

static int check_cpu_names(const DomainCpu *cpu, Err *err) {
        const char *vendor_id = cpu->model.vendor_id;
        int r = domain_check_word(cpu->model.name, "model", cpu->model.node.line, err);

        if (r == 0 && vendor_id && (strlen(vendor_id) != VENDOR_ID_MAX || strchr(vendor_id, ',')))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<model vendor_id='%s'> at line %u is not %d characters without a ','",
                            vendor_id, cpu->model.node.line, VENDOR_ID_MAX);
        for (guint i = 0; cpu->features && i < cpu->features->len && r == 0; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];

                r = domain_check_word(feature->name, "feature", feature->node.line, err);
        }
        return r;
}

static int check_cache(const DomainCpu *cpu, Err *err) {
        bool is_host = cpu->mode == CPU_HOST_PASSTHROUGH || cpu->mode == CPU_MAXIMUM;
        unsigned line = cpu->cache.node.line;

        if (cpu->cache.mode == CPU_CACHE_PASSTHROUGH && !is_host)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<cache mode='passthrough'> at line %u is for CPUs of mode "
                            "host-passthrough and maximum",
                            line);
        if (cpu->cache.mode == CPU_CACHE_EMULATE && domain_num_or(cpu->cache.level, 0) != 3)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<cache mode='emulate'> at line %u is of level 3 alone", line);
        if (cpu->cache.mode != CPU_CACHE_EMULATE && cpu->cache.level.is_set)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<cache> at line %u: only mode='emulate' has a level", line);
        return 0;
}

static int check_address_bits(const DomainCpu *cpu, Err *err) {
        bool is_emulated = cpu->maxphysaddr.mode == CPU_ADDRESS_EMULATE;

        if (!cpu->maxphysaddr.node.is_present)
                return 0;
        if (is_emulated ? !cpu->maxphysaddr.bits.is_set || cpu->maxphysaddr.limit.is_set
                        : cpu->maxphysaddr.bits.is_set)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<maxphysaddr> at line %u: bits are for mode='emulate', a limit is "
                            "for mode='passthrough'",
                            cpu->maxphysaddr.node.line);
        return 0;
}

static int check_topology(const DomainDef *def, Err *err) {
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
        return 0;
}

static int check_cpu(const DomainDef *def, Err *err) {
        int r = check_topology(def, err);

        if (r == 0)
                r = check_cpu_names(&def->cpu, err);
        if (r == 0 && def->cpu.cache.node.is_present)
                r = check_cache(&def->cpu, err);
        return r == 0 ? check_address_bits(&def->cpu, err) : r;
}

/* ---- os ---- */

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

        if (os->loader.node.is_present && !os->loader.path)
                return fail(err, VIR_ERR_XML_ERROR, "<loader> at line %u is empty",
                            os->loader.node.line);
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
        if (os->loader.stateless == DOMAIN_SWITCH_ON && os->nvram.node.is_present)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<nvram> at line %u stands beside a stateless <loader>",
                            os->nvram.node.line);
        if (os->nvram.node.is_present && os->loader.type != LOADER_PFLASH)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<nvram> at line %u needs a <loader type='pflash'>",
                            os->nvram.node.line);
        if (os->nvram.node.is_present && !os->nvram.path)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<nvram> at line %u names no file",
                            os->nvram.node.line);
        return 0;
}

static int check_firmware(const DomainDef *def, Err *err) {
        const DomainOs *os = &def->os;

        if (os->firmware == FIRMWARE_EFI && !os->loader.path)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "no UEFI firmware of this host can be chosen for guest '%s'",
                                      def->name),
                                 "install one (apt install ovmf), or name <loader> and <nvram>");
        if (os->firmware == FIRMWARE_EFI && !def->features.acpi.node.is_present)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<os firmware='efi'> at line %u needs ACPI", os->node.line),
                                 "add <acpi/> to <features>");
        if (os->firmware_features.node.is_present && !os->firmware)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<firmware> at line %u is for an <os firmware='…'>",
                            os->firmware_features.node.line);
        return os->loader.node.is_present || os->nvram.node.is_present ? check_loader(def, err) : 0;
}

static int check_paths(const DomainDef *def, Err *err) {
        const DomainOs *os = &def->os;
        const struct {
                const char *path, *what;
                unsigned line;
        } paths[] = {
                {os->kernel.text, "kernel", os->kernel.node.line},
                {os->initrd.text, "initrd", os->initrd.node.line},
                {os->shim.text, "shim", os->shim.node.line},
                {os->loader.path, "loader", os->loader.node.line},
                {os->nvram.path, "nvram", os->nvram.node.line},
                {os->nvram.template, "nvram", os->nvram.node.line},
                {def->resource.partition, "partition", def->resource.node.line},
                {def->devices.emulator, "emulator", def->devices.node.line},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                int r = domain_check_path(paths[i].path, paths[i].what, paths[i].line, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_boot_orders(const DomainDef *def, Err *err) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (device->boot.node.is_present && def->os.boot)
                                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                            "<boot order=…> at line %u of a device cannot stand "
                                            "beside <boot dev=…> of the <os>",
                                            device->boot.node.line);
                }
        }
        return 0;
}

static int check_bios(const DomainDef *def, Err *err) {
        const char *timeout = def->os.bios.reboot_timeout;
        unsigned line = def->os.bios.node.line;
        uint64_t value;

        if (def->os.bios.serial == DOMAIN_SWITCH_ON && def->devices.list[DOMAIN_SERIAL]->len == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<bios useserial='yes'> at line %u needs a serial port", line);
        if (timeout && !g_str_equal(timeout, "-1") &&
            str_to_uint(timeout, 10, UINT16_MAX, &value) < 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<bios rebootTimeout='%s'> at line %u is not from -1 to %u", timeout,
                            line, UINT16_MAX);
        return 0;
}

static int check_boot(const DomainDef *def, Err *err) {
        const DomainOs *os = &def->os;
        int r = check_paths(def, err);

        if (r < 0)
                return r;
        if (!os->kernel.text && (os->initrd.text || os->cmdline.text || os->shim.text))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<initrd>, <cmdline> and <shim> are for a guest that has a <kernel>");
        r = check_bios(def, err);
        return r == 0 ? check_boot_orders(def, err) : r;
}

/* ---- sysinfo ---- */

/* What the tables of SMBIOS have a place for, and QEMU an option. */
static const char *const bios_names[] = {"vendor", "version", "date", "release", NULL};
static const char *const system_names[] = {"manufacturer", "product", "version", "serial",
                                           "uuid",         "sku",     "family",  NULL};
static const char *const board_names[] = {"manufacturer", "product",  "version", "serial",
                                          "asset",        "location", NULL};
static const char *const chassis_names[] = {"manufacturer", "version", "serial",
                                            "asset",        "sku",     NULL};

static int check_block(const DomainSysBlock *block, const char *what, const char *const *names,
                       Err *err) {
        for (guint i = 0; block->entries && i < block->entries->len; i++) {
                const DomainSysEntry *entry = block->entries->pdata[i];

                if (names && !g_strv_contains(names, entry->name))
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<entry name='%s'> at line %u: the SMBIOS table <%s> has none "
                                    "such",
                                    entry->name, entry->node.line, what);
                if (strpbrk(entry->text, "\n\r\t"))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<entry> at line %u holds a control character",
                                    entry->node.line);
        }
        return 0;
}

/* The guest has one UUID. */
static int check_system_uuid(const DomainDef *def, const DomainSysBlock *block, Err *err) {
        for (guint i = 0; block->entries && i < block->entries->len; i++) {
                const DomainSysEntry *entry = block->entries->pdata[i];
                uint8_t uuid[16];

                if (!g_str_equal(entry->name, "uuid"))
                        continue;
                if (domain_uuid_parse(entry->text, uuid) < 0)
                        return fail(err, VIR_ERR_XML_ERROR, "'%s' at line %u is no UUID",
                                    entry->text, entry->node.line);
                if (memcmp(uuid, def->uuid, sizeof(uuid)) != 0)
                        return fail(err, VIR_ERR_XML_DETAIL,
                                    "the UUID in <sysinfo> at line %u is not the guest's <uuid>",
                                    entry->node.line);
        }
        return 0;
}

static int check_smbios(const DomainDef *def, const DomainSysinfo *sysinfo, Err *err) {
        int r = check_block(&sysinfo->bios, "bios", bios_names, err);

        if (r == 0)
                r = check_block(&sysinfo->system, "system", system_names, err);
        if (r == 0)
                r = check_system_uuid(def, &sysinfo->system, err);
        for (guint i = 0; r == 0 && sysinfo->boards && i < sysinfo->boards->len; i++)
                r = check_block(sysinfo->boards->pdata[i], "baseBoard", board_names, err);
        if (r == 0)
                r = check_block(&sysinfo->chassis, "chassis", chassis_names, err);
        return r == 0 ? check_block(&sysinfo->oem_strings, "oemStrings", NULL, err) : r;
}

/* QEMU keeps what does not begin so for itself (its docs/specs/fw_cfg). */
static int check_fwcfg(const DomainSysinfo *sysinfo, Err *err) {
        for (guint i = 0; sysinfo->entries && i < sysinfo->entries->len; i++) {
                const DomainSysEntry *entry = sysinfo->entries->pdata[i];
                int r;

                if (!g_str_has_prefix(entry->name, "opt/") ||
                    g_str_has_prefix(entry->name, "opt/ovmf/") ||
                    g_str_has_prefix(entry->name, "opt/org.qemu/"))
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<entry name='%s'> at line %u: names for guests begin with "
                                    "'opt/' and are not in 'opt/ovmf/' or 'opt/org.qemu/'",
                                    entry->name, entry->node.line);
                if (!entry->file == !entry->text)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<entry name='%s'> at line %u has either a text or a file",
                                    entry->name, entry->node.line);
                r = domain_check_path(entry->file, "entry", entry->node.line, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_sysinfo(const DomainDef *def, Err *err) {
        bool has_smbios = false;

        for (guint i = 0; def->sysinfo && i < def->sysinfo->len; i++) {
                const DomainSysinfo *sysinfo = def->sysinfo->pdata[i];
                bool is_smbios = sysinfo->type == SYSINFO_SMBIOS;
                int r = is_smbios ? check_smbios(def, sysinfo, err) : check_fwcfg(sysinfo, err);

                if (r < 0)
                        return r;
                if (is_smbios && has_smbios)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "a second <sysinfo type='smbios'> at line %u",
                                    sysinfo->node.line);
                has_smbios |= is_smbios;
        }
        if (def->os.smbios.mode == SMBIOS_SYSINFO && !has_smbios)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<smbios mode='sysinfo'> at line %u needs a <sysinfo type='smbios'>",
                            def->os.smbios.node.line);
        return 0;
}

/* ---- features ---- */

static bool is_on(const DomainState *state) {
        return state->state == DOMAIN_SWITCH_ON;
}

/* What Hyper-V's specification builds upon what; QEMU does not start otherwise. */
static int check_hyperv_needs(const DomainHyperv *hyperv, Err *err) {
        bool stimer = hyperv->stimer.state == DOMAIN_SWITCH_ON;
        bool tlbflush = hyperv->tlbflush.state == DOMAIN_SWITCH_ON;
        const struct {
                bool has;
                const char *what;
                bool needed;
                const char *needs;
        } rules[] = {
                {is_on(&hyperv->synic), "synic", is_on(&hyperv->vpindex), "vpindex"},
                {stimer, "stimer", is_on(&hyperv->synic), "synic"},
                {tlbflush, "tlbflush", is_on(&hyperv->vpindex), "vpindex"},
                {is_on(&hyperv->ipi), "ipi", is_on(&hyperv->vpindex), "vpindex"},
                {is_on(&hyperv->evmcs), "evmcs", is_on(&hyperv->vapic), "vapic"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
                if (rules[i].has && !rules[i].needed)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<%s> in <hyperv> at line %u needs <%s state='on'/>",
                                    rules[i].what, hyperv->node.line, rules[i].needs);
        return 0;
}

static int check_hyperv(const DomainDef *def, Err *err) {
        const DomainHyperv *hyperv = &def->features.hyperv;
        const char *id = hyperv->vendor_id.value;

        if (!hyperv->node.is_present)
                return 0;
        if (hyperv->spinlocks.state == DOMAIN_SWITCH_ON &&
            domain_num_or(hyperv->spinlocks.retries, 0) < 0xfff)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<spinlocks> at line %u needs at least 4095 retries",
                            hyperv->spinlocks.node.line);
        if (hyperv->vendor_id.state == DOMAIN_SWITCH_ON && !id)
                return fail(err, VIR_ERR_XML_ERROR, "<vendor_id> at line %u has no value",
                            hyperv->vendor_id.node.line);
        if (id && (strlen(id) > VENDOR_ID_MAX || strchr(id, ',')))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<vendor_id value='%s'> at line %u is longer than %d characters or "
                            "holds a ','",
                            id, hyperv->vendor_id.node.line, VENDOR_ID_MAX);
        return hyperv->mode == HYPERV_CUSTOM ? check_hyperv_needs(hyperv, err) : 0;
}

static int check_smm(const DomainDef *def, Err *err) {
        const DomainNode *node = &def->features.smm.tseg.node;
        uint64_t kib = def->features.smm.tseg.kib;

        if (!node->is_present)
                return 0;
        if (!domain_def_is_q35(def) || def->features.smm.state != DOMAIN_SWITCH_ON)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<tseg> at line %u is for a q35 machine with <smm state='on'>",
                            node->line);
        if (kib == 0 || kib % 1024 || kib / 1024 >= UINT16_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<tseg> at line %u is not a whole number of MiB below 65535",
                            node->line);
        return 0;
}

static int check_features(const DomainDef *def, Err *err) {
        const DomainFeatures *features = &def->features;
        DomainNum ring = features->kvm.dirty_ring.size;
        int r = check_hyperv(def, err);

        if (r == 0)
                r = check_smm(def, err);
        if (r < 0)
                return r;
        if (features->kvm.dirty_ring.state == DOMAIN_SWITCH_ON &&
            (ring.value < 1024 || (ring.value & (ring.value - 1))))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<dirty-ring> at line %u needs a size that is a power of two from 1024 "
                            "to 65536",
                            features->kvm.dirty_ring.node.line);
        if (features->ioapic.driver == IOAPIC_KVM && def->type != DOMAIN_TYPE_KVM)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<ioapic driver='kvm'> at line %u needs KVM",
                            features->ioapic.node.line);
        if (features->tcg.node.is_present && def->type == DOMAIN_TYPE_KVM)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<tcg> at line %u is for a <domain type='qemu'>",
                            features->tcg.node.line);
        return 0;
}

/* ---- clock ---- */

/* Which timer can do what with a tick that was missed. */
static bool can_tick(const DomainTimer *timer) {
        switch (timer->name) {
        case TIMER_RTC:
                return timer->tickpolicy == TIMER_DELAY || timer->tickpolicy == TIMER_CATCHUP;
        case TIMER_PIT:
                return timer->tickpolicy == TIMER_DELAY || timer->tickpolicy == TIMER_DISCARD;
        default:
                return false;
        }
}

static int check_timer(const DomainTimer *timer, Err *err) {
        unsigned line = timer->node.line;

        if (timer->tickpolicy && !can_tick(timer))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<timer> at line %u cannot have this tickpolicy", line);
        if (timer->track && timer->name != TIMER_RTC)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<timer> at line %u: only the rtc has a track", line);
        if ((timer->frequency.is_set || timer->mode) && timer->name != TIMER_TSC)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<timer> at line %u: only the tsc has a frequency and a mode", line);
        return 0;
}

static int check_clock(const DomainDef *def, Err *err) {
        const DomainClock *clock = &def->clock;
        unsigned line = clock->node.line;
        int64_t seconds;

        if (clock->adjustment && !g_str_equal(clock->adjustment, "reset") &&
            domain_clock_adjustment(clock->adjustment, &seconds) < 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<clock adjustment='%s'> at line %u is no number of seconds",
                            clock->adjustment, line);
        if (clock->offset == CLOCK_VARIABLE && g_strcmp0(clock->adjustment, "reset") == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<clock offset='variable'> at line %u needs a number of seconds", line);
        if (clock->offset == CLOCK_TIMEZONE && (!clock->timezone || !*clock->timezone))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<clock offset='timezone'> at line %u names no timezone", line);
        if (clock->offset == CLOCK_ABSOLUTE && !clock->start.is_set)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<clock offset='absolute'> at line %u has no start", line);
        for (guint i = 0; clock->timers && i < clock->timers->len; i++) {
                int r = check_timer(clock->timers->pdata[i], err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- qemu:commandline ---- */

static bool is_variable(const char *name) {
        if (!g_ascii_isalpha(*name) && *name != '_')
                return false;
        for (; *name; name++)
                if (!g_ascii_isalnum(*name) && *name != '_')
                        return false;
        return true;
}

static int check_qemu_commandline(const DomainDef *def, Err *err) {
        const GPtrArray *envs = def->qemu_commandline.envs;

        if (def->qemu_commandline.node.is_present &&
            !strstr(def->node.attrs->str, " xmlns:qemu='" DOMAIN_QEMU_NS "'"))
                return fail(err, VIR_ERR_XML_ERROR,
                            "the prefix qemu of <domain> at line %u is not that of %s",
                            def->node.line, DOMAIN_QEMU_NS);
        for (guint i = 0; envs && i < envs->len; i++) {
                const DomainQemuEnv *env = envs->pdata[i];

                if (!is_variable(env->name))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<qemu:env name='%s'> at line %u is no name of a variable",
                                    env->name, env->node.line);
        }
        return 0;
}

int domain_validate_machine(const DomainDef *def, Err *err) {
        static int (*const checks[])(const DomainDef *, Err *) = {
                check_name,
                check_size,
                check_cpu,
                check_machine,
                check_firmware,
                check_boot,
                check_sysinfo,
                check_features,
                check_clock,
                domain_validate_tuning,
                check_qemu_commandline,
        };

        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
                int r = checks[i](def, err);

                if (r < 0)
                        return r;
        }
        return 0;
}
