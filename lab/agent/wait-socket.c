/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * wait-socket PATH SECONDS: ends with 0 as soon as the UNIX socket PATH accepts a connection, with
 * 1 when it does not in that time. It watches the directory instead of asking again and again; as
 * bind() shows the file before listen() accepts, a refused one is tried again after a moment.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REFUSED_RETRY_MS 10

static bool answers(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strncpy(address.sun_path, path, sizeof address.sun_path - 1);

        int r = connect(fd, (const struct sockaddr *)&address, sizeof address);
        int error = errno;

        close(fd);
        errno = error;
        return r == 0;
}

/* Watches the deepest directory above PATH that exists. */
static int watch_parent(const char *path) {
        char directory[sizeof(((struct sockaddr_un *)0)->sun_path)] = "";
        int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        strncpy(directory, path, sizeof directory - 1);
        for (char *slash; (slash = strrchr(directory, '/')) && slash != directory;) {
                *slash = '\0';
                if (inotify_add_watch(watch, directory, IN_CREATE | IN_MOVED_TO) >= 0)
                        return watch;
        }
        inotify_add_watch(watch, "/", IN_CREATE | IN_MOVED_TO);
        return watch;
}

static long now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
        if (argc != 3) {
                fprintf(stderr, "usage: wait-socket PATH SECONDS\n");
                return 2;
        }

        long end = now_ms() + strtol(argv[2], NULL, 10) * 1000;

        while (now_ms() < end) {
                int watch = watch_parent(argv[1]); /* before the try: nothing is missed between */
                struct pollfd p = {.fd = watch, .events = POLLIN};

                if (answers(argv[1]))
                        return 0;
                poll(&p, 1, errno == ECONNREFUSED ? REFUSED_RETRY_MS : (int)(end - now_ms()));
                close(watch);
        }
        return 1;
}
