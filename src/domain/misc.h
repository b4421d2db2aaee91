/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kinds of device that have little to say: watchdog, balloon, random numbers, panic notifier,
 * shared memory, cryptography, crash records. */

#include "domain/virtio.h"

typedef enum WatchdogModel {
        WATCHDOG_UNSET,
        WATCHDOG_I6300ESB,
        WATCHDOG_IB700, /* ISA */
        WATCHDOG_ITCO,  /* a part of q35's chip set */
} WatchdogModel;
typedef enum WatchdogAction {
        WATCHDOG_ACTION_UNSET,
        WATCHDOG_RESET,
        WATCHDOG_SHUTDOWN,
        WATCHDOG_POWEROFF,
        WATCHDOG_PAUSE,
        WATCHDOG_NOTHING,
        WATCHDOG_INJECT_NMI,
} WatchdogAction;

typedef struct DomainWatchdog {
        DomainDevice base;
        WatchdogModel model;
        WatchdogAction action; /* all of a guest have the same */
} DomainWatchdog;

typedef enum BalloonModel {
        BALLOON_UNSET,
        BALLOON_VIRTIO,
        BALLOON_TRANSITIONAL,
        BALLOON_NON_TRANSITIONAL,
        BALLOON_NONE,
} BalloonModel;

typedef struct DomainMemballoon {
        DomainDevice base;
        BalloonModel model; /* VirtioForm up to BALLOON_NONE */
        DomainSwitch autodeflate, free_page_reporting;
        DomainVirtio driver;
        struct {
                DomainNode node;
                DomainNum period; /* seconds */
        } stats;
} DomainMemballoon;

typedef enum RngBackend {
        RNG_BACKEND_UNSET,
        RNG_RANDOM,
        RNG_EGD, /* a daemon that speaks the protocol of EGD */
        RNG_BUILTIN,
} RngBackend;
typedef enum RngSource { RNG_SOURCE_UNSET, RNG_TCP, RNG_UNIX } RngSource;
typedef enum RngMode { RNG_MODE_UNSET, RNG_CONNECT, RNG_BIND } RngMode;
typedef enum RngProtocol { RNG_PROTOCOL_UNSET, RNG_RAW } RngProtocol;

typedef struct DomainRng {
        DomainDevice base;
        VirtioForm model;
        struct {
                DomainNode node;
                DomainNum bytes, period; /* period: ms */
        } rate;
        struct {
                DomainNode node;
                RngBackend model;
                RngSource type; /* egd */
                char *path;     /* random: "/dev/urandom" */
                struct {
                        DomainNode node;
                        RngMode mode;
                        char *host, *service; /* tcp */
                        char *path;           /* unix */
                } source;
                struct {
                        DomainNode node;
                        RngProtocol type;
                } protocol;
        } backend;
        DomainVirtio driver;
} DomainRng;

typedef enum PanicModel {
        PANIC_UNSET,
        PANIC_ISA,
        PANIC_HYPERV,  /* a register of the CPU */
        PANIC_PVPANIC, /* PCI */
} PanicModel;

typedef struct DomainPanic {
        DomainDevice base;
        PanicModel model;
} DomainPanic;

typedef enum ShmemModel { SHMEM_UNSET, SHMEM_PLAIN, SHMEM_DOORBELL } ShmemModel;
typedef enum ShmemRole { SHMEM_ROLE_UNSET, SHMEM_MASTER, SHMEM_PEER } ShmemRole;

typedef struct DomainShmem {
        DomainDevice base;
        char *name; /* plain: of the file in /dev/shm */
        ShmemRole role;
        struct {
                DomainNode node;
                ShmemModel type;
        } model;
        uint64_t size; /* plain: KiB */
        struct {
                DomainNode node;
                char *path;
        } server; /* doorbell */
        struct {
                DomainNode node;
                DomainNum vectors;
                DomainSwitch ioeventfd;
        } msi; /* doorbell */
} DomainShmem;

typedef enum CryptoModel { CRYPTO_UNSET, CRYPTO_VIRTIO } CryptoModel;
typedef enum CryptoType { CRYPTO_TYPE_UNSET, CRYPTO_QEMU } CryptoType;
typedef enum CryptoBackend { CRYPTO_BACKEND_UNSET, CRYPTO_BUILTIN } CryptoBackend;

typedef struct DomainCrypto {
        DomainDevice base;
        CryptoModel model;
        CryptoType type;
        struct {
                DomainNode node;
                CryptoBackend model;
                DomainNum queues;
        } backend;
        DomainVirtio driver;
} DomainCrypto;

typedef enum PstoreBackend { PSTORE_UNSET, PSTORE_ACPI_ERST } PstoreBackend;

/* Where the guest's kernel keeps its last words. */
typedef struct DomainPstore {
        DomainDevice base;
        PstoreBackend backend;
        char *path;
        uint64_t size; /* KiB */
} DomainPstore;
