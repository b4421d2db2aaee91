/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include "base/util.h"
#include "daemon/client.h"
#include "daemon/cpu-store.h"
#include "daemon/dispatch.h"
#include "daemon/manager.h"
#include "rpc/proto.h"
#include "rpc/remote_connect.h"

/* The connection itself, from CONNECT_OPEN to CONNECT_CLOSE, and what it says of the daemon. */

#define DEFAULT_URI "qemu:///system"
/* The libvirt whose protocol and documents these are (11.3.0): clients draw conclusions from it. */
#define LIBVIRT_VERSION 11003000u
/* What libvirt says of a guest without KVM. */
#define TCG_MAX_VCPUS  16
#define OPEN_READ_ONLY 1u
#define OPEN_FLAGS     (OPEN_READ_ONLY | 2u) /* 2: no aliases of URIs, a matter of the client */

/* The system's guests are the only ones; root's session is the same place. */
static bool uri_is_served(const Client *client, const char *uri) {
        if (g_str_equal(uri, DEFAULT_URI) || g_str_equal(uri, "airlock:///system"))
                return true;
        return g_str_equal(uri, "qemu:///session") && client_uid(client) == 0;
}

static int fail_uri(const char *uri, Err *err) {
        if (g_str_has_prefix(uri, "qemu:///"))
                return fail(err, VIR_ERR_INTERNAL_ERROR,
                            "unexpected qemu URI path '%s', try " DEFAULT_URI,
                            uri + strlen("qemu://"));
        return fail(err, VIR_ERR_NO_CONNECT, "%s", uri);
}

static int connect_open(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_open_args *a = args;
        const char *uri = a->name && **a->name ? *a->name : DEFAULT_URI;
        Client *client = call_client(call);
        int r;

        if (client_is_open(client))
                return fail(err, VIR_ERR_INTERNAL_ERROR, "connection already open");
        r = flags_check(a->flags, OPEN_FLAGS, "virConnectOpen", err);
        if (r < 0)
                return r;
        if (!uri_is_served(client, uri))
                return fail_uri(uri, err);
        client_set_open(client, uri, a->flags & OPEN_READ_ONLY);
        return 0;
}

static int connect_close(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        client_close_when_sent(call_client(call));
        return 0;
}

static int done(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return 0;
}

static int supports_feature(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_supports_feature_args *a = args;
        remote_connect_supports_feature_ret *answer = ret;

        switch (a->feature) {
        case REMOTE_FEATURE_KEEPALIVE:
                client_enable_keepalive(call_client(call));
                answer->supported = 1;
                break;
        case REMOTE_FEATURE_FD_PASSING:
                answer->supported = client_has_fds(call_client(call));
                break;
        case REMOTE_FEATURE_TYPED_PARAM_STRING:
        case REMOTE_FEATURE_EVENT_CALLBACK:
        case REMOTE_FEATURE_CLOSE_CALLBACK:
        case REMOTE_FEATURE_NETWORK_UPDATE_ORDER:
                answer->supported = 1;
                break;
        default: /* migration in its many forms */
                answer->supported = 0;
        }
        return 0;
}

static int get_uri(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_get_uri_ret *answer = ret;

        answer->uri = g_strdup(client_uri(call_client(call)));
        return 0;
}

static int get_type(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_get_type_ret *answer = ret;

        answer->type = g_strdup("QEMU");
        return 0;
}

static int get_version(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_get_version_ret *answer = ret;
        uint64_t version;
        int r;

        r = manager_qemu_version(manager, &version, err);
        if (r < 0)
                return r;
        answer->hv_ver = version;
        return 0;
}

static int get_lib_version(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_get_lib_version_ret *answer = ret;

        answer->lib_ver = LIBVIRT_VERSION;
        return 0;
}

static int get_hostname(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_get_hostname_ret *answer = ret;
        struct utsname name;

        if (uname(&name) < 0)
                return fail_errno(err, neg_errno(), "cannot read the name of the host");
        answer->hostname = g_strdup(name.nodename);
        return 0;
}

static int is_secure(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        remote_connect_is_secure_ret *answer = ret;

        answer->secure = 1; /* a UNIX socket */
        return 0;
}

static int kvm_max_vcpus(Manager *manager, Err *err) {
        _cleanup_(closep) int fd = sys_open(manager->sys, "dev/kvm", O_RDWR);
        int n;

        if (fd < 0)
                return fail_errno(err, fd, "cannot open /dev/kvm");
        n = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
        if (n <= 0)
                return fail_errno(err, n < 0 ? neg_errno() : -EOPNOTSUPP,
                                  "KVM does not say how many virtual processors a guest may have");
        return n;
}

static int get_max_vcpus(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        const remote_connect_get_max_vcpus_args *a = args;
        remote_connect_get_max_vcpus_ret *answer = ret;
        const char *type = a->type ? *a->type : "qemu";
        int r;

        if (g_ascii_strcasecmp(type, "qemu") == 0) {
                answer->max_vcpus = TCG_MAX_VCPUS;
                return 0;
        }
        if (g_ascii_strcasecmp(type, "kvm") != 0)
                return fail(err, VIR_ERR_INVALID_ARG, "unknown type '%s'", type);
        r = kvm_max_vcpus(manager, err);
        if (r < 0)
                return r;
        answer->max_vcpus = r;
        return 0;
}

static int capabilities_now(Manager *manager, Call *call, const char *text, unsigned flags,
                            Err *err) {
        remote_connect_get_capabilities_ret *answer = call_ret(call);

        return manager_capabilities(manager, &answer->capabilities, err);
}

static int get_capabilities(Manager *manager, Call *call, const void *args, void *ret, Err *err) {
        return cpu_store_call(manager, call, NULL, &(EmulatorCall){capabilities_now, "", 0}, err);
}

static const char *optional(remote_string *text) {
        return text && **text ? *text : NULL;
}

/* text: emulator, architecture, machine and type, a line each; an empty one is not given. */
static int domain_capabilities_now(Manager *manager, Call *call, const char *text, unsigned flags,
                                   Err *err) {
        remote_connect_get_domain_capabilities_ret *answer = call_ret(call);
        g_auto(GStrv) lines = g_strsplit(text, "\n", 4);
        const char *words[4];

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                words[i] = lines[i][0] ? lines[i] : NULL;
        return manager_domain_capabilities(manager,
                                           &(Hypervisor){words[0], words[1], words[2], words[3]},
                                           &answer->capabilities, err);
}

static int get_domain_capabilities(Manager *manager, Call *call, const void *args, void *ret,
                                   Err *err) {
        const remote_connect_get_domain_capabilities_args *a = args;
        remote_connect_get_domain_capabilities_ret *answer = ret;
        const Hypervisor of = {optional(a->emulatorbin), optional(a->arch), optional(a->machine),
                               optional(a->virttype)};
        g_autofree char *text = g_strdup_printf(
                "%s\n%s\n%s\n%s", of.emulator ? of.emulator : "", of.arch ? of.arch : "",
                of.machine ? of.machine : "", of.type ? of.type : "");
        int r;

        r = flags_check(a->flags, 0, "virConnectGetDomainCapabilities", err);
        if (r < 0)
                return r;
        /* To ask a binary is to run it: those who only read may choose none. */
        if (of.emulator && !g_str_equal(of.emulator, EMULATOR_DEFAULT) && call_is_read_only(call))
                return manager_domain_capabilities(manager, &of, &answer->capabilities, err);
        return cpu_store_call(manager, call, of.emulator,
                              &(EmulatorCall){domain_capabilities_now, text, 0}, err);
}

static const Procedure procedures[] = {
        {.number = REMOTE_PROC_CONNECT_OPEN,
         .name = "virConnectOpen",
         PROC_ARGS(remote_connect_open_args),
         .read_only = true,
         .before_open = true,
         .run = connect_open},
        {.number = REMOTE_PROC_CONNECT_CLOSE,
         .name = "virConnectClose",
         .read_only = true,
         .before_open = true,
         .run = connect_close},
        {.number = REMOTE_PROC_CONNECT_SUPPORTS_FEATURE,
         .name = "virConnectSupportsFeature",
         PROC_ARGS(remote_connect_supports_feature_args),
         PROC_RET(remote_connect_supports_feature_ret),
         .read_only = true,
         .before_open = true,
         .run = supports_feature},
        {.number = REMOTE_PROC_CONNECT_GET_URI,
         .name = "virConnectGetURI",
         PROC_RET(remote_connect_get_uri_ret),
         .read_only = true,
         .run = get_uri},
        {.number = REMOTE_PROC_CONNECT_GET_TYPE,
         .name = "virConnectGetType",
         PROC_RET(remote_connect_get_type_ret),
         .read_only = true,
         .run = get_type},
        {.number = REMOTE_PROC_CONNECT_GET_VERSION,
         .name = "virConnectGetVersion",
         PROC_RET(remote_connect_get_version_ret),
         .read_only = true,
         .run = get_version},
        {.number = REMOTE_PROC_CONNECT_GET_LIB_VERSION,
         .name = "virConnectGetLibVersion",
         PROC_RET(remote_connect_get_lib_version_ret),
         .read_only = true,
         .run = get_lib_version},
        {.number = REMOTE_PROC_CONNECT_GET_HOSTNAME,
         .name = "virConnectGetHostname",
         PROC_RET(remote_connect_get_hostname_ret),
         .read_only = true,
         .run = get_hostname},
        {.number = REMOTE_PROC_CONNECT_IS_SECURE,
         .name = "virConnectIsSecure",
         PROC_RET(remote_connect_is_secure_ret),
         .read_only = true,
         .run = is_secure},
        {.number = REMOTE_PROC_CONNECT_REGISTER_CLOSE_CALLBACK,
         .name = "virConnectRegisterCloseCallback",
         .read_only = true,
         .run = done},
        {.number = REMOTE_PROC_CONNECT_UNREGISTER_CLOSE_CALLBACK,
         .name = "virConnectUnregisterCloseCallback",
         .read_only = true,
         .run = done},
        {.number = REMOTE_PROC_CONNECT_GET_MAX_VCPUS,
         .name = "virConnectGetMaxVcpus",
         PROC_ARGS(remote_connect_get_max_vcpus_args),
         PROC_RET(remote_connect_get_max_vcpus_ret),
         .read_only = true,
         .run = get_max_vcpus},
        {.number = REMOTE_PROC_CONNECT_GET_CAPABILITIES,
         .name = "virConnectGetCapabilities",
         PROC_RET(remote_connect_get_capabilities_ret),
         .read_only = true,
         .run = get_capabilities},
        {.number = REMOTE_PROC_CONNECT_GET_DOMAIN_CAPABILITIES,
         .name = "virConnectGetDomainCapabilities",
         PROC_ARGS(remote_connect_get_domain_capabilities_args),
         PROC_RET(remote_connect_get_domain_capabilities_ret),
         .read_only = true,
         .run = get_domain_capabilities},
};

const ProcedureTable rpc_connect_table = {REMOTE_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
