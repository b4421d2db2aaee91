/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/global.h"
#include "cli/groups.h"
#include "cli/install.h"
#include "cli/shell.h"

/* ^] */
#define ESCAPE_DEFAULT 0x1d

/* The one option without a letter. */
#define CODE_JSON   0x100
#define OPTIONS_MAX 16

static void print_usage(void) {
        puts("\n"
             "airlock [options]... [<command_string>]\n"
             "airlock [options]... <command> [args...]\n"
             "\n"
             "  options:");
        GLOBAL_OPTION_FOREACH(option) {
                g_autofree char *form = global_option_form(option);

                printf("    %-28s  %s\n", form, option->help);
        }
        puts("\n  Without a command, airlock is a shell. Commands, one group after the other:\n");
}

static void print_help(const Cli *cli) {
        g_autofree char *help = command_all_help(cli->groups);

        print_usage();
        fputs(help, stdout);
}

static void print_version(bool is_long) {
        puts(AIRLOCK_VERSION);
        if (is_long)
                puts("Speaks the remote protocol of libvirt 11.3.0.\n"
                     "Licensed under the GNU LGPL 2.1 or later.");
}

/* "error: BEFORE TEXT BEHIND". */
static int usage_error(const char *before, const char *text, const char *behind) {
        fprintf(stderr, "error: %s %s%s%s\n", before, text, *behind == '.' ? "" : " ", behind);
        return -1;
}

/* "^]" or the character itself. */
static int set_escape(Cli *cli, const char *text) {
        if (text[0] == '^' && text[1] >= '@' && text[1] <= '_' && !text[2])
                cli->escape = (char)(text[1] - '@');
        else if (text[0] && !text[1])
                cli->escape = text[0];
        else
                return usage_error("Invalid escape character", text, "(as in ^])");
        return 0;
}

static int bad_option(char **argv, int option) {
        g_autofree char *word = g_strdup_printf("'%s'", argv[optind - 1]);

        if (option == ':' && optopt == 'c')
                return usage_error("option", "'-c'/'--connect'", "requires an argument");
        if (option == ':')
                return usage_error("option", word, "requires an argument");
        return usage_error("unsupported option", word, ". See --help.");
}

/* 0: go on; 1: all is done; negative: the command line is wrong, and it was said. */
static int take_option(Cli *cli, int option, char **argv) {
        switch (option) {
        case 'c':
                g_free(cli->uri);
                cli->uri = g_strdup(optarg);
                cli->uri_is_asked = true;
                return 0;
        case 'r':
                cli->read_only = true;
                return 0;
        case 'q':
                cli->quiet = true;
                return 0;
        case 't':
                cli->timing = true;
                return 0;
        case 'e':
                return set_escape(cli, optarg);
        case CODE_JSON:
                cli->json = true;
                return 0;
        case 'h':
                print_help(cli);
                return 1;
        case 'v':
        case 'V':
                print_version(option == 'V' || g_strcmp0(optarg, "long") == 0);
                return 1;
        default:
                return bad_option(argv, option);
        }
}

/* What getopt_long() wants to know. letters and names are at least as long as the table needs. */
static void describe(char *letters, struct option *names) {
        letters = stpcpy(letters, "+:");
        GLOBAL_OPTION_FOREACH(option) {
                if (option->letter)
                        *letters++ = option->letter;
                if (option->letter && option->value && !option->value_is_optional)
                        *letters++ = ':';
                if (option->name)
                        *names++ = (struct option){
                                .name = option->name,
                                .has_arg = !option->value              ? no_argument
                                           : option->value_is_optional ? optional_argument
                                                                       : required_argument,
                                .val = option->letter ?: CODE_JSON,
                        };
        }
        *letters = '\0';
        *names = (struct option){};
}

static int parse_options(Cli *cli, int argc, char **argv) {
        struct option names[OPTIONS_MAX + 1];
        char letters[sizeof("+:") + sizeof("c:") * OPTIONS_MAX];
        int option, r = 0;

        describe(letters, names);
        opterr = 0;
        while (r == 0 && (option = getopt_long(argc, argv, letters, names, NULL)) >= 0)
                r = take_option(cli, option, argv);
        return r;
}

static int run_install(Cli *cli, char *const *words) {
        g_auto(Err) err = ERR_INIT;

        install_exec(cli, words, &err);
        cli_report(cli, &err);
        return EXIT_FAILURE;
}

int main(int argc, char **argv) {
        g_auto(Cli) cli = {
                .groups = command_groups,
                .uri = g_strdup(g_getenv("AIRLOCK_DEFAULT_URI")),
                .escape = ESCAPE_DEFAULT,
        };
        int r;

        setlocale(LC_ALL, "");
        r = parse_options(&cli, argc, argv);
        if (r != 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (optind == argc)
                return shell_run(&cli);
        /* A program of its own, with an exit status of its own. */
        if (g_str_equal(argv[optind], "install"))
                return run_install(&cli, argv + optind + 1);
        /* A single word can be a whole line: 'list --all; uri'. */
        if (optind + 1 == argc)
                return cli_run_line(&cli, argv[optind]);
        return cli_run_words(&cli, argv + optind);
}
