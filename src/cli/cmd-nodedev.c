/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/tree.h"
#include "cli/xpath.h"
#include "client/assign.h"
#include "client/nodedev.h"
#include "rpc/airlock.h"

/* The device that option "device" names, looked up. */
static int device_of(Cli *cli, const Args *args, char **ret, Err *err) {
        g_autofree char *name = cli_device_name(args_text(args, "device"));
        int r;

        r = nodedev_lookup(cli->conn, name, err);
        if (r < 0)
                return cli_failed(cli, r, "Could not find matching device '%s'", name);
        *ret = g_steal_pointer(&name);
        return 0;
}

static int cap_flags(const char *list, unsigned *ret, Err *err) {
        g_auto(GStrv) caps = g_strsplit(list, ",", -1);

        for (char **cap = caps; *cap; cap++) {
                unsigned flag = nodedev_cap_flag(*cap);

                if (flag == 0)
                        return fail(err, VIR_ERR_INVALID_ARG, "Invalid capability type");
                *ret |= flag;
        }
        return 0;
}

static int list_flags(const Args *args, unsigned *ret, Err *err) {
        bool all = args_flag(args, "all"), inactive = args_flag(args, "inactive");
        bool persistent = args_flag(args, "persistent"), transient = args_flag(args, "transient");
        const char *caps = args_text(args, "cap");
        unsigned flags = 0;
        int r;

        if (args_flag(args, "tree") && (caps || inactive || persistent || transient))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "Option --tree is incompatible with --cap, --inactive, --persistent "
                            "and --transient");
        r = caps ? cap_flags(caps, &flags, err) : 0;
        if (r < 0)
                return r;
        if (inactive || all)
                flags |= NODEDEV_LIST_INACTIVE;
        if (!inactive)
                flags |= NODEDEV_LIST_ACTIVE;
        flags |= persistent ? NODEDEV_LIST_PERSISTENT : 0;
        flags |= transient ? NODEDEV_LIST_TRANSIENT : 0;
        *ret = flags;
        return 0;
}

static int print_tree(Cli *cli, char **names, Err *err) {
        unsigned n = g_strv_length(names);
        g_auto(GStrv) parents = g_new0(char *, n + 1);
        g_autofree char *text = NULL;

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *parent = NULL;
                int r;

                r = nodedev_parent(cli->conn, names[i], &parent, err);
                if (r < 0)
                        return r;
                parents[i] = parent ? g_steal_pointer(&parent) : g_strdup("");
        }
        text = tree_format(names, parents);
        fputs(text, stdout);
        return 0;
}

static int cmd_list(Cli *cli, const Args *args, Err *err) {
        g_auto(GStrv) names = NULL;
        unsigned flags = 0;
        int r;

        r = list_flags(args, &flags, err);
        if (r < 0)
                return r;
        r = nodedev_list(cli->conn, flags, &names, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list node devices");
        if (args_flag(args, "tree"))
                return print_tree(cli, names, err);
        for (char **name = names; *name; name++)
                puts(*name);
        return 0;
}

static int cmd_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autofree char *name = NULL;
        g_autofree char *xml = NULL;
        int r;

        r = device_of(cli, args, &name, err);
        if (r < 0)
                return r;
        r = nodedev_xml(cli->conn, name, args_flag(args, "inactive") ? NODEDEV_XML_INACTIVE : 0,
                        &xml, err);
        if (r < 0)
                return r;
        return xpath_print(args, xml, err);
}

static int print_answer(Cli *cli, const char *name, const char *label, NodedevQuestion question,
                        Err *err) {
        bool answer;
        int r;

        r = nodedev_ask(cli->conn, name, question, &answer, err);
        if (r < 0)
                return r;
        printf("%-15s %s\n", label, answer ? "yes" : "no");
        return 0;
}

static int cmd_info(Cli *cli, const Args *args, Err *err) {
        g_autofree char *name = NULL;
        g_autofree char *parent = NULL;
        int r;

        r = device_of(cli, args, &name, err);
        if (r >= 0)
                r = nodedev_parent(cli->conn, name, &parent, err);
        if (r < 0)
                return r;
        printf("%-15s %s\n", "Name:", name);
        printf("%-15s %s\n", "Parent:", parent ?: "");
        r = print_answer(cli, name, "Active:", NODEDEV_IS_ACTIVE, err);
        if (r >= 0)
                r = print_answer(cli, name, "Persistent:", NODEDEV_IS_PERSISTENT, err);
        if (r >= 0)
                r = print_answer(cli, name, "Autostart:", NODEDEV_HAS_AUTOSTART, err);
        return r;
}

static int detach(Cli *cli, const Args *args, const char *name, Err *err) {
        AssignPlan plan = {"detach-host", .subject = name, .flags = cli_handover_flags(args)};
        g_autofree char *json = NULL;

        if (plan.flags == 0)
                return nodedev_detach(cli->conn, name, args_text(args, "driver"), err);
        return assign_run(cli->conn, &plan, &json, err);
}

static int cmd_detach(Cli *cli, const Args *args, Err *err) {
        g_autofree char *name = NULL;
        int r;

        r = args_exclusive(args, "driver", "with-companions", err);
        if (r >= 0)
                r = args_exclusive(args, "driver", "take-host-devices", err);
        if (r < 0)
                return r;
        r = device_of(cli, args, &name, err);
        if (r < 0)
                return r;
        r = detach(cli, args, name, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to detach device %s", name);
        cli_say(cli, "Device %s detached\n", name);
        return 0;
}

static int cmd_reattach(Cli *cli, const Args *args, Err *err) {
        g_autofree char *name = NULL;
        int r;

        r = device_of(cli, args, &name, err);
        if (r < 0)
                return r;
        r = nodedev_reattach(cli->conn, name, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to re-attach device %s", name);
        cli_say(cli, "Device %s re-attached\n", name);
        return 0;
}

static int cmd_reset(Cli *cli, const Args *args, Err *err) {
        g_autofree char *name = NULL;
        int r;

        r = device_of(cli, args, &name, err);
        if (r < 0)
                return r;
        r = nodedev_reset(cli->conn, name, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to reset device %s", name);
        cli_say(cli, "Device %s reset\n", name);
        return 0;
}

#define OPT_DEVICE OPT_NEED("device", CANDIDATES_DEVICE, "name or PCI address of the device")
#define OPT_PCI    OPT_NEED("device", CANDIDATES_PCI, "name or PCI address of the device")

static const Option options_list[] = {
        OPT_FLAG("tree", "as a tree, each below its parent"),
        OPT_TEXT("cap", "only devices with one of these capabilities: pci,net"),
        OPT_FLAG("inactive", "only defined devices that are not there"),
        OPT_FLAG("all", "active and inactive ones"),
        OPT_FLAG("persistent", "only devices with a definition"),
        OPT_FLAG("transient", "only devices without a definition"),
        OPT_END,
};
static const Option options_dumpxml[] = {
        OPT_DEVICE,
        OPT_FLAG("inactive", "the definition, not the device as it is"),
        OPT_XPATH,
        OPT_END,
};
static const Option options_device[] = {OPT_DEVICE, OPT_END};
static const Option options_pci[] = {OPT_PCI, OPT_END};
static const Option options_detach[] = {
        OPT_PCI,
        OPT_TEXT("driver", "host driver that holds it for guests: vfio"),
        OPT_HANDOVER,
        OPT_END,
};
static const Option options_event[] = {
        {"device", OPTION_TEXT, .candidates = CANDIDATES_DEVICE, .help = "only of this device"},
        OPT_TEXT("event", "which event to wait for"),
        OPT_FLAG("loop", "wait for more than one, until timeout or interrupt"),
        OPT_NUMBER("timeout", "seconds to wait"),
        OPT_FLAG("list", "list the events"),
        OPT_FLAG("timestamp", "print the time of each"),
        OPT_END,
};

static const Command commands[] = {
        {"nodedev-detach", "take a device from its host driver, for a guest",
         "The device leaves its driver and is held by vfio-pci until a guest takes it or "
         "nodedev-reattach gives it back.",
         options_detach, .run = cmd_detach, .examples = "nodedev-detach 01:00.0 --with-companions"},
        {"nodedev-dumpxml", "show a device of the host, in XML", NULL, options_dumpxml,
         .run = cmd_dumpxml},
        {"nodedev-event", "wait for events of the host's devices", NULL, options_event,
         .run = cmd_nodedev_event},
        {"nodedev-info", "show what is known of a device of the host", NULL, options_device,
         .run = cmd_info},
        {"nodedev-list", "list the host's devices", NULL, options_list, .run = cmd_list,
         .examples = "nodedev-list --tree\n"
                     "nodedev-list --cap pci"},
        {"nodedev-reattach", "give a device back to its host driver", NULL, options_pci,
         .run = cmd_reattach},
        {"nodedev-reset", "reset a device of the host",
         "Only while neither a host driver nor a guest uses it.", options_pci, .run = cmd_reset},
        {},
};

const CommandGroup group_nodedev = {
        "nodedev",
        "Node Device",
        (const Command *const[]){commands, NULL},
};
