/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/kind.h"

/* ---- XML ---- */

static const char *const net_types[] = {"user", "bridge", NULL};
static const char *const net_models[] = {"virtio", "e1000", "e1000e", "rtl8139", NULL};
static const char *const net_links[] = {"up", "down", NULL};

static bool is_bridged(const void *object) {
        return ((const DomainInterface *)object)->type == NET_TYPE_BRIDGE;
}

static const DomainField mac_fields[] = {
        ATTR_STRING(DomainInterface, mac.address, "address", .is_required = true),
        END,
};
static const DomainElement mac = PART_OF(DomainInterface, mac, "mac", mac_fields);

static const DomainField net_source_fields[] = {
        ATTR_STRING(DomainInterface, source.bridge, "bridge", .is_required = true),
        END,
};
static const DomainElement net_source =
        PART_OF(DomainInterface, source, "source", net_source_fields);

static const DomainField net_target_fields[] = {
        ATTR_STRING(DomainInterface, target.dev, "dev", .is_required = true),
        END,
};
static const DomainElement net_target =
        PART_OF(DomainInterface, target, "target", net_target_fields);

static const DomainField net_model_fields[] = {
        ATTR_ENUM(DomainInterface, model.type, "type", net_models, .is_required = true),
        END,
};
static const DomainElement net_model = PART_OF(DomainInterface, model, "model", net_model_fields);

static const DomainField net_link_fields[] = {
        ATTR_ENUM(DomainInterface, link.state, "state", net_links, .is_required = true),
        END,
};
static const DomainElement net_link = PART_OF(DomainInterface, link, "link", net_link_fields);

static const DomainField interface_fields[] = {
        ATTR_ENUM(DomainInterface, type, "type", net_types, .is_required = true),
        PART("mac", mac),
        PART("source", net_source, .when = is_bridged),
        PART("target", net_target, .when = is_bridged),
        PART("model", net_model),
        PART("link", net_link),
        DEVICE_BOOT,
        DEVICE_ALIAS,
        DEVICE_ROM,
        DEVICE_ADDRESS,
        END,
};

/* ---- defaults ---- */

static int fill_interface(DomainDef *def, DomainDevice *device, Err *err) {
        DomainInterface *net = (DomainInterface *)device;
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
        net->model.node.is_present = true;
        FILL_ENUM(net->model.type, NET_MODEL_RTL8139);
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

static int check_interface(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainInterface *net = (const DomainInterface *)device;

        if (net->type == NET_TYPE_BRIDGE && !net->source.bridge)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<interface type='bridge'> at line %u has no <source bridge=…>",
                            device->node.line);
        /* Names of the kernel: IFNAMSIZ with its NUL. */
        if ((net->source.bridge && strlen(net->source.bridge) > 15) ||
            (net->target.dev && strlen(net->target.dev) > 15))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<interface> at line %u: a network device's name is longer than 15",
                            device->node.line);
        return check_mac(net, err);
}

/* ---- the kind ---- */

/* Tap devices that we name. */
#define TAP_PREFIX "vnet"

static void strip_interface(DomainDevice *device) {
        DomainInterface *net = (DomainInterface *)device;

        if (!net->target.dev || !g_str_has_prefix(net->target.dev, TAP_PREFIX))
                return;
        g_clear_pointer(&net->target.dev, g_free);
        net->target.node.is_present = false;
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
        .alias = "net",
        .fill = fill_interface,
        .check = check_interface,
        .strip = strip_interface,
        .describe = describe_interface,
        .is_same = is_same_interface,
        .is_pci = domain_kind_always_pci,
};
