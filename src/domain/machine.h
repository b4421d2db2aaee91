/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest is without its devices: how it boots, what its board has, what ends it. */

#include "domain/clock.h"
#include "domain/cpu.h"
#include "domain/node.h"
#include "domain/tuning.h"

typedef enum DomainType { DOMAIN_TYPE_UNSET, DOMAIN_TYPE_KVM, DOMAIN_TYPE_QEMU } DomainType;

typedef enum VcpuPlacement { VCPU_PLACEMENT_UNSET, VCPU_STATIC } VcpuPlacement;

/* ---- boot ---- */

typedef enum BootDev { BOOT_UNSET, BOOT_HD, BOOT_CDROM, BOOT_NETWORK, BOOT_FD } BootDev;
typedef enum LoaderType { LOADER_UNSET, LOADER_ROM, LOADER_PFLASH } LoaderType;
typedef enum FlashFormat { FLASH_FORMAT_UNSET, FLASH_RAW, FLASH_QCOW2 } FlashFormat;
typedef enum OsFirmware { FIRMWARE_UNSET, FIRMWARE_BIOS, FIRMWARE_EFI } OsFirmware;
typedef enum FirmwareFeature {
        FIRMWARE_FEATURE_UNSET,
        FIRMWARE_ENROLLED_KEYS,
        FIRMWARE_SECURE_BOOT,
} FirmwareFeature;
typedef enum NvramType { NVRAM_TYPE_UNSET, NVRAM_FILE } NvramType;
typedef enum SmbiosMode { SMBIOS_UNSET, SMBIOS_EMULATE, SMBIOS_HOST, SMBIOS_SYSINFO } SmbiosMode;

typedef struct DomainBootDev {
        DomainNode node;
        BootDev dev;
} DomainBootDev;

typedef struct DomainFirmwareFeature {
        DomainNode node;
        DomainSwitch enabled;
        FirmwareFeature name;
} DomainFirmwareFeature;

typedef struct DomainOs {
        DomainNode node;
        OsFirmware firmware; /* what loader and nvram were chosen by */
        struct {
                DomainNode node;
                char *arch;    /* "x86_64" */
                char *machine; /* "pc-q35-10.0" */
                char *text;    /* "hvm" */
        } type;
        struct {
                DomainNode node;
                GPtrArray *list; /* DomainFirmwareFeature */
        } firmware_features;
        struct {
                DomainNode node;
                DomainSwitch readonly, secure, stateless;
                LoaderType type;
                FlashFormat format;
                char *path;
        } loader;
        struct {
                DomainNode node;
                char *template; /* copied to path at the first start */
                FlashFormat template_format;
                NvramType type;
                FlashFormat format;
                char *path;
                char *file; /* path as <source file='…'> has it, where there is a type */
                DomainNode source;
        } nvram;
        DomainText kernel, initrd, cmdline, shim;
        GPtrArray *boot; /* DomainBootDev, first to last */
        struct {
                DomainNode node;
                DomainSwitch enable;
                DomainNum timeout; /* ms */
        } bootmenu;
        struct {
                DomainNode node;
                DomainSwitch serial;
                char *reboot_timeout; /* ms from -1 (never) to 65535 */
        } bios;
        struct {
                DomainNode node;
                SmbiosMode mode;
        } smbios;
} DomainOs;

/* ---- what the guest is told of its board ---- */

typedef enum SysinfoType { SYSINFO_UNSET, SYSINFO_SMBIOS, SYSINFO_FWCFG } SysinfoType;

typedef struct DomainSysEntry {
        DomainNode node;
        char *name, *file;
        char *text;
} DomainSysEntry;

typedef struct DomainSysBlock {
        DomainNode node;
        GPtrArray *entries; /* DomainSysEntry */
} DomainSysBlock;

typedef struct DomainSysinfo {
        DomainNode node;
        SysinfoType type;
        DomainSysBlock bios, system, chassis, oem_strings;
        GPtrArray *boards;  /* DomainSysBlock */
        GPtrArray *entries; /* DomainSysEntry: of type fwcfg */
} DomainSysinfo;

/* ---- features ---- */

typedef enum HypervMode { HYPERV_MODE_UNSET, HYPERV_CUSTOM, HYPERV_PASSTHROUGH } HypervMode;
typedef enum IoapicDriver { IOAPIC_UNSET, IOAPIC_KVM, IOAPIC_QEMU } IoapicDriver;

typedef struct DomainHyperv {
        DomainNode node;
        HypervMode mode;
        DomainState relaxed, vapic, vpindex, runtime, synic, reset, frequencies, reenlightenment;
        DomainState ipi, evmcs, avic, emsr_bitmap, xmm_input;
        struct {
                DomainNode node;
                DomainSwitch state;
                DomainNum retries;
        } spinlocks;
        struct {
                DomainNode node;
                DomainSwitch state;
                DomainState direct;
        } stimer;
        struct {
                DomainNode node;
                DomainSwitch state;
                DomainState direct, extended;
        } tlbflush;
        struct {
                DomainNode node;
                DomainSwitch state;
                char *value; /* at most 12 characters */
        } vendor_id;
} DomainHyperv;

typedef struct DomainKvmFeatures {
        DomainNode node;
        DomainState hidden, hint_dedicated, poll_control, pv_ipi;
        struct {
                DomainNode node;
                DomainSwitch state;
                DomainNum size;
        } dirty_ring;
} DomainKvmFeatures;

typedef struct DomainFeatures {
        DomainNode node;
        DomainFlag acpi, pae;
        struct {
                DomainNode node;
                DomainSwitch eoi;
        } apic;
        DomainState hap;
        DomainHyperv hyperv;
        DomainKvmFeatures kvm;
        DomainState pvspinlock, pmu, vmport;
        struct {
                DomainNode node;
                DomainSwitch state;
                struct {
                        DomainNode node;
                        uint64_t kib;
                } tseg;
        } smm;
        struct {
                DomainNode node;
                IoapicDriver driver;
        } ioapic;
        DomainState vmcoreinfo;
        struct {
                DomainNode node;
                struct {
                        DomainNode node;
                        uint64_t kib;
                } tb_cache;
        } tcg;
        DomainState ps2;
} DomainFeatures;

/* ---- the rest ---- */

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

/* What a guest's owner adds to QEMU's command line, by his own responsibility. */
typedef struct DomainQemuArg {
        DomainNode node;
        char *value;
} DomainQemuArg;

typedef struct DomainQemuEnv {
        DomainNode node;
        char *name, *value;
} DomainQemuEnv;

typedef struct DomainQemuCommandline {
        DomainNode node;
        GPtrArray *args; /* DomainQemuArg */
        GPtrArray *envs; /* DomainQemuEnv */
} DomainQemuCommandline;
