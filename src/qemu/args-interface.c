/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

static int interface_backend(const QemuContext *context, const DomainDevice *device,
                             json_t *commands, Err *err) {
        const DomainInterface *net = (const DomainInterface *)device;
        g_autofree char *id = qemu_args_backend_name("host", device);
        json_t *netdev;

        if (net->type == NET_TYPE_USER) {
                qemu_args_append_command(commands, "netdev_add",
                                         json_pack("{s:s, s:s}", "type", "user", "id", id));
                return 0;
        }
        if (!net->target.dev)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "interface %s has no tap device yet",
                            net->mac.address);
        netdev = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "tap", "id", id, "ifname",
                           net->target.dev, "script", "no", "downscript", "no");
        if (context->runtime->has_vhost_net && net->model.type == NET_MODEL_VIRTIO)
                json_object_set_new(netdev, "vhost", json_true());
        qemu_args_append_command(commands, "netdev_add", netdev);
        return 0;
}

static int fill_interface(const QemuContext *context, const DomainDevice *device, json_t *object,
                          Err *err) {
        static const char *const drivers[] = {NULL, "virtio-net-pci", "e1000", "e1000e", "rtl8139"};
        const DomainInterface *net = (const DomainInterface *)device;
        g_autofree char *netdev = qemu_args_backend_name("host", device);

        SET_STRING(object, "driver", drivers[net->model.type]);
        SET_STRING(object, "netdev", netdev);
        SET_STRING(object, "mac", net->mac.address);
        qemu_args_set_boot(object, context->def, device);
        qemu_args_set_rom(object, &device->rom);
        return 0;
}

static void interface_ready(const DomainDevice *device, json_t *commands) {
        if (((const DomainInterface *)device)->link.state == NET_LINK_DOWN)
                qemu_args_append_command(
                        commands, "set_link",
                        json_pack("{s:s, s:b}", "name", device->alias.name, "up", false));
}

const QemuKind qemu_interface_kind = {
        .backend = interface_backend,
        .device = fill_interface,
        .ready = interface_ready,
        .can_plug = qemu_kind_always,
};
