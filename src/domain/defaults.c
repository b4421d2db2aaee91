/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/defaults.h"

#include <string.h>

#include "domain/kind.h"

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
            address->type == DOMAIN_ADDRESS_ISA || address->type == DOMAIN_ADDRESS_DIMM)
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

        if (def->features.ps2.state == DOMAIN_SWITCH_OFF)
                return;
        DOMAIN_FOREACH(DomainInput, other, def, DOMAIN_INPUT) {
                if (other->type == type && (!other->bus || other->bus == INPUT_BUS_PS2))
                        return;
        }
        input = add(def, DOMAIN_INPUT);
        input->type = type;
        input->bus = INPUT_BUS_PS2;
}

static bool is_serial_console(const DomainChar *console) {
        return !console->target.type || console->target.type == CHAR_TARGET_SERIAL;
}

/* Is a console to stand for the first serial port? Behind one of another kind only the port that
 * every PC has gets it. */
static bool wants_console(const GPtrArray *serials, const GPtrArray *consoles) {
        const DomainChar *serial;

        if (serials->len == 0)
                return false;
        serial = serials->pdata[0];
        return consoles->len == 0 ||
               (!is_serial_console(consoles->pdata[0]) &&
                (!serial->target.type || serial->target.type == CHAR_TARGET_ISA_SERIAL));
}

/* The first console and the first serial port are one device that is told of twice. */
static void mirror_console(DomainDef *def) {
        GPtrArray *serials = def->devices.list[DOMAIN_SERIAL];
        GPtrArray *consoles = def->devices.list[DOMAIN_CONSOLE];
        DomainChar *console, *serial;

        if (wants_console(serials, consoles)) {
                add(def, DOMAIN_CONSOLE);
                g_ptr_array_insert(consoles, 0,
                                   g_ptr_array_steal_index(consoles, consoles->len - 1));
        }
        if (consoles->len == 0)
                return;
        console = consoles->pdata[0];
        if (!is_serial_console(console))
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

/* A guest that is seen by SPICE is heard by it. */
static AudioType usual_audio(const DomainDef *def) {
        DOMAIN_FOREACH(DomainGraphics, graphics, def, DOMAIN_GRAPHICS) {
                if (graphics->type == GRAPHICS_SPICE)
                        return AUDIO_SPICE;
        }
        return AUDIO_NONE;
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
                audio->type = usual_audio(def);
        }
        if (list[DOMAIN_MEMBALLOON]->len == 0) {
                DomainMemballoon *balloon = add(def, DOMAIN_MEMBALLOON);

                balloon->model = BALLOON_VIRTIO;
        }
}

/* ---- the whole ---- */

int domain_defaults_fill(DomainDef *def, const DomainDefaults *defaults, Err *err) {
        int r = domain_defaults_fill_machine(def, defaults, err);

        if (r < 0)
                return r;
        add_devices(def);
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        r = domain_defaults_fill_device(def, device, err);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
