/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "base/util.h"

typedef struct Ended {
        sd_event *event;
        int status;
} Ended;

static void on_end(int status, void *userdata) {
        Ended *ended = userdata;

        ended->status = status;
        sd_event_exit(ended->event, 0);
}

static int spawn(const char *program, const char *argument, const char *log, Process **ret,
                 Err *err) {
        char *argv[] = {g_strdup(program), g_strdup(argument), NULL};
        ProcessSpec spec = {.argv = argv, .log_path = log};
        int r = process_spawn(&spec, ret, err);

        g_free(argv[0]);
        g_free(argv[1]);
        return r;
}

static void the_end_of_a_process_is_told(void **state) {
        g_autoptr(Process) process = NULL;
        Ended ended = {.status = -2};

        assert_int_equal(sd_event_new(&ended.event), 0);
        assert_int_equal(spawn("/bin/sleep", "1000", "/dev/null", &process, NULL), 0);
        assert_int_equal(process_watch(process, ended.event, on_end, &ended, NULL), 0);
        assert_int_equal(process_signal(process, SIGKILL), 0);
        assert_int_equal(sd_event_loop(ended.event), 0);
        assert_true(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGKILL);
        assert_int_equal(process_signal(process, SIGKILL), 0);
        sd_event_unref(ended.event);
}

/* All that hold the pipe's other end have ended when it reads as empty. */
static void a_process_of_an_errand_ends_with_who_started_it(void **state) {
        int fds[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        if (pid == 0) {
                char program[] = "/bin/sleep", seconds[] = "1000",
                     *argv[] = {program, seconds, NULL};
                ProcessSpec spec = {.argv = argv,
                                    .log_path = "/dev/null",
                                    .fds = &fds[1],
                                    .n_fds = 1,
                                    .ends_with_us = true};
                Process *process = NULL;

                _exit(process_spawn(&spec, &process, NULL) < 0);
        }
        close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 0);
        assert_int_equal(waitpid(pid, &(int){0}, 0), pid);
        close(fds[0]);
}

static void a_program_that_is_absent_is_named(void **state) {
        g_autoptr(Process) process = NULL;
        g_auto(Err) err = ERR_INIT;

        assert_int_equal(spawn("/nonexistent/qemu", "x", "/dev/null", &process, &err), -ENOENT);
        assert_non_null(strstr(err.message, "/nonexistent/qemu"));
        assert_null(process);
}

static void a_process_is_known_by_pid_and_start_time(void **state) {
        g_autoptr(Process) process = NULL, again = NULL, other = NULL;

        assert_int_equal(spawn("/bin/sleep", "1000", "/dev/null", &process, NULL), 0);
        assert_int_equal(process_adopt(process_pid(process), process_start_time(process), &again),
                         0);
        assert_int_equal(
                process_adopt(process_pid(process), process_start_time(process) + 1, &other),
                -ESRCH);
        process_signal(again, SIGKILL);
        waitpid(process_pid(process), NULL, 0);
        assert_int_equal(process_adopt(process_pid(process), process_start_time(process), &other),
                         -ESRCH);
}

static void a_process_is_found_by_its_command_line(void **state) {
        g_autofree char *word = g_strdup_printf("1000.%d", getpid());
        g_autoptr(Process) process = NULL, found = NULL, other = NULL;

        assert_int_equal(spawn("/bin/sleep", word, "/dev/null", &process, NULL), 0);
        assert_int_equal(process_find("/bin/sleep", word, &found), 0);
        assert_int_equal(process_pid(found), process_pid(process));
        assert_int_equal(process_find(word, "/bin/sleep", &other), -ESRCH);
        process_signal(process, SIGKILL);
        waitpid(process_pid(process), NULL, 0);
}

static void what_it_prints_goes_to_its_log(void **state) {
        g_autofree char *dir = g_dir_make_tmp("test-process-XXXXXX", NULL);
        g_autofree char *log = g_build_filename(dir, "log", NULL);
        g_autofree char *text = NULL;
        g_autoptr(Process) process = NULL;

        assert_int_equal(spawn("/bin/echo", "hello", log, &process, NULL), 0);
        waitpid(process_pid(process), NULL, 0);
        assert_true(g_file_get_contents(log, &text, NULL, NULL));
        assert_string_equal(text, "hello\n");
        unlink(log);
        rmdir(dir);
}

#define OOM_FILE "/proc/self/oom_score_adj"

static bool write_oom(const char *text) {
        int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);
        bool written = fd >= 0 && write(fd, text, strlen(text)) > 0;

        closep(&fd);
        return written;
}

static void the_daemons_protection_from_the_oom_killer_is_not_inherited(void **state) {
        g_autofree char *dir = g_dir_make_tmp("test-process-XXXXXX", NULL);
        g_autofree char *log = g_build_filename(dir, "log", NULL);
        g_autofree char *before = NULL, *text = NULL;
        g_autoptr(Process) process = NULL;

        assert_true(g_file_get_contents(OOM_FILE, &before, NULL, NULL));
        /* Only root may protect itself. */
        if (write_oom("-500")) {
                assert_int_equal(spawn("/bin/cat", OOM_FILE, log, &process, NULL), 0);
                waitpid(process_pid(process), NULL, 0);
                assert_true(write_oom(before));
                assert_true(g_file_get_contents(log, &text, NULL, NULL));
                assert_string_equal(text, "0\n");
        }
        unlink(log);
        rmdir(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_end_of_a_process_is_told),
                cmocka_unit_test(a_process_of_an_errand_ends_with_who_started_it),
                cmocka_unit_test(a_program_that_is_absent_is_named),
                cmocka_unit_test(a_process_is_known_by_pid_and_start_time),
                cmocka_unit_test(a_process_is_found_by_its_command_line),
                cmocka_unit_test(what_it_prints_goes_to_its_log),
                cmocka_unit_test(the_daemons_protection_from_the_oom_killer_is_not_inherited),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
