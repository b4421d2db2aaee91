/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/groups.h"
#include "cli/import-object.h"
#include "cli/import-report.h"
#include "cli/options.h"
#include "client/uri.h"
#include "import/note.h"

#define STATUS_REFUSED 1

/* Which objects are meant. */
typedef struct Selection {
        const char *only;   /* "pools", "networks", "guests"; NULL: all */
        char *const *names; /* none: all */
} Selection;

static bool is_kind(const Selection *selection, ImportKind kind) {
        const char *name = import_kind_to_string(kind);

        return !selection->only || g_str_has_prefix(selection->only, name);
}

static bool is_selected(const Selection *selection, const ImportObject *object) {
        if (!is_kind(selection, object->kind))
                return false;
        return !selection->names[0] ||
               g_strv_contains((const char *const *)selection->names, object->name);
}

static int check_selection(const Selection *selection, const ImportSource *source, Err *err) {
        static const char *const kinds[] = {"pools", "networks", "guests", NULL};

        if (selection->only && !g_strv_contains(kinds, selection->only))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--only is 'guests', 'pools' or 'networks', not '%s'", selection->only);
        STRV_FOREACH(name, (char **)(uintptr_t)selection->names) {
                bool is_found = false;

                for (guint i = 0; i < source->objects->len; i++) {
                        const ImportObject *object = source->objects->pdata[i];

                        is_found |=
                                is_kind(selection, object->kind) && g_str_equal(object->name, name);
                }
                if (!is_found)
                        return fail(err, VIR_ERR_INVALID_ARG, "libvirt has no '%s' in '%s'", name,
                                    source->etc_path);
        }
        return 0;
}

/* Its files are copied and its devices are named by address: both are of this host. */
static int check_local(const Cli *cli, Err *err) {
        g_auto(Uri) uri = {};
        int r = uri_parse(cli->uri, cli->read_only, &uri, err);

        if (r < 0 || uri.transport == URI_UNIX)
                return r;
        return fail_hint(err,
                         fail(err, VIR_ERR_INVALID_ARG,
                              "'%s' is another host, and libvirt's files are this one's", cli->uri),
                         "run the command there");
}

static int read_options(const Args *args, ImportRun *run, Err *err) {
        int r = args_exclusive(args, "autostart", "no-autostart", err);

        run->dry = args_flag(args, "dry-run");
        run->replace = args_flag(args, "replace");
        run->autostart = args_flag(args, "autostart")      ? IMPORT_AUTOSTART_ALWAYS
                         : args_flag(args, "no-autostart") ? IMPORT_AUTOSTART_NEVER
                                                           : IMPORT_AUTOSTART_SAFE;
        return r;
}

static bool is_interrupted(int fd) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

        return poll(&poll_fd, 1, 0) > 0;
}

/* An interrupt waits for the object that is being taken over. */
static int import_all(ImportRun *run, const Selection *selection, ImportReport *report, Err *err) {
        _cleanup_(cli_interrupt_done) int interrupt = cli_interrupt_fd();
        int r = 0;

        for (guint i = 0; r == 0 && i < run->source->objects->len; i++) {
                const ImportObject *object = run->source->objects->pdata[i];
                g_auto(ImportOutcome) outcome = {};

                if (!is_selected(selection, object))
                        continue;
                if (is_interrupted(interrupt))
                        return fail(err, VIR_ERR_OPERATION_ABORTED,
                                    "interrupted before %s '%s'; what was told above is done",
                                    import_kind_to_string(object->kind), object->name);
                r = import_object(run, object, &outcome, err);
                if (r == 0)
                        import_report_add(report, object, &outcome);
        }
        return r;
}

static int cmd_import(Cli *cli, const Args *args, Err *err) {
        const ImportPlace place = {args_text(args, "root"), args_text(args, "from")};
        const Selection selection = {args_text(args, "only"), args_rest(args)};
        g_autoptr(ImportSource) source = NULL;
        g_autoptr(ImportReport) report = NULL;
        g_auto(ImportRun) run = {};
        int r = check_local(cli, err);

        if (r == 0)
                r = import_source_open(&place, &source, err);
        if (r == 0)
                r = check_selection(&selection, source, err);
        if (r < 0)
                return r;
        import_run_init(&run, cli, source);
        r = read_options(args, &run, err);
        if (r < 0)
                return r;
        report = import_report_new(&run, cli->json || args_flag(args, "json"));
        r = import_all(&run, &selection, report, err);
        if (r == 0 && !selection.only && !selection.names[0]) {
                g_autoptr(GPtrArray) notes = import_notes(source);

                import_report_notes(report, notes);
        }
        import_report_end(report);
        cli->status = import_report_count(report, IMPORT_REFUSED) > 0 ? STATUS_REFUSED : 0;
        return r;
}

static const char *const only_words[] = {"guests", "networks", "pools", NULL};

static const Option options_import[] = {
        OPT_FLAG("dry-run", "tell what would be done, and change nothing"),
        OPT_FLAG("replace", "take libvirt's definition where another one is here"),
        OPT_FLAG("autostart", "start with the host what does so in libvirt, in any case"),
        OPT_FLAG("no-autostart", "start nothing with the host"),
        {"only", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_WORDS,
         .words = only_words, .help = "only these: guests, networks or pools"},
        {"from", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_FILE,
         .help = "libvirt's directory, instead of /etc/libvirt"},
        {"root", OPTION_TEXT, .named_only = true, .candidates = CANDIDATES_FILE,
         .help = "take them from the host whose files are below this directory"},
        OPT_JSON,
        OPT_REST("name", "names of guests, networks and pools; all of them when none is given"),
        OPT_END,
};

const Command commands_import[] = {
        {"import-libvirt", "take over the guests, networks and pools of this host's libvirt",
         "Reads libvirt's files, and changes none of them; no daemon of libvirt's has to run. Each "
         "definition is judged by Airlock's daemon as by define, and what it says is printed. A "
         "guest that runs under libvirt is left out. Run it again at any time: what is here "
         "already stays as it is. The exit status is 1 when something was refused.",
         options_import, .json = true, .run = cmd_import,
         .examples = "import-libvirt --dry-run\n"
                     "import-libvirt\n"
                     "import-libvirt --only guests guest1 guest2"},
        {},
};
