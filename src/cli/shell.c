/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <histedit.h>

#include "cli/complete.h"
#include "cli/words.h"

#define HISTORY_MAX 500

/* Candidates beyond this fill more than a screen. */
#define CANDIDATES_SHOWN_MAX 200

typedef struct Shell {
        Cli *cli;
        EditLine *edit;
        History *history;
        char *history_path;
        bool discarded; /* the line was thrown away by ^C */
} Shell;

static char *prompt(EditLine *edit) {
        static char writable[] = "airlock # ", read_only[] = "airlock > ";
        Shell *shell;

        el_get(edit, EL_CLIENTDATA, &shell);
        return shell->cli->read_only ? read_only : writable;
}

static size_t common_prefix(char *const *items) {
        size_t n = strlen(items[0]);

        for (char *const *item = items + 1; *item; item++) {
                size_t i = 0;

                while (i < n && items[0][i] == (*item)[i])
                        i++;
                n = i;
        }
        return n;
}

static void show_candidates(char *const *items) {
        unsigned shown = 0;

        putchar('\n');
        for (; *items && shown < CANDIDATES_SHOWN_MAX; items++, shown++)
                printf("%s  ", *items);
        puts(*items ? "…" : "");
}

/* Inserts what all candidates have beyond the typed part; shows them when that is nothing. */
static unsigned char apply(EditLine *edit, char *const *items, size_t typed) {
        size_t n = common_prefix(items);
        g_autofree char *rest = g_strndup(items[0] + typed, n - typed);
        bool is_whole = !items[1] && !g_str_has_suffix(items[0], "/");
        g_autofree char *text = g_strconcat(rest, is_whole ? " " : "", NULL);

        if (*text && el_insertstr(edit, text) == 0)
                return CC_REFRESH;
        show_candidates(items);
        return CC_REDISPLAY;
}

static unsigned char complete(EditLine *edit, wint_t key) {
        const LineInfo *line = el_line(edit);
        g_autofree char *before = g_strndup(line->buffer, (size_t)(line->cursor - line->buffer));
        g_auto(GStrv) words = NULL;
        g_auto(GStrv) items = NULL;
        Shell *shell;

        el_get(edit, EL_CLIENTDATA, &shell);
        words_split_partial(before, &words);
        items = complete_words(shell->cli, words);
        if (!items[0])
                return CC_ERROR;
        return apply(edit, items, strlen(words[g_strv_length(words) - 1]));
}

/* ^C is a key at the prompt: libedit would read on after the signal. */
static unsigned char discard(EditLine *edit, wint_t key) {
        Shell *shell;

        el_get(edit, EL_CLIENTDATA, &shell);
        shell->discarded = true;
        return CC_EOF;
}

static void open_history(Shell *shell) {
        g_autofree char *dir = g_build_filename(g_get_user_cache_dir(), "airlock", NULL);
        HistEvent event;

        shell->history = history_init();
        history(shell->history, &event, H_SETSIZE, HISTORY_MAX);
        history(shell->history, &event, H_SETUNIQUE, 1);
        el_set(shell->edit, EL_HIST, history, shell->history);
        if (g_mkdir_with_parents(dir, 0700) < 0)
                return;
        shell->history_path = g_build_filename(dir, "history", NULL);
        history(shell->history, &event, H_LOAD, shell->history_path);
}

static void close_history(Shell *shell) {
        HistEvent event;

        if (shell->history_path)
                history(shell->history, &event, H_SAVE, shell->history_path);
        history_end(shell->history);
        g_free(shell->history_path);
}

static void remember(Shell *shell, const char *line) {
        g_autofree char *text = g_strchomp(g_strdup(line));
        HistEvent event;

        if (*text)
                history(shell->history, &event, H_ENTER, text);
}

/* What an interrupt does to a command is the command's; it does not end the shell. */
static void ignore_interrupt(int signal) {
}

static int run_terminal(Shell *shell) {
        struct sigaction action = {.sa_handler = ignore_interrupt}, before;
        int status = 0;

        sigaction(SIGINT, &action, &before);
        while (!shell->cli->leave) {
                int n;
                const char *line;

                shell->discarded = false;
                line = el_gets(shell->edit, &n);
                if (shell->discarded) {
                        puts("^C");
                        continue;
                }
                if (!line || n <= 0) {
                        putchar('\n');
                        break;
                }
                remember(shell, line);
                status = cli_run_line(shell->cli, line);
        }
        sigaction(SIGINT, &before, NULL);
        return shell->cli->leave ? 0 : status;
}

static int run_lines(Cli *cli) {
        char *line = NULL;
        size_t size = 0;
        int status = 0;

        while (!cli->leave && getline(&line, &size, stdin) >= 0)
                status = cli_run_line(cli, line);
        free(line);
        return cli->leave ? 0 : status;
}

static int run_editing(Cli *cli) {
        Shell shell = {.cli = cli, .edit = el_init("airlock", stdin, stdout, stderr)};
        int status;

        el_set(shell.edit, EL_CLIENTDATA, &shell);
        el_set(shell.edit, EL_PROMPT, prompt);
        el_set(shell.edit, EL_EDITOR, "emacs");
        /* With narrow strings libedit would leak its copies of them. */
        el_wset(shell.edit, EL_ADDFN, L"airlock-complete", L"complete a word", complete);
        el_wset(shell.edit, EL_ADDFN, L"airlock-discard", L"throw the line away", discard);
        el_set(shell.edit, EL_BIND, "^I", "airlock-complete", NULL);
        el_set(shell.edit, EL_SETTY, "-d", "-isig", NULL);
        el_set(shell.edit, EL_BIND, "^C", "airlock-discard", NULL);
        el_set(shell.edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
        open_history(&shell);
        el_source(shell.edit, NULL);
        status = run_terminal(&shell);
        close_history(&shell);
        el_end(shell.edit);
        return status;
}

int shell_run(Cli *cli) {
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return run_lines(cli);
        cli_say(cli, "This is airlock, the shell of the daemon that gives devices to guests.\n\n"
                     "Type:  'help' for help with commands\n"
                     "       'quit' to quit\n\n");
        return run_editing(cli);
}
