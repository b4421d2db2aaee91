/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/host.h"

#include <string.h>

#include "client/conn.h"
#include "rpc/remote_connect.h"

int host_info(Conn *conn, HostInfo *ret, Err *err) {
        remote_node_get_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_INFO, CONN_RET(remote_node_get_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (HostInfo){
                .memory = answer.memory,
                .cpus = answer.cpus,
                .mhz = answer.mhz,
                .nodes = answer.nodes,
                .sockets = answer.sockets,
                .cores = answer.cores,
                .threads = answer.threads,
        };
        memcpy(ret->model, answer.model, sizeof(answer.model));
        return 0;
}

int host_name(Conn *conn, char **ret, Err *err) {
        return conn_call_text(conn, CONN_REMOTE(CONNECT_GET_HOSTNAME), ret, err);
}

int host_hypervisor(Conn *conn, char **ret, Err *err) {
        return conn_call_text(conn, CONN_REMOTE(CONNECT_GET_TYPE), ret, err);
}

int host_capabilities(Conn *conn, char **ret, Err *err) {
        return conn_call_text(conn, CONN_REMOTE(CONNECT_GET_CAPABILITIES), ret, err);
}

static int call_for_version(Conn *conn, ConnCall call, uint64_t *ret, Err *err) {
        remote_connect_get_version_ret answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_connect_get_version_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = answer.hv_ver;
        return 0;
}

int host_cpu_count(Conn *conn, unsigned *ret, Err *err) {
        remote_node_get_cpu_map_args args = {};
        remote_node_get_cpu_map_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_CPU_MAP, CONN_ARGS(remote_node_get_cpu_map_args, &args),
                                   CONN_RET(remote_node_get_cpu_map_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (unsigned)answer.ret;
        xdr_free((xdrproc_t)xdr_remote_node_get_cpu_map_ret, &answer);
        return 0;
}

int host_hypervisor_version(Conn *conn, uint64_t *ret, Err *err) {
        return call_for_version(conn, CONN_REMOTE(CONNECT_GET_VERSION), ret, err);
}

int host_library_version(Conn *conn, uint64_t *ret, Err *err) {
        return call_for_version(conn, CONN_REMOTE(CONNECT_GET_LIB_VERSION), ret, err);
}

int host_domain_capabilities(Conn *conn, const HostDomainCaps *of, char **ret, Err *err) {
        remote_string emulator = (char *)(uintptr_t)of->emulator;
        remote_string arch = (char *)(uintptr_t)of->arch;
        remote_string machine = (char *)(uintptr_t)of->machine;
        remote_string virt_type = (char *)(uintptr_t)of->virt_type;
        remote_connect_get_domain_capabilities_args args = {
                .emulatorbin = emulator ? &emulator : NULL,
                .arch = arch ? &arch : NULL,
                .machine = machine ? &machine : NULL,
                .virttype = virt_type ? &virt_type : NULL,
                .flags = of->flags,
        };

        return conn_call_text(
                conn,
                CONN_REMOTE(CONNECT_GET_DOMAIN_CAPABILITIES,
                            CONN_ARGS(remote_connect_get_domain_capabilities_args, &args)),
                ret, err);
}

int host_security_model(Conn *conn, char **ret_model, char **ret_doi, Err *err) {
        remote_node_get_security_model_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_GET_SECURITY_MODEL,
                                   CONN_RET(remote_node_get_security_model_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret_model = g_strndup(answer.model.model_val, answer.model.model_len);
        *ret_doi = g_strndup(answer.doi.doi_val, answer.doi.doi_len);
        xdr_free((xdrproc_t)xdr_remote_node_get_security_model_ret, &answer);
        return 0;
}
