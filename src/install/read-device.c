/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that make devices. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/xml.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/node.h"
#include "install/option.h"

#define DEFAULT_NETWORK "default"
#define SYS_NET         "/sys/class/net"

/* Reads the words of one device that a plain path does not say. */
typedef int (*ReadDevice)(SubValues *values, xmlNode *device, Err *err);

/* The interface of the host's default route; NULL: it has none. */
static char *default_route(void) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents("/proc/net/route", &text, NULL, NULL))
                return NULL;
        lines = g_strsplit(text, "\n", -1);
        STRV_FOREACH(line, lines) {
                g_auto(GStrv) fields = g_strsplit(line, "\t", 3);

                if (g_strv_length(fields) == 3 && g_str_equal(fields[1], "00000000"))
                        return g_strdup(fields[0]);
        }
        return NULL;
}

/* Where a guest gets its network when nobody says: the bridge that the host itself is reached by,
 * or the network that every host has. */
static void set_default_network(xmlNode *device) {
        g_autofree char *dev = default_route();
        g_autofree char *path = dev ? g_build_filename(SYS_NET, dev, "bridge", NULL) : NULL;
        bool bridge = path && g_file_test(path, G_FILE_TEST_IS_DIR);

        node_set(device, "@type", bridge ? "bridge" : "network");
        node_set(device, bridge ? "source/@bridge" : "source/@network",
                 bridge ? dev : DEFAULT_NETWORK);
}

/* What an interface's source is called, by its type. */
static const char *source_attribute(const char *type) {
        static const char *const names[][2] = {
                {"network", "source/@network"},
                {"bridge", "source/@bridge"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_equal(type, names[i][0]))
                        return names[i][1];
        return "source/@dev";
}

static int read_network(SubValues *values, xmlNode *device, Err *err) {
        g_autofree char *type = sub_take(values, "type");
        g_autofree char *network = sub_take(values, "network");
        g_autofree char *bridge = sub_take(values, "bridge");
        g_autofree char *source = sub_take(values, "source");
        g_autofree char *mac = sub_take(values, "mac.address");
        g_autofree char *link = sub_take(values, "link.state");
        const char *kind = type ? type : network ? "network" : "bridge";
        bool up;

        if (g_str_equal(kind, "default")) {
                set_default_network(device);
        } else {
                node_set(device, "@type", kind);
                if (source || network || bridge)
                        node_set(device, source_attribute(kind), source ?: network ?: bridge);
        }
        if (mac && !g_str_equal(mac, "RANDOM"))
                node_set(device, "mac/@address", mac);
        if (link)
                node_set(device, "link/@state",
                         sub_truth(link, &up) < 0 ? link
                         : up                     ? "up"
                                                  : "down");
        return 0;
}

static int read_graphics(SubValues *values, xmlNode *device, Err *err) {
        g_autofree char *type = sub_take(values, "type");
        g_autofree char *listen = sub_take(values, "listen");

        if (type && !g_str_equal(type, "default"))
                node_set(device, "@type", type);
        if (!listen)
                return 0;
        if (g_str_equal(listen, "none") || g_str_equal(listen, "socket"))
                node_set(device, "listen/@type", listen);
        else if (g_str_equal(listen, "localhost"))
                node_set(device, "@listen", "127.0.0.1");
        else if (g_str_equal(listen, "any"))
                node_set(device, "@listen", "0.0.0.0");
        else if (!g_str_equal(listen, "address"))
                node_set(device, "@listen", listen);
        return 0;
}

/* "HOST:PORT" of a TCP console. */
static int read_char(SubValues *values, xmlNode *device, Err *err) {
        g_autofree char *host = sub_take(values, "host");
        g_auto(GStrv) parts = host ? g_strsplit(host, ":", 2) : NULL;

        if (!host)
                return 0;
        node_set(device, "source/@host", *parts[0] ? parts[0] : "127.0.0.1");
        if (parts[1])
                node_set(device, "source/@service", parts[1]);
        return 0;
}

static int read_rng(SubValues *values, xmlNode *device, Err *err) {
        g_autofree char *model = sub_take(values, "backend.model");
        g_autofree char *source = sub_take(values, "backend");
        bool is_path = model && *model == '/';

        node_set(device, "backend", is_path ? model : source ?: "");
        node_set(device, "backend/@model", is_path || !model ? "random" : model);
        return 0;
}

static int read_tpm(SubValues *values, xmlNode *device, Err *err) {
        g_autofree char *type = sub_take(values, "backend.type");

        if (!type || g_str_equal(type, "default"))
                return 0;
        if (*type == '/') {
                node_set(device, "backend/@type", "passthrough");
                node_set(device, "backend/device/@path", type);
        } else {
                node_set(device, "backend/@type", type);
        }
        return 0;
}

/* "0000:00:05.0", "0:5.0": bus, slot and function, with the domain if any. */
static int read_controller(SubValues *values, xmlNode *device, Err *err) {
        g_autofree char *address = sub_take(values, "address");
        g_auto(GStrv) parts = address ? g_strsplit_set(address, ":.", -1) : NULL;
        unsigned n = parts ? g_strv_length(parts) : 0;

        if (!address)
                return 0;
        if ((n != 3 && n != 4) || !strchr(address, '.'))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--controller address=%s: [DOMAIN:]BUS:SLOT.FUNCTION is wanted",
                            address);
        node_set(device, "address/@type", "pci");
        node_set(device, "address/@domain", n == 4 ? parts[0] : "0");
        node_set(device, "address/@bus", parts[n - 3]);
        node_set(device, "address/@slot", parts[n - 2]);
        node_set(device, "address/@function", parts[n - 1]);
        return 0;
}

/* In the order in which defaults look at them. */
static const struct {
        const char *option;
        ReadDevice read; /* NULL: paths say it all */
} readers[] = {
        {"controller", read_controller},
        {"filesystem"},
        {"network", read_network},
        {"smartcard"},
        {"serial", read_char},
        {"parallel", read_char},
        {"console", read_char},
        {"channel", read_char},
        {"input"},
        {"tpm", read_tpm},
        {"graphics", read_graphics},
        {"sound"},
        {"audio"},
        {"video"},
        {"redirdev"},
        {"watchdog"},
        {"memballoon"},
        {"rng", read_rng},
        {"panic"},
        {"vsock"},
        {"iommu"},
};

void guest_def_add_usb2(GuestDef *def) {
        static const struct {
                const char *model, *startport;
        } parts[] = {{"ich9-ehci1", NULL},
                     {"ich9-uhci1", "0"},
                     {"ich9-uhci2", "2"},
                     {"ich9-uhci3", "4"}};

        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                xmlNode *device = guest_def_add_device(def, "controller");

                node_set(device, "@type", "usb");
                node_set(device, "@model", parts[i].model);
                if (parts[i].startport)
                        node_set(device, "master/@startport", parts[i].startport);
        }
}

void guest_def_add_usb3(GuestDef *def) {
        xmlNode *device = guest_def_add_device(def, "controller");

        node_set(device, "@type", "usb");
        node_set(device, "@model", "qemu-xhci");
        node_set(device, "@ports", "15");
}

/* Words of --controller that stand for several devices, or for none. */
static int read_controller_word(GuestDef *def, const char *text, Err *err) {
        static const char root_ports[] = "num_pcie_root_ports=";
        uint64_t n;

        if (g_str_equal(text, "usb2"))
                guest_def_add_usb2(def);
        else if (g_str_equal(text, "usb3"))
                guest_def_add_usb3(def);
        else if (!g_str_has_prefix(text, root_ports))
                return -ENOENT;
        else if (str_to_uint(text + strlen(root_ports), 10, 256, &n) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--controller %s: a number is wanted", text);
        else
                def->root_ports = (int)n;
        return 0;
}

static int read_one(GuestDef *def, const char *option, const char *text, ReadDevice own, Err *err) {
        const Grammar *grammar = grammar_find(option);
        g_autoptr(GPtrArray) values = NULL;
        xmlNode *device;
        int r;

        if (g_str_equal(text, "none") && !g_str_equal(option, "memballoon") &&
            !g_str_equal(option, "video"))
                return 0;
        if (g_str_equal(option, "controller")) {
                r = read_controller_word(def, text, err);
                if (r != -ENOENT)
                        return r;
        }
        r = sub_parse(grammar, text, false, &values, err);
        if (r < 0)
                return r;
        /* "default" is what nobody says. */
        if (g_strcmp0(sub_peek(values, grammar->first), "default") == 0 && !own)
                g_free(sub_take(values, grammar->first));
        device = guest_def_add_device(def, grammar->element);
        r = own ? own(values, device, err) : 0;
        if (r < 0)
                return r;
        return sub_apply(grammar, values, device, err);
}

/* A guest has a network card unless it is told not to. --bridge and --mac are older than --network.
 */
static int read_networks(GuestDef *def, Err *err) {
        const char *bridge = options_text(def->options, "bridge");
        const char *mac = options_text(def->options, "mac");
        g_autofree char *source =
                bridge ? g_strdup_printf("bridge=%s", bridge) : g_strdup("default");
        g_autofree char *text = mac ? g_strdup_printf("%s,mac=%s", source, mac) : g_strdup(source);

        if (options_has(def->options, "network"))
                return 0;
        return read_one(def, "network", text, read_network, err);
}

/* Options whose devices have files of their own. */
static int read_others(GuestDef *def, const char *option,
                       int (*read)(GuestDef *def, const char *text, Err *err), Err *err) {
        int r = 0;

        for (char *const *texts = options_list(def->options, option); r >= 0 && *texts; texts++)
                if (!g_str_equal(*texts, "none"))
                        r = read(def, *texts, err);
        return r;
}

int guest_def_read_devices(GuestDef *def, Err *err) {
        int r = read_others(def, "disk", guest_def_read_disk, err);

        if (r >= 0)
                r = read_others(def, "hostdev", guest_def_read_hostdev, err);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(readers); i++) {
                char *const *texts = options_list(def->options, readers[i].option);

                for (; r >= 0 && *texts; texts++)
                        r = read_one(def, readers[i].option, *texts, readers[i].read, err);
        }
        if (r < 0)
                return r;
        return read_networks(def, err);
}
