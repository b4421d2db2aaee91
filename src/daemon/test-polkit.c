/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/polkit.h"

#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

/* What polkit answers is seen in tests/api/test_polkit.py, where a real one does. */

static void an_answer_has_the_code_that_clients_go_by(void **state) {
        static const struct {
                PolkitAnswer answer;
                ErrCode code;
        } cases[] = {
                {{.is_authorized = true}, VIR_ERR_OK},
                {{.is_authorized = true, .is_challenge = true}, VIR_ERR_OK},
                {{.is_challenge = true}, VIR_ERR_AUTH_UNAVAILABLE},
                {{.is_challenge = true, .is_dismissed = true}, VIR_ERR_AUTH_CANCELLED},
                {{.is_dismissed = true}, VIR_ERR_AUTH_CANCELLED},
                {{}, VIR_ERR_AUTH_FAILED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Err) err = ERR_INIT;
                int r = polkit_judge(&cases[i].answer, POLKIT_MANAGE, &err);

                assert_int_equal(err.code, cases[i].code);
                assert_int_equal(r < 0, cases[i].code != VIR_ERR_OK);
                if (r < 0)
                        assert_int_equal(err.domain, VIR_FROM_POLKIT);
        }
}

static void a_start_time_is_read_behind_any_name(void **state) {
        static const char *const wrong[] = {
                "",
                "1 (a",
                "1 (a)",
                "1 (a) S 2 3",
                "1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18",
                "1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -9 20",
                "1 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 0 20",
        };
        uint64_t time = 0;

        assert_int_equal(
                polkit_subject_parse_start("17 (x) R 1) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 "
                                           "15 16 17 18 4242 20 21\n",
                                           &time),
                0);
        assert_int_equal(time, 4242);
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                assert_int_equal(polkit_subject_parse_start(wrong[i], &time), -EBADMSG);
        assert_int_equal(time, 4242);
}

/* A listening socket without a file, and a process that connects to it and ends when *ret_hold is
 * closed. */
static pid_t connect_child(int *ret_fd, int *ret_hold) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t length = sizeof(address);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), hold[2];
        pid_t pid;

        /* Without a name the kernel chooses one. */
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                char c;

                close(hold[1]);
                if (connect(fd, (struct sockaddr *)&address, length) < 0)
                        _exit(1);
                _exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
        }
        close(hold[0]);
        *ret_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(*ret_fd >= 0);
        *ret_hold = hold[1];
        close(listener);
        return pid;
}

static void a_client_is_known_while_it_is_there(void **state) {
        g_auto(PolkitSubject) subject = POLKIT_SUBJECT_INIT, gone = POLKIT_SUBJECT_INIT;
        g_auto(Err) err = ERR_INIT;
        int fd, hold, status;
        pid_t pid = connect_child(&fd, &hold);

        assert_int_equal(polkit_subject_load(fd, &subject, NULL), 0);
        assert_int_equal(subject.pid, pid);
        assert_int_equal(subject.uid, getuid());
        assert_true(subject.start_time > 0);
        assert_true(fcntl(subject.pidfd, F_GETFD) & FD_CLOEXEC);

        close(hold);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(polkit_subject_load(fd, &gone, &err) < 0);
        assert_int_equal(err.code, VIR_ERR_AUTH_FAILED);
        assert_int_equal(gone.pidfd, -1);
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_has_the_code_that_clients_go_by),
                cmocka_unit_test(a_start_time_is_read_behind_any_name),
                cmocka_unit_test(a_client_is_known_while_it_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
