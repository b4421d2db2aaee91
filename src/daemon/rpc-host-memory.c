/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/manager.h"
#include "rpc/params.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* Pages of equal content that the kernel keeps once (Documentation/admin-guide/mm/ksm.rst). */

#define KSM_DIR       "sys/kernel/mm/ksm"
#define STRINGS_OKAY  4u /* which these parameters do not need */
#define ARGUMENTS_MAX G_N_ELEMENTS(tunables)

static const struct Tunable {
        const char *field, *file;
        bool is_settable; /* and 32 bits wide */
} tunables[] = {
        {"shm_pages_to_scan", "pages_to_scan", true},
        {"shm_sleep_millisecs", "sleep_millisecs", true},
        {"shm_pages_shared", "pages_shared", false},
        {"shm_pages_sharing", "pages_sharing", false},
        {"shm_pages_unshared", "pages_unshared", false},
        {"shm_pages_volatile", "pages_volatile", false},
        {"shm_full_scans", "full_scans", false},
        {"shm_merge_across_nodes", "merge_across_nodes", true},
};

/* What this kernel has not is left out. */
static unsigned add_tunable(RpcParams *params, const Sys *sys, const struct Tunable *tunable) {
        g_autofree char *path = g_strdup_printf(KSM_DIR "/%s", tunable->file);
        uint64_t value;

        if (sys_read_uint(sys, path, 10, tunable->is_settable ? UINT32_MAX : UINT64_MAX, &value) <
            0)
                return 0;
        if (tunable->is_settable)
                rpc_params_add_uint(params, tunable->field, (unsigned)value);
        else
                rpc_params_add_u64(params, tunable->field, value);
        return 1;
}

static int get_memory_parameters(Manager *manager, Call *call, const void *args, void *ret,
                                 Err *err) {
        const remote_node_get_memory_parameters_args *a = args;
        remote_node_get_memory_parameters_ret *answer = ret;
        g_autoptr(RpcParams) params = rpc_params_new();
        unsigned n = 0;
        int r = flags_check(a->flags, STRINGS_OKAY, "virNodeGetMemoryParameters", err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < G_N_ELEMENTS(tunables); i++)
                n += add_tunable(params, manager->sys, &tunables[i]);
        answer->nparams = (int)n;
        if (a->nparams > 0)
                rpc_params_steal(params, &answer->params.params_len, &answer->params.params_val);
        return 0;
}

static int find_tunable(const remote_typed_param *param, const struct Tunable **ret, Err *err) {
        for (size_t i = 0; i < G_N_ELEMENTS(tunables); i++) {
                if (!g_str_equal(tunables[i].field, param->field) || !tunables[i].is_settable)
                        continue;
                if (param->value.type != RPC_PARAM_UINT)
                        return fail(err, VIR_ERR_INVALID_ARG, "'%s' is an unsigned int",
                                    param->field);
                *ret = &tunables[i];
                return 0;
        }
        return fail(err, VIR_ERR_ARGUMENT_UNSUPPORTED,
                    "there is no memory parameter '%.80s' to be set", param->field);
}

static int set_tunable(const Sys *sys, const remote_typed_param *param, Err *err) {
        const struct Tunable *tunable;
        g_autofree char *path = NULL;
        g_autofree char *value = NULL;
        int r = find_tunable(param, &tunable, err);

        if (r != 0)
                return r;
        path = g_strdup_printf(KSM_DIR "/%s", tunable->file);
        value = g_strdup_printf("%u", param->value.remote_typed_param_value_u.ui);
        r = sys_write(sys, path, value);
        return r < 0 ? fail_errno(err, r, "cannot set '%s' to %s", param->field, value) : 0;
}

static int set_memory_parameters(Manager *manager, Call *call, const void *args, void *ret,
                                 Err *err) {
        const remote_node_set_memory_parameters_args *a = args;
        const struct Tunable *tunable;
        int r = flags_check(a->flags, 0, "virNodeSetMemoryParameters", err);

        if (r == 0 && (a->params.params_len == 0 || a->params.params_len > ARGUMENTS_MAX))
                r = fail(err, VIR_ERR_INVALID_ARG, "%u memory parameters are none to set",
                         a->params.params_len);
        for (u_int i = 0; i < a->params.params_len && r == 0; i++) /* all or none */
                r = find_tunable(&a->params.params_val[i], &tunable, err);
        for (u_int i = 0; i < a->params.params_len && r == 0; i++)
                r = set_tunable(manager->sys, &a->params.params_val[i], err);
        return r;
}

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_NODE_GET_MEMORY_PARAMETERS,
         .name = "virNodeGetMemoryParameters",
         PROC_ARGS(remote_node_get_memory_parameters_args),
         PROC_RET(remote_node_get_memory_parameters_ret),
         .read_only = true,
         .run = get_memory_parameters},
        {.number = REMOTE_PROC_NODE_SET_MEMORY_PARAMETERS,
         .name = "virNodeSetMemoryParameters",
         PROC_ARGS(remote_node_set_memory_parameters_args),
         .run = set_memory_parameters},
};

const ProcedureTable rpc_host_memory_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
