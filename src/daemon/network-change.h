/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Changes of a network that keep it running: a part of its definition, and what is said about it.
 */

#include "daemon/network.h"
#include "network/network-update.h"

/* Which definitions a change concerns. */
typedef struct NetworkAffect {
        bool live, config;
} NetworkAffect;

/* From the flags of a call; neither: what runs, else the configuration. Fails for a network that
 * has no such definition. */
int network_affect(const Network *network, bool live, bool config, NetworkAffect *ret, Err *err);

/* Both definitions take it or none. 0, or CALL_LATER while what runs is made to follow. */
int network_update(Network *network, const NetworkUpdate *update, const NetworkAffect *affect,
                   Call *call, Err *err);

/* Numbers of virNetworkMetadataType. */
typedef enum NetworkMetadataType {
        NETWORK_METADATA_DESCRIPTION,
        NETWORK_METADATA_TITLE,
        NETWORK_METADATA_ELEMENT,
        _NETWORK_METADATA_MAX,
} NetworkMetadataType;

typedef struct NetworkMetadata {
        NetworkMetadataType type;
        const char *text;      /* NULL: goes */
        const char *key, *uri; /* of an element */
} NetworkMetadata;

int network_set_metadata(Network *network, const NetworkMetadata *change,
                         const NetworkAffect *affect, Err *err);

/* VIR_ERR_NO_NETWORK_METADATA where there is none; uri: of an element. */
int network_get_metadata(const NetworkDef *def, NetworkMetadataType type, const char *uri,
                         char **ret, Err *err);
