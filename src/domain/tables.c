/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attribute and child of <domain> is which field; devices have a file each, see kind.h. */
#include "domain/kinds.h"
#include "domain/tables.h"

const char *const domain_on_off[] = {"on", "off", NULL};
const char *const domain_yes_no[] = {"yes", "no", NULL};

static const DomainField enabled_fields[] = {
        ATTR_YES(DomainEnabled, enabled, "enabled"),
        END,
};

/* ---- vcpu ---- */

static const char *const placements[] = {"static", NULL};

static const DomainField vcpu_fields[] = {
        ATTR_ENUM(DomainDef, vcpu.placement, "placement", placements),
        ATTR_STRING(DomainDef, vcpu.cpuset, "cpuset"),
        ATTR_NUM(DomainDef, vcpu.current, "current", .max = DOMAIN_VCPUS_MAX),
        TEXT_NUM(DomainDef, vcpu.count, .max = DOMAIN_VCPUS_MAX, .is_required = true),
        END,
};
static const DomainElement vcpu = PART_OF(DomainDef, vcpu, "vcpu", vcpu_fields);

/* ---- pm ---- */

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
        DEVICES(DOMAIN_FILESYSTEM, filesystem),
        DEVICES(DOMAIN_INTERFACE, interface),
        DEVICES(DOMAIN_SERIAL, serial),
        DEVICES(DOMAIN_PARALLEL, parallel),
        DEVICES(DOMAIN_CONSOLE, console),
        DEVICES(DOMAIN_CHANNEL, channel),
        DEVICES(DOMAIN_INPUT, input),
        DEVICES(DOMAIN_TPM, tpm),
        DEVICES(DOMAIN_GRAPHICS, graphics),
        DEVICES(DOMAIN_SOUND, sound),
        DEVICES(DOMAIN_AUDIO, audio),
        DEVICES(DOMAIN_VIDEO, video),
        DEVICES(DOMAIN_HOSTDEV, hostdev),
        DEVICES(DOMAIN_REDIRDEV, redirdev),
        CHILD(DomainDef, devices.redirfilter, "redirfilter", domain_redirfilter_element),
        DEVICES(DOMAIN_HUB, hub),
        DEVICES(DOMAIN_WATCHDOG, watchdog),
        DEVICES(DOMAIN_MEMBALLOON, memballoon),
        DEVICES(DOMAIN_RNG, rng),
        DEVICES(DOMAIN_PANIC, panic),
        DEVICES(DOMAIN_SHMEM, shmem),
        DEVICES(DOMAIN_MEMORY, memory),
        DEVICES(DOMAIN_CRYPTO, crypto),
        DEVICES(DOMAIN_IOMMU, iommu),
        DEVICES(DOMAIN_VSOCK, vsock),
        DEVICES(DOMAIN_PSTORE, pstore),
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
static const char *const crash_actions[] = {"destroy",          "restart",          "preserve",
                                            "coredump-destroy", "coredump-restart", NULL};

#define TEXT_KIB(f) ATTR_(DomainDef, f, NULL, FIELD_KIB, .place = PLACE_TEXT, .is_required = true)

static const DomainField genid_fields[] = {
        ATTR_(DomainDef, genid.uuid, NULL, FIELD_UUID, .place = PLACE_TEXT),
        END,
};
static const DomainElement genid = PART_OF(DomainDef, genid, "genid", genid_fields);

static const DomainField max_memory_fields[] = {
        ATTR_NUM(DomainDef, max_memory.slots, "slots", .is_required = true,
                 .max = DOMAIN_SLOTS_MAX),
        TEXT_KIB(max_memory.kib),
        END,
};
static const DomainElement max_memory =
        PART_OF(DomainDef, max_memory, "maxMemory", max_memory_fields);

static const DomainField memory_fields[] = {
        ATTR_ON(DomainDef, memory_element.dump_core, "dumpCore"),
        TEXT_KIB(memory),
        END,
};
static const DomainElement memory = PART_OF(DomainDef, memory_element, "memory", memory_fields);

static const DomainField resource_fields[] = {
        LEAF_STRING(DomainDef, resource.partition, "partition"),
        END,
};
static const DomainElement resource = PART_OF(DomainDef, resource, "resource", resource_fields);

/* ---- qemu:commandline ---- */

static const DomainField qemu_arg_fields[] = {
        ATTR_STRING(DomainQemuArg, value, "value", .is_required = true),
        END,
};
static const DomainElement qemu_arg = ELEMENT(DomainQemuArg, "qemu:arg", qemu_arg_fields);

static const DomainField qemu_env_fields[] = {
        ATTR_STRING(DomainQemuEnv, name, "name", .is_required = true),
        ATTR_STRING(DomainQemuEnv, value, "value"),
        END,
};
static const DomainElement qemu_env = ELEMENT(DomainQemuEnv, "qemu:env", qemu_env_fields);

static const DomainField qemu_commandline_fields[] = {
        LIST(DomainQemuCommandline, args, "qemu:arg", qemu_arg),
        LIST(DomainQemuCommandline, envs, "qemu:env", qemu_env),
        END,
};
static const DomainElement qemu_commandline =
        ELEMENT(DomainQemuCommandline, "qemu:commandline", qemu_commandline_fields);

static const DomainField domain_fields[] = {
        ATTR_ENUM(DomainDef, type, "type", domain_types, .is_required = true),
        ATTR_NUM(DomainDef, id, "id", .max = INT32_MAX),
        LEAF_STRING(DomainDef, name, "name", .is_required = true),
        ATTR_(DomainDef, uuid, "uuid", FIELD_UUID, .place = PLACE_LEAF),
        PART("genid", genid),
        LEAF_STRING(DomainDef, title, "title"),
        LEAF_STRING(DomainDef, description, "description"),
        ATTR_(DomainDef, metadata, "metadata", FIELD_SOURCE, .place = PLACE_LEAF),
        PART("maxMemory", max_memory),
        PART("memory", memory, .is_required = true),
        ATTR_(DomainDef, current_memory, "currentMemory", FIELD_KIB, .place = PLACE_LEAF),
        CHILD(DomainDef, memory_backing, "memoryBacking", domain_memory_backing_element),
        PART("vcpu", vcpu),
        PART("vcpus", domain_vcpus_element),
        ATTR_NUM(DomainDef, iothreads, "iothreads", .place = PLACE_LEAF,
                 .max = DOMAIN_IOTHREADS_MAX),
        PART("iothreadids", domain_iothreadids_element),
        CHILD(DomainDef, cputune, "cputune", domain_cputune_element),
        CHILD(DomainDef, numatune, "numatune", domain_numatune_element),
        PART("resource", resource),
        LIST(DomainDef, sysinfo, "sysinfo", domain_sysinfo_element),
        CHILD(DomainDef, os, "os", domain_os_element, .is_required = true),
        CHILD(DomainDef, features, "features", domain_features_element),
        CHILD(DomainDef, cpu, "cpu", domain_cpu_element),
        CHILD(DomainDef, clock, "clock", domain_clock_element),
        LEAF_ENUM(DomainDef, on_poweroff, "on_poweroff", lifecycle_actions),
        LEAF_ENUM(DomainDef, on_reboot, "on_reboot", lifecycle_actions),
        LEAF_ENUM(DomainDef, on_crash, "on_crash", crash_actions),
        PART("pm", pm),
        PART("devices", devices),
        LIST(DomainDef, seclabels, "seclabel", seclabel),
        CHILD(DomainDef, qemu_commandline, "qemu:commandline", qemu_commandline),
        END,
};
const DomainElement domain_element = ELEMENT(DomainDef, "domain", domain_fields);
