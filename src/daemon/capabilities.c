/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "base/util.h"
#include "base/xml.h"
#include "daemon/capabilities-machine.h"
#include "daemon/nodedev.h"
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

static void write_feature(XmlWriter *xml, const char *name, bool can_toggle) {
        xml_writer_open(xml, name);
        if (can_toggle) {
                xml_writer_attr(xml, "default", "on");
                xml_writer_attr(xml, "toggle", "yes");
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
        write_feature(xml, "acpi", true);
        write_feature(xml, "apic", true);
        write_feature(xml, "pae", false);
        xml_writer_close(xml);
        xml_writer_close(xml);
}

/* The host's own UUID, the same at each start and nobody else's: made from the machine's id, which
 * itself is not for the network (machine-id(5)). */
static void write_host_uuid(XmlWriter *xml) {
        static const sd_id128_t airlock =
                SD_ID128_MAKE(5b, 0e, 3c, 6c, 0f, 1d, 4a, 51, 9e, 0b, 7a, c1, 2d, 8b, 64, 0e);
        char text[SD_ID128_UUID_STRING_MAX];
        sd_id128_t id;

        if (sd_id128_get_machine_app_specific(airlock, &id) >= 0)
                xml_writer_leaf(xml, "uuid", sd_id128_to_uuid_string(id, text));
}

int manager_capabilities(Manager *manager, char **ret, Err *err) {
        const QemuCaps *caps = manager_caps(manager, NULL);
        g_autoptr(XmlWriter) xml = xml_writer_new(0);
        struct utsname host;

        if (uname(&host) < 0)
                host.machine[0] = '\0';
        xml_writer_open(xml, "capabilities");
        xml_writer_open(xml, "host");
        write_host_uuid(xml);
        xml_writer_open(xml, "cpu");
        xml_writer_leaf(xml, "arch", host.machine);
        xml_writer_close(xml);
        xml_writer_open(xml, "iommu");
        xml_writer_attr(xml, "support",
                        sys_exists(manager->sys, "sys/kernel/iommu_groups/0") ? "yes" : "no");
        xml_writer_close(xml);
        xml_writer_close(xml);
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

static void open_mode(XmlWriter *xml, const char *name, bool is_supported) {
        xml_writer_open(xml, "mode");
        xml_writer_attr(xml, "name", name);
        xml_writer_attr(xml, "supported", is_supported ? "yes" : "no");
}

static void write_cpu(XmlWriter *xml, const QemuCaps *caps, bool is_kvm) {
        xml_writer_open(xml, "cpu");
        open_mode(xml, "host-passthrough", is_kvm);
        if (is_kvm) {
                static const DeviceEnum migratable = {
                        "", "hostPassthroughMigratable", {{"on"}, {"off"}}};

                write_enum(xml, caps, &migratable);
        }
        xml_writer_close(xml);
        open_mode(xml, "maximum", true);
        xml_writer_close(xml);
        open_mode(xml, "host-model", false);
        xml_writer_close(xml);
        open_mode(xml, "custom", true);
        STRV_FOREACH(model, caps->cpu_models) {
                xml_writer_open(xml, "model");
                xml_writer_attr(xml, "usable", "unknown");
                xml_writer_text(xml, model);
                xml_writer_close(xml);
        }
        xml_writer_close(xml);
        xml_writer_close(xml);
}

/* The machine by its canonical name; NULL arguments mean the defaults. */
static int check_arguments(const QemuCaps *caps, const char *arch, const char *machine,
                           const char *type, const QemuMachine **ret, Err *err) {
        const QemuMachine *found = caps_find_machine(caps, machine ? machine : "pc");

        if (arch && strcmp(arch, "x86_64") != 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unsupported architecture: '%.80s'", arch);
        if (type && strcmp(type, "kvm") != 0 && strcmp(type, "qemu") != 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unknown virttype: %.80s", type);
        if (!found)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "the machine '%.80s' is not supported by emulator '%s'", machine,
                            caps->binary);
        *ret = found;
        return 0;
}

int manager_domain_capabilities(Manager *manager, const char *emulator, const char *arch,
                                const char *machine, const char *type, char **ret, Err *err) {
        g_autoptr(XmlWriter) xml = xml_writer_new(0);
        const QemuMachine *found = NULL;
        bool is_kvm = type ? strcmp(type, "kvm") == 0 : has_kvm();
        const QemuCaps *caps = NULL;
        int r = need_caps(manager, emulator, &caps, err);

        if (r == 0)
                r = check_arguments(caps, arch, machine, type, &found, err);
        if (r != 0)
                return r;
        g_assert(found);
        if (is_kvm && !has_kvm())
                return fail(err, VIR_ERR_INVALID_ARG,
                            "KVM is not supported on this host: /dev/kvm "
                            "cannot be used");
        xml_writer_open(xml, "domainCapabilities");
        xml_writer_leaf(xml, "path", caps->binary);
        xml_writer_leaf(xml, "domain", is_kvm ? "kvm" : "qemu");
        xml_writer_leaf(xml, "machine", found->name);
        xml_writer_leaf(xml, "arch", "x86_64");
        xml_writer_open(xml, "vcpu");
        xml_writer_attr_format(xml, "max", "%u", found->cpu_max);
        xml_writer_close(xml);
        xml_writer_open(xml, "iothreads");
        xml_writer_attr(xml, "supported", "yes");
        xml_writer_close(xml);
        capabilities_write_os(xml, manager->firmwares, found->name);
        write_cpu(xml, caps, is_kvm);
        capabilities_write_memory(xml);
        write_devices(xml, caps);
        capabilities_write_features(xml, is_kvm);
        xml_writer_close(xml);
        *ret = xml_writer_finish(g_steal_pointer(&xml));
        return 0;
}
