/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/plan.h"

#include <errno.h>
#include <stdlib.h>

#include <glib.h>

#include "handover/journal.h"
#include "handover/worker.h"

typedef enum StepState {
        STEP_WAITING,
        STEP_BEGUN, /* its intent is written; whether it took effect is not known */
        STEP_DONE,
        STEP_UNDONE,
        STEP_NOT_UNDONE, /* its undo failed */
        STEP_SKIPPED,    /* an earlier step on the same function failed */
        _STEP_STATE_MAX,
} StepState;

struct Step {
        Plan *plan;           /* owner */
        const StepKind *kind; /* NULL: from a journal, and of a kind that nobody here knows */
        char *name;
        bool has_addr;
        PciAddr addr;
        void *data;
        StepState state;
};

struct Plan {
        const PlanHost *host;
        unsigned number;
        char *title, *guest, *uuid;
        bool is_forward, is_journalled, is_begun, is_cancelled;
        PlanState state;
        GPtrArray *steps; /* of Step */
        size_t at;        /* the current step while it runs; one above it while it is undone */
        bool is_waiting;  /* for plan_go() */
        bool is_pending, is_preparing;
        bool is_partial; /* a forward plan undoes the steps of failed_addr alone */
        PciAddr failed_addr;
        sd_event_source *next; /* the loop's call of advance() */
        Err err;
        GString *troubles; /* what could not be undone */
        PlanDone done;
        void *userdata;
        Worker *worker;
};

static const char *const plan_state_names[] = {
        [PLAN_NEW] = "new",   [PLAN_RUNNING] = "running", [PLAN_UNDOING] = "undoing",
        [PLAN_DONE] = "done", [PLAN_UNDONE] = "undone",
};
G_STATIC_ASSERT(G_N_ELEMENTS(plan_state_names) == _PLAN_STATE_MAX);

static const char *const step_state_names[] = {
        [STEP_WAITING] = "waiting", [STEP_BEGUN] = "begun",           [STEP_DONE] = "done",
        [STEP_UNDONE] = "undone",   [STEP_NOT_UNDONE] = "not undone", [STEP_SKIPPED] = "skipped",
};
G_STATIC_ASSERT(G_N_ELEMENTS(step_state_names) == _STEP_STATE_MAX);

const char *plan_state_to_string(PlanState state) {
        return plan_state_names[state];
}

static void step_free(void *data) {
        Step *step = data;

        if (step->kind && step->kind->free)
                step->kind->free(step->data);
        g_free(step->name);
        g_free(step);
}

Plan *plan_new(const PlanHost *host, unsigned number, const char *title, const char *guest,
               const char *uuid) {
        Plan *plan = g_new0(Plan, 1);

        plan->host = host;
        plan->number = number;
        plan->title = g_strdup(title);
        plan->guest = g_strdup(guest);
        plan->uuid = g_strdup(uuid);
        plan->steps = g_ptr_array_new_with_free_func(step_free);
        plan->troubles = g_string_new(NULL);
        return plan;
}

static bool is_under_way(const Plan *plan) {
        return plan->state == PLAN_RUNNING || plan->state == PLAN_UNDOING;
}

void plan_free(Plan *plan) {
        if (!plan)
                return;
        if (is_under_way(plan) && plan->host->end)
                plan->host->end(plan, plan->host->userdata);
        sd_event_source_disable_unref(plan->next);
        g_ptr_array_unref(plan->steps);
        worker_free(plan->worker);
        g_string_free(plan->troubles, TRUE);
        err_clear(&plan->err);
        g_free(plan->title);
        g_free(plan->guest);
        g_free(plan->uuid);
        g_free(plan);
}

static Step *step_at(const Plan *plan, size_t i) {
        return plan->steps->pdata[i];
}

static Step *append_step(Plan *plan, const StepKind *kind, const char *name, const PciAddr *addr) {
        Step *step = g_new0(Step, 1);

        step->plan = plan;
        step->kind = kind;
        step->name = g_strdup(name);
        step->has_addr = addr;
        if (addr)
                step->addr = *addr;
        g_ptr_array_add(plan->steps, step);
        return step;
}

void plan_add(Plan *plan, const StepKind *kind, const PciAddr *addr, void *data) {
        g_assert(plan->state == PLAN_NEW);
        append_step(plan, kind, kind->name, addr)->data = data;
        if (kind->to_json)
                plan->is_journalled = true;
}

void plan_set_forward(Plan *plan) {
        plan->is_forward = true;
}

/* What is written down. */

static json_t *step_to_record(const Step *step) {
        json_t *json = json_pack("{s:s}", "kind", step->name);

        if (step->has_addr)
                json_object_set_new(json, "address", json_string(PCI_ADDR_TEXT(step->addr)));
        if (step->kind && step->kind->to_json)
                json_object_set_new(json, "data", step->kind->to_json(step));
        return json;
}

static int write_begin(Plan *plan, Err *err) {
        json_t *steps = json_array();

        for (size_t i = 0; i < plan->steps->len; i++)
                json_array_append_new(steps, step_to_record(step_at(plan, i)));
        return journal_append_lazily(
                plan->host->journal,
                json_pack("{s:s, s:i, s:s, s:s?, s:s?, s:b, s:o}", "record", "plan", "plan",
                          (int)plan->number, "title", plan->title, "guest", plan->guest, "uuid",
                          plan->uuid, "forward", plan->is_forward, "steps", steps),
                err);
}

static bool is_written(const Step *step) {
        return step->kind && step->kind->to_json;
}

/* No step without its undo on the disk first. */
static int write_intent(const Plan *plan, const Step *step, Err *err) {
        json_t *record;

        if (!is_written(step))
                return 0;
        record = json_pack("{s:s, s:i, s:i, s:o}", "record", "intent", "plan", (int)plan->number,
                           "step", (int)plan->at, "data", step->kind->to_json(step));
        if (step->kind->is_in_journal_only)
                return journal_append_lazily(plan->host->journal, record, err);
        return journal_append(plan->host->journal, record, err);
}

/* A lost record of this kind means that a step is undone or done twice, which every kind allows. */
static void write_mark(const Plan *plan, const char *record, size_t at) {
        if (is_written(step_at(plan, at)))
                journal_append_lazily(plan->host->journal,
                                      json_pack("{s:s, s:i, s:i}", "record", record, "plan",
                                                (int)plan->number, "step", (int)at),
                                      NULL);
}

static int write_end(const Plan *plan, PlanState state, Err *err) {
        if (!plan->is_journalled)
                return 0;
        return journal_append(plan->host->journal,
                              json_pack("{s:s, s:i, s:s}", "record", "end", "plan",
                                        (int)plan->number, "state", plan_state_names[state]),
                              err);
}

/* The engine. advance() is called by the event loop, does one thing, and asks to be called again,
 * so no step runs inside the call of another. */

static void schedule(Plan *plan) {
        sd_event_source_set_enabled(plan->next, SD_EVENT_ONESHOT);
}

static void tell_troubles(Plan *plan) {
        char *hint;

        if (plan->troubles->len == 0)
                return;
        if (!err_is_set(&plan->err))
                fail(&plan->err, VIR_ERR_OPERATION_FAILED, "%s was cut off", plan->title);
        hint = g_strdup_printf("%s%snot undone: %s", plan->err.hint ? plan->err.hint : "",
                               plan->err.hint ? "; " : "", plan->troubles->str);
        g_free(plan->err.hint);
        plan->err.hint = hint;
}

/* Called last in its callers: the callback may free the plan. */
static void finish(Plan *plan, PlanState state) {
        g_auto(Err) err = ERR_INIT;

        tell_troubles(plan);
        write_end(plan, state, NULL);
        plan->state = state;
        plan->next = sd_event_source_disable_unref(plan->next);
        g_clear_pointer(&plan->worker, worker_free);
        err_copy(&err, &plan->err);
        if (plan->host->end)
                plan->host->end(plan, plan->host->userdata);
        if (plan->done)
                plan->done(plan, &err, plan->userdata);
}

static void begin_undo(Plan *plan) {
        plan->state = PLAN_UNDOING;
        plan->at = plan->steps->len;
        schedule(plan);
}

/* One function that cannot be given back is no reason to take the others again. */
static void begin_partial_undo(Plan *plan, PciAddr addr) {
        plan->is_partial = true;
        plan->failed_addr = addr;
        begin_undo(plan);
}

static void end_partial_undo(Plan *plan) {
        for (size_t i = 0; i < plan->steps->len; i++) {
                Step *step = step_at(plan, i);

                if (step->state == STEP_WAITING && step->has_addr &&
                    pci_addr_is_equal(step->addr, plan->failed_addr))
                        step->state = STEP_SKIPPED;
        }
        plan->is_partial = false;
        plan->state = PLAN_RUNNING;
        plan->at = 0; /* what is settled is passed over */
        schedule(plan);
}

static void run_failed(Plan *plan, const Step *step, int r, const Err *err) {
        err_copy(&plan->err, err);
        fail(&plan->err, VIR_ERR_OPERATION_FAILED, "step '%s' of '%s' failed: %s", step->name,
             plan->title, g_strerror(-r));
        if (plan->is_forward && step->has_addr)
                begin_partial_undo(plan, step->addr);
        else
                begin_undo(plan);
}

static void run_ended(Plan *plan, Step *step, int r, const Err *err) {
        if (r < 0) {
                run_failed(plan, step, r, err);
                return;
        }
        step->state = STEP_DONE;
        write_mark(plan, "done", plan->at);
        plan->at++;
        schedule(plan);
}

static void undo_ended(Plan *plan, Step *step, int r, const Err *err) {
        if (r < 0) {
                g_autofree char *text = err_text(err);

                step->state = STEP_NOT_UNDONE;
                g_string_append_printf(plan->troubles, "%s%s", plan->troubles->len ? "; " : "",
                                       *text ? text : g_strerror(-r));
                if (plan->host->undo_failed)
                        plan->host->undo_failed(step, err, plan->host->userdata);
        } else {
                step->state = STEP_UNDONE;
        }
        write_mark(plan, "undone", plan->at - 1);
        plan->at--;
        schedule(plan);
}

static void run_prepared(Plan *plan, Step *step) {
        g_auto(Err) err = ERR_INIT;
        int r = write_intent(plan, step, &err);

        if (r == 0) {
                step->state = STEP_BEGUN;
                r = step->kind->run(step, &err);
        }
        if (r == STEP_PENDING)
                plan->is_pending = true;
        else
                run_ended(plan, step, r, &err);
}

static void prepare_ended(Plan *plan, Step *step, int r, const Err *err) {
        plan->is_preparing = false;
        if (r < 0)
                run_ended(plan, step, r, err);
        else
                run_prepared(plan, step);
}

static void run_step(Plan *plan) {
        g_auto(Err) err = ERR_INIT;
        Step *step = step_at(plan, plan->at);
        int r = 0;

        if (!step->kind || (step->state != STEP_WAITING && step->state != STEP_BEGUN)) {
                plan->at++;
                schedule(plan);
                return;
        }
        plan->is_preparing = true;
        if (step->kind->prepare)
                r = step->kind->prepare(step, &err);
        if (r == STEP_PENDING)
                plan->is_pending = true;
        else
                prepare_ended(plan, step, r, &err);
}

static bool has_to_be_undone(const Plan *plan, const Step *step) {
        if (step->state != STEP_BEGUN && step->state != STEP_DONE)
                return false;
        return !plan->is_partial ||
               (step->has_addr && pci_addr_is_equal(step->addr, plan->failed_addr));
}

static void undo_step(Plan *plan) {
        g_auto(Err) err = ERR_INIT;
        Step *step = step_at(plan, plan->at - 1);
        int r = 0;

        if (!has_to_be_undone(plan, step)) {
                plan->at--;
                schedule(plan);
                return;
        }
        if (step->kind && step->kind->undo)
                r = step->kind->undo(step, &err);
        if (r == STEP_PENDING)
                plan->is_pending = true;
        else
                undo_ended(plan, step, r, &err);
}

static int advance(sd_event_source *source, void *userdata) {
        Plan *plan = userdata;

        if (plan->is_pending || plan->is_waiting)
                return 0;
        if (plan->state == PLAN_RUNNING && plan->is_cancelled)
                begin_undo(plan);
        else if (plan->state == PLAN_RUNNING && plan->at < plan->steps->len)
                run_step(plan);
        else if (plan->state == PLAN_RUNNING)
                finish(plan, err_is_set(&plan->err) ? PLAN_UNDONE : PLAN_DONE);
        else if (plan->at > 0)
                undo_step(plan);
        else if (plan->is_partial)
                end_partial_undo(plan);
        else
                finish(plan, PLAN_UNDONE);
        return 0;
}

static int start(Plan *plan, PlanDone done, void *userdata, Err *err) {
        int r, wait = 0;

        plan->done = done;
        plan->userdata = userdata;
        if (plan->host->begin) {
                wait = plan->host->begin(plan, plan->host->userdata, err);
                if (wait < 0)
                        return wait;
        }
        r = sd_event_add_defer(plan->host->event, &plan->next, advance, plan);
        if (r < 0) {
                if (plan->host->end)
                        plan->host->end(plan, plan->host->userdata);
                return fail_errno(err, r, "cannot run '%s'", plan->title);
        }
        plan->state = PLAN_RUNNING;
        plan->is_waiting = wait == PLAN_WAITS;
        return 0;
}

void plan_go(Plan *plan) {
        g_assert(plan->is_waiting);
        plan->is_waiting = false;
        schedule(plan);
}

int plan_run(Plan *plan, PlanDone done, void *userdata, Err *err) {
        int r;

        g_assert(plan->state == PLAN_NEW);
        if (plan->is_journalled) {
                r = write_begin(plan, err);
                if (r < 0)
                        return r;
        }
        r = start(plan, done, userdata, err);
        if (r < 0)
                write_end(plan, PLAN_UNDONE, NULL);
        return r;
}

int plan_resume(Plan *plan, PlanDone done, void *userdata, Err *err) {
        g_assert(plan->state == PLAN_NEW);
        return start(plan, done, userdata, err);
}

int plan_resume_undo(Plan *plan, PlanDone done, void *userdata, Err *err) {
        g_assert(plan->state == PLAN_NEW);
        plan->is_cancelled = true; /* undone before its first step, as soon as it may */
        return start(plan, done, userdata, err);
}

int plan_close(Plan *plan, PlanState state, Err *err) {
        g_assert(plan->state == PLAN_NEW);
        plan->state = state;
        return write_end(plan, state, err);
}

void plan_cancel(Plan *plan, const Err *err) {
        Step *step;

        if (plan->state != PLAN_RUNNING || plan->is_cancelled)
                return;
        plan->is_cancelled = true;
        err_copy(&plan->err, err);
        fail(&plan->err, VIR_ERR_OPERATION_ABORTED, "%s was cancelled", plan->title);
        if (!plan->is_pending)
                return;
        step = step_at(plan, plan->at);
        if (step->kind->cancel)
                step->kind->cancel(step);
}

void step_finish(Step *step, int r, const Err *err) {
        Plan *plan = step->plan;

        g_assert(plan->is_pending && r <= 0);
        plan->is_pending = false;
        if (plan->is_preparing)
                prepare_ended(plan, step, r, err);
        else if (plan->state == PLAN_RUNNING)
                run_ended(plan, step, r, err);
        else
                undo_ended(plan, step, r, err);
}

/* Who asks. */

unsigned plan_number(const Plan *plan) {
        return plan->number;
}

const char *plan_title(const Plan *plan) {
        return plan->title;
}

const char *plan_guest(const Plan *plan) {
        return plan->guest;
}

const char *plan_uuid(const Plan *plan) {
        return plan->uuid;
}

PlanState plan_state(const Plan *plan) {
        return plan->state;
}

size_t plan_length(const Plan *plan) {
        return plan->steps->len;
}

const Err *plan_error(const Plan *plan) {
        return &plan->err;
}

bool plan_is_forward(const Plan *plan) {
        return plan->is_forward;
}

bool plan_is_begun(const Plan *plan) {
        return plan->is_begun;
}

bool plan_is_complete(const Plan *plan) {
        for (size_t i = 0; i < plan->steps->len; i++)
                if (step_at(plan, i)->kind && step_at(plan, i)->state != STEP_DONE)
                        return false;
        return true;
}

bool plan_concerns(const Plan *plan, PciAddr addr) {
        for (size_t i = 0; i < plan->steps->len; i++)
                if (step_at(plan, i)->has_addr && pci_addr_is_equal(step_at(plan, i)->addr, addr))
                        return true;
        return false;
}

GArray *plan_addrs(const Plan *plan) {
        GArray *addrs = g_array_new(FALSE, FALSE, sizeof(PciAddr));

        for (size_t i = 0; i < plan->steps->len; i++) {
                const Step *step = step_at(plan, i);
                bool is_known = !step->has_addr;

                for (unsigned j = 0; j < addrs->len && !is_known; j++)
                        is_known = pci_addr_is_equal(g_array_index(addrs, PciAddr, j), step->addr);
                if (!is_known)
                        g_array_append_val(addrs, step->addr);
        }
        return addrs;
}

static json_t *step_to_json(const Step *step, size_t number) {
        g_autofree char *text = NULL, *undo = NULL;

        if (step->kind) {
                text = step->kind->describe(step, false);
                undo = step->kind->describe(step, true);
        }
        return json_pack("{s:i, s:s, s:s?, s:s?, s:s?, s:s}", "number", (int)number, "step",
                         step->name, "device", step->has_addr ? PCI_ADDR_TEXT(step->addr) : NULL,
                         "text", text, "undo", undo, "state", step_state_names[step->state]);
}

json_t *plan_to_json(const Plan *plan) {
        json_t *steps = json_array();

        for (size_t i = 0; i < plan->steps->len; i++)
                json_array_append_new(steps, step_to_json(step_at(plan, i), i + 1));
        return json_pack("{s:s, s:s?, s:s, s:o}", "title", plan->title, "guest", plan->guest,
                         "state", plan_state_names[plan->state], "steps", steps);
}

Plan *step_plan(const Step *step) {
        return step->plan;
}

void *step_data(const Step *step) {
        return step->data;
}

const char *step_name(const Step *step) {
        return step->name;
}

const PciAddr *step_addr(const Step *step) {
        return step->has_addr ? &step->addr : NULL;
}

void *plan_host_data(const Plan *plan) {
        return plan->host->userdata;
}

Worker *plan_worker(const Plan *plan) {
        return plan->worker;
}

void plan_set_worker(Plan *plan, Worker *worker) {
        plan->worker = worker;
}

Worker *plan_steal_worker(Plan *plan) {
        return g_steal_pointer(&plan->worker);
}

/* From the journal. */

static int step_from_record(Plan *plan, const json_t *json,
                            const StepKind *(*find)(const char *name), Err *err) {
        const char *name = json_string_value(json_object_get(json, "kind"));
        const char *text = json_string_value(json_object_get(json, "address"));
        const StepKind *kind = name ? find(name) : NULL;
        const json_t *data = json_object_get(json, "data");
        PciAddr addr;
        Step *step;

        if (!name || (text && pci_addr_parse(text, &addr) < 0))
                return fail(err, VIR_ERR_INVALID_ARG, "a step of plan %u is damaged in the journal",
                            plan->number);
        if (!kind || !kind->from_json || !data)
                kind = NULL;
        step = append_step(plan, kind, name, text ? &addr : NULL);
        if (!kind)
                return 0;
        plan->is_journalled = true;
        return kind->from_json(data, &step->data, err);
}

/* The intent has what the step's preparation found out, the plan's own record has not. */
static int replay_intent(Step *step, const json_t *record, Err *err) {
        step->state = STEP_BEGUN;
        step->plan->is_begun = true;
        if (!step->kind)
                return 0;
        if (step->kind->free)
                step->kind->free(step->data);
        step->data = NULL;
        return step->kind->from_json(json_object_get(record, "data"), &step->data, err);
}

static int replay_mark(Plan *plan, const json_t *record, Err *err) {
        const char *name = json_string_value(json_object_get(record, "record"));
        json_int_t at = json_integer_value(json_object_get(record, "step"));
        Step *step;

        if (at < 0 || at >= (json_int_t)plan->steps->len)
                return fail(err, VIR_ERR_INVALID_ARG, "plan %u has no step %lld in the journal",
                            plan->number, (long long)at);
        step = step_at(plan, (size_t)at);
        if (g_strcmp0(name, "intent") == 0)
                return replay_intent(step, record, err);
        if (g_strcmp0(name, "done") == 0)
                step->state = STEP_DONE;
        else if (g_strcmp0(name, "undone") == 0)
                step->state = STEP_UNDONE;
        return 0;
}

int plan_from_records(const PlanHost *host, const json_t *records,
                      const StepKind *(*find)(const char *name), Plan **ret, Err *err) {
        const json_t *head = json_array_get(records, 0), *steps = json_object_get(head, "steps");
        const char *title = json_string_value(json_object_get(head, "title"));
        g_autoptr(Plan) plan = NULL;
        const json_t *json;
        size_t i;
        int r = 0;

        if (!title || !json_is_array(steps))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "a plan of the journal has no title or steps");
        plan = plan_new(host, (unsigned)json_integer_value(json_object_get(head, "plan")), title,
                        json_string_value(json_object_get(head, "guest")),
                        json_string_value(json_object_get(head, "uuid")));
        plan->is_forward = json_is_true(json_object_get(head, "forward"));
        plan->is_journalled = true;
        json_array_foreach(steps, i, json) {
                r = step_from_record(plan, json, find, err);
                if (r < 0)
                        return r;
        }
        json_array_foreach(records, i, json) {
                r = i == 0 ? 0 : replay_mark(plan, json, err);
                if (r < 0)
                        return r;
        }
        *ret = g_steal_pointer(&plan);
        return 0;
}
