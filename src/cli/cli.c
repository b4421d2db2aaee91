/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/words.h"
#include "rpc/airlock.h"

/* A command that is ready to run. */
typedef struct Parsed {
        const Command *command;
        Args *args;
        bool help;
} Parsed;

void cli_done(Cli *cli) {
        g_clear_pointer(&cli->conn, conn_free);
        g_clear_pointer(&cli->uri, g_free);
        g_clear_pointer(&cli->what, g_free);
}

int cli_connect(Cli *cli, Err *err) {
        int r;

        if (cli->conn && !conn_is_lost(cli->conn))
                return 0;
        g_clear_pointer(&cli->conn, conn_free);
        r = conn_open(cli->uri, cli->read_only, &cli->conn, err);
        if (r < 0)
                return cli_failed(cli, r, "failed to connect to the hypervisor");
        return 0;
}

void cli_say(const Cli *cli, const char *format, ...) {
        va_list ap;

        if (cli->quiet)
                return;
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
}

int cli_failed(Cli *cli, int r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        g_free(cli->what);
        cli->what = g_strdup_vprintf(format, ap);
        va_end(ap);
        return r;
}

void cli_report(Cli *cli, const Err *err) {
        fflush(stdout);
        if (cli->what)
                fprintf(stderr, "error: %s\n", cli->what);
        if (err_is_set(err))
                fprintf(stderr, "error: %s\n", err->message);
        if (err->hint)
                fprintf(stderr, "hint: %s\n", err->hint);
        g_clear_pointer(&cli->what, g_free);
}

static void parsed_free(void *data) {
        Parsed *parsed = data;

        args_free(parsed->args);
        g_free(parsed);
}

static bool asks_for_help(char *const *words) {
        for (; *words && !g_str_equal(*words, "--"); words++)
                if (g_str_equal(*words, "--help"))
                        return true;
        return false;
}

/* NULL: the words are no such command, and err says why. */
static Parsed *parse_command(const Cli *cli, char *const *words, Err *err) {
        const Command *command = command_find(cli->groups, words[0]);
        Parsed *parsed;
        Args *args = NULL;
        bool help;

        if (!command) {
                fail(err, VIR_ERR_INVALID_ARG, "unknown command: '%s'", words[0]);
                return NULL;
        }
        help = !command->raw && asks_for_help(words + 1);
        if (!help && args_parse(command, words + 1, &args, err) < 0)
                return NULL;
        parsed = g_new0(Parsed, 1);
        *parsed = (Parsed){.command = command, .args = args, .help = help};
        return parsed;
}

static int run_help(const Command *command) {
        g_autofree char *help = command_help(command);

        fputs(help, stdout);
        return 0;
}

static int run_command(Cli *cli, const Parsed *parsed, Err *err) {
        const Command *command = parsed->command;

        if (parsed->help)
                return run_help(command);
        if (cli->json && !command->json)
                return fail(err, VIR_ERR_INVALID_ARG, "command '%s' has no JSON output",
                            command->name);
        return command->run(cli, parsed->args, err);
}

/* What fails before a command runs: no empty line follows. */
static int fail_before(Cli *cli, const Err *err) {
        cli_report(cli, err);
        return 1;
}

/* Returns the exit status. */
static int run_parsed(Cli *cli, const Parsed *parsed) {
        gint64 start = g_get_monotonic_time();
        g_auto(Err) err = ERR_INIT;
        int r;

        if (!parsed->help && !parsed->command->offline && cli_connect(cli, &err) < 0)
                return fail_before(cli, &err);
        cli->status = 0;
        r = run_command(cli, parsed, &err);
        if (r < 0)
                cli_report(cli, &err);
        if (cli->timing)
                printf("(Time: %.3f ms)\n", (double)(g_get_monotonic_time() - start) / 1000);
        else if (!cli->leave)
                cli_say(cli, "\n");
        fflush(stdout);
        return r < 0 ? 1 : cli->status;
}

int cli_run_line(Cli *cli, const char *line) {
        g_autoptr(GPtrArray) commands = NULL;
        g_autoptr(GPtrArray) parsed = g_ptr_array_new_with_free_func(parsed_free);
        g_auto(Err) err = ERR_INIT;
        int status = 0;

        if (words_split(line, &commands, &err) < 0)
                return fail_before(cli, &err);
        for (unsigned i = 0; i < commands->len; i++) {
                Parsed *one = parse_command(cli, commands->pdata[i], &err);

                if (!one)
                        return fail_before(cli, &err);
                g_ptr_array_add(parsed, one);
        }
        for (unsigned i = 0; i < parsed->len && !cli->leave; i++)
                status = run_parsed(cli, parsed->pdata[i]);
        return status;
}

int cli_run_words(Cli *cli, char *const *words) {
        g_auto(Err) err = ERR_INIT;
        Parsed *parsed = parse_command(cli, words, &err);
        int status;

        if (!parsed)
                return fail_before(cli, &err);
        status = run_parsed(cli, parsed);
        parsed_free(parsed);
        return status;
}

int cli_guest_named(Cli *cli, const char *name, GuestLookup by, Guest **ret, Err *err) {
        g_auto(Err) reason = ERR_INIT;
        int r;

        r = guest_lookup(cli->conn, name, by, ret, &reason);
        if (r >= 0)
                return 0;
        /* That there is none is the whole story. */
        if (reason.code == VIR_ERR_NO_DOMAIN)
                return fail(err, VIR_ERR_NO_DOMAIN, "failed to get domain '%s'", name);
        err_move(err, &reason);
        return cli_failed(cli, r, "failed to get domain '%s'", name);
}

int cli_guest(Cli *cli, const Args *args, GuestLookup by, Guest **ret, Err *err) {
        return cli_guest_named(cli, args_text(args, "domain"), by, ret, err);
}

int cli_read_file(const char *path, char **ret, Err *err) {
        g_autofree char *data = g_malloc(CLI_FILE_MAX + 1);
        FILE *file = fopen(path, "re");
        size_t size;
        int r;

        if (!file)
                return fail_errno(err, neg_errno(), "Failed to open file '%s'", path);
        size = fread(data, 1, CLI_FILE_MAX + 1, file);
        r = ferror(file) ? neg_errno() : 0;
        fclose(file);
        if (r < 0)
                return fail_errno(err, r, "Failed to read file '%s'", path);
        if (size > CLI_FILE_MAX)
                return fail(err, VIR_ERR_INVALID_ARG, "File '%s' is longer than %u bytes", path,
                            CLI_FILE_MAX);
        if (memchr(data, '\0', size))
                return fail(err, VIR_ERR_INVALID_ARG, "File '%s' is no text", path);
        *ret = g_strndup(data, size);
        return 0;
}

double cli_human_size(uint64_t size, const char **ret_unit) {
        static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        double value = (double)size;
        size_t unit = 0;

        while (value >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
                value /= 1024;
                unit++;
        }
        *ret_unit = units[unit];
        return value;
}

int cli_guest_doc(Cli *cli, const Guest *guest, unsigned flags, XmlDoc **ret, Err *err) {
        g_autofree char *xml = NULL;
        int r;

        r = guest_xml(cli->conn, guest, flags, &xml, err);
        if (r < 0)
                return r;
        r = xml_doc_parse(xml, strlen(xml), "domain", ret, err);
        if (r < 0)
                return r;
        if (xml_child(xml_doc_root(*ret), "devices"))
                return 0;
        g_clear_pointer(ret, xml_doc_free);
        return fail(err, VIR_ERR_XML_ERROR, "the daemon's XML of guest '%s' has no <devices>",
                    guest->name);
}

/* Reads hexadecimal digits, at most max value, up to the character end, and steps over that. */
static int take_hex(const char **p, char end, uint64_t max, unsigned *ret) {
        const char *stop = strchr(*p, end);
        g_autofree char *part = stop ? g_strndup(*p, (size_t)(stop - *p)) : NULL;
        uint64_t value;

        if (!part || g_str_has_prefix(part, "0x") || str_to_uint(part, 16, max, &value) < 0)
                return -EINVAL;
        *p = end ? stop + 1 : stop;
        *ret = (unsigned)value;
        return 0;
}

char *cli_device_name(const char *text) {
        const char *p = text;
        unsigned domain = 0, bus, slot, function;
        bool has_domain = strchr(text, ':') != strrchr(text, ':');

        if (has_domain && take_hex(&p, ':', UINT32_MAX, &domain) < 0)
                return g_strdup(text);
        if (take_hex(&p, ':', 0xff, &bus) < 0 || take_hex(&p, '.', 0x1f, &slot) < 0 ||
            take_hex(&p, '\0', 7, &function) < 0)
                return g_strdup(text);
        return g_strdup_printf("pci_%04x_%02x_%02x_%x", domain, bus, slot, function);
}

int cli_interrupt_fd(void) {
        sigset_t set;
        int fd;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return neg_errno();
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? neg_errno() : fd;
}

void cli_interrupt_done(int *fd) {
        struct signalfd_siginfo info;
        sigset_t set;

        if (*fd < 0)
                return;
        /* What has arrived was answered; it must not end the program now. */
        while (read(*fd, &info, sizeof(info)) > 0)
                ;
        closep(fd);
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
}

unsigned cli_handover_flags(const Args *args) {
        unsigned flags = 0;

        flags |= args_flag(args, "with-companions") ? AIRLOCK_WITH_COMPANIONS : 0;
        flags |= args_flag(args, "take-host-devices") ? AIRLOCK_TAKE_HOST_DEVICES : 0;
        return flags;
}
