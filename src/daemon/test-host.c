/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/host.h"

#include "base/test.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* A host made of files. */
typedef struct Fixture {
        char *root;
        Sys *sys;
} Fixture;

static void put(const Fixture *f, const char *path, const char *text) {
        g_autofree char *full = g_build_filename(f->root, path, NULL);
        g_autofree char *dir = g_path_get_dirname(full);

        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void put_cpu(const Fixture *f, unsigned cpu, const char *package, const char *core) {
        g_autofree char *dir = g_strdup_printf("sys/devices/system/cpu/cpu%u/topology/", cpu);
        g_autofree char *package_path = g_strconcat(dir, "physical_package_id", NULL);
        g_autofree char *core_path = g_strconcat(dir, "core_id", NULL);

        put(f, package_path, package);
        put(f, core_path, core);
}

static int setup(void **state) {
        Fixture *f = g_new0(Fixture, 1);

        f->root = g_dir_make_tmp("airlock-host-XXXXXX", NULL);
        assert_int_equal(sys_new(f->root, &f->sys), 0);
        put(f, "proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2100.731\n");
        put(f, "proc/meminfo", "MemTotal:       16000 kB\nMemFree:         4000 kB\n");
        put(f, "proc/stat", "cpu  10 1 5 100 7 2 3 0 0 0\ncpu0 4 0 1 50 3 0 0 0 0 0\nintr 9\n");
        *state = f;
        return 0;
}

static void remove_tree(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                remove_tree(child);
        }
        g_remove(path);
}

static int teardown(void **state) {
        Fixture *f = *state;

        sys_free(f->sys);
        remove_tree(f->root);
        g_free(f->root);
        g_free(f);
        return 0;
}

static void processors_multiply_to_their_number(void **state) {
        Fixture *f = *state;
        HostTopology topology;

        put(f, "sys/devices/system/cpu/online", "0-7\n");
        put(f, "sys/devices/system/node/node0/meminfo", "Node 0 MemFree: 1 kB\n");
        put(f, "sys/devices/system/node/node1/meminfo", "Node 1 MemFree: 1 kB\n");
        for (unsigned cpu = 0; cpu < 8; cpu++)
                put_cpu(f, cpu, cpu & 4 ? "1" : "0", cpu & 2 ? "1" : "0");
        assert_int_equal(host_topology_load(f->sys, &topology, NULL), 0);
        assert_int_equal(topology.cpus, 8);
        assert_int_equal(topology.nodes, 2);
        assert_int_equal(topology.sockets, 1);
        assert_int_equal(topology.cores, 2);
        assert_int_equal(topology.threads, 2);
        assert_int_equal(topology.mhz, 2100);
}

static void an_irregular_host_is_shown_flat(void **state) {
        Fixture *f = *state;
        HostTopology topology;

        put(f, "sys/devices/system/cpu/online", "0-1,4\n");
        put_cpu(f, 0, "0", "0");
        put_cpu(f, 1, "0", "0");
        put_cpu(f, 4, "0", "1");
        assert_int_equal(host_topology_load(f->sys, &topology, NULL), 0);
        assert_int_equal(topology.cpus, 3);
        assert_int_equal(topology.nodes * topology.sockets * topology.threads, 1);
        assert_int_equal(topology.cores, 3);
}

static void a_list_of_processors_that_is_none_is_refused(void **state) {
        static const char *const bad[] = {"a", "1-", "-1", "3-x", "99999999"};
        Fixture *f = *state;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GByteArray) map = NULL;
                g_auto(Err) err = ERR_INIT;

                put(f, "sys/devices/system/cpu/online", bad[i]);
                assert_true(host_cpu_map(f->sys, "online", &map, &err) < 0);
                assert_non_null(err.message);
        }
}

static void maps_have_the_lowest_bit_first(void **state) {
        Fixture *f = *state;
        g_autoptr(GByteArray) map = NULL;

        put(f, "sys/devices/system/cpu/present", "0,2-3,9\n");
        assert_int_equal(host_cpu_map(f->sys, "present", &map, NULL), 0);
        assert_int_equal(map->len, 2);
        assert_int_equal(map->data[0], 0x0d);
        assert_int_equal(map->data[1], 0x02);
}

static void memory_is_found_by_the_name_of_its_line(void **state) {
        Fixture *f = *state;
        uint64_t kib;

        assert_int_equal(host_memory(f->sys, -1, "MemTotal", &kib, NULL), 0);
        assert_int_equal(kib, 16000);
        assert_int_equal(host_memory(f->sys, -1, "MemFree", &kib, NULL), 0);
        assert_int_equal(kib, 4000);
        assert_true(host_memory(f->sys, -1, "Buffers", &kib, NULL) < 0);
        assert_true(host_memory(f->sys, 3, "MemFree", &kib, NULL) < 0);
        put(f, "sys/devices/system/node/node3/meminfo", "Node 3 MemFree:     12 kB\n");
        assert_int_equal(host_memory(f->sys, 3, "MemFree", &kib, NULL), 0);
        assert_int_equal(kib, 12);
}

static void processor_time_is_in_nanoseconds(void **state) {
        const uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
        Fixture *f = *state;
        HostCpuTime time;

        assert_int_equal(host_cpu_time(f->sys, -1, &time, NULL), 0);
        assert_int_equal(time.user, 11 * tick);
        assert_int_equal(time.kernel, 10 * tick);
        assert_int_equal(time.idle, 100 * tick);
        assert_int_equal(time.iowait, 7 * tick);
        assert_int_equal(host_cpu_time(f->sys, 0, &time, NULL), 0);
        assert_int_equal(time.user, 4 * tick);
        assert_true(host_cpu_time(f->sys, 1, &time, NULL) < 0);
}

static void pages_are_counted_by_size_and_node(void **state) {
        Fixture *f = *state;
        g_autoptr(GArray) nodes = NULL;
        g_autoptr(GArray) sizes = NULL;
        g_autofree char *path = NULL;
        uint64_t n;

        put(f, "sys/devices/system/node/node10/meminfo", "Node 10 MemFree:  800 kB\n");
        put(f, "sys/devices/system/node/node2/hugepages/hugepages-2048kB/free_hugepages", "3\n");
        put(f, "sys/devices/system/node/node2/hugepages/hugepages-2048kB/nr_hugepages", "7\n");
        put(f, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "9\n");
        nodes = host_nodes(f->sys);
        assert_int_equal(nodes->len, 2);
        assert_int_equal(g_array_index(nodes, int, 1), 10);
        sizes = host_page_sizes(f->sys);
        assert_int_equal(sizes->len, 2);
        assert_int_equal(g_array_index(sizes, unsigned, 1), 2048);
        assert_int_equal(host_pages(f->sys, 2, 2048, HOST_PAGES_FREE, &n, NULL), 0);
        assert_int_equal(n, 3);
        assert_int_equal(host_pages(f->sys, -1, 2048, HOST_PAGES_ALL, &n, NULL), 0);
        assert_int_equal(n, 9);
        assert_int_equal(host_pages(f->sys, 10, 4, HOST_PAGES_FREE, &n, NULL), 0);
        assert_int_equal(n, 200);
        assert_true(host_pages(f->sys, 2, 7, HOST_PAGES_FREE, &n, NULL) < 0);
        assert_true(host_pages_path(f->sys, 2, 4, &path, NULL) < 0);
        assert_int_equal(host_pages_path(f->sys, 2, 2048, &path, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(processors_multiply_to_their_number),
                TEST(an_irregular_host_is_shown_flat),
                TEST(a_list_of_processors_that_is_none_is_refused),
                TEST(maps_have_the_lowest_bit_first),
                TEST(memory_is_found_by_the_name_of_its_line),
                TEST(processor_time_is_in_nanoseconds),
                TEST(pages_are_counted_by_size_and_node),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
