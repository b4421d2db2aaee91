/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/test.h"
#include "handover/modprobe.h"
#include "pci/test-host.h"

static char *const all[] = {NULL};

static void put(const TestHost *host, const char *path, const char *text) {
        test_host_put(host, path, text, strlen(text));
}

static Doctor *doctor_of(const TestHost *host, char *const *names) {
        g_auto(Err) err = ERR_INIT;
        Doctor *doctor = NULL;

        assert_int_equal(doctor_new(host->root, &doctor, &err), 0);
        assert_int_equal(doctor_run(doctor, names, &err), 0);
        return doctor;
}

static const DoctorFinding *finding_of(const Doctor *doctor, const char *name) {
        size_t n;
        const DoctorFinding *const *findings = doctor_findings(doctor, &n);

        for (size_t i = 0; i < n; i++)
                if (strcmp(findings[i]->check->name, name) == 0)
                        return findings[i];
        return NULL;
}

/* On a host of which nothing can be read, nothing is well but what absence itself shows. */
static void an_unreadable_host_is_not_called_well(void **state) {
        g_autoptr(TestHost) host = test_host_new_empty();
        g_autoptr(Doctor) doctor = doctor_of(host, all);
        static const char *const unknown[] = {
                "cpu-virtualization", "kvm",     "iommu-firmware",
                "secure-boot",        "cmdline", "cmdline-next",
                "acs-override",       "iommu",   "vfio-module",
                "vfio-nodes",         "memlock", "cgroup",
                "hugepages",          "lsm",     "device",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++)
                assert_int_equal(finding_of(doctor, unknown[i])->verdict, DOCTOR_SKIPPED);
}

static void every_check_tells_something(void **state) {
        g_auto(GStrv) hosts = test_host_list();
        size_t n;
        const DoctorCheck *checks = doctor_checks(&n);

        for (char **name = hosts; *name; name++) {
                g_autoptr(TestHost) host = test_host_new(*name);
                g_autoptr(Doctor) doctor = doctor_of(host, all);

                for (size_t i = 0; i < n; i++)
                        assert_non_null(finding_of(doctor, checks[i].name));
        }
}

static void only_named_checks_are_run(void **state) {
        g_autoptr(TestHost) host = test_host_new("guide");
        char *names[] = {(char[]){"groups"}, (char[]){"iommu"}, NULL};
        char *wrong[] = {(char[]){"groups"}, (char[]){"group"}, NULL};
        g_autoptr(Doctor) doctor = doctor_of(host, names);
        g_auto(Err) err = ERR_INIT;

        assert_non_null(finding_of(doctor, "groups"));
        assert_non_null(finding_of(doctor, "iommu"));
        assert_null(finding_of(doctor, "device"));
        assert_true(doctor_run(doctor, wrong, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_INVALID_ARG);
        assert_non_null(strstr(err.hint, "--list"));
}

/* What a file says must not draw a second line, or speak to the terminal. */
static void a_line_of_the_report_stays_one_line(void **state) {
        g_autoptr(TestHost) host = test_host_new_empty();
        char *names[] = {(char[]){"cmdline"}, NULL};
        g_autoptr(Doctor) doctor = NULL;
        g_autofree char *text = NULL;

        put(host, "proc/cmdline", "iommu=pt\x1b[31m\xc2\x9b\xff\tvfio\r\n");
        doctor = doctor_of(host, names);
        text = doctor_text(doctor, false);
        assert_null(strchr(text, '\x1b'));
        assert_null(strchr(text, '\r'));
        assert_null(strstr(text, "\xc2\x9b"));
        assert_true(g_utf8_validate(text, -1, NULL));
        assert_non_null(strstr(text, "ok       cmdline "));
}

/* The node of a group is the device itself. */
static void a_node_that_anybody_can_open_is_told(void **state) {
        g_autoptr(TestHost) host = test_host_new("server");
        char *names[] = {(char[]){"vfio-nodes"}, NULL};
        g_autoptr(Doctor) missing = NULL, well = NULL, open_to_all = NULL;
        g_autofree char *group = NULL, *node = NULL, *full = NULL;

        assert_int_equal(sys_readlink_name(host->sys,
                                           "sys/bus/pci/devices/0000:3b:02.1/iommu_group", &group),
                         0);
        node = g_build_filename("dev/vfio", group, NULL);
        full = g_build_filename(host->root, node, NULL);
        put(host, "dev/vfio/vfio", "");
        missing = doctor_of(host, names);
        assert_int_equal(finding_of(missing, "vfio-nodes")->verdict, DOCTOR_FAIL);
        put(host, node, "");
        well = doctor_of(host, names);
        assert_int_equal(finding_of(well, "vfio-nodes")->verdict, DOCTOR_OK);
        assert_int_equal(chmod(full, 0666), 0);
        open_to_all = doctor_of(host, names);
        assert_int_equal(finding_of(open_to_all, "vfio-nodes")->verdict, DOCTOR_WARN);
}

static void modprobe_files_hide_those_of_the_vendor(void **state) {
        g_autoptr(TestHost) host = test_host_new_empty();
        g_autoptr(GPtrArray) lines = NULL;
        const ModprobeLine *line;
        unsigned pos = 0;
        int r;

        put(host, "usr/lib/modprobe.d/vfio.conf", "options vfio-pci ids=1:1\n");
        put(host, "etc/modprobe.d/vfio.conf",
            "# options vfio-pci ids=2:2\n"
            "options  vfio_pci \\\n\tids=3:3\r\n");
        put(host, "etc/modprobe.d/readme", "options vfio-pci ids=4:4\n");
        lines = modprobe_load(host->sys, &r);
        assert_int_equal(r, 0);
        line = modprobe_next(lines, "options", "vfio-pci", &pos);
        assert_non_null(line);
        assert_string_equal(line->words[2], "ids=3:3");
        assert_null(line->words[3]);
        assert_null(modprobe_next(lines, "options", "vfio-pci", &pos));
}

static void a_module_is_found_where_the_kernel_lists_it(void **state) {
        g_autoptr(TestHost) host = test_host_new_empty();

        assert_int_equal(module_state(host->sys, "6.1", "vfio_pci"), MODULE_UNKNOWN);
        put(host, "lib/modules/6.1/modules.dep",
            "kernel/drivers/vfio/pci/vfio-pci-core.ko.xz: a.ko\nkernel/a/vfio.ko:\n");
        assert_int_equal(module_state(host->sys, "6.1", "vfio_pci"), MODULE_ABSENT);
        assert_int_equal(module_state(host->sys, "6.1", "vfio_pci_core"), MODULE_FILE);
        put(host, "lib/modules/6.1/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n");
        assert_int_equal(module_state(host->sys, "6.1", "vfio_pci"), MODULE_BUILTIN);
        put(host, "sys/module/vfio/refcnt", "1\n");
        assert_int_equal(module_state(host->sys, "6.1", "vfio"), MODULE_LOADED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_unreadable_host_is_not_called_well),
                cmocka_unit_test(every_check_tells_something),
                cmocka_unit_test(only_named_checks_are_run),
                cmocka_unit_test(a_line_of_the_report_stays_one_line),
                cmocka_unit_test(a_node_that_anybody_can_open_is_told),
                cmocka_unit_test(modprobe_files_hide_those_of_the_vendor),
                cmocka_unit_test(a_module_is_found_where_the_kernel_lists_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
