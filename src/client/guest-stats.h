/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest uses and what passes through its devices. Lists of Param (client/param.h) free what
 * they hold. */

#include "client/guest.h"
#include "client/param.h"

typedef struct GuestBlock {
        uint64_t capacity; /* bytes, as the guest sees it */
        uint64_t allocation;
        uint64_t physical;
} GuestBlock;

int guest_block(Conn *conn, const Guest *guest, const char *disk, GuestBlock *ret, Err *err);

/* disk "": all together. Fields: rd_operations, rd_bytes, … */
int guest_block_stats(Conn *conn, const Guest *guest, const char *disk, GPtrArray **ret, Err *err);

/* Fields: rx_bytes, rx_packets, rx_errs, rx_drop, tx_…; what is not counted is left out. */
int guest_interface_stats(Conn *conn, const Guest *guest, const char *device, GPtrArray **ret,
                          Err *err);

/* KiB, as virsh names them: actual, unused, … */
int guest_memory_stats(Conn *conn, const Guest *guest, GPtrArray **ret, Err *err);
int guest_set_memory_stats_period(Conn *conn, const Guest *guest, int seconds, unsigned flags,
                                  Err *err);

/* One number for each disk that QEMU had trouble with: 1 other, 2 no space. */
int guest_disk_errors(Conn *conn, const Guest *guest, GPtrArray **ret, Err *err);

/* cpu -1: all together. Nanoseconds. */
int guest_cpu_stats(Conn *conn, const Guest *guest, int cpu, GPtrArray **ret, Err *err);

typedef struct GuestStats {
        Guest *guest;
        GPtrArray *params;
} GuestStats;

typedef enum GuestStatsFlags {
        GUEST_STATS_ACTIVE = 1 << 0,
        GUEST_STATS_INACTIVE = 1 << 1,
        GUEST_STATS_PERSISTENT = 1 << 2,
        GUEST_STATS_TRANSIENT = 1 << 3,
        GUEST_STATS_RUNNING = 1 << 4,
        GUEST_STATS_PAUSED = 1 << 5,
        GUEST_STATS_SHUTOFF = 1 << 6,
        GUEST_STATS_OTHER = 1 << 7,
        GUEST_STATS_NOWAIT = 1 << 29,
        GUEST_STATS_BACKING = 1 << 30,
} GuestStatsFlags;

#define GUEST_STATS_ENFORCE (1u << 31)

typedef struct GuestStatsQuery {
        const GPtrArray *guests; /* Guest *; empty: all that the flags choose */
        unsigned groups;         /* 1 state, 2 processors, 4 balloon, …; 0: all */
        unsigned flags;          /* GuestStatsFlags */
} GuestStatsQuery;

/* *ret holds GuestStats * and frees them. */
int guest_all_stats(Conn *conn, const GuestStatsQuery *query, GPtrArray **ret, Err *err);

typedef struct GuestControl {
        unsigned state;   /* 0 ok, 1 job, 2 occupied, 3 error */
        unsigned details; /* of an error */
        uint64_t time;    /* ms in that state */
} GuestControl;

int guest_control(Conn *conn, const Guest *guest, GuestControl *ret, Err *err);

#define GUEST_JOB_COMPLETED      1u
#define GUEST_JOB_KEEP_COMPLETED 2u

/* *ret_type: 0 none, 1 bounded, 2 unbounded, 3 completed, 4 failed, 5 cancelled. */
int guest_job_stats(Conn *conn, const Guest *guest, unsigned flags, int *ret_type, GPtrArray **ret,
                    Err *err);

typedef struct GuestAddress {
        char *interface;
        char *mac;    /* NULL: has none */
        char *text;   /* NULL: no address */
        bool is_next; /* a further address of the interface before it */
        bool is_ipv6;
        unsigned prefix;
} GuestAddress;

/* source: 0 DHCP leases, 1 the agent, 2 the host's ARP table. *ret holds GuestAddress * and frees
 * them. */
int guest_addresses(Conn *conn, const Guest *guest, unsigned source, GPtrArray **ret, Err *err);
