/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers of the protocol: programs, procedures, features, events. The payload of each procedure is
 * in the .x files: remote_NAME_args, remote_NAME_ret and, for events, remote_NAME_msg. */

#include <stdint.h>

#define REMOTE_PROGRAM    0x20008086u
#define QEMU_PROGRAM      0x20008087u
#define KEEPALIVE_PROGRAM 0x6b656570u
/* AIRLOCK_PROGRAM: rpc/airlock.x */
#define RPC_PROGRAM_VERSION 1u /* of each */

typedef enum RemoteProcedure {
#define PROCEDURE(number, name) REMOTE_PROC_##name = (number),
#include "rpc/procedures.h"
#undef PROCEDURE
} RemoteProcedure;

typedef enum KeepaliveProcedure {
        KEEPALIVE_PROC_PING = 1,
        KEEPALIVE_PROC_PONG = 2,
} KeepaliveProcedure;

/* What CONNECT_SUPPORTS_FEATURE asks for (VIR_DRV_FEATURE_*). */
typedef enum RemoteFeature {
        REMOTE_FEATURE_FD_PASSING = 8,
        REMOTE_FEATURE_TYPED_PARAM_STRING = 9,
        REMOTE_FEATURE_KEEPALIVE = 10,
        REMOTE_FEATURE_EVENT_CALLBACK = 14, /* registrations with ids: 316 and later */
        REMOTE_FEATURE_CLOSE_CALLBACK = 15,
        REMOTE_FEATURE_NETWORK_UPDATE_ORDER = 16,
} RemoteFeature;

/* "DOMAIN_CREATE"; NULL: the remote program has no such procedure. */
const char *rpc_proto_name(int procedure);

/* The public function that makes the call, as libvirt's messages name it: "virDomainCreate"; NULL
 * as above. The caller frees it. */
char *rpc_proto_function(int procedure);
