/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/wait.h"
#include "client/event.h"
#include "client/network.h"
#include "client/storage.h"

/* Seconds; a month. */
#define TIMEOUT_MAX 2678400

/* Objects whose events have a command of their own. */
typedef struct EventClass {
        EventObject object;
        const char *noun;
        int (*subscribe)(Cli *cli, const EventKind *kind, const char *name, int *ret_id, Err *err);
} EventClass;

typedef struct Watch {
        const char *object; /* "domain" */
        bool is_quoted;     /* its name: virsh quotes those of guests alone */
        bool loop;
        bool timestamp;
        unsigned count;
} Watch;

static void print_time(void) {
        gint64 now = g_get_real_time();
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(now / G_USEC_PER_SEC);
        g_autofree char *text = g_date_time_format(date, "%Y-%m-%d %H:%M:%S");

        printf("%s.%03d+0000: ", text, (int)(now % G_USEC_PER_SEC / 1000));
}

static bool print_event(const Event *event, void *data) {
        Watch *watch = data;
        const char *quote = watch->is_quoted ? "'" : "";

        if (watch->timestamp)
                print_time();
        printf("event '%s' for %s %s%s%s%s%s\n", event_kind_name(event->kind), watch->object, quote,
               event->object, quote, event->detail ? ": " : "", event->detail ?: "");
        fflush(stdout);
        watch->count++;
        return !watch->loop;
}

static int list_kinds(EventObject object) {
        for (size_t i = 0; i < event_kind_count(object); i++)
                puts(event_kind_name(event_kind_at(object, i)));
        return 0;
}

/* The kinds of a watch: one, or all that the daemon has. */
static int subscribe_guest(Cli *cli, const EventKind *only, const Guest *guest, GArray *ids,
                           Err *err) {
        size_t n = event_kind_count(EVENT_OF_GUEST);
        int r, id;

        if (only) {
                r = event_subscribe(cli->conn, only, guest, &id, err);
                if (r >= 0)
                        g_array_append_val(ids, id);
                return r;
        }
        for (size_t i = 0; i < n; i++) {
                g_auto(Err) reason = ERR_INIT;

                r = event_subscribe(cli->conn, event_kind_at(EVENT_OF_GUEST, i), guest, &id,
                                    &reason);
                if (r >= 0) {
                        g_array_append_val(ids, id);
                } else if (i == 0 || conn_is_lost(cli->conn)) {
                        err_move(err, &reason);
                        return r;
                }
        }
        return 0;
}

static int run_watch(Cli *cli, const Args *args, Watch *watch, Err *err) {
        unsigned seconds = 0;
        int r;

        r = args_number(args, "timeout", TIMEOUT_MAX, &seconds, err);
        if (r < 0)
                return r;
        r = wait_event(cli->conn, seconds, print_event, watch, err);
        if (r < 0)
                return r;
        if (r == WAIT_TIMEOUT)
                cli_say(cli, "event loop timed out\n");
        if (r == WAIT_INTERRUPTED)
                cli_say(cli, "event loop interrupted\n");
        cli_say(cli, "events received: %u\n", watch->count);
        /* As virsh: to see something is success. */
        return watch->count > 0 ? 0 : -1;
}

static void unsubscribe(Cli *cli, EventObject object, const GArray *ids) {
        for (unsigned i = 0; i < ids->len && !conn_is_lost(cli->conn); i++)
                event_unsubscribe(cli->conn, object, g_array_index(ids, int, i), NULL);
}

static int find_kind(const Args *args, EventObject object, const EventKind **ret, Err *err) {
        const char *name = args_text(args, "event");

        *ret = name ? event_kind_find(object, name) : NULL;
        if (name && !*ret)
                return fail(err, VIR_ERR_INVALID_ARG, "unknown event type %s", name);
        return 0;
}

static int check_choice(const Args *args, Err *err) {
        int r;

        r = args_exclusive(args, "list", "all", err);
        if (r >= 0)
                r = args_exclusive(args, "list", "event", err);
        if (r >= 0)
                r = args_exclusive(args, "all", "event", err);
        if (r < 0)
                return r;
        if (!args_flag(args, "list") && !args_flag(args, "all") && !args_text(args, "event"))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "one of --list, --all, or --event <type> is required");
        return 0;
}

int cmd_event(Cli *cli, const Args *args, Err *err) {
        Watch watch = {"domain", true, args_flag(args, "loop"), args_flag(args, "timestamp")};
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int));
        g_autoptr(Guest) guest = NULL;
        const EventKind *kind;
        int r;

        r = check_choice(args, err);
        if (r < 0)
                return r;
        if (args_flag(args, "list"))
                return list_kinds(EVENT_OF_GUEST);
        r = find_kind(args, EVENT_OF_GUEST, &kind, err);
        if (r >= 0 && args_text(args, "domain"))
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = subscribe_guest(cli, kind, guest, ids, err);
        if (r >= 0)
                r = run_watch(cli, args, &watch, err);
        unsubscribe(cli, EVENT_OF_GUEST, ids);
        return r;
}

/* Watches one kind of a class whose kinds are not watched together. name: of the object; NULL: of
 * all. */
static int watch_one(Cli *cli, const Args *args, const EventClass *class, const char *name,
                     Err *err) {
        Watch watch = {class->noun, false, args_flag(args, "loop"), args_flag(args, "timestamp")};
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int));
        const EventKind *kind;
        int r, id = 0;

        if (args_flag(args, "list"))
                return list_kinds(class->object);
        r = find_kind(args, class->object, &kind, err);
        if (r < 0)
                return r;
        if (!kind)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "either --list or --event <type> is required");
        r = class->subscribe(cli, kind, name, &id, err);
        if (r < 0)
                return r;
        g_array_append_val(ids, id);
        r = run_watch(cli, args, &watch, err);
        unsubscribe(cli, class->object, ids);
        return r;
}

static int subscribe_nodedev(Cli *cli, const EventKind *kind, const char *name, int *ret_id,
                             Err *err) {
        return event_subscribe_nodedev(cli->conn, kind, name, ret_id, err);
}

static int subscribe_net(Cli *cli, const EventKind *kind, const char *name, int *ret_id, Err *err) {
        g_autoptr(Net) net = NULL;
        int r = name ? net_lookup(cli->conn, name, &net, err) : 0;

        if (r < 0)
                return cli_failed(cli, r, "failed to get network '%s'", name);
        return event_subscribe_net(cli->conn, kind, net, ret_id, err);
}

static int subscribe_pool(Cli *cli, const EventKind *kind, const char *name, int *ret_id,
                          Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        int r = name ? storage_pool_lookup(cli->conn, name, &pool, err) : 0;

        if (r < 0)
                return cli_failed(cli, r, "failed to get pool '%s'", name);
        return event_subscribe_pool(cli->conn, kind, pool, ret_id, err);
}

int cmd_net_event(Cli *cli, const Args *args, Err *err) {
        static const EventClass networks = {EVENT_OF_NETWORK, "network", subscribe_net};

        return watch_one(cli, args, &networks, args_text(args, "network"), err);
}

int cmd_pool_event(Cli *cli, const Args *args, Err *err) {
        static const EventClass pools = {EVENT_OF_POOL, "storage pool", subscribe_pool};

        return watch_one(cli, args, &pools, args_text(args, "pool"), err);
}

int cmd_nodedev_event(Cli *cli, const Args *args, Err *err) {
        static const EventClass devices = {EVENT_OF_NODEDEV, "node device", subscribe_nodedev};
        const char *text = args_text(args, "device");
        g_autofree char *device = text ? cli_device_name(text) : NULL;

        return watch_one(cli, args, &devices, device, err);
}

static const Option options_event[] = {
        {"domain", OPTION_TEXT, .candidates = CANDIDATES_GUEST, .help = "only of this guest"},
        OPT_TEXT("event", "which event to wait for"),
        OPT_FLAG("all", "wait for any"),
        OPT_FLAG("loop", "wait for more than one, until timeout or interrupt"),
        OPT_NUMBER("timeout", "seconds to wait"),
        OPT_FLAG("list", "list the events"),
        OPT_FLAG("timestamp", "print the time of each"),
        OPT_END,
};

static const Command commands[] = {
        {"event", "wait for events of guests", NULL, options_event, .run = cmd_event,
         .examples = "event --all --loop\n"
                     "event --domain guest1 --event lifecycle --timeout 60"},
        {},
};

const CommandGroup group_events = {
        "events",
        "Domain Events",
        (const Command *const[]){commands, NULL},
};
