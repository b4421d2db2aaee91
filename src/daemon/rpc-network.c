/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/network-change.h"
#include "daemon/rpc-domain.h"
#include "daemon/rpc-list.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_network.h"

enum { DEFINE_VALIDATE = 1, XML_INACTIVE = 1 };

/* virDomainModificationImpact, which networks share. */
enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2 };

enum { LEASE_IPV4, LEASE_IPV6 };

int rpc_find_network(Manager *manager, const remote_network *handle, Network **ret, Err *err) {
        char text[DOMAIN_UUID_TEXT_MAX];
        Network *network = network_find_by_uuid(manager, (const uint8_t *)handle->uuid);

        if (!network) {
                fail(err, VIR_ERR_NO_NETWORK, "no network with matching uuid '%s' (%.200s)",
                     domain_uuid_format((const uint8_t *)handle->uuid, text), handle->name);
                return -ENOENT;
        }
        *ret = network;
        return 0;
}

void rpc_fill_network(const Network *network, remote_network *ret) {
        ret->name = rpc_text(network_name(network));
        memcpy(ret->uuid, network->config->uuid, sizeof(network->config->uuid));
}

/* ---- lookups and lists ---- */

static int lookup_by_name(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_lookup_by_name_args *args = data;
        const Network *network = network_find_by_name(manager, args->name);

        if (!network)
                return fail(err, VIR_ERR_NO_NETWORK, "no network with matching name '%.200s'",
                            args->name);
        rpc_fill_network(network, &((remote_network_lookup_by_name_ret *)result)->net);
        return 0;
}

static int lookup_by_uuid(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_lookup_by_uuid_args *args = data;
        char text[DOMAIN_UUID_TEXT_MAX];
        const Network *network = network_find_by_uuid(manager, (const uint8_t *)args->uuid);

        if (!network)
                return fail(err, VIR_ERR_NO_NETWORK, "no network with matching uuid '%s'",
                            domain_uuid_format((const uint8_t *)args->uuid, text));
        rpc_fill_network(network, &((remote_network_lookup_by_uuid_ret *)result)->net);
        return 0;
}

static GHashTable *all_networks(const Manager *manager) {
        return manager->networks;
}

static RpcListState network_state(const void *object) {
        const Network *network = object;

        return (RpcListState){network->live != NULL, network->is_persistent, network->autostart, 0};
}

static const uint8_t *network_uuid(const void *object) {
        return ((const Network *)object)->config->uuid;
}

static const char *list_name(const void *object) {
        return network_name(object);
}

static const RpcListClass networks = {.function = "virConnectListAllNetworks",
                                      .objects = all_networks,
                                      .state = network_state,
                                      .uuid = network_uuid,
                                      .name = list_name};

static int list_active(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_list_networks_args *args = data;

        rpc_list_names(manager, &networks, RPC_LIST_ACTIVE, args->maxnames, result);
        return 0;
}

static int list_defined(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_connect_list_defined_networks_args *args = data;

        rpc_list_names(manager, &networks, RPC_LIST_INACTIVE, args->maxnames, result);
        return 0;
}

static int num_active(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        remote_connect_num_of_networks_ret *ret = result;

        ret->num = rpc_list_count(manager, &networks, RPC_LIST_ACTIVE);
        return 0;
}

static int num_defined(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        remote_connect_num_of_defined_networks_ret *ret = result;

        ret->num = rpc_list_count(manager, &networks, RPC_LIST_INACTIVE);
        return 0;
}

static int list_all(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        return rpc_list_all(manager, &networks, data, result, err);
}

/* ---- definition ---- */

static int define(Manager *manager, const char *xml, bool validate, remote_network *ret, Err *err) {
        Network *network = NULL;
        int r = network_define(manager, xml, validate, &network, err);

        if (r != 0)
                return r;
        rpc_fill_network(network, ret);
        return 0;
}

static int define_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_define_xml_args *args = data;

        return define(manager, args->xml, false, &((remote_network_define_xml_ret *)result)->net,
                      err);
}

static int define_xml_flags(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_network_define_xml_flags_args *args = data;
        int r = flags_check(args->flags, DEFINE_VALIDATE, "virNetworkDefineXMLFlags", err);

        return r < 0 ? r
                     : define(manager, args->xml, args->flags & DEFINE_VALIDATE,
                              &((remote_network_define_xml_flags_ret *)result)->net, err);
}

static void fill_created(Call *call, Network *network) {
        rpc_fill_network(network, &((remote_network_create_xml_ret *)call_ret(call))->net);
}

static int create_transient(Manager *manager, Call *call, const char *xml, bool validate,
                            Err *err) {
        Network *network = NULL;
        int r = network_make_transient(manager, xml, validate, &network, err);

        return r < 0 ? r : network_start(network, call, fill_created, err);
}

static int create_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_create_xml_args *args = data;

        return create_transient(manager, call, args->xml, false, err);
}

static int create_xml_flags(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_network_create_xml_flags_args *args = data;
        int r = flags_check(args->flags, DEFINE_VALIDATE, "virNetworkCreateXMLFlags", err);

        return r < 0 ? r
                     : create_transient(manager, call, args->xml, args->flags & DEFINE_VALIDATE,
                                        err);
}

static int undefine(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_undefine_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        return r < 0 ? r : network_undefine(network, err);
}

static int create(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_create_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        return r < 0 ? r : network_start(network, call, NULL, err);
}

static int destroy(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_destroy_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        return r < 0 ? r : network_stop(network, call, err);
}

static int set_autostart(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_set_autostart_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        return r < 0 ? r : network_set_autostart(network, args->autostart != 0, err);
}

/* ---- reading ---- */

static int get_autostart(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_get_autostart_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        if (r != 0)
                return r;
        ((remote_network_get_autostart_ret *)result)->autostart = network->autostart;
        return 0;
}

static int is_active(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_is_active_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        if (r != 0)
                return r;
        ((remote_network_is_active_ret *)result)->active = network->live != NULL;
        return 0;
}

static int is_persistent(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_is_persistent_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        if (r != 0)
                return r;
        ((remote_network_is_persistent_ret *)result)->persistent = network->is_persistent;
        return 0;
}

static int get_bridge_name(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_get_bridge_name_args *args = data;
        Network *network = NULL;
        int r = rpc_find_network(manager, &args->net, &network, err);

        if (r != 0)
                return r;
        ((remote_network_get_bridge_name_ret *)result)->name =
                rpc_text(network_def(network, false)->bridge.name);
        return 0;
}

static int get_xml(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_get_xml_desc_args *args = data;
        g_autofree char *xml = NULL;
        Network *network = NULL;
        int r = flags_check(args->flags, XML_INACTIVE, "virNetworkGetXMLDesc", err);

        if (r == 0)
                r = rpc_find_network(manager, &args->net, &network, err);
        if (r != 0)
                return r;
        xml = network_def_format(network_def(network, args->flags & XML_INACTIVE));
        ((remote_network_get_xml_desc_ret *)result)->xml = rpc_text(xml);
        return 0;
}

/* ---- changes ---- */

static int update(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_update_args *args = data;
        const NetworkUpdate change = {(NetworkChange)args->command, (NetworkSection)args->section,
                                      args->parentIndex, args->xml};
        NetworkAffect affect = {};
        Network *network = NULL;
        int r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virNetworkUpdate", err);

        if (r == 0)
                r = rpc_find_network(manager, &args->net, &network, err);
        if (r == 0)
                r = network_affect(network, args->flags & AFFECT_LIVE, args->flags & AFFECT_CONFIG,
                                   &affect, err);
        return r < 0 ? r : network_update(network, &change, &affect, call, err);
}

static int check_metadata_type(int type, Err *err) {
        if (type >= 0 && type < _NETWORK_METADATA_MAX)
                return 0;
        return fail(err, VIR_ERR_INVALID_ARG, "unknown metadata type '%d'", type);
}

static int set_metadata(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_set_metadata_args *args = data;
        const NetworkMetadata change = {
                .type = (NetworkMetadataType)args->type,
                .text = args->metadata ? *args->metadata : NULL,
                .key = args->key ? *args->key : NULL,
                .uri = args->uri ? *args->uri : NULL,
        };
        NetworkAffect affect = {};
        Network *network = NULL;
        int r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virNetworkSetMetadata", err);

        if (r == 0)
                r = check_metadata_type(args->type, err);
        if (r == 0)
                r = rpc_find_network(manager, &args->network, &network, err);
        if (r == 0)
                r = network_affect(network, args->flags & AFFECT_LIVE, args->flags & AFFECT_CONFIG,
                                   &affect, err);
        return r < 0 ? r : network_set_metadata(network, &change, &affect, err);
}

static int get_metadata(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_get_metadata_args *args = data;
        remote_network_get_metadata_ret *ret = result;
        NetworkAffect affect = {};
        Network *network = NULL;
        int r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virNetworkGetMetadata", err);

        if (r == 0)
                r = check_metadata_type(args->type, err);
        if (r == 0)
                r = rpc_find_network(manager, &args->network, &network, err);
        if (r == 0)
                r = network_affect(network, args->flags & AFFECT_LIVE, args->flags & AFFECT_CONFIG,
                                   &affect, err);
        if (r != 0)
                return r;
        return network_get_metadata(network_def(network, !affect.live),
                                    (NetworkMetadataType)args->type, args->uri ? *args->uri : NULL,
                                    &ret->metadata, err);
}

/* ---- leases ---- */

static remote_string *optional(const char *text) {
        remote_string *ret;

        if (g_str_equal(text, "*"))
                return NULL;
        ret = calloc(1, sizeof(*ret));
        *ret = rpc_text(text);
        return ret;
}

/* A line of dnsmasq's lease file: time of expiry, MAC address (or IAID), address, name, client. */
static bool read_lease(const Network *network, char **words, const char *mac,
                       remote_network_dhcp_lease *ret) {
        uint64_t expiry;
        bool is_v6;

        if (g_strv_length(words) != 5 || str_to_uint(words[0], 10, INT64_MAX, &expiry) < 0)
                return false;
        is_v6 = strchr(words[2], ':') != NULL;
        if (mac && g_ascii_strcasecmp(mac, words[1]) != 0)
                return false;
        *ret = (remote_network_dhcp_lease){
                .iface = rpc_text(network_def(network, false)->bridge.name),
                .expirytime = (quad_t)expiry,
                .type = is_v6 ? LEASE_IPV6 : LEASE_IPV4,
                .mac = is_v6 ? NULL : optional(words[1]),
                .iaid = is_v6 ? optional(words[1]) : NULL,
                .ipaddr = rpc_text(words[2]),
                .prefix = network_prefix_of(network_def(network, false), words[2]),
                .hostname = optional(words[3]),
                .clientid = optional(words[4]),
        };
        return true;
}

static int get_leases(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_network_get_dhcp_leases_args *args = data;
        remote_network_get_dhcp_leases_ret *ret = result;
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        Network *network = NULL;
        int r = flags_check(args->flags, 0, "virNetworkGetDHCPLeases", err);
        remote_network_dhcp_lease *leases;
        unsigned n = 0;

        if (r == 0)
                r = rpc_find_network(manager, &args->net, &network, err);
        if (r == 0)
                r = network_check_active(network, true, err);
        if (r != 0)
                return r;
        text = network_leases(network);
        lines = g_strsplit(text, "\n", -1);
        leases = calloc(g_strv_length(lines) + 1, sizeof(*leases));
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit(*line, " ", -1);

                n += read_lease(network, words, args->mac ? *args->mac : NULL, &leases[n]);
        }
        ret->ret = n;
        ret->leases.leases_val = leases;
        ret->leases.leases_len = n;
        return 0;
}

/* ---- the table ---- */

#define COUNT(proc, function, type, func)                                               \
        {                                                                               \
                .number = REMOTE_PROC_##proc, .name = (function), PROC_RET(type##_ret), \
                .read_only = true, .run = (func)                                        \
        }
static const Procedure procedures[] = {
        COUNT(CONNECT_NUM_OF_NETWORKS, "virConnectNumOfNetworks", remote_connect_num_of_networks,
              num_active),
        READS(CONNECT_LIST_NETWORKS, "virConnectListNetworks", remote_connect_list_networks,
              list_active),
        COUNT(CONNECT_NUM_OF_DEFINED_NETWORKS, "virConnectNumOfDefinedNetworks",
              remote_connect_num_of_defined_networks, num_defined),
        READS(CONNECT_LIST_DEFINED_NETWORKS, "virConnectListDefinedNetworks",
              remote_connect_list_defined_networks, list_defined),
        READS(CONNECT_LIST_ALL_NETWORKS, "virConnectListAllNetworks",
              remote_connect_list_all_networks, list_all),
        READS(NETWORK_LOOKUP_BY_NAME, "virNetworkLookupByName", remote_network_lookup_by_name,
              lookup_by_name),
        READS(NETWORK_LOOKUP_BY_UUID, "virNetworkLookupByUUID", remote_network_lookup_by_uuid,
              lookup_by_uuid),
        GIVES(NETWORK_DEFINE_XML, "virNetworkDefineXML", remote_network_define_xml, define_xml),
        GIVES(NETWORK_DEFINE_XML_FLAGS, "virNetworkDefineXMLFlags", remote_network_define_xml_flags,
              define_xml_flags),
        GIVES(NETWORK_CREATE_XML, "virNetworkCreateXML", remote_network_create_xml, create_xml),
        GIVES(NETWORK_CREATE_XML_FLAGS, "virNetworkCreateXMLFlags", remote_network_create_xml_flags,
              create_xml_flags),
        DOES(NETWORK_UNDEFINE, "virNetworkUndefine", remote_network_undefine, undefine),
        DOES(NETWORK_CREATE, "virNetworkCreate", remote_network_create, create),
        DOES(NETWORK_DESTROY, "virNetworkDestroy", remote_network_destroy, destroy),
        DOES(NETWORK_SET_AUTOSTART, "virNetworkSetAutostart", remote_network_set_autostart,
             set_autostart),
        READS(NETWORK_GET_AUTOSTART, "virNetworkGetAutostart", remote_network_get_autostart,
              get_autostart),
        READS(NETWORK_IS_ACTIVE, "virNetworkIsActive", remote_network_is_active, is_active),
        READS(NETWORK_IS_PERSISTENT, "virNetworkIsPersistent", remote_network_is_persistent,
              is_persistent),
        READS(NETWORK_GET_BRIDGE_NAME, "virNetworkGetBridgeName", remote_network_get_bridge_name,
              get_bridge_name),
        READS(NETWORK_GET_XML_DESC, "virNetworkGetXMLDesc", remote_network_get_xml_desc, get_xml),
        DOES(NETWORK_UPDATE, "virNetworkUpdate", remote_network_update, update),
        DOES(NETWORK_SET_METADATA, "virNetworkSetMetadata", remote_network_set_metadata,
             set_metadata),
        READS(NETWORK_GET_METADATA, "virNetworkGetMetadata", remote_network_get_metadata,
              get_metadata),
        READS(NETWORK_GET_DHCP_LEASES, "virNetworkGetDHCPLeases", remote_network_get_dhcp_leases,
              get_leases),
};

const ProcedureTable rpc_network_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
