/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that the model knows of one kind of device stands in one file (disk.c, interface.c, …), which
 * exports one DomainKind; kinds.c has the table. A new kind is a file, its line there, and its
 * enum.
 *
 * A function that is NULL has nothing to say. */

#include "domain/device.h"
#include "domain/fields.h"

typedef struct DomainKind {
        DomainElement element; /* its XML; begins with a DomainDevice */
        const char *alias;     /* devices are called ALIAS0, ALIAS1, …; NULL: see name */
        char *(*name)(const DomainDef *def, const DomainDevice *device);

        /* Defaults, once the XML is read; the device is or will be in def. */
        int (*fill)(DomainDef *def, DomainDevice *device, Err *err);

        /* What the device must be by itself and in this machine. */
        int (*check)(const DomainDef *def, const DomainDevice *device, Err *err);

        /* Takes away what only a running guest has. */
        void (*strip)(DomainDevice *device);

        /* What no other device of the guest may have as well, in words: "disk target 'vda'". */
        char *(*key)(const DomainDevice *device);

        /* How messages name it, where kind and alias are not enough. */
        char *(*describe)(const DomainDevice *device);

        /* Whether wanted (what a client detaches or changes) means device; NULL: any fits. */
        bool (*is_same)(const DomainDevice *device, const DomainDevice *wanted);

        /* Whether it sits on the guest's PCI bus; NULL: never. */
        bool (*is_pci)(const DomainDef *def, const DomainDevice *device);

        /* Whether it is plugged into a USB port of the guest; NULL: never. */
        bool (*is_usb)(const DomainDevice *device);
} DomainKind;

extern const DomainKind *const domain_kinds[_DOMAIN_DEVICE_MAX];

#define DEVICE_ELEMENT(kind_, T, xml, table) \
        { .name = xml, .fields = table, .size = sizeof(T), .kind = kind_, .is_device = true }

/* Lines of the tables for what all devices have (tables-device.c). */
extern const DomainElement domain_boot_element;
extern const DomainElement domain_rom_element;
extern const DomainElement domain_acpi_element;
#define DEVICE_BOOT    CHILD(DomainDevice, boot, "boot", domain_boot_element)
#define DEVICE_ALIAS   CHILD(DomainDevice, alias, "alias", domain_alias_element)
#define DEVICE_ROM     CHILD(DomainDevice, rom, "rom", domain_rom_element)
#define DEVICE_ACPI    CHILD(DomainDevice, acpi, "acpi", domain_acpi_element)
#define DEVICE_ADDRESS CHILD(DomainDevice, address, "address", domain_address_element)

extern const DomainElement domain_virtio_element;
extern const DomainElement domain_audio_ref_element;

extern const DomainField domain_no_fields[];

/* ---- for .fill ---- */

static inline void fill_text(char **place, const char *text) {
        if (!*place)
                *place = g_strdup(text);
}

static inline void fill_num(DomainNum *num, uint64_t value) {
        if (!num->is_set)
                *num = DOMAIN_NUM(value);
}

/* Sets what is unset (0) among enums. */
#define FILL_ENUM(place, value) ((place) = (place) ? (place) : (value))

/* ---- for .check: NULL texts are good ---- */

int domain_check_path(const char *path, const char *what, unsigned line, Err *err);

/* A word that goes into a list of QEMU's. */
int domain_check_word(const char *word, const char *what, unsigned line, Err *err);

/* The <audio> that a device names has to be there. */
int domain_check_audio_ref(const DomainDef *def, const DomainAudioRef *ref, Err *err);

/* That the guest has the I/O thread, where one is named. */
int domain_check_iothread(const DomainDef *def, DomainNum thread, const DomainDevice *device,
                          Err *err);

/* Whether other processes can have the guest's memory: <memoryBacking> or every NUMA cell says so.
 */
bool domain_memory_is_shared(const DomainDef *def);

/* ---- for .name ---- */

/* "PREFIXn" with the device's place among its kind as n, or the next that is free; a device that is
 * not in the guest yet gets the lowest. */
char *domain_def_next_alias(const DomainDef *def, const DomainDevice *device, const char *prefix);

/* ---- for .is_pci ---- */

bool domain_kind_always_pci(const DomainDef *def, const DomainDevice *device);
