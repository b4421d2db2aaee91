/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of <domain> is which field; devices have a file each, see kind.h. */
#include "domain/kinds.h"

const char *const domain_on_off[] = {"on", "off", NULL};
const char *const domain_yes_no[] = {"yes", "no", NULL};

static const DomainField no_fields[] = {END};
static const DomainField text_fields[] = {TEXT_STRING(DomainText, text), END};

static const DomainField state_fields[] = {
        ATTR_ON(DomainState, state, "state"),
        END,
};

static const DomainField enabled_fields[] = {
        ATTR_YES(DomainEnabled, enabled, "enabled"),
        END,
};

/* ---- vcpu ---- */

static const char *const placements[] = {"static", NULL};

static const DomainField vcpu_fields[] = {
        ATTR_ENUM(DomainDef, vcpu.placement, "placement", placements),
        ATTR_NUM(DomainDef, vcpu.current, "current", .max = DOMAIN_VCPUS_MAX),
        TEXT_NUM(DomainDef, vcpu.count, .max = DOMAIN_VCPUS_MAX, .is_required = true),
        END,
};
static const DomainElement vcpu = PART_OF(DomainDef, vcpu, "vcpu", vcpu_fields);

/* ---- os ---- */

static const char *const boot_devs[] = {"hd", "cdrom", "network", NULL};
static const char *const loader_types[] = {"rom", "pflash", NULL};
static const char *const flash_formats[] = {"raw", "qcow2", NULL};

static const DomainField os_type_fields[] = {
        ATTR_STRING(DomainOs, type.arch, "arch"),
        ATTR_STRING(DomainOs, type.machine, "machine"),
        TEXT_STRING(DomainOs, type.text, .is_required = true),
        END,
};
static const DomainElement os_type = PART_OF(DomainOs, type, "type", os_type_fields);

static const DomainField loader_fields[] = {
        ATTR_YES(DomainOs, loader.readonly, "readonly"),
        ATTR_YES(DomainOs, loader.secure, "secure"),
        ATTR_ENUM(DomainOs, loader.type, "type", loader_types),
        ATTR_ENUM(DomainOs, loader.format, "format", flash_formats),
        TEXT_STRING(DomainOs, loader.path, .is_required = true),
        END,
};
static const DomainElement loader = PART_OF(DomainOs, loader, "loader", loader_fields);

static const DomainField nvram_fields[] = {
        ATTR_STRING(DomainOs, nvram.template, "template"),
        ATTR_ENUM(DomainOs, nvram.format, "format", flash_formats),
        TEXT_STRING(DomainOs, nvram.path),
        END,
};
static const DomainElement nvram = PART_OF(DomainOs, nvram, "nvram", nvram_fields);

static const DomainElement kernel = ELEMENT(DomainText, "kernel", text_fields);
static const DomainElement initrd = ELEMENT(DomainText, "initrd", text_fields);
static const DomainElement cmdline = ELEMENT(DomainText, "cmdline", text_fields);

static const DomainField bootdev_fields[] = {
        ATTR_ENUM(DomainBootDev, dev, "dev", boot_devs, .is_required = true),
        END,
};
const DomainElement domain_bootdev_element = ELEMENT(DomainBootDev, "boot", bootdev_fields);

static const DomainField bootmenu_fields[] = {
        ATTR_YES(DomainOs, bootmenu.enable, "enable"),
        ATTR_NUM(DomainOs, bootmenu.timeout, "timeout", .max = UINT16_MAX),
        END,
};
static const DomainElement bootmenu = PART_OF(DomainOs, bootmenu, "bootmenu", bootmenu_fields);

static const DomainField os_fields[] = {
        PART("type", os_type, .is_required = true),
        PART("loader", loader),
        PART("nvram", nvram),
        CHILD(DomainOs, kernel, "kernel", kernel),
        CHILD(DomainOs, initrd, "initrd", initrd),
        CHILD(DomainOs, cmdline, "cmdline", cmdline),
        LIST(DomainOs, boot, "boot", domain_bootdev_element),
        PART("bootmenu", bootmenu),
        END,
};
static const DomainElement os = ELEMENT(DomainOs, "os", os_fields);

/* ---- features, cpu, clock, pm ---- */

static const DomainElement acpi = ELEMENT(DomainFlag, "acpi", no_fields);
static const DomainElement apic = ELEMENT(DomainFlag, "apic", no_fields);
static const DomainElement pae = ELEMENT(DomainFlag, "pae", no_fields);
static const DomainElement vmport = ELEMENT(DomainState, "vmport", state_fields);
static const DomainElement smm = ELEMENT(DomainState, "smm", state_fields);

static const DomainField features_fields[] = {
        CHILD(DomainFeatures, acpi, "acpi", acpi), CHILD(DomainFeatures, apic, "apic", apic),
        CHILD(DomainFeatures, pae, "pae", pae),    CHILD(DomainFeatures, vmport, "vmport", vmport),
        CHILD(DomainFeatures, smm, "smm", smm),    END,
};
static const DomainElement features = ELEMENT(DomainFeatures, "features", features_fields);

static const char *const cpu_modes[] = {"custom", "host-model", "host-passthrough", "maximum",
                                        NULL};
static const char *const cpu_matches[] = {"exact", "minimum", "strict", NULL};
static const char *const cpu_checks[] = {"none", "partial", "full", NULL};
static const char *const cpu_fallbacks[] = {"allow", "forbid", NULL};
static const char *const cpu_policies[] = {"force",   "require", "optional",
                                           "disable", "forbid",  NULL};

static const DomainField cpu_model_fields[] = {
        ATTR_ENUM(DomainCpu, model.fallback, "fallback", cpu_fallbacks),
        TEXT_STRING(DomainCpu, model.name),
        END,
};
static const DomainElement cpu_model = PART_OF(DomainCpu, model, "model", cpu_model_fields);

#define TOPOLOGY(what) ATTR_NUM(DomainCpu, topology.what, #what, .max = DOMAIN_VCPUS_MAX)

static const DomainField topology_fields[] = {
        TOPOLOGY(sockets), TOPOLOGY(dies),    TOPOLOGY(clusters),
        TOPOLOGY(cores),   TOPOLOGY(threads), END,
};
static const DomainElement topology = PART_OF(DomainCpu, topology, "topology", topology_fields);

static const DomainField cpu_feature_fields[] = {
        ATTR_ENUM(DomainCpuFeature, policy, "policy", cpu_policies),
        ATTR_STRING(DomainCpuFeature, name, "name", .is_required = true),
        END,
};
static const DomainElement cpu_feature = ELEMENT(DomainCpuFeature, "feature", cpu_feature_fields);

static const DomainField cpu_fields[] = {
        ATTR_ENUM(DomainCpu, mode, "mode", cpu_modes),
        ATTR_ENUM(DomainCpu, match, "match", cpu_matches),
        ATTR_ENUM(DomainCpu, check, "check", cpu_checks),
        ATTR_ON(DomainCpu, migratable, "migratable"),
        PART("model", cpu_model),
        PART("topology", topology),
        LIST(DomainCpu, features, "feature", cpu_feature),
        END,
};
static const DomainElement cpu = ELEMENT(DomainCpu, "cpu", cpu_fields);

static const char *const clock_offsets[] = {"utc", "localtime", NULL};
static const char *const timer_names[] = {"rtc", "pit", "hpet", "kvmclock", "tsc", NULL};
static const char *const timer_policies[] = {"delay", "catchup", "discard", NULL};
static const char *const timer_tracks[] = {"guest", "wall", NULL};

static const DomainField timer_fields[] = {
        ATTR_ENUM(DomainTimer, name, "name", timer_names, .is_required = true),
        ATTR_YES(DomainTimer, present, "present"),
        ATTR_ENUM(DomainTimer, tickpolicy, "tickpolicy", timer_policies),
        ATTR_ENUM(DomainTimer, track, "track", timer_tracks),
        END,
};
static const DomainElement timer = ELEMENT(DomainTimer, "timer", timer_fields);

static const DomainField clock_fields[] = {
        ATTR_ENUM(DomainDef, clock.offset, "offset", clock_offsets),
        LIST(DomainDef, clock.timers, "timer", timer),
        END,
};
static const DomainElement clock_element = PART_OF(DomainDef, clock, "clock", clock_fields);

static const DomainElement suspend_to_mem =
        ELEMENT(DomainEnabled, "suspend-to-mem", enabled_fields);
static const DomainElement suspend_to_disk =
        ELEMENT(DomainEnabled, "suspend-to-disk", enabled_fields);

static const DomainField pm_fields[] = {
        CHILD(DomainDef, pm.mem, "suspend-to-mem", suspend_to_mem),
        CHILD(DomainDef, pm.disk, "suspend-to-disk", suspend_to_disk),
        END,
};
static const DomainElement pm = PART_OF(DomainDef, pm, "pm", pm_fields);

/* ---- the whole ---- */

#define DEVICES(kind, name) LIST(DomainDef, devices.list[kind], #name, domain_##name##_kind.element)

static const DomainField devices_fields[] = {
        LEAF_STRING(DomainDef, devices.emulator, "emulator"),
        DEVICES(DOMAIN_DISK, disk),
        DEVICES(DOMAIN_CONTROLLER, controller),
        DEVICES(DOMAIN_INTERFACE, interface),
        DEVICES(DOMAIN_SERIAL, serial),
        DEVICES(DOMAIN_PARALLEL, parallel),
        DEVICES(DOMAIN_CONSOLE, console),
        DEVICES(DOMAIN_CHANNEL, channel),
        DEVICES(DOMAIN_INPUT, input),
        DEVICES(DOMAIN_GRAPHICS, graphics),
        DEVICES(DOMAIN_SOUND, sound),
        DEVICES(DOMAIN_AUDIO, audio),
        DEVICES(DOMAIN_VIDEO, video),
        DEVICES(DOMAIN_HOSTDEV, hostdev),
        DEVICES(DOMAIN_REDIRDEV, redirdev),
        CHILD(DomainDef, devices.redirfilter, "redirfilter", domain_redirfilter_element),
        DEVICES(DOMAIN_WATCHDOG, watchdog),
        DEVICES(DOMAIN_MEMBALLOON, memballoon),
        DEVICES(DOMAIN_RNG, rng),
        END,
};
static const DomainElement devices = PART_OF(DomainDef, devices, "devices", devices_fields);

static const char *const seclabel_types[] = {"none", NULL};

static const DomainField seclabel_fields[] = {
        ATTR_ENUM(DomainSeclabel, type, "type", seclabel_types, .is_required = true),
        ATTR_STRING(DomainSeclabel, model, "model"),
        ATTR_YES(DomainSeclabel, relabel, "relabel"),
        END,
};
static const DomainElement seclabel = ELEMENT(DomainSeclabel, "seclabel", seclabel_fields);

static const char *const domain_types[] = {"kvm", "qemu", NULL};
static const char *const lifecycle_actions[] = {"destroy", "restart", "preserve", NULL};

#define KIB(f, xml, ...) ATTR_(DomainDef, f, xml, FIELD_KIB, .place = PLACE_LEAF, __VA_ARGS__)

static const DomainField domain_fields[] = {
        ATTR_ENUM(DomainDef, type, "type", domain_types, .is_required = true),
        ATTR_NUM(DomainDef, id, "id", .max = INT32_MAX),
        LEAF_STRING(DomainDef, name, "name", .is_required = true),
        ATTR_(DomainDef, uuid, "uuid", FIELD_UUID, .place = PLACE_LEAF),
        LEAF_STRING(DomainDef, title, "title"),
        LEAF_STRING(DomainDef, description, "description"),
        ATTR_(DomainDef, metadata, "metadata", FIELD_SOURCE, .place = PLACE_LEAF),
        KIB(memory, "memory", .is_required = true),
        KIB(current_memory, "currentMemory"),
        PART("vcpu", vcpu),
        CHILD(DomainDef, os, "os", os, .is_required = true),
        CHILD(DomainDef, features, "features", features),
        CHILD(DomainDef, cpu, "cpu", cpu),
        PART("clock", clock_element),
        LEAF_ENUM(DomainDef, on_poweroff, "on_poweroff", lifecycle_actions),
        LEAF_ENUM(DomainDef, on_reboot, "on_reboot", lifecycle_actions),
        LEAF_ENUM(DomainDef, on_crash, "on_crash", lifecycle_actions),
        PART("pm", pm),
        PART("devices", devices),
        LIST(DomainDef, seclabels, "seclabel", seclabel),
        END,
};
const DomainElement domain_element = ELEMENT(DomainDef, "domain", domain_fields);
