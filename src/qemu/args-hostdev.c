/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static int fill_hostdev(const QemuContext *context, const DomainDevice *device, json_t *object,
                        Err *err) {
        const DomainHostdev *hostdev = (const DomainHostdev *)device;

        SET_STRING(object, "driver", "vfio-pci");
        SET_STRING(object, "host", PCI_ADDR_TEXT(domain_hostdev_addr(hostdev)));
        qemu_args_set_boot(object, context->def, device);
        qemu_args_set_rom(object, &device->rom);
        return 0;
}

const QemuKind qemu_hostdev_kind = {
        .device = fill_hostdev,
        .can_plug = qemu_kind_always,
};
