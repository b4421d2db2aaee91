/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/call.h"
#include "daemon/checkup.h"
#include "daemon/dispatch.h"
#include "daemon/rpc-domain.h"
#include "daemon/vm-hostdev.h"
#include "handover/handover.h"
#include "rpc/airlock.h"

/* Airlock's own program: the ledger, verdicts, plans and the doctor, as JSON (docs/protocol.md). */

/* ---- what is common ---- */

static int reply_json(airlock_json_ret *ret, json_t *json) {
        char *text = json_dumps(json, JSON_COMPACT);

        ret->json = text ? text : rpc_text("null");
        json_decref(json);
        return 0;
}

/* "pci_0000_01_00_0", "0000:01:00.0" or "01:00.0". */
static int parse_device(const char *text, PciAddr *ret, Err *err) {
        if (pci_addr_parse_name(text, ret) == 0 || pci_addr_parse(text, ret) == 0)
                return 0;
        return fail_hint(
                err,
                fail(err, VIR_ERR_INVALID_ARG, "'%.80s' is not the name of a PCI device", text),
                "say pci_0000_01_00_0, 0000:01:00.0 or 01:00.0");
}

static int find_guest(Manager *manager, const char *text, Vm **ret, Err *err) {
        uint8_t uuid[VM_UUID_BYTES];
        Vm *vm = vm_find_by_name(manager, text);

        if (!vm && domain_uuid_parse(text, uuid) == 0)
                vm = vm_find_by_uuid(manager, uuid);
        if (!vm)
                return fail(err, VIR_ERR_NO_DOMAIN, "no domain with matching name '%.200s'", text);
        *ret = vm;
        return 0;
}

static json_t *hex(unsigned value, int digits) {
        g_autofree char *text = g_strdup_printf("%0*x", digits, value);

        return json_string(text);
}

static void set_text(json_t *object, const char *key, const char *text) {
        json_object_set_new(object, key, text ? json_string(text) : json_null());
}

/* ---- verdicts ---- */

/* A device that is in the guest's configuration as not managed has to be parked already. */
static bool is_managed(const Vm *vm, PciAddr addr) {
        DomainFunction function;

        return !vm || !domain_function_find(vm_def(vm, false), addr, &function) ||
               function.is_managed;
}

static int make_verdict(Manager *manager, PciAddr addr, const Vm *vm, Verdict **ret, Err *err) {
        g_autoptr(GArray) configured = vm ? vm_functions(vm_def(vm, false)) : NULL;
        HandoverRequest request = {
                .guest = vm ? vm_name(vm) : NULL,
                .uuid = vm ? vm_uuid_text(vm) : NULL,
                .any_guest = !vm,
                .managed = is_managed(vm, addr),
                .with_companions = vm && domain_def_parks_companions(vm_def(vm, false)),
                .addrs = &addr,
                .n = 1,
                .configured = configured ? (const PciAddr *)(const void *)configured->data : NULL,
                .n_configured = configured ? configured->len : 0,
        };

        return handover_verdict(manager->handover, &request, ret, err);
}

static int verdict(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const airlock_verdict_args *args = data;
        g_autoptr(Verdict) answer = NULL;
        g_autofree char *name = NULL;
        PciAddr addr;
        json_t *json;
        Vm *vm = NULL;
        int r = parse_device(args->device, &addr, err);

        if (r == 0 && args->guest)
                r = find_guest(manager, *args->guest, &vm, err);
        if (r == 0)
                r = make_verdict(manager, addr, vm, &answer, err);
        if (r < 0)
                return r;
        name = pci_addr_node_name(addr);
        json = verdict_to_json(answer);
        set_text(json, "address", PCI_ADDR_TEXT(addr));
        set_text(json, "name", name);
        set_text(json, "guest", vm ? vm_name(vm) : NULL);
        json_object_set_new(json, "assignable", json_boolean(verdict_is_yes(answer)));
        return reply_json(result, json);
}

/* ---- devices and groups ---- */

static void set_side(Manager *manager, json_t *object, PciAddr addr) {
        const LedgerEntry *entry;
        Side side = handover_side(manager->handover, addr, &entry);

        set_text(object, "side", side_to_string(side));
        set_text(object, "owner", entry ? entry->guest : NULL);
}

static void set_verdict(Manager *manager, json_t *object, PciAddr addr) {
        g_autoptr(Verdict) answer = NULL;
        g_auto(Err) err = ERR_INIT;
        const Blocker *const *blockers;
        size_t n;

        if (make_verdict(manager, addr, NULL, &answer, &err) < 0) {
                json_object_set_new(object, "assignable", json_false());
                json_object_set_new(object, "blockers", json_integer(1));
                set_text(object, "first_blocker", err.message);
                return;
        }
        blockers = verdict_blockers(answer, &n);
        json_object_set_new(object, "assignable", json_boolean(n == 0));
        json_object_set_new(object, "blockers", json_integer((json_int_t)n));
        set_text(object, "first_blocker", n > 0 ? blockers[0]->message : NULL);
}

static json_t *describe_device(Manager *manager, const PciDevice *dev) {
        g_autofree char *name = pci_addr_node_name(dev->addr);
        json_t *object = json_object();

        set_text(object, "address", PCI_ADDR_TEXT(dev->addr));
        set_text(object, "name", name);
        json_object_set_new(object, "class", hex(dev->class, 6));
        set_text(object, "class_name", pci_names_class(manager->names, dev->class));
        json_object_set_new(object, "vendor_id", hex(dev->vendor, 4));
        json_object_set_new(object, "device_id", hex(dev->device, 4));
        set_text(object, "vendor", pci_names_vendor(manager->names, dev->vendor));
        set_text(object, "product", pci_names_product(manager->names, dev->vendor, dev->device));
        set_text(object, "driver", dev->driver);
        set_text(object, "kind", pci_kind_to_string(dev->kind));
        json_object_set_new(object, "group",
                            dev->iommu_group < 0 ? json_null() : json_integer(dev->iommu_group));
        json_object_set_new(object, "numa",
                            dev->numa_node < 0 ? json_null() : json_integer(dev->numa_node));
        set_side(manager, object, dev->addr);
        return object;
}

static int devices(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        json_t *list = json_array();
        size_t n;
        const PciDevice *const *all = pci_tree_list(manager->tree, &n);

        for (size_t i = 0; i < n; i++) {
                json_t *object = describe_device(manager, all[i]);

                set_verdict(manager, object, all[i]->addr);
                json_array_append_new(list, object);
        }
        return reply_json(result, json_pack("{s:o}", "devices", list));
}

static json_t *describe_group(Manager *manager, int group) {
        json_t *members = json_array();
        bool is_viable = true;
        size_t n;
        g_autofree const PciDevice **list = pci_tree_group(manager->tree, group, &n);

        for (size_t i = 0; i < n; i++) {
                json_array_append_new(members, describe_device(manager, list[i]));
                if (pci_device_is_endpoint(list[i]) && list[i]->driver &&
                    !handover_is_vfio(list[i]->driver) && strcmp(list[i]->driver, "pci-stub") != 0)
                        is_viable = false;
        }
        return json_pack("{s:i, s:b, s:o}", "group", group, "viable", is_viable, "members",
                         members);
}

static int compare_ints(const void *a, const void *b) {
        return *(const int *)a - *(const int *)b;
}

static int groups(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int));
        json_t *list = json_array();
        size_t n;
        const PciDevice *const *all = pci_tree_list(manager->tree, &n);
        int last = -1;

        for (size_t i = 0; i < n; i++)
                if (all[i]->iommu_group >= 0)
                        g_array_append_val(numbers, all[i]->iommu_group);
        if (numbers->len > 1)
                qsort(numbers->data, numbers->len, sizeof(int), compare_ints);
        for (guint i = 0; i < numbers->len; i++) {
                int group = g_array_index(numbers, int, i);

                if (group != last)
                        json_array_append_new(list, describe_group(manager, group));
                last = group;
        }
        return reply_json(result, json_pack("{s:o}", "groups", list));
}

/* ---- the ledger ---- */

static json_t *time_text(int64_t usec) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(usec / G_USEC_PER_SEC);
        g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;

        return text ? json_string(text) : json_null();
}

static const char *entry_state(const Manager *manager, const LedgerEntry *entry) {
        if (entry->stuck)
                return "stuck";
        if (entry->quarantine)
                return "quarantined";
        return handover_plan_of(manager->handover, entry->addr) ? "moving" : "settled";
}

static json_t *describe_entry(const Manager *manager, const LedgerEntry *entry) {
        g_autofree char *name = pci_addr_node_name(entry->addr);
        json_t *object = json_object();

        set_text(object, "address", PCI_ADDR_TEXT(entry->addr));
        set_text(object, "name", name);
        set_text(object, "side", side_to_string(entry->side));
        set_text(object, "owner", entry->guest);
        set_text(object, "driver", entry->host_driver);
        json_object_set_new(object, "managed", json_boolean(entry->managed));
        set_text(object, "companion_of",
                 entry->is_companion ? PCI_ADDR_TEXT(entry->companion_of) : NULL);
        json_object_set_new(object, "since", time_text(entry->since));
        set_text(object, "state", entry_state(manager, entry));
        set_text(object, "detail", entry->stuck ? entry->stuck : entry->quarantine);
        return object;
}

static json_t *describe_corrections(const Ledger *ledger_of_host) {
        json_t *whole = ledger_to_json(ledger_of_host), *list = json_array(), *item;
        size_t i;

        json_array_foreach(json_object_get(whole, "corrections"), i, item)
                json_array_append_new(
                        list,
                        json_pack("{s:o, s:O}", "time",
                                  time_text(json_integer_value(json_object_get(item, "time"))),
                                  "text", json_object_get(item, "text")));
        json_decref(whole);
        return list;
}

static int ledger(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const Ledger *whole = handover_ledger(manager->handover);
        json_t *entries = json_array();
        size_t n;
        g_autofree const LedgerEntry **list = ledger_list(whole, &n);

        for (size_t i = 0; i < n; i++)
                json_array_append_new(entries, describe_entry(manager, list[i]));
        return reply_json(result, json_pack("{s:o, s:o}", "entries", entries, "corrections",
                                            describe_corrections(whole)));
}

/* ---- the doctor ---- */

static int doctor(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        const airlock_doctor_args *args = data;
        g_autofree char **names = g_new0(char *, args->checks.checks_len + 1);

        for (unsigned i = 0; i < args->checks.checks_len; i++)
                names[i] = args->checks.checks_val[i];
        return checkup_answer(manager->checkup, call, names, err);
}

/* ---- plans ---- */

/* One request to plan or to do something, as the kinds see it. */
typedef struct PlanRequest {
        Manager *manager;
        const airlock_plan_args *args;
        Vm *vm;       /* kinds with a guest */
        PciAddr addr; /* kinds with a device */
        char *xml;    /* attach, detach */
} PlanRequest;

static bool has_flag(const PlanRequest *request, unsigned flag) {
        return request->args->flags & flag;
}

static VmDeviceChange device_change(const PlanRequest *request) {
        return (VmDeviceChange){
                .live = has_flag(request, AIRLOCK_LIVE),
                .config = has_flag(request, AIRLOCK_CONFIG),
                .with_companions = has_flag(request, AIRLOCK_WITH_COMPANIONS),
                .take_host_devices = has_flag(request, AIRLOCK_TAKE_HOST_DEVICES),
                .wait = true,
        };
}

static VmStart start_options(const PlanRequest *request) {
        return (VmStart){
                .paused = has_flag(request, AIRLOCK_PAUSED),
                .with_companions = has_flag(request, AIRLOCK_WITH_COMPANIONS),
                .take_host_devices = has_flag(request, AIRLOCK_TAKE_HOST_DEVICES),
        };
}

static int plan_of_start(PlanRequest *request, Plan **ret, Err *err) {
        VmStart options = start_options(request);

        return vm_plan_start(request->vm, &options, ret, err);
}

static int run_start(PlanRequest *request, Call *call, Err *err) {
        VmStart options = start_options(request);
        int r = vm_check_active(request->vm, false, err);

        return r < 0 ? r : vm_start(request->vm, &options, call, NULL, err);
}

static int plan_of_attach(PlanRequest *request, Plan **ret, Err *err) {
        VmDeviceChange change = device_change(request);

        return vm_plan_attach(request->vm, request->xml, &change, ret, err);
}

static int run_attach(PlanRequest *request, Call *call, Err *err) {
        VmDeviceChange change = device_change(request);

        return vm_attach_device(request->vm, request->xml, &change, call, err);
}

static int plan_of_detach(PlanRequest *request, Plan **ret, Err *err) {
        return vm_plan_detach(request->vm, request->xml, ret, err);
}

static int run_detach(PlanRequest *request, Call *call, Err *err) {
        VmDeviceChange change = device_change(request);

        return vm_detach_device(request->vm, request->xml, &change, call, err);
}

static int host_plan(PlanRequest *request, Plan **ret, Err *err) {
        Handover *h = request->manager->handover;
        HandoverRequest take = {
                .managed = true,
                .with_companions = has_flag(request, AIRLOCK_WITH_COMPANIONS),
                .take_host_devices = has_flag(request, AIRLOCK_TAKE_HOST_DEVICES),
                .addrs = &request->addr,
                .n = 1,
        };
        g_autofree char *title =
                g_strdup_printf("%s %s", request->args->kind, PCI_ADDR_TEXT(request->addr));
        g_autoptr(Plan) plan = handover_plan_new(h, title, NULL, NULL);
        int r;

        if (strcmp(request->args->kind, "detach-host") == 0)
                r = handover_plan_detach_host(h, plan, &take, err);
        else if (strcmp(request->args->kind, "reattach-host") == 0)
                r = handover_plan_reattach(h, plan, request->addr, err);
        else
                r = handover_plan_reset(h, plan, request->addr, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&plan);
        return 0;
}

static int run_host_plan(PlanRequest *request, Call *call, Err *err) {
        Plan *plan = NULL;
        int r = host_plan(request, &plan, err);

        return r < 0 ? r : rpc_run_plan_consume(call, plan, err);
}

static const struct PlanKindOps {
        const char *name;
        bool needs_guest, needs_device, needs_xml;
        int (*plan)(PlanRequest *request, Plan **ret, Err *err);
        int (*run)(PlanRequest *request, Call *call, Err *err);
} plan_kinds[] = {
        {"start", .needs_guest = true, .plan = plan_of_start, .run = run_start},
        {"attach", .needs_guest = true, .needs_xml = true, plan_of_attach, run_attach},
        {"detach", .needs_guest = true, .needs_xml = true, plan_of_detach, run_detach},
        {"detach-host", .needs_device = true, .plan = host_plan, .run = run_host_plan},
        {"reattach-host", .needs_device = true, .plan = host_plan, .run = run_host_plan},
        {"reset", .needs_device = true, .plan = host_plan, .run = run_host_plan},
};

/* A device's name stands for the <hostdev> that most people mean by it. */
static int subject_xml(const char *subject, char **ret, Err *err) {
        PciAddr addr;
        int r;

        if (subject[0] == '<') {
                *ret = g_strdup(subject);
                return 0;
        }
        r = parse_device(subject, &addr, err);
        if (r < 0)
                return r;
        *ret = g_strdup_printf(
                "<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
                "domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/></source>"
                "</hostdev>",
                addr.domain, addr.bus, addr.slot, addr.function);
        return 0;
}

#define PLAN_FLAGS                                                                             \
        (AIRLOCK_WITH_COMPANIONS | AIRLOCK_LIVE | AIRLOCK_CONFIG | AIRLOCK_TAKE_HOST_DEVICES | \
         AIRLOCK_PAUSED)

static int read_request(PlanRequest *request, const struct PlanKindOps **ret, Err *err) {
        const airlock_plan_args *args = request->args;
        const char *subject = args->subject ? *args->subject : NULL;
        const struct PlanKindOps *kind = NULL;
        int r = flags_check(args->flags, PLAN_FLAGS, "airlock plan", err);

        for (size_t i = 0; i < G_N_ELEMENTS(plan_kinds); i++)
                if (strcmp(plan_kinds[i].name, args->kind) == 0)
                        kind = &plan_kinds[i];
        if (r < 0)
                return r;
        if (!kind)
                return fail(err, VIR_ERR_INVALID_ARG, "there is no plan '%.80s'", args->kind);
        if ((kind->needs_device || kind->needs_xml) && !subject)
                return fail(err, VIR_ERR_INVALID_ARG, "a plan '%s' needs a device", kind->name);
        if (kind->needs_guest && !args->guest)
                return fail(err, VIR_ERR_INVALID_ARG, "a plan '%s' needs a guest", kind->name);
        if (kind->needs_guest)
                r = find_guest(request->manager, *args->guest, &request->vm, err);
        if (r == 0 && kind->needs_device)
                r = parse_device(subject, &request->addr, err);
        if (r == 0 && kind->needs_xml)
                r = subject_xml(subject, &request->xml, err);
        if (r == 0)
                *ret = kind;
        return r;
}

/* The steps in the shape that docs/protocol.md gives. */
static json_t *describe_plan(const PlanRequest *request, const Plan *plan) {
        json_t *whole = plan_to_json(plan), *steps = json_array(), *item;
        size_t i;

        json_array_foreach(json_object_get(whole, "steps"), i, item)
                json_array_append_new(steps, json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "number",
                                                       json_object_get(item, "number"), "step",
                                                       json_object_get(item, "step"), "address",
                                                       json_object_get(item, "device"), "text",
                                                       json_object_get(item, "text"), "undo",
                                                       json_object_get(item, "undo")));
        json_decref(whole);
        return json_pack("{s:s, s:s?, s:o}", "kind", request->args->kind, "guest",
                         request->vm ? vm_name(request->vm) : NULL, "steps", steps);
}

static int plan(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        PlanRequest request = {.manager = manager, .args = data};
        const struct PlanKindOps *kind;
        g_autoptr(Plan) made = NULL;
        int r = read_request(&request, &kind, err);

        if (r == 0)
                r = kind->plan(&request, &made, err);
        g_free(request.xml);
        return r < 0 ? r : reply_json(result, describe_plan(&request, made));
}

static int run(Manager *manager, Call *call, const void *data, void *result, Err *err) {
        PlanRequest request = {.manager = manager, .args = data};
        airlock_json_ret *ret = result;
        const struct PlanKindOps *kind;
        int r = read_request(&request, &kind, err);

        if (r == 0) {
                ret->json = rpc_text("{}"); /* before run: it may answer at once */
                r = kind->run(&request, call, err);
        }
        g_free(request.xml);
        return r;
}

/* ---- the table ---- */

#define JSON(proc, name_, func)                                                             \
        {                                                                                   \
                .number = AIRLOCK_PROC_##proc, .name = (name_), PROC_RET(airlock_json_ret), \
                .read_only = true, .run = (func)                                            \
        }

static const Procedure procedures[] = {
        JSON(DEVICES, "airlock devices", devices),
        JSON(GROUPS, "airlock groups", groups),
        JSON(LEDGER, "airlock ledger", ledger),
        {.number = AIRLOCK_PROC_DOCTOR,
         .name = "airlock doctor",
         PROC_ARGS(airlock_doctor_args),
         PROC_RET(airlock_json_ret),
         .read_only = true,
         .run = doctor},
        {.number = AIRLOCK_PROC_VERDICT,
         .name = "airlock verdict",
         PROC_ARGS(airlock_verdict_args),
         PROC_RET(airlock_json_ret),
         .read_only = true,
         .run = verdict},
        {.number = AIRLOCK_PROC_PLAN,
         .name = "airlock plan",
         PROC_ARGS(airlock_plan_args),
         PROC_RET(airlock_json_ret),
         .read_only = true,
         .run = plan},
        {.number = AIRLOCK_PROC_RUN,
         .name = "airlock run",
         PROC_ARGS(airlock_plan_args),
         PROC_RET(airlock_json_ret),
         .run = run},
};

const ProcedureTable rpc_airlock_table = {AIRLOCK_PROGRAM, procedures, G_N_ELEMENTS(procedures)};
