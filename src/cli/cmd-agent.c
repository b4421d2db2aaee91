/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's own agent is asked for, and QEMU itself. */
#include "cli/groups.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/table.h"
#include "client/guest-agent.h"
#include "client/param.h"

static int cmd_domhostname(Cli *cli, const Args *args, Err *err) {
        static const char *const sources[] = {"lease", "agent"};
        const char *from = args_text(args, "source");
        g_autoptr(Guest) guest = NULL;
        g_autofree char *name = NULL;
        unsigned source = 0;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        while (from && source < G_N_ELEMENTS(sources) && !g_str_equal(sources[source], from))
                source++;
        if (source == G_N_ELEMENTS(sources))
                return fail(err, VIR_ERR_INVALID_ARG, "Unknown data source '%s'", from);
        r = guest_hostname(cli->conn, guest, from ? 1u << source : 0, &name, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to get hostname");
        puts(name);
        return 0;
}

static int print_time(Cli *cli, const Args *args, const Guest *guest, Err *err) {
        g_autoptr(GDateTime) date = NULL;
        g_autofree char *text = NULL;
        GuestTime time;
        int r;

        r = guest_time(cli->conn, guest, &time, err);
        if (r < 0)
                return r;
        if (!args_flag(args, "pretty")) {
                printf("Time: %" PRId64, time.seconds);
                return 0;
        }
        date = g_date_time_new_from_unix_utc(time.seconds);
        text = date ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S") : NULL;
        printf("Time: %s", text ?: "-");
        return 0;
}

static int check_time(const Args *args, Err *err) {
        int r;

        r = args_exclusive(args, "time", "now", err);
        if (r >= 0)
                r = args_exclusive(args, "time", "sync", err);
        if (r >= 0)
                r = args_exclusive(args, "now", "sync", err);
        return r;
}

static int cmd_domtime(Cli *cli, const Args *args, Err *err) {
        bool now = args_flag(args, "now"), sync = args_flag(args, "sync");
        g_autoptr(Guest) guest = NULL;
        uint64_t seconds = 0;
        GuestTime time = {};
        int r;

        r = check_time(args, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = args_count(args, "time", INT64_MAX, &seconds, err);
        if (r < 0)
                return r;
        if (!now && !sync && !args_text(args, "time"))
                return print_time(cli, args, guest, err);
        if (!sync)
                time.seconds = now ? g_get_real_time() / G_USEC_PER_SEC : (int64_t)seconds;
        return guest_set_time(cli->conn, guest, &time, sync ? GUEST_TIME_SYNC : 0, err);
}

static int cmd_domfsinfo(Cli *cli, const Args *args, Err *err) {
        static const char *const head[] = {"Mountpoint", "Name", "Type", "Target", NULL};
        g_autoptr(Table) table = table_new(head);
        g_autoptr(GPtrArray) all = NULL;
        g_autoptr(Guest) guest = NULL;
        g_autofree char *text = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_filesystems(cli->conn, guest, &all, err);
        if (r < 0)
                return cli_failed(cli, r, "Unable to get filesystem information");
        if (all->len == 0) {
                cli_say(cli, "No filesystems are mounted in the domain");
                return 0;
        }
        for (unsigned i = 0; i < all->len; i++) {
                const GuestFs *fs = all->pdata[i];

                table_add(table,
                          (const char *const[]){fs->mountpoint, fs->name, fs->type, fs->targets});
        }
        text = table_format(table, !cli->quiet, 0);
        fputs(text, stdout);
        return 0;
}

static int cmd_domfsfreeze(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r, count;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_freeze(cli->conn, guest, args_rest(args), &count, err);
        if (r < 0)
                return cli_failed(cli, r, "Unable to freeze filesystems");
        cli_say(cli, "Froze %d filesystem(s)\n", count);
        return 0;
}

static int cmd_domfsthaw(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r, count;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_thaw(cli->conn, guest, args_rest(args), &count, err);
        if (r < 0)
                return cli_failed(cli, r, "Unable to thaw filesystems");
        cli_say(cli, "Thawed %d filesystem(s)\n", count);
        return 0;
}

static int cmd_domfstrim(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        uint64_t minimum = 0;
        int r;

        r = args_count(args, "minimum", UINT64_MAX, &minimum, err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_trim(cli->conn, guest, args_text(args, "mountpoint"), minimum, err);
        if (r < 0)
                return cli_failed(cli, r, "Unable to invoke fstrim");
        return 0;
}

static int cmd_guestinfo(Cli *cli, const Args *args, Err *err) {
        static const ArgsBit bits[] = {
                {"user", 1 << 0},      {"os", 1 << 1},         {"timezone", 1 << 2},
                {"hostname", 1 << 3},  {"filesystem", 1 << 4}, {"disk", 1 << 5},
                {"interface", 1 << 6}, {"load", 1 << 7},       {},
        };
        g_autoptr(GPtrArray) facts = NULL;
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_facts(cli->conn, guest, args_bits(args, bits), &facts, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < facts->len; i++) {
                const Param *fact = facts->pdata[i];

                printf("%-20s: %s\n", fact->field, fact->text);
        }
        return 0;
}

static int cmd_set_user_password(Cli *cli, const Args *args, Err *err) {
        GuestPassword what = {
                .user = args_text(args, "user"),
                .password = args_text(args, "password"),
                .encrypted = args_flag(args, "encrypted"),
        };
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_set_password(cli->conn, guest, &what, err);
        if (r < 0)
                return r;
        cli_say(cli, "Password set successfully for %s in %s", what.user, guest->name);
        return 0;
}

/* In the order of libvirt's numbers. */
static const char *const pm_targets[] = {"mem", "disk", "hybrid", NULL};

static int cmd_dompmsuspend(Cli *cli, const Args *args, Err *err) {
        const char *text = args_text(args, "target");
        g_autoptr(Guest) guest = NULL;
        uint64_t duration = 0;
        unsigned target = 0;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = args_count(args, "duration", UINT64_MAX, &duration, err);
        if (r < 0)
                return r;
        while (pm_targets[target] && !g_str_equal(pm_targets[target], text))
                target++;
        if (!pm_targets[target])
                return fail(err, VIR_ERR_INVALID_ARG, "Invalid target");
        r = guest_pm_suspend(cli->conn, guest, target, duration, err);
        if (r < 0)
                return cli_failed(cli, r, "Domain '%s' could not be suspended", guest->name);
        cli_say(cli, "Domain '%s' successfully suspended", guest->name);
        return 0;
}

static bool is_json(const char *text) {
        g_autoptr(json_t) doc = json_loads(text, 0, NULL);

        return doc != NULL;
}

/* Words as a command in JSON: that text itself, or a command's name and its arguments, as an object
 * or as the inside of one. */
static int wrap_command(char *const *words, char **ret, Err *err) {
        g_autofree char *whole = g_strjoinv(" ", (char **)(uintptr_t)words);
        g_autofree char *rest = words[1] ? g_strjoinv(" ", (char **)(uintptr_t)words + 1) : NULL;
        g_autofree char *text = NULL;

        if (is_json(whole)) {
                *ret = g_steal_pointer(&whole);
                return 0;
        }
        if (!rest)
                text = g_strdup_printf("{\"execute\":\"%s\"}", words[0]);
        else
                text = g_strdup_printf("{\"execute\":\"%s\",\"arguments\":%s%s%s}", words[0],
                                       *rest == '{' ? "" : "{", rest, *rest == '{' ? "" : "}");
        if (!is_json(text))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "failed to wrap arguments '%s' into a QMP command wrapper",
                            rest ?: words[0]);
        *ret = g_steal_pointer(&text);
        return 0;
}

/* doc indented as virsh does it: the end of what is empty stands on a line of its own. */
static char *indent_json(const json_t *doc) {
        g_autofree char *text = json_dumps(doc, JSON_ENCODE_ANY | JSON_INDENT(2));
        GString *out = g_string_new(NULL);
        bool quoted = false, at_start = true;
        int indent = 0;

        for (const char *p = text; *p; p++) {
                if (*p == '\n') {
                        at_start = true;
                        indent = 0;
                } else if (at_start && *p == ' ') {
                        indent++;
                } else {
                        at_start = false;
                }
                if (*p == '"' && (p == text || p[-1] != '\\'))
                        quoted = !quoted;
                g_string_append_c(out, *p);
                if (!quoted && ((p[0] == '{' && p[1] == '}') || (p[0] == '[' && p[1] == ']')))
                        g_string_append_printf(out, "\n%*s", indent, "");
        }
        return g_string_free(out, FALSE);
}

/* Prints an answer as it is; or, to --pretty, indented and with end behind it. */
static int print_answer(const Args *args, const char *answer, const char *end) {
        g_autoptr(json_t) doc = args_flag(args, "pretty") ? json_loads(answer, 0, NULL) : NULL;
        g_autofree char *text = doc ? indent_json(doc) : NULL;

        printf("%s%s", text ?: answer, text ? end : "\n");
        return 0;
}

static int print_return(const Args *args, const char *answer, Err *err) {
        g_autoptr(json_t) doc = json_loads(answer, 0, NULL);
        const json_t *value = json_object_get(doc, "return");
        g_autofree char *text = NULL;

        if (!value)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "'return' member missing");
        text = args_flag(args, "pretty") ? indent_json(value)
                                         : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        fputs(text, stdout);
        return 0;
}

static int cmd_qemu_monitor_command(Cli *cli, const Args *args, Err *err) {
        bool hmp = args_flag(args, "hmp");
        g_autofree char *command = NULL;
        g_autofree char *answer = NULL;
        g_autoptr(Guest) guest = NULL;
        int r;

        r = args_exclusive(args, "hmp", "pretty", err);
        if (r >= 0)
                r = args_exclusive(args, "hmp", "return-value", err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0 && !hmp)
                r = wrap_command(args_rest(args), &command, err);
        if (r < 0)
                return r;
        if (hmp)
                command = g_strjoinv(" ", (char **)(uintptr_t)args_rest(args));
        r = guest_monitor_command(cli->conn, guest, command, hmp ? GUEST_MONITOR_HMP : 0, &answer,
                                  err);
        if (r < 0)
                return r;
        if (args_flag(args, "return-value"))
                return print_return(args, answer, err);
        return print_answer(args, answer, "");
}

/* libvirt's numbers for waits that are no seconds. */
#define AGENT_WAIT_FOREVER (-2)
#define AGENT_WAIT_DEFAULT (-1)
#define AGENT_WAIT_NOT     0

static int agent_timeout(const Args *args, int *ret, Err *err) {
        bool async = args_flag(args, "async"), block = args_flag(args, "block");
        uint64_t seconds = 0;
        int r;

        if ((args_text(args, "timeout") != NULL) + async + block > 1)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "timeout, async and block options are exclusive");
        r = args_count(args, "timeout", INT_MAX, &seconds, err);
        if (r < 0)
                return r;
        if (args_text(args, "timeout") && seconds == 0)
                return fail(err, VIR_ERR_INVALID_ARG, "timeout must be positive");
        *ret = seconds > 0 ? (int)seconds
               : async     ? AGENT_WAIT_NOT
               : block     ? AGENT_WAIT_FOREVER
                           : AGENT_WAIT_DEFAULT;
        return 0;
}

static int cmd_qemu_agent_command(Cli *cli, const Args *args, Err *err) {
        g_autofree char *command = g_strjoinv(" ", (char **)(uintptr_t)args_rest(args));
        g_autofree char *answer = NULL;
        g_autoptr(Guest) guest = NULL;
        int r, timeout = AGENT_WAIT_DEFAULT;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = agent_timeout(args, &timeout, err);
        if (r >= 0)
                r = guest_agent_command(cli->conn, guest, command, timeout, &answer, err);
        if (r < 0 || !answer)
                return r;
        return print_answer(args, answer, "\n\n");
}

#define OPT_COMMAND                                                                       \
        {                                                                                 \
                .name = "cmd", .kind = OPTION_REST, .positional = true, .required = true, \
                .help = "the command"                                                     \
        }

static const Option options_domtime[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("now", "set it to the time of this host"),
        OPT_FLAG("pretty", "as date and time"),
        OPT_FLAG("sync", "set it from the guest's own hardware clock"),
        OPT_NUMBER("time", "set it to these seconds since 1970"),
        OPT_END,
};
static const Option options_domhostname[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_TEXT("source", "who is asked: lease|agent"),
        OPT_END,
};
static const Option options_guest[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_END};
static const Option options_mountpoints[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_REST("mountpoint", "only these mount points"),
        OPT_END,
};
static const Option options_domfstrim[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_TEXT("minimum", "bytes; shorter gaps stay"),
        OPT_TEXT("mountpoint", "only this one"),
        OPT_END,
};
static const Option options_guestinfo[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),     OPT_FLAG("user", "who is logged in"),
        OPT_FLAG("os", "its operating system"), OPT_FLAG("timezone", "its time zone"),
        OPT_FLAG("hostname", "its host name"),  OPT_FLAG("filesystem", "its file systems"),
        OPT_FLAG("disk", "its disks"),          OPT_FLAG("interface", "its network interfaces"),
        OPT_FLAG("load", "how busy it is"),     OPT_END,
};
static const Option options_set_user_password[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_NEED("user", CANDIDATES_NONE, "name of the user"),
        OPT_NEED("password", CANDIDATES_NONE, "the new password"),
        OPT_FLAG("encrypted", "it is hashed already"),
        OPT_END,
};
static const Option options_dompmsuspend[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        {.name = "target",
         .kind = OPTION_TEXT,
         .positional = true,
         .required = true,
         .candidates = CANDIDATES_WORDS,
         .words = pm_targets,
         .help = "where its state goes: mem|disk|hybrid"},
        OPT_NAMED_NUMBER("duration", "seconds; 0: until it is woken"),
        OPT_END,
};
static const Option options_monitor[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("hmp", "in the words of QEMU's human monitor"),
        OPT_FLAG("pretty", "indent the answer"),
        OPT_FLAG("return-value", "only what the command returned"),
        OPT_COMMAND,
        OPT_END,
};
static const Option options_agent[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_NAMED_NUMBER("timeout", "seconds that it may take"),
        OPT_FLAG("async", "do not wait for the answer"),
        OPT_FLAG("block", "wait without limit"),
        OPT_FLAG("pretty", "indent the answer"),
        OPT_COMMAND,
        OPT_END,
};

const Command commands_agent[] = {
        {"domfsfreeze", "stop writes to a guest's file systems", NULL, options_mountpoints,
         .run = cmd_domfsfreeze},
        {"domfsinfo", "list a guest's file systems", NULL, options_guest, .run = cmd_domfsinfo},
        {"domfsthaw", "allow writes to a guest's file systems again", NULL, options_mountpoints,
         .run = cmd_domfsthaw},
        {"domfstrim", "give back what a guest's file systems do not use", NULL, options_domfstrim,
         .run = cmd_domfstrim},
        {"domhostname", "print what a guest calls itself", NULL, options_domhostname,
         .run = cmd_domhostname},
        {"dompmsuspend", "let a guest suspend itself", NULL, options_dompmsuspend,
         .run = cmd_dompmsuspend},
        {"dompmwakeup", "wake a guest that suspended itself", NULL, options_guest,
         .run = cmd_action},
        {"domtime", "show or set the time in a guest", NULL, options_domtime, .run = cmd_domtime},
        {"guestinfo", "show what a guest's agent tells about it", NULL, options_guestinfo,
         .run = cmd_guestinfo},
        {"qemu-agent-command", "say something to a guest's agent", NULL, options_agent,
         .run = cmd_qemu_agent_command},
        {"qemu-monitor-command", "say something to QEMU", NULL, options_monitor,
         .run = cmd_qemu_monitor_command},
        {"set-user-password", "set the password of a guest's user", NULL, options_set_user_password,
         .run = cmd_set_user_password},
        {},
};
