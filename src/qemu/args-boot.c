/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the guest begins: firmware, kernel, boot menu, what the board says of itself, the clock. */
#include "qemu/args-part.h"

static const char *on_off(DomainSwitch value) {
        return value == DOMAIN_SWITCH_ON ? "on" : "off";
}

/* ---- firmware ---- */

void qemu_args_flash(GPtrArray *args, const DomainDef *def) {
        const DomainOs *os = &def->os;

        if (os->loader.type != LOADER_PFLASH)
                return;
        if (os->loader.secure == DOMAIN_SWITCH_ON)
                qemu_args_add(args, "-global", "driver=cfi.pflash01,property=secure,value=on");
        qemu_args_add_json(
                args, "-blockdev",
                qemu_args_flash_node("pflash0", os->loader.path, os->loader.format, true));
        if (os->nvram.path)
                qemu_args_add_json(
                        args, "-blockdev",
                        qemu_args_flash_node("pflash1", os->nvram.path, os->nvram.format, false));
}

/* ---- clock ---- */

const DomainTimer *qemu_args_find_timer(const DomainDef *def, TimerName name) {
        const GPtrArray *timers = def->clock.timers;

        for (guint i = 0; timers && i < timers->len; i++) {
                const DomainTimer *timer = timers->pdata[i];

                if (timer->name == name)
                        return timer;
        }
        return NULL;
}

/* What the guest's clock shows at the start, in seconds as if it were UTC. */
static int64_t clock_seconds(const DomainClock *clock, const QemuRuntime *runtime) {
        int64_t adjustment = 0;

        if (clock->offset == CLOCK_ABSOLUTE)
                return (int64_t)clock->start.value;
        (void)domain_clock_adjustment(clock->adjustment, &adjustment);
        if (clock->basis == CLOCK_BASIS_LOCALTIME)
                adjustment += runtime->utc_offset;
        return runtime->now + adjustment;
}

/* A time far out of any calendar is the epoch. */
static char *clock_base(const DomainDef *def, const QemuRuntime *runtime) {
        const DomainClock *clock = &def->clock;
        g_autoptr(GDateTime) time = NULL;

        if (clock->offset == CLOCK_UTC)
                return g_strdup("utc");
        if (clock->offset == CLOCK_LOCALTIME || clock->offset == CLOCK_TIMEZONE)
                return g_strdup("localtime");
        time = g_date_time_new_from_unix_utc(clock_seconds(clock, runtime));
        return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S")
                    : g_strdup("1970-01-01T00:00:00");
}

static void add_rtc(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime) {
        const DomainTimer *rtc = qemu_args_find_timer(def, TIMER_RTC);
        g_autofree char *base = clock_base(def, runtime);
        g_autoptr(GString) out = g_string_new("base=");

        g_string_append(out, base);
        if (rtc && rtc->track)
                g_string_append(out, rtc->track == TIMER_GUEST ? ",clock=vm" : ",clock=host");
        if (rtc && rtc->tickpolicy == TIMER_CATCHUP)
                g_string_append(out, ",driftfix=slew");
        qemu_args_add(args, "-rtc", out->str);
}

/* Only KVM's PIT loses ticks. */
static void add_pit(GPtrArray *args, const DomainDef *def) {
        const DomainTimer *pit = qemu_args_find_timer(def, TIMER_PIT);

        if (!pit || def->type != DOMAIN_TYPE_KVM || pit->present == DOMAIN_SWITCH_OFF ||
            !pit->tickpolicy)
                return;
        qemu_args_add_format(args, "-global", "kvm-pit.lost_tick_policy=%s",
                             pit->tickpolicy == TIMER_DELAY ? "delay" : "discard");
}

void qemu_args_clock(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime) {
        add_rtc(args, def, runtime);
        add_pit(args, def);
}

/* ---- boot ---- */

/* A drive is a part of its controller here. */
static void add_floppies(GPtrArray *args, const DomainDef *def) {
        DOMAIN_FOREACH(DomainDisk, disk, def, DOMAIN_DISK) {
                unsigned index = qemu_args_boot_index(def, &disk->base);

                if (disk->device == DISK_DEVICE_FLOPPY && index > 0)
                        qemu_args_add_format(args, "-global", "isa-fdc.bootindex%c=%u",
                                             disk->base.address.unit.value == 0 ? 'A' : 'B', index);
        }
}

static void add_boot(GPtrArray *args, const DomainOs *os) {
        g_autoptr(GString) out = g_string_new(NULL);

        if (os->bootmenu.enable)
                g_string_append_printf(out, "menu=%s,", on_off(os->bootmenu.enable));
        if (os->bios.reboot_timeout)
                g_string_append_printf(out, "reboot-timeout=%s,", os->bios.reboot_timeout);
        if (os->bootmenu.enable == DOMAIN_SWITCH_ON && os->bootmenu.timeout.is_set)
                g_string_append_printf(out, "splash-time=%u,",
                                       (unsigned)os->bootmenu.timeout.value);
        g_string_append(out, "strict=on");
        qemu_args_add(args, "-boot", out->str);
        if (os->loader.path && os->loader.type != LOADER_PFLASH)
                qemu_args_add(args, "-bios", os->loader.path);
        if (os->kernel.text)
                qemu_args_add(args, "-kernel", os->kernel.text);
        if (os->initrd.text)
                qemu_args_add(args, "-initrd", os->initrd.text);
        if (os->shim.text)
                qemu_args_add(args, "-shim", os->shim.text);
        if (os->cmdline.text)
                qemu_args_add(args, "-append", os->cmdline.text);
}

/* ---- what the board says of itself ---- */

static void append_entry(GString *out, const DomainSysEntry *entry, const char *key) {
        g_autofree char *value = qemu_args_escape(entry->text);

        g_string_append_printf(out, ",%s=%s", key, value);
}

static void add_block(GPtrArray *args, unsigned type, const DomainSysBlock *block) {
        g_autoptr(GString) out = g_string_new(NULL);

        if (!block->entries || block->entries->len == 0)
                return;
        g_string_printf(out, "type=%u", type);
        for (guint i = 0; i < block->entries->len; i++) {
                const DomainSysEntry *entry = block->entries->pdata[i];

                append_entry(out, entry, entry->name ? entry->name : "value");
        }
        qemu_args_add(args, "-smbios", out->str);
}

/* Types of SMBIOS's tables (DMTF DSP0134). */
static void add_smbios(GPtrArray *args, const DomainSysinfo *sysinfo) {
        add_block(args, 0, &sysinfo->bios);
        add_block(args, 1, &sysinfo->system);
        for (guint i = 0; sysinfo->boards && i < sysinfo->boards->len; i++)
                add_block(args, 2, sysinfo->boards->pdata[i]);
        add_block(args, 3, &sysinfo->chassis);
        add_block(args, 11, &sysinfo->oem_strings);
}

static void add_fwcfg(GPtrArray *args, const DomainSysinfo *sysinfo) {
        for (guint i = 0; sysinfo->entries && i < sysinfo->entries->len; i++) {
                const DomainSysEntry *entry = sysinfo->entries->pdata[i];
                g_autofree char *name = qemu_args_escape(entry->name);
                g_autofree char *value = qemu_args_escape(entry->file ? entry->file : entry->text);

                qemu_args_add_format(args, "-fw_cfg", "name=%s,%s=%s", name,
                                     entry->file ? "file" : "string", value);
        }
}

static void add_sysinfo(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime) {
        for (guint i = 0; def->sysinfo && i < def->sysinfo->len; i++) {
                const DomainSysinfo *sysinfo = def->sysinfo->pdata[i];

                if (sysinfo->type == SYSINFO_FWCFG)
                        add_fwcfg(args, sysinfo);
                else if (def->os.smbios.mode == SMBIOS_SYSINFO)
                        add_smbios(args, sysinfo);
        }
        if (def->os.smbios.mode == SMBIOS_HOST && runtime->host_sysinfo)
                add_smbios(args, runtime->host_sysinfo);
}

int qemu_args_boot(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime, Err *err) {
        if (def->os.shim.text && runtime->version < QEMU_VERSION(10, 0, 0))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<shim> at line %u needs QEMU 10.0; this is %u.%u",
                            def->os.shim.node.line, runtime->version / 1000000,
                            runtime->version / 1000 % 1000);
        add_sysinfo(args, def, runtime);
        add_floppies(args, def);
        add_boot(args, &def->os);
        return 0;
}
