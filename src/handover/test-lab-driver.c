/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hand-overs on the real kernel of a virtual host, without a daemon (tests/lab/test_handover.py):
 *
 *         test-lab-driver STATE_DIR [-g GUEST] [-c] [-o] [-u] [-k N] [-d MS] COMMAND [ADDRESS]…
 *
 * -g  the guest, whose uuid is its name       -c  with companions    -o  override the guards
 * -u  unmanaged                               -k  kill -9 after N records of the journal
 * -d  deadline of a write in milliseconds     -l  the guest lives (for recover)
 *
 * Prints JSON; exits with 1 and a text on stderr when it failed. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "handover/handover.h"
#include "handover/journal.h"

typedef struct Driver {
        sd_event *event;
        PciTree *tree;
        Handover *handover;
        const char *state_dir, *guest;
        bool with_companions, override, unmanaged, lives, is_over;
        uint64_t kill_after, deadline_ms;
        PciAddr addrs[8];
        size_t n;
        Err err;
} Driver;

static void print_json(json_t *json) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(json);
}

static void count(const json_t *record, void *userdata) {
}

static void kill_at_record(const Driver *driver) {
        g_autofree char *path = g_build_filename(driver->state_dir, "journal", NULL);
        g_autofree char *data = NULL;
        JournalReport report = {};
        size_t size = 0;

        if (driver->kill_after == 0 || file_read(path, JOURNAL_FILE_MAX, &data, &size, NULL) < 0)
                return;
        journal_parse(data, size, count, NULL, &report);
        if (report.records >= driver->kill_after)
                kill(getpid(), SIGKILL);
}

static void wait_over(Driver *driver) {
        while (!driver->is_over) {
                sd_event_run(driver->event, UINT64_MAX);
                kill_at_record(driver);
        }
}

static void over(const Err *err, void *userdata) {
        Driver *driver = userdata;

        err_copy(&driver->err, err);
        driver->is_over = true;
}

static void plan_over(Plan *plan, const Err *err, void *userdata) {
        over(err, userdata);
}

static HandoverRequest request_of(const Driver *driver) {
        return (HandoverRequest){
                .guest = driver->guest,
                .uuid = driver->guest,
                .managed = !driver->unmanaged,
                .with_companions = driver->with_companions,
                .take_host_devices = driver->override,
                .addrs = driver->addrs,
                .n = driver->n,
        };
}

static int build_take(Driver *driver, Plan *plan, Err *err) {
        const HandoverRequest request = request_of(driver);

        return handover_plan_take(driver->handover, plan, &request, err);
}

static int build_give(Driver *driver, Plan *plan, Err *err) {
        return handover_plan_give(driver->handover, plan, driver->addrs, driver->n, err);
}

static int build_detach(Driver *driver, Plan *plan, Err *err) {
        const HandoverRequest request = request_of(driver);

        return handover_plan_detach_host(driver->handover, plan, &request, err);
}

static int build_reattach(Driver *driver, Plan *plan, Err *err) {
        return handover_plan_reattach(driver->handover, plan, driver->addrs[0], err);
}

static int build_reset(Driver *driver, Plan *plan, Err *err) {
        return handover_plan_reset(driver->handover, plan, driver->addrs[0], err);
}

static int build_nothing(Driver *driver, Plan *plan, Err *err) {
        return 0;
}

static const struct Command {
        const char *name;
        int (*build)(Driver *driver, Plan *plan, Err *err);
} commands[] = {
        {"take", build_take},         {"give", build_give},   {"detach", build_detach},
        {"reattach", build_reattach}, {"reset", build_reset}, {"ledger", build_nothing},
};

static int run_plan(Driver *driver, const char *name) {
        g_autoptr(Plan) plan =
                handover_plan_new(driver->handover, name, driver->guest, driver->guest);
        int r = -EINVAL;

        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                if (strcmp(name, commands[i].name) == 0)
                        r = commands[i].build(driver, plan, &driver->err);
        if (r == 0)
                r = plan_run(plan, plan_over, driver, &driver->err);
        if (r < 0)
                return r;
        wait_over(driver);
        print_json(json_pack("{s:o, s:o}", "plan", plan_to_json(plan), "ledger",
                             ledger_to_json(handover_ledger(driver->handover))));
        return err_is_set(&driver->err) ? -EIO : 0;
}

static int judge(Driver *driver) {
        const HandoverRequest request = request_of(driver);
        g_autoptr(Verdict) verdict = NULL;
        int r = handover_verdict(driver->handover, &request, &verdict, &driver->err);

        if (r < 0)
                return r;
        print_json(verdict_to_json(verdict));
        return verdict_to_err(verdict, &driver->err);
}

static bool is_alive(const char *uuid, void *userdata) {
        return ((Driver *)userdata)->lives;
}

static int recover(Driver *driver) {
        int r = handover_recover(driver->handover, is_alive, driver, over, driver, &driver->err);

        if (r < 0)
                return r;
        wait_over(driver);
        print_json(ledger_to_json(handover_ledger(driver->handover)));
        return err_is_set(&driver->err) ? -EIO : 0;
}

static int run(Driver *driver, const char *name) {
        if (strcmp(name, "verdict") == 0)
                return judge(driver);
        if (strcmp(name, "recover") == 0)
                return recover(driver);
        return run_plan(driver, name);
}

static int parse(Driver *driver, int argc, char **argv) {
        int option;

        while ((option = getopt(argc, argv, "g:k:d:coul")) != -1) {
                if (option == 'g')
                        driver->guest = optarg;
                if ((option == 'k' && str_to_uint(optarg, 10, 10000, &driver->kill_after) < 0) ||
                    (option == 'd' && str_to_uint(optarg, 10, 100000, &driver->deadline_ms) < 0))
                        return -EINVAL;
                driver->with_companions |= option == 'c';
                driver->override |= option == 'o';
                driver->unmanaged |= option == 'u';
                driver->lives |= option == 'l';
        }
        if (argc - optind < 2 || argc - optind - 2 > (int)G_N_ELEMENTS(driver->addrs))
                return -EINVAL;
        driver->state_dir = argv[optind++];
        for (int i = optind + 1; i < argc; i++)
                if (pci_addr_parse(argv[i], &driver->addrs[driver->n++]) < 0)
                        return -EINVAL;
        return 0;
}

int main(int argc, char **argv) {
        Driver driver = {};
        Sys *sys = NULL;
        int r = parse(&driver, argc, argv);

        if (r < 0 || sd_event_new(&driver.event) < 0 || sys_new(NULL, &sys) < 0)
                return 2;
        r = pci_tree_new(sys, &driver.tree, &driver.err);
        if (r == 0)
                r = handover_new(driver.event, driver.tree, driver.state_dir, &driver.handover,
                                 &driver.err);
        if (r == 0 && driver.deadline_ms)
                handover_set_deadline(driver.handover, driver.deadline_ms * 1000);
        if (r == 0)
                r = run(&driver, argv[optind]);
        if (r < 0) {
                g_autofree char *text = err_text(&driver.err);

                fprintf(stderr, "%s\n", text);
        }
        err_clear(&driver.err);
        handover_free(driver.handover);
        pci_tree_free(driver.tree);
        sys_free(sys);
        sd_event_unref(driver.event);
        return r < 0 ? 1 : 0;
}
