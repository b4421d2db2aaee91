/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout/usb.h"

#include <string.h>

#include "base/util.h"

#define HUB_PORTS 8
#define DEPTH_MAX 4 /* ports in a path: what clients of the XML take */
#define BUSES     256

/* Those that others are behind, or that a host gives, come first. */
static const DomainDeviceKind order[] = {
        DOMAIN_HUB,    DOMAIN_HOSTDEV, DOMAIN_DISK,     DOMAIN_INPUT,
        DOMAIN_SERIAL, DOMAIN_SOUND,   DOMAIN_REDIRDEV,
};

/* ---- buses ---- */

/* A UHCI companion has no ports of its own: they are its master's. */
static const DomainController *find_bus(const DomainDef *def, unsigned index) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->type == CONTROLLER_USB && controller->index.value == index &&
                    controller->model != USB_MODEL_NONE && !controller->master.node.is_present)
                        return controller;
        }
        return NULL;
}

static unsigned count_ports(const DomainController *controller) {
        switch (controller->model) {
        case USB_MODEL_EHCI:
        case USB_MODEL_ICH9_EHCI1:
                return 6;
        case USB_MODEL_PCI_OHCI:
                return 3;
        case USB_MODEL_NEC_XHCI:
        case USB_MODEL_QEMU_XHCI:
                return (unsigned)domain_num_or(controller->ports, 4);
        default: /* UHCI */
                return 2;
        }
}

/* ---- who is where ---- */

static bool is_at(const DomainDevice *device, unsigned bus, const char *port) {
        const DomainAddress *address = &device->address;

        return address->type == DOMAIN_ADDRESS_USB && address->usb_port &&
               domain_num_or(address->bus, 0) == bus && g_str_equal(address->usb_port, port);
}

static DomainDevice *find_holder(const DomainDef *def, unsigned bus, const char *port,
                                 const DomainDevice *except) {
        for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
                DOMAIN_FOREACH(DomainDevice, device, def, order[i]) {
                        if (device != except && domain_device_is_usb(device) &&
                            is_at(device, bus, port))
                                return device;
                }
        }
        return NULL;
}

static bool is_placed(const DomainDevice *device) {
        return device->address.type == DOMAIN_ADDRESS_USB && device->address.usb_port;
}

/* ---- given ports ---- */

static int fail_port(const DomainDef *def, const DomainDevice *device, const char *why, Err *err) {
        g_autofree char *what = domain_device_describe(device);

        return fail(err, VIR_ERR_XML_ERROR, "%s at line %u of guest '%s': USB port %s of bus %u %s",
                    what, device->node.line, def->name, device->address.usb_port,
                    (unsigned)domain_num_or(device->address.bus, 0), why);
}

/* Each part of a path is a port of the hub before it, the first one of the controller. */
static int check_path(const DomainDef *def, const DomainDevice *device, const DomainController *bus,
                      Err *err) {
        g_auto(GStrv) parts = g_strsplit(device->address.usb_port, ".", -1);
        g_autoptr(GString) path = g_string_new(NULL);
        unsigned max = count_ports(bus);

        if (!parts[0])
                return fail_port(def, device, "is not there", err);
        if (g_strv_length(parts) > DEPTH_MAX)
                return fail_port(def, device, "is behind too many hubs", err);
        for (unsigned i = 0; parts[i]; i++) {
                const DomainDevice *hub;
                uint64_t number;

                if (str_to_uint(parts[i], 10, max, &number) < 0 || number == 0)
                        return fail_port(def, device, "is not there", err);
                g_string_append_printf(path, i > 0 ? ".%u" : "%u", (unsigned)number);
                if (!parts[i + 1])
                        break;
                hub = find_holder(def, (unsigned)bus->index.value, path->str, device);
                if (!hub || hub->kind != DOMAIN_HUB)
                        return fail_port(def, device, "is behind a hub that is not there", err);
                max = HUB_PORTS;
        }
        if (!g_str_equal(path->str, device->address.usb_port))
                return fail_port(def, device, "is not there", err);
        return 0;
}

static int check_given(const DomainDef *def, const DomainDevice *device, Err *err) {
        unsigned index = (unsigned)domain_num_or(device->address.bus, 0);
        const DomainController *bus = find_bus(def, index);
        g_autofree char *what = domain_device_describe(device);
        const DomainDevice *other;
        int r;

        if (device->address.type != DOMAIN_ADDRESS_USB)
                return fail(err, VIR_ERR_XML_ERROR, "%s at line %u needs an address of type 'usb'",
                            what, device->node.line);
        if (!bus)
                return fail(err, VIR_ERR_XML_ERROR, "%s at line %u: there is no USB bus %u", what,
                            device->node.line, index);
        if (!device->address.usb_port)
                return 0;
        r = check_path(def, device, bus, err);
        if (r < 0)
                return r;
        other = find_holder(def, index, device->address.usb_port, device);
        if (other) {
                g_autofree char *holder = domain_device_describe(other);
                g_autofree char *why = g_strdup_printf("is held by %s", holder);

                return fail_port(def, device, why, err);
        }
        return 0;
}

/* ---- free ports ---- */

/* Ports of one controller or hub first, then those of the hubs in it. */
static char *find_free(const DomainDef *def, unsigned bus, const char *prefix, unsigned ports,
                       unsigned depth) {
        for (unsigned n = 1; n <= ports; n++) {
                g_autofree char *port = g_strdup_printf("%s%u", prefix, n);

                if (!find_holder(def, bus, port, NULL))
                        return g_steal_pointer(&port);
        }
        for (unsigned n = 1; n <= ports && depth < DEPTH_MAX; n++) {
                g_autofree char *port = g_strdup_printf("%s%u", prefix, n);
                g_autofree char *behind = g_strdup_printf("%s.", port);
                const DomainDevice *hub = find_holder(def, bus, port, NULL);
                char *found;

                if (hub->kind != DOMAIN_HUB)
                        continue;
                found = find_free(def, bus, behind, HUB_PORTS, depth + 1);
                if (found)
                        return found;
        }
        return NULL;
}

static unsigned count_free(const DomainDef *def) {
        unsigned free_ports = HUB_PORTS * def->devices.list[DOMAIN_HUB]->len;
        unsigned placed = 0;

        for (unsigned index = 0; index < BUSES; index++) {
                const DomainController *bus = find_bus(def, index);

                free_ports += bus ? count_ports(bus) : 0;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
                DOMAIN_FOREACH(DomainDevice, device, def, order[i])
                        placed += domain_device_is_usb(device) && is_placed(device);
        }
        return free_ports > placed ? free_ports - placed : 0;
}

/* The first bus that has a free port, or the one that the address names. */
static int take_port(const DomainDef *def, DomainDevice *device, Err *err) {
        bool is_given = device->address.node.is_present;
        unsigned first = is_given ? (unsigned)domain_num_or(device->address.bus, 0) : 0;
        g_autofree char *what = domain_device_describe(device);

        for (unsigned index = first; index < (is_given ? first + 1 : BUSES); index++) {
                const DomainController *bus = find_bus(def, index);
                char *port = bus ? find_free(def, index, "", count_ports(bus), 1) : NULL;

                if (!port)
                        continue;
                device->address.node.is_present = true;
                device->address.type = DOMAIN_ADDRESS_USB;
                device->address.bus = DOMAIN_NUM(index);
                device->address.usb_port = port;
                return 0;
        }
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "guest '%s' has no free USB port for "
                              "%s",
                              def->name, what),
                         "add a <hub type='usb'/> or another USB controller");
}

/* ---- the whole guest ---- */

static int visit(DomainDef *def, bool is_given,
                 int (*function)(const DomainDef *, DomainDevice *, Err *), Err *err) {
        for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
                DOMAIN_FOREACH(DomainDevice, device, def, order[i]) {
                        int r;

                        if (!domain_device_is_usb(device) || is_placed(device) != is_given)
                                continue;
                        r = function(def, device, err);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int check_one(const DomainDef *def, DomainDevice *device, Err *err) {
        return check_given(def, device, err);
}

static int place_one(const DomainDef *def, DomainDevice *device, Err *err) {
        int r = device->address.node.is_present ? check_given(def, device, err) : 0;

        return r < 0 ? r : take_port(def, device, err);
}

static unsigned count_unplaced(const DomainDef *def) {
        unsigned n = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
                DOMAIN_FOREACH(DomainDevice, device, def, order[i])
                        n += domain_device_is_usb(device) && !is_placed(device);
        }
        return n;
}

/* A hub takes one port and has eight. */
static void add_hubs(DomainDef *def) {
        while (count_unplaced(def) > count_free(def) && count_free(def) > 0 &&
               def->devices.list[DOMAIN_HUB]->len < DOMAIN_DEVICES_MAX) {
                DomainHub *hub = (DomainHub *)domain_device_new(DOMAIN_HUB);

                hub->type = HUB_USB;
                g_ptr_array_add(def->devices.list[DOMAIN_HUB], hub);
        }
}

int layout_usb_assign(DomainDef *def, Err *err) {
        int r = visit(def, true, check_one, err);

        if (r < 0)
                return r;
        add_hubs(def);
        return visit(def, false, place_one, err);
}

int layout_usb_find_free(const DomainDef *def, DomainDevice *device, Err *err) {
        return is_placed(device) ? check_given(def, device, err) : place_one(def, device, err);
}
