/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/apply.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "pci/test-host.h"
#include "prepare/bootconf.h"
#include "prepare/prepare.h"
#include "prepare/trial.h"

#define DEFAULTS "etc/default/grub"
#define BEFORE   "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX=\"quiet\"\n"
#define AFTER    "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX=\"quiet intel_iommu=on\"\n"
#define MODULES  "etc/modules-load.d/airlock.conf"

/* More steps than a run has. */
#define STEPS_MAX 32

static void put(const TestHost *host, const char *path, const char *text) {
        test_host_put(host, path, text, strlen(text));
}

/* A host with GRUB; its grub-mkconfig copies the defaults, so that it is seen when it ran. */
static int host_setup(void **state) {
        TestHost *host = test_host_new_empty();

        put(host, "proc/cpuinfo", "vendor_id : GenuineIntel\n");
        put(host, "usr/sbin/grub2-mkconfig", "");
        put(host, DEFAULTS, BEFORE);
        put(host, "boot/grub2/grub.cfg", BEFORE);
        *state = host;
        return 0;
}

static int host_teardown(void **state) {
        test_host_free(*state);
        return 0;
}

static char *read_file(const TestHost *host, const char *path) {
        char *text = NULL;

        return sys_read(host->sys, path, &text, NULL) == 0 ? text : NULL;
}

static void expect_file(const TestHost *host, const char *path, const char *expected) {
        g_autofree char *text = read_file(host, path);

        if (!expected) {
                assert_null(text);
                return;
        }
        assert_non_null(text);
        assert_string_equal(text, expected);
}

/* The context of a run: which step kills the process (0: none), and how far it is. */
typedef struct Stage {
        const TestHost *host;
        unsigned die_at, step;
        bool fail_command;
} Stage;

static void count_step(const char *what, void *userdata) {
        Stage *stage = userdata;

        if (++stage->step == stage->die_at)
                raise(SIGKILL);
}

static int make_config(char *const *command, void *userdata, Err *err) {
        Stage *stage = userdata;
        g_autofree char *text = read_file(stage->host, DEFAULTS);

        assert_string_equal(command[0], "grub2-mkconfig");
        if (stage->fail_command)
                return fail(err, VIR_ERR_OPERATION_FAILED, "no room");
        put(stage->host, "boot/grub2/grub.cfg", text);
        return 0;
}

static ApplyHost apply_host(Stage *stage) {
        return (ApplyHost){
                .root = stage->host->root,
                .sys = stage->host->sys,
                .run = make_config,
                .done = count_step,
                .userdata = stage,
        };
}

static int prepare_once(Stage *stage, Err *err) {
        static const PrepareWish wish = {.iommu = true, .vendor = "auto"};
        g_autoptr(PreparePlan) plan = NULL;
        ApplyHost host = apply_host(stage);
        int r = prepare_plan(stage->host->sys, &wish, &plan, err);

        return r < 0 ? r
                     : apply_edits(&host, PREPARE_RECORD, &plan->edits, plan->commands, NULL, err);
}

static int undo_once(Stage *stage, Err *err) {
        g_auto(Edits) edits = {};
        g_autoptr(Record) record = NULL;
        g_autofree char *conflicts = NULL;
        ApplyHost host = apply_host(stage);
        int r;

        edits_init(&edits, stage->host->sys);
        r = apply_plan_undo(&host, PREPARE_RECORD, &edits, &record, &conflicts, err);
        return r < 0 ? r : apply_undo(&host, PREPARE_RECORD, record, err);
}

/* Runs func in a process that is killed at that step. False when it came to its end before. */
static bool dies_at(const TestHost *host, unsigned step, int (*func)(Stage *, Err *)) {
        Stage stage = {.host = host, .die_at = step};
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(func(&stage, NULL) < 0 ? 1 : 0);
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status))
                return true;
        assert_int_equal(WEXITSTATUS(status), 0);
        return false;
}

/* Each file is whole: as before or as after. */
static void expect_bootable(const TestHost *host) {
        static const char *const files[] = {DEFAULTS, "boot/grub2/grub.cfg"};

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *text = read_file(host, files[i]);

                assert_non_null(text);
                assert_true(g_str_equal(text, BEFORE) || g_str_equal(text, AFTER));
        }
}

static void expect_as_before(const TestHost *host) {
        expect_file(host, DEFAULTS, BEFORE);
        expect_file(host, "boot/grub2/grub.cfg", BEFORE);
        expect_file(host, MODULES, NULL);
        expect_file(host, RECORD_DIR "/state.json", NULL);
}

static void expect_prepared(const TestHost *host) {
        expect_file(host, DEFAULTS, AFTER);
        expect_file(host, "boot/grub2/grub.cfg", AFTER);
}

static void a_run_killed_anywhere_is_finished_by_the_next(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host};
        unsigned step = 1;

        for (; step < STEPS_MAX && dies_at(host, step, prepare_once); step++) {
                expect_bootable(host);
                assert_int_equal(prepare_once(&stage, NULL), 0);
                expect_prepared(host);
                assert_int_equal(undo_once(&stage, NULL), 0);
                expect_as_before(host);
        }
        /* The record, two files, one command. */
        assert_int_equal(step, 5);
}

static void a_run_killed_anywhere_can_be_undone(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host};

        for (unsigned step = 1; step < STEPS_MAX && dies_at(host, step, prepare_once); step++) {
                expect_bootable(host);
                assert_int_equal(undo_once(&stage, NULL), 0);
                expect_as_before(host);
        }
}

static void an_undo_killed_anywhere_is_finished_by_the_next(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host};
        unsigned step = 1;

        for (;; step++) {
                assert_int_equal(prepare_once(&stage, NULL), 0);
                if (!dies_at(host, step, undo_once))
                        break;
                expect_bootable(host);
                assert_int_equal(undo_once(&stage, NULL), 0);
                expect_as_before(host);
        }
        assert_int_equal(step, 5);
        expect_as_before(host);
}

static void after_a_cut_off_undo_a_run_has_to_wait(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host};
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(prepare_once(&stage, NULL), 0);
        assert_true(dies_at(host, 2, undo_once));
        assert_true(prepare_once(&stage, &err) < 0);
        assert_non_null(strstr(err.hint, "--undo"));
        assert_int_equal(undo_once(&stage, NULL), 0);
        expect_as_before(host);
}

static void a_command_that_fails_leaves_all_as_before(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host, .fail_command = true};
        g_auto(Err) err = ERR_INIT;

        assert_true(prepare_once(&stage, &err) < 0);
        assert_non_null(strstr(err.hint, "all files are as they were"));
        assert_non_null(strstr(err.hint, "grub2-mkconfig -o /boot/grub2/grub.cfg"));
        expect_as_before(host);
}

/* The last file cannot be made, and cannot be taken away either. */
static void what_was_never_written_does_not_stop_the_way_back(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host};
        g_auto(Err) err = ERR_INIT;

        put(host, "etc/modules-load.d", "no directory");
        assert_true(prepare_once(&stage, &err) < 0);
        assert_string_equal(err.hint, "all files are as they were");
        expect_file(host, DEFAULTS, BEFORE);
        expect_file(host, RECORD_DIR "/state.json", NULL);
}

/* A file can be no longer than 100 bytes: the first that is becomes the full disk. */
static void a_full_disk_leaves_all_as_before(void **state) {
        const TestHost *host = *state;
        Stage stage = {.host = host};
        struct rlimit old, small = {100, RLIM_INFINITY};
        g_autofree char *long_text = g_strdup_printf(BEFORE "#%0200d\n", 0);
        g_auto(Err) err = ERR_INIT;
        int r;

        put(host, DEFAULTS, long_text);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        small.rlim_max = old.rlim_max;
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        r = prepare_once(&stage, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_true(r < 0);
        expect_file(host, DEFAULTS, long_text);
        expect_file(host, MODULES, NULL);
        assert_int_equal(prepare_once(&stage, NULL), 0);
        assert_int_equal(undo_once(&stage, NULL), 0);
        expect_file(host, DEFAULTS, long_text);
}

static void the_words_of_the_next_boot_are_read(void **state) {
        const TestHost *host = *state;
        g_autoptr(BootConf) conf = NULL;

        put(host, DEFAULTS,
            "GRUB_CMDLINE_LINUX=\"a $X\"\nGRUB_CMDLINE_LINUX+=' intel-iommu=sm_on,on'\n"
            "GRUB_CMDLINE_LINUX_DEFAULT=b\n");
        assert_int_equal(bootconf_load(host->sys, &conf, NULL), 0);
        assert_string_equal(conf->loader, "grub2");
        assert_int_equal(g_strv_length(conf->words), 4);
        assert_string_equal(conf->words[3], "b");
        assert_true(bootconf_has(conf, "intel_iommu=on"));
        assert_false(bootconf_has(conf, "iommu=pt"));
        assert_string_equal(conf->files[0], "/" DEFAULTS);
}

#define MENU                                                 \
        "menuentry 'Linux' --class gnu --id linux {\n"       \
        "\tsavedefault\n"                                    \
        "\tlinux\t/vmlinuz root=/dev/vda1 quiet iommu=off\n" \
        "\tinitrd\t/initrd\n"                                \
        "}\n"                                                \
        "menuentry 'Other' {\n\tlinux /other\n}\n"           \
        "source ${config_directory}/custom.cfg\n"

static int start_trial(const TestHost *host, GPtrArray *commands, Err *err) {
        static const PrepareWish wish = {.iommu = true, .vendor = "auto", .passthrough = LINE_ON};
        Stage stage = {.host = host};
        ApplyHost apply = apply_host(&stage);
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        g_auto(Edits) edits = {};
        json_t *extra = NULL;
        int r;

        edits_init(&edits, host->sys);
        r = trial_plan(host->sys, &wish, &edits, commands, &extra, err);
        if (r == 0)
                r = apply_edits(&apply, TRIAL_RECORD, &edits, none, extra, err);
        json_decref(extra);
        return r;
}

static TrialState trial_state(const TestHost *host, PrepareWish *wish) {
        g_autoptr(Record) record = NULL;
        g_autofree char **early = NULL;
        TrialState state;

        assert_int_equal(record_load(host->root, TRIAL_RECORD, &record, NULL), 0);
        assert_int_equal(trial_read(host->sys, record, wish, &early, &state, NULL), 0);
        return state;
}

static void a_trial_has_an_entry_of_its_own(void **state) {
        const TestHost *host = *state;
        g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        g_autofree char *custom = NULL, *id = NULL, *line = NULL;
        PrepareWish wish;

        put(host, "boot/grub2/grub.cfg", MENU);
        put(host, "proc/self/mountinfo", "22 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n");
        put(host, "proc/sys/kernel/random/boot_id", "first\n");
        put(host, "proc/cmdline", "root=/dev/vda1 quiet\n");
        assert_int_equal(start_trial(host, commands, NULL), 0);
        assert_string_equal(((char **)g_ptr_array_index(commands, 0))[0], "grub2-reboot");
        expect_file(host, DEFAULTS, BEFORE);
        expect_file(host, "boot/grub2/grub.cfg", MENU);
        custom = read_file(host, "boot/grub2/custom.cfg");
        assert_non_null(strstr(custom, "--id airlock-trial {\n"));
        assert_non_null(strstr(custom, "\tlinux\t/vmlinuz root=/dev/vda1 quiet iommu=pt "
                                       "intel_iommu=on airlock.trial="));
        assert_null(strstr(custom, "savedefault"));
        assert_null(strstr(custom, "other"));
        id = g_strndup(strstr(custom, "airlock.trial="), strlen("airlock.trial=01234567"));

        assert_int_equal(trial_state(host, &wish), TRIAL_WAITS);
        put(host, "proc/sys/kernel/random/boot_id", "second\n");
        assert_int_equal(trial_state(host, &wish), TRIAL_LOST);
        line = g_strdup_printf("root=/dev/vda1 %s quiet\n", id);
        put(host, "proc/cmdline", line);
        assert_int_equal(trial_state(host, &wish), TRIAL_RUNS);
        assert_int_equal(wish.passthrough, LINE_ON);
}

static void no_trial_where_grub_cannot_forget_it(void **state) {
        const TestHost *host = *state;
        g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        g_auto(Err) err = ERR_INIT;

        put(host, "boot/grub2/grub.cfg", MENU);
        put(host, "proc/self/mountinfo",
            "22 1 254:1 / / rw shared:1 - ext4 /dev/mapper/vg-root rw\n");
        assert_true(start_trial(host, commands, &err) < 0);
        assert_non_null(strstr(err.message, "again and again"));
        expect_file(host, "boot/grub2/custom.cfg", NULL);
}

static void no_trial_of_what_is_no_linux(void **state) {
        const TestHost *host = *state;
        g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        g_auto(Err) err = ERR_INIT;

        put(host, "boot/grub2/grub.cfg", "menuentry 'Other' {\n\tchainloader /other\n}\n" MENU);
        put(host, "proc/self/mountinfo", "22 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n");
        assert_true(start_trial(host, commands, &err) < 0);
        assert_non_null(strstr(err.message, "no Linux"));
        expect_file(host, "boot/grub2/custom.cfg", NULL);
}

/* A virtual machine on a processor of AMD's, whose IOMMU is one of Intel's. */
static void the_firmwares_table_tells_whose_iommu_it_is(void **state) {
        const TestHost *host = *state;
        static const PrepareWish wish = {.iommu = true, .vendor = "auto"};
        LineWish line;

        put(host, "proc/cpuinfo", "vendor_id : AuthenticAMD\n");
        assert_int_equal(prepare_line_wish(host->sys, &wish, &line, NULL), 0);
        assert_int_equal(line.vendor, LINE_AMD);
        put(host, "sys/firmware/acpi/tables/DMAR", "");
        assert_int_equal(prepare_line_wish(host->sys, &wish, &line, NULL), 0);
        assert_int_equal(line.vendor, LINE_INTEL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_run_killed_anywhere_is_finished_by_the_next),
                TEST(a_run_killed_anywhere_can_be_undone),
                TEST(an_undo_killed_anywhere_is_finished_by_the_next),
                TEST(after_a_cut_off_undo_a_run_has_to_wait),
                TEST(a_command_that_fails_leaves_all_as_before),
                TEST(what_was_never_written_does_not_stop_the_way_back),
                TEST(a_full_disk_leaves_all_as_before),
                TEST(the_words_of_the_next_boot_are_read),
                TEST(a_trial_has_an_entry_of_its_own),
                TEST(no_trial_where_grub_cannot_forget_it),
                TEST(no_trial_of_what_is_no_linux),
                TEST(the_firmwares_table_tells_whose_iommu_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
