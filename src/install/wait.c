/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Behind the guest's first start: its console, the end of the installation, the second start. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/console.h"
#include "install/interrupt.h"
#include "install/node.h"
#include "install/option.h"
#include "install/run.h"

#define GRACE_SECONDS      3
#define LOOK_EVERY         500 /* ms */
#define SECONDS_PER_MINUTE 60
#define VIEWER             "virt-viewer"

/* libvirt's numbers of why a guest is off. */
#define OFF_DESTROYED 2
#define OFF_CRASHED   3
#define OFF_FAILED    6

typedef enum Viewer {
        VIEWER_NONE,
        VIEWER_TEXT,
        VIEWER_GRAPHICAL,
} Viewer;

static bool is_word(const char *text, const char *word) {
        return g_strcmp0(text, word) == 0;
}

/* Minutes; -1: until it ends; -2: was not asked for. */
static int wait_minutes(const Run *run, int *ret, Err *err) {
        const char *text = options_text(run->options, "wait");
        uint64_t minutes;

        *ret = -2;
        if (!text)
                return 0;
        *ret = -1;
        if (!*text || is_word(text, "-1"))
                return 0;
        if (str_to_uint(text, 10, INT_MAX / SECONDS_PER_MINUTE, &minutes) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--wait %s: minutes are wanted", text);
        *ret = (int)minutes;
        return 0;
}

static bool has_screen(const GuestDef *def) {
        const xmlNode *graphics = guest_def_device(def, "graphics", 0);

        return graphics &&
               (node_is(graphics, "@type", "vnc") || node_is(graphics, "@type", "spice"));
}

static bool can_show(void) {
        g_autofree char *path = g_find_program_in_path(VIEWER);

        return path && (g_getenv("DISPLAY") || g_getenv("WAYLAND_DISPLAY"));
}

static Viewer choose_viewer(const Run *run) {
        const char *wanted = options_text(run->options, "autoconsole");

        if (options_has(run->options, "noautoconsole") || is_word(wanted, "none") ||
            is_word(options_text(run->options, "wait"), "0"))
                return VIEWER_NONE;
        if (is_word(wanted, "text"))
                return VIEWER_TEXT;
        if (is_word(wanted, "graphical"))
                return VIEWER_GRAPHICAL;
        if (options_has(run->options, "cloud-init") || !guest_def_device(run->def, "graphics", 0))
                return isatty(STDIN_FILENO) ? VIEWER_TEXT : VIEWER_NONE;
        return has_screen(run->def) && can_show() ? VIEWER_GRAPHICAL : VIEWER_NONE;
}

/* Until the viewer ends, or Ctrl-C. */
static int wait_for_viewer(const Run *run, GPid pid, Err *err) {
        while (waitpid(pid, NULL, WNOHANG) == 0) {
                interrupt_wait(run->interrupt, -1, LOOK_EVERY);
                if (interrupt_is_set(run->interrupt))
                        return interrupt_fail(err);
        }
        return 0;
}

static int show_graphical(const Run *run, const Guest *guest, bool wait, Err *err) {
        char *argv[] = {(char *)(uintptr_t)VIEWER,
                        (char *)(uintptr_t) "--connect",
                        run->cli.uri ? run->cli.uri : (char *)(uintptr_t) "qemu:///system",
                        (char *)(uintptr_t) "--wait",
                        guest->name,
                        NULL};
        GSpawnFlags flags = G_SPAWN_SEARCH_PATH | (wait ? G_SPAWN_DO_NOT_REAP_CHILD : 0);
        g_autoptr(GError) error = NULL;
        GPid pid;

        if (!g_spawn_async(NULL, argv, NULL, flags, interrupt_in_child, NULL, &pid, &error))
                return fail(err, VIR_ERR_OPERATION_FAILED, "cannot show the guest's screen: %s",
                            error->message);
        return wait ? wait_for_viewer(run, pid, err) : 0;
}

/* Returns when the user has left it. */
static int show(Run *run, const Guest *guest, Viewer viewer, bool wait, Err *err) {
        if (viewer == VIEWER_TEXT)
                return console_run(&run->cli, guest, NULL, 0, err);
        if (viewer == VIEWER_GRAPHICAL)
                return show_graphical(run, guest, wait, err);
        return 0;
}

/* A transient guest is gone when it is off. */
static int guest_runs(Run *run, const Guest *guest, bool *ret, Err *err) {
        g_auto(Err) reason = ERR_INIT;
        int r;

        r = run_connect(run, err);
        if (r < 0)
                return r;
        r = guest_ask(run->cli.conn, guest, GUEST_IS_ACTIVE, ret, &reason);
        if (r >= 0)
                return 0;
        if (reason.code == VIR_ERR_NO_DOMAIN) {
                *ret = false;
                return 0;
        }
        err_move(err, &reason);
        return r;
}

/* 0: it ended; 1: the time is over. seconds -1: there is no end of time. */
static int wait_for_end(Run *run, const Guest *guest, gint64 seconds, Err *err) {
        gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
        bool runs = true;
        int r;

        for (;;) {
                r = guest_runs(run, guest, &runs, err);
                if (r < 0)
                        return r;
                if (!runs)
                        return 0;
                if (seconds >= 0 && g_get_monotonic_time() >= end)
                        return 1;
                interrupt_wait(run->interrupt, -1, LOOK_EVERY);
                if (interrupt_is_set(run->interrupt))
                        return interrupt_fail(err);
        }
}

/* A guest that failed, or that somebody stopped, is not started again. */
static int check_end(Run *run, const Guest *guest, bool *ret_go_on, Err *err) {
        GuestState state;
        int reason = 0, r;

        r = guest_state(run->cli.conn, guest, &state, &reason, err);
        if (r < 0)
                return r;
        if (reason == OFF_CRASHED || reason == OFF_FAILED)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "guest '%s' ended by a failure during its installation",
                                      guest->name),
                                 "its log tells more");
        *ret_go_on = reason != OFF_DESTROYED || options_has(run->options, "destroy-on-exit");
        return 0;
}

static int restart(Run *run, const Guest *guest, Viewer viewer, Err *err) {
        bool go_on = true;
        int r;

        r = check_end(run, guest, &go_on, err);
        if (r < 0)
                return r;
        /* From here on the guest is whole. */
        undo_forget(&run->undo);
        if (options_has(run->options, "noreboot")) {
                run_say(run, "The guest is off. To start it: airlock start %s\n", guest->name);
                return 0;
        }
        if (!go_on) {
                run_say(run, "Somebody stopped guest '%s'; it is not started again.\n",
                        guest->name);
                return 0;
        }
        run_say(run, "Starting guest '%s' again.\n", guest->name);
        r = guest_act(run->cli.conn, guest, GUEST_CREATE, 0, err);
        return r < 0 ? r : show(run, guest, viewer, true, err);
}

/* The installation's end is somebody else's: the guest keeps what it has. */
static int leave(Run *run, const Guest *guest) {
        undo_forget(&run->undo);
        run_say(run, "The installation goes on in guest '%s'. To see it: airlock console %s\n",
                guest->name, guest->name);
        return 0;
}

static int wait_if_wanted(Run *run, const Guest *guest, Viewer viewer, int minutes, Err *err) {
        bool asked = minutes > 0 || minutes == -1;
        bool silent = options_has(run->options, "noautoconsole") ||
                      options_has(run->options, "autoconsole") || minutes == 0;
        int r;

        /* A console that ended by itself may have ended a moment before its guest. */
        r = wait_for_end(run, guest, viewer == VIEWER_NONE ? 0 : GRACE_SECONDS, err);
        if (r <= 0)
                return r;
        if (!asked && (viewer != VIEWER_NONE || silent))
                return 2;
        run_say(run, "Waiting for the installation to end.\n");
        r = wait_for_end(run, guest,
                         asked && minutes > 0 ? (gint64)minutes * SECONDS_PER_MINUTE : -1, err);
        if (r <= 0)
                return r;
        undo_forget(&run->undo);
        return fail(err, VIR_ERR_OPERATION_TIMEOUT,
                    "the installation has not ended after %d minutes; guest '%s' runs on", minutes,
                    guest->name);
}

static int end_viewer(Run *run, const Guest *guest, Viewer viewer, Err *err) {
        bool runs;
        int r;

        if (viewer == VIEWER_NONE || !options_has(run->options, "destroy-on-exit"))
                return 0;
        r = guest_runs(run, guest, &runs, err);
        if (r < 0 || !runs)
                return r;
        run_say(run, "Stopping guest '%s'.\n", guest->name);
        return guest_act(run->cli.conn, guest, GUEST_DESTROY, 0, err);
}

int run_follow(Run *run, const Guest *guest, Err *err) {
        Viewer viewer = choose_viewer(run);
        int minutes, r;

        r = wait_minutes(run, &minutes, err);
        if (r < 0)
                return r;
        interrupt_let_hang_up(run->interrupt);
        /* Without an installation the guest is whole as it is. */
        if (!run->first)
                undo_forget(&run->undo);
        r = show(run, guest, viewer, minutes == -2, err);
        if (r >= 0)
                r = end_viewer(run, guest, viewer, err);
        if (r < 0)
                return r;
        if (!run->first && minutes < -1)
                return 0;
        r = wait_if_wanted(run, guest, viewer, minutes, err);
        if (r == 2)
                return run->first ? leave(run, guest) : 0;
        if (r < 0)
                return r;
        if (!run->first || options_has(run->options, "transient")) {
                undo_forget(&run->undo);
                return 0;
        }
        run_say(run, "The installation of guest '%s' has ended.\n", guest->name);
        return restart(run, guest, viewer, err);
}
