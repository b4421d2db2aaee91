/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The lab's agent: PID 1 of a virtual host. It serves commands on virtio-serial ports, one worker
 * process a port, so that as many commands run at once as there are ports.
 *
 * Both directions carry frames: one byte of type, four bytes of length (little endian), payload.
 *
 *   host to agent   R  run: Request, then the script for /bin/sh -c
 *                   I  input for the command; an empty one is end of file
 *                   W  window size: rows, columns (two bytes each)
 *   agent to host   H  hello: sent once, when the port is open
 *                   O  what the command wrote to its standard output (or to its terminal)
 *                   E  what it wrote to its standard error
 *                   X  end: exit status (four bytes); 124 at the deadline, 128+N for signal N
 *
 * A command has ended when its first process has: what it left in the background lives on.
 */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORTS     4
#define FRAME_MAX (4u << 20)
#define CHUNK     65536

enum {
        RUN_PTY = 1 << 0,   /* on a terminal of its own */
        RUN_STDIN = 1 << 1, /* input frames follow; otherwise standard input is /dev/null */
};

typedef struct {
        uint8_t type;
        uint32_t length;
} __attribute__((packed)) FrameHead;

typedef struct {
        uint32_t deadline; /* seconds; 0: none */
        uint16_t flags;
        uint16_t rows;
        uint16_t columns;
} __attribute__((packed)) Request;

typedef struct {
        int port;
        int in;  /* the command's standard input, or -1 */
        int out; /* its standard output, or the terminal */
        int err; /* its standard error; -1 on a terminal */
        int pidfd;
        pid_t pid;
        int64_t deadline; /* milliseconds of the monotonic clock; 0: none */
        bool timed_out;
        char *pending; /* input that the command has not taken yet */
        size_t pending_offset;
        size_t pending_length;
} Session;

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_fd(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static bool read_all(int fd, void *data, size_t n) {
        char *p = data;

        while (n > 0) {
                ssize_t r = read(fd, p, n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return false;
                p += r;
                n -= (size_t)r;
        }
        return true;
}

static bool write_all(int fd, const void *data, size_t n) {
        const char *p = data;

        while (n > 0) {
                ssize_t r = write(fd, p, n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return false;
                p += r;
                n -= (size_t)r;
        }
        return true;
}

static bool send_frame(int port, char type, const void *data, size_t n) {
        FrameHead head = {.type = (uint8_t)type, .length = (uint32_t)n};

        return write_all(port, &head, sizeof head) && write_all(port, data, n);
}

/* Returns the payload with a NUL behind it, or NULL when the port is gone. */
static char *receive_frame(int port, char *ret_type, size_t *ret_length) {
        FrameHead head;

        if (!read_all(port, &head, sizeof head) || head.length > FRAME_MAX)
                return NULL;

        char *payload = malloc(head.length + 1);

        if (!payload)
                return NULL;
        if (!read_all(port, payload, head.length)) {
                free(payload);
                return NULL;
        }
        payload[head.length] = '\0';
        *ret_type = (char)head.type;
        *ret_length = head.length;
        return payload;
}

static void set_window(int terminal, uint16_t rows, uint16_t columns) {
        struct winsize size = {.ws_row = rows, .ws_col = columns};

        ioctl(terminal, TIOCSWINSZ, &size);
}

/* In the child: never returns. */
static void exec_script(const char *script, const int fds[3], bool terminal) {
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        setsid();
        if (terminal)
                ioctl(fds[0], TIOCSCTTY, 0);
        for (int i = 0; i < 3; i++)
                dup2(fds[i], i);
        if (terminal)
                execl("/bin/bash", "bash", "-c", script, (char *)NULL);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
}

static bool spawn(Session *s, const char *script, const int fds[3], bool terminal) {
        s->pid = fork();
        if (s->pid == 0)
                exec_script(script, fds, terminal);
        if (s->pid < 0)
                return false;
        s->pidfd = pidfd_open(s->pid, 0);
        return s->pidfd >= 0;
}

static bool start_on_terminal(Session *s, const Request *request, const char *script) {
        char name[64];
        int terminal;

        s->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        if (s->out < 0 || unlockpt(s->out) < 0 || ptsname_r(s->out, name, sizeof name) != 0)
                return false;
        terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (terminal < 0)
                return false;
        set_window(s->out, request->rows, request->columns);
        s->in = fcntl(s->out, F_DUPFD_CLOEXEC, 0);

        bool started = spawn(s, script, (const int[]){terminal, terminal, terminal}, true);

        close(terminal);
        return started;
}

static bool start_on_pipes(Session *s, bool with_input, const char *script) {
        int in[2] = {-1, -1}, out[2], err[2];
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (null < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
                return false;
        if (with_input && pipe2(in, O_CLOEXEC) < 0)
                return false;

        bool started =
                spawn(s, script, (const int[]){with_input ? in[0] : null, out[1], err[1]}, false);

        close(null);
        close(out[1]);
        close(err[1]);
        close_fd(&in[0]);
        s->in = in[1];
        s->out = out[0];
        s->err = err[0];
        for (int *fd = (int[]){s->in, s->out, s->err, -2}; *fd != -2; fd++)
                if (*fd >= 0)
                        fcntl(*fd, F_SETFL, O_NONBLOCK);
        return started;
}

static bool session_start(Session *s, const Request *request, const char *script) {
        if (request->deadline > 0)
                s->deadline = now_ms() + (int64_t)request->deadline * 1000;
        if (request->flags & RUN_PTY)
                return start_on_terminal(s, request, script);
        return start_on_pipes(s, request->flags & RUN_STDIN, script);
}

static void session_done(Session *s) {
        close_fd(&s->in);
        close_fd(&s->out);
        close_fd(&s->err);
        close_fd(&s->pidfd);
        free(s->pending);
}

/* Sends on what is there now. Closes the descriptor at its end. */
static void forward_output(Session *s, int *fd, char type) {
        static char chunk[CHUNK];
        ssize_t n = read(*fd, chunk, sizeof chunk);

        if (n > 0)
                send_frame(s->port, type, chunk, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                close_fd(fd); /* a terminal without a writer answers EIO */
}

static void drain_output(Session *s, int *fd, char type) {
        struct pollfd ready = {.fd = *fd, .events = POLLIN};

        while (*fd >= 0 && poll(&ready, 1, 0) > 0)
                forward_output(s, fd, type);
}

static void push_input(Session *s) {
        ssize_t n = write(s->in, s->pending + s->pending_offset, s->pending_length);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n < 0)
                close_fd(&s->in); /* the command closed its end: the rest has no reader */
        else {
                s->pending_offset += (size_t)n;
                s->pending_length -= (size_t)n;
                if (s->pending_length > 0)
                        return;
        }
        free(s->pending);
        s->pending = NULL;
}

static void take_input(Session *s, char *payload, size_t length) {
        if (s->in < 0 || length == 0) {
                close_fd(&s->in);
                free(payload);
                return;
        }
        s->pending = payload;
        s->pending_offset = 0;
        s->pending_length = length;
        push_input(s);
}

static bool take_frame(Session *s) {
        char type;
        size_t length;
        char *payload = receive_frame(s->port, &type, &length);

        if (!payload)
                return false;
        if (type == 'I') {
                take_input(s, payload, length);
                return true;
        }
        if (type == 'W' && length == 2 * sizeof(uint16_t)) {
                uint16_t size[2];

                memcpy(size, payload, sizeof size);
                set_window(s->out, size[0], size[1]);
        }
        free(payload);
        return true;
}

static int time_left(const Session *s) {
        if (s->deadline == 0 || s->timed_out)
                return -1;

        int64_t left = s->deadline - now_ms();

        return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static int exit_status(const Session *s) {
        int status = 0;

        waitpid(s->pid, &status, 0);
        if (s->timed_out)
                return 124;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Serves the running command. Returns false when the port is gone. */
static bool session_run(Session *s) {
        enum { PIDFD, OUT, ERR, PORT, IN, _SOURCES };

        for (;;) {
                struct pollfd p[_SOURCES] = {
                        [PIDFD] = {.fd = s->pidfd, .events = POLLIN},
                        [OUT] = {.fd = s->out, .events = POLLIN},
                        [ERR] = {.fd = s->err, .events = POLLIN},
                        [PORT] = {.fd = s->pending ? -1 : s->port, .events = POLLIN},
                        [IN] = {.fd = s->pending ? s->in : -1, .events = POLLOUT},
                };
                int r = poll(p, _SOURCES, time_left(s));

                if (r < 0 && errno != EINTR)
                        return false;
                if (r == 0 && time_left(s) == 0) {
                        s->timed_out = true;
                        kill(-s->pid, SIGKILL);
                }
                if (r <= 0)
                        continue;
                if (p[OUT].revents)
                        forward_output(s, &s->out, 'O');
                if (p[ERR].revents)
                        forward_output(s, &s->err, 'E');
                if (p[IN].revents)
                        push_input(s);
                if (p[PORT].revents && !take_frame(s))
                        return false;
                if (p[PIDFD].revents)
                        return true;
        }
}

static bool run_command(int port, const char *payload, size_t length) {
        Session s = {.port = port, .in = -1, .out = -1, .err = -1, .pidfd = -1};
        Request request;
        uint32_t status = 126;
        bool alive = true;

        if (length < sizeof request)
                return false;
        memcpy(&request, payload, sizeof request);
        if (session_start(&s, &request, payload + sizeof request)) {
                alive = session_run(&s);
                drain_output(&s, &s.out, 'O');
                drain_output(&s, &s.err, 'E');
                if (alive)
                        status = (uint32_t)exit_status(&s);
        }
        session_done(&s);
        return alive && send_frame(port, 'X', &status, sizeof status);
}

/* Input and window frames that were on their way when their command ended are dropped here. */
static void serve(int port) {
        char type, *payload;
        size_t length;
        bool alive = send_frame(port, 'H', NULL, 0);

        while (alive && (payload = receive_frame(port, &type, &length))) {
                if (type == 'R')
                        alive = run_command(port, payload, length);
                free(payload);
        }
}

/* The name holds the number of the virtio device, which depends on what else the host has. */
static int try_port(unsigned number) {
        char pattern[32];
        glob_t found;
        int fd = -1;

        snprintf(pattern, sizeof pattern, "/dev/vport*p%u", number);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
                fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
                globfree(&found);
        }
        return fd;
}

/* The driver announces its ports one after another: wait for the node rather than for a time. */
static int open_port(int watch, unsigned number) {
        char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

        for (;;) {
                int fd = try_port(number);

                if (fd >= 0)
                        return fd;
                if (read(watch, events, sizeof events) < 0 && errno != EINTR)
                        return -1;
        }
}

static void start_workers(void) {
        int watch = inotify_init1(IN_CLOEXEC);

        inotify_add_watch(watch, "/dev", IN_CREATE | IN_ATTRIB);
        for (unsigned number = 1; number <= PORTS; number++) {
                int port = open_port(watch, number);

                if (port < 0) {
                        fprintf(stderr, "agent: port %u: %s\n", number, strerror(errno));
                        continue;
                }
                if (fork() == 0) {
                        close(watch);
                        serve(port);
                        _exit(1);
                }
                close(port);
        }
        close(watch);
}

int main(void) {
        const char *checkout = getenv("LAB_CHECKOUT");

        signal(SIGPIPE, SIG_IGN);
        if (!checkout || chdir(checkout) < 0)
                fprintf(stderr, "agent: commands begin in /\n");
        start_workers();
        /* What commands leave behind becomes our child: reap it. The workers never end. */
        for (;;)
                if (wait(NULL) < 0 && errno != EINTR)
                        pause();
}
