/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/options.h"
#include "cli/words.h"

#define COMPLETE_SECONDS 3

static int cmd_help(Cli *cli, const Args *args, Err *err) {
        const char *subject = args_text(args, "command");
        const Command *command = subject ? command_find(cli->groups, subject) : NULL;
        const CommandGroup *group = subject ? command_group_find(cli->groups, subject) : NULL;
        g_autofree char *help = NULL;

        if (subject && !command && !group)
                return fail(err, VIR_ERR_INVALID_ARG, "command or command group '%s' doesn't exist",
                            subject);
        if (command)
                help = command_help(command);
        else if (group)
                help = command_group_help(group);
        else
                help = command_all_help(cli->groups);
        fputs(help, stdout);
        return 0;
}

static char *escape_xml(const char *text) {
        GString *out = g_string_new(NULL);

        for (; *text; text++) {
                switch (*text) {
                case '<':
                        g_string_append(out, "&lt;");
                        break;
                case '>':
                        g_string_append(out, "&gt;");
                        break;
                case '&':
                        g_string_append(out, "&amp;");
                        break;
                case '"':
                        g_string_append(out, "&quot;");
                        break;
                case '\'':
                        g_string_append(out, "&apos;");
                        break;
                default:
                        g_string_append_c(out, *text);
                }
        }
        return g_string_free(out, FALSE);
}

/* One word as the options want it. */
static char *echo_word(const Args *args, const char *word) {
        g_autofree char *text = args_flag(args, "xml") ? escape_xml(word) : g_strdup(word);

        return args_flag(args, "shell") ? words_quote(text) : g_steal_pointer(&text);
}

/* The line's end is the empty line that follows each command. */
static int cmd_echo(Cli *cli, const Args *args, Err *err) {
        g_autoptr(GString) line = g_string_new(NULL);

        for (char *const *words = args_rest(args); *words; words++) {
                g_autofree char *text = echo_word(args, *words);

                g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", text);
        }
        if (args_flag(args, "err"))
                fprintf(stderr, "error: %s\n", line->str);
        else
                fputs(line->str, stdout);
        return 0;
}

static int cmd_quit(Cli *cli, const Args *args, Err *err) {
        cli->leave = true;
        return 0;
}

static int cmd_cd(Cli *cli, const Args *args, Err *err) {
        const char *dir = args_text(args, "dir") ?: g_get_home_dir();

        if (chdir(dir) < 0)
                return fail_errno(err, neg_errno(), "cd: %s", dir);
        return 0;
}

static int cmd_pwd(Cli *cli, const Args *args, Err *err) {
        g_autofree char *dir = g_get_current_dir();

        puts(dir);
        return 0;
}

static int cmd_connect(Cli *cli, const Args *args, Err *err) {
        g_clear_pointer(&cli->conn, conn_free);
        g_free(cli->uri);
        cli->uri = g_strdup(args_text(args, "name"));
        cli->uri_is_asked = true;
        cli->read_only = args_flag(args, "readonly");
        return cli_connect(cli, err);
}

static void give_up(int signal_number) {
        _exit(0);
}

/* A shell waits at its prompt: a daemon, or a network, that does not answer in time offers nothing.
 * Who reads the candidates on a terminal is in no such need. */
static void limit_time(void) {
        if (isatty(STDOUT_FILENO))
                return;
        signal(SIGALRM, give_up);
        alarm(COMPLETE_SECONDS);
}

static void print_line(Cli *cli, const char *line) {
        g_autoptr(GPtrArray) list = NULL;
        bool wants_file;

        complete_line(cli, line, &list, &wants_file);
        for (guint i = 0; i < list->len; i++) {
                const Candidate *candidate = list->pdata[i];

                printf("%s\t%s\n", candidate->text, candidate->what ?: "");
        }
        if (wants_file)
                puts("\tfile");
}

/* Nothing here changes anything, and who may not do more than look is served as well. */
static int cmd_complete(Cli *cli, const Args *args, Err *err) {
        const char *line = args_text(args, "line");
        g_auto(GStrv) candidates = NULL;

        cli->read_only = true;
        cli->quiet = true;
        limit_time();
        if (line) {
                print_line(cli, line);
        } else {
                candidates = complete_words(cli, args_rest(args));
                STRV_FOREACH(candidate, candidates)
                        puts(candidate);
        }
        fflush(stdout);
        alarm(0);
        return 0;
}

static const Option options_help[] = {
        OPT_MAY("command", CANDIDATES_COMMAND, "a command, or a group of commands"),
        OPT_END,
};
static const Option options_echo[] = {
        OPT_FLAG("shell", "quote for a shell"),
        OPT_FLAG("xml", "escape for XML"),
        OPT_FLAG("err", "as an error, to stderr"),
        {"string", OPTION_REST, .positional = true, .help = "what to print"},
        OPT_END,
};
static const Option options_cd[] = {
        OPT_MAY("dir", CANDIDATES_FILE, "directory; your home when none is given"),
        OPT_END,
};
static const Option options_connect[] = {
        OPT_MAY("name", CANDIDATES_NONE, "URI of the connection"),
        OPT_FLAG("readonly", "allow only what changes nothing"),
        OPT_END,
};
static const Option options_complete[] = {
        {"line", OPTION_TEXT, .named_only = true,
         .help = "a shell's line up to the cursor, in place of the words; tells what each is"},
        {"string", OPTION_REST, .positional = true, .help = "words before the cursor"},
        OPT_END,
};

static const Command commands[] = {
        {"cd", "change the current directory", NULL, options_cd, .offline = true, .run = cmd_cd},
        {"complete", "print what can follow the words of a command",
         "For completion in a shell: candidates for the last of the words, one a line. Prints "
         "nothing "
         "where the daemon does not answer in time.",
         options_complete, .offline = true, .run = cmd_complete},
        {"connect", "connect anew, to the same daemon or to another", NULL, options_connect,
         .offline = true, .run = cmd_connect},
        {"echo", "print the arguments", NULL, options_echo, .offline = true, .run = cmd_echo},
        {"exit", "leave this shell", .offline = true, .run = cmd_quit},
        {"help", "print this help, or that of a command or group", NULL, options_help,
         .offline = true, .run = cmd_help,
         .examples = "help\n"
                     "help domain\n"
                     "help verdict"},
        {"pwd", "print the current directory", .offline = true, .run = cmd_pwd},
        {"quit", "leave this shell", .offline = true, .run = cmd_quit},
        {},
};

const CommandGroup group_self = {
        "airlock",
        "Airlock itself",
        (const Command *const[]){commands, NULL},
};
