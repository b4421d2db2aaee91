/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/defaults.h"

#include <string.h>

#include "domain/element.h"

#define EMULATOR "/usr/bin/qemu-system-x86_64"

static void set_text(char **place, const char *text) {
        if (!*place)
                *place = g_strdup(text);
}

/* Sets what is unset (0) among enums. */
#define SET_ENUM(place, value) ((place) = (place) ? (place) : (value))

static void set_num(DomainNum *num, uint64_t value) {
        if (!num->is_set)
                *num = DOMAIN_NUM(value);
}

/* Adds a device that the XML does not name. */
static void *add(DomainDef *def, DomainDeviceKind kind) {
        DomainDevice *device = domain_device_new(kind);

        g_ptr_array_add(def->devices.list[kind], device);
        return device;
}

/* ---- one device ---- */

static int fill_disk_bus(DomainDisk *disk, Err *err) {
        if (disk->target.bus)
                return 0;
        if (g_str_has_prefix(disk->target.dev, "vd"))
                disk->target.bus = DISK_BUS_VIRTIO;
        else if (g_str_has_prefix(disk->target.dev, "hd"))
                disk->target.bus = DISK_BUS_IDE;
        else
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "<target dev='%s'> at line %u without a bus means SCSI, which "
                             "is not served yet",
                             disk->target.dev, disk->target.node.line),
                        "name one, as bus='sata'");
        return 0;
}

static int fill_disk(DomainDef *def, DomainDevice *device, Err *err) {
        DomainDisk *disk = (DomainDisk *)device;

        SET_ENUM(disk->type, DISK_TYPE_FILE);
        SET_ENUM(disk->device, DISK_DEVICE_DISK);
        disk->driver.node.is_present = true;
        set_text(&disk->driver.name, "qemu");
        SET_ENUM(disk->driver.type, DISK_FORMAT_RAW);
        if (!disk->source.file && !disk->source.node.attrs && !disk->source.node.kept)
                disk->source.node.is_present = false;
        if (disk->device == DISK_DEVICE_CDROM)
                disk->readonly.node.is_present = true;
        return fill_disk_bus(disk, err);
}

/* ICH9's UHCI controllers are companions of the EHCI that is named before them: one bus, one index.
 */
static bool find_companion(const DomainDef *def, const DomainController *controller,
                           unsigned *ret) {
        bool is_found = false;

        if (controller->model < USB_MODEL_ICH9_UHCI1 || controller->model > USB_MODEL_ICH9_UHCI3)
                return false;
        DOMAIN_FOREACH(DomainController, other, def, DOMAIN_CONTROLLER) {
                if (other == controller)
                        break;
                if (other->model != USB_MODEL_ICH9_EHCI1 || !other->index.is_set)
                        continue;
                *ret = (unsigned)other->index.value;
                is_found = true;
        }
        return is_found;
}

static unsigned next_index(const DomainDef *def, const DomainController *controller) {
        unsigned index = 0;

        if (find_companion(def, controller, &index))
                return index;
        while (domain_def_find_controller(def, controller->type, index))
                index++;
        return index;
}

static ControllerModel root_model(const DomainDef *def) {
        return domain_def_is_q35(def) ? PCI_MODEL_PCIE_ROOT : PCI_MODEL_ROOT;
}

static ControllerModel default_pci_model(const DomainDef *def, unsigned index) {
        if (index == 0)
                return root_model(def);
        return domain_def_is_q35(def) ? PCI_MODEL_PCIE_ROOT_PORT : PCI_MODEL_BRIDGE;
}

/* What QEMU calls each model of PCI controller; NULL: it is a part of the machine. */
static const char *pci_model_name(ControllerModel model) {
        static const char *const names[] = {
                [PCI_MODEL_BRIDGE] = "pci-bridge",
                [PCI_MODEL_DMI_TO_PCI] = "i82801b11-bridge",
                [PCI_MODEL_PCIE_ROOT_PORT] = "pcie-root-port",
                [PCI_MODEL_PCIE_SWITCH_UP] = "x3130-upstream",
                [PCI_MODEL_PCIE_SWITCH_DOWN] = "xio3130-downstream",
                [PCI_MODEL_PCIE_TO_PCI] = "pcie-pci-bridge",
        };

        return (size_t)model < G_N_ELEMENTS(names) ? names[model] : NULL;
}

static void fill_pci_controller(DomainDef *def, DomainController *controller) {
        const char *name;

        SET_ENUM(controller->model, default_pci_model(def, (unsigned)controller->index.value));
        name = pci_model_name(controller->model);
        if (!name)
                return;
        controller->model_name.node.is_present = true;
        set_text(&controller->model_name.text, name);
        controller->target.node.is_present = true;
        if (controller->model == PCI_MODEL_BRIDGE)
                set_num(&controller->target.chassis_nr, controller->index.value);
        else if (controller->model == PCI_MODEL_PCIE_ROOT_PORT ||
                 controller->model == PCI_MODEL_PCIE_SWITCH_DOWN)
                set_num(&controller->target.chassis, controller->index.value);
        else if (!controller->target.hotplug)
                controller->target.node.is_present = controller->target.node.line > 0;
}

static int fill_controller(DomainDef *def, DomainDevice *device, Err *err) {
        DomainController *controller = (DomainController *)device;

        if (!controller->index.is_set)
                set_num(&controller->index, next_index(def, controller));
        if (controller->type == CONTROLLER_PCI)
                fill_pci_controller(def, controller);
        if (controller->type == CONTROLLER_USB)
                SET_ENUM(controller->model,
                         domain_def_is_q35(def) ? USB_MODEL_QEMU_XHCI : USB_MODEL_PIIX3_UHCI);
        return 0;
}

static int fill_interface(DomainDef *def, DomainDevice *device, Err *err) {
        DomainInterface *net = (DomainInterface *)device;
        char *old = net->mac.address;

        if (old) {
                net->mac.address = g_ascii_strdown(old, -1);
                g_free(old);
        } else {
                uint32_t tail = g_random_int();

                net->mac.address = g_strdup_printf("52:54:00:%02x:%02x:%02x", tail >> 16 & 0xff,
                                                   tail >> 8 & 0xff, tail & 0xff);
        }
        net->mac.node.is_present = true;
        net->model.node.is_present = true;
        SET_ENUM(net->model.type, NET_MODEL_RTL8139);
        return 0;
}

/* The lowest port that no other serial device has. */
static unsigned next_serial_port(const DomainDef *def) {
        unsigned port = 0;
        bool is_taken;

        do {
                is_taken = false;
                DOMAIN_FOREACH(DomainChar, serial, def, DOMAIN_SERIAL)
                        is_taken |= serial->target.port.is_set && serial->target.port.value == port;
                port += is_taken;
        } while (is_taken);
        return port;
}

static int fill_serial(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *serial = (DomainChar *)device;

        serial->target.node.is_present = true;
        SET_ENUM(serial->target.type, CHAR_TARGET_ISA_SERIAL);
        if (!serial->target.port.is_set)
                set_num(&serial->target.port, next_serial_port(def));
        serial->target.model.node.is_present = true;
        set_text(&serial->target.model.text, "isa-serial");
        return 0;
}

static int fill_console(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *console = (DomainChar *)device;
        guint index = def->devices.list[DOMAIN_CONSOLE]->len;

        g_ptr_array_find(def->devices.list[DOMAIN_CONSOLE], device, &index);
        console->target.node.is_present = true;
        SET_ENUM(console->target.type, CHAR_TARGET_SERIAL);
        /* Consoles are numbered through, whatever they say. */
        console->target.port = DOMAIN_NUM(index);
        return 0;
}

static int fill_channel(DomainDef *def, DomainDevice *device, Err *err) {
        DomainChar *channel = (DomainChar *)device;

        channel->target.node.is_present = true;
        SET_ENUM(channel->target.type, CHAR_TARGET_VIRTIO);
        if (channel->type == CHAR_TYPE_UNIX) {
                channel->source.node.is_present = true;
                SET_ENUM(channel->source.mode, CHAR_MODE_BIND);
        }
        return 0;
}

static int fill_input(DomainDef *def, DomainDevice *device, Err *err) {
        DomainInput *input = (DomainInput *)device;

        SET_ENUM(input->bus, input->type == INPUT_TABLET ? INPUT_BUS_USB : INPUT_BUS_PS2);
        return 0;
}

static DomainListen *add_listen(DomainGraphics *graphics, ListenType type) {
        DomainListen *listen = g_new0(DomainListen, 1);

        listen->node.is_present = true;
        listen->type = type;
        graphics->listens = g_ptr_array_new();
        g_ptr_array_add(graphics->listens, listen);
        return listen;
}

/* The attributes listen and socket and the element <listen> say the same; each fills the other. */
static void fill_listen(DomainGraphics *graphics) {
        DomainListen *listen;

        if (!graphics->listens)
                add_listen(graphics, graphics->socket ? LISTEN_SOCKET : LISTEN_ADDRESS);
        listen = graphics->listens->pdata[0];
        if (listen->type == LISTEN_ADDRESS && graphics->listen_address)
                set_text(&listen->address, graphics->listen_address);
        if (listen->type == LISTEN_SOCKET && graphics->socket)
                set_text(&listen->socket, graphics->socket);
        if (listen->type == LISTEN_ADDRESS && listen->address)
                set_text(&graphics->listen_address, listen->address);
        if (listen->type == LISTEN_SOCKET && listen->socket)
                set_text(&graphics->socket, listen->socket);
}

static int fill_graphics(DomainDef *def, DomainDevice *device, Err *err) {
        DomainGraphics *graphics = (DomainGraphics *)device;

        fill_listen(graphics);
        if (((DomainListen *)graphics->listens->pdata[0])->type != LISTEN_ADDRESS)
                return 0;
        if (!graphics->port.is_set)
                graphics->autoport = DOMAIN_SWITCH_ON;
        SET_ENUM(graphics->autoport, DOMAIN_SWITCH_OFF);
        return 0;
}

static int fill_video(DomainDef *def, DomainDevice *device, Err *err) {
        DomainVideo *video = (DomainVideo *)device;
        GPtrArray *videos = def->devices.list[DOMAIN_VIDEO];

        video->model.node.is_present = true;
        SET_ENUM(video->model.type, VIDEO_VGA);
        if (video->model.type == VIDEO_NONE)
                return 0;
        if (video->model.type == VIDEO_VGA || video->model.type == VIDEO_BOCHS)
                set_num(&video->model.vram, 16384);
        set_num(&video->model.heads, 1);
        if (videos->len > 0 && videos->pdata[0] == device)
                SET_ENUM(video->model.primary, DOMAIN_SWITCH_ON);
        return 0;
}

static int fill_hostdev(DomainDef *def, DomainDevice *device, Err *err) {
        DomainHostdev *hostdev = (DomainHostdev *)device;

        SET_ENUM(hostdev->mode, HOSTDEV_SUBSYSTEM);
        SET_ENUM(hostdev->managed, DOMAIN_SWITCH_OFF);
        hostdev->source.address.type = 0;
        set_num(&hostdev->source.address.domain, 0);
        return 0;
}

static int fill_watchdog(DomainDef *def, DomainDevice *device, Err *err) {
        DomainWatchdog *watchdog = (DomainWatchdog *)device;

        SET_ENUM(watchdog->action, WATCHDOG_RESET);
        return 0;
}

static int fill_rng(DomainDef *def, DomainDevice *device, Err *err) {
        DomainRng *rng = (DomainRng *)device;

        set_text(&rng->backend.path, "/dev/urandom");
        return 0;
}

/* An address on PCI that names only a part of itself. */
static void fill_address(DomainDevice *device) {
        DomainAddress *address = &device->address;

        if (!address->node.is_present || address->type == DOMAIN_ADDRESS_USB)
                return;
        set_num(&address->bus, 0);
        if (address->type == DOMAIN_ADDRESS_PCI) {
                set_num(&address->domain, 0);
                set_num(&address->slot, 0);
                set_num(&address->function, 0);
        } else {
                set_num(&address->controller, 0);
        }
        if (address->type == DOMAIN_ADDRESS_DRIVE) {
                set_num(&address->target, 0);
                set_num(&address->unit, 0);
        }
}

int domain_defaults_fill_device(DomainDef *def, DomainDevice *device, Err *err) {
        static int (*const fill[_DOMAIN_DEVICE_MAX])(DomainDef *, DomainDevice *, Err *) = {
                [DOMAIN_DISK] = fill_disk,           [DOMAIN_CONTROLLER] = fill_controller,
                [DOMAIN_INTERFACE] = fill_interface, [DOMAIN_SERIAL] = fill_serial,
                [DOMAIN_CONSOLE] = fill_console,     [DOMAIN_CHANNEL] = fill_channel,
                [DOMAIN_INPUT] = fill_input,         [DOMAIN_GRAPHICS] = fill_graphics,
                [DOMAIN_VIDEO] = fill_video,         [DOMAIN_HOSTDEV] = fill_hostdev,
                [DOMAIN_WATCHDOG] = fill_watchdog,   [DOMAIN_RNG] = fill_rng,
        };

        fill_address(device);
        return fill[device->kind] ? fill[device->kind](def, device, err) : 0;
}

/* ---- devices that every guest has ---- */

static void add_controller(DomainDef *def, ControllerType type, ControllerModel model) {
        DomainController *controller;

        if (domain_def_find_controller(def, type, 0))
                return;
        controller = add(def, DOMAIN_CONTROLLER);
        controller->type = type;
        controller->model = model;
        controller->index = DOMAIN_NUM(0);
}

static bool has_virtio_serial(const DomainDef *def) {
        DOMAIN_FOREACH(DomainChar, console, def, DOMAIN_CONSOLE) {
                if (console->target.type == CHAR_TARGET_VIRTIO)
                        return true;
        }
        return def->devices.list[DOMAIN_CHANNEL]->len > 0;
}

/* What the XML names gets its number before we look for what is missing; root buses take index 0
 * before any other PCI controller asks for the next one. */
static void number_controllers(DomainDef *def) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->model == PCI_MODEL_ROOT || controller->model == PCI_MODEL_PCIE_ROOT)
                        set_num(&controller->index, 0);
        }
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->index.is_set)
                        continue;
                /* Not the root bus, which is added below. */
                if (controller->type == CONTROLLER_PCI && controller->model &&
                    !domain_def_find_bus(def, 0))
                        add_controller(def, CONTROLLER_PCI, root_model(def));
                set_num(&controller->index, next_index(def, controller));
        }
}

static void add_controllers(DomainDef *def) {
        bool is_q35 = domain_def_is_q35(def);

        number_controllers(def);
        add_controller(def, CONTROLLER_USB, CONTROLLER_MODEL_UNSET);
        if (is_q35)
                add_controller(def, CONTROLLER_SATA, CONTROLLER_MODEL_UNSET);
        add_controller(def, CONTROLLER_PCI, root_model(def));
        if (has_virtio_serial(def))
                add_controller(def, CONTROLLER_VIRTIO_SERIAL, CONTROLLER_MODEL_UNSET);
}

static void add_input(DomainDef *def, InputType type) {
        DomainInput *input;

        DOMAIN_FOREACH(DomainInput, other, def, DOMAIN_INPUT) {
                if (other->type == type && (!other->bus || other->bus == INPUT_BUS_PS2))
                        return;
        }
        input = add(def, DOMAIN_INPUT);
        input->type = type;
        input->bus = INPUT_BUS_PS2;
}

/* The first console and the first serial port are one device that is told of twice. */
static void mirror_console(DomainDef *def) {
        GPtrArray *serials = def->devices.list[DOMAIN_SERIAL];
        GPtrArray *consoles = def->devices.list[DOMAIN_CONSOLE];
        DomainChar *console, *serial;

        if (consoles->len == 0 && serials->len > 0)
                add(def, DOMAIN_CONSOLE);
        if (consoles->len == 0)
                return;
        console = consoles->pdata[0];
        if (console->target.type && console->target.type != CHAR_TARGET_SERIAL)
                return;
        if (serials->len == 0) {
                serial = add(def, DOMAIN_SERIAL);
                serial->type = console->type;
        }
        serial = serials->pdata[0];
        if (!serial->source.node.is_present && console->source.node.is_present &&
            serial->type == console->type) {
                serial->source.node.is_present = true;
                serial->source.path = g_strdup(console->source.path);
                serial->source.mode = console->source.mode;
                serial->source.append = console->source.append;
        }
        console->type = serial->type;
        console->source.node.is_present = serial->source.node.is_present;
        g_free(console->source.path);
        console->source.path = g_strdup(serial->source.path);
        console->source.mode = serial->source.mode;
        console->source.append = serial->source.append;
}

static void add_devices(DomainDef *def) {
        GPtrArray **list = def->devices.list;

        mirror_console(def);
        add_controllers(def);
        add_input(def, INPUT_MOUSE);
        add_input(def, INPUT_KEYBOARD);
        if (list[DOMAIN_GRAPHICS]->len > 0 && list[DOMAIN_VIDEO]->len == 0)
                add(def, DOMAIN_VIDEO);
        if (list[DOMAIN_AUDIO]->len == 0) {
                DomainAudio *audio = add(def, DOMAIN_AUDIO);

                audio->id = DOMAIN_NUM(1);
                audio->type = AUDIO_NONE;
        }
        if (list[DOMAIN_MEMBALLOON]->len == 0) {
                DomainMemballoon *balloon = add(def, DOMAIN_MEMBALLOON);

                balloon->model = BALLOON_VIRTIO;
        }
}

/* ---- the guest ---- */

static void fill_uuid(uint8_t uuid[16]) {
        static const uint8_t none[16];

        if (memcmp(uuid, none, sizeof(none)) != 0)
                return;
        for (int i = 0; i < 16; i += 4) {
                uint32_t word = g_random_int();

                memcpy(uuid + i, &word, sizeof(word));
        }
        /* RFC 4122: version 4, variant 1. */
        uuid[6] = (uuid[6] & 0x0f) | 0x40;
        uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static void fill_machine(DomainOs *os, const DomainDefaults *defaults) {
        const char *const *alias = defaults ? defaults->machine_aliases : NULL;

        set_text(&os->type.arch, "x86_64");
        set_text(&os->type.machine, defaults && defaults->machine ? defaults->machine : "pc");
        for (; alias && alias[0]; alias += 2) {
                if (!g_str_equal(alias[0], os->type.machine))
                        continue;
                g_free(os->type.machine);
                os->type.machine = g_strdup(alias[1]);
                return;
        }
}

static bool has_device_boot(const DomainDef *def) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (device->boot.node.is_present)
                                return true;
                }
        }
        return false;
}

static void fill_boot(DomainDef *def) {
        DomainBootDev *boot;

        if (def->os.boot || has_device_boot(def))
                return;
        boot = domain_element_new(&domain_bootdev_element);
        boot->node.is_present = true;
        boot->dev = BOOT_HD;
        def->os.boot = g_ptr_array_new();
        g_ptr_array_add(def->os.boot, boot);
}

static void fill_cpu(DomainCpu *cpu) {
        bool is_named = cpu->model.name != NULL;

        cpu->node.is_present = true;
        SET_ENUM(cpu->mode, CPU_CUSTOM);
        if (cpu->mode == CPU_CUSTOM) {
                SET_ENUM(cpu->match, CPU_EXACT);
                SET_ENUM(cpu->check, is_named ? CPU_CHECK_PARTIAL : CPU_CHECK_NONE);
                cpu->model.node.is_present = true;
                SET_ENUM(cpu->model.fallback, is_named ? CPU_FALLBACK_ALLOW : CPU_FALLBACK_FORBID);
                set_text(&cpu->model.name, "qemu64");
        } else if (cpu->mode == CPU_HOST_MODEL) {
                SET_ENUM(cpu->check, CPU_CHECK_PARTIAL);
        } else {
                SET_ENUM(cpu->check, CPU_CHECK_NONE);
                SET_ENUM(cpu->migratable, DOMAIN_SWITCH_ON);
        }
        for (guint i = 0; cpu->features && i < cpu->features->len; i++)
                SET_ENUM(((DomainCpuFeature *)cpu->features->pdata[i])->policy, CPU_REQUIRE);
}

static void fill_guest(DomainDef *def, const DomainDefaults *defaults) {
        fill_uuid(def->uuid);
        if (def->current_memory == 0)
                def->current_memory = def->memory;
        def->vcpu.node.is_present = true;
        set_num(&def->vcpu.count, 1);
        def->vcpu.placement = VCPU_STATIC;
        fill_machine(&def->os, defaults);
        fill_boot(def);
        fill_cpu(&def->cpu);
        def->clock.node.is_present = true;
        SET_ENUM(def->clock.offset, CLOCK_UTC);
        SET_ENUM(def->on_poweroff, LIFECYCLE_DESTROY);
        SET_ENUM(def->on_reboot, LIFECYCLE_RESTART);
        SET_ENUM(def->on_crash, LIFECYCLE_DESTROY);
        def->devices.node.is_present = true;
        set_text(&def->devices.emulator,
                 defaults && defaults->emulator ? defaults->emulator : EMULATOR);
}

int domain_defaults_fill(DomainDef *def, const DomainDefaults *defaults, Err *err) {
        fill_guest(def, defaults);
        add_devices(def);
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        int r = domain_defaults_fill_device(def, device, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
