/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/console.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/cli.h"
#include "cli/groups.h"

#define INPUT_SIZE 4096

/* "^]" is this far below ']'. */
#define CONTROL_OFFSET 0x40

static struct termios terminal_raw(void) {
        struct termios before, raw;

        tcgetattr(STDIN_FILENO, &before);
        raw = before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
        return before;
}

static void terminal_restore(const struct termios *before) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
}

static int write_all(const uint8_t *data, size_t size, Err *err) {
        while (size > 0) {
                ssize_t n = write(STDOUT_FILENO, data, size);

                if (n < 0 && errno != EINTR)
                        return fail_errno(err, neg_errno(), "cannot write to the terminal");
                data += n > 0 ? n : 0;
                size -= n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* From the guest to the terminal. */
static int take_output(Conn *conn, bool ready, Err *err) {
        g_autoptr(GByteArray) data = NULL;
        int r;

        r = ready ? conn_process(conn, err) : 0;
        if (r < 0)
                return r;
        data = conn_stream_take(conn);
        return write_all(data->data, data->len, err);
}

/* From the terminal to the guest. Returns 1 when the user leaves. */
static int take_input(Conn *conn, char escape, Err *err) {
        char buffer[INPUT_SIZE];
        ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
        const char *end;
        int r;

        if (n < 0 && errno == EINTR)
                return 0;
        if (n < 0)
                return fail_errno(err, neg_errno(), "cannot read from the terminal");
        end = memchr(buffer, escape, (size_t)n);
        r = conn_stream_send(conn, buffer, end ? (size_t)(end - buffer) : (size_t)n, err);
        if (r < 0)
                return r;
        return end || n == 0;
}

static int pump(Conn *conn, char escape, Err *err) {
        bool ready = false;

        for (;;) {
                struct pollfd p[] = {
                        {.fd = conn_fd(conn), .events = POLLIN},
                        {.fd = STDIN_FILENO, .events = POLLIN},
                };
                int r;

                r = take_output(conn, ready, err);
                if (r < 0)
                        return r;
                if (conn_stream_is_ended(conn))
                        return 0;
                if (poll(p, G_N_ELEMENTS(p), -1) < 0) {
                        if (errno != EINTR)
                                return fail_errno(err, neg_errno(), "cannot poll the terminal");
                        continue;
                }
                ready = p[0].revents != 0;
                r = p[1].revents ? take_input(conn, escape, err) : 0;
                if (r != 0)
                        return MIN(r, 0);
        }
}

static int run_stream(Cli *cli, Err *err) {
        struct termios before = terminal_raw();
        int r, closed;

        r = pump(cli->conn, cli->escape, err);
        closed = conn_stream_close(cli->conn, r < 0 ? NULL : err);
        terminal_restore(&before);
        return r < 0 ? r : closed;
}

int console_run(Cli *cli, const Guest *guest, const char *device, unsigned flags, Err *err) {
        char escape = (char)(cli->escape + CONTROL_OFFSET);
        int r;

        if (!isatty(STDIN_FILENO))
                return fail(err, VIR_ERR_OPERATION_INVALID,
                            "Cannot run interactive console without a controlling TTY");
        cli_say(cli, "Connected to domain '%s'\n", guest->name);
        cli_say(cli, "Escape character is ^%c (Ctrl + %c)\n", escape, escape);
        fflush(stdout);
        r = guest_open_console(cli->conn, guest, device, flags, err);
        if (r < 0)
                return r;
        return run_stream(cli, err);
}

int cmd_console(Cli *cli, const Args *args, Err *err) {
        g_autoptr(Guest) guest = NULL;
        unsigned flags = 0;
        GuestState state;
        int r;

        flags |= args_flag(args, "force") ? GUEST_CONSOLE_FORCE : 0;
        flags |= args_flag(args, "safe") ? GUEST_CONSOLE_SAFE : 0;
        r = cli_guest(cli, args, GUEST_BY_ANY, &guest, err);
        if (r >= 0)
                r = guest_state(cli->conn, guest, &state, NULL, err);
        if (r < 0)
                return r;
        if (state == GUEST_STATE_SHUT_OFF)
                return fail(err, VIR_ERR_OPERATION_INVALID, "The domain is not running");
        r = args_flag(args, "resume") && state == GUEST_STATE_PAUSED
                    ? guest_act(cli->conn, guest, GUEST_RESUME, 0, err)
                    : 0;
        if (r < 0)
                return r;
        return console_run(cli, guest, args_text(args, "devname"), flags, err);
}
