/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/device.h"

#include <errno.h>

#include "domain/defaults.h"
#include "domain/kind.h"
#include "domain/live.h"
#include "domain/schema.h"
#include "domain/validate.h"

DomainDevice *domain_device_new(DomainDeviceKind kind) {
        DomainDevice *device = domain_element_new(&domain_kinds[kind]->element);

        device->node.is_present = true;
        return device;
}

void domain_device_free(DomainDevice *device) {
        if (device)
                domain_element_free(&domain_kinds[device->kind]->element, device);
}

DomainDevice *domain_device_copy(const DomainDevice *device) {
        return domain_element_copy(&domain_kinds[device->kind]->element, device);
}

char *domain_device_format(const DomainDevice *device, DomainFormatFlags flags) {
        g_autoptr(DomainDevice) copy = domain_device_copy(device);
        XmlWriter *writer = xml_writer_new(0);

        if (flags & DOMAIN_FORMAT_INACTIVE)
                domain_live_strip_device(copy);
        domain_element_format(writer, &domain_kinds[device->kind]->element, copy, flags);
        return xml_writer_finish(writer);
}

static int find_kind(const xmlNode *root, DomainDeviceKind *ret, Err *err) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX && !root->ns; kind++) {
                if (g_str_equal(xml_name(root), domain_device_kind_to_string(kind))) {
                        *ret = kind;
                        return 0;
                }
        }
        if (!root->ns && schema_has_element("devices", xml_name(root)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "the device <%s> is not served yet",
                            xml_name(root));
        return fail(err, VIR_ERR_XML_ERROR, "<%s> is no device", xml_name(root));
}

int domain_device_parse(DomainDef *def, const char *text, size_t size, DomainParseFlags flags,
                        DomainDevice **ret, Err *err) {
        g_autoptr(DomainDevice) device = NULL;
        g_autoptr(XmlDoc) doc = NULL;
        DomainParse parse = {.flags = flags, .warnings = def->warnings};
        DomainDeviceKind kind = _DOMAIN_DEVICE_MAX;
        int r;

        r = xml_doc_parse(text, size, "device", &doc, err);
        if (r < 0)
                return r;
        r = find_kind(xml_doc_root(doc), &kind, err);
        if (r < 0)
                return r;
        device = domain_device_new(kind);
        parse.doc = doc;
        r = domain_element_parse(&parse, &domain_kinds[kind]->element, xml_doc_root(doc), device,
                                 err);
        if (r < 0)
                return r;
        if (!(flags & DOMAIN_PARSE_LIVE))
                domain_live_strip_device(device);
        r = domain_defaults_fill_device(def, device, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&device);
        return 0;
}

char *domain_device_describe(const DomainDevice *device) {
        const DomainKind *kind = domain_kinds[device->kind];

        if (kind->describe)
                return kind->describe(device);
        return device->alias.name ? g_strdup_printf("%s %s", kind->element.name, device->alias.name)
                                  : g_strdup(kind->element.name);
}

/* ---- find ---- */

static bool is_same_place(const DomainAddress *a, const DomainAddress *b) {
        return a->type == b->type && a->bus.value == b->bus.value &&
               a->slot.value == b->slot.value && a->function.value == b->function.value;
}

static bool fits(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainKind *kind = domain_kinds[device->kind];

        if (wanted->alias.name)
                return g_strcmp0(device->alias.name, wanted->alias.name) == 0 &&
                       device->kind == wanted->kind;
        if (wanted->address.type == DOMAIN_ADDRESS_PCI && device->kind != DOMAIN_HOSTDEV &&
            !is_same_place(&device->address, &wanted->address))
                return false;
        return !kind->is_same || kind->is_same(device, wanted);
}

int domain_def_find_device(const DomainDef *def, const DomainDevice *wanted, DomainDevice **ret,
                           Err *err) {
        g_autofree char *what = domain_device_describe(wanted);
        DomainDevice *found = NULL;

        DOMAIN_FOREACH(DomainDevice, device, def, wanted->kind) {
                if (!fits(device, wanted))
                        continue;
                if (found)
                        return fail_hint(err,
                                         fail(err, VIR_ERR_OPERATION_FAILED,
                                              "several devices of guest '%s' fit: %s", def->name,
                                              what),
                                         "give the alias of the one that is meant");
                found = device;
        }
        if (!found)
                return fail(err, VIR_ERR_DEVICE_MISSING, "guest '%s' has no such device: %s",
                            def->name, what);
        *ret = found;
        return 0;
}

DomainDevice *domain_def_find_alias(const DomainDef *def, const char *alias) {
        for (int kind = 0; kind < _DOMAIN_DEVICE_MAX; kind++) {
                DOMAIN_FOREACH(DomainDevice, device, def, kind) {
                        if (g_strcmp0(device->alias.name, alias) == 0)
                                return device;
                }
        }
        return NULL;
}

DomainHostdev *domain_def_find_hostdev(const DomainDef *def, PciAddr addr) {
        DOMAIN_FOREACH_FUNCTION(hostdev, def) {
                if (pci_addr_is_equal(domain_hostdev_addr(hostdev), addr))
                        return hostdev;
        }
        return NULL;
}

DomainController *domain_def_find_controller(const DomainDef *def, ControllerType type,
                                             unsigned index) {
        DOMAIN_FOREACH(DomainController, controller, def, DOMAIN_CONTROLLER) {
                if (controller->type == type && controller->index.is_set &&
                    controller->index.value == index)
                        return controller;
        }
        return NULL;
}

DomainController *domain_def_find_bus(const DomainDef *def, unsigned bus) {
        return domain_def_find_controller(def, CONTROLLER_PCI, bus);
}

/* ---- change ---- */

/* A module of memory makes the guest larger, and what it has now with it. */
static void change_memory(DomainDef *def, const DomainDevice *device, bool is_added) {
        const DomainMemory *memory = (const DomainMemory *)device;

        if (device->kind != DOMAIN_MEMORY)
                return;
        domain_def_sum_memory(def);
        if (is_added)
                def->current_memory += memory->target.size;
        else
                def->current_memory -= MIN(memory->target.size, def->current_memory);
}

int domain_def_add_device(DomainDef *def, const DomainDefaults *defaults, DomainDevice *device,
                          Err *err) {
        GPtrArray *list = def->devices.list[device->kind];
        int r;

        if (list->len >= DOMAIN_DEVICES_MAX)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED, "guest '%s' has %d <%s> already",
                            def->name, DOMAIN_DEVICES_MAX,
                            domain_device_kind_to_string(device->kind));
        g_ptr_array_add(list, device);
        change_memory(def, device, true);
        r = domain_def_validate(def, defaults, err);
        if (r < 0)
                domain_def_take_device(def, device);
        return r;
}

DomainDevice *domain_def_take_device(DomainDef *def, DomainDevice *device) {
        bool is_there = g_ptr_array_remove(def->devices.list[device->kind], device);

        g_assert(is_there);
        change_memory(def, device, false);
        return device;
}

/* ---- buses ---- */

bool domain_device_is_pci(const DomainDef *def, const DomainDevice *device) {
        const DomainKind *kind = domain_kinds[device->kind];

        return kind->is_pci && kind->is_pci(def, device);
}

bool domain_device_is_usb(const DomainDevice *device) {
        const DomainKind *kind = domain_kinds[device->kind];

        return kind->is_usb && kind->is_usb(device);
}

bool domain_def_has_usb(const DomainDef *def) {
        const DomainController *usb = domain_def_find_controller(def, CONTROLLER_USB, 0);

        return usb && usb->model != USB_MODEL_NONE;
}
