/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager.h"

#include <string.h>
#include <unistd.h>

#include "base/xml.h"
#include "daemon/capabilities-cpu.h"
#include "daemon/capabilities-host.h"
#include "daemon/capabilities-machine.h"
#include "daemon/cpu-store.h"
#include "qemu/caps.h"

/* What this host and its QEMU can do, in libvirt's capabilities and domainCapabilities documents:
 * only what Airlock serves. */

static bool has_kvm(void) {
        return access("/dev/kvm", R_OK | W_OK) == 0;
}

static int need_caps(const Manager *manager, const char *emulator, const QemuCaps **ret, Err *err) {
        *ret = manager_caps(manager, emulator);
        if (*ret)
                return 0;
        if (emulator)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "there is no QEMU at '%.200s', or nobody "
                            "asked it yet what it can do",
                            emulator);
        return fail_hint(err, fail(err, VIR_ERR_OPERATION_UNSUPPORTED, "this host has no QEMU"),
                         "install it: apt install qemu-system-x86");
}

static void write_machine(XmlWriter *xml, const QemuMachine *machine) {
        const char *const names[] = {machine->name, machine->alias};

        for (size_t k = 0; k < G_N_ELEMENTS(names); k++) {
                if (!names[k])
                        continue;
                xml_writer_open(xml, "machine");
                if (k > 0)
                        xml_writer_attr(xml, "canonical", machine->name);
                xml_writer_attr_format(xml, "maxCpus", "%u", machine->cpu_max);
                if (machine->is_deprecated)
                        xml_writer_attr(xml, "deprecated", "yes");
                xml_writer_text(xml, names[k]);
                xml_writer_close(xml);
        }
}

/* virtinst takes the first when nobody chose one: QEMU's default leads. */
static void write_machines(XmlWriter *xml, const QemuCaps *caps) {
        for (int is_default = 1; is_default >= 0; is_default--)
                for (size_t i = 0; i < caps->n_machines; i++)
                        if (caps->machines[i].is_default == is_default)
                                write_machine(xml, &caps->machines[i]);
}

/* toggle NULL: a guest has no say in it. */
static void write_feature(XmlWriter *xml, const char *name, const char *toggle) {
        xml_writer_open(xml, name);
        if (toggle) {
                xml_writer_attr(xml, "default", "on");
                xml_writer_attr(xml, "toggle", toggle);
        }
        xml_writer_close(xml);
}

static void write_guest(XmlWriter *xml, const QemuCaps *caps) {
        xml_writer_open(xml, "guest");
        xml_writer_leaf(xml, "os_type", "hvm");
        xml_writer_open(xml, "arch");
        xml_writer_attr(xml, "name", "x86_64");
        xml_writer_leaf(xml, "wordsize", "64");
        xml_writer_leaf(xml, "emulator", caps->binary);
        write_machines(xml, caps);
        xml_writer_open(xml, "domain");
        xml_writer_attr(xml, "type", "qemu");
        xml_writer_close(xml);
        if (has_kvm()) {
                xml_writer_open(xml, "domain");
                xml_writer_attr(xml, "type", "kvm");
                xml_writer_close(xml);
        }
        xml_writer_close(xml);
        xml_writer_open(xml, "features");
        write_feature(xml, "acpi", "yes");
        write_feature(xml, "apic", "no");
        write_feature(xml, "cpuselection", NULL);
        write_feature(xml, "deviceboot", NULL);
        xml_writer_close(xml);
        xml_writer_close(xml);
}

int manager_capabilities(Manager *manager, char **ret, Err *err) {
        const QemuCaps *caps = manager_caps(manager, NULL);
        g_autoptr(XmlWriter) xml = xml_writer_new(0);

        xml_writer_open(xml, "capabilities");
        capabilities_write_host(xml, manager->sys, cpu_store_find(manager->cpus, NULL));
        if (caps)
                write_guest(xml, caps);
        xml_writer_close(xml);
        *ret = xml_writer_finish(g_steal_pointer(&xml));
        return 0;
}

/* ---- domainCapabilities ---- */

typedef struct EnumValue {
        const char *value;
        const char *device;  /* only where QEMU has it; NULL: always */
        const char *program; /* only where the host has it; NULL: always */
} EnumValue;

typedef struct DeviceEnum {
        const char *element; /* "disk" */
        const char *name;    /* "bus" */
        EnumValue values[8];
} DeviceEnum;

/* One line a choice; lines of one element stand together. */
static const DeviceEnum device_enums[] = {
        {"disk", "diskDevice", {{"disk"}, {"cdrom"}, {"floppy", "floppy"}, {"lun", "scsi-block"}}},
        {"disk",
         "bus",
         {{"ide"},
          {"fdc", "floppy"},
          {"scsi", "virtio-scsi-pci"},
          {"virtio", "virtio-blk-pci"},
          {"usb", "usb-storage"},
          {"sata", "ich9-ahci"},
          {"nvme", "nvme"}}},
        {"disk",
         "model",
         {{"virtio", "virtio-blk-pci"},
          {"virtio-transitional", "virtio-blk-pci-transitional"},
          {"virtio-non-transitional", "virtio-blk-pci-non-transitional"}}},
        {"graphics", "type", {{"vnc"}, {"spice", "qxl"}, {"egl-headless"}, {"dbus"}}},
        {"video",
         "modelType",
         {{"vga", "VGA"},
          {"cirrus", "cirrus-vga"},
          {"vmvga", "vmware-svga"},
          {"qxl", "qxl"},
          {"virtio", "virtio-gpu-pci"},
          {"none"},
          {"bochs", "bochs-display"},
          {"ramfb", "ramfb"}}},
        {"hostdev", "mode", {{"subsystem"}}},
        {"hostdev", "startupPolicy", {{"default"}, {"mandatory"}, {"requisite"}, {"optional"}}},
        {"hostdev", "subsysType", {{"usb", "usb-host"}, {"pci", "vfio-pci"}}},
        {"hostdev", "capsType", {}},
        {"hostdev", "pciBackend", {{"default", "vfio-pci"}, {"vfio", "vfio-pci"}}},
        {"rng",
         "model",
         {{"virtio", "virtio-rng-pci"},
          {"virtio-transitional", "virtio-rng-pci-transitional"},
          {"virtio-non-transitional", "virtio-rng-pci-non-transitional"}}},
        {"rng", "backendModel", {{"random"}, {"egd"}, {"builtin"}}},
        {"filesystem",
         "driverType",
         {{"path", "virtio-9p-pci"}, {"virtiofs", "vhost-user-fs-pci"}}},
        {"tpm", "model", {{"tpm-tis", "tpm-tis"}, {"tpm-crb", "tpm-crb"}}},
        {"tpm",
         "backendModel",
         {{"passthrough"}, {"emulator", .program = "/usr/bin/swtpm"}, {"external"}}},
        {"tpm", "backendVersion", {{"1.2"}, {"2.0"}}},
        {"redirdev", "bus", {{"usb", "usb-redir"}}},
        {"channel", "type", {{"pty"}, {"unix"}, {"spicevmc", "qxl"}}},
        {"crypto", "model", {{"virtio", "virtio-crypto-pci"}}},
        {"crypto", "type", {{"qemu"}}},
        {"crypto", "backendModel", {{"builtin"}}},
        {"interface", "backendType", {{"default"}, {"passt", .program = "/usr/bin/passt"}}},
        {"panic", "model", {{"isa", "pvpanic"}, {"hyperv"}, {"pvpanic", "pvpanic-pci"}}},
};

static bool is_there(const QemuCaps *caps, const EnumValue *value) {
        return (!value->device || caps_has_device(caps, value->device)) &&
               (!value->program || access(value->program, X_OK) == 0);
}

static void write_enum(XmlWriter *xml, const QemuCaps *caps, const DeviceEnum *choice) {
        xml_writer_open(xml, "enum");
        xml_writer_attr(xml, "name", choice->name);
        for (size_t i = 0; i < G_N_ELEMENTS(choice->values) && choice->values[i].value; i++)
                if (is_there(caps, &choice->values[i]))
                        xml_writer_leaf(xml, "value", choice->values[i].value);
        xml_writer_close(xml);
}

static void write_devices(XmlWriter *xml, const QemuCaps *caps) {
        const char *open = NULL;

        xml_writer_open(xml, "devices");
        for (size_t i = 0; i < G_N_ELEMENTS(device_enums); i++) {
                if (g_strcmp0(open, device_enums[i].element) != 0) {
                        if (open)
                                xml_writer_close(xml);
                        open = device_enums[i].element;
                        xml_writer_open(xml, open);
                        xml_writer_attr(xml, "supported", "yes");
                }
                write_enum(xml, caps, &device_enums[i]);
        }
        xml_writer_close(xml);
        xml_writer_close(xml);
}

typedef struct Chosen {
        const QemuCaps *caps;
        const QemuMachine *machine;
        bool is_kvm;
} Chosen;

static int choose(Manager *manager, const Hypervisor *of, Chosen *ret, Err *err) {
        const char *machine = of->machine ? of->machine : "pc";
        const char *type = of->type ? of->type : has_kvm() ? "kvm" : "qemu";
        int r = need_caps(manager, of->emulator, &ret->caps, err);

        if (r < 0)
                return r;
        if (of->arch && strcmp(of->arch, "x86_64") != 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unsupported architecture: '%.80s'",
                            of->arch);
        ret->is_kvm = strcmp(type, "kvm") == 0;
        if (!ret->is_kvm && strcmp(type, "qemu") != 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unknown virttype: %.80s", type);
        if (ret->is_kvm && !has_kvm())
                return fail(err, VIR_ERR_INVALID_ARG,
                            "KVM is not supported on this host: /dev/kvm cannot be used");
        ret->machine = caps_find_machine(ret->caps, machine);
        if (!ret->machine)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "the machine '%.80s' is not supported by emulator '%s'", machine,
                            ret->caps->binary);
        return 0;
}

int manager_check_hypervisor(Manager *manager, const Hypervisor *of, bool *ret_is_kvm, Err *err) {
        Chosen chosen = {};
        int r = choose(manager, of, &chosen, err);

        if (r == 0)
                *ret_is_kvm = chosen.is_kvm;
        return r;
}

static void write_domain(XmlWriter *xml, Manager *manager, const Chosen *chosen,
                         const CpuFacts *facts) {
        xml_writer_open(xml, "domainCapabilities");
        xml_writer_leaf(xml, "path", chosen->caps->binary);
        xml_writer_leaf(xml, "domain", chosen->is_kvm ? "kvm" : "qemu");
        xml_writer_leaf(xml, "machine", chosen->machine->name);
        xml_writer_leaf(xml, "arch", "x86_64");
        xml_writer_open(xml, "vcpu");
        xml_writer_attr_format(xml, "max", "%u", chosen->machine->cpu_max);
        xml_writer_close(xml);
        xml_writer_open(xml, "iothreads");
        xml_writer_attr(xml, "supported", "yes");
        xml_writer_close(xml);
        capabilities_write_os(xml, manager->firmwares, chosen->machine->name);
        capabilities_write_cpu(xml, chosen->caps, facts, chosen->is_kvm ? CPU_KVM : CPU_TCG);
        capabilities_write_memory(xml);
        write_devices(xml, chosen->caps);
        capabilities_write_features(xml, chosen->is_kvm);
        xml_writer_close(xml);
}

int manager_domain_capabilities(Manager *manager, const Hypervisor *of, char **ret, Err *err) {
        g_autoptr(XmlWriter) xml = xml_writer_new(0);
        Chosen chosen = {};
        int r = choose(manager, of, &chosen, err);

        if (r != 0)
                return r;
        g_assert(chosen.machine);
        write_domain(xml, manager, &chosen, cpu_store_find(manager->cpus, of->emulator));
        *ret = xml_writer_finish(g_steal_pointer(&xml));
        return 0;
}
