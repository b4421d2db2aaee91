/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/util.h"
#include "install/check.h"
#include "install/grammar.h"
#include "install/interrupt.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"
#include "install/run.h"
#include "install/xpath.h"

#define EXIT_INTERRUPTED 130

/* ^] */
#define ESCAPE_DEFAULT 0x1d

/* Where kernels, initrds and parts of them are kept: QEMU has to reach it. */
#define DIRECTORY_ROOT "/var/cache/airlock/install"
#define DIRECTORY_ENV  "AIRLOCK_INSTALL_DIR"

/* What was said of the guest's system. */
typedef struct OsChoice {
        char *name; /* NULL: nothing */
        bool detect;
        bool require;
} OsChoice;

static char *directory(void) {
        const char *chosen = g_getenv(DIRECTORY_ENV);

        if (chosen)
                return g_canonicalize_filename(chosen, NULL);
        if (geteuid() == 0)
                return g_strdup(DIRECTORY_ROOT);
        return g_build_filename(g_get_user_cache_dir(), "airlock", "install", NULL);
}

static int list_systems(Err *err) {
        g_autoptr(OsDb) db = NULL;
        g_auto(GStrv) names = NULL;
        int r;

        r = os_db_load(&db, err);
        if (r < 0)
                return r;
        names = os_db_names(db);
        for (char **name = names; *name; name++)
                puts(*name);
        return 0;
}

/* --osinfo NAME; detect=on,require=off,name=NAME; the old words auto and none. */
static int read_os(const Options *options, OsChoice *choice, Err *err) {
        const char *text = options_text(options, "osinfo");
        g_autoptr(GPtrArray) values = NULL;
        const char *word;
        int r;

        *choice = (OsChoice){.detect = true, .require = true};
        if (!text)
                return 0;
        if (g_str_equal(text, "auto") || g_str_equal(text, "none")) {
                choice->require = false;
                choice->detect = g_str_equal(text, "auto");
                return 0;
        }
        r = sub_parse(grammar_find("osinfo"), text, false, &values, err);
        if (r < 0)
                return r;
        choice->name = sub_take(values, "id") ?: sub_take(values, "name");
        choice->detect = choice->name == NULL;
        word = sub_peek(values, "detect");
        if (word && sub_truth(word, &choice->detect) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--osinfo detect=%s: on or off is wanted",
                            word);
        word = sub_peek(values, "require");
        if (word && sub_truth(word, &choice->require) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--osinfo require=%s: on or off is wanted",
                            word);
        return 0;
}

static int choose_os(Run *run, OsDb *db, Err *err) {
        OsChoice choice;
        const Os *found = NULL;
        int r;

        r = read_os(run->options, &choice, err);
        if (r >= 0)
                r = media_detect(&run->media, run->def, &found, err);
        if (r >= 0 && choice.detect && found) {
                run->def->os = found;
                run_say(run, "The system is %s.\n", os_short_id(found));
        } else if (r >= 0 && choice.name) {
                r = os_db_find(db, choice.name, &run->def->os, err);
        } else if (r >= 0 && !run->def->os && !choice.require) {
                r = os_db_find(db, "generic", &run->def->os, err);
        } else if (r >= 0 && !run->def->os) {
                r = fail_hint(
                        err, fail(err, VIR_ERR_INVALID_ARG, "which system will the guest have?"),
                        "name it: --osinfo NAME (--osinfo list shows all, linux2022 stands for "
                        "any Linux of late), or go without: --osinfo detect=on,require=off");
        }
        g_free(choice.name);
        return r;
}

/* Everything up to the first change on the host. */
static int plan(Run *run, OsDb *db, Err *err) {
        GuestDef *def = run->def;
        int r;

        r = check_options(run->options, err);
        if (r >= 0)
                r = guest_def_read(def, err);
        if (r >= 0)
                r = media_choose(&run->media, def, err);
        if (r >= 0)
                r = choose_os(run, db, err);
        if (r < 0)
                return r;
        r = guest_def_read_devices(def, err);
        if (r >= 0 && def->cdrom)
                guest_def_add_cdrom(def, def->cdrom);
        if (r >= 0)
                r = guest_def_set_defaults(def, err);
        if (r >= 0)
                r = guest_def_check(def, err);
        if (r >= 0)
                r = xpath_apply(def->doc, options_list(run->options, "xml"), err);
        if (r < 0)
                return r;
        media_plan(&run->media, guest_def_name(def));
        run_write_xml(run);
        return 0;
}

static int print_xml(const Run *run, const char *step, Err *err) {
        bool all = !*step || g_str_equal(step, "all");

        if (!all && !g_str_equal(step, "1") && !g_str_equal(step, "2"))
                return fail(err, VIR_ERR_INVALID_ARG, "--print-xml %s: 1, 2 or all is wanted",
                            step);
        if (g_str_equal(step, "2") && !run->first)
                return fail(err, VIR_ERR_INVALID_ARG, "this installation has no step 2");
        if (all || g_str_equal(step, "1"))
                fputs(run->first ?: run->second, stdout);
        if (run->first && (all || g_str_equal(step, "2")))
                fputs(run->second, stdout);
        return 0;
}

/* Takes everything back that the run made. */
static void undo(Run *run, int r) {
        if (r == -EINTR)
                fprintf(stderr, "Interrupted; taking back what was made.\n");
        if (!undo_all(&run->undo))
                return;
        if (r == -EINTR)
                fprintf(stderr, "Nothing half-made stays.\n");
}

static int install(Run *run, Err *err) {
        int r;

        /* Up to here Ctrl-C ends the program as any other: nothing is made yet. */
        r = interrupt_open(&run->interrupt, err);
        if (r < 0)
                return r;
        run->media.fetch.interrupt = run->interrupt;
        run_say(run, "Making guest '%s'.\n", guest_def_name(run->def));
        r = run_install(run, err);
        if (r < 0)
                undo(run, r);
        media_clean(&run->media);
        return r;
}

/* Options that older tools had, and that say nothing any more. */
static void warn(const Options *options) {
        if (options_has(options, "os-type"))
                fprintf(stderr,
                        "warning: --os-type says nothing any more; --osinfo names the system\n");
}

static int act(Run *run, Err *err) {
        const char *step = options_text(run->options, "print-xml");
        g_autoptr(OsDb) db = NULL;
        int r;

        warn(run->options);
        r = os_db_load(&db, err);
        if (r >= 0)
                r = run_connect(run, err);
        if (r < 0)
                return r;
        run->def = guest_def_new(run->options, run->cli.conn, db);
        r = plan(run, db, err);
        if (r >= 0 && step)
                r = print_xml(run, step, err);
        else if (r >= 0)
                r = check_guests(run->def, err);
        if (r >= 0 && !step && options_has(run->options, "dry-run"))
                run_say(run, "All of it could be done; nothing was.\n");
        else if (r >= 0 && !step)
                r = install(run, err);
        g_clear_pointer(&run->def, guest_def_free);
        return r;
}

static void run_done(Run *run) {
        cli_done(&run->cli);
        media_done(&run->media);
        undo_done(&run->undo);
        g_free(run->first);
        g_free(run->second);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_done)

static int start(const Options *options, Err *err) {
        g_autofree char *place = directory();
        const char *uri = options_text(options, "connect") ?: g_getenv("AIRLOCK_DEFAULT_URI");
        g_auto(Run) run = {
                .cli = {.uri = g_strdup(uri), .escape = ESCAPE_DEFAULT},
                .options = options,
                .interrupt = -1,
                .quiet = options_has(options, "quiet") || options_has(options, "print-xml"),
        };
        int r;

        undo_init(&run.undo, &run);
        run.cli.quiet = run.quiet;
        run.media.fetch = (Fetch){place, run.interrupt, run.quiet};
        r = act(&run, err);
        closep(&run.interrupt);
        return r;
}

static int run_options(const Options *options, Err *err) {
        const char *help = options_asks_for_help(options);
        g_autofree char *text = NULL;

        if (options_has(options, "help"))
                text = options_help();
        else if (options_has(options, "list-options"))
                text = options_rows();
        else if (options_has(options, "version"))
                text = g_strdup(AIRLOCK_VERSION "\n");
        else if (g_strcmp0(options_text(options, "osinfo"), "list") == 0)
                return list_systems(err);
        else if (help)
                text = sub_help(grammar_find(help));
        else
                return start(options, err);
        fputs(text, stdout);
        return 0;
}

int main(int argc, char **argv) {
        g_autoptr(Options) options = NULL;
        g_auto(Err) err = ERR_INIT;
        int r;

        setlocale(LC_ALL, "");
        curl_global_init(CURL_GLOBAL_DEFAULT);
        r = options_parse(argc, argv, &options, &err);
        if (r >= 0)
                r = run_options(options, &err);
        if (r == -EINTR)
                return EXIT_INTERRUPTED;
        if (r >= 0)
                return EXIT_SUCCESS;
        fflush(stdout);
        fprintf(stderr, "error: %s\n", err.message);
        if (err.hint)
                fprintf(stderr, "hint: %s\n", err.hint);
        return EXIT_FAILURE;
}
