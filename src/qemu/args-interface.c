/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* The first version that has the model. */
#define IGB_VERSION QEMU_VERSION(8, 0, 0)

static unsigned queues_of(const DomainInterface *net) {
        return (unsigned)domain_num_or(net->driver.queues, 1);
}

/* ---- what stands behind it: qapi/net.json ---- */

static bool uses_vhost(const QemuContext *context, const DomainInterface *net) {
        if (!domain_interface_is_virtio(net) || net->driver.name == NET_DRIVER_QEMU)
                return false;
        return context->runtime->has_vhost_net || net->driver.name == NET_DRIVER_VHOST;
}

static void set_ips(const DomainInterface *net, json_t *netdev) {
        for (guint i = 0; net->ips && i < net->ips->len; i++) {
                const DomainNetIp *ip = net->ips->pdata[i];
                g_autofree char *text = NULL;

                if (ip->family == NET_FAMILY_IPV6) {
                        SET_STRING(netdev, "ipv6-prefix", ip->address);
                        if (ip->prefix.is_set)
                                SET_INT(netdev, "ipv6-prefixlen", ip->prefix.value);
                        continue;
                }
                text = ip->prefix.is_set
                               ? g_strdup_printf("%s/%u", ip->address, (unsigned)ip->prefix.value)
                               : g_strdup(ip->address);
                SET_STRING(netdev, "net", text);
        }
}

/* Channels to an address of the user network: the first such network leads to them. */
static void set_forwards(const DomainDef *def, const DomainInterface *net, json_t *netdev) {
        json_t *list = json_array();

        DOMAIN_FOREACH(DomainInterface, first, def, DOMAIN_INTERFACE) {
                if (first->type != NET_TYPE_USER || domain_interface_is_passt(first))
                        continue;
                if (first != net)
                        break;
                DOMAIN_FOREACH(DomainChar, channel, def, DOMAIN_CHANNEL) {
                        g_autofree char *text = NULL;

                        if (channel->target.type != CHAR_TARGET_GUESTFWD)
                                continue;
                        text = g_strdup_printf("tcp:%s:%u-chardev:char%s", channel->target.address,
                                               (unsigned)channel->target.port.value,
                                               channel->base.alias.name);
                        json_array_append_new(list, json_pack("{s:s}", "str", text));
                }
        }
        if (json_array_size(list) > 0)
                json_object_set(netdev, "guestfwd", list);
        json_decref(list);
}

static int user_netdev(const QemuContext *context, const DomainInterface *net, json_t *netdev,
                       Err *err) {
        if (!domain_interface_is_passt(net)) {
                SET_STRING(netdev, "type", "user");
                set_ips(net, netdev);
                set_forwards(context->def, net, netdev);
                return 0;
        }
        if (!net->source.path)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "interface %s has no passt yet",
                            net->mac.address);
        SET_STRING(netdev, "type", "stream");
        SET_BOOL(netdev, "server", false);
        json_object_set_new(netdev, "addr",
                            json_pack("{s:s, s:s}", "type", "unix", "path", net->source.path));
        return 0;
}

static void set_tap_options(const QemuContext *context, const DomainInterface *net,
                            json_t *netdev) {
        if (net->tune.sndbuf)
                SET_INT(netdev, "sndbuf", g_ascii_strtoull(net->tune.sndbuf, NULL, 10));
        if (uses_vhost(context, net))
                SET_BOOL(netdev, "vhost", true);
}

static int tap_netdev(const QemuContext *context, const DomainInterface *net, json_t *netdev,
                      Err *err) {
        if (!net->target.dev)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "interface %s has no tap device yet",
                            net->mac.address);
        SET_STRING(netdev, "type", "tap");
        SET_STRING(netdev, "ifname", net->target.dev);
        SET_STRING(netdev, "script", "no");
        SET_STRING(netdev, "downscript", "no");
        if (domain_interface_is_virtio(net) && queues_of(net) > 1)
                SET_INT(netdev, "queues", queues_of(net));
        set_tap_options(context, net, netdev);
        return 0;
}

/* macvtap has no name that QEMU could open: it gets the files of /dev/tapN. */
static int direct_netdev(const QemuContext *context, const DomainInterface *net, json_t *netdev,
                         Err *err) {
        unsigned n = domain_interface_is_virtio(net) ? queues_of(net) : 1;
        g_autoptr(GString) fds = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("%s-tap%u", net->base.alias.name, i);
                g_autofree char *fd = qemu_args_fd(context->runtime, name);

                g_string_append_printf(fds, "%s%s", i > 0 ? ":" : "", fd);
        }
        SET_STRING(netdev, "type", "tap");
        SET_STRING(netdev, n > 1 ? "fds" : "fd", fds->str);
        set_tap_options(context, net, netdev);
        return 0;
}

static int socket_netdev(const QemuContext *context, const DomainInterface *net, json_t *netdev,
                         Err *err) {
        static const char *const keys[] = {
                [NET_TYPE_SERVER] = "listen",
                [NET_TYPE_CLIENT] = "connect",
                [NET_TYPE_MCAST] = "mcast",
                [NET_TYPE_UDP] = "udp",
        };
        g_autofree char *place =
                g_strdup_printf("%s:%u", net->source.address ? net->source.address : "",
                                (unsigned)net->source.port.value);
        g_autofree char *local = NULL;

        SET_STRING(netdev, "type", "socket");
        SET_STRING(netdev, keys[net->type], place);
        if (net->type == NET_TYPE_UDP) {
                local = g_strdup_printf("%s:%u", net->source.local.address,
                                        (unsigned)net->source.local.port.value);
                SET_STRING(netdev, "localaddr", local);
        }
        return 0;
}

static int vhostuser_netdev(const QemuContext *context, const DomainInterface *net, json_t *netdev,
                            Err *err) {
        g_autofree char *id = qemu_args_backend_name("char", &net->base);

        SET_STRING(netdev, "type", "vhost-user");
        SET_STRING(netdev, "chardev", id);
        if (queues_of(net) > 1)
                SET_INT(netdev, "queues", queues_of(net));
        return 0;
}

static void add_vhostuser_socket(const DomainInterface *net, json_t *commands) {
        g_autofree char *id = qemu_args_backend_name("char", &net->base);
        bool is_server = net->source.socket == NET_SOCKET_SERVER;
        json_t *data = json_pack("{s:{s:s, s:{s:s}}, s:b}", "addr", "type", "unix", "data", "path",
                                 net->source.path, "server", is_server);

        if (is_server)
                SET_BOOL(data, "wait", false);
        qemu_args_append_command(commands, "chardev-add",
                                 json_pack("{s:s, s:{s:s, s:o}}", "id", id, "backend", "type",
                                           "socket", "data", data));
}

typedef int (*MakeNetdev)(const QemuContext *context, const DomainInterface *net, json_t *netdev,
                          Err *err);

static int interface_backend(const QemuContext *context, const DomainDevice *device,
                             json_t *commands, Err *err) {
        static const MakeNetdev makers[] = {
                [NET_TYPE_USER] = user_netdev,           [NET_TYPE_BRIDGE] = tap_netdev,
                [NET_TYPE_NETWORK] = tap_netdev,         [NET_TYPE_DIRECT] = direct_netdev,
                [NET_TYPE_ETHERNET] = tap_netdev,        [NET_TYPE_HOSTDEV] = NULL,
                [NET_TYPE_SERVER] = socket_netdev,       [NET_TYPE_CLIENT] = socket_netdev,
                [NET_TYPE_MCAST] = socket_netdev,        [NET_TYPE_UDP] = socket_netdev,
                [NET_TYPE_VHOSTUSER] = vhostuser_netdev,
        };
        const DomainInterface *net = (const DomainInterface *)device;
        g_autofree char *id = qemu_args_backend_name("host", device);
        json_t *netdev;
        int r;

        if (!makers[net->type])
                return 0;
        netdev = json_object();
        r = makers[net->type](context, net, netdev, err);
        if (r < 0) {
                json_decref(netdev);
                return r;
        }
        SET_STRING(netdev, "id", id);
        if (net->type == NET_TYPE_VHOSTUSER)
                add_vhostuser_socket(net, commands);
        qemu_args_append_command(commands, "netdev_add", netdev);
        return 0;
}

/* ---- the device ---- */

static void set_switches(const DomainInterface *net, json_t *object) {
        const struct {
                const char *key;
                DomainSwitch value;
        } rows[] = {
                {"ioeventfd", net->driver.ioeventfd},
                {"event_idx", net->driver.event_idx},
                {"csum", net->driver.host.csum},
                {"gso", net->driver.host.gso},
                {"host_tso4", net->driver.host.tso4},
                {"host_tso6", net->driver.host.tso6},
                {"host_ecn", net->driver.host.ecn},
                {"host_ufo", net->driver.host.ufo},
                {"mrg_rxbuf", net->driver.host.mrg_rxbuf},
                {"guest_csum", net->driver.guest.csum},
                {"guest_tso4", net->driver.guest.tso4},
                {"guest_tso6", net->driver.guest.tso6},
                {"guest_ecn", net->driver.guest.ecn},
                {"guest_ufo", net->driver.guest.ufo},
                {"rss", net->driver.rss},
                {"hash", net->driver.rss_hash_report},
                {"iommu_platform", net->driver.iommu},
                {"ats", net->driver.ats},
                {"packed", net->driver.packed},
                {"page-per-vq", net->driver.page_per_vq},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
                if (rows[i].value)
                        SET_BOOL(object, rows[i].key, rows[i].value == DOMAIN_SWITCH_ON);
}

static void set_virtio(const DomainInterface *net, json_t *object) {
        unsigned queues = queues_of(net);

        if (queues > 1) {
                SET_BOOL(object, "mq", true);
                /* One a queue each way, one for the configuration and one for control. */
                SET_INT(object, "vectors", 2 * queues + 2);
        }
        if (net->driver.txmode)
                SET_STRING(object, "tx", net->driver.txmode == NET_TX_TIMER ? "timer" : "bh");
        set_switches(net, object);
        if (net->driver.rx_queue_size.is_set)
                SET_INT(object, "rx_queue_size", net->driver.rx_queue_size.value);
        if (net->driver.tx_queue_size.is_set)
                SET_INT(object, "tx_queue_size", net->driver.tx_queue_size.value);
        if (net->mtu.size.is_set)
                SET_INT(object, "host_mtu", net->mtu.size.value);
        if (net->teaming.type == NET_TEAMING_PERSISTENT)
                SET_BOOL(object, "failover", true);
}

static int check_runtime(const QemuContext *context, const DomainInterface *net, Err *err) {
        if (net->model.type == NET_MODEL_IGB && context->runtime->version < IGB_VERSION)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "interface %s: this QEMU has no model 'igb', 8.0 was the first",
                            net->mac.address);
        if (net->driver.name == NET_DRIVER_VHOST && domain_interface_is_virtio(net) &&
            !context->runtime->has_vhost_net)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "interface %s wants vhost, and /dev/vhost-net cannot be "
                                      "used",
                                      net->mac.address),
                                 "load its module: modprobe vhost_net");
        return 0;
}

static void fill_function(const DomainInterface *net, json_t *object) {
        SET_STRING(object, "driver", "vfio-pci");
        SET_STRING(object, "host", PCI_ADDR_TEXT(domain_interface_function(net)));
        if (net->teaming.persistent)
                SET_STRING(object, "failover_pair_id", net->teaming.persistent);
}

static int fill_interface(const QemuContext *context, const DomainDevice *device, json_t *object,
                          Err *err) {
        static const char *const drivers[] = {
                [NET_MODEL_VIRTIO] = "virtio-net-pci",
                [NET_MODEL_E1000] = "e1000",
                [NET_MODEL_E1000E] = "e1000e",
                [NET_MODEL_RTL8139] = "rtl8139",
                [NET_MODEL_VIRTIO_TRANSITIONAL] = "virtio-net-pci-transitional",
                [NET_MODEL_VIRTIO_NON_TRANSITIONAL] = "virtio-net-pci-non-transitional",
                [NET_MODEL_IGB] = "igb",
                [NET_MODEL_NE2K_PCI] = "ne2k_pci",
                [NET_MODEL_PCNET] = "pcnet",
                [NET_MODEL_VMXNET3] = "vmxnet3",
        };
        const DomainInterface *net = (const DomainInterface *)device;
        g_autofree char *netdev = qemu_args_backend_name("host", device);
        int r = check_runtime(context, net, err);

        if (r < 0)
                return r;
        if (net->type == NET_TYPE_HOSTDEV) {
                fill_function(net, object);
        } else {
                SET_STRING(object, "driver", drivers[net->model.type]);
                SET_STRING(object, "netdev", netdev);
                SET_STRING(object, "mac", net->mac.address);
                if (domain_interface_is_virtio(net))
                        set_virtio(net, object);
        }
        qemu_args_set_boot(object, context->def, device);
        qemu_args_set_rom(object, &device->rom);
        return 0;
}

static void interface_ready(const DomainDevice *device, json_t *commands) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (net->link.state == NET_LINK_DOWN && net->type != NET_TYPE_HOSTDEV)
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
