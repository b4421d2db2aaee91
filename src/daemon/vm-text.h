/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is said about a guest and changes nothing that QEMU knows: name, title, description,
 * metadata, what to do at its end. */

#include "daemon/vm.h"

/* Which definitions a change concerns. */
typedef struct VmAffect {
        bool live, config;
} VmAffect;

/* From the flags of a call; neither: what runs, else the configuration. Fails for a guest that has
 * no such definition. */
int vm_affect(const Vm *vm, bool live, bool config, VmAffect *ret, Err *err);

/* Numbers of virDomainMetadataType. */
typedef enum VmMetadataType {
        VM_METADATA_DESCRIPTION,
        VM_METADATA_TITLE,
        VM_METADATA_ELEMENT,
} VmMetadataType;

typedef struct VmMetadata {
        VmMetadataType type;
        const char *text;      /* NULL: goes */
        const char *key, *uri; /* of an element */
} VmMetadata;

int vm_set_metadata(Vm *vm, const VmMetadata *change, const VmAffect *affect, Err *err);

/* The guest must be off. Its files move as store_rename() says. */
int vm_rename(Vm *vm, const char *name, Err *err);

/* Numbers of virDomainLifecycle and virDomainLifecycleAction. */
int vm_set_lifecycle_action(Vm *vm, unsigned type, unsigned action, const VmAffect *affect,
                            Err *err);
