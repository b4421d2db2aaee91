/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/import-object.h"

#include <stdarg.h>

#include "base/util.h"
#include "cli/report.h"
#include "client/assign.h"
#include "client/network.h"
#include "client/storage.h"
#include "import/copy.h"
#include "rpc/airlock.h"

#define TPM_DIR    "/var/lib/libvirt/swtpm"
#define COPIES_MAX 2

/* ---- the kinds ---- */

static int define_guest(Conn *conn, const char *xml, Err *err) {
        g_autoptr(Guest) guest = NULL;

        return guest_define(conn, xml, 0, &guest, err);
}

static int define_network(Conn *conn, const char *xml, Err *err) {
        g_autoptr(Net) net = NULL;

        return net_define(conn, xml, 0, &net, err);
}

static int define_pool(Conn *conn, const char *xml, Err *err) {
        g_autoptr(StoragePool) pool = NULL;

        return storage_pool_define(conn, xml, 0, &pool, err);
}

static int autostart_guest(Conn *conn, const char *name, Err *err) {
        g_autoptr(Guest) guest = NULL;
        int r = guest_lookup(conn, name, GUEST_BY_NAME, &guest, err);

        return r < 0 ? r : guest_set_autostart(conn, guest, false, true, err);
}

static int autostart_network(Conn *conn, const char *name, Err *err) {
        g_autoptr(Net) net = NULL;
        int r = net_lookup(conn, name, &net, err);

        return r < 0 ? r : net_set_autostart(conn, net, true, err);
}

static int autostart_pool(Conn *conn, const char *name, Err *err) {
        g_autoptr(StoragePool) pool = NULL;
        int r = storage_pool_lookup(conn, name, &pool, err);

        return r < 0 ? r : storage_pool_set_autostart(conn, pool, true, err);
}

static bool has_network(Conn *conn, const char *name) {
        g_autoptr(Net) net = NULL;

        return net_lookup(conn, name, &net, NULL) == 0;
}

static bool has_pool(Conn *conn, const char *name) {
        g_autoptr(StoragePool) pool = NULL;

        return storage_pool_lookup(conn, name, &pool, NULL) == 0;
}

static const struct KindOps {
        int (*define)(Conn *conn, const char *xml, Err *err);
        int (*set_autostart)(Conn *conn, const char *name, Err *err);
        bool (*exists)(Conn *conn, const char *name); /* of what guests name */
        const char *daemons[3]; /* of libvirt's that start one at the host's boot, to its harm */
} kinds[] = {
        [IMPORT_POOL] = {define_pool, autostart_pool, has_pool, {NULL}},
        [IMPORT_NETWORK] = {define_network,
                            autostart_network,
                            has_network,
                            {"libvirtd", "virtnetworkd", NULL}},
        [IMPORT_GUEST] = {define_guest, autostart_guest, NULL, {"libvirtd", "virtqemud", NULL}},
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == _IMPORT_KIND_MAX);

/* ---- one run, one outcome ---- */

const char *import_result_to_string(ImportResult result) {
        static const char *const names[] = {
                [IMPORT_IMPORTED] = "imported",   [IMPORT_REPLACED] = "replaced",
                [IMPORT_UNCHANGED] = "unchanged", [IMPORT_DIFFERENT] = "different",
                [IMPORT_REFUSED] = "refused",
        };

        G_STATIC_ASSERT(G_N_ELEMENTS(names) == _IMPORT_RESULT_MAX);
        return names[result];
}

void import_run_init(ImportRun *run, Cli *cli, const ImportSource *source) {
        run->cli = cli;
        run->source = source;
        for (ImportKind kind = 0; kind < _IMPORT_KIND_MAX; kind++) {
                run->boot_units[kind] = import_boot_unit(source->host, kinds[kind].daemons);
                run->names[kind] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        }
}

void import_run_done(ImportRun *run) {
        for (ImportKind kind = 0; kind < _IMPORT_KIND_MAX; kind++) {
                g_clear_pointer(&run->boot_units[kind], g_free);
                g_clear_pointer(&run->names[kind], g_hash_table_unref);
        }
}

void import_outcome_done(ImportOutcome *outcome) {
        err_clear(&outcome->reason);
        g_clear_pointer(&outcome->remarks, g_ptr_array_unref);
}

static void remark(ImportOutcome *outcome, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void remark(ImportOutcome *outcome, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        g_ptr_array_add(outcome->remarks, g_strdup_vprintf(format, ap));
        va_end(ap);
}

/* ---- remarks ---- */

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static void remark_warnings(const json_t *answer, ImportOutcome *outcome) {
        const json_t *warning;
        size_t i;

        json_array_foreach(json_object_get(answer, "warnings"), i, warning)
                if (json_is_string(warning))
                        remark(outcome, "%s", json_string_value(warning));
}

static void remark_functions(const json_t *answer, ImportOutcome *outcome) {
        const json_t *function;
        size_t i;

        json_array_foreach(json_object_get(answer, "functions"), i, function) {
                const char *address = text_of(function, "address");
                const char *vendor = text_of(function, "vendor");
                const char *product = text_of(function, "product");

                if (!json_is_true(json_object_get(function, "present")))
                        remark(outcome, "it has host device %s, and there is none in this host",
                               address ? address : "-");
                else
                        remark(outcome, "it has host device %s: %s %s", address ? address : "-",
                               vendor ? vendor : "unknown vendor",
                               product ? product : "unknown device");
        }
}

static void remark_needed(const ImportRun *run, ImportKind kind, char **names,
                          ImportOutcome *outcome) {
        STRV_FOREACH(name, names)
                if (!g_hash_table_contains(run->names[kind], name) &&
                    !kinds[kind].exists(run->cli->conn, name))
                        remark(outcome, "its %s '%s' is not here: it cannot start without",
                               import_kind_to_string(kind), name);
}

static void remark_guest(const ImportRun *run, const ImportObject *guest, ImportOutcome *outcome) {
        remark_needed(run, IMPORT_NETWORK, guest->networks, outcome);
        remark_needed(run, IMPORT_POOL, guest->pools, outcome);
        if (guest->snapshots > 0)
                remark(outcome,
                       "its snapshots (%u) are not taken over; what its images hold of them stays",
                       guest->snapshots);
        if (guest->checkpoints > 0)
                remark(outcome, "its checkpoints (%u) are not taken over", guest->checkpoints);
}

/* Autostart is left out where the host's next boot would start the object twice. */
static bool wants_autostart(const ImportRun *run, const ImportObject *object) {
        if (!object->autostart || run->autostart == IMPORT_AUTOSTART_NEVER)
                return false;
        return run->autostart == IMPORT_AUTOSTART_ALWAYS || !run->boot_units[object->kind];
}

static void remark_autostart(const ImportRun *run, const ImportObject *object,
                             ImportOutcome *outcome) {
        const char *unit = run->boot_units[object->kind];

        if (!object->autostart || wants_autostart(run, object))
                return;
        if (run->autostart == IMPORT_AUTOSTART_NEVER)
                remark(outcome, "it does not start with the host here");
        else
                remark(outcome,
                       "it does not start with the host here, as libvirt's would at the same "
                       "time: when '%s' is disabled, import it again with --autostart",
                       unit);
}

static void remark_all(const ImportRun *run, const ImportObject *object, const json_t *answer,
                       ImportOutcome *outcome) {
        remark_warnings(answer, outcome);
        if (object->kind == IMPORT_GUEST) {
                remark_functions(answer, outcome);
                remark_guest(run, object, outcome);
        }
        if (object->bridge)
                remark(outcome,
                       "bridge %s is there now: stop the network in libvirt before it starts "
                       "here (virsh net-destroy %s)",
                       object->bridge, object->name);
        remark_autostart(run, object, outcome);
}

/* ---- files of the guest ---- */

/* What a guest gets a copy of. */
typedef struct Copies {
        ImportCopy *list[COPIES_MAX];
        bool is_made[COPIES_MAX];
        size_t n;
} Copies;

static void copies_done(Copies *copies) {
        for (size_t i = 0; i < copies->n; i++)
                import_copy_free(copies->list[i]);
        copies->n = 0;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Copies, copies_done)

static void add_copy(Copies *copies, const char *what, char *from_consume, const char *to) {
        ImportCopy *copy = g_new0(ImportCopy, 1);

        copy->what = what;
        copy->from = from_consume;
        copy->to = g_strdup(to);
        copies->list[copies->n++] = copy;
}

static void find_copies(const json_t *answer, Copies *ret) {
        const json_t *nvram = json_object_get(answer, "nvram");
        const char *from = text_of(nvram, "from"), *to = text_of(nvram, "to");
        const char *tpm = text_of(answer, "tpm"), *uuid = text_of(answer, "uuid");

        if (from && to)
                add_copy(ret, "UEFI variables", g_strdup(from), to);
        if (tpm && uuid) {
                add_copy(ret, "TPM", g_build_filename(TPM_DIR, uuid, NULL), tpm);
                ret->list[ret->n - 1]->is_dir = true;
        }
}

/* What is here of a guest that is replaced is its own and stays. */
static int make_copy(const ImportRun *run, Copies *copies, size_t i, ImportOutcome *outcome,
                     Err *err) {
        const ImportCopy *copy = copies->list[i];
        const Sys *host = run->source->host;
        g_auto(Err) reason = ERR_INIT;
        ImportCopyState state;
        int r = import_copy_judge(host, copy, &state, &reason);

        if (r < 0 && outcome->result == IMPORT_REPLACED &&
            reason.code == VIR_ERR_OPERATION_FAILED) {
                remark(outcome, "'%s' (its %s) is kept", copy->to, copy->what);
                return 0;
        }
        if (r < 0) {
                err_move(err, &reason);
                return r;
        }
        if (state == IMPORT_COPY_MISSING)
                remark(outcome, "'%s' (its %s) is not there: its first start makes it anew",
                       copy->from, copy->what);
        else
                remark(outcome, "'%s' (its %s) is copied to '%s'", copy->from, copy->what,
                       copy->to);
        if (run->dry || state != IMPORT_COPY_WANTED)
                return 0;
        copies->is_made[i] = true;
        return import_copy_make(host, copy, err);
}

static int make_copies(const ImportRun *run, Copies *copies, ImportOutcome *outcome, Err *err) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < copies->n; i++)
                r = make_copy(run, copies, i, outcome, err);
        return r;
}

static void undo_copies(const ImportRun *run, const Copies *copies) {
        for (size_t i = 0; i < copies->n; i++)
                if (copies->is_made[i])
                        import_copy_undo(run->source->host, copies->list[i]);
}

/* ---- the steps ---- */

/* What would be unsafe whatever its definition says. */
static int check_guest(const ImportObject *guest, Err *err) {
        if (guest->pid)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "guest '%s' runs under libvirt now (process %u)", guest->name,
                                      guest->pid),
                                 "shut it down there: virsh shutdown %s", guest->name);
        if (guest->saved)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_INVALID,
                                      "libvirt has saved guest '%s' with its memory in '%s'",
                                      guest->name, guest->saved),
                                 "let it end there (virsh start %s, virsh shutdown %s), or drop "
                                 "its memory: virsh managedsave-remove %s",
                                 guest->name, guest->name, guest->name);
        return 0;
}

static int judge(const ImportRun *run, const ImportObject *object, const json_t *answer,
                 ImportOutcome *outcome, Err *err) {
        const char *state = text_of(answer, "state");

        if (!state || !text_of(answer, "xml") || !text_of(answer, "name"))
                return fail(err, VIR_ERR_RPC, "the daemon's answer about '%s' is none",
                            object->name);
        outcome->result = g_str_equal(state, "new")    ? IMPORT_IMPORTED
                          : g_str_equal(state, "same") ? IMPORT_UNCHANGED
                          : run->replace               ? IMPORT_REPLACED
                                                       : IMPORT_DIFFERENT;
        if (outcome->result == IMPORT_UNCHANGED || outcome->result == IMPORT_DIFFERENT)
                return 0;
        return check_guest(object, err);
}

static int mark(const ImportRun *run, const ImportObject *object, ImportOutcome *outcome,
                Err *err) {
        outcome->autostart = true;
        return run->dry ? 0 : kinds[object->kind].set_autostart(run->cli->conn, object->name, err);
}

/* One that is here already is marked only where that is asked for. */
static int mark_again(const ImportRun *run, const ImportObject *object, const json_t *answer,
                      ImportOutcome *outcome, Err *err) {
        if (run->autostart != IMPORT_AUTOSTART_ALWAYS || !object->autostart ||
            json_is_true(json_object_get(answer, "autostart")))
                return 0;
        return mark(run, object, outcome, err);
}

static int take_over(ImportRun *run, const ImportObject *object, const json_t *answer,
                     ImportOutcome *outcome, Err *err) {
        g_auto(Copies) copies = {};
        int r;

        find_copies(answer, &copies);
        r = make_copies(run, &copies, outcome, err);
        if (r == 0 && !run->dry)
                r = kinds[object->kind].define(run->cli->conn, text_of(answer, "xml"), err);
        if (r < 0) {
                undo_copies(run, &copies);
                return r;
        }
        remark_all(run, object, answer, outcome);
        g_hash_table_add(run->names[object->kind], g_strdup(object->name));
        return wants_autostart(run, object) ? mark(run, object, outcome, err) : 0;
}

static int ask(ImportRun *run, const ImportObject *object, json_t **ret, Err *err) {
        g_autofree char *text = NULL;
        int r = assign_check(run->cli->conn, import_kind_to_string(object->kind), object->xml,
                             AIRLOCK_CHECK_OWN_STATE, &text, err);

        return r < 0 ? r : report_parse(text, ret, err);
}

static int try_object(ImportRun *run, const ImportObject *object, ImportOutcome *outcome,
                      Err *err) {
        g_autoptr(json_t) answer = NULL;
        int r = ask(run, object, &answer, err);

        if (r == 0)
                r = judge(run, object, answer, outcome, err);
        if (r < 0)
                return r;
        switch (outcome->result) {
        case IMPORT_IMPORTED:
        case IMPORT_REPLACED:
                return take_over(run, object, answer, outcome, err);
        case IMPORT_UNCHANGED:
                return mark_again(run, object, answer, outcome, err);
        default:
                return 0;
        }
}

int import_object(ImportRun *run, const ImportObject *object, ImportOutcome *ret, Err *err) {
        int r = 0;

        ret->remarks = g_ptr_array_new_with_free_func(g_free);
        if (!object->xml) {
                err_copy(&ret->reason, &object->problem);
                ret->result = IMPORT_REFUSED;
                return 0;
        }
        r = try_object(run, object, ret, &ret->reason);
        if (r == 0)
                return 0;
        ret->result = IMPORT_REFUSED;
        ret->autostart = false;
        if (!conn_is_lost(run->cli->conn) && ret->reason.code != VIR_ERR_RPC)
                return 0;
        err_copy(err, &ret->reason);
        return r;
}
