/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is changed while a guest runs: processors, memory, disks; and its screen and keys. flags:
 * GuestAffectFlags, and where named those of the call. */

#include "client/guest.h"

#define GUEST_MEMORY_MAXIMUM (1u << 2)

/* kib: KiB. */
int guest_set_memory(Conn *conn, const Guest *guest, uint64_t kib, unsigned flags, Err *err);

typedef enum GuestVcpuFlags {
        GUEST_VCPU_MAXIMUM = 1 << 2,
        GUEST_VCPU_GUEST = 1 << 3, /* as the agent sees them */
        GUEST_VCPU_HOTPLUGGABLE = 1 << 4,
} GuestVcpuFlags;

/* flags NULL: the old call, which means the running guest. */
int guest_set_vcpus(Conn *conn, const Guest *guest, unsigned count, const unsigned *flags,
                    Err *err);
int guest_count_vcpus(Conn *conn, const Guest *guest, unsigned flags, int *ret, Err *err);

/* A set of the host's processors: one bit each, the lowest of the first byte is processor 0. */
typedef struct GuestCpus {
        uint8_t *map;
        unsigned size; /* bytes */
} GuestCpus;

typedef struct GuestVcpu {
        unsigned number;
        int state;     /* 0 offline, 1 running, 2 blocked */
        uint64_t time; /* ns */
        int cpu;       /* that it runs on; negative: none */
        GuestCpus cpus;
} GuestVcpu;

/* *ret holds GuestVcpu * and frees them. cpus: processors of the host. */
int guest_vcpus(Conn *conn, const Guest *guest, unsigned count, unsigned cpus, GPtrArray **ret,
                Err *err);

/* Where count virtual processors may run: *ret holds GBytes * of (cpus + 7) / 8 bytes each. */
typedef struct GuestPinQuery {
        unsigned count; /* virtual processors */
        unsigned cpus;  /* of the host */
        unsigned flags;
} GuestPinQuery;

int guest_vcpu_pins(Conn *conn, const Guest *guest, const GuestPinQuery *query, GPtrArray **ret,
                    Err *err);
int guest_emulator_pin(Conn *conn, const Guest *guest, const GuestPinQuery *query, GPtrArray **ret,
                       Err *err);

typedef struct GuestPin {
        unsigned vcpu;
        GuestCpus cpus;
        unsigned flags;
        bool is_current; /* no option was given: the old call, which means the running guest */
} GuestPin;

int guest_pin_vcpu(Conn *conn, const Guest *guest, const GuestPin *pin, Err *err);
int guest_pin_emulator(Conn *conn, const Guest *guest, const GuestPin *pin, Err *err);

#define GUEST_RESIZE_BYTES    1u
#define GUEST_RESIZE_CAPACITY 2u

int guest_resize(Conn *conn, const Guest *guest, const char *disk, uint64_t size, unsigned flags,
                 Err *err);

/* Opens the connection's stream on a picture of the screen; *ret: its MIME type. */
int guest_screenshot(Conn *conn, const Guest *guest, unsigned screen, char **ret, Err *err);

#define GUEST_KEYS_MAX 16

typedef struct GuestKeys {
        unsigned codeset;
        unsigned hold; /* ms */
        unsigned n_codes;
        unsigned codes[GUEST_KEYS_MAX];
} GuestKeys;

int guest_send_keys(Conn *conn, const Guest *guest, const GuestKeys *keys, Err *err);
