/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/edit.h"

#define EDITOR_DEFAULT "vi"

/* One edit: the definition before it, the file, what became of it. */
typedef struct Edit {
        Cli *cli;
        const EditObject *object;
        char *path;   /* removed when the edit is over */
        char *before; /* as the daemon gave it */
        char *after;  /* as the editor left it */
        bool validate;
} Edit;

static void edit_done(Edit *edit) {
        if (edit->path)
                unlink(edit->path);
        g_clear_pointer(&edit->path, g_free);
        g_clear_pointer(&edit->before, g_free);
        g_clear_pointer(&edit->after, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Edit, edit_done)

static int fetch(const Edit *edit, char **ret, Err *err) {
        return edit->object->fetch(edit->cli, edit->object->object, ret, err);
}

static int write_file(Edit *edit, Err *err) {
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "airlock-XXXXXX.xml", NULL);
        _cleanup_(closep) int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
        const char *p = edit->before;

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot create temporary file '%s'", path);
        edit->path = g_steal_pointer(&path);
        for (size_t left = strlen(p); left > 0;) {
                ssize_t n = write(fd, p, left);

                if (n < 0)
                        return fail_errno(err, neg_errno(), "cannot write '%s'", edit->path);
                p += n;
                left -= (size_t)n;
        }
        return 0;
}

static int run_editor(const Edit *edit, Err *err) {
        const char *editor = g_getenv("VISUAL") ?: g_getenv("EDITOR") ?: EDITOR_DEFAULT;
        /* The variable can hold arguments and quotes, which a shell reads; the path is a word. */
        g_autofree char *script = g_strdup_printf("%s \"$1\"", editor);
        pid_t pid = fork();
        int status;

        if (pid < 0)
                return fail_errno(err, neg_errno(), "cannot start the editor");
        if (pid == 0) {
                execl("/bin/sh", "sh", "-c", script, "sh", edit->path, NULL);
                _exit(127);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot wait for the editor");
        if (status != 0)
                return fail(err, VIR_ERR_OPERATION_FAILED, "%s: exited with non-zero status",
                            editor);
        return 0;
}

/* One round in the editor. Returns 1 when nothing was changed. */
static int edit_once(Edit *edit, Err *err) {
        int r;

        r = run_editor(edit, err);
        if (r < 0)
                return r;
        g_clear_pointer(&edit->after, g_free);
        r = cli_read_file(edit->path, &edit->after, err);
        if (r < 0)
                return r;
        return g_str_equal(edit->before, edit->after);
}

static int redefine(const Edit *edit, Err *err) {
        g_autofree char *now = NULL;
        int r;

        r = fetch(edit, &now, err);
        if (r < 0)
                return r;
        if (!g_str_equal(now, edit->before))
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "the XML configuration was changed by another user");
        return edit->object->define(edit->cli, edit->object->object, edit->after, edit->validate,
                                    err);
}

static void print_choices(void) {
        puts("\n"
             "y - yes, start editor again\n"
             "n - no, throw away my changes\n"
             "i - turn off validation and try to redefine again\n"
             "f - force, try to redefine again\n"
             "? - print this help");
}

/* What to do about a failure: one of "ynif"; 0: there is nobody to ask. */
static char ask(void) {
        char *line = NULL;
        size_t size = 0;
        char choice = 0;

        if (!isatty(STDIN_FILENO))
                return 0;
        while (!choice) {
                fputs("Failed. Try again? [y,n,i,f,?]: ", stdout);
                fflush(stdout);
                if (getline(&line, &size, stdin) < 0)
                        break;
                if (line[0] == '?')
                        print_choices();
                else if (line[0] && strchr("ynif", line[0]))
                        choice = line[0];
        }
        free(line);
        return choice;
}

/* Asks until the answer leads on. Returns 1 when the changes are thrown away. */
static int after_failure(Edit *edit, Err *reason, Err *err) {
        g_autofree char *now = NULL;
        int r;

        cli_report(edit->cli, reason);
        err_clear(reason);
        switch (ask()) {
        case 'y':
                r = edit_once(edit, err);
                return MIN(r, 0);
        case 'i':
                edit->validate = false;
                return 0;
        case 'f':
                r = fetch(edit, &now, err);
                if (r < 0)
                        return r;
                g_free(edit->before);
                edit->before = g_steal_pointer(&now);
                return 0;
        case 'n':
                return 1;
        default:
                return fail(err, VIR_ERR_OPERATION_FAILED, "Failed.");
        }
}

/* Until the daemon takes it, or the user gives up. Returns 1 when nothing was changed. */
static int edit_until_taken(Edit *edit, Err *err) {
        int r;

        r = edit_once(edit, err);
        while (r == 0) {
                g_auto(Err) reason = ERR_INIT;

                if (redefine(edit, &reason) >= 0)
                        return 0;
                if (conn_is_lost(edit->cli->conn)) {
                        err_move(err, &reason);
                        return -EPIPE;
                }
                r = after_failure(edit, &reason, err);
        }
        return r;
}

int edit_object(Cli *cli, const EditObject *object, bool validate, Err *err) {
        g_auto(Edit) edit = {.cli = cli, .object = object, .validate = validate};
        int r = fetch(&edit, &edit.before, err);

        if (r >= 0)
                r = write_file(&edit, err);
        return r >= 0 ? edit_until_taken(&edit, err) : r;
}

/* ---- a guest ---- */

static int fetch_guest(Cli *cli, const void *object, char **ret, Err *err) {
        return guest_xml(cli->conn, object, GUEST_XML_SECURE | GUEST_XML_INACTIVE, ret, err);
}

static int define_guest(Cli *cli, const void *object, const char *xml, bool validate, Err *err) {
        g_autoptr(Guest) guest = NULL;

        return guest_define(cli->conn, xml, validate ? GUEST_DEFINE_VALIDATE : 0, &guest, err);
}

int cmd_edit(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        EditObject object = {.fetch = fetch_guest, .define = define_guest};
        int r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);

        if (r < 0)
                return r;
        object.object = guest;
        r = edit_object(cli, &object, !args_flag(args, "skip-validate"), err);
        if (r < 0)
                return r;
        cli_say(cli,
                r == 0 ? "Domain '%s' XML configuration edited.\n"
                       : "Domain '%s' XML configuration not changed.\n",
                guest->name);
        return 0;
}
