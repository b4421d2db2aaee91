/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a command line, for args.c. What QEMU takes as JSON is built as JSON, so that the
 * same object serves the command line and QMP. */

#include "qemu/args.h"

/* Options of the machine itself: all but devices and what stands behind them. */
int qemu_args_machine(GPtrArray *args, const DomainDef *def, const QemuRuntime *runtime, Err *err);

void qemu_args_add(GPtrArray *args, const char *option, const char *value);
void qemu_args_add_json(GPtrArray *args, const char *option, json_t *consumed);
void qemu_args_add_format(GPtrArray *args, const char *option, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

/* value with ',' doubled, as QEMU's key=value lists want it. */
char *qemu_args_escape(const char *value);

/* Block nodes of a disk: the file's and the format's, in the order in which they are added. NULL
 * array entries never happen; an empty drive has none. */
json_t *qemu_args_disk_nodes(const DomainDisk *disk);
json_t *qemu_args_flash_node(const char *name, const char *path, FlashFormat format,
                             bool is_read_only);
char *qemu_args_disk_node_name(const DomainDisk *disk);

/* What stands behind an interface. */
int qemu_args_netdev(const DomainInterface *net, const QemuRuntime *runtime, json_t **ret,
                     Err *err);

/* The value of -chardev, and the arguments of chardev-add. */
int qemu_args_chardev(const DomainChar *chardev, char **ret, Err *err);
int qemu_args_chardev_add(const DomainChar *chardev, json_t **ret, Err *err);

/* The object behind an rng. */
json_t *qemu_args_rng_object(const DomainRng *rng);

/* True for the console that is the first serial port. */
bool qemu_args_is_mirror(const DomainDef *def, const DomainDevice *device);

/* "hostnet0" for "net0". */
char *qemu_args_backend_name(const char *prefix, const DomainDevice *device);
