/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/validate.h"

#include <string.h>

#include "domain/element.h"

#define NAME_MAX_BYTES 255

/* Names of QEMU's block nodes, which are made of it, have at most 31. */
#define TARGET_MAX_BYTES 8

static int check_path(const char *path, const char *what, unsigned line, Err *err) {
        if (!path || path[0] == '/')
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "the path '%s' of <%s> at line %u is not absolute",
                    path, what, line);
}

/* Names that end up in QEMU's key=value lists, where a ',' would begin another key. */
static int check_word(const char *word, const char *what, unsigned line, Err *err) {
        for (const char *s = word; s && *s; s++) {
                if (!g_ascii_isalnum(*s) && !strchr("._-", *s))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "'%s' of <%s> at line %u holds the character '%c'", word, what,
                                    line, g_ascii_isgraph(*s) ? *s : '?');
        }
        return 0;
}

/* ---- devices ---- */

static int check_disk_target(const DomainDisk *disk, Err *err) {
        const char *dev = disk->target.dev;
        bool is_good = strlen(dev) > 2 && strlen(dev) <= TARGET_MAX_BYTES &&
                       strchr("hsv", dev[0]) && dev[1] == 'd';

        for (const char *s = dev + 2; is_good && *s; s++)
                is_good = g_ascii_islower(*s);
        if (!is_good)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<target dev='%s'> at line %u is no disk's name", dev,
                            disk->target.node.line);
        return 0;
}

static int check_disk(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainDisk *disk = (const DomainDisk *)device;
        const char *dev = disk->target.dev;
        bool is_cdrom = disk->device == DISK_DEVICE_CDROM;
        int r;

        r = check_disk_target(disk, err);
        if (r < 0)
                return r;
        if (disk->driver.name && !g_str_equal(disk->driver.name, "qemu"))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: the driver '%s' is not served", dev, disk->driver.name);
        if (!is_cdrom && !disk->source.file)
                return fail(err, VIR_ERR_XML_ERROR, "disk %s has no source file", dev);
        if (is_cdrom && disk->target.bus == DISK_BUS_VIRTIO)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: a CD-ROM drive cannot be on bus 'virtio'", dev);
        if (disk->target.bus == DISK_BUS_IDE && domain_def_is_q35(def))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "disk %s: machine '%s' has no IDE", dev,
                                      def->os.type.machine),
                                 "use bus='sata'");
        if (!is_cdrom && disk->readonly.node.is_present && disk->target.bus != DISK_BUS_VIRTIO)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: a disk on IDE or SATA cannot be read-only", dev);
        if (disk->driver.io == DISK_IO_NATIVE && disk->driver.cache != DISK_CACHE_NONE &&
            disk->driver.cache != DISK_CACHE_DIRECTSYNC)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: io='native' needs cache='none' or 'directsync'", dev);
        if (disk->driver.detect_zeroes == DISK_ZEROES_UNMAP &&
            disk->driver.discard != DISK_DISCARD_UNMAP)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "disk %s: detect_zeroes='unmap' needs discard='unmap'", dev);
        return check_path(disk->source.file, "source", disk->source.node.line, err);
}

typedef struct ModelRange {
        ControllerType type;
        ControllerModel first, last;
} ModelRange;

static int check_controller_model(const DomainController *controller, Err *err) {
        static const ModelRange ranges[] = {
                {CONTROLLER_PCI, PCI_MODEL_ROOT, PCI_MODEL_PCIE_TO_PCI},
                {CONTROLLER_USB, USB_MODEL_PIIX3_UHCI, USB_MODEL_NONE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
                if (controller->type == ranges[i].type && controller->model >= ranges[i].first &&
                    controller->model <= ranges[i].last)
                        return 0;
        }
        if (controller->model == CONTROLLER_MODEL_UNSET)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "<controller> at line %u has a model of another type",
                    controller->base.node.line);
}

static int check_pci_controller(const DomainDef *def, const DomainController *controller,
                                Err *err) {
        bool is_q35 = domain_def_is_q35(def);
        bool is_root =
                controller->model == PCI_MODEL_ROOT || controller->model == PCI_MODEL_PCIE_ROOT;
        bool is_express = controller->model >= PCI_MODEL_DMI_TO_PCI;
        unsigned index = (unsigned)controller->index.value;

        if (is_root != (index == 0))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: index 0 is for the root bus and for nothing else",
                            index);
        if ((is_express && !is_q35) || (controller->model == PCI_MODEL_ROOT && is_q35))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "PCI controller %u: machine '%s' has no place for this model", index,
                            def->os.type.machine);
        return 0;
}

static int check_model_name(const DomainController *controller, Err *err) {
        static const char *const names[] = {
                "pci-bridge",     "i82801b11-bridge",   "pcie-root-port",  "ioh3420",
                "x3130-upstream", "xio3130-downstream", "pcie-pci-bridge", NULL,
        };
        const char *name = controller->model_name.text;

        if (!name || g_strv_contains(names, name))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<model name='%s'> at line %u is not served yet", name,
                    controller->model_name.node.line);
}

static int check_controller(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainController *controller = (const DomainController *)device;
        int r;

        r = check_controller_model(controller, err);
        if (r < 0)
                return r;
        if (controller->type == CONTROLLER_IDE &&
            (controller->index.value > 0 || domain_def_is_q35(def)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "machine '%s' has no IDE controller %u", def->os.type.machine,
                            (unsigned)controller->index.value);
        if (controller->type != CONTROLLER_PCI)
                return 0;
        r = check_pci_controller(def, controller, err);
        return r < 0 ? r : check_model_name(controller, err);
}

static int check_mac(const DomainInterface *net, Err *err) {
        const char *text = net->mac.address;
        bool is_good = strlen(text) == 17;

        for (int i = 0; is_good && i < 17; i++)
                is_good = i % 3 == 2 ? text[i] == ':' : g_ascii_isxdigit(text[i]);
        if (!is_good)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<mac address='%s'> at line %u is no MAC address", text,
                            net->mac.node.line);
        if (g_ascii_xdigit_value(text[1]) & 1)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<mac address='%s'> at line %u is a multicast address", text,
                            net->mac.node.line);
        return 0;
}

static int check_interface(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (net->type == NET_TYPE_BRIDGE && !net->source.bridge)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<interface type='bridge'> at line %u has no <source bridge=…>",
                            device->node.line);
        /* Names of the kernel: IFNAMSIZ with its NUL. */
        if ((net->source.bridge && strlen(net->source.bridge) > 15) ||
            (net->target.dev && strlen(net->target.dev) > 15))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<interface> at line %u: a network device's name is longer than 15",
                            device->node.line);
        return check_mac(net, err);
}

static int check_char_target(const DomainChar *chardev, Err *err) {
        static const struct {
                DomainDeviceKind kind;
                CharTarget allowed[2];
        } kinds[] = {
                {DOMAIN_SERIAL, {CHAR_TARGET_ISA_SERIAL}},
                {DOMAIN_CONSOLE, {CHAR_TARGET_SERIAL, CHAR_TARGET_VIRTIO}},
                {DOMAIN_CHANNEL, {CHAR_TARGET_VIRTIO}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                if (kinds[i].kind == chardev->base.kind &&
                    (chardev->target.type == kinds[i].allowed[0] ||
                     chardev->target.type == kinds[i].allowed[1]))
                        return 0;
        }
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "<%s> at line %u has a target of another kind",
                    domain_device_kind_to_string(chardev->base.kind), chardev->base.node.line);
}

static int check_char(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainChar *chardev = (const DomainChar *)device;
        const char *name = domain_device_kind_to_string(device->kind);
        bool needs_path = chardev->type == CHAR_TYPE_FILE ||
                          (chardev->type == CHAR_TYPE_UNIX && device->kind != DOMAIN_CHANNEL);
        const GPtrArray *consoles = def->devices.list[DOMAIN_CONSOLE];
        int r;

        r = check_char_target(chardev, err);
        if (r < 0)
                return r;
        if (needs_path && !chardev->source.path)
                return fail(err, VIR_ERR_XML_ERROR, "<%s> at line %u has no <source path=…>", name,
                            device->node.line);
        if (device->kind == DOMAIN_CHANNEL && !chardev->target.name)
                return fail(err, VIR_ERR_XML_ERROR, "<channel> at line %u has no <target name=…>",
                            device->node.line);
        if (device->kind == DOMAIN_CONSOLE && chardev->target.type == CHAR_TARGET_SERIAL &&
            consoles->len > 0 && consoles->pdata[0] != device)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<console> at line %u: only the first one can be the serial "
                                      "port",
                                      device->node.line),
                                 "give it <target type='virtio'/>");
        return check_path(chardev->source.path, "source", chardev->source.node.line, err);
}

static bool has_usb(const DomainDef *def) {
        DomainController *usb = domain_def_find_controller(def, CONTROLLER_USB, 0);

        return usb && usb->model != USB_MODEL_NONE;
}

static int check_input(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainInput *input = (const DomainInput *)device;

        if (input->bus == INPUT_BUS_PS2 && input->type == INPUT_TABLET)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<input type='tablet' bus='ps2'> at line %u: there is no such device",
                            device->node.line);
        if (input->bus == INPUT_BUS_USB && !has_usb(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<input bus='usb'> at line %u: the guest has no USB controller",
                            device->node.line);
        return 0;
}

static int check_graphics(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainGraphics *graphics = (const DomainGraphics *)device;
        int r;

        if (graphics->listens->len > 1)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u listens on more than one address",
                            device->node.line);
        if (graphics->port.is_set && graphics->port.value < 5900)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: VNC ports begin at 5900", device->node.line);
        r = check_word(graphics->keymap, "graphics", device->node.line, err);
        if (r < 0)
                return r;
        /* The protocol's own limit (RFC 6143, 7.2.2). */
        if (graphics->passwd && strlen(graphics->passwd) > 8)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<graphics> at line %u: a VNC password has at most 8 characters",
                            device->node.line);
        return check_path(graphics->socket, "graphics", device->node.line, err);
}

static int check_video(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainVideo *video = (const DomainVideo *)device;
        const GPtrArray *videos = def->devices.list[DOMAIN_VIDEO];

        if (video->model.type == VIDEO_NONE && videos->len > 1)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<video> at line %u: model 'none' stands beside another video device",
                            device->node.line);
        if (video->model.type == VIDEO_VGA && videos->len > 0 && videos->pdata[0] != device)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<video> at line %u: only the first can be 'vga'", device->node.line);
        return 0;
}

static int check_watchdog(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainWatchdog *watchdog = (const DomainWatchdog *)device;

        if (watchdog->model == WATCHDOG_ITCO && !domain_def_is_q35(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<watchdog model='itco'> at line %u is a part of q35 machines only",
                            device->node.line);
        return 0;
}

static int check_rng(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainRng *rng = (const DomainRng *)device;

        return check_path(rng->backend.path, "backend", rng->backend.node.line, err);
}

static int check_rom(const DomainDevice *device, Err *err) {
        const DomainRom *rom = &device->rom;

        if (rom->enabled == DOMAIN_SWITCH_OFF && (rom->bar || rom->file))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<rom enabled='no'> at line %u takes neither bar nor file",
                            rom->node.line);
        return check_path(rom->file, "rom", rom->node.line, err);
}

static int check_boot_order(const DomainDevice *device, Err *err) {
        if (device->boot.node.is_present && device->boot.order.value == 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<boot order='0'> at line %u: orders begin at 1",
                            device->boot.node.line);
        return 0;
}

int domain_validate_device(const DomainDef *def, const DomainDevice *device, Err *err) {
        static int (*const check[_DOMAIN_DEVICE_MAX])(const DomainDef *, const DomainDevice *,
                                                      Err *) = {
                [DOMAIN_DISK] = check_disk,
                [DOMAIN_CONTROLLER] = check_controller,
                [DOMAIN_INTERFACE] = check_interface,
                [DOMAIN_SERIAL] = check_char,
                [DOMAIN_CONSOLE] = check_char,
                [DOMAIN_CHANNEL] = check_char,
                [DOMAIN_INPUT] = check_input,
                [DOMAIN_GRAPHICS] = check_graphics,
                [DOMAIN_VIDEO] = check_video,
                [DOMAIN_WATCHDOG] = check_watchdog,
                [DOMAIN_RNG] = check_rng,
        };
        int r;

        r = check_word(device->alias.name, "alias", device->alias.node.line, err);
        if (r < 0)
                return r;
        r = check_rom(device, err);
        if (r < 0)
                return r;
        r = check_boot_order(device, err);
        if (r < 0)
                return r;
        return check[device->kind] ? check[device->kind](def, device, err) : 0;
}

/* ---- keys ---- */

static char *controller_key(const DomainController *controller) {
        static const char *const types[] = {NULL, "USB", "IDE", "SATA", "virtio-serial", "PCI"};
        bool is_companion = controller->model >= USB_MODEL_ICH9_UHCI1 &&
                            controller->model <= USB_MODEL_ICH9_UHCI3;

        return g_strdup_printf(
                "%s controller %u%s", types[controller->type], (unsigned)controller->index.value,
                is_companion ? (char[]){' ', (char)('0' + controller->model), 0} : "");
}

/* What no other device of the guest may have as well; NULL: nothing. */
static char *device_key(const DomainDevice *device) {
        switch (device->kind) {
        case DOMAIN_DISK:
                return g_strdup_printf("disk target '%s'",
                                       ((const DomainDisk *)device)->target.dev);
        case DOMAIN_CONTROLLER:
                return controller_key((const DomainController *)device);
        case DOMAIN_SERIAL:
                return g_strdup_printf("serial port %u",
                                       (unsigned)((const DomainChar *)device)->target.port.value);
        case DOMAIN_CHANNEL:
                return g_strdup_printf("channel '%s'", ((const DomainChar *)device)->target.name);
        case DOMAIN_HOSTDEV:
                return g_strdup_printf("host device %s", PCI_ADDR_TEXT(domain_hostdev_addr(
                                                                 (const DomainHostdev *)device)));
        case DOMAIN_GRAPHICS:
        case DOMAIN_WATCHDOG:
        case DOMAIN_MEMBALLOON:
        case DOMAIN_AUDIO:
                return g_strdup_printf("<%s>", domain_device_kind_to_string(device->kind));
        default:
                return NULL;
        }
}

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
        char *boot = NULL, *alias = NULL;
        int r;

        r = claim(keys, device_key(device), device->node.line, err);
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
        int r = check_word(cpu->model.name, "model", cpu->model.node.line, err);

        for (guint i = 0; cpu->features && i < cpu->features->len && r == 0; i++) {
                const DomainCpuFeature *feature = cpu->features->pdata[i];

                r = check_word(feature->name, "feature", feature->node.line, err);
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
        return check_word(machine, "type", def->os.type.node.line, err);
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
                int r = check_path(paths[i].path, paths[i].what, paths[i].line, err);

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
