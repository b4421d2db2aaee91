/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/console.h"
#include "cli/options.h"
#include "client/assign.h"
#include "rpc/airlock.h"

/* Commands that say one word to a guest. */
typedef struct Action {
        const char *command;
        GuestAction action;
        const char *done;       /* "Domain 'x' …"; NULL: nothing is said */
        const ArgsBit *options; /* ends with a line without a name; NULL: none */
        const char *failed;     /* the same; NULL: "Failed to … domain 'x'" */
} Action;

static const ArgsBit destroy_flags[] = {
        {"graceful", GUEST_DESTROY_GRACEFUL},
        {"remove-logs", GUEST_DESTROY_REMOVE_LOGS},
        {},
};
static const ArgsBit undefine_flags[] = {
        {"managed-save", 1 << 0},
        {"snapshots-metadata", 1 << 1},
        {"nvram", 1 << 2},
        {"keep-nvram", 1 << 3},
        {"checkpoints-metadata", 1 << 4},
        {"tpm", 1 << 5},
        {"keep-tpm", 1 << 6},
        {},
};

static const ArgsBit abort_flags[] = {{"postcopy", 1 << 0}, {}};

static const Action actions[] = {
        {"destroy", GUEST_DESTROY, "destroyed", destroy_flags},
        {"reboot", GUEST_REBOOT, "is being rebooted"},
        {"reset", GUEST_RESET, "was reset"},
        {"resume", GUEST_RESUME, "resumed"},
        {"shutdown", GUEST_SHUTDOWN, "is being shutdown"},
        {"suspend", GUEST_SUSPEND, "suspended"},
        {"undefine", GUEST_UNDEFINE, "has been undefined", undefine_flags},
        {"inject-nmi", GUEST_INJECT_NMI},
        {"domjobabort", GUEST_ABORT_JOB, .options = abort_flags},
        {"dompmwakeup", GUEST_WAKE_UP, "successfully woken up", .failed = "could not be woken up"},
};

static const ArgsBit create_flags[] = {
        {"paused", GUEST_CREATE_PAUSED},
        {"autodestroy", GUEST_CREATE_AUTODESTROY},
        {"bypass-cache", GUEST_CREATE_BYPASS_CACHE},
        {"force-boot", GUEST_CREATE_FORCE_BOOT},
        {"validate", GUEST_CREATE_VALIDATE},
        {"reset-nvram", GUEST_CREATE_RESET_NVRAM},
        {},
};

/* The ways to ask a guest, in the order of their bits. */
static const char *const modes[] = {"acpi", "agent", "initctl", "signal", "paravirt", NULL};

static int mode_flags(const Args *args, unsigned *ret, Err *err) {
        const char *text =
                command_option(args_command(args), "mode") ? args_text(args, "mode") : NULL;
        g_auto(GStrv) words = g_strsplit(text ?: "", ",", -1);

        for (char **word = words; *word; word++) {
                unsigned bit = 0;

                while (modes[bit] && !g_str_equal(modes[bit], *word))
                        bit++;
                if (!modes[bit])
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "Unknown mode %s value, expecting 'acpi', 'agent', 'initctl', "
                                    "'signal', or 'paravirt'",
                                    *word);
                *ret |= 1u << bit;
        }
        return 0;
}

static const Action *action_of(const Args *args) {
        const Action *action = actions;

        while (!g_str_equal(action->command, args_command(args)->name))
                action++;
        return action;
}

static int action_failed(Cli *cli, int r, const Action *action, const Guest *guest) {
        if (action->failed)
                return cli_failed(cli, r, "Domain '%s' %s", guest->name, action->failed);
        /* One that says nothing when it is done says nothing of its own when it is not. */
        if (!action->done)
                return r;
        return cli_failed(cli, r, "Failed to %s domain '%s'", action->command, guest->name);
}

/* Options of undefine that say the contrary of each other. */
static int check_contraries(const Args *args, Err *err) {
        static const char *const pairs[][2] = {{"nvram", "keep-nvram"}, {"tpm", "keep-tpm"}};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(pairs); i++)
                if (command_option(args_command(args), pairs[i][0]))
                        r = args_exclusive(args, pairs[i][0], pairs[i][1], err);
        return r;
}

int cmd_action(Cli *cli, const Args *args, Err *err) {
        const Action *action = action_of(args);
        unsigned flags = args_bits(args, action->options);
        g_autoptr(Guest) guest = NULL;
        int r;

        r = check_contraries(args, err);
        if (r >= 0)
                r = mode_flags(args, &flags, err);
        if (r < 0)
                return r;
        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_act(cli->conn, guest, action->action, flags, err);
        if (r < 0)
                return action_failed(cli, r, action, guest);
        if (action->done)
                cli_say(cli, "Domain '%s' %s\n", guest->name, action->done);
        return 0;
}

static int start(Cli *cli, const Args *args, const Guest *guest, Err *err) {
        unsigned flags = args_bits(args, create_flags);
        AssignPlan plan = {"start", guest->name, NULL, cli_handover_flags(args)};
        g_autofree char *json = NULL;

        if (plan.flags == 0)
                return guest_act(cli->conn, guest, GUEST_CREATE, flags, err);
        if (flags & ~(unsigned)GUEST_CREATE_PAUSED)
                return fail(
                        err, VIR_ERR_INVALID_ARG,
                        "--with-companions and --take-host-devices go with --paused and --console "
                        "only");
        plan.flags |= flags & GUEST_CREATE_PAUSED ? AIRLOCK_PAUSED : 0;
        return assign_run(cli->conn, &plan, &json, err);
}

static int cmd_start(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_NAME | GUEST_BY_UUID, &guest, err);
        if (r < 0)
                return r;
        if (guest->id != -1)
                return fail(err, VIR_ERR_OPERATION_INVALID, "Domain is already active");
        r = start(cli, args, guest, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to start domain '%s'", guest->name);
        cli_say(cli, "Domain '%s' started\n", guest->name);
        if (args_flag(args, "console"))
                return console_run(cli, guest, NULL, 0, err);
        return 0;
}

static int cmd_create(Cli *cli, const Args *args, Err *err) {
        const char *path = args_text(args, "file");
        g_autoptr(Guest) guest = NULL;
        g_autofree char *xml = NULL;
        int r;

        r = cli_read_file(path, &xml, err);
        if (r < 0)
                return r;
        r = guest_create_xml(cli->conn, xml, args_bits(args, create_flags), &guest, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to create domain from %s", path);
        cli_say(cli, "Domain '%s' created from %s\n", guest->name, path);
        if (args_flag(args, "console"))
                return console_run(cli, guest, NULL, 0, err);
        return 0;
}

static int cmd_define(Cli *cli, const Args *args, Err *err) {
        const char *path = args_text(args, "file");
        g_autoptr(Guest) guest = NULL;
        g_autofree char *xml = NULL;
        int r;

        r = cli_read_file(path, &xml, err);
        if (r < 0)
                return r;
        r = guest_define(cli->conn, xml, args_flag(args, "validate") ? GUEST_DEFINE_VALIDATE : 0,
                         &guest, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to define domain from %s", path);
        cli_say(cli, "Domain '%s' defined from %s\n", guest->name, path);
        return 0;
}

static int cmd_autostart(Cli *cli, const Args *args, Err *err) {
        bool on = !args_flag(args, "disable"), once = args_flag(args, "once");
        const char *mark = on ? "mark" : "unmark";
        g_autoptr(Guest) guest = NULL;
        int r;

        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r < 0)
                return r;
        r = guest_set_autostart(cli->conn, guest, once, on, err);
        if (r < 0)
                return cli_failed(cli, r, "Failed to %s domain '%s' as autostarted%s", mark,
                                  guest->name, once ? " on next boot" : "");
        cli_say(cli, "Domain '%s' %sed as autostarted%s\n", guest->name, mark,
                once ? " on next boot" : "");
        return 0;
}

#define OPT_MODE                                                                     \
        {                                                                            \
                .name = "mode", .kind = OPTION_TEXT, .positional = true,             \
                .candidates = CANDIDATES_WORDS, .words = modes,                      \
                .help = "how the guest is asked: acpi|agent|initctl|signal|paravirt" \
        }

static const Option options_device[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FILE("file with the device's XML"),
        OPT_FLAG("persistent", "the definition, and the guest if it runs"),
        OPT_FLAG("config", "the definition: from the next start on"),
        OPT_FLAG("live", "the running guest"),
        OPT_FLAG("current", "the guest as it is now, running or not"),
        OPT_HANDOVER,
        OPT_END,
};
static const Option options_detach_device[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FILE("file with the device's XML"),
        OPT_FLAG("persistent", "the definition, and the guest if it runs"),
        OPT_FLAG("config", "the definition: from the next start on"),
        OPT_FLAG("live", "the running guest"),
        OPT_FLAG("current", "the guest as it is now, running or not"),
        OPT_HANDOVER,
        OPT_FLAG("wait", "return when the guest has let the device go"),
        OPT_NUMBER("timeout", "seconds that --wait takes at most; 60 when none are given"),
        OPT_END,
};
static const Option options_autostart[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("disable", "do not start it with the host any more"),
        OPT_FLAG("once", "at the next boot only"),
        OPT_END,
};
static const Option options_console[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_TEXT("devname", "which character device; the first console when none is given"),
        OPT_FLAG("force", "end the session of another client"),
        OPT_FLAG("resume", "let a paused guest run once connected"),
        OPT_FLAG("safe", "only where no second session is possible"),
        OPT_END,
};
static const Option options_create[] = {
        OPT_FILE("file with the guest's XML"),
        OPT_FLAG("console", "connect to its console"),
        OPT_FLAG("paused", "leave it paused"),
        OPT_FLAG("autodestroy", "destroy it when this connection ends"),
        OPT_FLAG("validate", "check the XML against the schema"),
        OPT_FLAG("reset-nvram", "begin with fresh firmware variables"),
        OPT_END,
};
static const Option options_define[] = {
        OPT_FILE("file with the guest's XML"),
        OPT_FLAG("validate", "check the XML against the schema"),
        OPT_END,
};
static const Option options_destroy[] = {
        OPT_GUEST(CANDIDATES_GUEST_ACTIVE),
        OPT_FLAG("graceful", "not by force: fail when QEMU does not end"),
        OPT_FLAG("remove-logs", "remove its logs, too"),
        OPT_END,
};
static const Option options_edit[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("skip-validate", "do not check the XML against the schema"),
        OPT_END,
};
static const Option options_mode[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_MODE, OPT_END};
static const Option options_guest[] = {OPT_GUEST(CANDIDATES_GUEST_ACTIVE), OPT_END};
static const Option options_start[] = {
        OPT_NEED("domain", CANDIDATES_GUEST_INACTIVE, "name or uuid of a guest that is off"),
        OPT_FLAG("console", "connect to its console"),
        OPT_FLAG("paused", "leave it paused"),
        OPT_FLAG("autodestroy", "destroy it when this connection ends"),
        OPT_FLAG("bypass-cache", "read a saved state around the file system's cache"),
        OPT_FLAG("force-boot", "boot anew, and forget a saved state"),
        OPT_FLAG("reset-nvram", "begin with fresh firmware variables"),
        OPT_HANDOVER,
        OPT_END,
};
static const Option options_undefine[] = {
        OPT_GUEST(CANDIDATES_GUEST),
        OPT_FLAG("managed-save", "forget its saved state, too"),
        OPT_FLAG("snapshots-metadata", "forget what is known of its snapshots, too"),
        OPT_FLAG("checkpoints-metadata", "forget what is known of its checkpoints, too"),
        OPT_FLAG("nvram", "delete its firmware variables, too"),
        OPT_FLAG("keep-nvram", "keep its firmware variables"),
        OPT_FLAG("tpm", "delete its TPM's state, too"),
        OPT_FLAG("keep-tpm", "keep its TPM's state"),
        OPT_END,
};

static const Command commands[] = {
        {"attach-device", "give a guest a device",
         "FILE describes one device in the words of a guest's XML. A PCI device of the host that "
         "is managed leaves its host driver for the guest; --with-companions parks the other "
         "devices of its IOMMU group.",
         options_device, .run = cmd_attach_device,
         .examples = "attach-device guest1 card.xml --live\n"
                     "attach-device guest1 card.xml --live --config --with-companions"},
        {"autostart", "start a guest with the daemon", NULL, options_autostart,
         .run = cmd_autostart},
        {"console", "connect to a guest's serial console", NULL, options_console,
         .run = cmd_console},
        {"create", "start a guest from a file, without keeping its definition", NULL,
         options_create, .run = cmd_create},
        {"define", "define a guest from a file, without starting it", NULL, options_define,
         .run = cmd_define},
        {"destroy", "stop a guest at once", NULL, options_destroy, .run = cmd_action},
        {"detach-device", "take a device from a guest",
         "A running guest lets go of a device when it pleases. The command returns when the guest "
         "was asked; with --wait, when the guest has let go.",
         options_detach_device, .run = cmd_detach_device,
         .examples = "detach-device guest1 card.xml --live --wait"},
        {"edit", "edit a guest's definition in an editor", NULL, options_edit, .run = cmd_edit},
        {"reboot", "ask a guest to reboot", NULL, options_mode, .run = cmd_action},
        {"reset", "reset a guest, as its button would", NULL, options_guest, .run = cmd_action},
        {"resume", "let a paused guest run on", NULL, options_guest, .run = cmd_action},
        {"shutdown", "ask a guest to shut down", NULL, options_mode, .run = cmd_action},
        {"start", "start a guest that is off",
         "With --with-companions, the other devices of the IOMMU groups of its managed devices "
         "are parked in the same plan, and given back with them.",
         options_start, .run = cmd_start,
         .examples = "start guest1\n"
                     "start guest1 --console"},
        {"suspend", "pause a guest", NULL, options_guest, .run = cmd_action},
        {"undefine", "forget a guest's definition", NULL, options_undefine, .run = cmd_action},
        {},
};

const CommandGroup group_domain = {
        "domain",
        "Domain Management",
        (const Command *const[]){commands, commands_save, commands_describe, commands_tune,
                                 commands_device, commands_agent, commands_install, NULL},
};
