/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/network-change.h"

#include <string.h>

#include "daemon/event.h"
#include "daemon/network-host.h"

int network_affect(const Network *network, bool live, bool config, NetworkAffect *ret, Err *err) {
        if (live && !network->live)
                return fail(err, VIR_ERR_OPERATION_INVALID, "network '%s' is not active",
                            network_name(network));
        if (config && !network->is_persistent)
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "network '%s' is transient and has no configuration to change",
                            network_name(network));
        *ret = (NetworkAffect){live, config};
        if (!live && !config) {
                ret->live = network->live != NULL;
                ret->config = !ret->live;
        }
        return 0;
}

/* ---- both definitions, or none ---- */

typedef struct Definitions {
        NetworkDef *live, *config; /* changed copies; NULL: as it is */
} Definitions;

static void definitions_done(Definitions *defs) {
        network_def_free(defs->live);
        network_def_free(defs->config);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Definitions, definitions_done)

typedef int (*ChangeFunc)(NetworkDef *def, const void *change, Err *err);

static int change_copy(const NetworkDef *def, ChangeFunc func, const void *change, NetworkDef **ret,
                       Err *err) {
        g_autoptr(NetworkDef) copy = network_def_copy(def);
        int r = func(copy, change, err);

        if (r < 0)
                return r;
        *ret = g_steal_pointer(&copy);
        return 0;
}

static int store(Network *network, Definitions *defs, Err *err) {
        int r = defs->config ? network_write_config(network, defs->config, err) : 0;

        if (r == 0 && defs->live)
                r = network_write_live(network, defs->live, err);
        if (r < 0)
                return r;
        if (defs->config)
                network_replace_config(network, g_steal_pointer(&defs->config));
        if (defs->live) {
                network_def_free(network->live);
                network->live = g_steal_pointer(&defs->live);
        }
        return 0;
}

static int change_both(Network *network, const NetworkAffect *affect, ChangeFunc func,
                       const void *change, Err *err) {
        g_auto(Definitions) defs = {};
        int r = 0;

        if (affect->live)
                r = change_copy(network->live, func, change, &defs.live, err);
        if (r == 0 && affect->config)
                r = change_copy(network->config, func, change, &defs.config, err);
        return r < 0 ? r : store(network, &defs, err);
}

/* ---- a part of the definition ---- */

static int apply_update(NetworkDef *def, const void *change, Err *err) {
        return network_def_update(def, change, err);
}

int network_update(Network *network, const NetworkUpdate *update, const NetworkAffect *affect,
                   Call *call, Err *err) {
        int r = network_check_idle(network, err);

        if (r == 0)
                r = change_both(network, affect, apply_update, update, err);
        if (r < 0 || !affect->live)
                return r;
        return network_follow(network, call, err);
}

/* ---- what is said about it ---- */

static void set_text(char **field, const char *text) {
        g_free(*field);
        *field = text && *text ? g_strdup(text) : NULL;
}

static int apply_metadata(NetworkDef *def, const void *data, Err *err) {
        const NetworkMetadata *change = data;

        if (change->type == NETWORK_METADATA_DESCRIPTION)
                set_text(&def->description, change->text);
        else if (change->type == NETWORK_METADATA_TITLE)
                set_text(&def->title, change->text);
        else
                return domain_metadata_set(&def->metadata, change->key, change->uri, change->text,
                                           err);
        return 0;
}

static int check_metadata(const NetworkMetadata *change, Err *err) {
        if (change->type == NETWORK_METADATA_TITLE && change->text && strchr(change->text, '\n'))
                return fail(err, VIR_ERR_INVALID_ARG, "metadata title can't contain newlines");
        if (change->type != NETWORK_METADATA_ELEMENT)
                return 0;
        if (!change->uri || (change->text && !change->key))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "an element of the metadata is set by its uri and its key");
        return 0;
}

int network_set_metadata(Network *network, const NetworkMetadata *change,
                         const NetworkAffect *affect, Err *err) {
        int r = check_metadata(change, err);

        if (r == 0)
                r = change_both(network, affect, apply_metadata, change, err);
        if (r < 0)
                return r;
        event_network_metadata_change(network->manager, network_name(network),
                                      network->config->uuid, (int)change->type, change->uri);
        return 0;
}

int network_get_metadata(const NetworkDef *def, NetworkMetadataType type, const char *uri,
                         char **ret, Err *err) {
        char *text = NULL;

        if (type == NETWORK_METADATA_DESCRIPTION)
                text = g_strdup(def->description);
        else if (type == NETWORK_METADATA_TITLE)
                text = g_strdup(def->title);
        else if (uri)
                text = domain_metadata_get(def->metadata, uri);
        if (!text)
                return fail(err, VIR_ERR_NO_NETWORK_METADATA,
                            "Requested metadata element is not present");
        *ret = text;
        return 0;
}
