/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor under a guest's start and end: QEMU itself.
 *
 *     spawn MONITOR-FD COMMAND [ARGUMENT]...
 *
 * Runs QEMU with the very arguments that a daemon gave it, its monitor listening on MONITOR-FD;
 * waits for the greeting, makes the guest run, ends it, and prints the nanoseconds of both. */

#include "wire.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static long long now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* A listening socket without a name in the file system, for QEMU, and its client end. */
static int monitor_listen(struct sockaddr_un *ret, socklen_t *ret_size) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        *ret_size = sizeof(*ret);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
            listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)ret, ret_size) < 0)
                err(1, "monitor");
        return fd;
}

static pid_t start(int monitor, int as, char **command) {
        pid_t pid = fork();

        if (pid < 0)
                err(1, "fork");
        if (pid > 0)
                return pid;
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
                dup2(null, fd);
        if (monitor != as)
                dup2(monitor, as);
        execv(command[0], command);
        _exit(127);
}

/* Reads replies until one has this word. */
static void expect(FILE *monitor, const char *word) {
        char line[65536];

        while (fgets(line, sizeof(line), monitor))
                if (strstr(line, word))
                        return;
        errx(1, "QEMU ended before it said %s", word);
}

static void command(int fd, FILE *monitor, const char *name) {
        dprintf(fd, "{\"execute\":\"%s\"}\r\n", name);
        expect(monitor, "\"return\"");
}

int main(int argc, char **argv) {
        struct sockaddr_un address;
        socklen_t size;

        if (argc < 3)
                errx(1, "usage: spawn MONITOR-FD COMMAND [ARGUMENT]...");

        long long began = now();
        int listening = monitor_listen(&address, &size);
        pid_t pid = start(listening, (int)strtol(argv[1], NULL, 10), argv + 2);
        close(listening);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, size) < 0)
                err(1, "connect");
        FILE *monitor = fdopen(fd, "r");
        expect(monitor, "\"QMP\"");
        command(fd, monitor, "qmp_capabilities");
        command(fd, monitor, "cont");
        long long running = now();
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
        printf("%lld %lld\n", running - began, now() - running);
        return 0;
}
