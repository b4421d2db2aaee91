/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-tpm.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/vm-kind.h"
#include "daemon/vm-sidecar.h"

#define INSTALL_HINT "install it: apt install swtpm swtpm-tools"

/* Keys are made, of which some take their time. */
#define SETUP_DEADLINE_USEC (60 * UINT64_C(1000000))

static const char *const swtpm_paths[] = {"/usr/bin/swtpm", "/usr/local/bin/swtpm", NULL};
static const char *const setup_paths[] = {"/usr/bin/swtpm_setup", "/usr/local/bin/swtpm_setup",
                                          NULL};

/* ---- where the state is ---- */

static const DomainTpm *find_tpm(const DomainDef *def) {
        DOMAIN_FOREACH(DomainTpm, tpm, def, DOMAIN_TPM)
                return tpm->backend.type == TPM_EMULATOR ? tpm : NULL;
        return NULL;
}

static char *own_dir(const Vm *vm) {
        return g_build_filename(vm->manager->paths.state_dir, "swtpm", vm_uuid_text(vm), NULL);
}

static char *state_dir(const Vm *vm, const DomainTpm *tpm) {
        g_autofree char *dir = own_dir(vm);

        if (tpm->backend.source.path)
                return g_strdup(tpm->backend.source.path);
        return g_build_filename(dir, tpm->backend.version == TPM_2_0 ? "tpm2" : "tpm1.2", NULL);
}

char *vm_tpm_dir(const Manager *manager, const DomainDef *def) {
        const DomainTpm *tpm = find_tpm(def);
        char uuid[DOMAIN_UUID_TEXT_MAX];

        if (!tpm || tpm->backend.source.path)
                return NULL;
        return g_build_filename(manager->paths.state_dir, "swtpm",
                                domain_uuid_format(def->uuid, uuid), NULL);
}

bool vm_tpm_has_state(const Vm *vm) {
        g_autofree char *dir = own_dir(vm);

        return access(dir, F_OK) == 0;
}

bool vm_tpm_is_persistent(const Vm *vm) {
        const DomainTpm *tpm = find_tpm(vm->config);

        return tpm && tpm->backend.persistent_state == DOMAIN_SWITCH_ON;
}

/* swtpm makes plain files in it. */
static void remove_dir(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                if (unlink(file) < 0 && errno != EISDIR)
                        log_warning("cannot remove '%s': %s", file, g_strerror(errno));
        }
        rmdir(path);
}

void vm_tpm_remove_state(const Vm *vm) {
        static const char *const versions[] = {"tpm2", "tpm1.2"};
        g_autofree char *dir = own_dir(vm);

        for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
                g_autofree char *version = g_build_filename(dir, versions[i], NULL);

                remove_dir(version);
        }
        remove_dir(dir);
}

/* ---- its making: keys, certificates and active banks, by swtpm_setup ---- */

typedef struct Setup {
        Vm *vm;
        char *alias, *dir;
        char **argv;
        Process *process; /* NULL: does not run */
        Step *step;
        sd_event_source *deadline;
} Setup;

static void setup_free(void *data) {
        Setup *setup = data;

        sd_event_source_disable_unref(setup->deadline);
        process_free(setup->process);
        vm_unref(setup->vm);
        g_free(setup->alias);
        g_free(setup->dir);
        g_strfreev(setup->argv);
        g_free(setup);
}

static void on_setup_end(int status, void *userdata) {
        Setup *setup = userdata;
        g_auto(Err) err = ERR_INIT;
        int r = 0;

        setup->deadline = sd_event_source_disable_unref(setup->deadline);
        if (status != 0)
                r = fail(&err, VIR_ERR_OPERATION_FAILED,
                         "the state of the TPM of guest '%s' cannot be made in '%s': see the "
                         "guest's log",
                         vm_name(setup->vm), setup->dir);
        step_finish(setup->step, r, r < 0 ? &err : NULL);
}

static int on_setup_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        const Setup *setup = userdata;

        process_signal(setup->process, SIGKILL); /* its end fails the step */
        return 0;
}

static int setup_run(Step *step, Err *err) {
        Setup *setup = step_data(step);
        Vm *vm = setup->vm;
        sd_event *event = vm->manager->event;
        g_autofree char *log =
                g_strdup_printf("%s/%s.log", vm->manager->paths.log_dir, vm_name(vm));
        const ProcessSpec spec = {.argv = setup->argv, .log_path = log};
        int r = file_mkdir_p(setup->dir, 0700, err);

        if (r == 0)
                r = process_spawn(&spec, &setup->process, err);
        if (r == 0)
                r = process_watch(setup->process, event, on_setup_end, setup, err);
        if (r < 0)
                return r;
        setup->step = step;
        sd_event_add_time_relative(event, &setup->deadline, CLOCK_MONOTONIC, SETUP_DEADLINE_USEC, 0,
                                   on_setup_deadline, setup);
        return STEP_PENDING;
}

static void setup_cancel(Step *step) {
        const Setup *setup = step_data(step);

        process_signal(setup->process, SIGKILL);
}

static char *setup_describe(const Step *step, bool undo) {
        const Setup *setup = step_data(step);

        return undo ? NULL
                    : g_strdup_printf("make the state of %s in %s", setup->alias, setup->dir);
}

static const StepKind setup_kind = {
        .name = "set-up-tpm",
        .run = setup_run,
        .cancel = setup_cancel,
        .describe = setup_describe,
        .free = setup_free,
};

static char *bank_list(const DomainTpm *tpm) {
        static const char *const names[_TPM_BANKS_MAX] = {"sha1", "sha256", "sha384", "sha512"};
        g_autoptr(GString) list = g_string_new(NULL);

        for (int i = 0; i < _TPM_BANKS_MAX; i++) {
                if (tpm->backend.banks.bank[i].node.is_present)
                        g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "", names[i]);
        }
        return g_string_free(g_steal_pointer(&list), list->len == 0);
}

static bool is_in_file(const DomainTpm *tpm) {
        return tpm->backend.source.type == TPM_FILE;
}

static bool is_made(const DomainTpm *tpm, const char *dir) {
        g_autofree char *file = is_in_file(tpm) ? g_strdup(dir)
                                                : g_build_filename(dir,
                                                                   tpm->backend.version == TPM_2_0
                                                                           ? "tpm2-00.permall"
                                                                           : "tpm-00.permall",
                                                                   NULL);

        return access(file, F_OK) == 0;
}

static char **setup_argv(const Vm *vm, const DomainTpm *tpm, const char *program, const char *dir,
                         bool is_new) {
        g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
        g_autofree char *id = g_strdup_printf("%s:%s", vm_name(vm), vm_uuid_text(vm));
        g_autofree char *banks = bank_list(tpm);
        g_autofree char *state = g_strdup_printf(is_in_file(tpm) ? "file://%s" : "dir://%s", dir);

        g_strv_builder_add_many(argv, program, "--tpm-state", state, NULL);
        if (tpm->backend.version == TPM_2_0)
                g_strv_builder_add(argv, "--tpm2");
        if (is_new)
                g_strv_builder_add_many(argv, "--vmid", id, "--createek", "--create-ek-cert",
                                        "--create-platform-cert", "--lock-nvram", "--not-overwrite",
                                        NULL);
        else
                g_strv_builder_add(argv, "--reconfigure");
        if (banks)
                g_strv_builder_add_many(argv, "--pcr-banks", banks, NULL);
        return g_strv_builder_end(argv);
}

/* Once, and again where the definition tells which banks are active. */
static int plan_setup(Vm *vm, Plan *plan, const DomainTpm *tpm, const char *dir, Err *err) {
        const char *program = vm_sidecar_find_program(setup_paths);
        bool is_new = !is_made(tpm, dir);
        Setup *setup;

        if (!is_new && !tpm->backend.banks.node.is_present)
                return 0;
        if (!program)
                return fail_hint(
                        err,
                        fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                             "guest '%s' has an emulated TPM, and swtpm_setup is not there",
                             vm_name(vm)),
                        INSTALL_HINT);
        setup = g_new0(Setup, 1);
        setup->vm = vm_ref(vm);
        setup->alias = g_strdup(tpm->base.alias.name);
        setup->dir = is_in_file(tpm) ? g_path_get_dirname(dir) : g_strdup(dir);
        setup->argv = setup_argv(vm, tpm, program, dir, is_new);
        plan_add(plan, &setup_kind, NULL, setup);
        return 0;
}

/* ---- the emulator itself ---- */

static void plan_emulator(Vm *vm, Plan *plan, const DomainTpm *tpm, const char *dir) {
        const char *program = vm_sidecar_find_program(swtpm_paths);
        g_autofree char *socket = vm_sidecar_path(vm, tpm->base.alias.name, "sock");
        g_autofree char *state = g_strdup_printf(
                is_in_file(tpm) ? "backend-uri=file://%s,mode=0600" : "dir=%s,mode=0600", dir);
        g_autofree char *log =
                g_strdup_printf("file=%s/%s.log,level=%u", vm->manager->paths.log_dir, vm_name(vm),
                                (unsigned)domain_num_or(tpm->backend.debug, 0));
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_auto(GStrv) argv = NULL;
        SidecarSpec spec = {
                .alias = tpm->base.alias.name,
                .what = "TPM emulator",
                .hint = INSTALL_HINT,
                .socket = socket,
        };

        g_strv_builder_add_many(builder, program ? program : swtpm_paths[0], "socket", "--ctrl",
                                "type=unixio,fd=" SIDECAR_FD, "--tpmstate", state, "--terminate",
                                NULL);
        /* A guest's name may have what separates its options. */
        if (tpm->backend.debug.is_set && !strchr(vm_name(vm), ','))
                g_strv_builder_add_many(builder, "--log", log, NULL);
        if (tpm->backend.version == TPM_2_0)
                g_strv_builder_add(builder, "--tpm2");
        argv = g_strv_builder_end(builder);
        spec.argv = argv;
        vm_sidecar_add_step(vm, plan, &spec);
}

static int plan_tpm(Vm *vm, Plan *plan, const DomainDef *live, const DomainDevice *device,
                    Err *err) {
        const DomainTpm *tpm = (const DomainTpm *)device;
        g_autofree char *dir = NULL;
        int r;

        if (tpm->backend.type != TPM_EMULATOR)
                return 0;
        dir = state_dir(vm, tpm);
        r = plan_setup(vm, plan, tpm, dir, err);
        if (r == 0)
                plan_emulator(vm, plan, tpm, dir);
        return r;
}

static void release(Vm *vm, const DomainDevice *device) {
        const DomainTpm *tpm = (const DomainTpm *)device;

        if (tpm->backend.type != TPM_EMULATOR)
                return;
        vm_sidecar_end(vm, device->alias.name);
        if (!vm->persistent && tpm->backend.persistent_state != DOMAIN_SWITCH_ON)
                vm_tpm_remove_state(vm);
}

const VmKind vm_tpm_kind = {
        .plan = plan_tpm,
        .release = release,
};
