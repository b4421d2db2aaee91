/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* By the place that the start found; ids alone could mean another one of the same make. */
static int fill_usb(const QemuContext *context, const DomainHostdev *hostdev, json_t *object,
                    Err *err) {
        HostdevReset reset = hostdev->source.reset;

        if (!hostdev->source.place.node.is_present)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "%s was not looked for on the host yet",
                            hostdev->base.alias.name);
        SET_STRING(object, "driver", "usb-host");
        json_object_set_new(object, "hostdevice",
                            json_sprintf("/dev/bus/usb/%03u/%03u",
                                         (unsigned)hostdev->source.place.bus.value,
                                         (unsigned)hostdev->source.place.device.value));
        if (reset)
                SET_BOOL(object, "guest-reset", reset != HOSTDEV_RESET_OFF);
        if (reset == HOSTDEV_RESET_ON || reset == HOSTDEV_RESET_UNINITIALIZED)
                SET_BOOL(object, "guest-resets-all", reset == HOSTDEV_RESET_ON);
        qemu_args_set_boot(object, context->def, &hostdev->base);
        return qemu_args_set_usb_address(object, context->def, &hostdev->base, err);
}

static int fill_hostdev(const QemuContext *context, const DomainDevice *device, json_t *object,
                        Err *err) {
        const DomainHostdev *hostdev = (const DomainHostdev *)device;

        if (!domain_hostdev_is_pci(hostdev))
                return fill_usb(context, hostdev, object, err);
        SET_STRING(object, "driver", "vfio-pci");
        SET_STRING(object, "host", PCI_ADDR_TEXT(domain_hostdev_addr(hostdev)));
        if (hostdev->teaming.persistent)
                SET_STRING(object, "failover_pair_id", hostdev->teaming.persistent);
        qemu_args_set_boot(object, context->def, device);
        qemu_args_set_rom(object, &device->rom);
        return 0;
}

static bool is_missing(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainHostdev *)device)->is_missing;
}

const QemuKind qemu_hostdev_kind = {
        .is_built_in = is_missing,
        .device = fill_hostdev,
        .can_plug = qemu_kind_always,
};
