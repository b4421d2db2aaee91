/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest is without its devices: how it boots, its processors, its clock. */

#include "domain/node.h"

typedef enum DomainType { DOMAIN_TYPE_UNSET, DOMAIN_TYPE_KVM, DOMAIN_TYPE_QEMU } DomainType;

typedef enum VcpuPlacement { VCPU_PLACEMENT_UNSET, VCPU_STATIC } VcpuPlacement;

typedef enum BootDev { BOOT_UNSET, BOOT_HD, BOOT_CDROM, BOOT_NETWORK } BootDev;
typedef enum LoaderType { LOADER_UNSET, LOADER_ROM, LOADER_PFLASH } LoaderType;
typedef enum FlashFormat { FLASH_FORMAT_UNSET, FLASH_RAW, FLASH_QCOW2 } FlashFormat;

typedef struct DomainBootDev {
        DomainNode node;
        BootDev dev;
} DomainBootDev;

typedef struct DomainOs {
        DomainNode node;
        struct {
                DomainNode node;
                char *arch;    /* "x86_64" */
                char *machine; /* "pc-q35-10.0" */
                char *text;    /* "hvm" */
        } type;
        struct {
                DomainNode node;
                DomainSwitch readonly, secure;
                LoaderType type;
                FlashFormat format;
                char *path;
        } loader;
        struct {
                DomainNode node;
                char *template; /* copied to path at the first start */
                FlashFormat format;
                char *path;
        } nvram;
        DomainText kernel, initrd, cmdline;
        GPtrArray *boot; /* DomainBootDev, first to last */
        struct {
                DomainNode node;
                DomainSwitch enable;
                DomainNum timeout; /* ms */
        } bootmenu;
} DomainOs;

typedef struct DomainFeatures {
        DomainNode node;
        DomainFlag acpi, apic, pae;
        DomainState vmport, smm;
} DomainFeatures;

typedef enum CpuMode {
        CPU_MODE_UNSET,
        CPU_CUSTOM,
        CPU_HOST_MODEL,
        CPU_HOST_PASSTHROUGH,
        CPU_MAXIMUM,
} CpuMode;
typedef enum CpuMatch { CPU_MATCH_UNSET, CPU_EXACT, CPU_MINIMUM, CPU_STRICT } CpuMatch;
typedef enum CpuCheck {
        CPU_CHECK_UNSET,
        CPU_CHECK_NONE,
        CPU_CHECK_PARTIAL,
        CPU_CHECK_FULL
} CpuCheck;
typedef enum CpuFallback {
        CPU_FALLBACK_UNSET,
        CPU_FALLBACK_ALLOW,
        CPU_FALLBACK_FORBID
} CpuFallback;
typedef enum CpuPolicy {
        CPU_POLICY_UNSET,
        CPU_FORCE,
        CPU_REQUIRE,
        CPU_OPTIONAL,
        CPU_DISABLE,
        CPU_FORBID,
} CpuPolicy;

typedef struct DomainCpuFeature {
        DomainNode node;
        CpuPolicy policy;
        char *name;
} DomainCpuFeature;

typedef struct DomainCpu {
        DomainNode node;
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        DomainSwitch migratable;
        struct {
                DomainNode node;
                CpuFallback fallback;
                char *name;
        } model;
        struct {
                DomainNode node;
                DomainNum sockets, dies, clusters, cores, threads;
        } topology;
        GPtrArray *features; /* DomainCpuFeature */
} DomainCpu;

typedef enum ClockOffset { CLOCK_UNSET, CLOCK_UTC, CLOCK_LOCALTIME } ClockOffset;
typedef enum TimerName {
        TIMER_UNSET,
        TIMER_RTC,
        TIMER_PIT,
        TIMER_HPET,
        TIMER_KVMCLOCK,
        TIMER_TSC
} TimerName;
typedef enum TimerPolicy {
        TIMER_POLICY_UNSET,
        TIMER_DELAY,
        TIMER_CATCHUP,
        TIMER_DISCARD
} TimerPolicy;
typedef enum TimerTrack { TIMER_TRACK_UNSET, TIMER_GUEST, TIMER_WALL } TimerTrack;

typedef struct DomainTimer {
        DomainNode node;
        TimerName name;
        DomainSwitch present;
        TimerTrack track;
        TimerPolicy tickpolicy;
} DomainTimer;

typedef enum LifecycleAction {
        LIFECYCLE_UNSET,
        LIFECYCLE_DESTROY,
        LIFECYCLE_RESTART,
        LIFECYCLE_PRESERVE,
        LIFECYCLE_COREDUMP_DESTROY, /* of a crash alone, as the next one */
        LIFECYCLE_COREDUMP_RESTART,
} LifecycleAction;

typedef enum SeclabelType { SECLABEL_UNSET, SECLABEL_NONE } SeclabelType;

typedef struct DomainSeclabel {
        DomainNode node;
        SeclabelType type;
        char *model;
        DomainSwitch relabel;
} DomainSeclabel;

typedef struct DomainEnabled {
        DomainNode node;
        DomainSwitch enabled;
} DomainEnabled;
