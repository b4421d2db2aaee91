/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every element and every device of a guest's XML is made of. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "pci/addr.h"

#define DOMAIN_HOSTDEVS_MAX 32   /* assigned PCI functions of a guest, unless configured */
#define DOMAIN_DEVICES_MAX  1024 /* of one kind */
#define DOMAIN_VCPUS_MAX    4096
#define DOMAIN_SLOTS_MAX    256                 /* for memory devices: what ACPI's hot-plug has */
#define DOMAIN_CELLS_MAX    128                 /* NUMA nodes of a guest: MAX_NODES of QEMU */
#define DOMAIN_MEMORY_MAX   (UINT64_C(1) << 34) /* KiB: 16 TiB */

/* Head of every element's struct. */
typedef struct DomainNode {
        bool is_present; /* the XML has the element (or a default put it there) */
        unsigned line;   /* where; 0: it comes from no document */
        GPtrArray *kept; /* char *: unknown children, byte for byte; NULL: none */
        GString *attrs;  /* unknown attributes as " a='b'"; NULL: none */
        /* The same of children that are only a text (<name>): name → attributes; NULL: none. */
        GHashTable *leaf_attrs;
} DomainNode;

typedef struct DomainNum {
        bool is_set;
        uint64_t value;
} DomainNum;

/* Of a port that is chosen at each start. */
#define DOMAIN_PORT_AUTO UINT64_MAX

#define DOMAIN_NUM(x) ((DomainNum){.is_set = true, .value = (x)})

static inline uint64_t domain_num_or(DomainNum num, uint64_t other) {
        return num.is_set ? num.value : other;
}

/* on/off and yes/no alike. */
typedef enum DomainSwitch {
        DOMAIN_SWITCH_UNSET,
        DOMAIN_SWITCH_ON,
        DOMAIN_SWITCH_OFF,
} DomainSwitch;

/* An element that is there or not (<acpi/>), and one that holds only text. */
typedef struct DomainFlag {
        DomainNode node;
} DomainFlag;

typedef struct DomainText {
        DomainNode node;
        char *text;
} DomainText;

typedef struct DomainState {
        DomainNode node;
        DomainSwitch state;
} DomainState;

/* ---- devices ---- */

/* In the order of the XML that we write. */
typedef enum DomainDeviceKind {
        DOMAIN_DISK,
        DOMAIN_CONTROLLER,
        DOMAIN_FILESYSTEM,
        DOMAIN_INTERFACE,
        DOMAIN_SERIAL,
        DOMAIN_PARALLEL,
        DOMAIN_CONSOLE,
        DOMAIN_CHANNEL,
        DOMAIN_INPUT,
        DOMAIN_TPM,
        DOMAIN_GRAPHICS,
        DOMAIN_SOUND,
        DOMAIN_AUDIO,
        DOMAIN_VIDEO,
        DOMAIN_HOSTDEV,
        DOMAIN_REDIRDEV,
        DOMAIN_HUB,
        DOMAIN_WATCHDOG,
        DOMAIN_MEMBALLOON,
        DOMAIN_RNG,
        DOMAIN_PANIC,
        DOMAIN_SHMEM,
        DOMAIN_MEMORY,
        DOMAIN_CRYPTO,
        DOMAIN_IOMMU,
        DOMAIN_VSOCK,
        DOMAIN_PSTORE,
        _DOMAIN_DEVICE_MAX,
} DomainDeviceKind;

/* The element's name: "hostdev". */
const char *domain_device_kind_to_string(DomainDeviceKind kind);

typedef enum DomainAddressType {
        DOMAIN_ADDRESS_UNSET,
        DOMAIN_ADDRESS_PCI,
        DOMAIN_ADDRESS_DRIVE,
        DOMAIN_ADDRESS_VIRTIO_SERIAL,
        DOMAIN_ADDRESS_USB,
        DOMAIN_ADDRESS_ISA,
        DOMAIN_ADDRESS_DIMM,
} DomainAddressType;

/* The guest's side. PCI: domain 0, bus is the index of a pci controller. */
typedef struct DomainAddress {
        DomainNode node;
        DomainAddressType type;
        DomainNum domain, bus, slot, function;
        DomainSwitch multifunction;
        DomainNum controller, target, unit; /* drive */
        DomainNum port;                     /* virtio-serial */
        char *usb_port;                     /* "1.2" */
        DomainNum iobase, irq;              /* isa */
        DomainNum dimm_slot, dimm_base;     /* dimm; base: guest address, bytes */
} DomainAddress;

typedef struct DomainBoot {
        DomainNode node;
        DomainNum order; /* from 1 */
} DomainBoot;

typedef struct DomainRom {
        DomainNode node;
        DomainSwitch bar;
        DomainSwitch enabled;
        char *file;
} DomainRom;

/* The number by which the guest's system names the device (PCI Firmware Specification, _DSM 7). */
typedef struct DomainAcpi {
        DomainNode node;
        DomainNum index; /* from 1 */
} DomainAcpi;

typedef struct DomainAlias {
        DomainNode node;
        char *name; /* id of the device in QEMU: "hostdev0" */
} DomainAlias;

/* Head of every device's struct. */
typedef struct DomainDevice {
        DomainNode node;
        DomainDeviceKind kind;
        DomainBoot boot;
        DomainRom rom;
        DomainAlias alias;
        DomainAcpi acpi;
        DomainAddress address;
} DomainDevice;
