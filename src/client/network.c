/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/network.h"

#include <string.h>

#include "client/conn.h"
#include "client/guest-call.h"
#include "client/object.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_network.h"

void net_free(Net *net) {
        if (!net)
                return;
        g_free(net->name);
        g_free(net);
}

static void free_net(void *net) {
        net_free(net);
}

static void free_lease(void *data) {
        NetLease *lease = data;

        g_free(lease->mac);
        g_free(lease->address);
        g_free(lease->host);
        g_free(lease->client);
        g_free(lease);
}

static Net *net_new(const remote_network *handle) {
        Net *net = g_new0(Net, 1);

        net->name = g_strdup(handle->name);
        memcpy(net->uuid, handle->uuid, sizeof(net->uuid));
        return net;
}

static remote_network net_handle(const Net *net) {
        remote_network handle = {.name = net->name};

        memcpy(handle.uuid, net->uuid, sizeof(net->uuid));
        return handle;
}

/* ---- calls of one shape ---- */

/* Answers with a network. */
static int call_for_net(Conn *conn, ConnCall call, Net **ret, Err *err) {
        remote_network_lookup_by_name_ret answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_network_lookup_by_name_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = net_new(&answer.net);
        xdr_free((xdrproc_t)xdr_remote_network_lookup_by_name_ret, &answer);
        return 0;
}

int net_lookup(Conn *conn, const char *name, Net **ret, Err *err) {
        remote_network_lookup_by_name_args args = {.name = wire_text(name)};

        return call_for_net(conn,
                            CONN_REMOTE(NETWORK_LOOKUP_BY_NAME,
                                        CONN_ARGS(remote_network_lookup_by_name_args, &args)),
                            ret, err);
}

int net_lookup_uuid(Conn *conn, const uint8_t uuid[16], Net **ret, Err *err) {
        remote_network_lookup_by_uuid_args args = {};

        memcpy(args.uuid, uuid, sizeof(args.uuid));
        return call_for_net(conn,
                            CONN_REMOTE(NETWORK_LOOKUP_BY_UUID,
                                        CONN_ARGS(remote_network_lookup_by_uuid_args, &args)),
                            ret, err);
}

int net_define(Conn *conn, const char *xml, unsigned flags, Net **ret, Err *err) {
        remote_network_define_xml_flags_args args = {.xml = wire_text(xml), .flags = flags};

        if (flags == 0)
                return call_for_net(
                        conn, CONN_REMOTE(NETWORK_DEFINE_XML, CONN_ARGS(remote_string, &args.xml)),
                        ret, err);
        return call_for_net(conn,
                            CONN_REMOTE(NETWORK_DEFINE_XML_FLAGS,
                                        CONN_ARGS(remote_network_define_xml_flags_args, &args)),
                            ret, err);
}

int net_create(Conn *conn, const char *xml, unsigned flags, Net **ret, Err *err) {
        remote_network_create_xml_flags_args args = {.xml = wire_text(xml), .flags = flags};

        if (flags == 0)
                return call_for_net(
                        conn, CONN_REMOTE(NETWORK_CREATE_XML, CONN_ARGS(remote_string, &args.xml)),
                        ret, err);
        return call_for_net(conn,
                            CONN_REMOTE(NETWORK_CREATE_XML_FLAGS,
                                        CONN_ARGS(remote_network_create_xml_flags_args, &args)),
                            ret, err);
}

int net_act(Conn *conn, const Net *net, NetAction action, Err *err) {
        static const int procedures[_NET_ACTION_MAX] = {
                [NET_START] = REMOTE_PROC_NETWORK_CREATE,
                [NET_STOP] = REMOTE_PROC_NETWORK_DESTROY,
                [NET_UNDEFINE] = REMOTE_PROC_NETWORK_UNDEFINE,
        };
        remote_network handle = net_handle(net);
        ConnCall call = {.program = REMOTE_PROGRAM,
                         .procedure = procedures[action],
                         CONN_ARGS(remote_network, &handle)};

        return conn_call(conn, &call, err);
}

int net_ask(Conn *conn, const Net *net, NetQuestion question, bool *ret, Err *err) {
        static const int procedures[_NET_QUESTION_MAX] = {
                [NET_IS_ACTIVE] = REMOTE_PROC_NETWORK_IS_ACTIVE,
                [NET_IS_PERSISTENT] = REMOTE_PROC_NETWORK_IS_PERSISTENT,
                [NET_HAS_AUTOSTART] = REMOTE_PROC_NETWORK_GET_AUTOSTART,
        };
        remote_network handle = net_handle(net);
        NumberRet answer;
        ConnCall call = {.program = REMOTE_PROGRAM,
                         .procedure = procedures[question],
                         CONN_ARGS(remote_network, &handle),
                         CONN_RET(NumberRet, &answer)};
        int r = conn_call(conn, &call, err);

        if (r < 0)
                return r;
        *ret = answer.autostart != 0;
        return 0;
}

int net_set_autostart(Conn *conn, const Net *net, bool on, Err *err) {
        remote_network_set_autostart_args args = {.net = net_handle(net), .autostart = on};

        return conn_call(conn,
                         &CONN_REMOTE(NETWORK_SET_AUTOSTART,
                                      CONN_ARGS(remote_network_set_autostart_args, &args)),
                         err);
}

int net_xml(Conn *conn, const Net *net, unsigned flags, char **ret, Err *err) {
        remote_network_get_xml_desc_args args = {.net = net_handle(net), .flags = flags};

        return conn_call_text(conn,
                              CONN_REMOTE(NETWORK_GET_XML_DESC,
                                          CONN_ARGS(remote_network_get_xml_desc_args, &args)),
                              ret, err);
}

int net_bridge(Conn *conn, const Net *net, char **ret, Err *err) {
        remote_network handle = net_handle(net);

        return conn_call_text(
                conn, CONN_REMOTE(NETWORK_GET_BRIDGE_NAME, CONN_ARGS(remote_network, &handle)), ret,
                err);
}

int net_update(Conn *conn, const Net *net, const NetUpdate *update, Err *err) {
        remote_network_update_args args = {.net = net_handle(net),
                                           .command = update->command,
                                           .section = update->section,
                                           .parentIndex = update->parent,
                                           .xml = wire_text(update->xml),
                                           .flags = update->flags};

        return conn_call(conn,
                         &CONN_REMOTE(NETWORK_UPDATE, CONN_ARGS(remote_network_update_args, &args)),
                         err);
}

/* ---- what is said about it ---- */

int net_set_metadata(Conn *conn, const Net *net, const NetMetadata *metadata, Err *err) {
        char *text = wire_text(metadata->text), *key = wire_text(metadata->key);
        char *uri = wire_text(metadata->uri);
        remote_network_set_metadata_args args = {.network = net_handle(net),
                                                 .type = metadata->type,
                                                 .metadata = text ? &text : NULL,
                                                 .key = key ? &key : NULL,
                                                 .uri = uri ? &uri : NULL,
                                                 .flags = metadata->flags};

        return conn_call(conn,
                         &CONN_REMOTE(NETWORK_SET_METADATA,
                                      CONN_ARGS(remote_network_set_metadata_args, &args)),
                         err);
}

int net_metadata(Conn *conn, const Net *net, const NetMetadata *metadata, char **ret, Err *err) {
        char *uri = wire_text(metadata->uri);
        remote_network_get_metadata_args args = {.network = net_handle(net),
                                                 .type = metadata->type,
                                                 .uri = uri ? &uri : NULL,
                                                 .flags = metadata->flags};

        return conn_call_text(conn,
                              CONN_REMOTE(NETWORK_GET_METADATA,
                                          CONN_ARGS(remote_network_get_metadata_args, &args)),
                              ret, err);
}

/* ---- lists ---- */

int net_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err) {
        remote_connect_list_all_networks_args args = {.need_results = 1, .flags = flags};
        remote_connect_list_all_networks_ret answer;
        int r = conn_call(conn,
                          &CONN_REMOTE(CONNECT_LIST_ALL_NETWORKS,
                                       CONN_ARGS(remote_connect_list_all_networks_args, &args),
                                       CONN_RET(remote_connect_list_all_networks_ret, &answer)),
                          err);

        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(free_net);
        for (unsigned i = 0; i < answer.nets.nets_len; i++)
                g_ptr_array_add(*ret, net_new(&answer.nets.nets_val[i]));
        xdr_free((xdrproc_t)xdr_remote_connect_list_all_networks_ret, &answer);
        return 0;
}

static char *copy_optional(char *const *text) {
        return text ? g_strdup(*text) : NULL;
}

static NetLease *lease_new(const remote_network_dhcp_lease *from) {
        NetLease *lease = g_new0(NetLease, 1);

        *lease = (NetLease){.expiry = from->expirytime,
                            .is_v6 = from->type != 0,
                            .mac = copy_optional(from->mac),
                            .address = g_strdup(from->ipaddr),
                            .host = copy_optional(from->hostname),
                            .client = copy_optional(from->clientid),
                            .prefix = from->prefix};
        return lease;
}

int net_leases(Conn *conn, const Net *net, const char *mac, GPtrArray **ret, Err *err) {
        char *text = wire_text(mac);
        remote_network_get_dhcp_leases_args args = {
                .net = net_handle(net), .mac = mac ? &text : NULL, .need_results = 1};
        remote_network_get_dhcp_leases_ret answer;
        int r = conn_call(conn,
                          &CONN_REMOTE(NETWORK_GET_DHCP_LEASES,
                                       CONN_ARGS(remote_network_get_dhcp_leases_args, &args),
                                       CONN_RET(remote_network_get_dhcp_leases_ret, &answer)),
                          err);

        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(free_lease);
        for (unsigned i = 0; i < answer.leases.leases_len; i++)
                g_ptr_array_add(*ret, lease_new(&answer.leases.leases_val[i]));
        xdr_free((xdrproc_t)xdr_remote_network_get_dhcp_leases_ret, &answer);
        return 0;
}

int net_ports(Conn *conn, const Net *net, char ***ret, Err *err) {
        remote_network_list_all_ports_args args = {.network = net_handle(net), .need_results = 1};
        remote_network_list_all_ports_ret answer;
        char **names;
        int r = conn_call(conn,
                          &CONN_REMOTE(NETWORK_LIST_ALL_PORTS,
                                       CONN_ARGS(remote_network_list_all_ports_args, &args),
                                       CONN_RET(remote_network_list_all_ports_ret, &answer)),
                          err);

        if (r < 0)
                return r;
        names = g_new0(char *, answer.ports.ports_len + 1);
        for (unsigned i = 0; i < answer.ports.ports_len; i++)
                names[i] = object_uuid_text((const uint8_t *)answer.ports.ports_val[i].uuid);
        xdr_free((xdrproc_t)xdr_remote_network_list_all_ports_ret, &answer);
        *ret = names;
        return 0;
}
