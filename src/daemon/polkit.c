/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/polkit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/log.h"
#include "base/util.h"

#define BUS_NAME  "org.freedesktop.PolicyKit1"
#define OBJECT    "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* CheckAuthorizationFlags: polkit may ask the user for a password. */
#define ALLOW_INTERACTION 1u

struct Polkit {
        sd_event *event;
        sd_bus *bus;       /* NULL: not connected */
        GPtrArray *checks; /* of PolkitCheck, in the order in which they came */
        uint64_t last_id;
};

struct PolkitCheck {
        Polkit *polkit;
        PolkitSubject subject;
        const char *action;
        uint64_t id;
        sd_bus_slot *slot; /* of the question; NULL: its turn has not come */
        sd_event_source *deadline;
        PolkitFunc func;
        void *userdata;
};

static void start_waiting(Polkit *polkit);

static void check_free(PolkitCheck *check) {
        g_ptr_array_remove(check->polkit->checks, check);
        sd_bus_slot_unref(check->slot);
        sd_event_source_disable_unref(check->deadline);
        polkit_subject_done(&check->subject);
        g_free(check);
}

Polkit *polkit_new(sd_event *event) {
        Polkit *polkit = g_new0(Polkit, 1);

        polkit->event = sd_event_ref(event);
        polkit->checks = g_ptr_array_new();
        return polkit;
}

void polkit_free(Polkit *polkit) {
        if (!polkit)
                return;
        while (polkit->checks->len > 0)
                check_free(polkit->checks->pdata[polkit->checks->len - 1]);
        g_ptr_array_unref(polkit->checks);
        /* Not flushed, which could block. */
        sd_bus_close_unref(polkit->bus);
        sd_event_unref(polkit->event);
        g_free(polkit);
}

/* ---- the verdict ---- */

int polkit_judge(const PolkitAnswer *answer, const char *action, Err *err) {
        const char *hint = g_str_equal(action, POLKIT_MANAGE)
                                   ? "a member of the group 'airlock' needs no password; root "
                                     "(sudo) is not asked"
                                   : "root (sudo) is not asked";

        if (answer->is_authorized)
                return 0;
        if (answer->is_dismissed)
                return fail(err, VIR_ERR_AUTH_CANCELLED,
                            "the user did not answer polkit's question");
        if (answer->is_challenge)
                return fail_hint(err,
                                 fail(err, VIR_ERR_AUTH_UNAVAILABLE,
                                      "no polkit agent available to authenticate action '%s'",
                                      action),
                                 "run the command on a terminal or a desktop, where an agent can "
                                 "ask for a password; %s",
                                 hint);
        return fail_hint(
                err,
                fail(err, VIR_ERR_AUTH_FAILED, "access denied by policy (action '%s')", action),
                "%s", hint);
}

/* In a domain of its own: clients would start an agent for one of polkit's, and try again. */
static int fail_unreachable(Err *err, const char *why) {
        return err_in_domain(
                err, VIR_FROM_RPC,
                fail_hint(err, fail(err, VIR_ERR_AUTH_UNAVAILABLE, "cannot ask polkit: %s", why),
                          "start it (systemctl start polkit), or use root (sudo), who is not "
                          "asked"));
}

/* polkit answers, but not by a verdict. */
static int fail_unasked(Err *err, const char *action, const char *why) {
        return err_in_domain(err, VIR_FROM_RPC,
                             fail_hint(err,
                                       fail(err, VIR_ERR_AUTH_UNAVAILABLE,
                                            "polkit does not judge '%s': %s", action, why),
                                       "its actions come from org.airlock.unix.policy in "
                                       "/usr/share/polkit-1/actions; root (sudo) is not asked"));
}

static void tell(PolkitCheck *check, const Err *err) {
        PolkitFunc func = check->func;
        void *userdata = check->userdata;

        check_free(check);
        func(userdata, err);
}

static void finish(PolkitCheck *check, const Err *err) {
        Polkit *polkit = check->polkit;

        tell(check, err);
        start_waiting(polkit);
}

/* ---- the bus ---- */

static int read_details(sd_bus_message *message, bool *ret_dismissed) {
        const char *key, *value;
        int r;

        *ret_dismissed = false;
        r = sd_bus_message_enter_container(message, 'a', "{ss}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "{ss}", &key, &value)) > 0)
                *ret_dismissed |=
                        g_str_equal(key, "polkit.dismissed") && g_str_equal(value, "true");
        return r;
}

static int read_answer(sd_bus_message *message, PolkitAnswer *ret) {
        int is_authorized, is_challenge, r;

        r = sd_bus_message_enter_container(message, 'r', "bba{ss}");
        if (r < 0)
                return r;
        r = sd_bus_message_read(message, "bb", &is_authorized, &is_challenge);
        if (r < 0)
                return r;
        ret->is_authorized = is_authorized;
        ret->is_challenge = is_challenge;
        return read_details(message, &ret->is_dismissed);
}

static void fail_refusal(Err *err, const char *action, const sd_bus_error *refusal) {
        const char *why = refusal->message ? refusal->message : refusal->name;

        if (g_str_has_prefix(refusal->name, BUS_NAME))
                fail_unasked(err, action, why);
        else
                fail_unreachable(err, why);
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        PolkitCheck *check = userdata;
        const sd_bus_error *refusal = sd_bus_message_get_error(message);
        PolkitAnswer answer = {};
        g_auto(Err) err = ERR_INIT;

        if (refusal)
                fail_refusal(&err, check->action, refusal);
        else if (read_answer(message, &answer) < 0)
                fail_unasked(&err, check->action, "its answer is malformed");
        else
                polkit_judge(&answer, check->action, &err);
        finish(check, err_is_set(&err) ? &err : NULL);
        return 0;
}

static unsigned count_asked(const Polkit *polkit) {
        unsigned n = 0;

        for (guint i = 0; i < polkit->checks->len; i++)
                n += ((const PolkitCheck *)polkit->checks->pdata[i])->slot != NULL;
        return n;
}

static int connect_bus(Polkit *polkit) {
        int r;

        if (polkit->bus && sd_bus_is_open(polkit->bus) > 0)
                return 0;
        /* What was asked over the one that is ending is told so one by one. */
        if (polkit->bus && count_asked(polkit) > 0)
                return -ECONNRESET;
        polkit->bus = sd_bus_close_unref(polkit->bus);
        r = sd_bus_open_system(&polkit->bus);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(polkit->bus, polkit->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                polkit->bus = sd_bus_close_unref(polkit->bus);
        return r;
}

/* polkit 124 and later take the handle and leave number and time aside; older ones do not look at
 * it. */
static int append_subject(sd_bus_message *message, const PolkitSubject *subject) {
        return sd_bus_message_append(message, "(sa{sv})", "unix-process", 4, "pid", "u",
                                     (uint32_t)subject->pid, "start-time", "t", subject->start_time,
                                     "uid", "i", (int32_t)subject->uid, "pidfd", "h",
                                     subject->pidfd);
}

static int make_question(const PolkitCheck *check, sd_bus_message *message) {
        g_autofree char *id = g_strdup_printf("airlockd-%" PRIu64, check->id);
        int r = append_subject(message, &check->subject);

        if (r >= 0)
                r = sd_bus_message_append(message, "sa{ss}us", check->action, 0, ALLOW_INTERACTION,
                                          id);
        return r;
}

static int send_question(PolkitCheck *check) {
        Polkit *polkit = check->polkit;
        sd_bus_message *message = NULL;
        int r = connect_bus(polkit);

        if (r >= 0)
                r = sd_bus_message_new_method_call(polkit->bus, &message, BUS_NAME, OBJECT,
                                                   INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = make_question(check, message);
        if (r >= 0)
                r = sd_bus_call_async(polkit->bus, &check->slot, message, on_answer, check,
                                      UINT64_MAX);
        sd_bus_message_unref(message);
        return r;
}

static int ask(PolkitCheck *check, Err *err) {
        g_autofree char *why = NULL;
        int r = send_question(check);

        if (r >= 0)
                return 0;
        why = g_strdup_printf("the system bus does not answer: %s", g_strerror(-r));
        return fail_unreachable(err, why);
}

static void take_back(const PolkitCheck *check) {
        g_autofree char *id = g_strdup_printf("airlockd-%" PRIu64, check->id);
        int r;

        if (!check->slot)
                return;
        r = sd_bus_call_method_async(check->polkit->bus, NULL, BUS_NAME, OBJECT, INTERFACE,
                                     "CancelCheckAuthorization", NULL, NULL, "s", id);
        if (r < 0)
                log_debug("cannot cancel a check of polkit: %s", g_strerror(-r));
}

/* ---- one after the other ---- */

static bool has_room(const Polkit *polkit, uid_t uid) {
        unsigned n = 0, n_user = 0;

        for (guint i = 0; i < polkit->checks->len; i++) {
                const PolkitCheck *check = polkit->checks->pdata[i];

                n += check->slot != NULL;
                n_user += check->slot && check->subject.uid == uid;
        }
        return n < POLKIT_CHECKS_MAX && n_user < POLKIT_USER_CHECKS_MAX;
}

static PolkitCheck *find_next(const Polkit *polkit) {
        for (guint i = 0; i < polkit->checks->len; i++) {
                PolkitCheck *check = polkit->checks->pdata[i];

                if (!check->slot && has_room(polkit, check->subject.uid))
                        return check;
        }
        return NULL;
}

static void start_waiting(Polkit *polkit) {
        PolkitCheck *check;

        while ((check = find_next(polkit))) {
                g_auto(Err) err = ERR_INIT;

                if (ask(check, &err) < 0)
                        tell(check, &err);
        }
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        PolkitCheck *check = userdata;
        g_auto(Err) err = ERR_INIT;

        take_back(check);
        fail(&err, VIR_ERR_AUTH_CANCELLED, "polkit's question was not answered within %u seconds",
             (unsigned)POLKIT_DEADLINE_SEC);
        finish(check, &err);
        return 0;
}

int polkit_check_consume(Polkit *polkit, PolkitSubject *subject, const char *action,
                         PolkitFunc func, void *userdata, PolkitCheck **ret, Err *err) {
        PolkitCheck *check = g_new0(PolkitCheck, 1);
        int r;

        check->polkit = polkit;
        check->subject = *subject;
        *subject = (PolkitSubject)POLKIT_SUBJECT_INIT;
        check->action = action;
        check->id = ++polkit->last_id;
        check->func = func;
        check->userdata = userdata;
        g_ptr_array_add(polkit->checks, check);
        r = sd_event_add_time_relative(polkit->event, &check->deadline, CLOCK_MONOTONIC,
                                       POLKIT_DEADLINE_SEC * G_USEC_PER_SEC, G_USEC_PER_SEC,
                                       on_deadline, check);
        if (r < 0)
                r = fail_errno(err, r, "cannot make a timer");
        else if (has_room(polkit, check->subject.uid))
                r = ask(check, err);
        if (r < 0) {
                check_free(check);
                return r;
        }
        *ret = check;
        return 0;
}

void polkit_check_cancel(PolkitCheck *check) {
        Polkit *polkit;

        if (!check)
                return;
        polkit = check->polkit;
        take_back(check);
        check_free(check);
        start_waiting(polkit);
}
