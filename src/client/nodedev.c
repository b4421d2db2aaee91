/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/nodedev.h"

#include <stdlib.h>
#include <string.h>

#include "client/conn.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_nodedev.h"

/* In the order of the bits of a list's flags. */
static const char *const caps[] = {
        "system",      "pci",        "usb_device", "usb",     "net",    "scsi_host",
        "scsi_target", "scsi",       "storage",    "fc_host", "vports", "scsi_generic",
        "drm",         "mdev_types", "mdev",       "ccw",     "css",    "vdpa",
        "ap_card",     "ap_queue",   "ap_matrix",  "vpd",     NULL,
};

const char *const *nodedev_caps(void) {
        return caps;
}

unsigned nodedev_cap_flag(const char *cap) {
        for (unsigned i = 0; caps[i]; i++)
                if (g_str_equal(caps[i], cap))
                        return 1u << i;
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int nodedev_list(Conn *conn, unsigned flags, char ***ret, Err *err) {
        remote_connect_list_all_node_devices_args args = {.need_results = 1, .flags = flags};
        remote_connect_list_all_node_devices_ret answer;
        char **names;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_LIST_ALL_NODE_DEVICES,
                                   CONN_ARGS(remote_connect_list_all_node_devices_args, &args),
                                   CONN_RET(remote_connect_list_all_node_devices_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        names = g_new0(char *, answer.devices.devices_len + 1);
        for (unsigned i = 0; i < answer.devices.devices_len; i++)
                names[i] = g_strdup(answer.devices.devices_val[i].name);
        if (names[0])
                qsort(names, answer.devices.devices_len, sizeof(*names), compare_names);
        xdr_free((xdrproc_t)xdr_remote_connect_list_all_node_devices_ret, &answer);
        *ret = names;
        return 0;
}

int nodedev_lookup(Conn *conn, const char *name, Err *err) {
        remote_node_device_lookup_by_name_args args = {.name = (char *)(uintptr_t)name};
        remote_node_device_lookup_by_name_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_DEVICE_LOOKUP_BY_NAME,
                                   CONN_ARGS(remote_node_device_lookup_by_name_args, &args),
                                   CONN_RET(remote_node_device_lookup_by_name_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        xdr_free((xdrproc_t)xdr_remote_node_device_lookup_by_name_ret, &answer);
        return 0;
}

int nodedev_xml(Conn *conn, const char *name, unsigned flags, char **ret, Err *err) {
        remote_node_device_get_xml_desc_args args = {
                .name = (char *)(uintptr_t)name,
                .flags = flags,
        };
        remote_node_device_get_xml_desc_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_DEVICE_GET_XML_DESC,
                                   CONN_ARGS(remote_node_device_get_xml_desc_args, &args),
                                   CONN_RET(remote_node_device_get_xml_desc_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_strdup(answer.xml);
        xdr_free((xdrproc_t)xdr_remote_node_device_get_xml_desc_ret, &answer);
        return 0;
}

int nodedev_parent(Conn *conn, const char *name, char **ret, Err *err) {
        remote_node_device_get_parent_args args = {.name = (char *)(uintptr_t)name};
        remote_node_device_get_parent_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(NODE_DEVICE_GET_PARENT,
                                   CONN_ARGS(remote_node_device_get_parent_args, &args),
                                   CONN_RET(remote_node_device_get_parent_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.parentName ? g_strdup(*answer.parentName) : NULL;
        xdr_free((xdrproc_t)xdr_remote_node_device_get_parent_ret, &answer);
        return 0;
}

static const int questions[_NODEDEV_QUESTION_MAX] = {
        [NODEDEV_IS_ACTIVE] = REMOTE_PROC_NODE_DEVICE_IS_ACTIVE,
        [NODEDEV_IS_PERSISTENT] = REMOTE_PROC_NODE_DEVICE_IS_PERSISTENT,
        [NODEDEV_HAS_AUTOSTART] = REMOTE_PROC_NODE_DEVICE_GET_AUTOSTART,
};

int nodedev_ask(Conn *conn, const char *name, NodedevQuestion question, bool *ret, Err *err) {
        remote_node_device_is_active_args args = {.name = (char *)(uintptr_t)name};
        remote_node_device_is_active_ret answer;
        ConnCall call = {
                .program = REMOTE_PROGRAM,
                .procedure = questions[question],
                CONN_ARGS(remote_node_device_is_active_args, &args),
                CONN_RET(remote_node_device_is_active_ret, &answer),
        };
        int r;

        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = answer.active != 0;
        return 0;
}

int nodedev_detach(Conn *conn, const char *name, const char *driver, Err *err) {
        remote_string driver_name = (char *)(uintptr_t)driver;
        remote_node_device_detach_flags_args args = {
                .name = (char *)(uintptr_t)name,
                .driverName = &driver_name,
        };

        if (!driver)
                return conn_call(
                        conn,
                        &CONN_REMOTE(NODE_DEVICE_DETTACH, CONN_ARGS(remote_string, &args.name)),
                        err);
        return conn_call(conn,
                         &CONN_REMOTE(NODE_DEVICE_DETACH_FLAGS,
                                      CONN_ARGS(remote_node_device_detach_flags_args, &args)),
                         err);
}

int nodedev_reattach(Conn *conn, const char *name, Err *err) {
        remote_string arg = (char *)(uintptr_t)name;

        return conn_call(conn, &CONN_REMOTE(NODE_DEVICE_RE_ATTACH, CONN_ARGS(remote_string, &arg)),
                         err);
}

int nodedev_reset(Conn *conn, const char *name, Err *err) {
        remote_string arg = (char *)(uintptr_t)name;

        return conn_call(conn, &CONN_REMOTE(NODE_DEVICE_RESET, CONN_ARGS(remote_string, &arg)),
                         err);
}
