/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/groups.h"
#include "cli/options.h"
#include "cli/report.h"
#include "doctor/doctor.h"

/* 1 is for commands that could not do their work. */
#define STATUS_FAILED 2

static int exit_status(const Doctor *doctor, bool strict) {
        return doctor_worst(doctor) >= (strict ? DOCTOR_WARN : DOCTOR_FAIL) ? STATUS_FAILED : 0;
}

static void print_report(const Cli *cli, const Args *args, const Doctor *doctor) {
        if (cli->json || args_flag(args, "json")) {
                g_autoptr(json_t) json = doctor_to_json(doctor);
                g_autofree char *text = report_json(json);

                fputs(text, stdout);
        } else {
                g_autofree char *text = doctor_text(doctor, cli->quiet);

                fputs(text, stdout);
        }
}

static int cmd_doctor(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Doctor) doctor = NULL;
        int r;

        if (args_flag(args, "list")) {
                g_autofree char *list = doctor_list();

                fputs(list, stdout);
                return 0;
        }
        r = doctor_new(args_text(args, "root"), &doctor, err);
        if (r < 0)
                return r;
        r = doctor_run(doctor, args_rest(args), err);
        if (r < 0)
                return r;
        print_report(cli, args, doctor);
        cli->status = exit_status(doctor, args_flag(args, "strict"));
        return 0;
}

static const Option options_doctor[] = {
        OPT_FLAG("list", "name the checks, and run none"),
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
         "It "
         "changes nothing and needs no daemon; root sees more. The exit status is 0 when no check "
         "failed, 2 when one did, 1 when the doctor could not work.",
         options_doctor, .offline = true, .json = true, .run = cmd_doctor},
        {},
};

const CommandGroup group_doctor = {
        "doctor",
        "The host's fitness",
        (const Command *const[]){commands, commands_prepare, NULL},
};
