/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/plan.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "handover/journal.h"

/* A host that is a line of letters: the step 'x' appends x, its undo removes it from the end. A
 * capital's step is told later, by the loop. */
typedef struct World {
        char *dir, *path;
        sd_event *event;
        Journal *journal;
        PlanHost host;
        GString *line; /* the state of the host */
        char fail_run; /* the letter whose step fails */
        char fail_undo;
        unsigned undo_failures, ends;
        bool is_over;
        char *message;
} World;

typedef struct Letter {
        char c;
        World *world;
        sd_event_source *later;
} Letter;

static World *the_world; /* from_json() has no other way to it */

static World *world_of(const Step *step) {
        return ((Letter *)step_data(step))->world;
}

static int put(Step *step, Err *err) {
        const Letter *letter = step_data(step);

        if (letter->c == letter->world->fail_run)
                return fail(err, VIR_ERR_OPERATION_FAILED, "no %c", letter->c);
        g_string_append_c(letter->world->line, letter->c);
        return 0;
}

static int put_later(sd_event_source *source, void *userdata) {
        Step *step = userdata;
        g_auto(Err) err = ERR_INIT;
        int r = put(step, &err);

        step_finish(step, r, &err);
        return 0;
}

static int letter_run(Step *step, Err *err) {
        Letter *letter = step_data(step);

        if (!g_ascii_isupper(letter->c))
                return put(step, err);
        sd_event_source_disable_unref(letter->later);
        sd_event_add_defer(letter->world->event, &letter->later, put_later, step);
        return STEP_PENDING;
}

/* It looks first: the step may never have taken effect. */
static int letter_undo(Step *step, Err *err) {
        const Letter *letter = step_data(step);
        GString *line = letter->world->line;

        if (letter->c == letter->world->fail_undo)
                return fail(err, VIR_ERR_OPERATION_FAILED, "%c sticks", letter->c);
        if (line->len > 0 && line->str[line->len - 1] == letter->c)
                g_string_truncate(line, line->len - 1);
        return 0;
}

static char *letter_describe(const Step *step, bool undo) {
        return g_strdup_printf("%s %c", undo ? "remove" : "append", ((Letter *)step_data(step))->c);
}

static json_t *letter_to_json(const Step *step) {
        return json_pack("{s:i}", "letter", ((Letter *)step_data(step))->c);
}

static int letter_from_json(const json_t *json, void **ret_data, Err *err) {
        Letter *letter = g_new0(Letter, 1);

        letter->c = (char)json_integer_value(json_object_get(json, "letter"));
        letter->world = the_world;
        *ret_data = letter;
        return 0;
}

static void letter_free(void *data) {
        Letter *letter = data;

        if (letter)
                sd_event_source_disable_unref(letter->later);
        g_free(letter);
}

static const StepKind letter_kind = {
        .name = "letter",
        .run = letter_run,
        .undo = letter_undo,
        .describe = letter_describe,
        .to_json = letter_to_json,
        .from_json = letter_from_json,
        .free = letter_free,
};

static const StepKind *find_kind(const char *name) {
        return strcmp(name, letter_kind.name) == 0 ? &letter_kind : NULL;
}

static void count_undo_failure(Step *step, const Err *err, void *userdata) {
        world_of(step)->undo_failures++;
}

static void count_end(Plan *plan, void *userdata) {
        ((World *)userdata)->ends++;
}

static void ignore_record(const json_t *record, void *userdata) {
}

static int world_setup(void **state) {
        World *world = g_new0(World, 1);

        world->dir = g_dir_make_tmp("test-plan-XXXXXX", NULL);
        world->path = g_build_filename(world->dir, "journal", NULL);
        world->line = g_string_new(NULL);
        assert_int_equal(sd_event_new(&world->event), 0);
        assert_int_equal(
                journal_open(world->path, ignore_record, NULL, &world->journal, NULL, NULL), 0);
        world->host = (PlanHost){
                .event = world->event,
                .journal = world->journal,
                .userdata = world,
                .undo_failed = count_undo_failure,
                .end = count_end,
        };
        *state = the_world = world;
        return 0;
}

static int world_teardown(void **state) {
        World *world = *state;

        journal_free(world->journal);
        sd_event_unref(world->event);
        unlink(world->path);
        rmdir(world->dir);
        g_string_free(world->line, TRUE);
        g_free(world->dir);
        g_free(world->path);
        g_free(world->message);
        g_free(world);
        return 0;
}

static Plan *spell(World *world, const char *letters) {
        Plan *plan = plan_new(&world->host, 1, "spell", "guest1", "uuid1");

        for (; *letters; letters++) {
                Letter *letter = g_new0(Letter, 1);

                letter->c = *letters;
                letter->world = world;
                plan_add(plan, &letter_kind, &(PciAddr){.bus = (uint8_t)*letters}, letter);
        }
        return plan;
}

static void over(Plan *plan, const Err *err, void *userdata) {
        World *world = userdata;

        world->is_over = true;
        g_free(world->message);
        world->message = err_text(err);
}

static void wait_over(World *world) {
        while (!world->is_over)
                assert_true(sd_event_run(world->event, UINT64_MAX) >= 0);
        world->is_over = false;
}

static void run(World *world, Plan *plan) {
        assert_int_equal(plan_run(plan, over, world, NULL), 0);
        wait_over(world);
}

static void steps_run_in_order_and_are_told(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "aBc");
        json_t *all, *json;

        run(world, plan);
        assert_string_equal(world->line->str, "aBc");
        assert_string_equal(world->message, "");
        assert_int_equal(plan_state(plan), PLAN_DONE);
        all = plan_to_json(plan);
        json = json_array_get(json_object_get(all, "steps"), 1);
        assert_string_equal(json_string_value(json_object_get(json, "text")), "append B");
        assert_string_equal(json_string_value(json_object_get(json, "undo")), "remove B");
        assert_string_equal(json_string_value(json_object_get(json, "device")), "0000:42:00.0");
        json_decref(all);
}

static void a_failure_undoes_from_the_end(void **state) {
        World *world = *state;

        for (const char *c = "aBcD"; *c; c++) {
                g_autoptr(Plan) plan = spell(world, "aBcD");
                g_autofree char *message = g_strdup_printf("no %c", *c);

                world->fail_run = *c;
                run(world, plan);
                assert_string_equal(world->line->str, "");
                assert_string_equal(world->message, message);
                assert_int_equal(plan_state(plan), PLAN_UNDONE);
        }
        assert_int_equal(world->ends, 4);
        assert_int_equal(world->undo_failures, 0);
}

static void an_undo_that_fails_is_told_and_the_rest_is_undone(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "abc");

        world->fail_run = 'c';
        world->fail_undo = 'b';
        run(world, plan);
        assert_string_equal(world->message, "no c; not undone: b sticks");
        assert_int_equal(world->undo_failures, 1);
}

static void a_forward_plan_goes_on_with_the_other_functions(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "aBc");

        plan_set_forward(plan);
        world->fail_run = 'B';
        run(world, plan);
        assert_string_equal(world->line->str, "ac");
        assert_string_equal(world->message, "no B");
        assert_int_equal(plan_state(plan), PLAN_UNDONE);
}

static void a_cancelled_plan_ends_with_the_given_error(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "aB");
        g_auto(Err) err = ERR_INIT;

        fail(&err, VIR_ERR_OPERATION_ABORTED, "enough");
        assert_int_equal(plan_run(plan, over, world, NULL), 0);
        while (world->line->len == 0) /* a is done */
                sd_event_run(world->event, UINT64_MAX);
        sd_event_run(world->event, UINT64_MAX); /* B is under way */
        plan_cancel(plan, &err);
        wait_over(world);
        assert_string_equal(world->line->str, "");
        assert_string_equal(world->message, "enough");
}

static void nothing_runs_inside_plan_run(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "a");

        assert_int_equal(plan_run(plan, over, world, NULL), 0);
        assert_string_equal(world->line->str, "");
        assert_false(world->is_over);
        wait_over(world);
}

static int refuse(Plan *plan, void *userdata, Err *err) {
        return fail(err, VIR_ERR_RESOURCE_BUSY, "another one");
}

static void a_refused_plan_runs_nothing(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "a");
        g_auto(Err) err = ERR_INIT;

        world->host.begin = refuse;
        assert_int_equal(plan_run(plan, over, world, &err), -EBUSY);
        assert_string_equal(err.message, "another one");
}

/* Crashes: the plan is cut off after each possible prefix of its journal, in each of the states
 * that the host can be in then, and taken up again. */

static void collect(const json_t *record, void *userdata) {
        json_t *copy = json_deep_copy(record);

        json_array_append_new(userdata, copy);
}

static json_t *records_of(World *world) {
        g_autofree char *data = NULL;
        json_t *records = json_array();
        JournalReport report;
        size_t size = 0;

        assert_int_equal(file_read(world->path, 100000, &data, &size, NULL), 0);
        journal_parse(data, size, collect, records, &report);
        assert_int_equal(report.damaged, 0);
        return records;
}

/* The line as it is when the last of n records is written: after an intent its step may have run.
 */
static void set_line(World *world, const json_t *records, size_t n, bool with_last) {
        static const char letters[] = "aBcD";

        g_string_truncate(world->line, 0);
        for (size_t i = 0; i < n; i++) {
                const json_t *record = json_array_get(records, i);
                const char *name = json_string_value(json_object_get(record, "record"));
                size_t at = (size_t)json_integer_value(json_object_get(record, "step"));

                if (strcmp(name, "done") == 0 ||
                    (strcmp(name, "intent") == 0 && i == n - 1 && with_last))
                        g_string_append_c(world->line, letters[at]);
        }
}

static void take_up(World *world, const json_t *records, size_t n, bool forward) {
        json_t *prefix = json_array();
        g_autoptr(Plan) plan = NULL;

        for (size_t i = 0; i < n; i++)
                json_array_append(prefix, json_array_get(records, i));
        assert_int_equal(plan_from_records(&world->host, prefix, find_kind, &plan, NULL), 0);
        json_decref(prefix);
        assert_string_equal(plan_uuid(plan), "uuid1");
        if (forward)
                assert_int_equal(plan_resume(plan, over, world, NULL), 0);
        else
                assert_int_equal(plan_resume_undo(plan, over, world, NULL), 0);
        wait_over(world);
}

static void a_plan_cut_off_anywhere_can_be_undone(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "aBcD");
        json_t *records;

        run(world, plan);
        records = records_of(world);
        assert_int_equal(json_array_size(records), 10); /* plan, 4 × (intent, done), end */
        for (size_t n = 1; n < 10; n++)
                for (int with_last = 0; with_last < 2; with_last++) {
                        set_line(world, records, n, with_last);
                        take_up(world, records, n, false);
                        assert_string_equal(world->line->str, "");
                }
        json_decref(records);
}

static void a_plan_cut_off_anywhere_can_be_finished(void **state) {
        World *world = *state;
        g_autoptr(Plan) plan = spell(world, "aBcD");
        json_t *records;

        plan_set_forward(plan);
        run(world, plan);
        records = records_of(world);
        for (size_t n = 1; n < 10; n++) {
                set_line(world, records, n, false);
                take_up(world, records, n, true);
                assert_string_equal(world->line->str, "aBcD");
        }
        json_decref(records);
}

static void damaged_records_are_refused(void **state) {
        static const char *const bad[] = {
                "[]",
                "[{}]",
                "[{\"title\": \"t\", \"steps\": [{}]}]",
                "[{\"title\": \"t\", \"steps\": [{\"kind\": \"x\", \"address\": \"y\"}]}]",
                "[{\"title\": \"t\", \"steps\": []}, {\"record\": \"intent\", \"step\": 0}]",
                "[{\"title\": \"t\", \"steps\": []}, {\"record\": \"done\", \"step\": -1}]",
        };
        World *world = *state;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                json_t *records = json_loads(bad[i], 0, NULL);
                g_auto(Err) err = ERR_INIT;
                Plan *plan = NULL;

                assert_int_equal(plan_from_records(&world->host, records, find_kind, &plan, &err),
                                 -EINVAL);
                assert_true(err_is_set(&err));
                json_decref(records);
        }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
        const struct CMUnitTest tests[] = {
                TEST(steps_run_in_order_and_are_told),
                TEST(a_failure_undoes_from_the_end),
                TEST(an_undo_that_fails_is_told_and_the_rest_is_undone),
                TEST(a_forward_plan_goes_on_with_the_other_functions),
                TEST(a_cancelled_plan_ends_with_the_given_error),
                TEST(nothing_runs_inside_plan_run),
                TEST(a_refused_plan_runs_nothing),
                TEST(a_plan_cut_off_anywhere_can_be_undone),
                TEST(a_plan_cut_off_anywhere_can_be_finished),
                TEST(damaged_records_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
