/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/groups.h"
#include "cli/options.h"
#include "prepare/apply.h"
#include "prepare/lock.h"
#include "prepare/place.h"
#include "prepare/prepare.h"
#include "prepare/runner.h"
#include "prepare/trial.h"

/* One run of the command. */
typedef struct Run {
        Cli *cli;
        const Args *args;
        const char *root; /* NULL: this host */
        Sys *sys;
        ApplyHost host;
        Runner runner;
        PrepareLock *lock; /* NULL: nothing is going to be changed */
        bool dry;
} Run;

static void run_done(Run *run) {
        prepare_lock_free(run->lock);
        sys_free(run->sys);
        runner_done(&run->runner);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_done)

static int run_command(char *const *command, void *userdata, Err *err) {
        Run *run = userdata;

        fflush(stdout);
        return runner_run(&run->runner, command, err);
}

static void say_done(const char *what, void *userdata) {
        const Run *run = userdata;

        if (g_str_equal(what, RECORD_DIR))
                return;
        if (strchr(what, '/'))
                cli_say(run->cli, "changed /%s\n", what);
        else
                cli_say(run->cli, "ran %s\n", what);
}

static int run_init(Run *run, Cli *cli, const Args *args, Err *err) {
        int r;

        run->cli = cli;
        run->args = args;
        run->root = args_text(args, "root");
        run->dry = args_flag(args, "dry-run");
        r = sys_new(run->root, &run->sys);
        if (r < 0)
                return fail_errno(err, r, "cannot open '%s'", run->root ?: "/");
        run->host = (ApplyHost){
                .root = run->root ?: "/",
                .sys = run->sys,
                .run = run->root ? NULL : run_command,
                .done = say_done,
                .userdata = run,
        };
        return 0;
}

/* Before anything else: who calls it is told at once. */
static int check_caller(const Run *run, Err *err) {
        if (run->root || run->dry || geteuid() == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_DENIED,
                              "this changes how the host starts: it has to be run by root"),
                         "sudo airlock prepare; with --dry-run it shows what it would do");
}

/* What a run that was cut off left half written is nobody's. */
static int begin(Run *run, Err *err) {
        int r = prepare_lock_new(run->host.root, &run->lock, err);

        if (r < 0)
                return r;
        record_remove_leftovers(run->host.root, PREPARE_RECORD);
        record_remove_leftovers(run->host.root, TRIAL_RECORD);
        return 0;
}

/* From here on the changes are carried out, or all taken back. */
static int begin_changes(Run *run, const Edits *edits, const GPtrArray *commands, Err *err) {
        int r = run->root ? 0 : place_check_room(edits, commands, err);

        return r < 0 || run->runner.signals > 0 ? r : runner_init(&run->runner, err);
}

static void print_commands(const GPtrArray *commands, const char *before) {
        for (guint i = 0; i < commands->len; i++) {
                g_autofree char *line = g_strjoinv(" ", g_ptr_array_index(commands, i));

                printf("%s%s\n", before, line);
        }
}

static void print_dry(const Edits *edits, const GPtrArray *commands) {
        g_autofree char *diff = prepare_diff(edits);

        fputs(diff, stdout);
        print_commands(commands, "run: ");
}

static bool has_changes(const Edits *edits) {
        for (guint i = 0; i < edits->files->len; i++)
                if (edit_is_changed(g_ptr_array_index(edits->files, i)))
                        return true;
        return false;
}

static int parse_switch(const Args *args, LineSwitch *ret, Err *err) {
        const char *text = args_text(args, "passthrough");

        if (!text)
                return 0;
        if (!g_str_equal(text, "on") && !g_str_equal(text, "off"))
                return fail(err, VIR_ERR_INVALID_ARG, "--passthrough is 'on' or 'off', not '%s'",
                            text);
        *ret = g_str_equal(text, "on") ? LINE_ON : LINE_OFF;
        return 0;
}

static int parse_unsafe(const Args *args, PrepareWish *wish, Err *err) {
        const char *text = args_text(args, "unsafe-interrupts");

        if (!text)
                return 0;
        wish->unsafe_now = g_str_equal(text, "now");
        wish->unsafe_always = g_str_equal(text, "always");
        if (!wish->unsafe_now && !wish->unsafe_always)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--unsafe-interrupts is 'now' or 'always', not '%s'", text);
        return 0;
}

/* The devices stand behind --vfio-early, with spaces or commas between them. */
static int parse_early(const Args *args, char ***ret, Err *err) {
        const char *first = args_text(args, "vfio-early");
        g_autofree char *rest = g_strjoinv(",", (char **)(uintptr_t)args_rest(args));
        g_autofree char *all = g_strjoin(",", first ?: "", rest, NULL);
        g_auto(GStrv) words = g_strsplit(all, ",", -1);
        g_autoptr(GPtrArray) early = g_ptr_array_new();

        if (*rest && !first) {
                fail_hint(err, fail(err, VIR_ERR_INVALID_ARG, "what is '%s' for?", rest),
                          "devices stand behind --vfio-early");
                return -EINVAL;
        }
        STRV_FOREACH(word, words)
                if (*word)
                        g_ptr_array_add(early, g_strdup(word));
        g_ptr_array_add(early, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&early), FALSE);
        return 0;
}

/* Only what is asked for is touched; the IOMMU when nothing is. */
static int parse_wish(const Args *args, PrepareWish *wish, char ***ret_early, Err *err) {
        int r;

        wish->vendor = args_text(args, "iommu") ?: "auto";
        if (!g_strv_contains((const char *const[]){"auto", "intel", "amd", NULL}, wish->vendor))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--iommu is 'auto', 'intel' or 'amd', not '%s'", wish->vendor);
        r = parse_switch(args, &wish->passthrough, err);
        if (r == 0)
                r = parse_unsafe(args, wish, err);
        if (r == 0)
                r = parse_early(args, ret_early, err);
        if (r != 0)
                return r;
        wish->early = *ret_early;
        wish->iommu = args_text(args, "iommu") || args_text(args, "passthrough") ||
                      args_flag(args, "trial") ||
                      (!wish->unsafe_now && !wish->unsafe_always && !**ret_early);
        return 0;
}

/* Consent is the risk in words: from the option, or typed in. */
static int ask_risk(const Run *run, Err *err) {
        const char *said = args_text(run->args, "accept");
        g_autofree char *line = NULL;
        size_t size = 0;

        if (!said && isatty(STDIN_FILENO)) {
                printf("Without interrupt remapping, %s.\nType these words to allow it: ",
                       PREPARE_RISK);
                fflush(stdout);
                if (getline(&line, &size, stdin) > 0)
                        said = g_strstrip(line);
        }
        if (g_strcmp0(said, PREPARE_RISK) == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_DENIED,
                              "unsafe interrupts are not allowed without the words of the risk"),
                         "--accept '%s'", PREPARE_RISK);
}

static void tell_notes(const Run *run, const PreparePlan *plan) {
        for (guint i = 0; i < plan->notes->len; i++)
                fprintf(stderr, "note: %s\n", (const char *)g_ptr_array_index(plan->notes, i));
}

static void tell_end(const Run *run, const PreparePlan *plan) {
        if (run->root)
                print_commands(plan->commands, "to be run in it: ");
        if (has_changes(&plan->edits))
                cli_say(run->cli,
                        "Reboot for it to count. airlock prepare --undo takes it back.\n");
}

static int carry_out(Run *run, const PreparePlan *plan, Err *err) {
        json_t *extra = plan->unsafe_now ? json_pack("{s:b}", "unsafe_now", true) : NULL;
        int r = plan->is_risky ? ask_risk(run, err) : 0;

        if (r == 0)
                r = begin_changes(run, &plan->edits, plan->commands, err);
        if (r == 0 && plan->unsafe_now)
                r = prepare_set_unsafe(run->sys, true, err);
        if (r == 0)
                r = apply_edits(&run->host, PREPARE_RECORD, &plan->edits, plan->commands, extra,
                                err);
        json_decref(extra);
        if (r == 0)
                tell_end(run, plan);
        return r;
}

static int do_prepare(Run *run, const PrepareWish *wish, Err *err) {
        g_autoptr(PreparePlan) plan = NULL;
        int r = prepare_plan(run->sys, wish, &plan, err);

        if (r < 0)
                return r;
        tell_notes(run, plan);
        if (!has_changes(&plan->edits) && !plan->unsafe_now &&
            !apply_is_unfinished(&run->host, PREPARE_RECORD)) {
                cli_say(run->cli, "Nothing to change.\n");
                return 0;
        }
        if (run->dry) {
                print_dry(&plan->edits, plan->commands);
                if (plan->unsafe_now)
                        puts("set: allow_unsafe_interrupts of vfio_iommu_type1");
                return 0;
        }
        return carry_out(run, plan, err);
}

/* 1: there is nothing under that name. */
static int undo_record(Run *run, const char *name, Err *err) {
        g_auto(Edits) edits = {};
        g_autoptr(Record) record = NULL;
        g_autofree char *conflicts = NULL;
        int r;

        edits_init(&edits, run->sys);
        r = apply_plan_undo(&run->host, name, &edits, &record, &conflicts, err);
        if (conflicts)
                fputs(conflicts, stdout);
        if (r == -ENOENT)
                return 1;
        if (r < 0)
                return r;
        if (run->dry) {
                print_dry(&edits, record->commands);
                return 0;
        }
        r = begin_changes(run, &edits, record->commands, err);
        if (r < 0)
                return r;
        if (!run->root && json_is_true(json_object_get(record->extra, "unsafe_now")))
                prepare_set_unsafe(run->sys, false, NULL);
        r = apply_undo(&run->host, name, record, err);
        if (r < 0 && run->runner.interrupted_by)
                return fail_hint(err, r, "airlock prepare --undo goes on with it");
        if (r == 0 && run->root)
                print_commands(record->commands, "to be run in it: ");
        return r;
}

static int do_undo(Run *run, Err *err) {
        int trial = undo_record(run, TRIAL_RECORD, err);
        int r = trial < 0 ? trial : undo_record(run, PREPARE_RECORD, err);

        if (r < 0)
                return r;
        if (trial == 1 && r == 1)
                cli_say(run->cli, "Nothing to undo.\n");
        else if (!run->dry)
                cli_say(run->cli, "As before; reboot for it to count.\n");
        return 0;
}

/* The entry is recorded with no command: an undo must not choose it again. */
static int start_trial(Run *run, const Edits *edits, const GPtrArray *commands, json_t *extra,
                       Err *err) {
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        int r = apply_edits(&run->host, TRIAL_RECORD, edits, none, extra, err);

        for (guint i = 0; r == 0 && i < commands->len; i++)
                r = run_command(g_ptr_array_index(commands, i), run, err);
        if (r < 0) {
                undo_record(run, TRIAL_RECORD, NULL);
                return r;
        }
        cli_say(run->cli, "Reboot to try it: after a good boot it is made for good, else the next "
                          "boot is the old one.\n");
        return 0;
}

static int do_trial(Run *run, const PrepareWish *wish, Err *err) {
        g_autoptr(PreparePlan) plan = NULL;
        g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        g_auto(Edits) edits = {};
        json_t *extra = NULL;
        int r;

        if (run->root && !run->dry)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "a trial is a boot of this host, not of a tree");
        if (wish->unsafe_now)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--unsafe-interrupts now is about this boot, a trial about the next");
        r = run->dry ? 0 : undo_record(run, TRIAL_RECORD, err);
        /* What is refused later is refused now. */
        if (r >= 0)
                r = prepare_plan(run->sys, wish, &plan, err);
        if (r == 0 && plan->is_risky && !run->dry)
                r = ask_risk(run, err);
        edits_init(&edits, run->sys);
        if (r == 0)
                r = trial_plan(run->sys, wish, &edits, commands, &extra, err);
        if (r == 0 && !run->dry)
                r = begin_changes(run, &edits, commands, err);
        if (r == 0 && run->dry)
                print_dry(&edits, commands);
        else if (r == 0)
                r = start_trial(run, &edits, commands, extra, err);
        json_decref(extra);
        return r;
}

static int end_trial(Run *run, const PrepareWish *wish, TrialState state, Err *err) {
        g_autoptr(PreparePlan) plan = NULL;
        int r;

        if (state == TRIAL_WAITS)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_OPERATION_INVALID, "the trial's boot has not come yet"),
                        "reboot; airlock prepare --undo gives the trial up");
        r = undo_record(run, TRIAL_RECORD, err);
        if (r < 0)
                return r;
        if (state == TRIAL_LOST)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "the trial did not start this host; the line is the old one"),
                                 "journalctl -b -1 may tell why");
        r = prepare_plan(run->sys, wish, &plan, err);
        if (r < 0)
                return r;
        /* The risk was accepted when the trial was set up. */
        plan->is_risky = false;
        return carry_out(run, plan, err);
}

/* In the unit that runs after a boot. */
static int do_confirm(Run *run, Err *err) {
        g_autoptr(Record) record = NULL;
        g_autofree char **early = NULL;
        PrepareWish wish = {};
        TrialState state;
        int r = record_load(run->host.root, TRIAL_RECORD, &record, err);

        if (r == -ENOENT) {
                cli_say(run->cli, "There is no trial.\n");
                return 0;
        }
        if (r == 0)
                r = trial_read(run->sys, record, &wish, &early, &state, err);
        return r != 0 ? r : end_trial(run, &wish, state, err);
}

static int cmd_prepare(Cli *cli, const Args *args, Err *err) {
        g_auto(Run) run = {};
        g_auto(GStrv) early = NULL;
        PrepareWish wish = {};
        int r = run_init(&run, cli, args, err);

        if (r == 0)
                r = args_exclusive(args, "undo", "confirm", err);
        if (r == 0)
                r = check_caller(&run, err);
        if (r == 0 && !run.root)
                r = place_check(run.sys, err);
        if (r == 0 && !run.dry)
                r = begin(&run, err);
        if (r < 0)
                return r;
        if (args_flag(args, "undo"))
                return do_undo(&run, err);
        if (args_flag(args, "confirm"))
                return do_confirm(&run, err);
        r = parse_wish(args, &wish, &early, err);
        if (r < 0)
                return r;
        return args_flag(args, "trial") ? do_trial(&run, &wish, err) : do_prepare(&run, &wish, err);
}

static const char *const words_iommu[] = {"auto", "intel", "amd", NULL};
static const char *const words_switch[] = {"on", "off", NULL};
static const char *const words_unsafe[] = {"now", "always", NULL};

static const Option options_prepare[] = {
        {"iommu", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_WORDS,
         .words = words_iommu, .help = "turn on the IOMMU: auto, intel or amd"},
        {"passthrough", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_WORDS,
         .words = words_switch,
         .help = "on: the host's own devices are not translated; off: they are"},
        {"unsafe-interrupts", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_WORDS,
         .words = words_unsafe,
         .help = "allow assignment without interrupt remapping, now or at every boot"},
        {"accept", OPTION_TEXT, .named_only = true, .help = "the words of that risk"},
        {"vfio-early", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_PCI,
         .help = "give these devices to vfio-pci before any driver of the host"},
        OPT_FLAG("trial", "try the new line at the next boot alone"),
        OPT_FLAG("confirm", "make for good what this boot tries; a unit does it"),
        OPT_FLAG("undo", "put everything back"),
        OPT_FLAG("dry-run", "show the differences and the commands, and change nothing"),
        {"root", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_FILE,
         .help = "work on the host whose files are below this directory"},
        {"device", OPTION_REST, .positional = true, .candidates = CANDIDATES_PCI,
         .help = "more devices of --vfio-early"},
        OPT_END,
};

const Command commands_prepare[] = {
        {"prepare", "make this host able to assign PCI devices",
         "Changes the kernel command line where this host's boot loader has it, what modules are "
         "loaded, and the initramfs. Without options it turns on the IOMMU. Running it twice "
         "changes nothing; --undo puts back what was. It needs no daemon.",
         options_prepare, .offline = true, .run = cmd_prepare,
         .examples = "prepare --dry-run\n"
                     "prepare --trial\n"
                     "prepare --vfio-early 01:00.0 01:00.1\n"
                     "prepare --undo"},
        {},
};
