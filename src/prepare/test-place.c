/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/place.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"
#include "pci/test-host.h"
#include "prepare/loader.h"
#include "prepare/lock.h"
#include "prepare/record.h"
#include "prepare/runner.h"

#define ROOT_LINE "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define BOOT_LINE "30 22 8:2 / /boot rw,relatime shared:2 - ext4 /dev/sda2 rw\n"

static int setup(void **state) {
        *state = test_host_new_empty();
        return 0;
}

static int teardown(void **state) {
        test_host_free(*state);
        return 0;
}

static void put(const TestHost *host, const char *path, const char *text) {
        test_host_put(host, path, text, strlen(text));
}

/* message NULL: nothing is wrong. */
static void expect_place(const TestHost *host, const char *message, const char *hint) {
        g_auto(Err) err = ERR_INIT;
        int r = place_check(host->sys, &err);

        if (!message) {
                assert_string_equal(err.message ?: "", "");
                assert_int_equal(r, 0);
                return;
        }
        assert_true(r < 0);
        if (!strstr(err.message, message))
                assert_string_equal(err.message, message);
        if (!strstr(err.hint, hint))
                assert_string_equal(err.hint, hint);
}

static void a_container_starts_no_kernel(void **state) {
        const TestHost *host = *state;
        static const char environ[] = "A=1\0container=lxc\0B=2";

        expect_place(host, NULL, NULL);
        test_host_put(host, "proc/1/environ", "A=1\0container=", sizeof("A=1\0container="));
        expect_place(host, NULL, NULL);
        test_host_put(host, "proc/1/environ", environ, sizeof(environ));
        expect_place(host, "container (lxc)", "on the host");
        put(host, "run/systemd/container", "systemd-nspawn\n");
        expect_place(host, "container (systemd-nspawn)", "on the host");
}

static void a_boot_that_is_not_mounted_is_named(void **state) {
        const TestHost *host = *state;

        put(host, "etc/fstab",
            "# /boot/efi is there\nUUID=1 / ext4 defaults 0 1\n"
            "UUID=2\t/boot   ext4 defaults,noauto 0 2\nUUID=3 /boot/efi vfat noauto 0 0\n");
        expect_place(host, NULL, NULL); /* nobody knows what is mounted */
        put(host, "proc/self/mountinfo", ROOT_LINE);
        expect_place(host, "/boot stands in /etc/fstab and is not mounted", "mount /boot");
        put(host, "proc/self/mountinfo", ROOT_LINE BOOT_LINE);
        expect_place(host, NULL, NULL);
        put(host, "etc/fstab", "UUID=3 /boot/efi vfat umask=0077 0 0\n");
        expect_place(host, "/boot/efi stands in", "mount /boot/efi");
}

static int check_room(const TestHost *host, const char *path, const char *command, Err *err) {
        g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        g_auto(Edits) edits = {};
        int r;

        edits_init(&edits, host->sys);
        r = edits_set(&edits, path, "x", 0644, err);
        if (command)
                add_command(commands, command, NULL);
        return r < 0 ? r : place_check_room(&edits, commands, err);
}

static void what_is_read_only_is_named(void **state) {
        const TestHost *host = *state;
        g_auto(Err) err = ERR_INIT;

        put(host, "proc/self/mountinfo",
            ROOT_LINE "30 22 8:2 / /boot ro,relatime shared:2 - ext4 /dev/sda2 rw\n");
        assert_int_equal(check_room(host, "etc/default/grub", NULL, &err), 0);
        assert_int_equal(check_room(host, "bootx/grub", NULL, &err), 0);
        assert_true(check_room(host, "etc/default/grub", "update-grub", &err) < 0);
        assert_non_null(strstr(err.message, "/boot is mounted read-only, and the boot loader's"));
        assert_non_null(strstr(err.hint, "remount,rw /boot"));
        err_clear(&err);
        assert_true(check_room(host, "boot/loader/entries/a.conf", NULL, &err) < 0);
        assert_non_null(strstr(err.message, "/boot/loader/entries/a.conf"));
        err_clear(&err);
        put(host, "proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 ro,errors=continue\n");
        assert_true(check_room(host, "etc/default/grub", NULL, &err) < 0);
        assert_non_null(strstr(err.message, "/ is mounted read-only"));
}

/* No disk has room for this one a second time. */
static void a_new_initramfs_needs_as_much_room_as_the_largest(void **state) {
        const TestHost *host = *state;
        g_autofree char *path = g_build_filename(host->root, "boot/initrd.img-6.1", NULL);
        g_auto(Err) err = ERR_INIT;

        put(host, "boot/initrd.img-6.1", "");
        assert_int_equal(check_room(host, "etc/a", "update-initramfs", &err), 0);
        assert_int_equal(truncate(path, (off_t)1 << 42), 0);
        assert_int_equal(check_room(host, "etc/a", "update-grub", &err), 0);
        assert_true(check_room(host, "etc/a", "update-initramfs", &err) < 0);
        assert_non_null(strstr(err.message, "4194305 are needed for a new initramfs"));
}

static bool exists(const TestHost *host, const char *path) {
        return sys_exists(host->sys, path);
}

static void a_second_run_is_told_of_the_first(void **state) {
        const TestHost *host = *state;
        g_autofree char *pid = g_strdup_printf("(process %d)", (int)getpid());
        g_autoptr(PrepareLock) first = NULL, second = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(prepare_lock_new(host->root, &first, NULL), 0);
        assert_true(prepare_lock_new(host->root, &second, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_RESOURCE_BUSY);
        assert_non_null(strstr(err.message, pid));
        g_clear_pointer(&first, prepare_lock_free);
        assert_false(exists(host, "var/lib/airlock"));
        put(host, RECORD_DIR "/state.json", "{}");
        assert_int_equal(prepare_lock_new(host->root, &second, NULL), 0);
        g_clear_pointer(&second, prepare_lock_free);
        assert_true(exists(host, RECORD_DIR "/state.json"));
        assert_false(exists(host, RECORD_DIR "/lock"));
}

static void leftovers_of_a_record_go(void **state) {
        const TestHost *host = *state;
        g_autoptr(Record) record = record_new();

        put(host, "etc/default/grub", "x");
        put(host, "etc/default/.grub.airlock-abc123", "x");
        put(host, "etc/default/.other.airlock-abc123", "x");
        record_add(record, "etc/default/grub", "y", 0644);
        assert_int_equal(record_save(host->root, "state", record, NULL), 0);
        put(host, RECORD_DIR "/.state.json.airlock-abc123", "x");
        record_remove_leftovers(host->root, "state");
        assert_false(exists(host, "etc/default/.grub.airlock-abc123"));
        assert_true(exists(host, "etc/default/.other.airlock-abc123"));
        assert_false(exists(host, RECORD_DIR "/.state.json.airlock-abc123"));
        assert_true(exists(host, RECORD_DIR "/state.json"));
}

static int run_shell(Runner *runner, const char *script, Err *err) {
        char *const command[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};

        return runner_run(runner, command, err);
}

static void commands_end_as_they_end(void **state) {
        g_auto(Runner) runner = {};
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(runner_init(&runner, NULL), 0);
        assert_int_equal(run_shell(&runner, "exit 0", NULL), 0);
        assert_true(run_shell(&runner, "exit 7", &err) < 0);
        assert_non_null(strstr(err.message, "code 7"));
}

/* A process that has ended may not be reaped: it has no command line any more. */
static void wait_for_end(const TestHost *host, const char *pid_file) {
        g_autofree char *pid = NULL, *path = NULL;

        assert_int_equal(sys_read_text(host->sys, pid_file, &pid), 0);
        path = g_strdup_printf("/proc/%s/cmdline", pid);
        for (;;) {
                g_autofree char *line = NULL;

                if (!g_file_get_contents(path, &line, NULL, NULL) || !strstr(line, "sleep"))
                        return;
                g_usleep(G_USEC_PER_SEC / 100);
        }
}

/* The command tells us to end, and has a child that would outlive it; what is run after that, for
 * the way back, is left alone. */
static void a_signal_ends_the_group_of_a_command(void **state) {
        const TestHost *host = *state;
        g_autofree char *script =
                g_strdup_printf("cd '%s'; trap 'touch trapped; exit 1' TERM; "
                                "sleep 1000 & echo $! > child; kill -INT %d; wait",
                                host->root, (int)getpid());
        g_autofree char *again =
                g_strdup_printf("kill -TERM %d; touch '%s/again'", (int)getpid(), host->root);
        g_auto(Runner) runner = {};
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(runner_init(&runner, NULL), 0);
        assert_true(run_shell(&runner, script, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_OPERATION_ABORTED);
        assert_non_null(strstr(err.message, "Interrupt"));
        assert_true(exists(host, "trapped"));
        wait_for_end(host, "child");
        assert_int_equal(run_shell(&runner, again, NULL), 0);
        assert_true(exists(host, "again"));
}

/* One that comes between two commands keeps the next one from starting. */
static void a_signal_is_not_lost(void **state) {
        const TestHost *host = *state;
        g_autofree char *script = g_strdup_printf("touch '%s/ran'", host->root);
        g_auto(Runner) runner = {};

        assert_int_equal(runner_init(&runner, NULL), 0);
        kill(getpid(), SIGTERM);
        assert_true(run_shell(&runner, script, NULL) < 0);
        assert_false(exists(host, "ran"));
        assert_int_equal(run_shell(&runner, script, NULL), 0);
        assert_true(exists(host, "ran"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_container_starts_no_kernel),
                TEST(a_boot_that_is_not_mounted_is_named),
                TEST(what_is_read_only_is_named),
                TEST(a_new_initramfs_needs_as_much_room_as_the_largest),
                TEST(a_second_run_is_told_of_the_first),
                TEST(leftovers_of_a_record_go),
                TEST(commands_end_as_they_end),
                TEST(a_signal_ends_the_group_of_a_command),
                TEST(a_signal_is_not_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
