/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/call.h"
#include "daemon/dispatch.h"
#include "daemon/emulator.h"
#include "daemon/network.h"
#include "daemon/pool.h"
#include "daemon/rpc-domain.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-machine.h"
#include "daemon/vm-tpm.h"
#include "handover/handover.h"
#include "rpc/airlock.h"

/* What would become of a definition if it were stored now: refused as storing would refuse it, or
 * its stored form with what is to be said about it. Nothing is changed (docs/protocol.md). */

#define LIBVIRT_STATE "/var/lib/libvirt/"

static int reply(airlock_json_ret *ret, json_t *json) {
        ret->json = json_dumps(json, JSON_COMPACT);
        json_decref(json);
        if (!ret->json) /* a text that is no UTF-8 */
                ret->json = rpc_text("null");
        return 0;
}

static json_t *texts(const GPtrArray *list) {
        json_t *array = json_array();

        for (guint i = 0; i < list->len; i++)
                json_array_append_new(array, json_string(list->pdata[i]));
        return array;
}

/* What the answers of all kinds have in common. */
typedef struct Found {
        const char *kind, *name;
        const uint8_t *uuid;
        const char *xml;    /* as it would be stored */
        const char *stored; /* what is stored under that name now; NULL: nothing */
        bool is_active, autostart;
        const GPtrArray *warnings; /* char * */
} Found;

static json_t *describe(const Found *found) {
        const char *state = !found->stored                           ? "new"
                            : g_str_equal(found->stored, found->xml) ? "same"
                                                                     : "different";
        char uuid[DOMAIN_UUID_TEXT_MAX];

        return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:s}", "kind", found->kind, "name",
                         found->name, "uuid", domain_uuid_format(found->uuid, uuid), "state", state,
                         "active", found->is_active, "autostart", found->autostart, "warnings",
                         texts(found->warnings), "xml", found->xml);
}

/* A name or UUID that somebody else has. */
static int add_way_out(int r, Err *err) {
        if (r < 0 && err && err->code == VIR_ERR_OPERATION_FAILED && !err->hint)
                fail_hint(err, r, "rename or undefine one of the two");
        return r;
}

/* ---- guests ---- */

/* libvirt's daemon owns what lies below its own directory; a guest of ours writes to a copy.
 * *ret_from is where its variables were; NULL: they stay where they are. */
static void move_nvram(const Manager *manager, DomainDef *def, char **ret_from) {
        g_autofree char *dir = vm_nvram_dir(&manager->paths);
        char *path = def->os.nvram.path;

        if (!path || !g_str_has_prefix(path, LIBVIRT_STATE))
                return;
        def->os.nvram.path = g_strdup_printf("%s/%s_VARS.%s", dir, def->name,
                                             def->os.nvram.format == FLASH_QCOW2 ? "qcow2" : "fd");
        if (def->os.nvram.file) {
                g_free(def->os.nvram.file);
                def->os.nvram.file = g_strdup(def->os.nvram.path);
        }
        *ret_from = path;
}

static json_t *describe_function(Manager *manager, PciAddr addr) {
        const PciDevice *device = pci_tree_find(manager->tree, addr);
        const char *vendor = device ? pci_names_vendor(manager->names, device->vendor) : NULL;
        const char *product =
                device ? pci_names_product(manager->names, device->vendor, device->device) : NULL;

        return json_pack("{s:s, s:b, s:s?, s:s?}", "address", PCI_ADDR_TEXT(addr), "present",
                         device != NULL, "vendor", vendor, "product", product);
}

static json_t *describe_functions(Manager *manager, const DomainDef *def) {
        g_autoptr(GArray) addrs = vm_functions(def);
        json_t *list = json_array();

        for (guint i = 0; i < addrs->len; i++)
                json_array_append_new(list,
                                      describe_function(manager, g_array_index(addrs, PciAddr, i)));
        return list;
}

static json_t *describe_guest(Manager *manager, const DomainDef *def, const Vm *same,
                              const char *nvram_from) {
        const unsigned form = DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE;
        g_autofree char *xml = domain_def_format(def, form);
        g_autofree char *stored =
                same && same->persistent ? domain_def_format(same->config, form) : NULL;
        g_autofree char *tpm = vm_tpm_dir(manager, def);
        json_t *json = describe(&(Found){
                .kind = "guest",
                .name = def->name,
                .uuid = def->uuid,
                .xml = xml,
                .stored = stored,
                .is_active = same && vm_is_active(same),
                .autostart = same && same->autostart,
                .warnings = def->warnings,
        });

        json_object_set_new(
                json, "nvram",
                nvram_from ? json_pack("{s:s, s:s}", "from", nvram_from, "to", def->os.nvram.path)
                           : json_null());
        json_object_set_new(json, "tpm", tpm ? json_string(tpm) : json_null());
        json_object_set_new(json, "functions", describe_functions(manager, def));
        return json;
}

static int check_guest_now(Manager *manager, Call *call, const char *xml, unsigned flags,
                           Err *err) {
        g_autoptr(DomainDef) def = NULL;
        g_autofree char *nvram_from = NULL;
        Vm *same = NULL;
        int r = rpc_parse_config(manager, xml, false, &def, err);

        if (r == 0)
                r = add_way_out(rpc_find_same(manager, def, &same, err), err);
        if (r < 0)
                return r;
        if (flags & AIRLOCK_CHECK_OWN_STATE)
                move_nvram(manager, def, &nvram_from);
        return reply(call_ret(call), describe_guest(manager, def, same, nvram_from));
}

static int check_guest(Manager *manager, Call *call, const airlock_check_args *args, Err *err) {
        g_autofree char *emulator = emulator_of_xml(args->xml);

        return emulators_call(
                manager, call, emulator,
                &(EmulatorCall){.run = check_guest_now, .text = args->xml, .flags = args->flags},
                err);
}

/* ---- networks and pools ---- */

static int check_network(Manager *manager, Call *call, const airlock_check_args *args, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(NetworkDef) def = NULL;
        g_autofree char *xml = NULL, *stored = NULL;
        Network *same = NULL;
        int r = add_way_out(network_try_define(manager, args->xml, warnings, &def, &same, err),
                            err);

        if (r < 0)
                return r;
        xml = network_def_format(def);
        stored = same && same->is_persistent ? network_def_format(same->config) : NULL;
        return reply(call_ret(call), describe(&(Found){
                                             .kind = "network",
                                             .name = def->name,
                                             .uuid = def->uuid,
                                             .xml = xml,
                                             .stored = stored,
                                             .is_active = same && same->live,
                                             .autostart = same && same->autostart,
                                             .warnings = warnings,
                                     }));
}

static int check_pool(Manager *manager, Call *call, const airlock_check_args *args, Err *err) {
        g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(PoolDef) def = NULL;
        g_autofree char *xml = NULL, *stored = NULL;
        Pool *same = NULL;
        int r = add_way_out(pool_try_define(manager, args->xml, warnings, &def, &same, err), err);

        if (r < 0)
                return r;
        xml = pool_def_format(def, true);
        stored = same && same->is_persistent ? pool_def_format(pool_next_def(same), true) : NULL;
        return reply(call_ret(call), describe(&(Found){
                                             .kind = "pool",
                                             .name = def->name,
                                             .uuid = def->uuid,
                                             .xml = xml,
                                             .stored = stored,
                                             .is_active = same && same->is_active,
                                             .autostart = same && same->autostart,
                                             .warnings = warnings,
                                     }));
}

/* ---- the table ---- */

static const struct CheckKind {
        const char *name;
        int (*run)(Manager *manager, Call *call, const airlock_check_args *args, Err *err);
} kinds[] = {
        {"guest", check_guest},
        {"network", check_network},
        {"pool", check_pool},
};

static int check(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const airlock_check_args *args = data;
        int r = flags_check(args->flags, AIRLOCK_CHECK_OWN_STATE, "airlock check", err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (strcmp(kinds[i].name, args->kind) == 0)
                        return kinds[i].run(manager, call, args, err);
        return fail(err, VIR_ERR_INVALID_ARG, "there are no definitions of kind '%.80s'",
                    args->kind);
}

static const Procedure procedures[] = {
        {.number = AIRLOCK_PROC_CHECK,
         .name = "airlock check",
         PROC_ARGS(airlock_check_args),
         PROC_RET(airlock_json_ret),
         .run = check},
};

const ProcedureTable rpc_check_table = {AIRLOCK_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
