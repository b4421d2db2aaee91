/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/steps.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "handover/holders.h"
#include "handover/host.h"

#define VFIO "vfio-pci"

/* Values. */

Saved *saved_new(void) {
        Saved *saved = g_new0(Saved, 1);

        saved->refs = 1;
        return saved;
}

Saved *saved_ref(Saved *saved) {
        saved->refs++;
        return saved;
}

void saved_unref(Saved *saved) {
        if (!saved || --saved->refs > 0)
                return;
        g_free(saved->driver);
        g_free(saved->override);
        g_free(saved->power);
        g_free(saved->d3cold);
        pci_identity_free(saved->identity);
        g_free(saved);
}

void saved_enter(const Saved *saved, LedgerEntry *entry) {
        if (!saved->is_read)
                return;
        g_free(entry->host_driver);
        g_free(entry->override);
        g_free(entry->power);
        g_free(entry->d3cold);
        pci_identity_free(entry->identity);
        entry->host_driver = g_strdup(saved->driver);
        entry->override = g_strdup(saved->override);
        entry->power = g_strdup(saved->power);
        entry->d3cold = g_strdup(saved->d3cold);
        entry->identity = saved->identity ? pci_identity_copy(saved->identity) : NULL;
}

Move *move_new(PciAddr addr, const char *driver, Saved *saved) {
        Move *move = g_new0(Move, 1);

        move->addr = addr;
        move->driver = g_strdup(driver);
        move->saved = saved ? saved_ref(saved) : NULL;
        return move;
}

static void move_free(void *data) {
        Move *move = data;

        if (!move)
                return;
        g_free(move->driver);
        g_free(move->previous);
        saved_unref(move->saved);
        ledger_entry_free(move->before);
        ledger_entry_free(move->after);
        g_clear_pointer(&move->nodes, g_hash_table_unref);
        g_free(move);
}

static json_t *saved_to_json(const Saved *saved) {
        json_t *json = json_pack("{s:b, s:s?, s:s?, s:s?, s:s?}", "read", saved->is_read, "driver",
                                 saved->driver, "override", saved->override, "power", saved->power,
                                 "d3cold", saved->d3cold);

        if (saved->identity)
                json_object_set_new(json, "identity", pci_identity_to_json(saved->identity));
        return json;
}

static json_t *move_to_json(const Step *step) {
        const Move *move = step_data(step);
        json_t *json = json_pack("{s:s, s:s?, s:s?}", "address", PCI_ADDR_TEXT(move->addr),
                                 "driver", move->driver, "previous", move->previous);

        if (move->saved)
                json_object_set_new(json, "saved", saved_to_json(move->saved));
        if (move->before)
                json_object_set_new(json, "before", ledger_entry_to_json(move->before));
        if (move->after)
                json_object_set_new(json, "after", ledger_entry_to_json(move->after));
        return json;
}

static char *dup_text(const json_t *json, const char *key) {
        return g_strdup(json_string_value(json_object_get(json, key)));
}

static Saved *saved_from_json(const json_t *json) {
        Saved *saved = saved_new();
        const json_t *identity = json_object_get(json, "identity");

        saved->is_read = json_is_true(json_object_get(json, "read"));
        saved->driver = dup_text(json, "driver");
        saved->override = dup_text(json, "override");
        saved->power = dup_text(json, "power");
        saved->d3cold = dup_text(json, "d3cold");
        if (identity)
                pci_identity_from_json(identity, &saved->identity); /* only compared: may be lost */
        return saved;
}

static int entry_from_json(const json_t *json, const char *key, LedgerEntry **ret, Err *err) {
        const json_t *entry = json_object_get(json, key);

        return entry ? ledger_entry_from_json(entry, ret, err) : 0;
}

static int move_from_json(const json_t *json, void **ret_data, Err *err) {
        const char *text = json_string_value(json_object_get(json, "address"));
        const json_t *saved = json_object_get(json, "saved");
        Move *move = g_new0(Move, 1);
        int r;

        *ret_data = move; /* the step frees it, whatever happens */
        if (!text || pci_addr_parse(text, &move->addr) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "a step of the journal names no function");
        move->driver = dup_text(json, "driver");
        move->previous = dup_text(json, "previous");
        if (saved)
                move->saved = saved_from_json(saved);
        r = entry_from_json(json, "before", &move->before, err);
        return r < 0 ? r : entry_from_json(json, "after", &move->after, err);
}

/* The same for the kinds that cannot do without what was found, or without an entry to write. */
static int saved_move_from_json(const json_t *json, void **ret_data, Err *err) {
        if (!json_is_object(json_object_get(json, "saved")))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "a step of the journal has lost what it saved");
        return move_from_json(json, ret_data, err);
}

static int entry_move_from_json(const json_t *json, void **ret_data, Err *err) {
        if (!json_is_object(json_object_get(json, "after")))
                return fail(err, VIR_ERR_INVALID_ARG, "a step of the journal has lost its entry");
        return move_from_json(json, ret_data, err);
}

/* Reading and writing sysfs. */

static char *attribute_of(const Step *step, const char *name) {
        const Move *move = step_data(step);

        return pci_device_attribute(move->addr, name);
}

/* As the kernel writes an unset driver_override. */
static bool is_unset(const char *text) {
        return !text || !*text || strcmp(text, "(null)") == 0;
}

/* The text of an attribute that waits for no lock; NULL where it is absent. */
static char *read_attribute(const Step *step, const char *name) {
        Handover *h = plan_host_data(step_plan(step));
        g_autofree char *path = attribute_of(step, name);
        char *text = NULL;

        sys_read_text(h->sys, path, &text);
        return text;
}

int handover_read_driver(const Handover *h, PciAddr addr, char **ret, Err *err) {
        g_autofree char *dir = pci_device_attribute(addr, "");
        g_autofree char *path = pci_device_attribute(addr, "driver");
        int r;

        if (!sys_exists(h->sys, dir)) {
                fail(err, VIR_ERR_NO_NODE_DEVICE, "PCI device %s has gone", PCI_ADDR_TEXT(addr));
                return -ENODEV;
        }
        r = sys_readlink_name(h->sys, path, ret);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        return r < 0 ? fail_errno(err, r, "cannot read the driver of PCI device %s",
                                  PCI_ADDR_TEXT(addr))
                     : 0;
}

static int read_driver(const Step *step, char **ret, Err *err) {
        const Move *move = step_data(step);

        return handover_read_driver(plan_host_data(step_plan(step)), move->addr, ret, err);
}

/* A function that was pulled out has nothing to give back. */
static bool is_gone(const Step *step) {
        const Handover *h = plan_host_data(step_plan(step));
        g_autofree char *dir = attribute_of(step, "");

        return plan_is_forward(step_plan(step)) && !sys_exists(h->sys, dir);
}

/* The name of a step is a verb, so that it reads as "has not finished to unbind it". */
static void on_answer(Worker *worker, int r, void *userdata) {
        Step *step = userdata;
        Handover *h = plan_host_data(step_plan(step));
        Move *move = step_data(step);
        g_auto(Err) err = ERR_INIT;

        if (r == -ETIMEDOUT) {
                g_autofree char *what = g_strdup_printf("%s it", step_name(step));

                r = handover_step_stuck(h, step, what, &err);
        } else {
                if (step_addr(step))
                        pci_tree_refresh(h->tree, move->addr, NULL);
                r = move->next(step, r, &err);
        }
        if (r != STEP_PENDING)
                step_finish(step, r, &err);
}

static int refuse_stuck(const Handover *h, const Move *move, Err *err) {
        const LedgerEntry *entry = ledger_find(h->ledger, move->addr);

        if (!entry || !entry->stuck)
                return 0;
        return fail(err, VIR_ERR_OPERATION_INVALID, "PCI device %s waits for the kernel to %s",
                    PCI_ADDR_TEXT(move->addr), entry->stuck);
}

/* Finds the worker and says what goes on with its result. */
static int ask_worker(Step *step, int (*next)(Step *step, int r, Err *err), Worker **ret,
                      Err *err) {
        Handover *h = plan_host_data(step_plan(step));
        Move *move = step_data(step);
        int r = refuse_stuck(h, move, err);

        move->next = next;
        return r < 0 ? r : handover_worker(h, step_plan(step), ret, err);
}

/* Has the worker write. Returns STEP_PENDING. */
static int write_then(Step *step, const char *path, const char *value,
                      int (*next)(Step *step, int r, Err *err), Err *err) {
        Worker *worker = NULL;
        int r = ask_worker(step, next, &worker, err);

        if (r < 0)
                return r;
        r = worker_write(worker, path, value, on_answer, step);
        return r < 0 ? fail_errno(err, r, "cannot have /%s written", path) : STEP_PENDING;
}

/* The same for reading what the daemon must not wait for. */
static int read_then(Step *step, const char *path, int (*next)(Step *step, int r, Err *err),
                     Err *err) {
        Worker *worker = NULL;
        int r = ask_worker(step, next, &worker, err);

        if (r < 0)
                return r;
        r = worker_read(worker, path, on_answer, step);
        return r < 0 ? fail_errno(err, r, "cannot have /%s read", path) : STEP_PENDING;
}

static int cannot(const Step *step, int r, const char *what, Err *err) {
        const Move *move = step_data(step);

        return fail_errno(err, r, "cannot %s PCI device %s", what, PCI_ADDR_TEXT(move->addr));
}

static const char *or_none(const char *text) {
        return text ? text : "none";
}

/* load */

static int load_ended(Step *step, int r, Err *err) {
        Handover *h = plan_host_data(step_plan(step));

        if (sys_exists(h->sys, "sys/bus/pci/drivers/" VFIO))
                return 0; /* built in, or another was quicker: modprobe's opinion does not matter */
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED, "modprobe %s failed: %s", VFIO,
                              g_strerror(r < 0 ? -r : EIO)),
                         "see what the kernel says: dmesg");
}

static void on_loaded(Worker *worker, int r, void *userdata) {
        g_auto(Err) err = ERR_INIT;

        r = load_ended(userdata, r, &err);
        step_finish(userdata, r, &err);
}

static int load_run(Step *step, Err *err) {
        Handover *h = plan_host_data(step_plan(step));
        Worker *worker = NULL;
        int r;

        if (sys_exists(h->sys, "sys/bus/pci/drivers/" VFIO))
                return 0;
        r = handover_worker(h, step_plan(step), &worker, err);
        if (r < 0)
                return r;
        r = worker_load(worker, VFIO, on_loaded, step);
        return r < 0 ? fail_errno(err, r, "cannot have %s loaded", VFIO) : STEP_PENDING;
}

static char *load_describe(const Step *step, bool undo) {
        return undo ? NULL : g_strdup("load the module " VFIO " if it is not loaded");
}

const StepKind step_load = {
        .name = "load",
        .run = load_run,
        .describe = load_describe,
        .to_json = move_to_json,
        .from_json = move_from_json,
        .free = move_free,
};

/* bind; also the way back to a driver in the undo of others */

static int bind_ended(Step *step, const char *wanted, int r, Err *err) {
        const Move *move = step_data(step);
        g_autofree char *driver = NULL;
        int q;

        if (is_gone(step))
                return 0;
        q = read_driver(step, &driver, err);
        if (q < 0)
                return q;
        if (driver && (!wanted || strcmp(driver, wanted) == 0))
                return 0;
        if (!wanted && r == 0)
                return 0; /* nobody wants it, and nobody in particular was to */
        if (r == -EINVAL || r == -ENODEV || r == 0)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "the driver %s did not take PCI device %s, which has the "
                                      "driver %s now",
                                      or_none(wanted), PCI_ADDR_TEXT(move->addr), or_none(driver)),
                                 "see what the kernel says: dmesg");
        return fail_errno(err, r, "cannot bind PCI device %s to %s", PCI_ADDR_TEXT(move->addr),
                          wanted ? wanted : "a driver");
}

static int probe(Step *step, const char *wanted, int (*next)(Step *, int, Err *), Err *err) {
        const Move *move = step_data(step);
        g_autofree char *driver = NULL;
        int r;

        if (is_gone(step))
                return 0;
        r = read_driver(step, &driver, err);
        if (r < 0 || (driver && (!wanted || strcmp(driver, wanted) == 0)))
                return r;
        if (driver)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "PCI device %s is on the driver %s, which was to be %s",
                            PCI_ADDR_TEXT(move->addr), driver, wanted);
        return write_then(step, "sys/bus/pci/drivers_probe", PCI_ADDR_TEXT(move->addr), next, err);
}

static int bind_run_ended(Step *step, int r, Err *err) {
        return bind_ended(step, ((Move *)step_data(step))->driver, r, err);
}

static int bind_run(Step *step, Err *err) {
        return probe(step, ((Move *)step_data(step))->driver, bind_run_ended, err);
}

static int unbind_ended(Step *step, int r, Err *err) {
        const Move *move = step_data(step);
        g_autofree char *driver = NULL;
        int q;

        if (is_gone(step))
                return 0;
        q = read_driver(step, &driver, err);
        if (q < 0 || !driver)
                return q;
        return fail_errno(err, r < 0 ? r : -EBUSY, "cannot unbind PCI device %s from %s",
                          PCI_ADDR_TEXT(move->addr), driver);
}

static int unbind_from(Step *step, const char *driver, Err *err) {
        const Handover *h = plan_host_data(step_plan(step));
        Move *move = step_data(step);
        const PciDevice *dev = pci_tree_find(h->tree, move->addr);
        g_autofree char *path = g_build_filename("sys/bus/pci/drivers", driver, "unbind", NULL);

        if (dev && !move->nodes)
                move->nodes = holders_nodes(h->sys, dev);
        return write_then(step, path, PCI_ADDR_TEXT(move->addr), unbind_ended, err);
}

static int bind_undo(Step *step, Err *err) {
        const Move *move = step_data(step);
        g_autofree char *driver = NULL;
        int r = read_driver(step, &driver, err);

        if (r < 0 || !driver || !move->driver || strcmp(driver, move->driver) != 0)
                return r;
        return unbind_from(step, driver, err);
}

static char *bind_describe(const Step *step, bool undo) {
        const Move *move = step_data(step);

        if (undo)
                return move->driver ? g_strdup_printf("unbind it from %s", move->driver) : NULL;
        if (!move->driver)
                return g_strdup("bind it to the driver that wants it, if there is one");
        return g_strdup_printf("bind it to %s", move->driver);
}

const StepKind step_bind = {
        .name = "bind",
        .run = bind_run,
        .undo = bind_undo,
        .describe = bind_describe,
        .to_json = move_to_json,
        .from_json = move_from_json,
        .free = move_free,
};

/* unbind: what to bind to again is known to the steps around it */

static int unbind_run(Step *step, Err *err) {
        const Move *move = step_data(step);
        g_autofree char *driver = NULL;
        int r;

        if (is_gone(step))
                return 0;
        r = read_driver(step, &driver, err);
        if (r < 0 || !driver)
                return r;
        if (g_strcmp0(move->driver, VFIO) == 0 && !handover_is_vfio(driver))
                return 0; /* on the way home, and there already */
        return unbind_from(step, driver, err);
}

static char *unbind_describe(const Step *step, bool undo) {
        const Move *move = step_data(step);

        if (undo)
                return NULL;
        return g_strdup_printf("unbind it from %s", move->driver ? move->driver : "its driver");
}

const StepKind step_unbind = {
        .name = "unbind",
        .run = unbind_run,
        .describe = unbind_describe,
        .to_json = move_to_json,
        .from_json = move_from_json,
        .free = move_free,
};

/* save */

static int save_override_read(Step *step, int r, Err *err) {
        Handover *h = plan_host_data(step_plan(step));
        Move *move = step_data(step);
        const PciDevice *dev = pci_tree_find(h->tree, move->addr);
        const char *text = worker_text(plan_worker(step_plan(step)));

        if (r < 0)
                return cannot(step, r, "read the driver_override of", err);
        move->saved->override = is_unset(text) ? NULL : g_strdup(text);
        move->saved->power = read_attribute(step, "power/control");
        move->saved->d3cold = read_attribute(step, "d3cold_allowed");
        if (dev)
                pci_identity_load(h->sys, dev, &move->saved->identity, NULL);
        move->saved->is_read = true;
        return 0;
}

static int save_prepare(Step *step, Err *err) {
        const Move *move = step_data(step);
        g_autofree char *path = attribute_of(step, "driver_override");
        int r;

        if (move->saved->is_read)
                return 0;
        g_clear_pointer(&move->saved->driver, g_free);
        r = read_driver(step, &move->saved->driver, err);
        return r < 0 ? r : read_then(step, path, save_override_read, err);
}

static int save_run(Step *step, Err *err) {
        return 0;
}

static int save_undo_ended(Step *step, int r, Err *err) {
        return bind_ended(step, ((Move *)step_data(step))->saved->driver, r, err);
}

static int save_undo(Step *step, Err *err) {
        const Move *move = step_data(step);

        if (!move->saved->driver)
                return 0;
        return probe(step, move->saved->driver, save_undo_ended, err);
}

static char *save_describe(const Step *step, bool undo) {
        const Move *move = step_data(step);
        const char *driver = move->saved->driver;

        if (undo)
                return driver ? g_strdup_printf("bind it to %s again", driver) : NULL;
        return g_strdup_printf("note its driver (%s), settings and identity", or_none(driver));
}

const StepKind step_save = {
        .name = "save",
        .prepare = save_prepare,
        .run = save_run,
        .undo = save_undo,
        .describe = save_describe,
        .to_json = move_to_json,
        .from_json = saved_move_from_json,
        .free = move_free,
        .is_in_journal_only = true,
};

/* override */

/* On the way to the host nobody noted what was set: it is what the way to vfio-pci has set. */
static int override_prepare(Step *step, Err *err) {
        Move *move = step_data(step);

        g_free(move->previous);
        move->previous = g_strdup(move->saved ? move->saved->override : VFIO);
        return 0;
}

static int override_ended(Step *step, int r, Err *err) {
        return r < 0 ? cannot(step, r, "set the driver_override of", err) : 0;
}

/* An empty line unsets it. */
static int write_override(Step *step, const char *value, Err *err) {
        g_autofree char *path = attribute_of(step, "driver_override");

        if (is_gone(step))
                return 0;
        return write_then(step, path, value ? value : "\n", override_ended, err);
}

static int override_run(Step *step, Err *err) {
        return write_override(step, ((Move *)step_data(step))->driver, err);
}

static int override_undo(Step *step, Err *err) {
        return write_override(step, ((Move *)step_data(step))->previous, err);
}

static char *override_describe(const Step *step, bool undo) {
        const Move *move = step_data(step);
        const char *value = undo ? move->previous : move->driver;

        return value ? g_strdup_printf("set its driver_override to %s", value)
                     : g_strdup("unset its driver_override");
}

const StepKind step_override = {
        .name = "override",
        .prepare = override_prepare,
        .run = override_run,
        .undo = override_undo,
        .describe = override_describe,
        .to_json = move_to_json,
        .from_json = move_from_json,
        .free = move_free,
};

/* settings */

static int restore_d3cold(Step *step, int r, Err *err);

static int restore_attribute(Step *step, const char *name, const char *value,
                             int (*next)(Step *, int, Err *), Err *err) {
        g_autofree char *path = attribute_of(step, name);
        g_autofree char *now = read_attribute(step, name);

        if (!value || !now || strcmp(now, value) == 0)
                return next(step, 0, err);
        return write_then(step, path, value, next, err);
}

static int settings_ended(Step *step, int r, Err *err) {
        return r < 0 ? cannot(step, r, "restore the power settings of", err) : 0;
}

static int restore_d3cold(Step *step, int r, Err *err) {
        if (r < 0)
                return settings_ended(step, r, err);
        return restore_attribute(step, "d3cold_allowed", ((Move *)step_data(step))->saved->d3cold,
                                 settings_ended, err);
}

static int settings_run(Step *step, Err *err) {
        return restore_attribute(step, "power/control", ((Move *)step_data(step))->saved->power,
                                 restore_d3cold, err);
}

static char *settings_describe(const Step *step, bool undo) {
        return undo ? NULL : g_strdup("restore its power settings");
}

const StepKind step_settings = {
        .name = "settings",
        .run = settings_run,
        .describe = settings_describe,
        .to_json = move_to_json,
        .from_json = saved_move_from_json,
        .free = move_free,
};

/* claim, release, forget: the ledger's part */

static int ledger_prepare(Step *step, Err *err) {
        Handover *h = plan_host_data(step_plan(step));
        Move *move = step_data(step);
        const LedgerEntry *entry = ledger_find(h->ledger, move->addr);

        g_clear_pointer(&move->before, ledger_entry_free);
        if (entry)
                move->before = ledger_entry_copy(entry);
        return 0;
}

/* What save has found belongs into the entry; at planning time nobody knew it. */
static int claim_prepare(Step *step, Err *err) {
        Move *move = step_data(step);

        move->after->since = g_get_real_time();
        if (move->saved)
                saved_enter(move->saved, move->after);
        return ledger_prepare(step, err);
}

static int set_entry(Step *step, const LedgerEntry *entry, Err *err) {
        Handover *h = plan_host_data(step_plan(step));
        const Move *move = step_data(step);

        if (entry)
                return handover_put_consume(h, ledger_entry_copy(entry), err);
        return handover_drop(h, move->addr, err);
}

static int claim_run(Step *step, Err *err) {
        const LedgerEntry *after = ((Move *)step_data(step))->after;

        /* A typed override is told where the host's administrator looks (rule 3). */
        if (after->despite)
                log_message(LOG_WARNING, after->guest, PCI_ADDR_TEXT(after->addr),
                            "PCI device %s is taken although the host uses it: %s",
                            PCI_ADDR_TEXT(after->addr), after->despite);
        return set_entry(step, after, err);
}

static int ledger_run(Step *step, Err *err) {
        return set_entry(step, ((Move *)step_data(step))->after, err);
}

static int ledger_undo(Step *step, Err *err) {
        return set_entry(step, ((Move *)step_data(step))->before, err);
}

static char *claim_describe(const Step *step, bool undo) {
        const LedgerEntry *after = ((Move *)step_data(step))->after;

        if (undo)
                return g_strdup("take that back in the ledger");
        if (after->side == SIDE_GUEST)
                return g_strdup_printf("enter it in the ledger for guest '%s'", after->guest);
        if (after->guest)
                return g_strdup_printf("enter it in the ledger as parked for guest '%s'",
                                       after->guest);
        return g_strdup("enter it in the ledger as parked");
}

const StepKind step_claim = {
        .name = "claim",
        .prepare = claim_prepare,
        .run = claim_run,
        .undo = ledger_undo,
        .describe = claim_describe,
        .to_json = move_to_json,
        .from_json = entry_move_from_json,
        .free = move_free,
        .is_in_journal_only = true,
};

/* The guest is gone, so there is no way back to it: what could not go home is kept on vfio-pci and
 * out of everybody's hands until a person has looked at it. */
static int release_parked(Step *step, int r, Err *err) {
        const Move *move = step_data(step);
        g_autofree char *reason = err_text(plan_error(step_plan(step)));
        LedgerEntry *entry = ledger_entry_copy(move->after);
        int q;

        g_free(entry->quarantine);
        entry->quarantine = g_strdup_printf("it could not be given back: %s",
                                            *reason ? reason : "the step was cut off");
        q = handover_put_consume(plan_host_data(step_plan(step)), entry, err);
        return q < 0 ? q : bind_ended(step, VFIO, r, err);
}

static int release_undo(Step *step, Err *err) {
        int r = probe(step, VFIO, release_parked, err);

        return r == 0 ? release_parked(step, 0, err) : r;
}

static char *release_describe(const Step *step, bool undo) {
        if (undo)
                return g_strdup("park it on " VFIO ", in quarantine");
        return g_strdup("enter it in the ledger as parked, in no guest");
}

const StepKind step_release = {
        .name = "release",
        .prepare = ledger_prepare,
        .run = ledger_run,
        .undo = release_undo,
        .describe = release_describe,
        .to_json = move_to_json,
        .from_json = entry_move_from_json,
        .free = move_free,
        .is_in_journal_only = true,
};

static char *forget_describe(const Step *step, bool undo) {
        return undo ? g_strdup("enter it in the ledger again")
                    : g_strdup("strike it from the ledger: the host has it");
}

const StepKind step_forget = {
        .name = "forget",
        .prepare = ledger_prepare,
        .run = ledger_run,
        .undo = ledger_undo,
        .describe = forget_describe,
        .to_json = move_to_json,
        .from_json = move_from_json,
        .free = move_free,
        .is_in_journal_only = true,
};

/* reset */

static int reset_ended(Step *step, int r, Err *err) {
        return r < 0 ? cannot(step, r, "reset", err) : 0;
}

static int reset_run(Step *step, Err *err) {
        g_autofree char *path = attribute_of(step, "reset");

        return write_then(step, path, "1", reset_ended, err);
}

static char *reset_describe(const Step *step, bool undo) {
        return undo ? NULL : g_strdup("reset it");
}

const StepKind step_reset = {
        .name = "reset",
        .run = reset_run,
        .describe = reset_describe,
        .to_json = move_to_json,
        .from_json = move_from_json,
        .free = move_free,
};

const StepKind *step_kind_find(const char *name) {
        static const StepKind *const kinds[] = {
                &step_load,     &step_save,  &step_override, &step_unbind, &step_bind,
                &step_settings, &step_claim, &step_release,  &step_forget, &step_reset,
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (strcmp(kinds[i]->name, name) == 0)
                        return kinds[i];
        return NULL;
}
