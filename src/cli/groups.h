/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The groups of commands, one a theme, each in its cmd-*.c. */

#include "cli/command.h"

extern const CommandGroup group_assign;  /* cmd-assign.c */
extern const CommandGroup group_domain;  /* cmd-domain.c */
extern const CommandGroup group_monitor; /* cmd-monitor.c */
extern const CommandGroup group_events;  /* cmd-event.c */
extern const CommandGroup group_doctor;  /* cmd-doctor.c */
extern const CommandGroup group_host;    /* cmd-host.c */
extern const CommandGroup group_network; /* cmd-network.c */
extern const CommandGroup group_nodedev; /* cmd-nodedev.c */
extern const CommandGroup group_self;    /* cmd-self.c */
extern const CommandGroup group_storage; /* cmd-pool.c */
extern const CommandGroup group_volume;  /* cmd-volume.c */

/* All of them, in the order of help; NULL-terminated. */
extern const CommandGroup *const command_groups[];

/* Tables of the groups above that have a file of their own. */
extern const Command commands_prepare[];     /* cmd-prepare.c */
extern const Command commands_install[];     /* cmd-install.c */
extern const Command commands_import[];      /* cmd-import.c */
extern const Command commands_save[];        /* cmd-save.c */
extern const Command commands_describe[];    /* cmd-describe.c */
extern const Command commands_tune[];        /* cmd-tune.c */
extern const Command commands_device[];      /* cmd-media.c */
extern const Command commands_agent[];       /* cmd-agent.c */
extern const Command commands_stats[];       /* cmd-stats.c */
extern const Command commands_display[];     /* cmd-display.c */
extern const Command commands_host_cpu[];    /* cmd-host-cpu.c */
extern const Command commands_host_memory[]; /* cmd-host-memory.c */

/* Commands of the groups above that are long enough for a file of their own. */
int cmd_console(Cli *cli, const Args *args, Err *err);
int cmd_edit(Cli *cli, const Args *args, Err *err);
int cmd_event(Cli *cli, const Args *args, Err *err);
int cmd_net_event(Cli *cli, const Args *args, Err *err);
int cmd_pool_event(Cli *cli, const Args *args, Err *err);
int cmd_nodedev_event(Cli *cli, const Args *args, Err *err);
/* Says one word to a guest; which one stands in a table by the command's name. */
int cmd_action(Cli *cli, const Args *args, Err *err);
int cmd_attach_device(Cli *cli, const Args *args, Err *err);
int cmd_detach_device(Cli *cli, const Args *args, Err *err);
int cmd_update_device(Cli *cli, const Args *args, Err *err);
