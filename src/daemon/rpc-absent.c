/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/dispatch.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* Classes of objects that libvirt has and this daemon does not serve: networks, storage,
 * interfaces, filters, secrets. Clients list and look them up while they start; they are told that
 * there are none, by the code that means so in each class, and go on. */

/* Every count is 0 and every list empty in a zeroed result. */
static int nothing(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return 0;
}

/* args begins with the name in each of these. */
static int no_network_name(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_network_lookup_by_name_args *a = args;

        return fail(err, VIR_ERR_NO_NETWORK, "no network with matching name '%s'", a->name);
}

static int no_pool_name(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_storage_pool_lookup_by_name_args *a = args;

        return fail(err, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'",
                    a->name);
}

static int no_pool_path(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_storage_pool_lookup_by_target_path_args *a = args;

        return fail(err, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching target path '%s'",
                    a->path);
}

static int no_pool_volume(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_storage_pool_lookup_by_volume_args *a = args;

        return fail(err, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'",
                    a->vol.pool);
}

static int no_volume_name(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_storage_vol_lookup_by_name_args *a = args;

        return fail(err, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'",
                    a->pool.name);
}

static int no_volume_key(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_storage_vol_lookup_by_key_args *a = args;

        return fail(err, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching key %s", a->key);
}

static int no_volume_path(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_storage_vol_lookup_by_path_args *a = args;

        return fail(err, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", a->path);
}

static int no_interface_name(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_interface_lookup_by_name_args *a = args;

        return fail(err, VIR_ERR_NO_INTERFACE, "couldn't find interface named '%s'", a->name);
}

static int no_interface_mac(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_interface_lookup_by_mac_string_args *a = args;

        return fail(err, VIR_ERR_NO_INTERFACE, "couldn't find interface with MAC address '%s'",
                    a->mac);
}

static int no_filter_name(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_nwfilter_lookup_by_name_args *a = args;

        return fail(err, VIR_ERR_NO_NWFILTER, "no nwfilter with matching name '%s'", a->name);
}

static int no_secret_usage(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_secret_lookup_by_usage_args *a = args;

        return fail(err, VIR_ERR_NO_SECRET, "no secret with matching usage '%s'", a->usageID);
}

static char *uuid_text(const void *args) {
        const uint8_t *u = args;

        return g_strdup_printf(
                "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
                u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
                u[15]);
}

/* args is nothing but the UUID in each of these. */
static int no_uuid(const void *args, ErrCode code, const char *what, Err *err) {
        g_autofree char *uuid = uuid_text(args);

        return fail(err, code, "no %s with matching uuid '%s'", what, uuid);
}

static int no_network_uuid(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return no_uuid(args, VIR_ERR_NO_NETWORK, "network", err);
}

static int no_pool_uuid(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return no_uuid(args, VIR_ERR_NO_STORAGE_POOL, "storage pool", err);
}

static int no_filter_uuid(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return no_uuid(args, VIR_ERR_NO_NWFILTER, "nwfilter", err);
}

static int no_secret_uuid(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return no_uuid(args, VIR_ERR_NO_SECRET, "secret", err);
}

/* Counts take nothing; lists and lookups take and give what their structs say. */
#define COUNT(capital, small, function)                                                   \
        {                                                                                 \
                .number = REMOTE_PROC_CONNECT_##capital, .name = function,                \
                PROC_RET(remote_connect_##small##_ret), .read_only = true, .run = nothing \
        }
#define LIST(capital, small, function)                                                            \
        {                                                                                         \
                .number = REMOTE_PROC_CONNECT_##capital, .name = function,                        \
                PROC_ARGS(remote_connect_##small##_args), PROC_RET(remote_connect_##small##_ret), \
                .read_only = true, .run = nothing                                                 \
        }
#define LOOKUP(capital, small, function, handler)                                 \
        {                                                                         \
                .number = REMOTE_PROC_##capital, .name = function,                \
                PROC_ARGS(remote_##small##_args), PROC_RET(remote_##small##_ret), \
                .read_only = true, .run = handler                                 \
        }

static const Procedure procedures[] = {
        /* clang-format off */
        COUNT(NUM_OF_NETWORKS, num_of_networks, "virConnectNumOfNetworks"),
        COUNT(NUM_OF_DEFINED_NETWORKS, num_of_defined_networks, "virConnectNumOfDefinedNetworks"),
        COUNT(NUM_OF_STORAGE_POOLS, num_of_storage_pools, "virConnectNumOfStoragePools"),
        COUNT(NUM_OF_DEFINED_STORAGE_POOLS, num_of_defined_storage_pools,
              "virConnectNumOfDefinedStoragePools"),
        COUNT(NUM_OF_INTERFACES, num_of_interfaces, "virConnectNumOfInterfaces"),
        COUNT(NUM_OF_DEFINED_INTERFACES, num_of_defined_interfaces,
              "virConnectNumOfDefinedInterfaces"),
        COUNT(NUM_OF_NWFILTERS, num_of_nwfilters, "virConnectNumOfNWFilters"),
        COUNT(NUM_OF_SECRETS, num_of_secrets, "virConnectNumOfSecrets"),

        LIST(LIST_NETWORKS, list_networks, "virConnectListNetworks"),
        LIST(LIST_DEFINED_NETWORKS, list_defined_networks, "virConnectListDefinedNetworks"),
        LIST(LIST_STORAGE_POOLS, list_storage_pools, "virConnectListStoragePools"),
        LIST(LIST_DEFINED_STORAGE_POOLS, list_defined_storage_pools,
             "virConnectListDefinedStoragePools"),
        LIST(LIST_INTERFACES, list_interfaces, "virConnectListInterfaces"),
        LIST(LIST_DEFINED_INTERFACES, list_defined_interfaces, "virConnectListDefinedInterfaces"),
        LIST(LIST_NWFILTERS, list_nwfilters, "virConnectListNWFilters"),
        LIST(LIST_SECRETS, list_secrets, "virConnectListSecrets"),
        LIST(LIST_ALL_NETWORKS, list_all_networks, "virConnectListAllNetworks"),
        LIST(LIST_ALL_STORAGE_POOLS, list_all_storage_pools, "virConnectListAllStoragePools"),
        LIST(LIST_ALL_INTERFACES, list_all_interfaces, "virConnectListAllInterfaces"),
        LIST(LIST_ALL_NWFILTERS, list_all_nwfilters, "virConnectListAllNWFilters"),
        LIST(LIST_ALL_SECRETS, list_all_secrets, "virConnectListAllSecrets"),

        LOOKUP(NETWORK_LOOKUP_BY_NAME, network_lookup_by_name, "virNetworkLookupByName",
               no_network_name),
        LOOKUP(NETWORK_LOOKUP_BY_UUID, network_lookup_by_uuid, "virNetworkLookupByUUID",
               no_network_uuid),
        LOOKUP(STORAGE_POOL_LOOKUP_BY_NAME, storage_pool_lookup_by_name,
               "virStoragePoolLookupByName", no_pool_name),
        LOOKUP(STORAGE_POOL_LOOKUP_BY_UUID, storage_pool_lookup_by_uuid,
               "virStoragePoolLookupByUUID", no_pool_uuid),
        LOOKUP(STORAGE_POOL_LOOKUP_BY_TARGET_PATH, storage_pool_lookup_by_target_path,
               "virStoragePoolLookupByTargetPath", no_pool_path),
        LOOKUP(STORAGE_POOL_LOOKUP_BY_VOLUME, storage_pool_lookup_by_volume,
               "virStoragePoolLookupByVolume", no_pool_volume),
        LOOKUP(STORAGE_VOL_LOOKUP_BY_NAME, storage_vol_lookup_by_name, "virStorageVolLookupByName",
               no_volume_name),
        LOOKUP(STORAGE_VOL_LOOKUP_BY_KEY, storage_vol_lookup_by_key, "virStorageVolLookupByKey",
               no_volume_key),
        LOOKUP(STORAGE_VOL_LOOKUP_BY_PATH, storage_vol_lookup_by_path, "virStorageVolLookupByPath",
               no_volume_path),
        LOOKUP(INTERFACE_LOOKUP_BY_NAME, interface_lookup_by_name, "virInterfaceLookupByName",
               no_interface_name),
        LOOKUP(INTERFACE_LOOKUP_BY_MAC_STRING, interface_lookup_by_mac_string,
               "virInterfaceLookupByMACString", no_interface_mac),
        LOOKUP(NWFILTER_LOOKUP_BY_NAME, nwfilter_lookup_by_name, "virNWFilterLookupByName",
               no_filter_name),
        LOOKUP(NWFILTER_LOOKUP_BY_UUID, nwfilter_lookup_by_uuid, "virNWFilterLookupByUUID",
               no_filter_uuid),
        LOOKUP(SECRET_LOOKUP_BY_UUID, secret_lookup_by_uuid, "virSecretLookupByUUID",
               no_secret_uuid),
        LOOKUP(SECRET_LOOKUP_BY_USAGE, secret_lookup_by_usage, "virSecretLookupByUsage",
               no_secret_usage),
        /* clang-format on */
};

const ProcedureTable rpc_absent_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
