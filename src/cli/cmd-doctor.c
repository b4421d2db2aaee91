/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/groups.h"
#include "cli/options.h"
#include "cli/report.h"
#include "client/assign.h"
#include "doctor/doctor.h"

/* 1 is for commands that could not do their work. */
#define STATUS_FAILED 2

static int print_report(Cli *cli, const Args *args, const json_t *report, Err *err) {
        bool as_json = cli->json || args_flag(args, "json");
        g_autofree char *text = NULL;
        DoctorVerdict worst;

        if (doctor_report_worst(report, &worst) < 0)
                return fail(err, VIR_ERR_RPC, "the daemon sent something that is no report");
        text = as_json ? report_json(report) : doctor_report_text(report, cli->quiet);
        fputs(text, stdout);
        if (worst >= (args_flag(args, "strict") ? DOCTOR_WARN : DOCTOR_FAIL))
                cli->status = STATUS_FAILED;
        return 0;
}

static int examine_here(const Args *args, json_t **ret, Err *err) {
        g_autoptr(Doctor) doctor = NULL;
        int r = doctor_new(args_text(args, "root"), &doctor, err);

        if (r == 0)
                r = doctor_run(doctor, args_rest(args), err);
        if (r == 0)
                *ret = doctor_to_json(doctor);
        return r;
}

static int ask_daemon(Cli *cli, const Args *args, json_t **ret, Err *err) {
        g_autofree char *text = NULL;
        int r = cli_connect(cli, err);

        if (r == 0)
                r = assign_doctor(cli->conn, args_rest(args), &text, err);
        return r < 0 ? r : report_parse(text, ret, err);
}

/* Whoever names a daemon wants its host to be examined. */
static int cmd_doctor(Cli *cli, const Args *args, Err *err) {
        g_autoptr(json_t) report = NULL;
        bool elsewhere = cli->uri_is_asked || args_flag(args, "daemon");
        int r;

        if (args_flag(args, "list")) {
                g_autofree char *list = doctor_list();

                fputs(list, stdout);
                return 0;
        }
        if (elsewhere && args_text(args, "root"))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--root is about files here, and a daemon examines its own host");
        r = elsewhere ? ask_daemon(cli, args, &report, err) : examine_here(args, &report, err);
        return r < 0 ? r : print_report(cli, args, report, err);
}

static const Option options_doctor[] = {
        OPT_FLAG("list", "name the checks, and run none"),
        OPT_FLAG("daemon", "let the daemon examine its host, as with --connect"),
        OPT_FLAG("strict", "let warnings count as failures in the exit status"),
        {"root", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_FILE,
         .help = "look at the host whose files are below this directory"},
        OPT_JSON,
        {"check", OPTION_REST, .positional = true, .candidates = CANDIDATES_CHECK,
         .help = "names of checks; all of them when none is given"},
        OPT_END,
};

static const Command commands[] = {
        {"doctor", "tell whether this host can assign PCI devices, and what is missing",
         "Each check prints one line: verdict, name, what was seen, and behind '->' the way out. "
         "It changes nothing and needs no daemon; root sees more. With --connect or --daemon the "
         "daemon examines its own host, which can be another one. The exit status is 0 when no "
         "check failed, 2 when one did, 1 when the doctor could not work.",
         options_doctor, .offline = true, .json = true, .run = cmd_doctor,
         .examples = "doctor\n"
                     "-q doctor\n"
                     "doctor groups reset\n"
                     "doctor --json\n"
                     "doctor --root /mnt/image"},
        {},
};

const CommandGroup group_doctor = {
        "doctor",
        "The host's fitness",
        (const Command *const[]){commands, commands_prepare, NULL},
};
