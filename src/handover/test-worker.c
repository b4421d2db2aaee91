/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

typedef struct Place {
        char *dir, *lock;
        Sys *sys;
        sd_event *event;
        int results[4];
        unsigned n_results;
} Place;

static int place_setup(void **state) {
        Place *place = g_new0(Place, 1);
        g_autofree char *file = NULL, *fifo = NULL;

        place->dir = g_dir_make_tmp("test-worker-XXXXXX", NULL);
        place->lock = g_build_filename(place->dir, "lock", NULL);
        file = g_build_filename(place->dir, "file", NULL);
        fifo = g_build_filename(place->dir, "fifo", NULL);
        g_file_set_contents(file, "", 0, NULL);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(sys_new(place->dir, &place->sys), 0);
        assert_int_equal(sd_event_new(&place->event), 0);
        *state = place;
        return 0;
}

static int place_teardown(void **state) {
        static const char *const names[] = {"file", "fifo", "lock"};
        Place *place = *state;

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(place->dir, names[i], NULL);

                unlink(path);
        }
        rmdir(place->dir);
        sys_free(place->sys);
        sd_event_unref(place->event);
        g_free(place->dir);
        g_free(place->lock);
        g_free(place);
        return 0;
}

static void note_result(Worker *worker, int r, void *userdata) {
        Place *place = userdata;

        place->results[place->n_results++] = r;
}

static void wait_results(Place *place, unsigned n) {
        while (place->n_results < n)
                assert_true(sd_event_run(place->event, UINT64_MAX) >= 0);
}

static Worker *start(Place *place) {
        Worker *worker = NULL;

        assert_int_equal(
                worker_new(place->event, place->sys, &worker_ops_live, place->lock, &worker, NULL),
                0);
        return worker;
}

static void a_write_is_made_and_its_error_comes_back(void **state) {
        Place *place = *state;
        g_autoptr(Worker) worker = start(place);
        g_autofree char *text = NULL;

        assert_int_equal(worker_write(worker, "file", "0000:01:00.0", note_result, place), 0);
        assert_int_equal(worker_write(worker, "file", "second", note_result, place), -EBUSY);
        wait_results(place, 1);
        assert_int_equal(place->results[0], 0);
        assert_int_equal(sys_read_text(place->sys, "file", &text), 0);
        assert_string_equal(text, "0000:01:00.0");
        assert_int_equal(worker_write(worker, "absent", "x", note_result, place), 0);
        wait_results(place, 2);
        assert_int_equal(place->results[1], -ENOENT);
}

static int make_file(sd_event_source *source, uint64_t usec, void *userdata) {
        assert_true(g_file_set_contents(userdata, "", 0, NULL));
        return 0;
}

/* The driver's directory is there before its file unbind is. */
static void a_driver_that_is_being_loaded_is_waited_for(void **state) {
        Place *place = *state;
        g_autoptr(Worker) worker = start(place);
        g_autofree char *dir = g_build_filename(place->dir, "driver", NULL);
        g_autofree char *file = g_build_filename(dir, "unbind", NULL);

        assert_int_equal(mkdir(dir, 0700), 0);
        assert_int_equal(worker_write(worker, "driver/unbind", "x", note_result, place), 0);
        assert_true(sd_event_add_time_relative(place->event, NULL, CLOCK_MONOTONIC, 200000, 0,
                                               make_file, file) >= 0);
        wait_results(place, 1);
        assert_int_equal(place->results[0], 0);
        unlink(file);
        rmdir(dir);
        assert_int_equal(worker_write(worker, "driver/unbind", "x", note_result, place), 0);
        wait_results(place, 2);
        assert_int_equal(place->results[1], -ENOENT);
}

/* A fifo that nobody reads is as patient as an unbind of a device in use. */
static void a_late_write_is_told_and_watched_to_its_end(void **state) {
        Place *place = *state;
        g_autoptr(Worker) worker = start(place);
        _cleanup_(closep) int reader = -1;

        worker_set_deadline(worker, 50000);
        assert_int_equal(worker_write(worker, "fifo", "x", note_result, place), 0);
        wait_results(place, 1);
        assert_int_equal(place->results[0], -ETIMEDOUT);
        assert_true(worker_is_stuck(worker));
        assert_int_equal(worker_write(worker, "file", "x", note_result, place), -EBUSY);
        worker_watch(worker, note_result, place);
        reader = sys_open(place->sys, "fifo", O_RDONLY | O_NONBLOCK);
        assert_true(reader >= 0);
        wait_results(place, 2);
        assert_int_equal(place->results[1], 0);
        assert_false(worker_is_stuck(worker));
}

static void a_dead_worker_is_an_answer_too(void **state) {
        Place *place = *state;
        g_autoptr(Worker) worker = start(place);

        assert_int_equal(worker_write(worker, "fifo", "x", note_result, place), 0);
        kill(worker_pid(worker), SIGKILL);
        wait_results(place, 1);
        assert_int_equal(place->results[0], -EPIPE);
}

static void a_worker_inherits_no_descriptor(void **state) {
        Place *place = *state;
        int pipes[2];
        char c;

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        g_autoptr(Worker) worker = start(place);
        assert_int_equal(worker_write(worker, "file", "x", note_result, place), 0);
        wait_results(place, 1);
        close(pipes[1]);
        assert_int_equal(read(pipes[0], &c, 1), 0); /* the worker has no copy of the other end */
        close(pipes[0]);
}

static void the_next_daemon_waits_for_the_last_ones_worker(void **state) {
        Place *place = *state;
        g_autoptr(Worker) last = start(place), next = NULL;
        _cleanup_(closep) int reader = -1;

        assert_int_equal(worker_write(last, "file", "x", note_result, place), 0);
        wait_results(place, 1); /* it has its lock */
        assert_int_equal(worker_write(last, "fifo", "x", note_result, place), 0);
        g_clear_pointer(&last, worker_free);
        next = start(place);
        worker_set_deadline(next, 50000);
        assert_int_equal(worker_wait_others(next, note_result, place), 0);
        wait_results(place, 2);
        assert_int_equal(place->results[1], -ETIMEDOUT);
        worker_watch(next, note_result, place);
        reader = sys_open(place->sys, "fifo", O_RDONLY | O_NONBLOCK);
        assert_true(reader >= 0);
        wait_results(place, 3);
        assert_int_equal(place->results[2], 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_write_is_made_and_its_error_comes_back),
                TEST(a_driver_that_is_being_loaded_is_waited_for),
                TEST(a_late_write_is_told_and_watched_to_its_end),
                TEST(a_dead_worker_is_an_answer_too),
                TEST(a_worker_inherits_no_descriptor),
                TEST(the_next_daemon_waits_for_the_last_ones_worker),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
