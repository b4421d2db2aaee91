/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests' memory in files, and the jobs that carry it. */
#include "cli/groups.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/xpath.h"
#include "client/guest-save.h"
#include "client/guest-stats.h"

/* A job of which it is known how long it takes. */
#define JOB_BOUNDED 1

static const ArgsBit save_bits[] = {
        {"bypass-cache", GUEST_SAVE_BYPASS_CACHE},
        {"running", GUEST_SAVE_RUNNING},
        {"paused", GUEST_SAVE_PAUSED},
        {"reset-nvram", GUEST_SAVE_RESET_NVRAM},
        {},
};

/* The file as the daemon must know it, whatever its own directory is. */
static char *daemon_path(const Args *args) {
        return g_canonicalize_filename(args_text(args, "file"), NULL);
}

/* ret_xml: what --xml names, to be freed; NULL without it. */
static int read_image(const Args *args, GuestImage *ret, char **ret_xml, Err *err) {
        const char *xml = args_text(args, "xml");
        int r;

        r = args_exclusive(args, "running", "paused", err);
        if (r >= 0 && xml)
                r = cli_read_file(xml, ret_xml, err);
        if (r < 0)
                return r;
        ret->flags = args_bits(args, save_bits);
        ret->xml = *ret_xml;
        return 0;
}

static int cmd_save(Cli *cli, const Args *args, Err *err) {
        g_autofree char *path = daemon_path(args);
        g_autofree char *xml = NULL;
        g_autoptr(Guest) guest = NULL;
        GuestImage image = {.path = path};
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = read_image(args, &image, &xml, err);
        if (r < 0)
                return r;
        r = guest_save(cli->conn, guest, &image, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to save domain '%s' to %s", guest->name,
                                  args_text(args, "file"));
        cli_say(cli, "\nDomain '%s' saved to %s\n", guest->name, args_text(args, "file"));
        return 0;
}

static int cmd_restore(Cli *cli, const Args *args, Err *err) {
        g_autofree char *path = daemon_path(args);
        g_autofree char *xml = NULL;
        GuestImage image = {.path = path};
        int r;

        r = read_image(args, &image, &xml, err);
        if (r < 0)
                return r;
        r = guest_restore(cli->conn, &image, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to restore domain from %s",
                                  args_text(args, "file"));
        cli_say(cli, "Domain restored from %s\n", args_text(args, "file"));
        return 0;
}

static unsigned xml_flags(const Args *args) {
        return args_flag(args, "security-info") ? GUEST_XML_SECURE : 0;
}

static int cmd_save_image_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autofree char *path = daemon_path(args);
        g_autofree char *xml = NULL;
        int r;

        r = guest_image_xml(cli->conn, path, xml_flags(args), &xml, err);
        if (r < 0)
                return r;
        return xpath_print(args, xml, err);
}

static int cmd_managedsave(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r;

        r = args_exclusive(args, "running", "paused", err);
        if (r >= 0)
                r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_act(cli->conn, guest, GUEST_MANAGED_SAVE, args_bits(args, save_bits), err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to save domain '%s' state", guest->name);
        cli_say(cli, "\nDomain '%s' state saved by libvirt\n", guest->name);
        return 0;
}

static int cmd_managedsave_remove(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        bool is_saved;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_ask(cli->conn, guest, GUEST_HAS_MANAGED_SAVE, &is_saved, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to check for domain managed save image");
        if (!is_saved) {
                cli_say(cli, "Domain '%s' has no manage save image; removal skipped", guest->name);
                return 0;
        }
        r = guest_act(cli->conn, guest, GUEST_MANAGED_SAVE_REMOVE, 0, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to remove managed save image for domain '%s'",
                                  guest->name);
        cli_say(cli, "Removed managedsave image for domain '%s'", guest->name);
        return 0;
}

static int cmd_managedsave_dumpxml(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        g_autofree char *xml = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_managed_save_xml(cli->conn, guest, xml_flags(args), &xml, err);
        if (r < 0)
                return r;
        return xpath_print(args, xml, err);
}

/* In the order of libvirt's numbers; those without a name are asked for by no command. */
static const char *const dump_formats[] = {"elf",          "kdump-zlib", "kdump-lzo",
                                           "kdump-snappy", "win-dmp",    NULL};

static int read_dump(const Args *args, GuestDump *ret, Err *err) {
        static const ArgsBit bits[] = {
                {"crash", GUEST_DUMP_CRASH},
                {"live", GUEST_DUMP_LIVE},
                {"bypass-cache", GUEST_DUMP_BYPASS_CACHE},
                {"reset", GUEST_DUMP_RESET},
                {"memory-only", GUEST_DUMP_MEMORY_ONLY},
                {},
        };
        const char *format = args_text(args, "format");
        int r;

        r = args_exclusive(args, "live", "crash", err);
        if (r < 0)
                return r;
        ret->flags = args_bits(args, bits);
        if (format && !(ret->flags & GUEST_DUMP_MEMORY_ONLY))
                return fail(err, VIR_ERR_INVALID_ARG, "--format only works with --memory-only");
        while (format && dump_formats[ret->format] &&
               !g_str_equal(dump_formats[ret->format], format))
                ret->format++;
        if (!dump_formats[ret->format])
                return fail(err, VIR_ERR_INVALID_ARG,
                            "format '%s' is not supported, expecting 'kdump-zlib', 'kdump-lzo', "
                            "'kdump-snappy', 'win-dmp' or 'elf'",
                            format);
        return 0;
}

static int cmd_dump(Cli *cli, const Args *args, Err *err) {
        g_autofree char *path = daemon_path(args);
        g_autoptr(Guest) guest = NULL;
        GuestDump dump = {.path = path};
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = read_dump(args, &dump, err);
        if (r < 0)
                return r;
        r = guest_dump(cli->conn, guest, &dump, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to core dump domain '%s' to %s", guest->name,
                                  args_text(args, "file"));
        cli_say(cli, "\nDomain '%s' dumped to %s\n", guest->name, args_text(args, "file"));
        return 0;
}

/* Three sizes of a job: "data_processed", … shown where there is a "data_total". */
static const struct {
        const char *field;
        const char *label;
} job_sizes[] = {{"data", "Data"}, {"memory", "Memory"}, {"disk", "File"}};

static void print_job_sizes(const GPtrArray *params, const char *field, const char *label) {
        static const char *const parts[] = {"processed", "remaining", "total"};
        g_autofree char *total = g_strconcat(field, "_total", NULL);

        if (params_number(params, total) == 0)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                g_autofree char *name = g_strconcat(field, "_", parts[i], NULL);
                g_autofree char *title = g_strconcat(label, " ", parts[i], ":", NULL);
                const char *unit;
                double size = cli_human_size(params_number(params, name), &unit);

                printf("%-17s %-.3f %s\n", title, size, unit);
        }
}

static void print_job_time(const GPtrArray *params, const char *field, const char *label) {
        uint64_t ms = params_number(params, field);

        if (ms > 0)
                printf("%-17s %-12" PRIu64 " ms\n", label, ms);
}

static const char *word_of(const char *const *words, unsigned n, uint64_t number) {
        return number < n && words[number] ? words[number] : "Unknown";
}

static void print_job(int type, const GPtrArray *params) {
        static const char *const types[] = {"None",      "Bounded", "Unbounded",
                                            "Completed", "Failed",  "Cancelled"};
        static const char *const operations[] = {"Unknown",
                                                 "Start",
                                                 "Save",
                                                 "Restore",
                                                 "Incoming migration",
                                                 "Outgoing migration",
                                                 "Snapshot",
                                                 "Snapshot revert",
                                                 "Dump",
                                                 "Backup",
                                                 "Snapshot delete"};
        const Param *operation = params_find(params, "operation");

        printf("%-17s %-12s\n", "Job type:", word_of(types, G_N_ELEMENTS(types), (uint64_t)type));
        if (type == 0)
                return;
        printf("%-17s %-12s\n", "Operation:",
               word_of(operations, G_N_ELEMENTS(operations),
                       operation ? g_ascii_strtoull(operation->text, NULL, 10) : 0));
        print_job_time(params, "time_elapsed", "Time elapsed:");
        if (type == JOB_BOUNDED)
                print_job_time(params, "time_remaining", "Time remaining:");
        for (size_t i = 0; i < G_N_ELEMENTS(job_sizes); i++)
                print_job_sizes(params, job_sizes[i].field, job_sizes[i].label);
        print_job_time(params, "downtime", "Total downtime:");
}

static int cmd_domjobinfo(Cli *cli, const Args *args, Err *err) {
        static const ArgsBit bits[] = {
                {"completed", GUEST_JOB_COMPLETED},
                {"keep-completed", GUEST_JOB_KEEP_COMPLETED | GUEST_JOB_COMPLETED},
                {},
        };
        g_autoptr(GPtrArray) params = NULL;
        g_autoptr(Guest) guest = NULL;
        int r, type;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_job_stats(cli->conn, guest, args_bits(args, bits), &type, &params, err);
        if (r < 0)
                return r;
        print_job(type, params);
        return 0;
}

static const Option options_save[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FILE("where the state goes"),
        OPT_FLAG("bypass-cache", "write around the file system's cache"),
        OPT_TEXT("xml", "file with the guest's XML as it shall come back"),
        OPT_FLAG("running", "let it run when it comes back"),
        OPT_FLAG("paused", "leave it paused when it comes back"),
        OPT_END,
};
static const Option options_restore[] = {
        OPT_FILE("the state that was saved"),
        OPT_FLAG("bypass-cache", "read around the file system's cache"),
        OPT_TEXT("xml", "file with the guest's XML as it shall come back"),
        OPT_FLAG("running", "let it run"),
        OPT_FLAG("paused", "leave it paused"),
        OPT_FLAG("reset-nvram", "begin with fresh firmware variables"),
        OPT_END,
};
static const Option options_image_xml[] = {
        OPT_FILE("the state that was saved"),
        OPT_FLAG("security-info", "show passwords, too"),
        OPT_XPATH,
        OPT_END,
};
static const Option options_managedsave[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("bypass-cache", "write around the file system's cache"),
        OPT_FLAG("running", "let it run when it comes back"),
        OPT_FLAG("paused", "leave it paused when it comes back"),
        OPT_END,
};
static const Option options_managedsave_xml[] = {
        OPT_GUEST(CANDIDATES_GUEST_INACTIVE),
        OPT_FLAG("security-info", "show passwords, too"),
        OPT_XPATH,
        OPT_END,
};
static const Option options_guest[] = {OPT_GUEST(CANDIDATES_GUEST), OPT_END};
static const Option options_dump[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FILE("where the memory goes"),
        OPT_FLAG("live", "do not pause the guest"),
        OPT_FLAG("crash", "destroy the guest behind it"),
        OPT_FLAG("bypass-cache", "write around the file system's cache"),
        OPT_FLAG("reset", "reset the guest afterwards"),
        OPT_FLAG("memory-only", "memory and registers alone, for a debugger"),
        {.name = "format",
         .kind = OPTION_TEXT,
         .candidates = CANDIDATES_WORDS,
         .words = dump_formats,
         .help = "format of --memory-only"},
        OPT_END,
};
static const Option options_domjobinfo[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("completed", "the last job that ended"),
        OPT_FLAG("keep-completed", "and keep what is known of it"),
        OPT_END,
};
static const Option options_domjobabort[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("postcopy", "even a migration that is in its post-copy phase"),
        OPT_END,
};

const Command commands_save[] = {
        {"domjobabort", "end what a guest is busy with", NULL, options_domjobabort,
         .run = cmd_action},
        {"domjobinfo", "show what a guest is busy with", NULL, options_domjobinfo,
         .run = cmd_domjobinfo},
        {"dump", "write a guest's memory to a file, to be looked at", NULL, options_dump,
         .run = cmd_dump},
        {"managedsave", "save a guest's state; its next start goes on from there", NULL,
         options_managedsave, .run = cmd_managedsave},
        {"managedsave-dumpxml", "show the guest in a state that the daemon keeps, in XML", NULL,
         options_managedsave_xml, .run = cmd_managedsave_dumpxml},
        {"managedsave-remove", "forget the state that the daemon keeps", NULL, options_guest,
         .run = cmd_managedsave_remove},
        {"restore", "start a guest from a saved state", NULL, options_restore, .run = cmd_restore},
        {"save", "save a guest's state to a file, and stop it", NULL, options_save,
         .run = cmd_save},
        {"save-image-dumpxml", "show the guest in a saved state, in XML", NULL, options_image_xml,
         .run = cmd_save_image_dumpxml},
        {},
};
