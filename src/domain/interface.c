/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "domain/kind.h"

/* Names of the kernel: IFNAMSIZ with its NUL. */
#define IFNAME_MAX 15

/* What Ethernet of IPv4 needs at least (RFC 791), and what virtio-net takes. */
enum { MTU_MIN = 68, MTU_MAX = 65535 };

/* Descriptors of a virtio queue of an interface in QEMU. */
enum { QUEUE_SIZE_MIN = 256, QUEUE_SIZE_MAX = 1024 };

#define VLAN_MAX 4095

/* The only places from which QEMU takes them. */
#define TAP_PATH   "/dev/net/tun"
#define VHOST_PATH "/dev/vhost-net"

/* ---- what it is ---- */

static bool has_type(const void *object, unsigned types) {
        return types >> ((const DomainInterface *)object)->type & 1;
}

#define TYPE(what) (1u << NET_TYPE_##what)

static bool is_user(const void *object) {
        return has_type(object, TYPE(USER));
}

static bool is_network(const void *object) {
        return has_type(object, TYPE(NETWORK));
}

static bool has_bridge(const void *object) {
        return has_type(object, TYPE(BRIDGE) | TYPE(NETWORK));
}

static bool is_direct(const void *object) {
        return has_type(object, TYPE(DIRECT));
}

static bool has_dev(const void *object) {
        return has_type(object, TYPE(DIRECT) | TYPE(USER));
}

static bool is_ethernet(const void *object) {
        return has_type(object, TYPE(ETHERNET));
}

static bool is_hostdev(const void *object) {
        return has_type(object, TYPE(HOSTDEV));
}

static bool is_not_hostdev(const void *object) {
        return !is_hostdev(object);
}

static bool is_udp(const void *object) {
        return has_type(object, TYPE(UDP));
}

static bool has_socket(const void *object) {
        return has_type(object, TYPE(SERVER) | TYPE(CLIENT) | TYPE(MCAST) | TYPE(UDP));
}

static bool is_vhostuser(const void *object) {
        return has_type(object, TYPE(VHOSTUSER));
}

static bool has_target(const void *object) {
        return has_type(object, TYPE(BRIDGE) | TYPE(NETWORK) | TYPE(DIRECT) | TYPE(ETHERNET));
}

bool domain_interface_is_virtio(const DomainInterface *net) {
        return net->model.type == NET_MODEL_VIRTIO ||
               net->model.type == NET_MODEL_VIRTIO_TRANSITIONAL ||
               net->model.type == NET_MODEL_VIRTIO_NON_TRANSITIONAL;
}

bool domain_interface_has_tap(const DomainInterface *net) {
        return has_type(net, TYPE(BRIDGE) | TYPE(NETWORK) | TYPE(ETHERNET));
}

/* ---- XML ---- */

static const char *const net_types[] = {"user",     "bridge",  "network",   "direct",
                                        "ethernet", "hostdev", "server",    "client",
                                        "mcast",    "udp",     "vhostuser", NULL};
static const char *const net_models[] = {
        "virtio",
        "e1000",
        "e1000e",
        "rtl8139",
        "virtio-transitional",
        "virtio-non-transitional",
        "igb",
        "ne2k_pci",
        "pcnet",
        "vmxnet3",
        NULL,
};
static const char *const net_links[] = {"up", "down", NULL};
static const char *const mac_types[] = {"generated", "static", NULL};
static const char *const directs[] = {"vepa", "bridge", "private", "passthrough", NULL};
static const char *const sockets[] = {"server", "client", NULL};
static const char *const source_types[] = {"unix", NULL};
static const char *const function_types[] = {"pci", NULL};
static const char *const net_backends[] = {"default", "passt", NULL};
static const char *const net_drivers[] = {"qemu", "vhost", NULL};
static const char *const host_drivers[] = {"vfio", NULL};
static const char *const tx_modes[] = {"iothread", "timer", NULL};
static const char *const protos[] = {"tcp", "udp", NULL};
static const char *const families[] = {"ipv4", "ipv6", NULL};
static const char *const teamings[] = {"persistent", "transient", NULL};

static const DomainField mac_fields[] = {
        ATTR_STRING(DomainInterface, mac.address, "address", .is_required = true),
        ATTR_ENUM(DomainInterface, mac.type, "type", mac_types),
        ATTR_YES(DomainInterface, mac.check, "check"),
        END,
};
static const DomainElement mac = PART_OF(DomainInterface, mac, "mac", mac_fields);

static const DomainField local_fields[] = {
        ATTR_STRING(DomainInterface, source.local.address, "address", .is_required = true),
        ATTR_NUM(DomainInterface, source.local.port, "port", .is_required = true,
                 .max = UINT16_MAX),
        END,
};
static const DomainElement local = PART_OF(DomainInterface, source.local, "local", local_fields);

#define FUNCTION(field) source.function.field

static const DomainField function_fields[] = {
        ATTR_ENUM(DomainInterface, FUNCTION(type), "type", function_types, .is_required = true),
        ATTR_HEX(DomainInterface, FUNCTION(domain), "domain", 4, .max = UINT16_MAX),
        ATTR_HEX(DomainInterface, FUNCTION(bus), "bus", 2, .max = UINT8_MAX, .is_required = true),
        ATTR_HEX(DomainInterface, FUNCTION(slot), "slot", 2, .max = 31, .is_required = true),
        ATTR_HEX(DomainInterface, FUNCTION(function), "function", 1, .max = 7, .is_required = true),
        END,
};
static const DomainElement function =
        PART_OF(DomainInterface, source.function, "address", function_fields);

#define SOURCE(f, xml, when_) ATTR_STRING(DomainInterface, source.f, xml, .when = when_)

static const DomainField net_source_fields[] = {
        SOURCE(network, "network", is_network),
        SOURCE(portgroup, "portgroup", is_network),
        SOURCE(portid, "portid", is_network),
        SOURCE(bridge, "bridge", has_bridge),
        SOURCE(dev, "dev", has_dev),
        ATTR_ENUM(DomainInterface, source.direct, "mode", directs, .when = is_direct),
        SOURCE(address, "address", has_socket),
        ATTR_NUM(DomainInterface, source.port, "port", .when = has_socket, .max = UINT16_MAX),
        ATTR_ENUM(DomainInterface, source.type, "type", source_types, .when = is_vhostuser),
        SOURCE(path, "path", is_vhostuser),
        ATTR_ENUM(DomainInterface, source.socket, "mode", sockets, .when = is_vhostuser),
        PART("local", local, .when = is_udp),
        PART("address", function, .when = is_hostdev, .is_required = true),
        END,
};
static const DomainElement net_source =
        PART_OF(DomainInterface, source, "source", net_source_fields);

static const DomainField tag_fields[] = {
        ATTR_NUM(DomainVlanTag, id, "id", .is_required = true, .max = VLAN_MAX),
        END,
};
static const DomainElement tag = ELEMENT(DomainVlanTag, "tag", tag_fields);

static const DomainField vlan_fields[] = {
        LIST(DomainInterface, vlan.tags, "tag", tag),
        END,
};
static const DomainElement vlan = PART_OF(DomainInterface, vlan, "vlan", vlan_fields);

static const DomainField port_fields[] = {
        ATTR_YES(DomainInterface, port.isolated, "isolated"),
        END,
};
static const DomainElement port = PART_OF(DomainInterface, port, "port", port_fields);

static const DomainField ip_fields[] = {
        ATTR_STRING(DomainNetIp, address, "address", .is_required = true),
        ATTR_ENUM(DomainNetIp, family, "family", families),
        ATTR_NUM(DomainNetIp, prefix, "prefix", .max = 128),
        END,
};
static const DomainElement ip = ELEMENT(DomainNetIp, "ip", ip_fields);

static const DomainField range_fields[] = {
        ATTR_NUM(DomainNetRange, start, "start", .is_required = true, .max = UINT16_MAX),
        ATTR_NUM(DomainNetRange, end, "end", .max = UINT16_MAX),
        ATTR_NUM(DomainNetRange, to, "to", .max = UINT16_MAX),
        ATTR_YES(DomainNetRange, exclude, "exclude"),
        END,
};
static const DomainElement range = ELEMENT(DomainNetRange, "range", range_fields);

static const DomainField forward_fields[] = {
        ATTR_ENUM(DomainNetForward, proto, "proto", protos, .is_required = true),
        ATTR_STRING(DomainNetForward, address, "address"),
        ATTR_STRING(DomainNetForward, dev, "dev"),
        LIST(DomainNetForward, ranges, "range", range),
        END,
};
static const DomainElement forward = ELEMENT(DomainNetForward, "portForward", forward_fields);

static const DomainField net_target_fields[] = {
        ATTR_STRING(DomainInterface, target.dev, "dev", .is_required = true),
        ATTR_YES(DomainInterface, target.managed, "managed", .when = is_ethernet),
        END,
};
static const DomainElement net_target =
        PART_OF(DomainInterface, target, "target", net_target_fields);

static const DomainField guest_fields[] = {
        ATTR_STRING(DomainInterface, guest.dev, "dev"),
        END,
};
static const DomainElement guest = PART_OF(DomainInterface, guest, "guest", guest_fields);

static const DomainField net_model_fields[] = {
        ATTR_ENUM(DomainInterface, model.type, "type", net_models, .is_required = true),
        END,
};
static const DomainElement net_model = PART_OF(DomainInterface, model, "model", net_model_fields);

#define HOST(what)  ATTR_ON(DomainInterface, driver.host.what, #what)
#define GUEST(what) ATTR_ON(DomainInterface, driver.guest.what, #what)

static const DomainField host_offload_fields[] = {
        HOST(csum), HOST(gso), HOST(tso4), HOST(tso6), HOST(ecn), HOST(ufo), HOST(mrg_rxbuf), END,
};
static const DomainElement host_offloads =
        PART_OF(DomainInterface, driver.host, "host", host_offload_fields);

static const DomainField guest_offload_fields[] = {
        GUEST(csum), GUEST(tso4), GUEST(tso6), GUEST(ecn), GUEST(ufo), END,
};
static const DomainElement guest_offloads =
        PART_OF(DomainInterface, driver.guest, "guest", guest_offload_fields);

#define DRIVER_ON(what) ATTR_ON(DomainInterface, driver.what, #what)

static const DomainField net_driver_fields[] = {
        ATTR_ENUM(DomainInterface, driver.name, "name", net_drivers),
        ATTR_ENUM(DomainInterface, driver.txmode, "txmode", tx_modes),
        DRIVER_ON(ioeventfd),
        DRIVER_ON(event_idx),
        ATTR_NUM(DomainInterface, driver.queues, "queues", .max = NET_QUEUES_MAX),
        ATTR_NUM(DomainInterface, driver.rx_queue_size, "rx_queue_size"),
        ATTR_NUM(DomainInterface, driver.tx_queue_size, "tx_queue_size"),
        DRIVER_ON(rss),
        DRIVER_ON(rss_hash_report),
        DRIVER_ON(iommu),
        DRIVER_ON(ats),
        DRIVER_ON(packed),
        DRIVER_ON(page_per_vq),
        PART("host", host_offloads),
        PART("guest", guest_offloads),
        END,
};
static const DomainElement net_driver =
        PART_OF(DomainInterface, driver, "driver", net_driver_fields);

static const DomainField host_driver_fields[] = {
        ATTR_ENUM(DomainInterface, driver.host_name, "name", host_drivers, .is_required = true),
        END,
};
static const DomainElement host_driver =
        PART_OF(DomainInterface, driver, "driver", host_driver_fields);

static const DomainField net_backend_fields[] = {
        ATTR_ENUM(DomainInterface, backend.type, "type", net_backends, .when = is_user),
        ATTR_STRING(DomainInterface, backend.tap, "tap"),
        ATTR_STRING(DomainInterface, backend.vhost, "vhost"),
        ATTR_STRING(DomainInterface, backend.log_file, "logFile", .when = is_user),
        END,
};
static const DomainElement net_backend =
        PART_OF(DomainInterface, backend, "backend", net_backend_fields);

static const DomainField tune_fields[] = {
        LEAF_STRING(DomainInterface, tune.sndbuf, "sndbuf"),
        END,
};
static const DomainElement tune = PART_OF(DomainInterface, tune, "tune", tune_fields);

static const DomainField net_link_fields[] = {
        ATTR_ENUM(DomainInterface, link.state, "state", net_links, .is_required = true),
        END,
};
static const DomainElement net_link = PART_OF(DomainInterface, link, "link", net_link_fields);

static const DomainField mtu_fields[] = {
        ATTR_NUM(DomainInterface, mtu.size, "size", .is_required = true, .max = MTU_MAX),
        END,
};
static const DomainElement mtu = PART_OF(DomainInterface, mtu, "mtu", mtu_fields);

static const DomainField frames_fields[] = {
        ATTR_NUM(DomainInterface, coalesce.rx.frames.max, "max"),
        END,
};
static const DomainElement frames =
        PART_OF(DomainInterface, coalesce.rx.frames, "frames", frames_fields);

static const DomainField rx_fields[] = {PART("frames", frames), END};
static const DomainElement rx = PART_OF(DomainInterface, coalesce.rx, "rx", rx_fields);

static const DomainField coalesce_fields[] = {PART("rx", rx), END};
static const DomainElement coalesce =
        PART_OF(DomainInterface, coalesce, "coalesce", coalesce_fields);

static const DomainField teaming_fields[] = {
        ATTR_ENUM(DomainInterface, teaming.type, "type", teamings, .is_required = true),
        ATTR_STRING(DomainInterface, teaming.persistent, "persistent"),
        END,
};
static const DomainElement teaming = PART_OF(DomainInterface, teaming, "teaming", teaming_fields);

static const DomainField interface_fields[] = {
        ATTR_ENUM(DomainInterface, type, "type", net_types, .is_required = true),
        ATTR_YES(DomainInterface, managed, "managed", .when = is_hostdev),
        PART("mac", mac),
        PART("driver", host_driver, .when = is_hostdev),
        PART("source", net_source),
        PART("vlan", vlan, .when = is_hostdev),
        PART("port", port, .when = has_bridge),
        LIST(DomainInterface, ips, "ip", ip, .when = is_user),
        LIST(DomainInterface, forwards, "portForward", forward, .when = is_user),
        PART("target", net_target, .when = has_target),
        PART("guest", guest),
        PART("model", net_model),
        PART("driver", net_driver, .when = is_not_hostdev),
        PART("backend", net_backend),
        PART("tune", tune),
        PART("link", net_link),
        PART("teaming", teaming),
        PART("mtu", mtu),
        PART("coalesce", coalesce, .when = has_bridge),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ROM,
        DEVICE_ACPI,
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults ---- */

static void fill_mac(DomainInterface *net) {
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
}

static void fill_ips(DomainInterface *net) {
        for (guint i = 0; net->ips && i < net->ips->len; i++) {
                DomainNetIp *address = net->ips->pdata[i];

                FILL_ENUM(address->family,
                          strchr(address->address, ':') ? NET_FAMILY_IPV6 : NET_FAMILY_IPV4);
        }
}

static int fill_interface(DomainDef *def, DomainDevice *device, Err *err) {
        DomainInterface *net = (DomainInterface *)device;

        fill_mac(net);
        fill_ips(net);
        if (net->type == NET_TYPE_HOSTDEV) {
                fill_num(&net->source.function.domain, 0);
                return 0;
        }
        if (net->type == NET_TYPE_DIRECT)
                FILL_ENUM(net->source.direct, NET_DIRECT_VEPA);
        net->model.node.is_present = true;
        FILL_ENUM(net->model.type,
                  net->type == NET_TYPE_VHOSTUSER ? NET_MODEL_VIRTIO : NET_MODEL_RTL8139);
        return 0;
}

/* ---- checks ---- */

static int check_mac(const DomainInterface *net, Err *err) {
        const char *text = net->mac.address;
        bool is_good = strlen(text) == 17;

        for (int i = 0; is_good && i < 17; i++)
                is_good = i % 3 == 2 ? text[i] == ':' : g_ascii_isxdigit(text[i]);
        if (!is_good)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<mac address='%s'> at line %u is no MAC address", text,
                            net->mac.node.line);
        if (g_ascii_xdigit_value(text[1]) & 1)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<mac address='%s'> at line %u is a multicast address", text,
                            net->mac.node.line);
        return 0;
}

/* A name that the kernel gives to a network device (dev_valid_name in net/core/dev.c). */
static int check_ifname(const char *name, const char *what, unsigned line, Err *err) {
        if (!name)
                return 0;
        if (strlen(name) > IFNAME_MAX)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<%s> at line %u: a network device's name is longer than %d", what,
                            line, IFNAME_MAX);
        for (const char *s = name; *s; s++) {
                if (*s == '/' || *s == ':' || !g_ascii_isgraph(*s))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<%s> at line %u: '%s' is no name of a network device", what,
                                    line, name);
        }
        return *name && !g_str_equal(name, ".") && !g_str_equal(name, "..")
                       ? 0
                       : fail(err, VIR_ERR_XML_ERROR,
                              "<%s> at line %u: '%s' is no name of a network device", what, line,
                              name);
}

static int check_names(const DomainInterface *net, Err *err) {
        const struct {
                const char *name, *what;
                unsigned line;
        } names[] = {
                {net->source.bridge, "source", net->source.node.line},
                {net->source.dev, "source", net->source.node.line},
                {net->target.dev, "target", net->target.node.line},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                int r = check_ifname(names[i].name, names[i].what, names[i].line, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_required(const DomainInterface *net, Err *err) {
        const struct {
                NetType type;
                const char *attr;
                bool is_there;
        } rows[] = {
                {NET_TYPE_BRIDGE, "bridge", net->source.bridge},
                {NET_TYPE_NETWORK, "network", net->source.network},
                {NET_TYPE_DIRECT, "dev", net->source.dev},
                {NET_TYPE_HOSTDEV, "address", net->source.function.node.is_present},
                {NET_TYPE_SERVER, "port", net->source.port.is_set},
                {NET_TYPE_CLIENT, "port", net->source.port.is_set},
                {NET_TYPE_CLIENT, "address", net->source.address},
                {NET_TYPE_MCAST, "port", net->source.port.is_set},
                {NET_TYPE_MCAST, "address", net->source.address},
                {NET_TYPE_UDP, "port", net->source.port.is_set},
                {NET_TYPE_UDP, "address", net->source.address},
                {NET_TYPE_UDP, "local", net->source.local.node.is_present},
                {NET_TYPE_VHOSTUSER, "path", net->source.path},
                {NET_TYPE_VHOSTUSER, "mode", net->source.socket},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                if (rows[i].type == net->type && !rows[i].is_there)
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<interface type='%s'> at line %u has no <source %s=…>",
                                    net_types[net->type - 1], net->base.node.line, rows[i].attr);
        }
        return 0;
}

static int check_ip(const char *address, bool only_ipv4, unsigned line, Err *err) {
        if (!address || (g_hostname_is_ip_address(address) &&
                         !(only_ipv4 && strchr(address, ':')) && !strchr(address, '%')))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "'%s' at line %u is no %s address", address, line,
                    only_ipv4 ? "IPv4" : "IP");
}

/* The guest's addresses: one of each family. */
static int check_ips(const DomainInterface *net, Err *err) {
        bool has[NET_FAMILY_IPV6 + 1] = {};

        for (guint i = 0; net->ips && i < net->ips->len; i++) {
                const DomainNetIp *address = net->ips->pdata[i];
                bool is_ipv4 = address->family == NET_FAMILY_IPV4;
                int r = check_ip(address->address, is_ipv4, address->node.line, err);

                if (r < 0)
                        return r;
                if (!is_ipv4 != (strchr(address->address, ':') != NULL) ||
                    domain_num_or(address->prefix, 0) > (is_ipv4 ? 32u : 128u))
                        return fail(err, VIR_ERR_XML_ERROR,
                                    "<ip address='%s'> at line %u is no %s address",
                                    address->address, address->node.line,
                                    families[address->family - 1]);
                if (has[address->family])
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<ip> at line %u: a user network has one %s address",
                                    address->node.line, families[address->family - 1]);
                has[address->family] = true;
        }
        return 0;
}

static int check_range(const DomainNetRange *ports, Err *err) {
        uint64_t end = domain_num_or(ports->end, ports->start.value);
        uint64_t to = domain_num_or(ports->to, ports->start.value);

        if (ports->start.value > 0 && end >= ports->start.value &&
            to + (end - ports->start.value) <= UINT16_MAX &&
            !(ports->exclude == DOMAIN_SWITCH_ON && ports->to.is_set))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR, "<range> at line %u is no range of ports",
                    ports->node.line);
}

static int check_forward(const DomainNetForward *one, Err *err) {
        int r = check_ip(one->address, false, one->node.line, err);

        if (one->dev && !one->address)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<portForward dev='%s'> at line %u has no address: passt "
                                      "binds both",
                                      one->dev, one->node.line),
                                 "add address='0.0.0.0' or address='::'");
        if (r == 0)
                r = check_ifname(one->dev, "portForward", one->node.line, err);
        for (guint i = 0; r == 0 && one->ranges && i < one->ranges->len; i++)
                r = check_range(one->ranges->pdata[i], err);
        return r;
}

static int check_user(const DomainInterface *net, Err *err) {
        bool is_passt = domain_interface_is_passt(net);
        int r;

        if (!is_user(net))
                return 0;
        r = check_ips(net, err);
        for (guint i = 0; r == 0 && net->forwards && i < net->forwards->len; i++)
                r = check_forward(net->forwards->pdata[i], err);
        if (r < 0)
                return r;
        if (is_passt || !(net->forwards || net->source.dev || net->backend.log_file))
                return domain_check_path(net->backend.log_file, "backend", net->backend.node.line,
                                         err);
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "<interface type='user'> at line %u: portForward, a source device "
                              "and a log are what passt has",
                              net->base.node.line),
                         "give it <backend type='passt'/>");
}

static bool is_queue_size(DomainNum size) {
        return !size.is_set || (size.value >= QUEUE_SIZE_MIN && size.value <= QUEUE_SIZE_MAX &&
                                (size.value & (size.value - 1)) == 0);
}

static int check_driver(const DomainInterface *net, Err *err) {
        unsigned line = net->driver.node.line;

        if (net->driver.queues.is_set && net->driver.queues.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<driver queues='0'> at line %u: begin at 1",
                            line);
        if (!is_queue_size(net->driver.rx_queue_size) || !is_queue_size(net->driver.tx_queue_size))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<driver> at line %u: the size of a queue is a power of two from %d "
                            "to %d",
                            line, QUEUE_SIZE_MIN, QUEUE_SIZE_MAX);
        if (domain_num_or(net->driver.queues, 1) > 1 && domain_interface_is_virtio(net) &&
            !has_target(net) && !is_vhostuser(net))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<driver queues='%u'> at line %u: <interface type='%s'> has one queue",
                            (unsigned)net->driver.queues.value, line, net_types[net->type - 1]);
        return 0;
}

static int check_backend(const DomainInterface *net, Err *err) {
        if ((!net->backend.tap || g_str_equal(net->backend.tap, TAP_PATH)) &&
            (!net->backend.vhost || g_str_equal(net->backend.vhost, VHOST_PATH)))
                return 0;
        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                    "<backend> at line %u: tap is served as " TAP_PATH ", vhost as " VHOST_PATH,
                    net->backend.node.line);
}

static int check_teaming(const DomainInterface *net, Err *err) {
        bool is_transient = net->teaming.type == NET_TEAMING_TRANSIENT;
        unsigned line = net->teaming.node.line;

        if (!net->teaming.type)
                return 0;
        if (is_transient != is_hostdev(net) || is_transient != (net->teaming.persistent != NULL) ||
            (!is_transient && !domain_interface_is_virtio(net)))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<teaming> at line %u: a virtio interface is persistent, one of type "
                            "'hostdev' is transient and names it by persistent=…",
                            line);
        return domain_check_word(net->teaming.persistent, "teaming", line, err);
}

static int check_rest(const DomainInterface *net, Err *err) {
        uint64_t sndbuf;

        if (net->mtu.size.is_set && net->mtu.size.value < MTU_MIN)
                return fail(err, VIR_ERR_XML_ERROR, "<mtu size='%u'> at line %u is below %d",
                            (unsigned)net->mtu.size.value, net->mtu.node.line, MTU_MIN);
        if (net->tune.sndbuf && str_to_uint(net->tune.sndbuf, 10, INT32_MAX, &sndbuf) < 0)
                return fail(err, VIR_ERR_XML_ERROR, "<sndbuf> at line %u is no number",
                            net->tune.node.line);
        if (net->target.managed == DOMAIN_SWITCH_OFF && !net->target.dev)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<target managed='no'> at line %u names no device",
                            net->target.node.line);
        if (net->vlan.tags && net->vlan.tags->len > 1)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<vlan> at line %u: a virtual function carries one tag",
                            net->vlan.node.line);
        return 0;
}

static int check_source(const DomainInterface *net, Err *err) {
        unsigned line = net->source.node.line;
        int r = check_required(net, err);

        if (r == 0)
                r = check_names(net, err);
        if (r == 0)
                r = check_ip(net->source.address, true, line, err);
        if (r == 0)
                r = check_ip(net->source.local.address, true, line, err);
        if (r == 0)
                r = domain_check_path(net->source.path, "source", line, err);
        if (r == 0 && is_vhostuser(net) && !domain_interface_is_virtio(net))
                r = fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                         "<interface type='vhostuser'> at line %u needs a virtio model",
                         net->base.node.line);
        return r;
}

/* The program at the other end reads and writes the guest's memory itself. */
static int check_memory(const DomainDef *def, const DomainInterface *net, Err *err) {
        if (!is_vhostuser(net) || domain_memory_is_shared(def))
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "<interface type='vhostuser'> at line %u requires shared memory",
                              net->base.node.line),
                         "add <memoryBacking><source type='memfd'/><access mode='shared'/>"
                         "</memoryBacking>");
}

static int check_interface(const DomainDef *def, const DomainDevice *device, Err *err) {
        static int (*const checks[])(const DomainInterface *, Err *) = {
                check_source,  check_user, check_driver, check_backend,
                check_teaming, check_rest, check_mac,
        };
        int r = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(checks) && r == 0; i++)
                r = checks[i]((const DomainInterface *)device, err);
        return r < 0 ? r : check_memory(def, (const DomainInterface *)device, err);
}

/* ---- the kind ---- */

/* Tap devices that we name. */
static const char *const made_prefixes[] = {"vnet", "macvtap"};

static bool is_made(const char *dev) {
        for (size_t i = 0; dev && i < G_N_ELEMENTS(made_prefixes); i++)
                if (g_str_has_prefix(dev, made_prefixes[i]))
                        return true;
        return false;
}

static void strip_interface(DomainDevice *device) {
        DomainInterface *net = (DomainInterface *)device;

        if (net->type == NET_TYPE_NETWORK) {
                g_clear_pointer(&net->source.bridge, g_free);
                g_clear_pointer(&net->source.portid, g_free);
        }
        if (!is_made(net->target.dev))
                return;
        g_clear_pointer(&net->target.dev, g_free);
        net->target.node.is_present = false;
}

PciAddr domain_interface_function(const DomainInterface *net) {
        return (PciAddr){
                .domain = (uint32_t)net->source.function.domain.value,
                .bus = (uint8_t)net->source.function.bus.value,
                .slot = (uint8_t)net->source.function.slot.value,
                .function = (uint8_t)net->source.function.function.value,
        };
}

/* The words of a hostdev: a function is in a guest once. */
static char *interface_key(const DomainDevice *device) {
        const DomainInterface *net = (const DomainInterface *)device;

        return is_hostdev(net) ? g_strdup_printf("host device %s",
                                                 PCI_ADDR_TEXT(domain_interface_function(net)))
                               : NULL;
}

/* Assigned functions are called alike, whichever element brings them. */
static char *interface_name(const DomainDef *def, const DomainDevice *device) {
        if (!is_hostdev(device))
                return domain_def_next_alias(def, device, "net");
        for (unsigned n = 0;; n++) {
                g_autofree char *name = g_strdup_printf("hostdev%u", n);

                if (!domain_def_find_alias(def, name))
                        return g_steal_pointer(&name);
        }
}

static char *describe_interface(const DomainDevice *device) {
        return g_strdup_printf("interface %s", ((const DomainInterface *)device)->mac.address);
}

static bool is_same_interface(const DomainDevice *device, const DomainDevice *wanted) {
        return g_str_equal(((const DomainInterface *)device)->mac.address,
                           ((const DomainInterface *)wanted)->mac.address);
}

const DomainKind domain_interface_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_INTERFACE, DomainInterface, "interface", interface_fields),
        .name = interface_name,
        .fill = fill_interface,
        .check = check_interface,
        .strip = strip_interface,
        .key = interface_key,
        .describe = describe_interface,
        .is_same = is_same_interface,
        .is_pci = domain_kind_always_pci,
};
