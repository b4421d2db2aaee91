/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/guest-tune.h"

#include <string.h>

#include "client/conn.h"
#include "client/guest-call.h"
#include "rpc/remote_domain_tune.h"

int guest_set_memory(Conn *conn, const Guest *guest, uint64_t kib, unsigned flags, Err *err) {
        remote_domain_set_memory_flags_args args = {guest_handle(guest), kib, flags};

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_SET_MEMORY_FLAGS,
                                      CONN_ARGS(remote_domain_set_memory_flags_args, &args)),
                         err);
}

int guest_set_vcpus(Conn *conn, const Guest *guest, unsigned count, const unsigned *flags,
                    Err *err) {
        remote_domain_set_vcpus_flags_args args = {guest_handle(guest), count, flags ? *flags : 0};
        remote_domain_set_vcpus_args plain = {args.dom, count};

        if (!flags)
                return conn_call(conn,
                                 &CONN_REMOTE(DOMAIN_SET_VCPUS,
                                              CONN_ARGS(remote_domain_set_vcpus_args, &plain)),
                                 err);
        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_SET_VCPUS_FLAGS,
                                      CONN_ARGS(remote_domain_set_vcpus_flags_args, &args)),
                         err);
}

int guest_count_vcpus(Conn *conn, const Guest *guest, unsigned flags, int *ret, Err *err) {
        GuestFlagsArgs args = {.dom = guest_handle(guest), .flags = flags};
        NumberRet answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_VCPUS_FLAGS, CONN_ARGS(GuestFlagsArgs, &args),
                                   CONN_RET(NumberRet, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = answer.autostart;
        return 0;
}

static void vcpu_free(void *data) {
        GuestVcpu *vcpu = data;

        g_free(vcpu->cpus.map);
        g_free(vcpu);
}

int guest_vcpus(Conn *conn, const Guest *guest, unsigned count, unsigned cpus, GPtrArray **ret,
                Err *err) {
        unsigned size = (cpus + 7) / 8;
        remote_domain_get_vcpus_args args = {guest_handle(guest), (int)count, (int)size};
        remote_domain_get_vcpus_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_VCPUS, CONN_ARGS(remote_domain_get_vcpus_args, &args),
                                   CONN_RET(remote_domain_get_vcpus_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = g_ptr_array_new_with_free_func(vcpu_free);
        for (unsigned i = 0; i < answer.info.info_len; i++) {
                const remote_vcpu_info *info = &answer.info.info_val[i];
                GuestVcpu *vcpu = g_new0(GuestVcpu, 1);

                *vcpu = (GuestVcpu){info->number,
                                    info->state,
                                    info->cpu_time,
                                    info->cpu,
                                    {g_malloc0(size), size}};
                if (answer.cpumaps.cpumaps_len >= (size_t)(i + 1) * size)
                        memcpy(vcpu->cpus.map, answer.cpumaps.cpumaps_val + (size_t)i * size, size);
                g_ptr_array_add(*ret, vcpu);
        }
        xdr_free((xdrproc_t)xdr_remote_domain_get_vcpus_ret, &answer);
        return 0;
}

/* Cuts a string of maps into maps. */
static GPtrArray *split_maps(const char *maps, unsigned length, unsigned size) {
        GPtrArray *split = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

        for (unsigned at = 0; size > 0 && length - at >= size; at += size)
                g_ptr_array_add(split, g_bytes_new(maps + at, size));
        return split;
}

int guest_vcpu_pins(Conn *conn, const Guest *guest, const GuestPinQuery *query, GPtrArray **ret,
                    Err *err) {
        unsigned size = (query->cpus + 7) / 8;
        remote_domain_get_vcpu_pin_info_args args = {guest_handle(guest), (int)query->count,
                                                     (int)size, query->flags};
        remote_domain_get_vcpu_pin_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_VCPU_PIN_INFO,
                                   CONN_ARGS(remote_domain_get_vcpu_pin_info_args, &args),
                                   CONN_RET(remote_domain_get_vcpu_pin_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = split_maps(answer.cpumaps.cpumaps_val, answer.cpumaps.cpumaps_len, size);
        xdr_free((xdrproc_t)xdr_remote_domain_get_vcpu_pin_info_ret, &answer);
        return 0;
}

int guest_emulator_pin(Conn *conn, const Guest *guest, const GuestPinQuery *query, GPtrArray **ret,
                       Err *err) {
        unsigned size = (query->cpus + 7) / 8;
        remote_domain_get_emulator_pin_info_args args = {guest_handle(guest), (int)size,
                                                         query->flags};
        remote_domain_get_emulator_pin_info_ret answer;
        int r;

        r = conn_call(conn,
                      &CONN_REMOTE(DOMAIN_GET_EMULATOR_PIN_INFO,
                                   CONN_ARGS(remote_domain_get_emulator_pin_info_args, &args),
                                   CONN_RET(remote_domain_get_emulator_pin_info_ret, &answer)),
                      err);
        if (r < 0)
                return r;
        *ret = split_maps(answer.cpumaps.cpumaps_val, answer.cpumaps.cpumaps_len, size);
        xdr_free((xdrproc_t)xdr_remote_domain_get_emulator_pin_info_ret, &answer);
        return 0;
}

int guest_pin_vcpu(Conn *conn, const Guest *guest, const GuestPin *pin, Err *err) {
        remote_domain_pin_vcpu_flags_args args = {
                .dom = guest_handle(guest),
                .vcpu = pin->vcpu,
                .cpumap = {pin->cpus.size, (char *)pin->cpus.map},
                .flags = pin->flags,
        };
        remote_domain_pin_vcpu_args plain = {
                .dom = args.dom,
                .vcpu = pin->vcpu,
                .cpumap = {pin->cpus.size, (char *)pin->cpus.map},
        };

        if (pin->is_current)
                return conn_call(conn,
                                 &CONN_REMOTE(DOMAIN_PIN_VCPU,
                                              CONN_ARGS(remote_domain_pin_vcpu_args, &plain)),
                                 err);
        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_PIN_VCPU_FLAGS,
                                      CONN_ARGS(remote_domain_pin_vcpu_flags_args, &args)),
                         err);
}

int guest_pin_emulator(Conn *conn, const Guest *guest, const GuestPin *pin, Err *err) {
        remote_domain_pin_emulator_args args = {
                .dom = guest_handle(guest),
                .cpumap = {pin->cpus.size, (char *)pin->cpus.map},
                .flags = pin->is_current ? GUEST_AFFECT_LIVE : pin->flags,
        };

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_PIN_EMULATOR,
                                      CONN_ARGS(remote_domain_pin_emulator_args, &args)),
                         err);
}

int guest_resize(Conn *conn, const Guest *guest, const char *disk, uint64_t size, unsigned flags,
                 Err *err) {
        remote_domain_block_resize_args args = {guest_handle(guest), wire_text(disk), size, flags};

        return conn_call(conn,
                         &CONN_REMOTE(DOMAIN_BLOCK_RESIZE,
                                      CONN_ARGS(remote_domain_block_resize_args, &args)),
                         err);
}

int guest_screenshot(Conn *conn, const Guest *guest, unsigned screen, char **ret, Err *err) {
        remote_domain_screenshot_args args = {guest_handle(guest), screen, 0};
        remote_domain_screenshot_ret answer;
        int r;

        r = conn_stream_open(conn,
                             &CONN_REMOTE(DOMAIN_SCREENSHOT,
                                          CONN_ARGS(remote_domain_screenshot_args, &args),
                                          CONN_RET(remote_domain_screenshot_ret, &answer)),
                             err);
        if (r < 0)
                return r;
        *ret = answer.mime ? g_strdup(*answer.mime) : NULL;
        xdr_free((xdrproc_t)xdr_remote_domain_screenshot_ret, &answer);
        return 0;
}

int guest_send_keys(Conn *conn, const Guest *guest, const GuestKeys *keys, Err *err) {
        remote_domain_send_key_args args = {
                .dom = guest_handle(guest),
                .codeset = keys->codeset,
                .holdtime = keys->hold,
                .keycodes = {keys->n_codes, (unsigned *)(uintptr_t)keys->codes},
        };

        return conn_call(
                conn, &CONN_REMOTE(DOMAIN_SEND_KEY, CONN_ARGS(remote_domain_send_key_args, &args)),
                err);
}
