/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest's agent says of its system, as the parameters of virDomainGetGuestInfo; pure. Each
 * takes what the agent returned, which may be anything: what does not fit is left out. */

#include <jansson.h>

#include "domain/def.h"
#include "rpc/params.h"

/* Bits of virDomainGuestInfoTypes, by their place. */
typedef enum GuestInfoKind {
        GUEST_INFO_USERS,
        GUEST_INFO_OS,
        GUEST_INFO_TIMEZONE,
        GUEST_INFO_HOSTNAME,
        GUEST_INFO_FILESYSTEM,
        GUEST_INFO_DISKS,
        GUEST_INFO_INTERFACES,
        GUEST_INFO_LOAD,
        _GUEST_INFO_MAX,
} GuestInfoKind;

#define GUEST_INFO_PARAMS_MAX 2048u

/* The agent's command for it. */
const char *guest_info_command(GuestInfoKind kind);

/* def: the running guest, whose disks are found again by their addresses. */
void guest_info_add(RpcParams *params, GuestInfoKind kind, const DomainDef *def, json_t *result);

/* The guest's disk that the agent's "disk" of a file system, or "address" of a disk, means; NULL:
 * none. */
const char *guest_info_disk_target(const DomainDef *def, json_t *disk);
