/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a guest's definition to QEMU's command line, and to the QMP commands that plug a device into
 * the running guest. Pure: what is known only at the start of this guest comes in QemuRuntime.
 *
 * The definition is the live one: aliases and addresses are assigned (domain_def_assign_aliases,
 * layout_assign), autoport graphics have their port, bridge interfaces their tap device, unix
 * channels their path. */

#include <jansson.h>

#include "domain/device.h"

/* A version of QEMU as libvirt counts. */
#define QEMU_VERSION(major, minor, micro) ((major)*1000000u + (minor)*1000u + (micro))
#define QEMU_VERSION_MIN                  QEMU_VERSION(7, 2, 0)

#define QEMU_MEMORY_DIR "/var/lib/airlock/ram"

typedef struct QemuRuntime {
        unsigned version;    /* QEMU_VERSION() */
        GHashTable *devices; /* the set of types that this QEMU has; NULL: not known */
        /* Listening UNIX socket that QEMU inherits for QMP; -1: qmp_path says where it makes one.
         */
        int qmp_fd;
        const char *qmp_path;
        bool has_vhost_net;     /* /dev/vhost-net can be opened: virtio interfaces use it */
        bool has_sandbox;       /* QEMU was built with seccomp */
        const char *pid_file;   /* NULL: none */
        const char *run_dir;    /* of this guest: sockets of what works beside QEMU; NULL: none */
        int64_t now;            /* seconds of the epoch: clocks that are off begin from it */
        int32_t utc_offset;     /* seconds that the host's local time is ahead of UTC */
        const char *memory_dir; /* where memory of type file is; NULL: QEMU_MEMORY_DIR */
        const DomainSysinfo *host_sysinfo; /* for <smbios mode='host'>; NULL: none */
        /* Open files that QEMU inherits, name → GINT_TO_POINTER(number); NULL: the device is
         * plugged in, and they are sent over the monitor under their names (getfd). */
        GHashTable *fds;
} QemuRuntime;

/* argv of QEMU, from the emulator's path to the NULL at its end (GPtrArray of owned strings).
 * Starts paused (-S). */
int qemu_args_build(const DomainDef *def, const QemuRuntime *runtime, GPtrArray **ret, Err *err);

/* What QEMU gets in its environment beside the daemon's own: "TZ=…"; the caller frees it. */
char **qemu_args_environment(const DomainDef *def);

/* The QMP commands that plug in a device, in order: an array of {"execute", "arguments"}. After
 * device_add comes what the device is told then (limits, a link that is down); when one fails, the
 * commands of qemu_args_unplug are for those before device_add. The device has its alias and
 * address. */
int qemu_args_plug(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                   json_t **ret, Err *err);

/* VIR_ERR_OPERATION_UNSUPPORTED for what QEMU takes only while the guest is off. The device needs
 * no alias and no address yet. */
int qemu_args_check_plug(const DomainDef *def, const DomainDevice *device, Err *err);

/* The QMP commands that free what stood behind a device (blockdev-del, netdev_del, …), after
 * DEVICE_DELETED told that it is gone. The request itself is device_del of its alias. */
json_t *qemu_args_unplug(const DomainDef *def, const DomainDevice *device);

/* The QMP commands that make what stands behind a device, without the device: a new medium for a
 * drive that the guest has. */
int qemu_args_backend(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                      json_t **ret, Err *err);

/* The QMP commands that qemu_args_ready() has for one device: a display's password. */
json_t *qemu_args_ready_device(const DomainDevice *device);

/* The device's own object as -device and device_add take it (with "driver" and "id"). */
int qemu_args_device(const DomainDef *def, const DomainDevice *device, const QemuRuntime *runtime,
                     json_t **ret, Err *err);

/* ---- drives ---- */

/* The QMP commands that make a drive's medium as the definition has it, in order, and the node to
 * put into the drive (NULL: the drive is empty, and there are no commands). The nodes of the medium
 * before have the same names: they are gone first (qemu_args_unplug of the old definition). Both
 * are the caller's. */
int qemu_args_disk_medium(const DomainDef *def, const DomainDisk *disk, const QemuRuntime *runtime,
                          json_t **ret_commands, char **ret_node, Err *err);

/* Name of the node that knows the format of an image: 0 is the disk's own, n the n-th below it. */
char *qemu_args_disk_node(const DomainDisk *disk, unsigned layer);

/* block_set_io_throttle with the limits of <iotune>; those that it does not name are lifted. */
json_t *qemu_args_disk_throttle(const DomainDisk *disk);

/* The QMP commands for a guest that was just started and still pauses: devices beyond the first 48
 * (args-crowd.c), passwords, links that are down, the balloon's target. They come before cont; a
 * RESET among them is none of the guest's. */
int qemu_args_ready(const DomainDef *def, const QemuRuntime *runtime, json_t **ret, Err *err);
