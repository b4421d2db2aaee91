/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/net-function.h"

#include <errno.h>

#include "base/sys.h"
#include "base/util.h"
#include "daemon/errand.h"
#include "daemon/link.h"

#define NO_MAC "00:00:00:00:00:00"

typedef struct FunctionStep {
        Manager *manager;
        PciAddr addr;
        char *parent, *mac; /* network device of the physical function */
        LinkFunction function;
} FunctionStep;

/* ---- where it is: Documentation/PCI/pci-iov-howto.rst ---- */

static int find_number(const Manager *manager, const char *path, PciAddr addr, unsigned *ret) {
        g_auto(GStrv) names = NULL;
        int r = sys_list(manager->sys, path, &names);

        if (r < 0)
                return r;
        for (char **name = names; *name; name++) {
                g_autofree char *link = g_strdup_printf("%s/%s", path, *name);
                g_autofree char *target = NULL;
                uint64_t number;

                if (!g_str_has_prefix(*name, "virtfn") ||
                    str_to_uint(*name + strlen("virtfn"), 10, UINT16_MAX, &number) < 0 ||
                    sys_readlink_name(manager->sys, link, &target) < 0 ||
                    !g_str_equal(target, PCI_ADDR_TEXT(addr)))
                        continue;
                *ret = (unsigned)number;
                return 0;
        }
        return -ENOENT;
}

static int find_parent(const Manager *manager, PciAddr addr, char **ret, unsigned *ret_number,
                       Err *err) {
        g_autofree char *path =
                g_strdup_printf("sys/bus/pci/devices/%s/physfn", PCI_ADDR_TEXT(addr));
        g_autofree char *net = g_strdup_printf("%s/net", path);
        g_auto(GStrv) names = NULL;

        if (!sys_exists(manager->sys, path) || find_number(manager, path, addr, ret_number) < 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "PCI device %s is no SR-IOV virtual function, which an "
                                      "interface of type 'hostdev' has to be",
                                      PCI_ADDR_TEXT(addr)),
                                 "assign it with <hostdev>");
        if (sys_list(manager->sys, net, &names) < 0 || !names[0])
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "the physical function of PCI device %s has no network device on the "
                            "host that could be told its MAC address",
                            PCI_ADDR_TEXT(addr));
        *ret = g_strdup(names[0]);
        return 0;
}

/* ---- as a step: the card's driver may take its time ---- */

static int set_function(int out, void *data) {
        const FunctionStep *set = data;

        return link_set_function(set->parent, &set->function, NULL);
}

static int clear_function(int out, void *data) {
        const FunctionStep *set = data;
        const LinkFunction none = {.number = set->function.number, .mac = NO_MAC};

        return link_set_function(set->parent, &none, NULL);
}

static void on_set(int r, const char *output, size_t size, void *userdata) {
        Step *step = userdata;
        const FunctionStep *set = step_data(step);
        g_auto(Err) err = ERR_INIT;

        if (r < 0)
                fail_errno(&err, r, "cannot give the MAC address %s to virtual function %u of '%s'",
                           set->mac, set->function.number, set->parent);
        step_finish(step, r, r < 0 ? &err : NULL);
}

static int run_step(Step *step, Err *err) {
        FunctionStep *set = step_data(step);
        int r = errand_run(
                set->manager->event,
                &(ErrandSpec){.func = set_function, .data = set, .done = on_set, .userdata = step},
                NULL, err);

        return r < 0 ? r : STEP_PENDING;
}

static int undo_step(Step *step, Err *err) {
        FunctionStep *set = step_data(step);
        int r = errand_run(
                set->manager->event,
                &(ErrandSpec){
                        .func = clear_function, .data = set, .done = on_set, .userdata = step},
                NULL, err);

        return r < 0 ? r : STEP_PENDING;
}

static char *describe_step(const Step *step, bool undo) {
        const FunctionStep *set = step_data(step);

        return undo ? g_strdup_printf("forget the MAC address of virtual function %u of %s",
                                      set->function.number, set->parent)
                    : g_strdup_printf("give MAC address %s to virtual function %u of %s", set->mac,
                                      set->function.number, set->parent);
}

static void function_step_free(void *data) {
        FunctionStep *set = data;

        g_free(set->parent);
        g_free(set->mac);
        g_free(set);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FunctionStep, function_step_free)

static const StepKind set_kind = {
        .name = "set-function",
        .run = run_step,
        .undo = undo_step,
        .describe = describe_step,
        .free = function_step_free,
};

static unsigned vlan_of(const DomainInterface *net) {
        return net->vlan.tags && net->vlan.tags->len > 0
                       ? (unsigned)((const DomainVlanTag *)net->vlan.tags->pdata[0])->id.value
                       : 0;
}

static int make_step(Manager *manager, const DomainInterface *net, FunctionStep **ret, Err *err) {
        g_autoptr(FunctionStep) set = g_new0(FunctionStep, 1);
        int r;

        set->manager = manager;
        set->addr = domain_interface_function(net);
        set->mac = g_strdup(net->mac.address);
        set->function = (LinkFunction){.mac = set->mac, .vlan = vlan_of(net)};
        r = find_parent(manager, set->addr, &set->parent, &set->function.number, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&set);
        return 0;
}

int net_function_add_step(Manager *manager, Plan *plan, const DomainInterface *net, Err *err) {
        FunctionStep *set;
        int r = make_step(manager, net, &set, err);

        if (r == 0)
                plan_add(plan, &set_kind, &set->addr, set);
        return r;
}

static void on_released(int r, const char *output, size_t size, void *userdata) {
        /* A card that went away keeps nothing. */
}

void net_function_release(Manager *manager, const DomainInterface *net) {
        g_autoptr(FunctionStep) set = NULL;

        if (make_step(manager, net, &set, NULL) == 0)
                errand_run(manager->event,
                           &(ErrandSpec){.func = clear_function,
                                         .data = set,
                                         .done = on_released,
                                         .userdata = NULL},
                           NULL, NULL);
}
