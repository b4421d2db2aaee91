/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process, its monitor and the board. */
#include "qemu/args-part.h"

static const char *on_off(DomainSwitch value) {
        return value == DOMAIN_SWITCH_ON ? "on" : "off";
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

/* ---- the board ---- */

static void append_state(GString *out, const char *property, const DomainNode *node,
                         DomainSwitch state) {
        if (node->is_present)
                g_string_append_printf(out, ",%s=%s", property,
                                       state == DOMAIN_SWITCH_OFF ? "off" : "on");
}

static void append_timer(GString *out, const DomainDef *def, TimerName name, const char *property) {
        const DomainTimer *timer = qemu_args_find_timer(def, name);

        if (timer && timer->present)
                g_string_append_printf(out, ",%s=%s", property, on_off(timer->present));
}

static void append_features(GString *out, const DomainDef *def) {
        const DomainFeatures *features = &def->features;

        append_state(out, "vmport", &features->vmport.node, features->vmport.state);
        append_state(out, "smm", &features->smm.node, features->smm.state);
        append_state(out, "i8042", &features->ps2.node, features->ps2.state);
        if (!features->acpi.node.is_present)
                g_string_append(out, ",acpi=off");
        if (features->ioapic.driver && def->type == DOMAIN_TYPE_KVM)
                g_string_append_printf(out, ",kernel_irqchip=%s",
                                       features->ioapic.driver == IOAPIC_QEMU ? "split" : "on");
        if (def->os.bios.serial == DOMAIN_SWITCH_ON)
                g_string_append(out, ",graphics=off");
}

static void append_memory(GString *out, const DomainDef *def) {
        DomainSwitch dump = def->memory_element.dump_core;

        g_string_append_printf(out, ",dump-guest-core=%s", on_off(dump));
        if (def->memory_backing.nosharepages.node.is_present)
                g_string_append(out, ",mem-merge=off");
        if (qemu_args_has_main_memory(def))
                g_string_append(out, ",memory-backend=pc.ram");
}

static void add_machine(GPtrArray *args, const DomainDef *def) {
        g_autoptr(GString) out = g_string_new(def->os.type.machine);

        g_string_append(out, ",usb=off");
        append_memory(out, def);
        append_features(out, def);
        append_timer(out, def, TIMER_HPET, "hpet");
        append_timer(out, def, TIMER_PIT, "pit");
        if (def->os.loader.type == LOADER_PFLASH)
                g_string_append(out, ",pflash0=pflash0");
        if (def->os.nvram.path)
                g_string_append(out, ",pflash1=pflash1");
        qemu_args_add(args, "-machine", out->str);
        if (def->features.smm.tseg.node.is_present)
                qemu_args_add_format(args, "-global", "mch.extended-tseg-mbytes=%u",
                                     (unsigned)(def->features.smm.tseg.kib / 1024));
}

static void add_accelerator(GPtrArray *args, const DomainDef *def) {
        const DomainFeatures *features = &def->features;

        if (def->type == DOMAIN_TYPE_KVM && features->kvm.dirty_ring.state == DOMAIN_SWITCH_ON)
                qemu_args_add_format(args, "-accel", "kvm,dirty-ring-size=%u",
                                     (unsigned)features->kvm.dirty_ring.size.value);
        else if (features->tcg.tb_cache.node.is_present)
                qemu_args_add_format(args, "-accel", "tcg,tb-size=%u",
                                     (unsigned)(features->tcg.tb_cache.kib / 1024));
        else
                qemu_args_add(args, "-accel", def->type == DOMAIN_TYPE_KVM ? "kvm" : "tcg");
}

/* Parts of the board that QEMU has as devices without a bus. */
static void add_board_devices(GPtrArray *args, const DomainDef *def) {
        char uuid[DOMAIN_UUID_TEXT_MAX];

        if (def->genid.node.is_present)
                qemu_args_add_json(args, "-device",
                                   json_pack("{s:s, s:s, s:s}", "driver", "vmgenid", "guid",
                                             domain_uuid_format(def->genid.uuid, uuid), "id",
                                             "vmgenid0"));
        if (def->features.vmcoreinfo.state == DOMAIN_SWITCH_ON)
                qemu_args_add_json(args, "-device", json_pack("{s:s}", "driver", "vmcoreinfo"));
}

/* ---- power ---- */

static void add_pm(GPtrArray *args, const DomainDef *def) {
        const char *device = domain_def_is_q35(def) ? "ICH9-LPC" : "PIIX4_PM";

        if (def->pm.mem.enabled)
                qemu_args_add_format(args, "-global", "%s.disable_s3=%d", device,
                                     def->pm.mem.enabled == DOMAIN_SWITCH_OFF);
        if (def->pm.disk.enabled)
                qemu_args_add_format(args, "-global", "%s.disable_s4=%d", device,
                                     def->pm.disk.enabled == DOMAIN_SWITCH_OFF);
}

/* What is to follow on a crash but its end is done by who watches the guest. */
static void add_lifecycle(GPtrArray *args, const DomainDef *def) {
        if (def->on_reboot == LIFECYCLE_DESTROY)
                qemu_args_add(args, "-action", "reboot=shutdown");
        if (def->on_poweroff != LIFECYCLE_DESTROY)
                qemu_args_add(args, "-action", "shutdown=pause");
        if (def->on_crash != LIFECYCLE_DESTROY)
                qemu_args_add(args, "-action", "panic=pause");
}

int qemu_args_machine(GPtrArray *args, const QemuContext *context, Err *err) {
        const DomainDef *def = context->def;
        const QemuRuntime *runtime = context->runtime;

        if (runtime->version < QEMU_VERSION_MIN)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "QEMU %u.%u is too old: 7.2 and later are served",
                            runtime->version / 1000000, runtime->version / 1000 % 1000);
        add_process(args, def, runtime);
        qemu_args_flash(args, def);
        add_machine(args, def);
        add_accelerator(args, def);
        qemu_args_cpu(args, def);
        qemu_args_memory(args, context);
        qemu_args_smp(args, def);
        qemu_args_iothreads(args, def);
        qemu_args_add(args, "-uuid",
                      domain_uuid_format(def->uuid, (char[DOMAIN_UUID_TEXT_MAX]){0}));
        add_monitor(args, runtime);
        qemu_args_clock(args, def, runtime);
        add_pm(args, def);
        add_lifecycle(args, def);
        add_board_devices(args, def);
        return qemu_args_boot(args, def, runtime, err);
}

/* ---- the owner's own ---- */

void qemu_args_own(GPtrArray *args, const DomainDef *def) {
        const GPtrArray *own = def->qemu_commandline.args;

        for (guint i = 0; own && i < own->len; i++)
                qemu_args_add(args, ((const DomainQemuArg *)own->pdata[i])->value, NULL);
}

char **qemu_args_environment(const DomainDef *def) {
        g_autoptr(GPtrArray) out = g_ptr_array_new();
        const GPtrArray *envs = def->qemu_commandline.envs;

        if (def->clock.offset == CLOCK_TIMEZONE)
                g_ptr_array_add(out, g_strdup_printf("TZ=%s", def->clock.timezone));
        for (guint i = 0; envs && i < envs->len; i++) {
                const DomainQemuEnv *env = envs->pdata[i];

                g_ptr_array_add(out,
                                g_strdup_printf("%s=%s", env->name, env->value ? env->value : ""));
        }
        g_ptr_array_add(out, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&out), FALSE);
}
