/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/file-stream.h"
#include "daemon/keycode.h"
#include "daemon/store.h"
#include "daemon/vm.h"
#include "rpc/proto.h"
#include "rpc/remote_domain_tune.h"

/* ---- a command to QEMU for a call ---- */

static void on_done(json_t *result, const Err *err, void *userdata) {
        call_finish(userdata, err);
}

static int find_running(Manager *manager, const remote_domain *dom, Vm **ret, Err *err) {
        int r = rpc_find_vm(manager, dom, ret, err);

        if (r == 0)
                r = vm_check_active(*ret, true, err);
        if (r == 0 && (!(*ret)->qmp || !qmp_is_ready((*ret)->qmp)))
                r = fail(err, VIR_ERR_OPERATION_INVALID, "QEMU of guest '%s' is not ready yet",
                         vm_name(*ret));
        return r;
}

/* ---- keys ---- */

static int send_key(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_send_key_args *args = data;
        json_t *keys, *arguments;
        Vm *vm = NULL;
        int r = find_running(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainSendKey", err);
        if (r < 0)
                return r;
        keys = json_array();
        for (u_int i = 0; r == 0 && i < args->keycodes.keycodes_len; i++) {
                unsigned number = 0;

                r = keycode_to_qnum(args->codeset, args->keycodes.keycodes_val[i], &number, err);
                json_array_append_new(
                        keys, json_pack("{s:s, s:i}", "type", "number", "data", (int)number));
        }
        arguments = json_pack("{s:o}", "keys", keys);
        if (r < 0) {
                json_decref(arguments);
                return r;
        }
        if (args->holdtime > 0)
                json_object_set_new(arguments, "hold-time", json_integer(args->holdtime));
        qmp_send(vm->qmp, "send-key", arguments, on_done, call_ref(call));
        return CALL_LATER;
}

/* ---- screenshots ---- */

/* QEMU writes the picture into the guest's run directory; it goes to the client from there. */
typedef struct Shot {
        Call *call;
        Vm *vm;
        char *path;
        unsigned screen;
        bool is_ppm; /* QEMU was built without PNG */
} Shot;

static void ask_for_shot(Shot *shot);

static void shot_free(Shot *shot) {
        vm_unref(shot->vm);
        g_free(shot->path);
        g_free(shot);
}

static int send_shot(Shot *shot, Err *err) {
        FileStream file = {.path = shot->path, .is_unlinked = true};
        remote_domain_screenshot_ret *ret = call_ret(shot->call);
        int r = file_stream_open(shot->call, &file, NULL, NULL, err);

        if (r < 0)
                return r;
        ret->mime = g_new0(char *, 1);
        *ret->mime = rpc_text(shot->is_ppm ? "image/x-portable-pixmap" : "image/png");
        return 0;
}

static void on_shot(json_t *result, const Err *err, void *userdata) {
        Shot *shot = userdata;
        g_auto(Err) failure = ERR_INIT;

        if (err && !shot->is_ppm && shot->vm->qmp && strstr(err->message, "png")) {
                shot->is_ppm = true;
                ask_for_shot(shot);
                return;
        }
        if (!err && send_shot(shot, &failure) < 0)
                err = &failure;
        if (err)
                unlink(shot->path); /* else who reads it does that */
        call_finish(shot->call, err);
        shot_free(shot);
}

static void ask_for_shot(Shot *shot) {
        const GPtrArray *videos = shot->vm->live->devices.list[DOMAIN_VIDEO];
        const DomainDevice *video =
                shot->screen < videos->len ? g_ptr_array_index(videos, shot->screen) : NULL;
        json_t *arguments = json_pack("{s:s, s:s}", "filename", shot->path, "format",
                                      shot->is_ppm ? "ppm" : "png");

        if (video && video->alias.name)
                json_object_set_new(arguments, "device", json_string(video->alias.name));
        qmp_send(shot->vm->qmp, "screendump", arguments, on_shot, shot);
}

static int screenshot(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        static unsigned counter;
        const remote_domain_screenshot_args *args = data;
        g_autofree char *file = g_strdup_printf("screen-%u", counter++);
        Shot *shot;
        Vm *vm = NULL;
        int r = find_running(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, 0, "virDomainScreenshot", err);
        if (r < 0)
                return r;
        if (args->screen >= vm->live->devices.list[DOMAIN_VIDEO]->len)
                return fail(err, VIR_ERR_OPERATION_INVALID, "no such screen ID: guest '%s' has %u",
                            vm_name(vm), vm->live->devices.list[DOMAIN_VIDEO]->len);
        shot = g_new0(Shot, 1);
        *shot = (Shot){.call = call_ref(call),
                       .vm = vm_ref(vm),
                       .path = store_run_path(&manager->paths, vm_name(vm), file),
                       .screen = args->screen};
        ask_for_shot(shot);
        return CALL_LATER;
}

/* ---- the display itself ---- */

enum { GRAPHICS_SKIP_AUTH = 1 };

/* What QEMU calls the display in its command add_client; NULL for one that cannot be joined so. */
static const char *const protocols[_GRAPHICS_MAX] = {
        [GRAPHICS_VNC] = "vnc",
        [GRAPHICS_SPICE] = "spice",
};

static int find_protocol(const Vm *vm, unsigned index, const char **ret, Err *err) {
        const GPtrArray *list = vm->live->devices.list[DOMAIN_GRAPHICS];
        const DomainGraphics *graphics;

        if (index >= list->len)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "No graphics backend with index %u",
                            index);
        graphics = g_ptr_array_index(list, index);
        *ret = protocols[graphics->type];
        if (!*ret)
                return fail(err, VIR_ERR_INTERNAL_ERROR,
                            "Can only open VNC or SPICE graphics backends: graphics %u is another "
                            "one",
                            index);
        return 0;
}

/* Commands are done in their order: one that fails leaves its word to the last. */
static void add_client(Vm *vm, Call *call, const char *protocol, int fd, unsigned flags) {
        static const char name[] = "graphics";

        qmp_send_fd(vm->qmp, "getfd", json_pack("{s:s}", "fdname", name), fd, NULL, NULL);
        qmp_send(vm->qmp, "add_client",
                 json_pack("{s:s, s:s, s:b}", "protocol", protocol, "fdname", name, "skipauth",
                           (flags & GRAPHICS_SKIP_AUTH) != 0),
                 on_done, call_ref(call));
}

/* The client keeps one end of a connection and has sent the other. */
static int open_graphics(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_open_graphics_args *args = data;
        _cleanup_(closep) int fd = client_take_fd(call_client(call));
        const char *protocol = NULL;
        Vm *vm = NULL;
        int r = find_running(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, GRAPHICS_SKIP_AUTH, "virDomainOpenGraphics", err);
        if (r == 0)
                r = find_protocol(vm, args->idx, &protocol, err);
        if (r < 0)
                return r;
        if (fd < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "no file descriptor came with the call");
        add_client(vm, call, protocol, fd, args->flags);
        return CALL_LATER;
}

static int open_graphics_fd(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_domain_open_graphics_fd_args *args = data;
        const char *protocol = NULL;
        int pair[2];
        Vm *vm = NULL;
        int r = find_running(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, GRAPHICS_SKIP_AUTH, "virDomainOpenGraphicsFD", err);
        if (r == 0)
                r = find_protocol(vm, args->idx, &protocol, err);
        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return fail_errno(err, neg_errno(), "cannot make a connection to the display");
        r = call_add_reply_fd(call, pair[0], err);
        if (r == 0)
                add_client(vm, call, protocol, pair[1], args->flags);
        close(pair[0]);
        close(pair[1]);
        return r < 0 ? r : CALL_LATER;
}

/* ---- labels ---- */

/* No security model: an empty label, which counts its NUL on the wire. */
static int security_label(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_get_security_label_args *args = data;
        remote_domain_get_security_label_ret *ret = result;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r < 0)
                return r;
        ret->label.label_len = 1;
        ret->label.label_val = rpc_text("");
        return 0;
}

static int security_label_list(Manager *manager, Call *call, const void *data, void *result,
                               Err *err) {
        const remote_domain_get_security_label_list_args *args = data;
        Vm *vm = NULL;

        return rpc_find_vm(manager, &args->dom, &vm, err);
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        DOES(DOMAIN_SEND_KEY, "virDomainSendKey", remote_domain_send_key, send_key),
        GIVES(DOMAIN_SCREENSHOT, "virDomainScreenshot", remote_domain_screenshot, screenshot),
        DOES(DOMAIN_OPEN_GRAPHICS, "virDomainOpenGraphics", remote_domain_open_graphics,
             open_graphics),
        DOES(DOMAIN_OPEN_GRAPHICS_FD, "virDomainOpenGraphicsFD", remote_domain_open_graphics_fd,
             open_graphics_fd),
        READS(DOMAIN_GET_SECURITY_LABEL, "virDomainGetSecurityLabel",
              remote_domain_get_security_label, security_label),
        READS(DOMAIN_GET_SECURITY_LABEL_LIST, "virDomainGetSecurityLabelList",
              remote_domain_get_security_label_list, security_label_list),
};

const ProcedureTable rpc_domain_screen_table = {REMOTE_PROGRAM, procedures,
                                                G_N_ELEMENTS(procedures)};
