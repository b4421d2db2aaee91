/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/manager.h"
#include "daemon/options.h"
#include "daemon/server.h"

/* One daemon a run directory; the lock goes with the process. */
static int take_lock(const char *run_dir, int *ret, Err *err) {
        g_autofree char *path = g_build_filename(run_dir, "airlockd.lock", NULL);
        g_autofree char *pid = g_strdup_printf("%d\n", getpid());
        _cleanup_(closep) int fd = -1;
        int r;

        r = file_mkdir_p(run_dir, 0755, err);
        if (r < 0)
                return r;
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot open '%s'", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "another airlockd runs with the directory '%s'", run_dir);
        /* For people; the lock is what counts. */
        if (ftruncate(fd, 0) < 0 || write(fd, pid, strlen(pid)) < 0)
                log_debug("cannot write '%s'", path);
        *ret = steal_fd(&fd);
        return 0;
}

/* Clients, guests and workers need descriptors; the soft limit is for programs that use select().
 */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        log_info("ending; guests run on");
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* The definitions are read when they are used and the sockets cannot move: nothing to do but to say
 * that it was heard. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        log_info("options take effect at the next start");
        return 0;
}

static int make_loop(sd_event **ret, Err *err) {
        static const struct {
                int number;
                sd_event_signal_handler_t handler;
        } signals[] = {{SIGTERM, on_end}, {SIGINT, on_end}, {SIGHUP, on_reload}};
        sd_event *event = NULL;
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
                sigaddset(&mask, signals[i].number);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return fail_errno(err, neg_errno(), "cannot block signals");
        signal(SIGPIPE, SIG_IGN);
        r = sd_event_default(&event);
        if (r < 0)
                return fail_errno(err, r, "cannot make the event loop");
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
                r = sd_event_add_signal(event, NULL, signals[i].number, signals[i].handler, NULL);
                if (r < 0) {
                        sd_event_unref(event);
                        return fail_errno(err, r, "cannot watch signals");
                }
        }
        *ret = event;
        return 0;
}

static int serve(Manager *manager, const Options *options, Err *err) {
        g_autoptr(Server) server = NULL;
        int r;

        r = server_new(manager,
                       &(ServerOptions){
                               .socket_dir = options->paths.socket_dir,
                               .libvirt_dir = options->libvirt_sockets ? options->libvirt_socket_dir
                                                                       : NULL,
                               .group = options->socket_group,
                       },
                       &server, err);
        if (r < 0)
                return r;
        manager->server = server;
        sd_notify(false, "READY=1");
        log_info("serving in %s", options->paths.socket_dir);
        r = sd_event_loop(manager->event);
        sd_notify(false, "STOPPING=1");
        manager->server = NULL;
        return r < 0 ? fail_errno(err, r, "the event loop failed") : 0;
}

static int run(const Options *options, Err *err) {
        g_autoptr(Manager) manager = NULL;
        sd_event *event = NULL;
        int r;

        r = make_loop(&event, err);
        if (r < 0)
                return r;
        r = manager_new(event, &options->paths, &options->limits, &manager, err);
        if (r >= 0)
                r = serve(manager, options, err);
        g_clear_pointer(&manager, manager_free);
        sd_event_unref(event);
        return r;
}

int main(int argc, char **argv) {
        g_auto(Options) options = OPTIONS_INIT;
        g_auto(Err) err = ERR_INIT;
        _cleanup_(closep) int lock = -1;

        if (options_load(argc, argv, &options, &err) < 0) {
                log_err(&err, "airlockd");
                return EXIT_FAILURE;
        }
        if (options.version) {
                puts("airlockd " AIRLOCK_VERSION);
                return EXIT_SUCCESS;
        }
        if (options.verbose)
                log_set_level(LOG_DEBUG);
        umask(0022);
        raise_descriptor_limit();
        if (take_lock(options.paths.run_dir, &lock, &err) < 0 || run(&options, &err) < 0) {
                log_err(&err, "airlockd");
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
