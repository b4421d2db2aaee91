/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/checkup.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/util.h"
#include "daemon/dispatch.h"
#include "daemon/errand.h"
#include "daemon/rpc-domain.h"
#include "doctor/doctor.h"
#include "rpc/airlock.h"

#define DEADLINE_USEC ((uint64_t)30 * G_USEC_PER_SEC) /* of a child */
#define KEEP_USEC     ((gint64)5 * G_USEC_PER_SEC)
#define CHILD_NICE    10

/* What was found for a list of checks. */
typedef struct Kept {
        char *key;  /* names, joined by commas; NULL: nothing is kept */
        char *json; /* NULL: it failed */
        int r;
        gint64 until; /* g_get_monotonic_time() */
} Kept;

typedef struct Asker {
        char *key;
        Call *call;
} Asker;

struct Checkup {
        sd_event *event;
        Errand *errand; /* NULL: none is under way */
        char *key;      /* of the errand */
        bool is_stale;  /* what the errand brings is old already */
        Kept kept;
        GPtrArray *askers; /* of Asker */
};

static void asker_free(void *data) {
        Asker *asker = data;

        call_unref(asker->call);
        g_free(asker->key);
        g_free(asker);
}

Checkup *checkup_new(sd_event *event) {
        Checkup *checkup = g_new0(Checkup, 1);

        checkup->event = sd_event_ref(event);
        checkup->askers = g_ptr_array_new_with_free_func(asker_free);
        return checkup;
}

static void kept_clear(Kept *kept) {
        g_free(kept->key);
        g_free(kept->json);
        *kept = (Kept){};
}

void checkup_free(Checkup *checkup) {
        if (!checkup)
                return;
        if (checkup->errand)
                errand_cancel(checkup->errand);
        g_ptr_array_unref(checkup->askers);
        kept_clear(&checkup->kept);
        sd_event_unref(checkup->event);
        g_free(checkup->key);
        g_free(checkup);
}

void checkup_forget(Checkup *checkup) {
        kept_clear(&checkup->kept);
        checkup->is_stale = true;
}

/* ---- in the child ---- */

static int examine(int out, void *data) {
        g_auto(GStrv) names = g_strsplit(data, ",", -1);
        g_autoptr(Doctor) doctor = NULL;
        json_t *report;
        int r;

        setpriority(PRIO_PROCESS, 0, CHILD_NICE);
        r = doctor_new(NULL, &doctor, NULL);
        if (r == 0)
                r = doctor_run(doctor, names, NULL);
        if (r < 0)
                return r;
        report = doctor_to_json(doctor);
        r = json_dumpfd(report, out, JSON_COMPACT) < 0 ? -EIO : 0;
        json_decref(report);
        return r;
}

/* ---- in the daemon ---- */

static int tell_failure(int r, Err *err) {
        static const char way_out[] = "airlock doctor on that host shows more";

        if (r == -ETIMEDOUT)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_TIMEOUT,
                                      "the doctor did not end in time: something of the host "
                                      "hangs"),
                                 way_out);
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED, "the doctor could not work: %s",
                              g_strerror(-r)),
                         way_out);
}

static int fill(const Kept *kept, Call *call, Err *err) {
        airlock_json_ret *answer = call_ret(call);

        if (!kept->json)
                return tell_failure(kept->r, err);
        answer->json = rpc_text(kept->json);
        return 0;
}

static void answer_askers(Checkup *checkup, const Kept *kept) {
        for (guint i = 0; i < checkup->askers->len;) {
                Asker *asker = checkup->askers->pdata[i];
                g_auto(Err) err = ERR_INIT;

                if (!g_str_equal(asker->key, kept->key)) {
                        i++;
                        continue;
                }
                fill(kept, asker->call, &err);
                call_finish(g_steal_pointer(&asker->call), &err);
                g_ptr_array_remove_index(checkup->askers, i);
        }
}

static void start_next(Checkup *checkup);

static void on_report(int r, const char *output, size_t size, void *userdata) {
        Checkup *checkup = userdata;
        Kept kept = {.key = g_steal_pointer(&checkup->key),
                     .until = g_get_monotonic_time() + KEEP_USEC};

        checkup->errand = NULL;
        kept.r = r == 0 && size > REMOTE_STRING_MAX ? -EMSGSIZE : r;
        if (kept.r == -ETIMEDOUT) /* another child would hang beside this one */
                kept.until += (gint64)DEADLINE_USEC;
        if (kept.r == 0)
                kept.json = g_strdup(output);
        answer_askers(checkup, &kept);
        kept_clear(&checkup->kept);
        if (checkup->is_stale)
                kept_clear(&kept);
        else
                checkup->kept = kept;
        start_next(checkup);
}

static void start_next(Checkup *checkup) {
        while (!checkup->errand && checkup->askers->len > 0) {
                const Asker *first = checkup->askers->pdata[0];
                g_auto(Err) err = ERR_INIT;
                const ErrandSpec spec = {
                        .func = examine,
                        .data = first->key,
                        .deadline = DEADLINE_USEC,
                        .done = on_report,
                        .userdata = checkup,
                };
                int r = errand_run(checkup->event, &spec, &checkup->errand, &err);
                Kept failure = {.key = g_strdup(first->key), .r = r};

                checkup->is_stale = false;
                if (r == 0)
                        checkup->key = g_strdup(first->key);
                else
                        answer_askers(checkup, &failure);
                kept_clear(&failure);
        }
}

int checkup_answer(Checkup *checkup, Call *call, char *const *names, Err *err) {
        g_autofree char *key = g_strjoinv(",", (char **)(uintptr_t)names);
        Asker *asker;
        int r = doctor_check_names(names, err);

        if (r < 0)
                return r;
        if (g_strcmp0(checkup->kept.key, key) == 0 && g_get_monotonic_time() < checkup->kept.until)
                return fill(&checkup->kept, call, err);
        asker = g_new0(Asker, 1);
        asker->key = g_steal_pointer(&key);
        asker->call = call_ref(call);
        g_ptr_array_add(checkup->askers, asker);
        start_next(checkup);
        return CALL_LATER;
}
