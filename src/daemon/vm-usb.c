/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices of the host's: which of them a guest means, at the time when it gets them. */
#include <string.h>

#include "base/sys.h"
#include "base/util.h"
#include "daemon/vm-kind.h"
#include "domain/device.h"

#define DEVICES "sys/bus/usb/devices"

typedef struct UsbDevice {
        unsigned bus, device;
        unsigned vendor, product;
} UsbDevice;

/* ---- what the host has ---- */

static int read_number(const Sys *sys, const char *name, const char *file, unsigned base,
                       unsigned *ret) {
        g_autofree char *path = g_strdup_printf(DEVICES "/%s/%s", name, file);
        uint64_t number;
        int r = sys_read_uint(sys, path, base, UINT16_MAX, &number);

        if (r == 0)
                *ret = (unsigned)number;
        return r;
}

/* Interfaces ("1-2:1.0") stand beside the devices, and have no number of their own. */
static bool read_device(const Sys *sys, const char *name, UsbDevice *ret) {
        return !strchr(name, ':') && read_number(sys, name, "busnum", 10, &ret->bus) == 0 &&
               read_number(sys, name, "devnum", 10, &ret->device) == 0 &&
               read_number(sys, name, "idVendor", 16, &ret->vendor) == 0 &&
               read_number(sys, name, "idProduct", 16, &ret->product) == 0;
}

static bool is_meant(const DomainHostdev *hostdev, const UsbDevice *device) {
        if (hostdev->source.vendor.node.is_present &&
            (hostdev->source.vendor.id.value != device->vendor ||
             hostdev->source.product.id.value != device->product))
                return false;
        return !hostdev->source.place.node.is_present ||
               (hostdev->source.place.bus.value == device->bus &&
                hostdev->source.place.device.value == device->device);
}

/* ---- who has it ---- */

static bool has_device(const DomainDef *def, const UsbDevice *device, const DomainHostdev *except) {
        DOMAIN_FOREACH(DomainHostdev, hostdev, def, DOMAIN_HOSTDEV) {
                if (hostdev != except && !domain_hostdev_is_pci(hostdev) &&
                    hostdev->source.place.node.is_present && !hostdev->is_missing &&
                    hostdev->source.place.bus.value == device->bus &&
                    hostdev->source.place.device.value == device->device)
                        return true;
        }
        return false;
}

/* NULL: no other guest. */
static const Vm *find_owner(const Vm *vm, const UsbDevice *device) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, vm->manager->vms_by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Vm *other = value;

                if (other != vm && has_device(other->live, device, NULL))
                        return other;
        }
        return NULL;
}

/* ---- the choice ---- */

static int take(const Vm *vm, const DomainDef *live, DomainHostdev *hostdev,
                const UsbDevice *device, Err *err) {
        const Vm *owner = find_owner(vm, device);

        if (owner)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "USB device %04x:%04x (bus %u, device %u) is in use by guest '%s'",
                            device->vendor, device->product, device->bus, device->device,
                            vm_name(owner));
        if (has_device(live, device, hostdev))
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "guest '%s' has USB device %04x:%04x (bus %u, device %u) already",
                            vm_name(vm), device->vendor, device->product, device->bus,
                            device->device);
        hostdev->source.place.node.is_present = true;
        hostdev->source.place.bus = DOMAIN_NUM(device->bus);
        hostdev->source.place.device = DOMAIN_NUM(device->device);
        return 0;
}

static int fail_missing(const Vm *vm, DomainHostdev *hostdev, Err *err) {
        g_autofree char *what = NULL;

        if (hostdev->source.policy == HOSTDEV_OPTIONAL) {
                hostdev->is_missing = true;
                return 0;
        }
        what = domain_device_describe(&hostdev->base);
        return fail_hint(err,
                         fail(err, VIR_ERR_INTERNAL_ERROR, "%s of guest '%s' is not on the host",
                              what, vm_name(vm)),
                         "plug it in, or say startupPolicy='optional'");
}

static int fail_several(const Vm *vm, const DomainHostdev *hostdev, Err *err) {
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED,
                              "the host has several USB devices %04x:%04x, any of which guest '%s' "
                              "could mean",
                              (unsigned)hostdev->source.vendor.id.value,
                              (unsigned)hostdev->source.product.id.value, vm_name(vm)),
                         "give the <address bus=… device=…> of the one");
}

static int fill(Vm *vm, DomainDef *live, DomainDevice *device, Err *err) {
        DomainHostdev *hostdev = (DomainHostdev *)device;
        g_auto(GStrv) names = NULL;
        UsbDevice found = {}, one;
        unsigned n = 0;

        if (domain_hostdev_is_pci(hostdev))
                return 0;
        sys_list(vm->manager->sys, DEVICES, &names);
        STRV_FOREACH(name, names) {
                if (read_device(vm->manager->sys, name, &one) && is_meant(hostdev, &one)) {
                        found = one;
                        n++;
                }
        }
        if (n == 0)
                return fail_missing(vm, hostdev, err);
        return n > 1 ? fail_several(vm, hostdev, err) : take(vm, live, hostdev, &found, err);
}

const VmKind vm_hostdev_kind = {.fill = fill};
