/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <errno.h>
#include <string.h>

#include <libxml/parser.h>

#include "base/xml.h"
#include "cli/cli.h"
#include "cli/wait.h"
#include "client/assign.h"
#include "client/event.h"
#include "rpc/airlock.h"

/* Seconds that a guest gets to let go of a device, unless --timeout says more. */
#define WAIT_DEFAULT 60
#define WAIT_MAX     86400

/* A change of one device, worked out from the command line. */
typedef struct Change {
        Guest *guest;
        char *xml;
        unsigned flags;  /* GuestAffectFlags */
        bool with_flags; /* an option was given: the call with flags is meant */
} Change;

static void change_done(Change *change) {
        g_clear_pointer(&change->guest, guest_free);
        g_clear_pointer(&change->xml, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, change_done)

static int check_options(const Args *args, Err *err) {
        int r;

        r = args_exclusive(args, "persistent", "current", err);
        if (r >= 0)
                r = args_exclusive(args, "current", "live", err);
        if (r >= 0)
                r = args_exclusive(args, "current", "config", err);
        return r;
}

static int read_change(Cli *cli, const Args *args, Change *ret, Err *err) {
        bool persistent = args_flag(args, "persistent"), active = false;
        int r;

        r = check_options(args, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &ret->guest, err);
        if (r >= 0 && persistent)
                r = guest_ask(cli->conn, ret->guest, GUEST_IS_ACTIVE, &active, err);
        if (r >= 0)
                r = cli_read_file(args_text(args, "file"), &ret->xml, err);
        if (r < 0)
                return r;
        if (persistent || args_flag(args, "config"))
                ret->flags |= GUEST_AFFECT_CONFIG;
        if (active || args_flag(args, "live"))
                ret->flags |= GUEST_AFFECT_LIVE;
        ret->with_flags = ret->flags != 0 || args_flag(args, "current");
        return 0;
}

/* The same change as a plan that takes the group's other devices along. */
static int run_plan(Cli *cli, const Args *args, const char *kind, const Change *change, Err *err) {
        AssignPlan plan = {kind, change->guest->name, change->xml, cli_handover_flags(args)};
        g_autofree char *json = NULL;

        if (change->flags & GUEST_AFFECT_LIVE)
                plan.flags |= AIRLOCK_LIVE;
        if (change->flags & GUEST_AFFECT_CONFIG)
                plan.flags |= AIRLOCK_CONFIG;
        return assign_run(cli->conn, &plan, &json, err);
}

int cmd_attach_device(Cli *cli, const Args *args, Err *err) {
        g_auto(Change) change = {};
        int r;

        r = read_change(cli, args, &change, err);
        if (r < 0)
                return r;
        if (cli_handover_flags(args) != 0)
                r = run_plan(cli, args, "attach", &change, err);
        else
                r = guest_attach(cli->conn, change.guest, change.xml,
                                 change.with_flags ? &change.flags : NULL, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to attach device from %s",
                                  args_text(args, "file"));
        cli_say(cli, "Device attached successfully\n");
        return 0;
}

int cmd_update_device(Cli *cli, const Args *args, Err *err) {
        static const ArgsBit bits[] = {{"force", 1 << 2}, {}};
        g_auto(Change) change = {};
        int r;

        r = read_change(cli, args, &change, err);
        if (r < 0)
                return r;
        r = guest_update(cli->conn, change.guest, change.xml, change.flags | args_bits(args, bits),
                         err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to update device from %s",
                                  args_text(args, "file"));
        cli_say(cli, "Device updated successfully\n");
        return 0;
}

/* Whether a hostdev's <source> holds the address that is wanted: each attribute as a number. */
static bool same_source(xmlNode *wanted, xmlNode *device) {
        static const char *const attributes[] = {"domain", "bus", "slot", "function"};
        xmlNode *a = xml_child(wanted, "source"), *b = xml_child(device, "source");

        a = a ? xml_child(a, "address") : NULL;
        b = b ? xml_child(b, "address") : NULL;
        for (size_t i = 0; a && b && i < G_N_ELEMENTS(attributes); i++) {
                uint64_t x = 0, y = 0;

                if (xml_attr_uint(a, attributes[i], 0, UINT32_MAX, &x, NULL) < 0 ||
                    xml_attr_uint(b, attributes[i], 0, UINT32_MAX, &y, NULL) < 0 || x != y)
                        return false;
        }
        return a && b;
}

static char *alias_of(xmlNode *device) {
        xmlNode *alias = xml_child(device, "alias");

        return alias ? xml_attr(alias, "name") : NULL;
}

/* The name that events give the device: the alias in its own XML, or that of the running guest's
 * hostdev with the same address. NULL: it cannot be told. */
static char *find_alias(Cli *cli, const Change *change) {
        g_autoptr(XmlDoc) wanted = NULL;
        g_autoptr(XmlDoc) live = NULL;
        g_autofree char *xml = NULL;
        xmlNode *devices, *root;
        char *alias;

        if (xml_doc_parse(change->xml, strlen(change->xml), "device", &wanted, NULL) < 0)
                return NULL;
        root = xml_doc_root(wanted);
        alias = alias_of(root);
        if (alias || !g_str_equal(xml_name(root), "hostdev"))
                return alias;
        if (guest_xml(cli->conn, change->guest, 0, &xml, NULL) < 0 ||
            xml_doc_parse(xml, strlen(xml), "domain", &live, NULL) < 0)
                return NULL;
        devices = xml_child(xml_doc_root(live), "devices");
        for (xmlNode *device = devices ? xml_first(devices) : NULL; device;
             device = xml_next(device))
                if (g_str_equal(xml_name(device), "hostdev") && same_source(root, device))
                        return alias_of(device);
        return NULL;
}

typedef struct Awaited {
        const char *alias; /* NULL: the first device that leaves */
        bool failed;       /* the guest refused */
} Awaited;

static bool is_awaited(const Event *event, void *data) {
        Awaited *awaited = data;

        if (awaited->alias && g_strcmp0(awaited->alias, event->detail) != 0)
                return false;
        awaited->failed = g_str_equal(event_kind_name(event->kind), "device-removal-failed");
        return true;
}

static int wait_removed(Cli *cli, const Change *change, const char *alias, unsigned seconds,
                        Err *err) {
        Awaited awaited = {.alias = alias};
        int r;

        r = wait_event(cli->conn, seconds, is_awaited, &awaited, err);
        if (r < 0)
                return r;
        if (r == WAIT_INTERRUPTED)
                return fail(err, VIR_ERR_OPERATION_ABORTED,
                            "interrupted; the guest was asked and may still let the device go");
        if (r == WAIT_TIMEOUT)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_TIMEOUT,
                                      "guest '%s' still holds the device after %u s",
                                      change->guest->name, seconds),
                                 "it was asked and may still let go; --timeout waits longer");
        if (awaited.failed)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "guest '%s' refuses to let the device go", change->guest->name);
        return 0;
}

static int subscribe_removal(Cli *cli, const Guest *guest, int ids[static 2], Err *err) {
        int r;

        r = event_subscribe(cli->conn, event_kind_find(EVENT_OF_GUEST, "device-removed"), guest,
                            &ids[0], err);
        if (r < 0)
                return r;
        return event_subscribe(cli->conn, event_kind_find(EVENT_OF_GUEST, "device-removal-failed"),
                               guest, &ids[1], err);
}

static int detach(Cli *cli, const Args *args, const Change *change, Err *err) {
        if (cli_handover_flags(args) != 0)
                return run_plan(cli, args, "detach", change, err);
        return guest_detach(cli->conn, change->guest, change->xml,
                            change->with_flags ? &change->flags : NULL, err);
}

/* Asks for the events before it asks for the device: none can be missed. */
static int detach_and_wait(Cli *cli, const Args *args, const Change *change, Err *err) {
        g_autofree char *alias = NULL;
        unsigned seconds = WAIT_DEFAULT;
        bool active;
        int ids[2], r;

        r = args_number(args, "timeout", WAIT_MAX, &seconds, err);
        if (r >= 0)
                r = guest_ask(cli->conn, change->guest, GUEST_IS_ACTIVE, &active, err);
        if (r < 0)
                return r;
        if (!active || change->flags == GUEST_AFFECT_CONFIG)
                return detach(cli, args, change, err);
        alias = find_alias(cli, change);
        r = subscribe_removal(cli, change->guest, ids, err);
        if (r >= 0)
                r = detach(cli, args, change, err);
        if (r >= 0)
                r = wait_removed(cli, change, alias, seconds, err);
        for (size_t i = 0; i < G_N_ELEMENTS(ids) && !conn_is_lost(cli->conn); i++)
                event_unsubscribe(cli->conn, EVENT_OF_GUEST, ids[i], NULL);
        return r;
}

int cmd_detach_device(Cli *cli, const Args *args, Err *err) {
        g_auto(Change) change = {};
        int r;

        r = read_change(cli, args, &change, err);
        if (r < 0)
                return r;
        if (args_flag(args, "wait"))
                r = detach_and_wait(cli, args, &change, err);
        else
                r = detach(cli, args, &change, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to detach device from %s",
                                  args_text(args, "file"));
        cli_say(cli, "Device detached successfully\n");
        return 0;
}
