/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/util.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* How a client shows that it may be served. Root need not, and who came over TLS has done so;
 * others are judged by polkit where the daemon is set to ask it. A client whose check has failed
 * may connect again, but not go on trying on this connection. */

/* auth_type of the protocol; 1, SASL, is served by nobody. */
enum { TYPE_NONE = 0, TYPE_POLKIT = 2 };

static int refuse(Client *client, Err *err) {
        client_close_when_sent(client);
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_DENIED,
                              "this socket is open to everyone, and airlockd does not ask polkit: "
                              "only root is served here"),
                         "say unix-auth = polkit in /etc/airlock/airlockd.conf, or set "
                         "SocketMode=0660 and SocketGroup= by systemctl edit airlockd.socket");
}

static int auth_list(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        Client *client = call_client(call);
        remote_auth_list_ret *answer = ret;
        int type = client_access(client) == CLIENT_BY_POLKIT ? TYPE_POLKIT : TYPE_NONE;

        if (client_access(client) == CLIENT_REFUSED)
                return refuse(client, err);
        answer->types.types_len = 1;
        answer->types.types_val = g_memdup2(&type, sizeof(type));
        return 0;
}

static void on_verdict(void *userdata, const Err *refusal) {
        Call *call = userdata;
        remote_auth_polkit_ret *answer = call_ret(call);

        /* Before the answer, which may be the end of the client. */
        if (refusal && call_client(call))
                client_close_when_sent(call_client(call));
        answer->complete = 1;
        call_finish(call, refusal);
}

static int auth_polkit(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        Client *client = call_client(call);
        int r;

        if (client_access(client) != CLIENT_BY_POLKIT)
                return fail(err, VIR_ERR_AUTH_FAILED,
                            "nobody asked for this kind of authentication");
        r = client_check(client, on_verdict, call_ref(call), err);
        if (r >= 0)
                return CALL_LATER;
        call_unref(call);
        client_close_when_sent(client);
        return r;
}

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_AUTH_LIST,
         .name = "virConnectAuthList",
         PROC_RET(remote_auth_list_ret),
         .read_only = true,
         .before_open = true,
         .before_auth = true,
         .run = auth_list},
        {.number = REMOTE_PROC_AUTH_POLKIT,
         .name = "virConnectAuthPolkit",
         PROC_RET(remote_auth_polkit_ret),
         .read_only = true,
         .before_open = true,
         .before_auth = true,
         .run = auth_polkit},
};

const ProcedureTable rpc_auth_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
