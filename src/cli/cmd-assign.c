/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/report.h"
#include "client/assign.h"
#include "rpc/airlock.h"

/* Prints a document as JSON or, by format, for a person. Frees nothing. */
static int print(const Cli *cli, const Args *args, const char *text,
                 char *(*format)(const json_t *doc, const ReportStyle *style), Err *err) {
        ReportStyle style = {.quiet = cli->quiet, .width = table_terminal_width()};
        g_autoptr(json_t) doc = NULL;
        g_autofree char *out = NULL;
        int r;

        r = report_parse(text, &doc, err);
        if (r < 0)
                return r;
        if (cli->json || args_flag(args, "json"))
                out = report_json(doc);
        else
                out = format(doc, &style);
        fputs(out, stdout);
        return 0;
}

static int cmd_devices(Cli *cli, const Args *args, Err *err) {
        g_autofree char *text = NULL;
        int r;

        r = assign_devices(cli->conn, &text, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list devices");
        return print(cli, args, text, report_devices, err);
}

static int cmd_groups(Cli *cli, const Args *args, Err *err) {
        g_autofree char *text = NULL;
        int r;

        r = assign_groups(cli->conn, &text, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to list IOMMU groups");
        return print(cli, args, text, report_groups, err);
}

static int cmd_ledger(Cli *cli, const Args *args, Err *err) {
        g_autofree char *text = NULL;
        int r;

        r = assign_ledger(cli->conn, &text, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to read the ledger");
        return print(cli, args, text, report_ledger, err);
}

static int cmd_verdict(Cli *cli, const Args *args, Err *err) {
        const char *device = args_text(args, "device");
        g_autofree char *text = NULL;
        bool assignable;
        int r;

        r = assign_verdict(cli->conn, device, args_text(args, "domain"), &text, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to judge device %s", device);
        r = print(cli, args, text, report_verdict, err);
        if (r < 0)
                return r;
        r = report_is_assignable(text, &assignable, err);
        if (r < 0)
                return r;
        /* "no" is an answer; scripts read it from the exit status. */
        return assignable ? 0 : -1;
}

/* The plans that there are: what each is about. */
static const struct PlanKind {
        const char *name;
        bool guest;   /* the first word is a guest */
        bool subject; /* a device follows */
        bool several; /* or several */
        bool file;    /* the device can be a file with its XML */
} plan_kinds[] = {
        {"start", .guest = true},
        {"attach", .guest = true, .subject = true, .file = true},
        {"detach", .guest = true, .subject = true, .file = true},
        {"detach-host", .subject = true, .several = true},
        {"reattach-host", .subject = true, .several = true},
        {"reset", .subject = true},
};

static const char *const plan_kind_names[] = {
        "start", "attach", "detach", "detach-host", "reattach-host", "reset", NULL,
};
G_STATIC_ASSERT(G_N_ELEMENTS(plan_kind_names) == G_N_ELEMENTS(plan_kinds) + 1);

static const struct PlanKind *find_kind(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(plan_kinds); i++)
                if (g_str_equal(plan_kinds[i].name, name))
                        return &plan_kinds[i];
        return NULL;
}

static int check_words(const struct PlanKind *kind, char *const *words, Err *err) {
        unsigned n = g_strv_length((char **)(uintptr_t)words);
        unsigned least = (kind->guest ? 1 : 0) + (kind->subject ? 1 : 0);

        if (n < least)
                return fail(err, VIR_ERR_INVALID_ARG, "plan '%s' needs %s%s%s", kind->name,
                            kind->guest ? "a guest" : "",
                            kind->guest && kind->subject ? " and " : "",
                            kind->subject ? "a device" : "");
        if (n > least && !kind->several)
                return fail(err, VIR_ERR_INVALID_ARG, "unexpected data '%s'", words[least]);
        return 0;
}

static unsigned plan_flags(const Args *args) {
        unsigned flags = cli_handover_flags(args);

        flags |= args_flag(args, "live") ? AIRLOCK_LIVE : 0;
        flags |= args_flag(args, "config") ? AIRLOCK_CONFIG : 0;
        flags |= args_flag(args, "paused") ? AIRLOCK_PAUSED : 0;
        return flags;
}

/* A device's name, or the XML in the file of that name. */
static int read_subject(const struct PlanKind *kind, const char *word, char **ret, Err *err) {
        if (kind->file && g_file_test(word, G_FILE_TEST_IS_REGULAR))
                return cli_read_file(word, ret, err);
        *ret = g_strdup(word);
        return 0;
}

static int show_plan(Cli *cli, const Args *args, const AssignPlan *plan, Err *err) {
        g_autofree char *text = NULL;
        int r;

        r = assign_plan(cli->conn, plan, &text, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to plan %s%s%s", plan->kind,
                                  plan->guest ? " of guest " : "", plan->guest ?: "");
        return print(cli, args, text, report_plan, err);
}

static int cmd_plan(Cli *cli, const Args *args, Err *err) {
        char *const *words = args_rest(args);
        AssignPlan plan = {.flags = plan_flags(args)};
        const struct PlanKind *kind = find_kind(args_text(args, "kind"));
        int r;

        if (!kind)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INVALID_ARG, "there is no plan '%s'",
                                      args_text(args, "kind")),
                                 "start, attach, detach, detach-host, reattach-host or reset");
        r = check_words(kind, words, err);
        if (r < 0)
                return r;
        plan.kind = kind->name;
        plan.guest = kind->guest ? *words++ : NULL;
        do {
                g_autofree char *subject = NULL;

                r = kind->subject ? read_subject(kind, *words++, &subject, err) : 0;
                if (r < 0)
                        return r;
                plan.subject = subject;
                r = show_plan(cli, args, &plan, err);
        } while (r >= 0 && kind->subject && *words);
        return r;
}

static const Option options_json[] = {OPT_JSON, OPT_END};
static const Option options_verdict[] = {
        OPT_NEED("device", CANDIDATES_PCI, "name or PCI address of the device"),
        OPT_MAY("domain", CANDIDATES_GUEST, "the guest that is to have it; any when none is given"),
        OPT_JSON,
        OPT_END,
};
static const Option options_plan[] = {
        {"kind", OPTION_TEXT, .positional = true, .required = true, .candidates = CANDIDATES_WORDS,
         .words = plan_kind_names,
         .help = "start, attach, detach, detach-host, reattach-host or reset"},
        OPT_HANDOVER,
        OPT_FLAG("live", "attach, detach: the running guest"),
        OPT_FLAG("config", "attach, detach: the definition"),
        OPT_FLAG("paused", "start: leave the guest paused"),
        OPT_JSON,
        {"subject", OPTION_REST, .positional = true, .candidates = CANDIDATES_SUBJECT,
         .help = "the guest, then the device or a file with its XML"},
        OPT_END,
};

static const Command commands[] = {
        {"devices", "list the host's PCI devices, and who has them",
         "For each: address, class, name, driver, IOMMU group, the side that it is on (host, "
         "parked or guest), the guest that has it, and whether a guest could have it now.",
         options_json, .json = true, .run = cmd_devices},
        {"groups", "list the IOMMU groups and what is in them", NULL, options_json, .json = true,
         .run = cmd_groups},
        {"ledger", "list the devices that Airlock moved, and what it corrected",
         "For each: where it is, whose it is, and which driver gets it back. Below them, what the "
         "daemon corrected when it started.",
         options_json, .json = true, .run = cmd_ledger},
        {"plan", "show what would be done, without doing it",
         "The kinds: start GUEST; attach or detach GUEST and a device or a file with its XML; "
         "detach-host or reattach-host DEVICE...; reset DEVICE. Prints the steps, and how each is "
         "undone. Several devices are several plans, and as many JSON documents.",
         options_plan, .json = true, .run = cmd_plan,
         .examples = "plan start guest1\n"
                     "plan attach guest1 card.xml\n"
                     "plan detach-host 01:00.0"},
        {"verdict", "tell whether a guest can have a device now",
         "Names every blocker, who is behind it, and the way out. The exit status is 0 when a "
         "guest can have the device and 1 when not.",
         options_verdict, .json = true, .run = cmd_verdict,
         .examples = "verdict 01:00.0\n"
                     "verdict pci_0000_01_00_0 guest1 --json"},
        {},
};

const CommandGroup group_assign = {
        "assign",
        "Device Assignment",
        (const Command *const[]){commands, NULL},
};
