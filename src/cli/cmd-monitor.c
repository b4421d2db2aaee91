/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/table.h"
#include "cli/xpath.h"
#include "client/guest-save.h"
#include "client/host.h"

#define REASONS_MAX 16

/* Id, Name, State, Title, UUID. */
#define LIST_COLUMNS_MAX 5

/* libvirt's words for its numbers. */
static const struct {
        const char *state;
        const char *reasons[REASONS_MAX];
} state_words[_GUEST_STATE_MAX] = {
        [GUEST_STATE_NONE] = {"no state"},
        [GUEST_STATE_RUNNING] = {"running",
                                 {"unknown", "booted", "migrated", "restored", "from snapshot",
                                  "unpaused", "migration canceled", "save canceled", "event wakeup",
                                  "crashed", "post-copy", "post-copy failed"}},
        [GUEST_STATE_IDLE] = {"idle"},
        [GUEST_STATE_PAUSED] = {"paused",
                                {"unknown", "user", "migrating", "saving", "dumping", "I/O error",
                                 "watchdog", "from snapshot", "shutting down", "creating snapshot",
                                 "crashed", "starting up", "post-copy", "post-copy failed",
                                 "api error"}},
        [GUEST_STATE_IN_SHUTDOWN] = {"in shutdown", {"unknown", "user"}},
        [GUEST_STATE_SHUT_OFF] = {"shut off",
                                  {"unknown", "shutdown", "destroyed", "crashed", "migrated",
                                   "saved", "failed", "from snapshot", "daemon"}},
        [GUEST_STATE_CRASHED] = {"crashed", {"unknown", "panicked"}},
        [GUEST_STATE_PMSUSPENDED] = {"pmsuspended"},
};

static const char *state_text(GuestState state) {
        return (unsigned)state < _GUEST_STATE_MAX ? state_words[state].state : "no state";
}

static const char *reason_text(GuestState state, int reason) {
        if ((unsigned)state >= _GUEST_STATE_MAX || reason < 0 || reason >= REASONS_MAX ||
            !state_words[state].reasons[reason])
                return "unknown";
        return state_words[state].reasons[reason];
}

static const struct {
        const char *option;
        unsigned flag;
} list_filters[] = {
        {"transient", GUEST_LIST_TRANSIENT},
        {"persistent", GUEST_LIST_PERSISTENT},
        {"with-snapshot", GUEST_LIST_SNAPSHOT},
        {"without-snapshot", GUEST_LIST_NO_SNAPSHOT},
        {"with-checkpoint", GUEST_LIST_CHECKPOINT},
        {"without-checkpoint", GUEST_LIST_NO_CHECKPOINT},
        {"state-running", GUEST_LIST_RUNNING},
        {"state-paused", GUEST_LIST_PAUSED},
        {"state-shutoff", GUEST_LIST_SHUTOFF},
        {"state-other", GUEST_LIST_OTHER},
        {"autostart", GUEST_LIST_AUTOSTART},
        {"no-autostart", GUEST_LIST_NO_AUTOSTART},
        {"with-managed-save", GUEST_LIST_MANAGED_SAVE},
        {"without-managed-save", GUEST_LIST_NO_MANAGED_SAVE},
};

static unsigned list_flags(const Args *args) {
        unsigned flags = GUEST_LIST_ACTIVE;

        if (args_flag(args, "inactive"))
                flags = GUEST_LIST_INACTIVE;
        if (args_flag(args, "all"))
                flags = GUEST_LIST_ACTIVE | GUEST_LIST_INACTIVE;
        for (size_t i = 0; i < G_N_ELEMENTS(list_filters); i++)
                if (args_flag(args, list_filters[i].option))
                        flags |= list_filters[i].flag;
        return flags;
}

/* Running guests by id, then the others by name. */
static int compare_guests(const void *a, const void *b) {
        const Guest *x = *(Guest *const *)a, *y = *(Guest *const *)b;

        if (x->id == -1 && y->id == -1)
                return g_ascii_strcasecmp(x->name, y->name);
        if (x->id == -1 || y->id == -1)
                return x->id == -1 ? 1 : -1;
        return x->id < y->id ? -1 : x->id > y->id;
}

static char *id_text(const Guest *guest) {
        return guest->id == -1 ? g_strdup("-") : g_strdup_printf("%d", guest->id);
}

/* One line of bare columns, for scripts. */
static void print_columns(const Args *args, const Guest *guest) {
        bool uuid = args_flag(args, "uuid"), id = args_flag(args, "id");
        bool name = args_flag(args, "name");
        g_autofree char *id_column = id_text(guest);
        g_autoptr(GPtrArray) columns = g_ptr_array_new();
        g_autofree char *line = NULL;
        char uuid_text[37];

        if (id && !uuid && !name && guest->id == -1)
                return;
        guest_format_uuid(guest, uuid_text);
        if (uuid)
                g_ptr_array_add(columns, uuid_text);
        if (id)
                g_ptr_array_add(columns, id_column);
        if (name)
                g_ptr_array_add(columns, guest->name);
        g_ptr_array_add(columns, NULL);
        line = g_strjoinv(" ", (char **)columns->pdata);
        puts(line);
}

/* What column State shows: "saved" for a guest that is off with a saved state, when asked for. */
static int shown_state(Cli *cli, const Args *args, const Guest *guest, const char **ret, Err *err) {
        bool saved = false;
        GuestState state;
        int r;

        r = guest_state(cli->conn, guest, &state, NULL, err);
        if (r < 0)
                return r;
        if (args_flag(args, "managed-save") && state == GUEST_STATE_SHUT_OFF)
                r = guest_ask(cli->conn, guest, GUEST_HAS_MANAGED_SAVE, &saved, err);
        *ret = saved ? "saved" : state_text(state);
        return r;
}

static int add_row(Cli *cli, const Args *args, Table *table, const Guest *guest, Err *err) {
        g_autofree char *id = id_text(guest);
        g_autofree char *title = NULL;
        const char *cells[LIST_COLUMNS_MAX] = {id, guest->name};
        char uuid[37];
        size_t n = 3;
        int r;

        r = shown_state(cli, args, guest, &cells[2], err);
        if (r < 0)
                return r;
        /* A guest without a title is answered by an error. */
        if (args_flag(args, "title") &&
            guest_metadata(cli->conn, guest, &(GuestMetadata){.type = GUEST_TITLE}, &title, NULL) <
                    0)
                title = g_strdup("");
        if (args_flag(args, "title"))
                cells[n++] = title;
        guest_format_uuid(guest, uuid);
        if (args_flag(args, "uuid"))
                cells[n++] = uuid;
        table_add(table, cells);
        return 0;
}

static int print_table(Cli *cli, const Args *args, const GPtrArray *guests, Err *err) {
        const char *head[LIST_COLUMNS_MAX + 1] = {"Id", "Name", "State"};
        g_autoptr(Table) table = NULL;
        g_autofree char *text = NULL;
        size_t n = 3;

        if (args_flag(args, "title"))
                head[n++] = "Title";
        if (args_flag(args, "uuid"))
                head[n++] = "UUID";
        table = table_new(head);
        for (unsigned i = 0; i < guests->len; i++) {
                g_auto(Err) reason = ERR_INIT;

                if (add_row(cli, args, table, guests->pdata[i], &reason) >= 0)
                        continue;
                /* It went away between the list and the question. */
                if (reason.code == VIR_ERR_NO_DOMAIN)
                        continue;
                err_move(err, &reason);
                return -EIO;
        }
        text = table_format(table, !cli->quiet, 0);
        fputs(text, stdout);
        return 0;
}

static int check_columns(const Args *args, Err *err) {
        int r;

        r = args_exclusive(args, "table", "name", err);
        if (r < 0)
                return r;
        return args_exclusive(args, "table", "id", err);
}

static int cmd_list(Cli *cli, const Args *args, Err *err) {
        bool bare = args_flag(args, "uuid") || args_flag(args, "id") || args_flag(args, "name");
        g_autoptr(GPtrArray) guests = NULL;
        int r;

        r = check_columns(args, err);
        if (r < 0)
                return r;
        r = guest_list(cli->conn, list_flags(args), &guests, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list domains");
        g_ptr_array_sort(guests, compare_guests);
        if (!bare || args_flag(args, "table"))
                return print_table(cli, args, guests, err);
        for (unsigned i = 0; i < guests->len; i++)
                print_columns(args, guests->pdata[i]);
        return 0;
}

static int cmd_domid(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        g_autofree char *id = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_NAME | GUEST_BY_UUID, &guest, err);
        if (r < 0)
                return r;
        id = id_text(guest);
        puts(id);
        return 0;
}

static int cmd_domname(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ID | GUEST_BY_UUID, &guest, err);
        if (r < 0)
                return r;
        puts(guest->name);
        return 0;
}

static int cmd_domuuid(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        char uuid[37];
        int r;

        r = cli_guest(cli, args, GUEST_BY_ID | GUEST_BY_NAME, &guest, err);
        if (r < 0)
                return r;
        guest_format_uuid(guest, uuid);
        puts(uuid);
        return 0;
}

static int cmd_domstate(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        GuestState state;
        int r, reason;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_state(cli->conn, guest, &state, &reason, err);
        if (r < 0)
                return r;
        if (args_flag(args, "reason"))
                printf("%s (%s)\n", state_text(state), reason_text(state, reason));
        else
                puts(state_text(state));
        return 0;
}

static void print_field(const char *label, const char *value) {
        printf("%-15s %s\n", label, value);
}

/* A field that an older daemon may not know is left out. */
static void print_answer(Cli *cli, const Guest *guest, GuestQuestion question,
                         const char *const words[static 3]) {
        bool answer;

        if (guest_ask(cli->conn, guest, question, &answer, NULL) >= 0)
                print_field(words[0], words[answer ? 2 : 1]);
}

static void print_memory(const char *label, uint64_t kib) {
        printf("%-15s %" PRIu64 " KiB\n", label, kib);
}

static void print_identity(Cli *cli, const Guest *guest) {
        g_autofree char *id = id_text(guest);
        g_autofree char *os_type = NULL;
        char uuid[37];

        guest_format_uuid(guest, uuid);
        print_field("Id:", id);
        print_field("Name:", guest->name);
        print_field("UUID:", uuid);
        if (guest_os_type(cli->conn, guest, &os_type, NULL) >= 0)
                print_field("OS Type:", os_type);
}

static void print_usage(const GuestInfo *info) {
        print_field("State:", state_text(info->state));
        printf("%-15s %u\n", "CPU(s):", info->vcpus);
        if (info->cpu_time > 0)
                printf("%-15s %.1fs\n", "CPU time:", (double)info->cpu_time / 1e9);
        if (info->max_memory == UINT_MAX)
                print_field("Max memory:", "no limit");
        else
                print_memory("Max memory:", info->max_memory);
        print_memory("Used memory:", info->memory);
}

/* How the daemon confines its guests, and this one. */
static void print_security(Cli *cli, const Guest *guest) {
        g_autofree char *model = NULL;
        g_autofree char *doi = NULL;
        g_autofree char *label = NULL;
        bool enforcing;

        if (host_security_model(cli->conn, &model, &doi, NULL) < 0 || !*model)
                return;
        print_field("Security model:", model);
        print_field("Security DOI:", doi);
        if (guest->id == -1 ||
            guest_security_label(cli->conn, guest, &label, &enforcing, NULL) < 0 || !*label)
                return;
        printf("%-15s %s (%s)\n", "Security label:", label, enforcing ? "enforcing" : "permissive");
}

static void print_messages(Cli *cli, const Guest *guest) {
        g_auto(GStrv) messages = NULL;

        if (guest_messages(cli->conn, guest, &messages, NULL) < 0)
                return;
        for (unsigned i = 0; messages[i]; i++)
                print_field(i == 0 ? "Messages:" : "", messages[i]);
}

static int cmd_dominfo(Cli *cli, const Args *args, Err *err) {
        static const char *const persistent[] = {"Persistent:", "no", "yes"};
        static const char *const autostart[] = {"Autostart:", "disable", "enable"};
        static const char *const once[] = {"Autostart Once:", "disable", "enable"};
        static const char *const saved[] = {"Managed save:", "no", "yes"};
        g_autoptr(Guest) guest = NULL;
        GuestInfo info;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_info(cli->conn, guest, &info, err);
        if (r < 0)
                return r;
        print_identity(cli, guest);
        print_usage(&info);
        print_answer(cli, guest, GUEST_IS_PERSISTENT, persistent);
        print_answer(cli, guest, GUEST_HAS_AUTOSTART, autostart);
        print_answer(cli, guest, GUEST_HAS_AUTOSTART_ONCE, once);
        print_answer(cli, guest, GUEST_HAS_MANAGED_SAVE, saved);
        print_security(cli, guest);
        print_messages(cli, guest);
        return 0;
}

static int cmd_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        g_autofree char *xml = NULL;
        unsigned flags = 0;
        int r;

        flags |= args_flag(args, "security-info") ? GUEST_XML_SECURE : 0;
        flags |= args_flag(args, "inactive") ? GUEST_XML_INACTIVE : 0;
        flags |= args_flag(args, "update-cpu") ? GUEST_XML_UPDATE_CPU : 0;
        flags |= args_flag(args, "migratable") ? GUEST_XML_MIGRATABLE : 0;
        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_xml(cli->conn, guest, flags, &xml, err);
        if (r < 0)
                return r;
        return xpath_print(args, xml, err);
}

static const Option options_list[] = {
        OPT_FLAG("inactive", "only guests that are off"),
        OPT_FLAG("all", "running ones and those that are off"),
        OPT_FLAG("transient", "only guests without a definition"),
        OPT_FLAG("persistent", "only guests with a definition"),
        OPT_FLAG("with-snapshot", "only guests with snapshots"),
        OPT_FLAG("without-snapshot", "only guests without snapshots"),
        OPT_FLAG("with-checkpoint", "only guests with checkpoints"),
        OPT_FLAG("without-checkpoint", "only guests without checkpoints"),
        OPT_FLAG("state-running", "only guests that run"),
        OPT_FLAG("state-paused", "only guests that are paused"),
        OPT_FLAG("state-shutoff", "only guests that are off"),
        OPT_FLAG("state-other", "only guests in another state"),
        OPT_FLAG("autostart", "only guests that start with the daemon"),
        OPT_FLAG("no-autostart", "only guests that do not start with the host"),
        OPT_FLAG("with-managed-save", "only guests with a saved state"),
        OPT_FLAG("without-managed-save", "only guests without a saved state"),
        OPT_FLAG("uuid", "print UUIDs alone, or a column of them with --table"),
        OPT_FLAG("name", "print names alone"),
        OPT_FLAG("id", "print ids alone"),
        OPT_FLAG("table", "print a table, as without options"),
        OPT_FLAG("managed-save", "say which guests have a saved state"),
        OPT_FLAG("title", "print titles too"),
        OPT_END,
};
static const Option options_guest[] = {OPT_GUEST(CANDIDATES_GUEST), OPT_END};
static const Option options_active[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_END};
static const Option options_domstate[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("reason", "tell what led to it, too"),
        OPT_END,
};
static const Option options_dumpxml[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("inactive", "the definition, not the guest as it runs"),
        OPT_FLAG("security-info", "show passwords, too"),
        OPT_FLAG("update-cpu", "with the guest's processor worked out"),
        OPT_FLAG("migratable", "as another host would take it"),
        OPT_XPATH,
        OPT_END,
};

static const Command commands[] = {
        {"domid", "print the id of a guest", NULL, options_guest, .run = cmd_domid},
        {"dominfo", "show what is known of a guest", NULL, options_guest, .run = cmd_dominfo},
        {"domname", "print the name of a guest", NULL, options_active, .run = cmd_domname},
        {"domstate", "print the state of a guest", NULL, options_domstate, .run = cmd_domstate},
        {"domuuid", "print the UUID of a guest", NULL, options_guest, .run = cmd_domuuid},
        {"dumpxml", "show a guest, in XML", NULL, options_dumpxml, .run = cmd_dumpxml},
        {"list", "list the guests", "Guests that run; with --all, those that are off too.",
         options_list, .run = cmd_list,
         .examples = "list --all\n"
                     "list --name --state-running"},
        {},
};

const CommandGroup group_monitor = {
        "monitor",
        "Domain Monitoring",
        (const Command *const[]){commands, commands_stats, commands_display, NULL},
};
