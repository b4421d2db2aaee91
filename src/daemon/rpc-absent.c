/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/dispatch.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* Classes of objects that libvirt has and this daemon does not serve: interfaces, filters and their
 * bindings, secrets. Clients list and look them up while they start; they are told that there are
 * none, by the code that means so in each class, and go on. What would make or change one has no
 * handler: dispatch answers NO_SUPPORT. */

/* Every count is 0 and every list empty in a zeroed result. */
static int nothing(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return 0;
}

/* args begins with the name in each of these. */
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

static int no_binding(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_nwfilter_binding_lookup_by_port_dev_args *a = args;

        return fail(err, VIR_ERR_NO_NWFILTER_BINDING, "no nwfilter binding for port dev '%s'",
                    a->name);
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
        COUNT(NUM_OF_INTERFACES, num_of_interfaces, "virConnectNumOfInterfaces"),
        COUNT(NUM_OF_DEFINED_INTERFACES, num_of_defined_interfaces,
              "virConnectNumOfDefinedInterfaces"),
        COUNT(NUM_OF_NWFILTERS, num_of_nwfilters, "virConnectNumOfNWFilters"),
        COUNT(NUM_OF_SECRETS, num_of_secrets, "virConnectNumOfSecrets"),

        LIST(LIST_INTERFACES, list_interfaces, "virConnectListInterfaces"),
        LIST(LIST_DEFINED_INTERFACES, list_defined_interfaces, "virConnectListDefinedInterfaces"),
        LIST(LIST_NWFILTERS, list_nwfilters, "virConnectListNWFilters"),
        LIST(LIST_SECRETS, list_secrets, "virConnectListSecrets"),
        LIST(LIST_ALL_INTERFACES, list_all_interfaces, "virConnectListAllInterfaces"),
        LIST(LIST_ALL_NWFILTERS, list_all_nwfilters, "virConnectListAllNWFilters"),
        LIST(LIST_ALL_NWFILTER_BINDINGS, list_all_nwfilter_bindings,
             "virConnectListAllNWFilterBindings"),
        LIST(LIST_ALL_SECRETS, list_all_secrets, "virConnectListAllSecrets"),

        LOOKUP(INTERFACE_LOOKUP_BY_NAME, interface_lookup_by_name, "virInterfaceLookupByName",
               no_interface_name),
        LOOKUP(INTERFACE_LOOKUP_BY_MAC_STRING, interface_lookup_by_mac_string,
               "virInterfaceLookupByMACString", no_interface_mac),
        LOOKUP(NWFILTER_LOOKUP_BY_NAME, nwfilter_lookup_by_name, "virNWFilterLookupByName",
               no_filter_name),
        LOOKUP(NWFILTER_LOOKUP_BY_UUID, nwfilter_lookup_by_uuid, "virNWFilterLookupByUUID",
               no_filter_uuid),
        LOOKUP(NWFILTER_BINDING_LOOKUP_BY_PORT_DEV, nwfilter_binding_lookup_by_port_dev,
               "virNWFilterBindingLookupByPortDev", no_binding),
        LOOKUP(SECRET_LOOKUP_BY_UUID, secret_lookup_by_uuid, "virSecretLookupByUUID",
               no_secret_uuid),
        LOOKUP(SECRET_LOOKUP_BY_USAGE, secret_lookup_by_usage, "virSecretLookupByUsage",
               no_secret_usage),
        /* clang-format on */
};

const ProcedureTable rpc_absent_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
