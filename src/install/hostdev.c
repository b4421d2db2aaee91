/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --hostdev NAME: finds the host's device that a person means.
 *
 *         pci_0000_01_00_0, usb_1_2, net_…      the daemon's own names
 *         0000:01:00.0, 01:00.0                 as lspci prints it
 *         001.003                               as lsusb: bus and device
 *         0x8086:0x10c9, 8086:10c9, 8086.10c9   vendor and product, if it is the only one */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"
#include "cli/cli.h"
#include "client/nodedev.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/node.h"

static int load_device(GuestDef *def, const char *name, XmlDoc **ret, Err *err) {
        g_autofree char *text = NULL;
        int r;

        r = nodedev_xml(def->conn, name, 0, &text, err);
        if (r < 0)
                return r;
        return xml_doc_parse(text, strlen(text), "node device", ret, err);
}

static const xmlNode *capability_of(const XmlDoc *device) {
        return xml_child(xml_doc_root(device), "capability");
}

/* The device's place has the number that was typed, which may have zeros in front. */
static bool has_number(const xmlNode *capability, const char *place, const char *typed,
                       unsigned base) {
        g_autofree char *text = node_get(capability, place);
        uint64_t is, wanted;

        return text && str_to_uint(text, 0, UINT32_MAX, &is) == 0 &&
               str_to_uint(typed, base, UINT32_MAX, &wanted) == 0 && is == wanted;
}

/* The two words around the dot or colon that name a device. */
typedef struct Pair {
        char *first, *second;
        const char *first_place, *second_place;
        unsigned base;
} Pair;

/* All devices of those capabilities whose places have the pair's numbers. */
static int find_pair(GuestDef *def, unsigned flags, const Pair *pair, GPtrArray *found, Err *err) {
        g_auto(GStrv) names = NULL;
        int r;

        r = nodedev_list(def->conn, flags, &names, err);
        if (r < 0)
                return r;
        STRV_FOREACH(name, names) {
                g_autoptr(XmlDoc) device = NULL;
                g_auto(Err) gone = ERR_INIT;
                const xmlNode *capability;

                /* One that goes away meanwhile is not the one. */
                if (load_device(def, name, &device, &gone) < 0)
                        continue;
                capability = capability_of(device);
                if (has_number(capability, pair->first_place, pair->first, pair->base) &&
                    has_number(capability, pair->second_place, pair->second, pair->base))
                        g_ptr_array_add(found, g_strdup(name));
        }
        return 0;
}

/* "8086:10c9" and "001.003". -ENOENT: text has another form. */
static int lookup_pair(GuestDef *def, const char *text, GPtrArray *found, Err *err) {
        static const unsigned places = 2;
        g_auto(GStrv) words = g_strsplit_set(text, ":.", -1);
        bool long_words = g_strv_length(words) == places && strlen(words[0]) >= 4;
        Pair pair = {.base = long_words ? 16 : 10};
        unsigned flags = nodedev_cap_flag("usb_device");

        if (g_strv_length(words) != places || !*words[0] || !*words[1])
                return -ENOENT;
        pair.first = words[0];
        pair.second = words[1];
        pair.first_place = long_words ? "vendor/@id" : "bus";
        pair.second_place = long_words ? "product/@id" : "device";
        return find_pair(def, long_words ? flags | nodedev_cap_flag("pci") : flags, &pair, found,
                         err);
}

/* The daemon's name of the device. */
static int find_device(GuestDef *def, const char *text, char **ret, Err *err) {
        g_autofree char *name = cli_device_name(text);
        g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
        g_auto(Err) reason = ERR_INIT;
        int r;

        if (nodedev_lookup(def->conn, name, &reason) == 0) {
                *ret = g_steal_pointer(&name);
                return 0;
        }
        r = lookup_pair(def, text, found, err);
        if (r < 0 && r != -ENOENT)
                return r;
        if (found->len > 1)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG,
                                      "%u devices of the host are '%s': %s, %s%s", found->len, text,
                                      (char *)found->pdata[0], (char *)found->pdata[1],
                                      found->len > 2 ? " …" : ""),
                                 "name the one that is meant");
        if (found->len == 0)
                return fail_hint(
                        err, fail(err, VIR_ERR_NO_NODE_DEVICE, "the host has no device '%s'", text),
                        "airlock nodedev-list --cap pci shows what it has");
        *ret = g_strdup(found->pdata[0]);
        return 0;
}

static void copy_number(const xmlNode *from, const char *name, xmlNode *device) {
        g_autofree char *value = node_get(from, name);
        g_autofree char *place = g_strdup_printf("source/address/@%s", name);

        node_set(device, place, value);
}

static void set_pci(const xmlNode *capability, xmlNode *device) {
        static const char *const parts[] = {"domain", "bus", "slot", "function"};

        node_set(device, "@type", "pci");
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                copy_number(capability, parts[i], device);
}

static int set_usb(GuestDef *def, const xmlNode *capability, xmlNode *device, Err *err) {
        g_autofree char *vendor = node_get(capability, "vendor/@id");
        g_autofree char *product = node_get(capability, "product/@id");
        Pair pair = {vendor, product, "vendor/@id", "product/@id", 0};
        g_autoptr(GPtrArray) same = g_ptr_array_new_with_free_func(g_free);
        int r;

        r = find_pair(def, nodedev_cap_flag("usb_device"), &pair, same, err);
        if (r < 0)
                return r;
        node_set(device, "@type", "usb");
        node_set(device, "source/vendor/@id", vendor);
        node_set(device, "source/product/@id", product);
        if (same->len > 1) {
                copy_number(capability, "bus", device);
                copy_number(capability, "device", device);
        }
        return 0;
}

static int set_source(GuestDef *def, const char *name, xmlNode *device, Err *err) {
        g_autoptr(XmlDoc) doc = NULL;
        g_autofree char *type = NULL, *parent = NULL;
        int r;

        r = load_device(def, name, &doc, err);
        if (r < 0)
                return r;
        type = node_get(capability_of(doc), "@type");
        if (g_strcmp0(type, "usb_device") == 0)
                return set_usb(def, capability_of(doc), device, err);
        if (g_strcmp0(type, "pci") == 0) {
                set_pci(capability_of(doc), device);
                return 0;
        }
        /* A network interface stands for the card that it is on. */
        parent = node_get(xml_doc_root(doc), "parent");
        if (g_strcmp0(type, "net") == 0 && parent)
                return set_source(def, parent, device, err);
        return fail_hint(err,
                         fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                              "a device '%s' (%s) cannot be given to a guest", name, type ?: "?"),
                         "name a PCI or USB device");
}

int guest_def_read_hostdev(GuestDef *def, const char *text, Err *err) {
        const Grammar *grammar = grammar_find("hostdev");
        g_autoptr(GPtrArray) values = NULL;
        g_autofree char *given = NULL, *type = NULL, *name = NULL;
        xmlNode *device;
        int r;

        r = sub_parse(grammar, text, false, &values, err);
        if (r < 0)
                return r;
        given = sub_take(values, "name");
        type = sub_take(values, "type");
        if (!given || (type && !g_str_equal(type, "pci") && !g_str_equal(type, "usb")))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--hostdev %s: the name of a PCI or USB device is wanted", text);
        r = find_device(def, given, &name, err);
        if (r < 0)
                return r;
        device = guest_def_add_device(def, "hostdev");
        node_set(device, "@mode", "subsystem");
        r = set_source(def, name, device, err);
        if (r < 0)
                return r;
        node_set(device, "@managed", "yes");
        return sub_apply(grammar, values, device, err);
}
