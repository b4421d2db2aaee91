/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/defaults.h"

#include <string.h>

#include "domain/kind.h"

#define EMULATOR "/usr/bin/qemu-system-x86_64"

/* Adds a device that the XML does not name. */
static void *add(DomainDef *def, DomainDeviceKind kind) {
        DomainDevice *device = domain_device_new(kind);

        g_ptr_array_add(def->devices.list[kind], device);
        return device;
}

/* An address on PCI that names only a part of itself. */
static void fill_address(DomainDevice *device) {
        DomainAddress *address = &device->address;

        if (!address->node.is_present || address->type == DOMAIN_ADDRESS_USB ||
            address->type == DOMAIN_ADDRESS_ISA)
                return;
        fill_num(&address->bus, 0);
        if (address->type == DOMAIN_ADDRESS_PCI) {
                fill_num(&address->domain, 0);
                fill_num(&address->slot, 0);
                fill_num(&address->function, 0);
        } else {
                fill_num(&address->controller, 0);
        }
        if (address->type == DOMAIN_ADDRESS_DRIVE) {
                fill_num(&address->target, 0);
                fill_num(&address->unit, 0);
        }
}

int domain_defaults_fill_device(DomainDef *def, DomainDevice *device, Err *err) {
        const DomainKind *kind = domain_kinds[device->kind];

        fill_address(device);
        return kind->fill ? kind->fill(def, device, err) : 0;
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
        DOMAIN_FOREACH(DomainChar, channel, def, DOMAIN_CHANNEL) {
                if (channel->target.type != CHAR_TARGET_GUESTFWD)
                        return true;
        }
        return false;
}

/* What the XML names gets its number before we look for what is missing; root buses take index 0
 * before any other PCI controller asks for the next one. */
static void number_controllers(DomainDef *def) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->model == PCI_MODEL_ROOT || controller->model == PCI_MODEL_PCIE_ROOT)
                        fill_num(&controller->index, 0);
        }
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->index.is_set)
                        continue;
                /* Not the root bus, which is added below. */
                if (controller->type == CONTROLLER_PCI && controller->model &&
                    !domain_def_find_bus(def, 0))
                        add_controller(def, CONTROLLER_PCI, domain_root_model(def));
                fill_num(&controller->index, domain_controller_next_index(def, controller));
        }
}

static void add_controllers(DomainDef *def) {
        bool is_q35 = domain_def_is_q35(def);

        number_controllers(def);
        add_controller(def, CONTROLLER_USB, CONTROLLER_MODEL_UNSET);
        if (is_q35)
                add_controller(def, CONTROLLER_SATA, CONTROLLER_MODEL_UNSET);
        add_controller(def, CONTROLLER_PCI, domain_root_model(def));
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
        if (!domain_char_has_stream(serial) && domain_char_has_stream(console) &&
            serial->type == console->type)
                domain_char_copy_stream(serial, console);
        domain_char_copy_stream(console, serial);
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

        fill_text(&os->type.arch, "x86_64");
        fill_text(&os->type.machine, defaults && defaults->machine ? defaults->machine : "pc");
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
        FILL_ENUM(cpu->mode, CPU_CUSTOM);
        if (cpu->mode == CPU_CUSTOM) {
                FILL_ENUM(cpu->match, CPU_EXACT);
                FILL_ENUM(cpu->check, is_named ? CPU_CHECK_PARTIAL : CPU_CHECK_NONE);
                cpu->model.node.is_present = true;
                FILL_ENUM(cpu->model.fallback, is_named ? CPU_FALLBACK_ALLOW : CPU_FALLBACK_FORBID);
                fill_text(&cpu->model.name, "qemu64");
        } else if (cpu->mode == CPU_HOST_MODEL) {
                FILL_ENUM(cpu->check, CPU_CHECK_PARTIAL);
        } else {
                FILL_ENUM(cpu->check, CPU_CHECK_NONE);
                FILL_ENUM(cpu->migratable, DOMAIN_SWITCH_ON);
        }
        for (guint i = 0; cpu->features && i < cpu->features->len; i++)
                FILL_ENUM(((DomainCpuFeature *)cpu->features->pdata[i])->policy, CPU_REQUIRE);
}

static void fill_guest(DomainDef *def, const DomainDefaults *defaults) {
        fill_uuid(def->uuid);
        if (def->current_memory == 0)
                def->current_memory = def->memory;
        def->vcpu.node.is_present = true;
        fill_num(&def->vcpu.count, 1);
        def->vcpu.placement = VCPU_STATIC;
        fill_machine(&def->os, defaults);
        fill_boot(def);
        fill_cpu(&def->cpu);
        def->clock.node.is_present = true;
        FILL_ENUM(def->clock.offset, CLOCK_UTC);
        FILL_ENUM(def->on_poweroff, LIFECYCLE_DESTROY);
        FILL_ENUM(def->on_reboot, LIFECYCLE_RESTART);
        FILL_ENUM(def->on_crash, LIFECYCLE_DESTROY);
        def->devices.node.is_present = true;
        fill_text(&def->devices.emulator,
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
