/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/guest-call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "client/conn.h"
#include "rpc/remote_connect.h"
#include "rpc/remote_domain.h"

void guest_free(Guest *guest) {
        if (!guest)
                return;
        g_free(guest->name);
        g_free(guest);
}

static void guest_free_item(void *guest) {
        guest_free(guest);
}

Guest *guest_new(const remote_domain *dom) {
        Guest *guest = g_new0(Guest, 1);

        guest->name = g_strdup(dom->name);
        memcpy(guest->uuid, dom->uuid, GUEST_UUID_SIZE);
        guest->id = dom->id;
        return guest;
}

remote_domain guest_handle(const Guest *guest) {
        remote_domain dom = {.name = guest->name, .id = guest->id};

        memcpy(dom.uuid, guest->uuid, GUEST_UUID_SIZE);
        return dom;
}

void guest_format_uuid(const Guest *guest, char ret[static 37]) {
        char *p = ret;

        for (size_t i = 0; i < GUEST_UUID_SIZE; i++)
                p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                             guest->uuid[i]);
}

int guest_parse_uuid(const char *text, uint8_t ret[static GUEST_UUID_SIZE]) {
        uint8_t uuid[GUEST_UUID_SIZE];

        for (size_t i = 0; i < GUEST_UUID_SIZE; i++) {
                int high, low;

                while (i > 0 && *text == '-')
                        text++;
                high = g_ascii_xdigit_value(text[0]);
                low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
                if (low < 0)
                        return -EINVAL;
                uuid[i] = (uint8_t)(high << 4 | low);
                text += 2;
        }
        if (*text)
                return -EINVAL;
        memcpy(ret, uuid, GUEST_UUID_SIZE);
        return 0;
}

/* Makes a call that answers with a guest. */
static int call_for_guest(Conn *conn, ConnCall call, Guest **ret, Err *err) {
        remote_domain_lookup_by_name_ret answer;
        int r;

        call.ret_xdr = (xdrproc_t)xdr_remote_domain_lookup_by_name_ret;
        call.ret = &answer;
        call.ret_size = sizeof(answer);
        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = guest_new(&answer.dom);
        xdr_free((xdrproc_t)xdr_remote_domain_lookup_by_name_ret, &answer);
        return 0;
}

static int lookup_by_id(Conn *conn, const char *text, Guest **ret, Err *err) {
        remote_domain_lookup_by_id_args args;
        uint64_t id;

        if (str_to_uint(text, 10, INT_MAX, &id) < 0)
                return -ENOENT;
        args.id = (int)id;
        return call_for_guest(
                conn,
                CONN_REMOTE(DOMAIN_LOOKUP_BY_ID, CONN_ARGS(remote_domain_lookup_by_id_args, &args)),
                ret, err);
}

static int lookup_by_uuid(Conn *conn, const char *text, Guest **ret, Err *err) {
        remote_domain_lookup_by_uuid_args args;

        if (guest_parse_uuid(text, (uint8_t *)args.uuid) < 0)
                return -ENOENT;
        return call_for_guest(conn,
                              CONN_REMOTE(DOMAIN_LOOKUP_BY_UUID,
                                          CONN_ARGS(remote_domain_lookup_by_uuid_args, &args)),
                              ret, err);
}

static int lookup_by_name(Conn *conn, const char *text, Guest **ret, Err *err) {
        remote_domain_lookup_by_name_args args = {.name = (char *)(uintptr_t)text};

        return call_for_guest(conn,
                              CONN_REMOTE(DOMAIN_LOOKUP_BY_NAME,
                                          CONN_ARGS(remote_domain_lookup_by_name_args, &args)),
                              ret, err);
}

int guest_lookup(Conn *conn, const char *text, GuestLookup by, Guest **ret, Err *err) {
        static const struct {
                GuestLookup by;
                int (*lookup)(Conn *conn, const char *text, Guest **ret, Err *err);
        } ways[] = {
                {GUEST_BY_ID, lookup_by_id},
                {GUEST_BY_UUID, lookup_by_uuid},
                {GUEST_BY_NAME, lookup_by_name},
        };
        g_auto(Err) last = ERR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
                if (!(by & ways[i].by))
                        continue;
                err_clear(&last);
                if (ways[i].lookup(conn, text, ret, &last) == 0)
                        return 0;
                if (conn_is_lost(conn) || (err_is_set(&last) && last.code != VIR_ERR_NO_DOMAIN))
                        break;
        }
        if (!err_is_set(&last))
                return fail(err, VIR_ERR_NO_DOMAIN, "no guest is called '%s'", text);
        err_move(err, &last);
        return -ENOENT;
}

int guest_list(Conn *conn, unsigned flags, GPtrArray **ret, Err *err) {
        remote_connect_list_all_domains_args args = {.need_results = 1, .flags = flags};
        remote_connect_list_all_domains_ret answer;
        g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func(guest_free_item);
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(CONNECT_LIST_ALL_DOMAINS,
                                   CONN_ARGS(remote_connect_list_all_domains_args, &args),
                                   CONN_RET(remote_connect_list_all_domains_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < answer.domains.domains_len; i++)
                g_ptr_array_add(guests, guest_new(&answer.domains.domains_val[i]));
        xdr_free((xdrproc_t)xdr_remote_connect_list_all_domains_ret, &answer);
        *ret = g_steal_pointer(&guests);
        return 0;
}

int guest_define(Conn *conn, const char *xml, unsigned flags, Guest **ret, Err *err) {
        remote_domain_define_xml_flags_args args = {
                .xml = (char *)(uintptr_t)xml,
                .flags = flags,
        };

        if (flags == 0)
                return call_for_guest(
                        conn, CONN_REMOTE(DOMAIN_DEFINE_XML, CONN_ARGS(remote_string, &args.xml)),
                        ret, err);
        return call_for_guest(conn,
                              CONN_REMOTE(DOMAIN_DEFINE_XML_FLAGS,
                                          CONN_ARGS(remote_domain_define_xml_flags_args, &args)),
                              ret, err);
}

int guest_create_xml(Conn *conn, const char *xml, unsigned flags, Guest **ret, Err *err) {
        remote_domain_create_xml_args args = {
                .xml_desc = (char *)(uintptr_t)xml,
                .flags = flags,
        };

        return call_for_guest(
                conn,
                CONN_REMOTE(DOMAIN_CREATE_XML, CONN_ARGS(remote_domain_create_xml_args, &args)),
                ret, err);
}

/* The call without flags, where the protocol has one, and the one with them. */
static const struct {
        int plain;
        int flagged;
} actions[_GUEST_ACTION_MAX] = {
        [GUEST_CREATE] = {REMOTE_PROC_DOMAIN_CREATE, REMOTE_PROC_DOMAIN_CREATE_WITH_FLAGS},
        [GUEST_DESTROY] = {REMOTE_PROC_DOMAIN_DESTROY, REMOTE_PROC_DOMAIN_DESTROY_FLAGS},
        [GUEST_SHUTDOWN] = {REMOTE_PROC_DOMAIN_SHUTDOWN, REMOTE_PROC_DOMAIN_SHUTDOWN_FLAGS},
        [GUEST_REBOOT] = {0, REMOTE_PROC_DOMAIN_REBOOT},
        [GUEST_RESET] = {0, REMOTE_PROC_DOMAIN_RESET},
        [GUEST_SUSPEND] = {REMOTE_PROC_DOMAIN_SUSPEND, 0},
        [GUEST_RESUME] = {REMOTE_PROC_DOMAIN_RESUME, 0},
        [GUEST_UNDEFINE] = {0, REMOTE_PROC_DOMAIN_UNDEFINE_FLAGS},
        [GUEST_MANAGED_SAVE] = {0, REMOTE_PROC_DOMAIN_MANAGED_SAVE},
        [GUEST_MANAGED_SAVE_REMOVE] = {0, REMOTE_PROC_DOMAIN_MANAGED_SAVE_REMOVE},
        [GUEST_INJECT_NMI] = {0, REMOTE_PROC_DOMAIN_INJECT_NMI},
        [GUEST_WAKE_UP] = {0, REMOTE_PROC_DOMAIN_PM_WAKEUP},
        [GUEST_ABORT_JOB] = {REMOTE_PROC_DOMAIN_ABORT_JOB, REMOTE_PROC_DOMAIN_ABORT_JOB_FLAGS},
};

int guest_act(Conn *conn, const Guest *guest, GuestAction action, unsigned flags, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest), .flags = flags};
        ConnCall call = {.program = REMOTE_PROGRAM, .args = &args};

        if (actions[action].plain && flags == 0) {
                call.procedure = actions[action].plain;
                call.args_xdr = (xdrproc_t)xdr_remote_domain;
                call.args = &args.dom;
        } else {
                call.procedure = actions[action].flagged;
                call.args_xdr = (xdrproc_t)xdr_GuestFlagsArgs;
        }
        return conn_call(conn, &call, err);
}

int guest_xml(Conn *conn, const Guest *guest, unsigned flags, char **ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest), .flags = flags};

        return conn_call_text(
                conn, CONN_REMOTE(DOMAIN_GET_XML_DESC, CONN_ARGS(GuestFlagsArgs, &args)), ret, err);
}

int guest_os_type(Conn *conn, const Guest *guest, char **ret, Err *err) {
        remote_domain dom = guest_handle(guest);

        return conn_call_text(conn, CONN_REMOTE(DOMAIN_GET_OS_TYPE, CONN_ARGS(remote_domain, &dom)),
                              ret, err);
}

int guest_messages(Conn *conn, const Guest *guest, char ***ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest)};
        remote_domain_get_messages_ret answer;
        char **messages;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_MESSAGES, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(remote_domain_get_messages_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        messages = g_new0(char *, answer.msgs.msgs_len + 1);
        for (unsigned i = 0; i < answer.msgs.msgs_len; i++)
                messages[i] = g_strdup(answer.msgs.msgs_val[i]);
        xdr_free((xdrproc_t)xdr_remote_domain_get_messages_ret, &answer);
        *ret = messages;
        return 0;
}

int guest_security_label(Conn *conn, const Guest *guest, char **ret, bool *ret_enforcing,
                         Err *err) {
        remote_domain dom = guest_handle(guest);
        remote_domain_get_security_label_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_SECURITY_LABEL, CONN_ARGS(remote_domain, &dom),
                                   CONN_RET(remote_domain_get_security_label_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_strndup(answer.label.label_val, answer.label.label_len);
        *ret_enforcing = answer.enforcing == 1;
        xdr_free((xdrproc_t)xdr_remote_domain_get_security_label_ret, &answer);
        return 0;
}

int guest_state(Conn *conn, const Guest *guest, GuestState *ret, int *ret_reason, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest)};
        remote_domain_get_state_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_STATE, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(remote_domain_get_state_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (GuestState)answer.state;
        if (ret_reason)
                *ret_reason = answer.reason;
        return 0;
}

int guest_info(Conn *conn, const Guest *guest, GuestInfo *ret, Err *err) {
        remote_domain dom = guest_handle(guest);
        remote_domain_get_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_INFO, CONN_ARGS(remote_domain, &dom),
                                   CONN_RET(remote_domain_get_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = (GuestInfo){
                .state = (GuestState)answer.state,
                .max_memory = answer.maxMem,
                .memory = answer.memory,
                .vcpus = answer.nrVirtCpu,
                .cpu_time = answer.cpuTime,
        };
        return 0;
}

static const struct {
        int procedure;
        bool with_flags;
} questions[_GUEST_QUESTION_MAX] = {
        [GUEST_IS_ACTIVE] = {REMOTE_PROC_DOMAIN_IS_ACTIVE, false},
        [GUEST_IS_PERSISTENT] = {REMOTE_PROC_DOMAIN_IS_PERSISTENT, false},
        [GUEST_HAS_AUTOSTART] = {REMOTE_PROC_DOMAIN_GET_AUTOSTART, false},
        [GUEST_HAS_AUTOSTART_ONCE] = {REMOTE_PROC_DOMAIN_GET_AUTOSTART_ONCE, false},
        [GUEST_HAS_MANAGED_SAVE] = {REMOTE_PROC_DOMAIN_HAS_MANAGED_SAVE_IMAGE, true},
};

int guest_ask(Conn *conn, const Guest *guest, GuestQuestion question, bool *ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest)};
        NumberRet answer;
        ConnCall call = {
                .program = REMOTE_PROGRAM,
                .procedure = questions[question].procedure,
                .args_xdr = questions[question].with_flags ? (xdrproc_t)xdr_GuestFlagsArgs
                                                           : (xdrproc_t)xdr_remote_domain,
                .args = questions[question].with_flags ? (void *)&args : (void *)&args.dom,
                CONN_RET(NumberRet, &answer),
        };
        int r;

        r = conn_call(conn, &call, err);
        if (r < 0)
                return r;
        *ret = answer.autostart != 0;
        return 0;
}

int guest_set_autostart(Conn *conn, const Guest *guest, bool once, bool on, Err *err) {
        remote_domain_set_autostart_args args = {.dom = guest_handle(guest), .autostart = on};
        ConnCall call = {
                .program = REMOTE_PROGRAM,
                .procedure = once ? REMOTE_PROC_DOMAIN_SET_AUTOSTART_ONCE
                                  : REMOTE_PROC_DOMAIN_SET_AUTOSTART,
                CONN_ARGS(remote_domain_set_autostart_args, &args),
        };

        return conn_call(conn, &call, err);
}

/* Calls plain or, where flags are given, flagged; both take the XML of a device. */
static int change_device(Conn *conn, const Guest *guest, const char *xml, ConnCall call,
                         const unsigned *flags, Err *err) {
        remote_domain_attach_device_flags_args args = {
                .dom = guest_handle(guest),
                .xml = (char *)(uintptr_t)xml,
                .flags = flags ? *flags : 0,
        };
        remote_domain_attach_device_args plain = {.dom = args.dom, .xml = args.xml};

        call.args_xdr = flags ? (xdrproc_t)xdr_remote_domain_attach_device_flags_args
                              : (xdrproc_t)xdr_remote_domain_attach_device_args;
        call.args = flags ? (void *)&args : (void *)&plain;
        return conn_call(conn, &call, err);
}

int guest_attach(Conn *conn, const Guest *guest, const char *xml, const unsigned *flags, Err *err) {
        return change_device(conn, guest, xml,
                             flags ? CONN_REMOTE(DOMAIN_ATTACH_DEVICE_FLAGS)
                                   : CONN_REMOTE(DOMAIN_ATTACH_DEVICE),
                             flags, err);
}

int guest_detach(Conn *conn, const Guest *guest, const char *xml, const unsigned *flags, Err *err) {
        return change_device(conn, guest, xml,
                             flags ? CONN_REMOTE(DOMAIN_DETACH_DEVICE_FLAGS)
                                   : CONN_REMOTE(DOMAIN_DETACH_DEVICE),
                             flags, err);
}

int guest_update(Conn *conn, const Guest *guest, const char *xml, unsigned flags, Err *err) {
        return change_device(conn, guest, xml, CONN_REMOTE(DOMAIN_UPDATE_DEVICE_FLAGS), &flags,
                             err);
}

int guest_open_console(Conn *conn, const Guest *guest, const char *device, unsigned flags,
                       Err *err) {
        remote_string name = (char *)(uintptr_t)device;
        remote_domain_open_console_args args = {
                .dom = guest_handle(guest),
                .dev_name = device ? &name : NULL,
                .flags = flags,
        };

        return conn_stream_open(conn,
                                &CONN_REMOTE(DOMAIN_OPEN_CONSOLE,
                                             CONN_ARGS(remote_domain_open_console_args, &args)),
                                err);
}
