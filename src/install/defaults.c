/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest gets that nobody spoke of: what virt-install gives it, so that both make the same.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"
#include "install/caps.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"

#define LIBOSINFO_NAMESPACE "http://libosinfo.org/xmlns/libvirt/domain/1.0"
#define AGENT_CHANNEL       "org.qemu.guest_agent.0"
#define SPICE_CHANNEL       "com.redhat.spice.0"
#define SPICE_USB_PORTS     2

#define HYPERV_SPINLOCK_RETRIES "8191"

#define KIB 1024

static bool has_device(const GuestDef *def, const char *kind) {
        return guest_def_device(def, kind, 0) != NULL;
}

/* Nothing was said of such devices. */
static bool is_open(const GuestDef *def, const char *option, const char *kind) {
        return !has_device(def, kind) && !guest_def_is_none(def, option);
}

static bool has_device_of_type(const GuestDef *def, const char *kind, const char *type) {
        const xmlNode *device;

        for (unsigned i = 0; (device = guest_def_device(def, kind, i)); i++)
                if (node_is(device, "@type", type))
                        return true;
        return false;
}

/* Adds a device of what attributes say: place and value in turn, NULL at the end. */
static xmlNode *add(GuestDef *def, const char *kind, const char *const *parts) {
        xmlNode *device = guest_def_add_device(def, kind);

        for (; *parts; parts += 2)
                node_set(device, parts[0], parts[1]);
        return device;
}

#define ADD(def, kind, ...) add((def), (kind), (const char *const[]){__VA_ARGS__, NULL})

static void default_uuid(GuestDef *def) {
        g_autofree char *uuid = g_uuid_string_random();

        node_default(def->domain, "uuid", uuid);
}

static void default_metadata(GuestDef *def) {
        xmlNode *metadata, *info, *os;
        xmlNs *ns;

        if (g_str_equal(os_short_id(def->os), "generic"))
                return;
        metadata = node_make(def->domain, "metadata");
        info = xmlNewChild(metadata, NULL, (const xmlChar *)"libosinfo", NULL);
        ns = xmlNewNs(info, (const xmlChar *)LIBOSINFO_NAMESPACE, (const xmlChar *)"libosinfo");
        xmlSetNs(info, ns);
        os = xmlNewChild(info, ns, (const xmlChar *)"os", NULL);
        xmlSetProp(os, (const xmlChar *)"id", (const xmlChar *)os_id(def->os));
}

static void default_memory(GuestDef *def) {
        if (os_memory(def->os) == 0 || node_find(def->domain, "memory"))
                return;
        node_set_format(def->domain, "memory", "%" G_GUINT64_FORMAT, os_memory(def->os) / KIB);
        node_set_format(def->domain, "currentMemory", "%" G_GUINT64_FORMAT,
                        os_memory(def->os) / KIB);
}

/* A part of the topology; 0: was not given. */
static uint64_t topology_part(const GuestDef *def, const char *name) {
        g_autofree char *place = g_strdup_printf("cpu/topology/@%s", name);
        g_autofree char *text = node_get(def->domain, place);
        uint64_t n = 0;

        return text && str_to_uint(text, 10, UINT16_MAX, &n) == 0 ? n : 0;
}

static void set_topology_part(GuestDef *def, const char *name, uint64_t n) {
        g_autofree char *place = g_strdup_printf("cpu/topology/@%s", name);

        node_set_format(def->domain, place, "%" G_GUINT64_FORMAT, n);
}

/* Processors and topology say the same; what the topology lacks is cores first. */
static int default_vcpus(GuestDef *def, Err *err) {
        static const char *const names[] = {"cores", "sockets", "threads"};
        g_autofree char *text = node_get(def->domain, "vcpu");
        bool topology = node_find(def->domain, "cpu/topology") != NULL;
        uint64_t dies = MAX(topology_part(def, "dies"), 1), product = dies, vcpus = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                product *= MAX(topology_part(def, names[i]), 1);
        if (!text || !*text || str_to_uint(text, 10, UINT16_MAX, &vcpus) < 0)
                vcpus = topology ? product : MAX(os_vcpus(def->os), 1u);
        node_set_format(def->domain, "vcpu", "%" G_GUINT64_FORMAT, vcpus);
        if (!topology)
                return 0;
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (topology_part(def, names[i]) == 0) {
                        uint64_t rest = MAX(vcpus / product, 1);

                        set_topology_part(def, names[i], rest);
                        product *= rest;
                }
        set_topology_part(def, "dies", dies);
        if (product != vcpus)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "the topology has %" G_GUINT64_FORMAT
                            " processors, --vcpus %" G_GUINT64_FORMAT,
                            product, vcpus);
        return 0;
}

/* virtio before 1.0 does not know PCI Express. */
static bool os_takes_q35(const Os *os) {
        return os_supports(os, OS_Q35) &&
               (!os_supports(os, OS_VIRTIO_NET) || os_supports(os, OS_VIRTIO_1));
}

static void default_machine(GuestDef *def) {
        const char *machine = NULL;

        if (os_takes_q35(def->os) && caps_has_machine(def->caps, "q35"))
                machine = "q35";
        else if (def->caps->machines->len > 0)
                machine = def->caps->machines->pdata[0];
        if (machine)
                node_default(def->domain, "os/type/@machine", machine);
}

static int default_firmware(GuestDef *def, Err *err) {
        bool open = !node_find(def->domain, "os/loader") && !node_find(def->domain, "os/nvram") &&
                    !node_find(def->domain, "os/kernel");

        if (!def->wants_uefi && !(open && os_needs_uefi(def->os)))
                return 0;
        if (!caps_has(def->caps, "os", "firmware", "efi"))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "the host has no UEFI firmware for guests"),
                                 "install the package ovmf, or name one: --boot loader=FILE");
        node_default(def->domain, "os/@firmware", "efi");
        return 0;
}

static void default_graphics(GuestDef *def) {
        xmlNode *device;

        if (is_open(def, "graphics", "graphics"))
                guest_def_add_device(def, "graphics");
        for (unsigned i = 0; (device = guest_def_device(def, "graphics", i)); i++) {
                bool spice = caps_has(def->caps, "devices/graphics", "type", "spice");
                bool local = node_is(device, "listen/@type", "none") ||
                             node_is(device, "listen/@type", "socket");

                node_default(device, "@type", spice ? "spice" : "vnc");
                spice = node_is(device, "@type", "spice");
                if (!local && (spice || node_is(device, "@type", "vnc")))
                        node_default(device, "@port", "-1");
                if (!local && spice)
                        node_default(device, "@tlsPort", "-1");
                if (spice && node_is(device, "@port", "-1") && node_is(device, "@tlsPort", "-1"))
                        node_default(device, "@autoport", "yes");
                if (spice)
                        node_default(device, "image/@compression", "off");
        }
}

static bool has_gl(const GuestDef *def) {
        const xmlNode *device;

        for (unsigned i = 0; (device = guest_def_device(def, "graphics", i)); i++)
                if (node_is(device, "gl/@enable", "yes"))
                        return true;
        return false;
}

static const char *video_model(const GuestDef *def) {
        static const char place[] = "devices/video";

        if (has_device_of_type(def, "graphics", "spice") && has_gl(def))
                return "virtio";
        if (os_supports(def->os, OS_VIRTIO_GPU) &&
            caps_has(def->caps, place, "modelType", "virtio"))
                return "virtio";
        if (has_device_of_type(def, "graphics", "spice") &&
            caps_has(def->caps, place, "modelType", "qxl"))
                return "qxl";
        if (guest_def_is_uefi(def) && caps_has(def->caps, place, "modelType", "bochs"))
                return "bochs";
        return "vga";
}

static void default_video(GuestDef *def) {
        xmlNode *device;

        if (!has_device(def, "video") && has_device(def, "graphics"))
                guest_def_add_device(def, "video");
        for (unsigned i = 0; (device = guest_def_device(def, "video", i)); i++) {
                node_default(device, "model/@type", video_model(def));
                if (has_gl(def) && node_is(device, "model/@type", "virtio"))
                        node_default(device, "model/acceleration/@accel3d", "yes");
        }
}

static bool usb_is_off(const GuestDef *def) {
        const xmlNode *device;
        bool off = false;

        for (unsigned i = 0; (device = guest_def_device(def, "controller", i)); i++)
                if (node_is(device, "@type", "usb"))
                        off = node_is(device, "@model", "none");
        return off;
}

static void default_input(GuestDef *def) {
        xmlNode *device;

        if (is_open(def, "input", "input") && has_device(def, "graphics") && !usb_is_off(def))
                ADD(def, "input", "@type", "tablet", "@bus", "usb");
        for (unsigned i = 0; (device = guest_def_device(def, "input", i)); i++) {
                node_default(device, "@type", "mouse");
                if (!node_is(device, "@type", "evdev"))
                        node_default(device, "@bus",
                                     node_is(device, "@type", "tablet") ? "usb" : "ps2");
        }
}

static void default_usb(GuestDef *def) {
        if (has_device_of_type(def, "controller", "usb"))
                return;
        if (os_supports(def->os, OS_USB3))
                guest_def_add_usb3(def);
        else
                guest_def_add_usb2(def);
}

/* A console that people and tools find, and the agent's channel where the system has a driver. */
static void default_chars(GuestDef *def) {
        static const char *const kinds[] = {"serial", "parallel", "console", "channel"};
        xmlNode *device;

        if (is_open(def, "console", "console") && !has_device(def, "serial"))
                ADD(def, "console", "@type", "pty");
        if (is_open(def, "channel", "channel") && os_supports(def->os, OS_VIRTIO_SERIAL))
                ADD(def, "channel", "@type", "unix", "target/@type", "virtio", "target/@name",
                    AGENT_CHANNEL);
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                for (unsigned j = 0; (device = guest_def_device(def, kinds[i], j)); j++) {
                        if (node_is(device, "@type", "unix") || node_is(device, "@type", "tcp"))
                                node_default(device, "source/@mode", "bind");
                        if (g_str_equal(kinds[i], "channel"))
                                node_default(device, "target/@type", "virtio");
                        if (node_is(device, "@type", "spicevmc"))
                                node_default(device, "target/@name", SPICE_CHANNEL);
                }
}

/* What every guest of today has. */
static void default_small_devices(GuestDef *def) {
        static const char *const parts[][3] = {
                {"watchdog", "@model", "i6300esb"}, {"watchdog", "@action", "reset"},
                {"panic", "@model", "isa"},         {"vsock", "@model", "virtio"},
                {"smartcard", "@type", "spicevmc"},
        };
        xmlNode *device;

        if (is_open(def, "rng", "rng") && os_supports(def->os, OS_VIRTIO_RNG))
                ADD(def, "rng", "backend", "/dev/urandom", "backend/@model", "random");
        for (unsigned i = 0; (device = guest_def_device(def, "rng", i)); i++)
                node_default(device, "@model", "virtio");
        if (!has_device(def, "memballoon") && os_supports(def->os, OS_VIRTIO_BALLOON))
                guest_def_add_device(def, "memballoon");
        for (unsigned i = 0; (device = guest_def_device(def, "memballoon", i)); i++)
                node_default(device, "@model", "virtio");
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                for (unsigned j = 0; (device = guest_def_device(def, parts[i][0], j)); j++)
                        node_default(device, parts[i][1], parts[i][2]);
}

static void default_tpm(GuestDef *def) {
        bool emulator = caps_has(def->caps, "devices/tpm", "backendModel", "emulator");
        bool crb = caps_has(def->caps, "devices/tpm", "model", "tpm-crb");
        xmlNode *device;

        if (is_open(def, "tpm", "tpm") && guest_def_is_uefi(def) && emulator)
                guest_def_add_device(def, "tpm");
        for (unsigned i = 0; (device = guest_def_device(def, "tpm", i)); i++) {
                bool path = node_find(device, "backend/device") != NULL;

                node_default(device, "backend/@type", path ? "passthrough" : "emulator");
                if (node_is(device, "backend/@type", "emulator") && crb &&
                    node_is(device, "backend/@version", NULL))
                        node_default(device, "@model", "tpm-crb");
        }
}

static void add_timer(xmlNode *clock, const char *name, const char *place, const char *value) {
        xmlNode *timer = xmlNewChild(clock, NULL, (const xmlChar *)"timer", NULL);

        node_set(timer, "@name", name);
        node_set(timer, place, value);
}

static void default_clock(GuestDef *def) {
        xmlNode *clock = node_make(def->domain, "clock");

        node_default(clock, "@offset", os_is_windows(def->os) ? "localtime" : "utc");
        if (node_count(clock, "timer") > 0)
                return;
        add_timer(clock, "rtc", "@tickpolicy", "catchup");
        add_timer(clock, "pit", "@tickpolicy", "delay");
        add_timer(clock, "hpet", "@present", "no");
        if (os_is_windows(def->os))
                add_timer(clock, "hypervclock", "@present", "yes");
}

/* --features acpi=off was said: the element is wanted away. */
static bool feature_is_off(const GuestDef *def, const char *name) {
        for (char *const *texts = options_list(def->options, "features"); *texts; texts++) {
                g_autoptr(GPtrArray) values = NULL;

                if (sub_parse(grammar_find("features"), *texts, false, &values, NULL) == 0 &&
                    sub_peek(values, name))
                        return true;
        }
        return false;
}

static void default_features(GuestDef *def) {
        static const char *const hyperv[][2] = {
                {"hyperv/relaxed/@state", "on"},
                {"hyperv/vapic/@state", "on"},
                {"hyperv/spinlocks/@state", "on"},
                {"hyperv/spinlocks/@retries", HYPERV_SPINLOCK_RETRIES},
        };
        xmlNode *features = node_make(def->domain, "features");

        if (!feature_is_off(def, "acpi"))
                node_default(features, "acpi", "");
        if (!feature_is_off(def, "apic"))
                node_default(features, "apic", "");
        if (def->caps->pae && !feature_is_off(def, "pae"))
                node_default(features, "pae", "");
        if (has_device_of_type(def, "graphics", "spice"))
                node_default(features, "vmport/@state", "off");
        for (size_t i = 0; os_is_windows(def->os) && i < G_N_ELEMENTS(hyperv); i++)
                node_default(features, hyperv[i][0], hyperv[i][1]);
}

static void default_cpu(GuestDef *def) {
        if (node_find(def->domain, "cpu") || options_has(def->options, "cpu") ||
            !node_is(def->domain, "@type", "kvm"))
                return;
        node_set(def->domain, "cpu/@mode", "host-passthrough");
}

/* An empty <cpu> says nothing. */
static void drop_empty_cpu(GuestDef *def) {
        xmlNode *cpu = node_find(def->domain, "cpu");

        if (cpu && !cpu->properties && !xml_first(cpu))
                node_remove(cpu);
}

static void default_interfaces(GuestDef *def) {
        const char *model = os_supports(def->os, OS_VIRTIO_NET) ? "virtio"
                            : guest_def_is_q35(def)             ? "e1000e"
                                                    : os_net_model(def->os) ?: "e1000";
        xmlNode *device;

        for (unsigned i = 0; (device = guest_def_device(def, "interface", i)); i++) {
                guint32 random = g_random_int();
                char mac[] = "52:54:00:00:00:00";

                (void)snprintf(mac, sizeof(mac), "52:54:00:%02x:%02x:%02x", random & 0xff,
                               random >> 8 & 0xff, random >> 16 & 0xff);
                node_default(device, "mac/@address", mac);
                node_default(device, "model/@type", model);
        }
}

static int default_disks(GuestDef *def, Err *err) {
        g_autofree char *size =
                g_strdup_printf("size=%" G_GUINT64_FORMAT, MAX(os_storage(def->os) >> 30, 1));
        xmlNode *disk;
        int r = 0;

        if (!options_has(def->options, "disk") && !options_has(def->options, "filesystem") &&
            os_storage(def->os) > 0)
                r = guest_def_read_disk(def, size, err);
        for (unsigned i = 0; r >= 0 && (disk = guest_def_device(def, "disk", i)); i++)
                r = guest_def_default_disk(def, disk, err);
        return r;
}

static bool has_disk_on(const GuestDef *def, const char *bus) {
        const xmlNode *disk;

        for (unsigned i = 0; (disk = guest_def_device(def, "disk", i)); i++)
                if (node_is(disk, "target/@bus", bus))
                        return true;
        return false;
}

static void default_controllers(GuestDef *def) {
        if (has_disk_on(def, "scsi") && !has_device_of_type(def, "controller", "scsi") &&
            os_supports(def->os, OS_VIRTIO_SCSI))
                ADD(def, "controller", "@type", "scsi", "@model", "virtio-scsi");
        if (!guest_def_is_q35(def) || has_device_of_type(def, "controller", "pci") ||
            def->root_ports == 0)
                return;
        ADD(def, "controller", "@type", "pci", "@model", "pcie-root");
        for (int i = 0; i < def->root_ports; i++)
                ADD(def, "controller", "@type", "pci", "@model", "pcie-root-port");
}

/* What SPICE's viewers can use. */
static void default_spice(GuestDef *def) {
        xmlNode *sound;

        if (has_device_of_type(def, "graphics", "spice")) {
                if (!guest_def_is_none(def, "channel") &&
                    !has_device_of_type(def, "channel", "spicevmc"))
                        ADD(def, "channel", "@type", "spicevmc", "target/@type", "virtio",
                            "target/@name", SPICE_CHANNEL);
                if (is_open(def, "sound", "sound"))
                        guest_def_add_device(def, "sound");
                for (int i = 0; i < SPICE_USB_PORTS && !usb_is_off(def) &&
                                !options_has(def->options, "redirdev");
                     i++)
                        ADD(def, "redirdev", "@bus", "usb", "@type", "spicevmc");
        }
        for (unsigned i = 0; (sound = guest_def_device(def, "sound", i)); i++) {
                node_default(sound, "@model", guest_def_is_q35(def) ? "ich9" : "ich6");
        }
}

static void default_power(GuestDef *def) {
        node_default(def->domain, "pm/suspend-to-mem/@enabled", "no");
        node_default(def->domain, "pm/suspend-to-disk/@enabled", "no");
}

static const xmlNode *first_disk(const GuestDef *def, const char *kind) {
        const xmlNode *disk;

        for (unsigned i = 0; (disk = guest_def_device(def, "disk", i)); i++)
                if (!kind || node_is(disk, "@device", kind))
                        return disk;
        return NULL;
}

static bool has_boot_order(const GuestDef *def) {
        XML_FOREACH_CHILD(device, def->devices)
                if (node_find(device, "boot"))
                        return true;
        return false;
}

/* What was installed: a disk if the guest has one. */
static const char *boot_device(const GuestDef *def) {
        const xmlNode *first = first_disk(def, NULL);
        bool disk = first_disk(def, "disk") != NULL;

        if (def->cdrom)
                return def->no_install || !disk ? "cdrom" : "hd";
        if (def->boot_from)
                return disk ? "hd" : def->boot_from;
        if (def->method == METHOD_IMPORT && first && node_is(first, "@device", "cdrom"))
                return "cdrom";
        return def->method == METHOD_IMPORT && first && node_is(first, "@device", "floppy") ? "fd"
                                                                                            : "hd";
}

static void default_boot(GuestDef *def) {
        const char *from = boot_device(def);

        if (node_find(def->domain, "os/boot") || node_find(def->domain, "os/kernel") ||
            has_boot_order(def))
                return;
        node_set(def->domain, "os/boot#0/@dev", from);
        if (!g_str_equal(from, "hd") && first_disk(def, "disk"))
                node_set(def->domain, "os/boot#1/@dev", "hd");
}

int guest_def_set_defaults(GuestDef *def, Err *err) {
        g_autofree char *machine = NULL;
        int r;

        default_uuid(def);
        default_metadata(def);
        default_memory(def);
        default_machine(def);
        machine = node_get(def->domain, "os/type/@machine");
        r = default_vcpus(def, err);
        if (r >= 0)
                r = caps_load_domain(def->conn, def->caps, machine, err);
        if (r >= 0)
                r = default_firmware(def, err);
        if (r >= 0)
                r = default_disks(def, err);
        if (r < 0)
                return r;
        default_graphics(def);
        default_video(def);
        default_input(def);
        default_usb(def);
        default_chars(def);
        default_small_devices(def);
        default_tpm(def);
        default_clock(def);
        default_features(def);
        default_cpu(def);
        drop_empty_cpu(def);
        default_power(def);
        default_interfaces(def);
        default_controllers(def);
        default_spice(def);
        default_boot(def);
        guest_def_sort(def->domain);
        return 0;
}
