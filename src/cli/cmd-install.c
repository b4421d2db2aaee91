/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `airlock install` is a program of its own, so that no other command needs what it needs. */
#include "cli/install.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/groups.h"
#include "cli/options.h"

#define PROGRAM "airlock-install"

/* Beside this program, where it was built, and where packages put it. */
static char *find_program(void) {
        static const char *const places[] = {".", "../install", "../libexec/airlock",
                                             "../lib/airlock"};
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
        g_autofree char *dir = self ? g_path_get_dirname(self) : NULL;

        for (size_t i = 0; dir && i < G_N_ELEMENTS(places); i++) {
                g_autofree char *path = g_build_filename(dir, places[i], PROGRAM, NULL);

                if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
                        return g_steal_pointer(&path);
        }
        return g_find_program_in_path(PROGRAM);
}

int install_exec(const Cli *cli, char *const *words, Err *err) {
        g_autofree char *program = find_program();
        g_autoptr(GPtrArray) argv = g_ptr_array_new();

        if (!program)
                return fail_hint(
                        err, fail(err, VIR_ERR_OPERATION_FAILED, "%s is not installed", PROGRAM),
                        "it is built where libosinfo-1.0-dev and libcurl4-gnutls-dev are: "
                        "meson configure -Dinstall=enabled");
        if (cli->read_only)
                return fail(err, VIR_ERR_OPERATION_DENIED, "a read-only connection makes no guest");
        g_ptr_array_add(argv, program);
        if (cli->uri) {
                g_ptr_array_add(argv, (void *)(uintptr_t) "--connect");
                g_ptr_array_add(argv, cli->uri);
        }
        if (cli->quiet)
                g_ptr_array_add(argv, (void *)(uintptr_t) "--quiet");
        for (; *words; words++)
                g_ptr_array_add(argv, *words);
        g_ptr_array_add(argv, NULL);
        execv(program, (char **)argv->pdata);
        return fail_errno(err, neg_errno(), "cannot run '%s'", program);
}

char **install_rows(const char *const *words) {
        g_autofree char *program = find_program(), *text = NULL;
        g_autoptr(GPtrArray) argv = g_ptr_array_new();

        g_ptr_array_add(argv, program);
        for (; *words; words++)
                g_ptr_array_add(argv, (void *)(uintptr_t)*words);
        g_ptr_array_add(argv, NULL);
        if (!program || !g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_STDERR_TO_DEV_NULL,
                                      NULL, NULL, &text, NULL, NULL, NULL))
                return g_new0(char *, 1);
        return g_strsplit(g_strchomp(text), "\n", -1);
}

void install_offer_value(Offer *o, const char *kind) {
        static const struct {
                const char *kind;
                Option option;
        } kinds[] = {
                {"device", {.candidates = CANDIDATES_PCI}},
                {"file", {.candidates = CANDIDATES_FILE}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (g_str_equal(kinds[i].kind, kind))
                        offer_values(o, &kinds[i].option);
        if (g_str_equal(kind, "system")) {
                g_auto(GStrv) names = install_rows((const char *const[]){"--osinfo", "list", NULL});

                STRV_FOREACH(name, names)
                        offer_add(o, name, NULL);
        }
}

/* In the shell it is a child; what is typed, Ctrl-C too, is its own until it ends. */
static int cmd_install(Cli *cli, const Args *args, Err *err) {
        void (*before)(int) = signal(SIGINT, SIG_IGN);
        g_auto(Err) reason = ERR_INIT;
        pid_t pid;
        int status = 0;

        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                signal(SIGINT, SIG_DFL);
                install_exec(cli, args_rest(args), &reason);
                cli_report(cli, &reason);
                _exit(EXIT_FAILURE);
        }
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        signal(SIGINT, before);
        if (pid < 0)
                return fail_errno(err, neg_errno(), "cannot run %s", PROGRAM);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static const Option options_install[] = {
        {"words", OPTION_REST, .positional = true, .help = "options of airlock install --help"},
        OPT_END,
};

const Command commands_install[] = {
        {"install", "make a guest and install a system in it",
         "The options are those of virt-install: airlock install --help tells all of them.",
         options_install, .offline = true, .raw = true, .run = cmd_install,
         .examples = "install --name guest1 --memory 2048 --disk size=8 --cdrom debian.iso\n"
                     "install --hostdev help"},
        {},
};
