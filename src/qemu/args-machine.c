/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static const char *on_off(DomainSwitch value) {
        return value == DOMAIN_SWITCH_ON ? "on" : "off";
}

static const DomainTimer *find_timer(const DomainDef *def, TimerName name) {
        const GPtrArray *timers = def->clock.timers;

        for (guint i = 0; timers && i < timers->len; i++) {
                const DomainTimer *timer = timers->pdata[i];

                if (timer->name == name)
                        return timer;
        }
        return NULL;
}

/* ---- -machine ---- */

static void append_timer(GString *out, const DomainDef *def, TimerName name, const char *property) {
        const DomainTimer *timer = find_timer(def, name);

        if (timer && timer->present)
                g_string_append_printf(out, ",%s=%s", property, on_off(timer->present));
}

static void add_machine(GPtrArray *args, const DomainDef *def) {
        g_autoptr(GString) out = g_string_new(def->os.type.machine);
        const DomainFeatures *features = &def->features;

        g_string_append(out, ",usb=off,dump-guest-core=off");
        if (features->vmport.node.is_present)
                g_string_append_printf(out, ",vmport=%s",
                                       features->vmport.state == DOMAIN_SWITCH_OFF ? "off" : "on");
        if (features->smm.node.is_present)
                g_string_append_printf(out, ",smm=%s",
                                       features->smm.state == DOMAIN_SWITCH_OFF ? "off" : "on");
        if (!features->acpi.node.is_present)
                g_string_append(out, ",acpi=off");
        append_timer(out, def, TIMER_HPET, "hpet");
        append_timer(out, def, TIMER_PIT, "pit");
        if (def->os.loader.type == LOADER_PFLASH)
                g_string_append(out, ",pflash0=pflash0");
        if (def->os.nvram.path)
                g_string_append(out, ",pflash1=pflash1");
        qemu_args_add(args, "-machine", out->str);
}

/* ---- -cpu, -smp, -m ---- */

/* Without a data base of CPU models, host-model is what the host has: the guest is not migrated. */
static const char *cpu_name(const DomainDef *def) {
        if (def->cpu.mode == CPU_CUSTOM)
                return def->cpu.model.name;
        if (def->cpu.mode == CPU_MAXIMUM || def->type == DOMAIN_TYPE_QEMU)
                return "max";
        return "host";
}

static void append_cpu_features(GString *out, const DomainCpu *cpu) {
        for (guint i = 0; cpu->features && i < cpu->features->len; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];
                bool is_off = feature->policy == CPU_DISABLE || feature->policy == CPU_FORBID;

                g_string_append_printf(out, ",%s=%s", feature->name, is_off ? "off" : "on");
        }
}

static void add_cpu(GPtrArray *args, const DomainDef *def) {
        g_autoptr(GString) out = g_string_new(cpu_name(def));
        const DomainTimer *kvmclock = find_timer(def, TIMER_KVMCLOCK);
        const DomainTimer *tsc = find_timer(def, TIMER_TSC);

        if (def->cpu.migratable && def->type == DOMAIN_TYPE_KVM)
                g_string_append_printf(out, ",migratable=%s", on_off(def->cpu.migratable));
        append_cpu_features(out, &def->cpu);
        if (kvmclock && kvmclock->present == DOMAIN_SWITCH_OFF)
                g_string_append(out, ",kvmclock=off");
        if (tsc && tsc->present == DOMAIN_SWITCH_OFF)
                g_string_append(out, ",tsc=off");
        if (def->cpu.check == CPU_CHECK_FULL)
                g_string_append(out, ",enforce=on");
        qemu_args_add(args, "-cpu", out->str);
}

static void add_smp(GPtrArray *args, const DomainDef *def) {
        unsigned count = (unsigned)def->vcpu.count.value;
        unsigned current = (unsigned)domain_num_or(def->vcpu.current, count);
        const DomainCpu *cpu = &def->cpu;
        bool is_given = cpu->topology.node.is_present;
        unsigned sockets = is_given ? (unsigned)domain_num_or(cpu->topology.sockets, 1) : count;

        qemu_args_add_format(args, "-smp", "%u,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u",
                             current, count, sockets,
                             (unsigned)domain_num_or(cpu->topology.dies, 1),
                             (unsigned)domain_num_or(cpu->topology.cores, 1),
                             (unsigned)domain_num_or(cpu->topology.threads, 1));
}

/* ---- clock, power, boot ---- */

static void add_rtc(GPtrArray *args, const DomainDef *def) {
        const DomainTimer *rtc = find_timer(def, TIMER_RTC);
        g_autoptr(GString) out = g_string_new("base=");

        g_string_append(out, def->clock.offset == CLOCK_LOCALTIME ? "localtime" : "utc");
        if (rtc && rtc->track)
                g_string_append(out, rtc->track == TIMER_GUEST ? ",clock=vm" : ",clock=host");
        if (rtc && rtc->tickpolicy == TIMER_CATCHUP)
                g_string_append(out, ",driftfix=slew");
        qemu_args_add(args, "-rtc", out->str);
}

/* Only KVM's PIT loses ticks. */
static void add_pit(GPtrArray *args, const DomainDef *def) {
        const DomainTimer *pit = find_timer(def, TIMER_PIT);

        if (!pit || def->type != DOMAIN_TYPE_KVM || pit->present == DOMAIN_SWITCH_OFF ||
            !pit->tickpolicy)
                return;
        qemu_args_add_format(args, "-global", "kvm-pit.lost_tick_policy=%s",
                             pit->tickpolicy == TIMER_DELAY ? "delay" : "discard");
}

static void add_pm(GPtrArray *args, const DomainDef *def) {
        const char *device = domain_def_is_q35(def) ? "ICH9-LPC" : "PIIX4_PM";

        if (def->pm.mem.enabled)
                qemu_args_add_format(args, "-global", "%s.disable_s3=%d", device,
                                     def->pm.mem.enabled == DOMAIN_SWITCH_OFF);
        if (def->pm.disk.enabled)
                qemu_args_add_format(args, "-global", "%s.disable_s4=%d", device,
                                     def->pm.disk.enabled == DOMAIN_SWITCH_OFF);
}

static void add_lifecycle(GPtrArray *args, const DomainDef *def) {
        if (def->on_reboot == LIFECYCLE_DESTROY)
                qemu_args_add(args, "-action", "reboot=shutdown");
        if (def->on_poweroff != LIFECYCLE_DESTROY)
                qemu_args_add(args, "-action", "shutdown=pause");
}

static void add_boot(GPtrArray *args, const DomainDef *def) {
        const DomainOs *os = &def->os;
        g_autoptr(GString) out = g_string_new(NULL);

        if (os->bootmenu.enable)
                g_string_append_printf(out, "menu=%s,", on_off(os->bootmenu.enable));
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
        if (os->cmdline.text)
                qemu_args_add(args, "-append", os->cmdline.text);
}

static void add_flash(GPtrArray *args, const DomainOs *os) {
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

/* ---- the process ---- */

static void add_process(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime) {
        g_autofree char *name = qemu_args_escape(def->name);

        qemu_args_add_format(args, "-name", "guest=%s,debug-threads=on", name);
        qemu_args_add(args, "-S", NULL);
        qemu_args_add(args, "-no-user-config", NULL);
        qemu_args_add(args, "-nodefaults", NULL);
        qemu_args_add(args, "-display", "none");
        qemu_args_add(args, "-msg", "timestamp=on");
        if (runtime->has_sandbox)
                qemu_args_add(args, "-sandbox",
                              "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                              "resourcecontrol=deny");
        if (runtime->pid_file)
                qemu_args_add(args, "-pidfile", runtime->pid_file);
}

static void add_monitor(GPtrArray *args, const QemuRuntime *runtime) {
        if (runtime->qmp_fd >= 0) {
                qemu_args_add_format(args, "-chardev",
                                     "socket,id=charmonitor,fd=%d,server=on,wait=off",
                                     runtime->qmp_fd);
        } else {
                g_autofree char *path = qemu_args_escape(runtime->qmp_path);

                qemu_args_add_format(args, "-chardev",
                                     "socket,id=charmonitor,path=%s,server=on,wait=off", path);
        }
        qemu_args_add(args, "-mon", "chardev=charmonitor,id=monitor,mode=control");
}

int qemu_args_machine(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime, Err *err) {
        if (runtime->version < QEMU_VERSION_MIN)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "QEMU %u.%u is too old: 7.2 and later are served",
                            runtime->version / 1000000, runtime->version / 1000 % 1000);
        add_process(args, def, runtime);
        add_flash(args, &def->os);
        add_machine(args, def);
        qemu_args_add(args, "-accel", def->type == DOMAIN_TYPE_KVM ? "kvm" : "tcg");
        add_cpu(args, def);
        qemu_args_add_format(args, "-m", "size=%" G_GUINT64_FORMAT "k", def->memory);
        add_smp(args, def);
        qemu_args_add(args, "-uuid",
                      domain_uuid_format(def->uuid, (char[DOMAIN_UUID_TEXT_MAX]){0}));
        add_monitor(args, runtime);
        add_rtc(args, def);
        add_pit(args, def);
        add_pm(args, def);
        add_lifecycle(args, def);
        add_boot(args, def);
        return 0;
}
