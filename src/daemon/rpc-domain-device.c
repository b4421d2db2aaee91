/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/rpc-domain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/stream.h"
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

/* ---- console ---- */

/* NULL: the first console, or else the first serial port. */
static const DomainChar *find_char(const DomainDef *def, const char *alias) {
        static const DomainDeviceKind kinds[] = {DOMAIN_CONSOLE, DOMAIN_SERIAL};

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
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

static int make_room(Vm *vm, const char *path, unsigned flags, Err *err) {
        g_auto(Err) displaced = ERR_INIT;
        Stream *stream = g_hash_table_lookup(vm->consoles, path);

        if (!stream)
                return 0;
        if (!(flags & CONSOLE_FORCE))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "Active console session exists for this domain"),
                                 "--force takes it over");
        fail(&displaced, VIR_ERR_OPERATION_ABORTED, "another client took the console over");
        stream_fail(stream, &displaced);
        return 0;
}

static int open_stream(Vm *vm, Call *call, const char *path, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        ConsoleUse *use;
        Stream *stream;
        int r;

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot open the console '%s'", path);
        use = g_new0(ConsoleUse, 1);
        use->vm = vm_ref(vm);
        use->path = g_strdup(path);
        r = stream_open_consume(call, steal_fd(&fd), on_console_ended, use, &stream, err);
        if (r < 0)
                on_console_ended(use);
        else
                g_hash_table_insert(vm->consoles, g_strdup(path), stream);
        return r;
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
        r = make_room(vm, chr->source.path, args->flags, err);
        return r < 0 ? r : open_stream(vm, call, chr->source.path, err);
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
        DOES(DOMAIN_OPEN_CONSOLE, "virDomainOpenConsole", remote_domain_open_console, open_console),
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
