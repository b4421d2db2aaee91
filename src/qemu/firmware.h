/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The firmware that a host has for guests, as its packages describe it (docs/interop/firmware.json
 * of QEMU): which file is for which machine, what it can do, and what its variables begin as.
 *
 * Matching is pure; a FirmwareStore reads the descriptors and reads them anew when one of its
 * directories has changed. */

#include "domain/def.h"

typedef struct Firmware {
        char *name; /* of its descriptor: "60-edk2-x86_64.json" */
        bool is_uefi;
        bool is_flash;     /* else it is read into memory (-bios) */
        bool is_stateless; /* flash without variables */
        char *code;
        FlashFormat code_format;
        char *variables; /* NULL: none */
        FlashFormat variables_format;
        char **machines; /* patterns of those of x86_64: "pc-q35-*" */
        bool has_secure_boot, has_enrolled_keys, needs_smm;
} Firmware;

/* -EINVAL for a descriptor that is none, or of firmware that guests of ours cannot have. */
int firmware_parse(const char *name, const char *text, Firmware **ret);
void firmware_free(Firmware *firmware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Firmware, firmware_free)

/* Whether the guest can have this firmware, by all that its <os> says. */
bool firmware_fits(const Firmware *firmware, const DomainDef *def);

/* Whether it is for a machine: "pc-q35-10.0". */
bool firmware_is_for(const Firmware *firmware, const char *machine);

/* ---- the host's ---- */

typedef struct FirmwareStore FirmwareStore;

/* dirs: NULL-terminated, later ones go before earlier ones: a file there hides one of the same
 * name, and an empty one hides it for good. nvram_dir is where the variables of guests are kept. */
FirmwareStore *firmware_store_new(const char *const *dirs, const char *nvram_dir);
void firmware_store_free(FirmwareStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FirmwareStore, firmware_store_free)

/* Where QEMU's packages and administrators put descriptors. */
extern const char *const firmware_dirs[];

/* Those of the host now, Firmware by name; borrowed until the next call. */
const GPtrArray *firmware_store_list(FirmwareStore *store);

/* Completes the guest's <os> (DomainDefaults.choose_firmware; data is a FirmwareStore): chooses
 * loader and nvram for firmware='…'; tells what a loader that was named can do, and gives it
 * variables. VIR_ERR_OPERATION_FAILED when nothing fits. */
int firmware_choose(DomainDef *def, const void *data, Err *err);
