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
#include "daemon/tls.h"

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

static TlsOptions tls_options(const Options *options) {
        return (TlsOptions){
                .ca_file = options->ca_file,
                .cert_file = options->cert_file,
                .key_file = options->key_file,
                .crl_file = options->crl_file,
                .priority = options->tls_priority,
                .any_client = options->tls_no_verify_certificate,
                .allowed_dns = options->tls_allowed_dns,
        };
}

/* What a reload changes. */
typedef struct Daemon {
        int argc;
        char **argv;
        Options options;
        Manager *manager;
} Daemon;

static int apply(const Daemon *daemon, const Options *fresh, Err *err) {
        const TlsOptions tls = tls_options(fresh);

        return server_reload_tls(daemon->manager->server, &tls, err);
}

static void note_restart(GStrv names) {
        g_autofree char *text = names ? g_strjoinv(", ", names) : NULL;

        if (text)
                log_warning("these options take effect at the next start: %s", text);
}

/* All of it or nothing: a file that is half-right changes nothing. */
static void reload(Daemon *daemon) {
        g_auto(Options) fresh = OPTIONS_INIT;
        g_auto(GStrv) names = NULL;
        g_auto(Err) err = ERR_INIT;

        if (options_load(daemon->argc, daemon->argv, &fresh, &err) < 0 ||
            apply(daemon, &fresh, &err) < 0) {
                log_err(&err, "not reloaded, everything stays as it was");
                sd_notify(false, "STATUS=Not reloaded: the log says why");
                return;
        }
        names = options_take(&daemon->options, &fresh);
        daemon->manager->limits = daemon->options.limits;
        log_set_level(daemon->options.verbose ? LOG_DEBUG : LOG_INFO);
        log_info("reloaded: options and certificates");
        sd_notify(false, "STATUS=");
        note_restart(names);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Daemon *daemon = userdata;

        if (!daemon->manager || !daemon->manager->server)
                return 0;
        sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
        reload(daemon);
        sd_notify(false, "READY=1");
        return 0;
}

static int make_loop(Daemon *daemon, sd_event **ret, Err *err) {
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
        /* Where the unit asks for it. */
        if (sd_event_set_watchdog(event, true) < 0)
                log_warning("systemd's watchdog is not served");
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
                r = sd_event_add_signal(event, NULL, signals[i].number, signals[i].handler, daemon);
                if (r < 0) {
                        sd_event_unref(event);
                        return fail_errno(err, r, "cannot watch signals");
                }
        }
        *ret = event;
        return 0;
}

static int serve(Manager *manager, const Options *options, Err *err) {
        const TlsOptions tls = tls_options(options);
        g_autoptr(Server) server = NULL;
        int r;

        r = server_new(manager,
                       &(ServerOptions){
                               .socket_dir = options->paths.socket_dir,
                               .libvirt_dir = options->libvirt_sockets ? options->libvirt_socket_dir
                                                                       : NULL,
                               .group = options->socket_group,
                               .has_polkit = options->unix_auth == UNIX_AUTH_POLKIT,
                               .tls = options->listen_tls ? &tls : NULL,
                               .tls_address = options->listen_addr,
                               .tls_port = options->tls_port,
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

static int run(Daemon *daemon, Err *err) {
        const Options *options = &daemon->options;
        sd_event *event = NULL;
        int r;

        r = make_loop(daemon, &event, err);
        if (r < 0)
                return r;
        r = manager_new(event, &options->paths, &options->limits, &daemon->manager, err);
        if (r >= 0)
                r = serve(daemon->manager, options, err);
        g_clear_pointer(&daemon->manager, manager_free);
        sd_event_unref(event);
        return r;
}

static int start(Daemon *daemon, Err *err) {
        _cleanup_(closep) int lock = -1;
        int r;

        if (daemon->options.verbose)
                log_set_level(LOG_DEBUG);
        umask(0022);
        raise_descriptor_limit();
        r = take_lock(daemon->options.paths.run_dir, &lock, err);
        return r < 0 ? r : run(daemon, err);
}

int main(int argc, char **argv) {
        Daemon daemon = {.argc = argc, .argv = argv};
        g_auto(Err) err = ERR_INIT;
        int r = options_load(argc, argv, &daemon.options, &err);

        if (r >= 0 && daemon.options.version)
                puts("airlockd " AIRLOCK_VERSION);
        else if (r >= 0)
                r = start(&daemon, &err);
        if (r < 0)
                log_err(&err, "airlockd");
        options_done(&daemon.options);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
