/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/host-cpu.h"

#include "client/conn.h"
#include "rpc/remote_connect.h"

int host_cpu_models(Conn *conn, const char *arch, char ***ret, Err *err) {
        remote_connect_get_cpu_model_names_args args = {
                .arch = (char *)(uintptr_t)arch,
                .need_results = 1,
        };
        remote_connect_get_cpu_model_names_ret answer;
        GPtrArray *names;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_GET_CPU_MODEL_NAMES,
                                   CONN_ARGS(remote_connect_get_cpu_model_names_args, &args),
                                   CONN_RET(remote_connect_get_cpu_model_names_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        names = g_ptr_array_new();
        for (u_int i = 0; i < answer.models.models_len; i++)
                g_ptr_array_add(names, g_strdup(answer.models.models_val[i]));
        g_ptr_array_add(names, NULL);
        *ret = (char **)g_ptr_array_free(names, FALSE);
        xdr_free((xdrproc_t)xdr_remote_connect_get_cpu_model_names_ret, &answer);
        return 0;
}

/* Each of a hypervisor's words may be absent. */
typedef struct Words {
        remote_string emulator, arch, machine, type;
} Words;

static Words words_of(const HostDomainCaps *of) {
        return (Words){
                .emulator = (char *)(uintptr_t)of->emulator,
                .arch = (char *)(uintptr_t)of->arch,
                .machine = (char *)(uintptr_t)of->machine,
                .type = (char *)(uintptr_t)of->virt_type,
        };
}

static remote_string *optional(remote_string *word) {
        return *word ? word : NULL;
}

static int compare_hypervisor(Conn *conn, const HostCpuOf *of, const char *xml, int *ret,
                              Err *err) {
        Words words = words_of(&of->hypervisor);
        remote_connect_compare_hypervisor_cpu_args args = {
                .emulator = optional(&words.emulator),
                .arch = optional(&words.arch),
                .machine = optional(&words.machine),
                .virttype = optional(&words.type),
                .xmlCPU = (char *)(uintptr_t)xml,
                .flags = of->flags,
        };
        remote_connect_compare_hypervisor_cpu_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_COMPARE_HYPERVISOR_CPU,
                                   CONN_ARGS(remote_connect_compare_hypervisor_cpu_args, &args),
                                   CONN_RET(remote_connect_compare_hypervisor_cpu_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.result;
        return 0;
}

int host_cpu_compare(Conn *conn, const HostCpuOf *of, const char *xml, int *ret, Err *err) {
        remote_connect_compare_cpu_args args = {
                .xml = (char *)(uintptr_t)xml,
                .flags = of->flags,
        };
        remote_connect_compare_cpu_ret answer;
        int r;

        if (of->is_hypervisor)
                return compare_hypervisor(conn, of, xml, ret, err);
        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_COMPARE_CPU,
                                   CONN_ARGS(remote_connect_compare_cpu_args, &args),
                                   CONN_RET(remote_connect_compare_cpu_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.result;
        return 0;
}

int host_cpu_baseline(Conn *conn, const HostCpuOf *of, GPtrArray *xmls, char **ret, Err *err) {
        Words words = words_of(&of->hypervisor);
        remote_connect_baseline_cpu_args args = {
                .xmlCPUs = {xmls->len, (remote_string *)xmls->pdata},
                .flags = of->flags,
        };
        remote_connect_baseline_hypervisor_cpu_args hypervisor_args = {
                .emulator = optional(&words.emulator),
                .arch = optional(&words.arch),
                .machine = optional(&words.machine),
                .virttype = optional(&words.type),
                .xmlCPUs = {xmls->len, (remote_string *)xmls->pdata},
                .flags = of->flags,
        };

        if (of->is_hypervisor)
                return conn_call_text(
                        conn,
                        CONN_REMOTE(CONNECT_BASELINE_HYPERVISOR_CPU,
                                    CONN_ARGS(remote_connect_baseline_hypervisor_cpu_args,
                                              &hypervisor_args)),
                        ret, err);
        return conn_call_text(conn,
                              CONN_REMOTE(CONNECT_BASELINE_CPU,
                                          CONN_ARGS(remote_connect_baseline_cpu_args, &args)),
                              ret, err);
}
