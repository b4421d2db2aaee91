/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/stream.h"
#include "daemon/vm-tune.h"
#include "domain/device.h"
#include "handover/handover.h"
#include "rpc/proto.h"
#include "rpc/remote_domain.h"
#include "rpc/remote_nodedev.h"

enum { AFFECT_LIVE = 1, AFFECT_CONFIG = 2 };
enum { CONSOLE_FORCE = 1, CONSOLE_SAFE = 2 };

/* ---- attach and detach ---- */

typedef int (*DeviceFunc)(Vm *vm, const char *xml, const VmDeviceChange *change, Call *call,
                          Err *err);

typedef struct DeviceCall {
        const remote_domain *dom;
        const char *xml;
        unsigned flags;
} DeviceCall;

static int change_device(Manager *manager, Call *call, const DeviceCall *what, DeviceFunc func,
                         Err *err) {
        VmDeviceChange change = {
                .live = what->flags & AFFECT_LIVE,
                .config = what->flags & AFFECT_CONFIG,
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, what->dom, &vm, err);

        return r < 0 ? r : func(vm, what->xml, &change, call, err);
}

/* The calls without flags are for a running guest. */
static int attach(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_attach_device_args *args = data;
        DeviceCall what = {&args->dom, args->xml, AFFECT_LIVE};

        return change_device(manager, call, &what, vm_attach_device, err);
}

static int attach_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_attach_device_flags_args *args = data;
        DeviceCall what = {&args->dom, args->xml, args->flags};
        int r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virDomainAttachDeviceFlags",
                            err);

        return r < 0 ? r : change_device(manager, call, &what, vm_attach_device, err);
}

static int detach(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_detach_device_args *args = data;
        DeviceCall what = {&args->dom, args->xml, AFFECT_LIVE};

        return change_device(manager, call, &what, vm_detach_device, err);
}

static int detach_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_detach_device_flags_args *args = data;
        DeviceCall what = {&args->dom, args->xml, args->flags};
        int r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG, "virDomainDetachDeviceFlags",
                            err);

        return r < 0 ? r : change_device(manager, call, &what, vm_detach_device, err);
}

static int detach_alias(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_detach_device_alias_args *args = data;
        g_autofree char *xml = NULL;
        const DomainDevice *device;
        DeviceCall what;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG,
                                "virDomainDetachDeviceAlias", err);
        if (r < 0)
                return r;
        device = domain_def_find_alias(vm_def(vm, args->flags == AFFECT_CONFIG), args->alias);
        if (!device)
                return fail(err, VIR_ERR_DEVICE_MISSING, "no device found with alias %.200s",
                            args->alias);
        xml = domain_device_format(device, DOMAIN_FORMAT_SECURE);
        what = (DeviceCall){&args->dom, xml, args->flags};
        return change_device(manager, call, &what, vm_detach_device, err);
}

/* ---- update ---- */

enum { UPDATE_FORCE = 4 };

static int update_flags(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_update_device_flags_args *args = data;
        VmTune change = {
                .kind = &vm_tune_device,
                .live = args->flags & AFFECT_LIVE,
                .config = args->flags & AFFECT_CONFIG,
                .text = args->xml,
                .index = args->flags & UPDATE_FORCE ? 1 : 0,
        };
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, AFFECT_LIVE | AFFECT_CONFIG | UPDATE_FORCE,
                                "virDomainUpdateDeviceFlags", err);
        return r < 0 ? r : vm_tune(vm, &change, call, err);
}

/* ---- console ---- */

/* NULL: the first console, or else the first serial port. */
static const DomainChar *find_char(const DomainDef *def, const char *alias) {
        static const DomainDeviceKind kinds[] = {DOMAIN_CONSOLE, DOMAIN_SERIAL, DOMAIN_PARALLEL,
                                                 DOMAIN_CHANNEL};
        size_t n = alias ? G_N_ELEMENTS(kinds) : 2;

        for (size_t i = 0; i < n; i++)
                DOMAIN_FOREACH(DomainChar, chr, def, kinds[i])
                        if (!alias || g_strcmp0(chr->base.alias.name, alias) == 0)
                                return chr;
        return NULL;
}

typedef struct ConsoleUse {
        Vm *vm;
        char *path;
} ConsoleUse;

static void on_console_ended(void *userdata) {
        ConsoleUse *use = userdata;

        g_hash_table_remove(use->vm->consoles, use->path);
        vm_unref(use->vm);
        g_free(use->path);
        g_free(use);
}

/* what: "console session", as clients know it. */
static int make_room(Vm *vm, const char *path, const char *what, unsigned flags, Err *err) {
        g_auto(Err) displaced = ERR_INIT;
        Stream *stream = g_hash_table_lookup(vm->consoles, path);

        if (!stream)
                return 0;
        if (!(flags & CONSOLE_FORCE))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "Active %s exists for this domain", what),
                                 "--force takes it over");
        fail(&displaced, VIR_ERR_OPERATION_ABORTED, "another client took the %s over", what);
        stream_fail(stream, &displaced);
        return 0;
}

/* Opens the stream of what has this path, and notes who has it. */
static int keep_stream_consume(Vm *vm, Call *call, const char *path, int fd, Err *err) {
        ConsoleUse *use = g_new0(ConsoleUse, 1);
        Stream *stream;
        int r;

        use->vm = vm_ref(vm);
        use->path = g_strdup(path);
        r = stream_open_consume(call, fd, on_console_ended, use, &stream, err);
        if (r < 0)
                on_console_ended(use);
        else
                g_hash_table_insert(vm->consoles, g_strdup(path), stream);
        return r;
}

static int open_stream(Vm *vm, Call *call, const char *path, Err *err) {
        int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot open the console '%s'", path);
        return keep_stream_consume(vm, call, path, fd, err);
}

static int open_console(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_open_console_args *args = data;
        const char *alias = args->dev_name ? *args->dev_name : NULL;
        const DomainChar *chr;
        Vm *vm = NULL;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, CONSOLE_FORCE | CONSOLE_SAFE, "virDomainOpenConsole",
                                err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        chr = find_char(vm->live, alias);
        if (!chr)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "cannot find console device '%.200s'",
                            alias ? alias : "default");
        if (chr->type != CHAR_TYPE_PTY || !chr->source.path)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "character device %s is not using a PTY",
                            chr->base.alias.name);
        r = make_room(vm, chr->source.path, "console session", args->flags, err);
        return r < 0 ? r : open_stream(vm, call, chr->source.path, err);
}

/* ---- channels ---- */

enum { CHANNEL_FORCE = 1 };

/* By alias or by its name in the guest; NULL: the first. */
static const DomainChar *find_channel(const DomainDef *def, const char *name) {
        DOMAIN_FOREACH(DomainChar, chr, def, DOMAIN_CHANNEL)
                if (!name || g_strcmp0(chr->base.alias.name, name) == 0 ||
                    g_strcmp0(chr->target.name, name) == 0)
                        return chr;
        return NULL;
}

static int connect_channel(const char *path, int *ret, Err *err) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(closep) int dir = -1, fd = -1;
        g_autofree char *parent = g_path_get_dirname(path), *name = g_path_get_basename(path);
        int r;

        /* The path may be longer than a socket's address: it goes through the directory. */
        dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
        if (dir < 0 || fd < 0 ||
            connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
                r = neg_errno();
                return fail_errno(err, r, "cannot connect to the channel '%s'", path);
        }
        *ret = steal_fd(&fd);
        return 0;
}

/* QEMU takes one connection to a channel and has a short queue for others: while that is full, the
 * next try comes later. */
#define CHANNEL_RETRY_USEC UINT64_C(50000)
#define CHANNEL_TRIES_MAX  40u

typedef struct ChannelOpen {
        Call *call;
        Vm *vm;
        char *path;
        unsigned tries;
        sd_event_source *timer;
} ChannelOpen;

static int try_channel(Vm *vm, Call *call, const char *path, Err *err) {
        int fd = -1, r = connect_channel(path, &fd, err);

        return r < 0 ? r : keep_stream_consume(vm, call, path, fd, err);
}

static int on_channel_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        ChannelOpen *open = userdata;
        g_auto(Err) err = ERR_INIT;

        if (try_channel(open->vm, open->call, open->path, &err) == -EAGAIN &&
            ++open->tries < CHANNEL_TRIES_MAX) {
                sd_event_source_set_time_relative(source, CHANNEL_RETRY_USEC);
                sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                return 0;
        }
        call_finish(open->call, &err);
        sd_event_source_disable_unref(open->timer);
        vm_unref(open->vm);
        g_free(open->path);
        g_free(open);
        return 0;
}

static int try_channel_later(Vm *vm, Call *call, const char *path) {
        ChannelOpen *open = g_new0(ChannelOpen, 1);

        *open = (ChannelOpen){.call = call_ref(call), .vm = vm_ref(vm), .path = g_strdup(path)};
        sd_event_add_time_relative(vm->manager->event, &open->timer, CLOCK_MONOTONIC,
                                   CHANNEL_RETRY_USEC, 0, on_channel_retry, open);
        return CALL_LATER;
}

static int open_channel(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_domain_open_channel_args *args = data;
        const char *name = args->name ? *args->name : NULL;
        const DomainChar *chr;
        Vm *vm = NULL;
        g_auto(Err) busy = ERR_INIT;
        int r = rpc_find_vm(manager, &args->dom, &vm, err);

        if (r == 0)
                r = flags_check(args->flags, CHANNEL_FORCE, "virDomainOpenChannel", err);
        if (r == 0)
                r = vm_check_active(vm, true, err);
        if (r < 0)
                return r;
        chr = find_channel(vm->live, name);
        if (!chr)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "cannot find channel %.200s",
                            name ? name : "default");
        if (chr->type != CHAR_TYPE_UNIX || !chr->source.path)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "channel %s is not using a UNIX socket",
                            chr->base.alias.name);
        r = make_room(vm, chr->source.path, "channel stream",
                      args->flags & CHANNEL_FORCE ? CONSOLE_FORCE : 0, err);
        if (r < 0)
                return r;
        r = try_channel(vm, call, chr->source.path, &busy);
        if (r == -EAGAIN)
                return try_channel_later(vm, call, chr->source.path);
        if (r < 0)
                err_move(err, &busy);
        return r;
}

/* ---- the host's side: nodedev-detach, -reattach, -reset ---- */

static void on_plan_done(Plan *plan, const Err *err, void *userdata) {
        plan_free(plan);
        call_finish(userdata, err_is_set(err) ? err : NULL);
}

int rpc_run_plan_consume(Call *call, Plan *plan, Err *err) {
        int r = plan_run(plan, on_plan_done, call_ref(call), err);

        if (r == 0)
                return CALL_LATER;
        call_unref(call);
        plan_free(plan);
        return r;
}

static int find_function(Manager *manager, const char *name, PciAddr *ret, Err *err) {
        if (pci_addr_parse_name(name, ret) == 0 && pci_tree_find(manager->tree, *ret))
                return 0;
        return fail(err, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%.200s'",
                    name);
}

typedef int (*HostPlanFunc)(Handover *h, Plan *plan, PciAddr addr, Err *err);

static int detach_plan(Handover *h, Plan *plan, PciAddr addr, Err *err) {
        HandoverRequest request = {.managed = true, .addrs = &addr, .n = 1};

        return handover_plan_detach_host(h, plan, &request, err);
}

static int host_plan(Manager *manager, Call *call, const char *name, HostPlanFunc func, Err *err) {
        g_autoptr(Plan) plan = NULL;
        PciAddr addr;
        int r = find_function(manager, name, &addr, err);

        if (r < 0)
                return r;
        plan = handover_plan_new(manager->handover, name, NULL, NULL);
        r = func(manager->handover, plan, addr, err);
        if (r < 0)
                return r;
        return rpc_run_plan_consume(call, g_steal_pointer(&plan), err);
}

static int nodedev_detach(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_node_device_dettach_args *args = data;

        return host_plan(manager, call, args->name, detach_plan, err);
}

static int nodedev_detach_flags(Manager *manager, Call *call, const void *data, void *result,
                                Err *err) {
        const remote_node_device_detach_flags_args *args = data;
        const char *driver = args->driverName ? *args->driverName : "vfio";
        int r = flags_check(args->flags, 0, "virNodeDeviceDetachFlags", err);

        if (r < 0)
                return r;
        if (strcmp(driver, "vfio") != 0 && strcmp(driver, "vfio-pci") != 0)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "PCI devices are assigned by the driver vfio-pci, not '%.200s'",
                             driver),
                        "leave the driver out, or name it vfio");
        return host_plan(manager, call, args->name, detach_plan, err);
}

static int nodedev_reattach(Manager *manager, Call *call, const void *data, void *result,
                            Err *err) {
        const remote_node_device_re_attach_args *args = data;

        return host_plan(manager, call, args->name, handover_plan_reattach, err);
}

static int nodedev_reset(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const remote_node_device_reset_args *args = data;

        return host_plan(manager, call, args->name, handover_plan_reset, err);
}

/* ---- the table ---- */

static const Procedure procedures[] = {
        DOES(DOMAIN_ATTACH_DEVICE, "virDomainAttachDevice", remote_domain_attach_device, attach),
        DOES(DOMAIN_ATTACH_DEVICE_FLAGS, "virDomainAttachDeviceFlags",
             remote_domain_attach_device_flags, attach_flags),
        DOES(DOMAIN_DETACH_DEVICE, "virDomainDetachDevice", remote_domain_detach_device, detach),
        DOES(DOMAIN_DETACH_DEVICE_FLAGS, "virDomainDetachDeviceFlags",
             remote_domain_detach_device_flags, detach_flags),
        DOES(DOMAIN_DETACH_DEVICE_ALIAS, "virDomainDetachDeviceAlias",
             remote_domain_detach_device_alias, detach_alias),
        DOES(DOMAIN_UPDATE_DEVICE_FLAGS, "virDomainUpdateDeviceFlags",
             remote_domain_update_device_flags, update_flags),
        DOES(DOMAIN_OPEN_CONSOLE, "virDomainOpenConsole", remote_domain_open_console, open_console),
        DOES(DOMAIN_OPEN_CHANNEL, "virDomainOpenChannel", remote_domain_open_channel, open_channel),
        DOES(NODE_DEVICE_DETTACH, "virNodeDeviceDettach", remote_node_device_dettach,
             nodedev_detach),
        DOES(NODE_DEVICE_DETACH_FLAGS, "virNodeDeviceDetachFlags", remote_node_device_detach_flags,
             nodedev_detach_flags),
        DOES(NODE_DEVICE_RE_ATTACH, "virNodeDeviceReAttach", remote_node_device_re_attach,
             nodedev_reattach),
        DOES(NODE_DEVICE_RESET, "virNodeDeviceReset", remote_node_device_reset, nodedev_reset),
};

const ProcedureTable rpc_domain_device_table = {REMOTE_PROGRAM, procedures,
                                                G_N_ELEMENTS(procedures)};
