/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/edit.h"
#include "cli/object.h"
#include "cli/table.h"
#include "cli/xpath.h"
#include "client/network.h"
#include "client/object.h"

#define XML_INACTIVE    1u
#define DEFINE_VALIDATE 1u

enum { METADATA_DESCRIPTION, METADATA_TITLE, METADATA_ELEMENT };

/* The network that option "network" names, or has as its UUID. */
static int network_of(Cli *cli, const Args *args, Net **ret, Err *err) {
        const char *name = args_text(args, "network");
        uint8_t uuid[16];
        int r;

        if (object_parse_uuid(name, uuid) && net_lookup_uuid(cli->conn, uuid, ret, NULL) >= 0)
                return 0;
        r = net_lookup(cli->conn, name, ret, err);
        return r < 0 ? cli_failed(cli, r, "failed to get network '%s'", name) : 0;
}

/* ---- life ---- */

static int read_definition(const Args *args, char **ret, Err *err) {
        return cli_read_file(args_text(args, "file"), ret, err);
}

static int cmd_define(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        unsigned flags = args_flag(args, "validate") ? DEFINE_VALIDATE : 0;
        g_autofree char *xml = NULL;
        g_autoptr(Net) net = NULL;
        int r = read_definition(args, &xml, err);

        if (r < 0)
                return r;
        r = net_define(cli->conn, xml, flags, &net, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to define network from %s", file);
        cli_say(cli, "Network %s defined from %s\n", net->name, file);
        return 0;
}

static int cmd_create(Cli *cli, const Args *args, Err *err) {
        const char *file = args_text(args, "file");
        unsigned flags = args_flag(args, "validate") ? DEFINE_VALIDATE : 0;
        g_autofree char *xml = NULL;
        g_autoptr(Net) net = NULL;
        int r = read_definition(args, &xml, err);

        if (r < 0)
                return r;
        r = net_create(cli->conn, xml, flags, &net, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create network from %s", file);
        cli_say(cli, "Network %s created from %s\n", net->name, file);
        return 0;
}

static int act(Cli *cli, const Args *args, NetAction action, Err *err) {
        static const struct {
                const char *failed, *done;
        } words[_NET_ACTION_MAX] = {
                [NET_START] = {"start", "started"},
                [NET_STOP] = {"destroy", "destroyed"},
                [NET_UNDEFINE] = {"undefine", "has been undefined"},
        };
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r < 0)
                return r;
        r = net_act(cli->conn, net, action, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to %s network %s", words[action].failed,
                                  net->name);
        cli_say(cli, "Network %s %s\n", net->name, words[action].done);
        return 0;
}

static int cmd_start(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, NET_START, err);
}

static int cmd_destroy(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, NET_STOP, err);
}

static int cmd_undefine(Cli *cli, const Args *args, Err *err) {
        return act(cli, args, NET_UNDEFINE, err);
}

static int cmd_autostart(Cli *cli, const Args *args, Err *err) {
        bool on = !args_flag(args, "disable");
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r < 0)
                return r;
        r = net_set_autostart(cli->conn, net, on, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to %smark network %s as autostarted",
                                  on ? "" : "un", net->name);
        cli_say(cli, "Network %s %smarked as autostarted\n", net->name, on ? "" : "un");
        return 0;
}

/* ---- lists ---- */

static char *title_of(Cli *cli, const Net *net) {
        const NetMetadata title = {.type = METADATA_TITLE};
        char *text = NULL;

        return net_metadata(cli->conn, net, &title, &text, NULL) < 0 ? g_strdup("") : text;
}

static int add_row(Cli *cli, Table *table, const Net *net, Err *err) {
        bool active = false, persistent = false, autostart = false;
        g_autofree char *title = NULL;
        int r = net_ask(cli->conn, net, NET_IS_ACTIVE, &active, err);

        if (r >= 0)
                r = net_ask(cli->conn, net, NET_IS_PERSISTENT, &persistent, err);
        if (r >= 0)
                r = net_ask(cli->conn, net, NET_HAS_AUTOSTART, &autostart, err);
        if (r < 0)
                return r;
        title = title_of(cli, net);
        table_add(table, (const char *const[]){net->name, active ? "active" : "inactive",
                                               object_yes_no(autostart), object_yes_no(persistent),
                                               title, NULL});
        return 0;
}

static int print_table(Cli *cli, const Args *args, const GPtrArray *nets, Err *err) {
        static const char *const plain[] = {"Name", "State", "Autostart", "Persistent", NULL};
        static const char *const titled[] = {"Name",       "State", "Autostart",
                                             "Persistent", "Title", NULL};
        g_autoptr(Table) table = table_new(args_flag(args, "title") ? titled : plain);
        g_autofree char *text = NULL;

        for (guint i = 0; i < nets->len; i++) {
                int r = add_row(cli, table, nets->pdata[i], err);

                if (r < 0)
                        return r;
        }
        text = table_format(table, !cli->quiet, table_terminal_width());
        fputs(text, stdout);
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp((*(Net *const *)a)->name, (*(Net *const *)b)->name);
}

static int cmd_list(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GPtrArray) nets = NULL;
        int r = net_list(cli->conn, object_list_flags(args), &nets, err);

        if (r < 0)
                return cli_failed(cli, r, "Failed to list networks");
        g_ptr_array_sort(nets, compare_names);
        if (!args_flag(args, "uuid") && !args_flag(args, "name"))
                return print_table(cli, args, nets, err);
        for (guint i = 0; i < nets->len; i++) {
                const Net *net = nets->pdata[i];
                g_autofree char *uuid = object_uuid_text(net->uuid);

                if (args_flag(args, "uuid") && args_flag(args, "name"))
                        printf("%s %s\n", uuid, net->name);
                else
                        puts(args_flag(args, "uuid") ? uuid : net->name);
        }
        return 0;
}

static char *expiry_text(int64_t expiry) {
        time_t time = (time_t)expiry;
        char text[32];
        struct tm tm;

        if (!localtime_r(&time, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
                return g_strdup("-");
        return g_strdup(text);
}

static int cmd_leases(Cli *cli, const Args *args, Err *err) {
        static const char *const head[] = {"Expiry Time", "MAC address", "Protocol",
                                           "IP address",  "Hostname",    "Client ID or DUID",
                                           NULL};
        g_autoptr(Table) table = table_new(head);
        g_autoptr(GPtrArray) leases = NULL;
        g_autofree char *text = NULL;
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r < 0)
                return r;
        r = net_leases(cli->conn, net, args_text(args, "mac"), &leases, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to get leases info for %s", net->name);
        for (guint i = 0; i < leases->len; i++) {
                const NetLease *lease = leases->pdata[i];
                g_autofree char *expiry = expiry_text(lease->expiry);
                g_autofree char *address = g_strdup_printf("%s/%u", lease->address, lease->prefix);

                table_add(table,
                          (const char *const[]){expiry, lease->mac, lease->is_v6 ? "ipv6" : "ipv4",
                                                address, lease->host, lease->client});
        }
        text = table_format(table, !cli->quiet, table_terminal_width());
        fputs(text, stdout);
        return 0;
}

static int cmd_port_list(Cli *cli, const Args *args, Err *err) {
        static const char *const head[] = {"UUID", NULL};
        g_autoptr(Table) table = table_new(head);
        g_autofree char *text = NULL;
        g_auto(GStrv) ports = NULL;
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r < 0)
                return r;
        r = net_ports(cli->conn, net, &ports, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list network ports");
        for (char **port = ports; *port; port++) {
                if (args_flag(args, "uuid"))
                        puts(*port);
                table_add(table, (const char *const[]){*port, NULL});
        }
        if (args_flag(args, "uuid"))
                return 0;
        text = table_format(table, !cli->quiet, table_terminal_width());
        fputs(text, stdout);
        return 0;
}

/* ---- one of them ---- */

static int cmd_info(Cli *cli, const Args *args, Err *err) {
        bool active = false, persistent = false, autostart = false;
        g_autofree char *uuid = NULL, *bridge = NULL;
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r >= 0)
                r = net_ask(cli->conn, net, NET_IS_ACTIVE, &active, err);
        if (r >= 0)
                r = net_ask(cli->conn, net, NET_IS_PERSISTENT, &persistent, err);
        if (r >= 0)
                r = net_ask(cli->conn, net, NET_HAS_AUTOSTART, &autostart, err);
        if (r < 0)
                return r;
        uuid = object_uuid_text(net->uuid);
        object_info("Name:", net->name);
        object_info("UUID:", uuid);
        object_info("Active:", object_yes_no(active));
        object_info("Persistent:", object_yes_no(persistent));
        object_info("Autostart:", object_yes_no(autostart));
        if (net_bridge(cli->conn, net, &bridge, NULL) >= 0)
                object_info("Bridge:", bridge);
        return 0;
}

static int cmd_uuid(Cli *cli, const Args *args, Err *err) {
        g_autofree char *uuid = NULL;
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r < 0)
                return r;
        uuid = object_uuid_text(net->uuid);
        puts(uuid);
        return 0;
}

static int cmd_name(Cli *cli, const Args *args, Err *err) {
        const char *text = args_text(args, "network");
        g_autoptr(Net) net = NULL;
        uint8_t uuid[16];
        int r;

        if (!object_parse_uuid(text, uuid))
                return fail(err, VIR_ERR_INVALID_ARG, "failed to get network '%s'", text);
        r = net_lookup_uuid(cli->conn, uuid, &net, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get network '%s'", text);
        puts(net->name);
        return 0;
}

static int cmd_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autofree char *xml = NULL;
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r >= 0)
                r = net_xml(cli->conn, net, args_flag(args, "inactive") ? XML_INACTIVE : 0, &xml,
                            err);
        return r < 0 ? r : xpath_print(args, xml, err);
}

static int fetch(Cli *cli, const void *object, char **ret, Err *err) {
        return net_xml(cli->conn, object, XML_INACTIVE, ret, err);
}

static int define(Cli *cli, const void *object, const char *xml, bool validate, Err *err) {
        g_autoptr(Net) net = NULL;

        return net_define(cli->conn, xml, validate ? DEFINE_VALIDATE : 0, &net, err);
}

static int cmd_net_edit(Cli *cli, const Args *args, Err *err) {
        EditObject object = {.fetch = fetch, .define = define};
        g_autoptr(Net) net = NULL;
        int r = network_of(cli, args, &net, err);

        if (r < 0)
                return r;
        object.object = net;
        r = edit_object(cli, &object, true, err);
        if (r < 0)
                return r;
        cli_say(cli, "Network %s XML configuration %s.\n", net->name,
                r == 0 ? "edited" : "not changed");
        return 0;
}

/* ---- changes ---- */

/* Numbers of virNetworkUpdateCommand and -Section; "add" is the last. */
static const char *const commands_words[] = {"none",     "modify",    "delete",
                                             "add-last", "add-first", NULL};
static const char *const sections[] = {"none",         "bridge",
                                       "domain",       "ip",
                                       "ip-dhcp-host", "ip-dhcp-range",
                                       "forward",      "forward-interface",
                                       "forward-pf",   "portgroup",
                                       "dns-host",     "dns-txt",
                                       "dns-srv",      NULL};

static unsigned find_word(const char *const *words, const char *text) {
        for (unsigned i = 1; words[i]; i++)
                if (g_str_equal(words[i], text))
                        return i;
        return 0;
}

static int read_update(const Args *args, NetUpdate *ret, char **ret_xml, Err *err) {
        const char *command = args_text(args, "command"), *section = args_text(args, "section");
        const char *xml = args_text(args, "xml");
        uint64_t parent = UINT64_MAX;
        int r;

        ret->command =
                find_word(commands_words, g_str_equal(command, "add") ? "add-last" : command);
        if (ret->command == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unrecognized command name '%s'", command);
        ret->section = find_word(sections, section);
        if (ret->section == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unrecognized section name '%s'", section);
        r = args_count(args, "parent-index", INT32_MAX, &parent, err);
        if (r >= 0)
                r = args_affect(args, &ret->flags, err);
        if (r >= 0)
                r = xml[0] == '<' ? 0 : cli_read_file(xml, ret_xml, err);
        if (r < 0)
                return r;
        ret->parent = parent == UINT64_MAX ? -1 : (int)parent;
        ret->xml = *ret_xml ? *ret_xml : xml;
        return 0;
}

static int cmd_update(Cli *cli, const Args *args, Err *err) {
        static const char *const what[] = {"", "live state", "persistent config",
                                           "persistent config and live state"};
        NetUpdate update = {};
        g_autofree char *xml = NULL;
        g_autoptr(Net) net = NULL;
        bool active = false;
        int r = network_of(cli, args, &net, err);

        if (r >= 0)
                r = read_update(args, &update, &xml, err);
        if (r >= 0)
                r = net_ask(cli->conn, net, NET_IS_ACTIVE, &active, err);
        if (r < 0)
                return r;
        r = net_update(cli->conn, net, &update, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to update network %s", net->name);
        cli_say(cli, "Updated network %s %s", net->name,
                what[update.flags ? update.flags & 3
                     : active     ? 1
                                  : 2]);
        return 0;
}

static int read_metadata(Cli *cli, const Net *net, const NetMetadata *which, char **ret, Err *err) {
        g_auto(Err) reason = ERR_INIT;
        int r = net_metadata(cli->conn, net, which, ret, &reason);

        if (r >= 0)
                return 0;
        if (reason.code != VIR_ERR_NO_NETWORK_METADATA) {
                err_move(err, &reason);
                return r;
        }
        *ret = g_strdup("");
        return 0;
}

static int print_description(Cli *cli, const Net *net, const NetMetadata *which, Err *err) {
        g_autofree char *text = NULL;
        int r = read_metadata(cli, net, which, &text, err);

        if (r < 0)
                return r;
        if (*text)
                fputs(text, stdout);
        else
                cli_say(cli, "No %s for network: %s",
                        which->type == METADATA_TITLE ? "title" : "description", net->name);
        return 0;
}

/* A text of a network in the user's editor. */
typedef struct NetText {
        const Net *net;
        NetMetadata which;
        const char *begin; /* what the editor begins with; NULL: the text as it is */
} NetText;

static int fetch_text(Cli *cli, const void *object, char **ret, Err *err) {
        const NetText *text = object;

        *ret = g_strdup(text->begin);
        return *ret ? 0 : read_metadata(cli, text->net, &text->which, ret, err);
}

/* An editor ends the last line, which a title does not. */
static int define_text(Cli *cli, const void *object, const char *edited, bool validate, Err *err) {
        const NetText *text = object;
        NetMetadata metadata = text->which;
        g_autofree char *copy = g_strdup(edited);

        if (metadata.type == METADATA_TITLE && g_str_has_suffix(copy, "\n"))
                copy[strlen(copy) - 1] = '\0';
        metadata.text = *copy ? copy : NULL;
        return net_set_metadata(cli->conn, text->net, &metadata, err);
}

/* Returns 1 when nothing was changed. */
static int edit_text(Cli *cli, const NetText *text, Err *err) {
        return edit_object(cli, &(EditObject){text, fetch_text, define_text}, false, err);
}

static int set_description(Cli *cli, const Args *args, const Net *net, NetMetadata *metadata,
                           Err *err) {
        const char *what = metadata->type == METADATA_TITLE ? "title" : "description";
        g_autofree char *text = g_strjoinv(" ", (char **)(uintptr_t)args_rest(args));
        int r;

        metadata->text = *text ? text : NULL;
        r = args_flag(args, "edit")
                    ? edit_text(cli, &(NetText){net, *metadata, metadata->text}, err)
                    : net_set_metadata(cli->conn, net, metadata, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to set new network %s", what);
        if (r > 0)
                cli_say(cli, "Network %s not changed\n", what);
        else
                cli_say(cli, "Network %s updated successfully", what);
        return 0;
}

static int cmd_net_desc(Cli *cli, const Args *args, Err *err) {
        NetMetadata metadata = {.type = args_flag(args, "title") ? METADATA_TITLE
                                                                 : METADATA_DESCRIPTION};
        g_autoptr(Net) net = NULL;
        int r = args_affect(args, &metadata.flags, err);

        if (r >= 0)
                r = network_of(cli, args, &net, err);
        if (r < 0)
                return r;
        if (args_rest(args)[0] || args_flag(args, "edit"))
                return set_description(cli, args, net, &metadata, err);
        return print_description(cli, net, &metadata, err);
}

static int change_metadata(Cli *cli, const Args *args, const Net *net, const NetMetadata *metadata,
                           Err *err) {
        bool is_edit = args_flag(args, "edit");
        int r;

        if ((metadata->text || is_edit) && !metadata->key)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "namespace key is required when modifying metadata");
        r = is_edit ? edit_text(cli, &(NetText){net, *metadata, NULL}, err)
                    : net_set_metadata(cli->conn, net, metadata, err);
        if (r < 0)
                return r;
        if (r > 0)
                cli_say(cli, "Metadata not changed");
        else
                cli_say(cli,
                        metadata->text || is_edit ? "Metadata modified\n" : "Metadata removed\n");
        return 0;
}

static int check_metadata(const Args *args, Err *err) {
        int r = args_exclusive(args, "edit", "set", err);

        if (r >= 0)
                r = args_exclusive(args, "remove", "set", err);
        return r >= 0 ? args_exclusive(args, "remove", "edit", err) : r;
}

static int cmd_net_metadata(Cli *cli, const Args *args, Err *err) {
        NetMetadata metadata = {.type = METADATA_ELEMENT,
                                .uri = args_text(args, "uri"),
                                .key = args_text(args, "key"),
                                .text = args_text(args, "set")};
        g_autofree char *xml = NULL;
        g_autoptr(Net) net = NULL;
        int r = args_affect(args, &metadata.flags, err);

        if (r >= 0)
                r = check_metadata(args, err);
        if (r >= 0)
                r = network_of(cli, args, &net, err);
        if (r < 0)
                return r;
        if (metadata.text || args_flag(args, "remove") || args_flag(args, "edit"))
                return change_metadata(cli, args, net, &metadata, err);
        r = read_metadata(cli, net, &metadata, &xml, err);
        if (r >= 0)
                puts(xml);
        return r;
}

/* ---- the table ---- */

#define OPT_NETWORK OPT_NEED("network", CANDIDATES_NETWORK, "network name or uuid")

static const Option options_file[] = {
        OPT_FILE("file with the network's XML"),
        OPT_FLAG("validate", "refuse what the schema does not know"),
        OPT_END,
};
static const Option options_one[] = {OPT_NETWORK, OPT_END};
static const Option options_autostart[] = {
        OPT_NETWORK,
        OPT_FLAG("disable", "do not start it with the host any more"),
        OPT_END,
};
static const Option options_list[] = {
        OPT_OBJECT_LIST,
        OPT_FLAG("uuid", "only their UUIDs"),
        OPT_FLAG("name", "only their names"),
        OPT_FLAG("table", "as a table (default)"),
        OPT_FLAG("title", "print their titles, too"),
        OPT_END,
};
static const Option options_dumpxml[] = {
        OPT_NETWORK,
        OPT_FLAG("inactive", "as it will be at the next start"),
        OPT_XPATH,
        OPT_END,
};
static const Option options_leases[] = {
        OPT_NETWORK,
        OPT_MAY("mac", CANDIDATES_NONE, "only of this MAC address"),
        OPT_END,
};
static const Option options_ports[] = {
        OPT_NETWORK,
        OPT_FLAG("uuid", "only their UUIDs"),
        OPT_FLAG("table", "as a table (default)"),
        OPT_END,
};
static const char *const update_commands[] = {"add",    "add-first", "add-last",
                                              "delete", "modify",    NULL};

static const Option options_update[] = {
        OPT_NETWORK,
        {"command", OPTION_TEXT, .positional = true, .required = true,
         .candidates = CANDIDATES_WORDS, .words = update_commands,
         .help = "add, add-first, add-last, delete or modify"},
        {"section", OPTION_TEXT, .positional = true, .required = true,
         .candidates = CANDIDATES_WORDS, .words = sections + 1,
         .help = "ip-dhcp-host, dns-host, portgroup, …"},
        OPT_NEED("xml", CANDIDATES_FILE, "the entry, or a file with it"),
        OPT_NAMED_NUMBER("parent-index", "which <ip> it belongs to, from 0"),
        OPT_AFFECT,
        OPT_END,
};
static const Option options_desc[] = {
        OPT_NETWORK,
        OPT_AFFECT,
        OPT_FLAG("title", "the title instead of the description"),
        OPT_FLAG("edit", "in an editor; what is given is what it begins with"),
        OPT_REST("new-desc", "the new text"),
        OPT_END,
};
static const Option options_metadata[] = {
        OPT_NETWORK,
        OPT_NEED("uri", CANDIDATES_NONE, "namespace of the element"),
        OPT_AFFECT,
        OPT_TEXT("key", "prefix of the namespace"),
        OPT_TEXT("set", "the new element"),
        OPT_FLAG("edit", "change it in an editor"),
        OPT_FLAG("remove", "remove the element"),
        OPT_END,
};
static const Option options_event[] = {
        OPT_NAMED("network", CANDIDATES_NETWORK, "only of this network"),
        OPT_TEXT("event", "which event to wait for"),
        OPT_FLAG("loop", "wait for more than one, until timeout or interrupt"),
        OPT_NUMBER("timeout", "seconds to wait"),
        OPT_FLAG("list", "list the events"),
        OPT_FLAG("timestamp", "print the time of each"),
        OPT_END,
};

static const Command commands[] = {
        {"net-autostart", "start a network with the host", NULL, options_autostart,
         .run = cmd_autostart},
        {"net-create", "start a network that is gone when it stops, from a file", NULL,
         options_file, .run = cmd_create},
        {"net-define", "define a network from a file, or change its definition", NULL, options_file,
         .run = cmd_define},
        {"net-desc", "show or set the description or title of a network", NULL, options_desc,
         .run = cmd_net_desc},
        {"net-destroy", "stop a network", NULL, options_one, .run = cmd_destroy},
        {"net-dhcp-leases", "list the addresses that a network gave", NULL, options_leases,
         .run = cmd_leases},
        {"net-dumpxml", "show the XML of a network", NULL, options_dumpxml, .run = cmd_dumpxml},
        {"net-edit", "edit the definition of a network", NULL, options_one, .run = cmd_net_edit},
        {"net-event", "wait for events of networks", NULL, options_event, .run = cmd_net_event},
        {"net-info", "show what a network is", NULL, options_one, .run = cmd_info},
        {"net-list", "list networks", NULL, options_list, .run = cmd_list},
        {"net-metadata", "show or set an element of a network's metadata", NULL, options_metadata,
         .run = cmd_net_metadata},
        {"net-name", "print the name of a network by its UUID", NULL, options_one, .run = cmd_name},
        {"net-port-list", "list the guests' ports of a network", NULL, options_ports,
         .run = cmd_port_list},
        {"net-start", "start a network", NULL, options_one, .run = cmd_start},
        {"net-undefine", "remove the definition of a network", NULL, options_one,
         .run = cmd_undefine},
        {"net-update", "change a part of a network, running or not", NULL, options_update,
         .run = cmd_update,
         .examples = "net-update default add ip-dhcp-host \"<host mac='52:54:00:00:00:01' "
                     "ip='192.168.122.10'/>\" --live --config"},
        {"net-uuid", "print the UUID of a network", NULL, options_one, .run = cmd_uuid},
        {},
};

const CommandGroup group_network = {
        "network",
        "Networking",
        (const Command *const[]){commands, NULL},
};
