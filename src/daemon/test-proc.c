/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/proc.h"

#include "base/test.h"

#include <glib/gstdio.h>
#include <unistd.h>

typedef struct Fixture {
        char *root;
        Sys *sys;
} Fixture;

static char *put(const Fixture *f, const char *path, const void *data, size_t size) {
        g_autofree char *full = g_build_filename(f->root, path, NULL);
        g_autofree char *dir = g_path_get_dirname(full);

        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        assert_true(g_file_set_contents(full, data, (gssize)size, NULL));
        return g_steal_pointer(&full);
}

static void put_text(const Fixture *f, const char *path, const char *text) {
        g_free(put(f, path, text, strlen(text)));
}

static int setup(void **state) {
        Fixture *f = g_new0(Fixture, 1);

        f->root = g_dir_make_tmp("airlock-proc-XXXXXX", NULL);
        assert_int_equal(sys_new(f->root, &f->sys), 0);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", f->root);

        sys_free(f->sys);
        assert_int_equal(system(command), 0);
        g_free(f->root);
        g_free(f);
        return 0;
}

/* The name of a thread may have spaces and parentheses. */
#define STAT(state)                                                                       \
        "7 (CPU 0) (TCG) " state " 1 7 7 0 -1 4194304 1 0 0 0 300 200 0 0 20 0 5 0 9 8 7" \
        " 6 5 4 3 2 1 0 0 0 0 0 0 0 17 3 0 0\n"

static void the_times_of_a_thread_are_read(void **state) {
        const Fixture *f = *state;
        uint64_t tick = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
        ProcTask task;

        put_text(f, "proc/7/task/9/stat", STAT("S"));
        put_text(f, "proc/7/task/9/schedstat", "100 200 3\n");
        put_text(f, "proc/7/task/9/sched", "x\nse.statistics.wait_sum  :  1.500000\n");
        task = proc_read_task(f->sys, 7, 9);
        assert_int_equal(task.state, 'S');
        assert_int_equal(task.user, 300 * tick);
        assert_int_equal(task.system, 200 * tick);
        assert_int_equal(task.cpu, 3);
        assert_int_equal(task.delay, 200);
        assert_int_equal(task.wait, 1500000);
}

static void a_thread_that_has_gone_is_nothing(void **state) {
        const Fixture *f = *state;
        ProcTask task = proc_read_task(f->sys, 7, 0);

        assert_int_equal(task.state, 0);
        assert_int_equal(task.user + task.system, 0);
        put_text(f, "proc/8/stat", "8 (x)");
        assert_int_equal(proc_read_task(f->sys, 8, 0).state, 0);
        assert_int_equal(proc_read_rss(f->sys, 7), 0);
}

static void resident_memory_is_in_kib(void **state) {
        const Fixture *f = *state;

        put_text(f, "proc/7/statm", "1000 25 3 4 0 6 0\n");
        assert_int_equal(proc_read_rss(f->sys, 7), 25 * sysconf(_SC_PAGESIZE) / 1024);
}

static void the_counters_of_a_device_are_read(void **state) {
        const Fixture *f = *state;
        ProcNet net;

        put_text(f, "proc/net/dev",
                 "Inter-|   Receive  |  Transmit\n face |bytes\n"
                 " vnet1: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
                 "vnet10:1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
        assert_int_equal(proc_read_net(f->sys, "vnet10", &net), 0);
        assert_int_equal(net.rx_bytes, 1);
        assert_int_equal(net.rx_drops, 4);
        assert_int_equal(net.tx_bytes, 5);
        assert_int_equal(net.tx_drops, 8);
        assert_int_equal(proc_read_net(f->sys, "vnet", &net), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_times_of_a_thread_are_read, setup, teardown),
                cmocka_unit_test_setup_teardown(a_thread_that_has_gone_is_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(resident_memory_is_in_kib, setup, teardown),
                cmocka_unit_test_setup_teardown(the_counters_of_a_device_are_read, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
