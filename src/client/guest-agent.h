/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest's own agent is asked for, and QEMU itself. Without an agent in the guest's
 * definition: VIR_ERR_ARGUMENT_UNSUPPORTED; one that does not answer: VIR_ERR_AGENT_UNRESPONSIVE.
 */

#include "client/guest.h"

typedef struct GuestTime {
        int64_t seconds; /* since 1970 */
        unsigned nanoseconds;
} GuestTime;

#define GUEST_TIME_SYNC 1u /* from the guest's own hardware clock */

int guest_time(Conn *conn, const Guest *guest, GuestTime *ret, Err *err);
int guest_set_time(Conn *conn, const Guest *guest, const GuestTime *time, unsigned flags, Err *err);

/* source: 0 any, 1 DHCP leases, 2 the agent. */
int guest_hostname(Conn *conn, const Guest *guest, unsigned source, char **ret, Err *err);

typedef struct GuestFs {
        char *mountpoint;
        char *name;
        char *type;
        char *targets; /* "vda,vdb" */
} GuestFs;

/* *ret holds GuestFs * and frees them. */
int guest_filesystems(Conn *conn, const Guest *guest, GPtrArray **ret, Err *err);

/* Stops, or allows, writes to these file systems; none named: to all. *ret: how many. */
int guest_freeze(Conn *conn, const Guest *guest, char *const *mountpoints, int *ret, Err *err);
int guest_thaw(Conn *conn, const Guest *guest, char *const *mountpoints, int *ret, Err *err);

/* mountpoint NULL: all. minimum: bytes; shorter gaps stay. */
int guest_trim(Conn *conn, const Guest *guest, const char *mountpoint, uint64_t minimum, Err *err);

/* types: 1 users, 2 OS, 4 time zone, 8 host name, 16 file systems, 32 disks, 64 interfaces, 128
 * load; 0: all. *ret holds Param *. */
int guest_facts(Conn *conn, const Guest *guest, unsigned types, GPtrArray **ret, Err *err);

typedef struct GuestPassword {
        const char *user;
        const char *password;
        bool encrypted;
} GuestPassword;

int guest_set_password(Conn *conn, const Guest *guest, const GuestPassword *what, Err *err);

/* target: 0 memory, 1 disk, 2 both. seconds 0: until it is woken. */
int guest_pm_suspend(Conn *conn, const Guest *guest, unsigned target, uint64_t seconds, Err *err);

#define GUEST_MONITOR_HMP 1u

/* A command to QEMU's monitor, in JSON or, with GUEST_MONITOR_HMP, in its words; the answer as it
 * came. */
int guest_monitor_command(Conn *conn, const Guest *guest, const char *command, unsigned flags,
                          char **ret, Err *err);

/* A command to the agent. timeout: seconds, -2 no limit, -1 the daemon's own, 0 not to wait. *ret
 * NULL: there was no answer. */
int guest_agent_command(Conn *conn, const Guest *guest, const char *command, int timeout,
                        char **ret, Err *err);
