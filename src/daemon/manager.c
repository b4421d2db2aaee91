/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/checkup.h"
#include "daemon/manager.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/cpu-store.h"
#include "daemon/emulator.h"
#include "daemon/event.h"
#include "daemon/network.h"
#include "daemon/nodedev.h"
#include "daemon/pool.h"
#include "daemon/store.h"
#include "daemon/store-rename.h"
#include "daemon/vm-hostdev.h"
#include "daemon/vm-machine.h"
#include "daemon/vm-transfer.h"
#include "daemon/vm.h"
#include "handover/handover.h"
#include "qemu/caps.h"
#include "qemu/firmware.h"

static void paths_copy(const Paths *from, Paths *ret) {
        *ret = (Paths){
                .config_dir = g_strdup(from->config_dir),
                .state_dir = g_strdup(from->state_dir),
                .run_dir = g_strdup(from->run_dir),
                .log_dir = g_strdup(from->log_dir),
                .cache_dir = g_strdup(from->cache_dir),
                .socket_dir = g_strdup(from->socket_dir),
        };
}

static void paths_done(Paths *paths) {
        g_free(paths->config_dir);
        g_free(paths->state_dir);
        g_free(paths->run_dir);
        g_free(paths->log_dir);
        g_free(paths->cache_dir);
        g_free(paths->socket_dir);
}

static int make_directories(const Paths *paths, Err *err) {
        const struct {
                const char *path;
                unsigned mode;
        } dirs[] = {
                {paths->config_dir, 0755}, {paths->state_dir, 0711}, {paths->run_dir, 0755},
                {paths->log_dir, 0700},    {paths->cache_dir, 0755},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
                int r = file_mkdir_p(dirs[i].path, dirs[i].mode, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the inventory ---- */

static int on_uevent(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *manager = userdata;
        g_auto(Err) err = ERR_INIT;

        checkup_forget(manager->checkup);
        if (pci_monitor_dispatch(manager->monitor, manager->tree, &err) < 0)
                log_err(&err, "the list of PCI devices may be old");
        return 0;
}

static int start_inventory(Manager *manager, Err *err) {
        int r = sys_new(NULL, &manager->sys);

        if (r < 0)
                return fail_errno(err, r, "cannot open the kernel's tree");
        manager->names = pci_names_new();
        /* The monitor first: what changes while the tree is read is then told. */
        r = pci_monitor_new(&manager->monitor, err);
        if (r == 0)
                r = pci_tree_new(manager->sys, &manager->tree, err);
        if (r < 0)
                return r;
        r = sd_event_add_io(manager->event, NULL, pci_monitor_fd(manager->monitor), EPOLLIN,
                            on_uevent, manager);
        if (r < 0)
                return fail_errno(err, r, "cannot watch the PCI devices");
        return nodedevs_new(manager->tree, manager->names, &manager->nodedevs, err);
}

static void find_firmware(Manager *manager) {
        g_autofree char *nvram_dir = vm_nvram_dir(&manager->paths);

        manager->firmwares = firmware_store_new(firmware_dirs, nvram_dir);
}

/* A host without QEMU still shows and hands over its devices. */
static void load_caps(Manager *manager) {
        g_autoptr(QemuCaps) caps = NULL;
        g_auto(Err) err = ERR_INIT;

        if (caps_load(EMULATOR_DEFAULT, manager->paths.cache_dir, &caps, &err) < 0)
                log_err(&err, "no guest can be started");
        manager->emulators = emulators_new(manager->event, manager->paths.cache_dir);
        manager->cpus = cpu_store_new(manager->event, manager->sys, manager->paths.cache_dir);
}

const QemuCaps *manager_caps(const Manager *manager, const char *emulator) {
        return emulators_last(manager->emulators, emulator);
}

DomainDefaults manager_domain_defaults(const Manager *manager) {
        return (DomainDefaults){
                .machine_aliases = emulators_aliases(manager->emulators, NULL),
                .max_hostdevs = manager->limits.max_assigned_functions,
                .choose_firmware = firmware_choose,
                .firmware = manager->firmwares,
        };
}

DomainDefaults manager_domain_defaults_for(const Manager *manager, const char *emulator) {
        DomainDefaults defaults = manager_domain_defaults(manager);

        defaults.machine_aliases = emulators_aliases(manager->emulators, emulator);
        return defaults;
}

int manager_qemu_version(Manager *manager, uint64_t *ret, Err *err) {
        const QemuCaps *caps = manager_caps(manager, NULL);

        if (!caps)
                return fail_hint(err,
                                 fail(err, VIR_ERR_INTERNAL_ERROR, "there is no QEMU at '%s'",
                                      EMULATOR_DEFAULT),
                                 "install it: apt install qemu-system-x86");
        *ret = caps->version;
        return 0;
}

/* ---- the guests ---- */

static void load_config(const char *name, const char *text, bool autostart, void *userdata) {
        Manager *manager = userdata;
        DomainDefaults defaults = manager_domain_defaults(manager);
        g_autoptr(DomainDef) def = NULL;
        g_autofree char *saved = NULL;
        g_auto(Err) err = ERR_INIT;
        Vm *vm;

        if (domain_def_parse(text, strlen(text), &defaults, 0, &def, &err) < 0) {
                log_err(&err, "cannot load guest '%s'; its file is kept", name);
                return;
        }
        if (strcmp(def->name, name) != 0 || vm_find_by_name(manager, def->name) ||
            vm_find_by_uuid(manager, def->uuid)) {
                log_error("guest '%s': its file names it '%s', or its UUID is another guest's; the "
                          "file is passed over",
                          name, def->name);
                return;
        }
        vm = vm_new(manager, g_steal_pointer(&def), true);
        saved = vm_managed_save_path(vm);
        vm->autostart = autostart;
        vm->has_managed_save = g_file_test(saved, G_FILE_TEST_EXISTS);
        vm_cards_load(vm);
}

static void load_status(const char *name, const char *text, bool autostart, void *userdata) {
        Manager *manager = userdata;
        g_auto(Err) err = ERR_INIT;

        if (vm_adopt(manager, name, text, &err) < 0)
                log_err(&err, "guest '%s' may run and cannot be taken up", name);
}

static bool guest_is_alive(const char *uuid, void *userdata) {
        const Manager *manager = userdata;
        const Vm *vm = g_hash_table_lookup(manager->vms_by_uuid, uuid);

        return vm && vm_is_active(vm);
}

/* The networks are there, or have failed. */
static void autostart_guests(Manager *manager) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->vms_by_uuid);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                static const VmStart options = {};
                Vm *vm = value;
                g_auto(Err) err = ERR_INIT;

                if (vm->autostart && !vm_is_active(vm) &&
                    vm_boot(vm, &options, false, false, NULL, NULL, &err) < 0)
                        log_err(&err, "cannot start guest '%s'", vm_name(vm));
        }
}

/* Autostart is for the boot of the host, not for each start of the daemon. */
static void autostart(Manager *manager) {
        g_autofree char *mark = g_build_filename(manager->paths.run_dir, "autostarted", NULL);

        if (g_file_test(mark, G_FILE_TEST_EXISTS))
                return;
        file_write_atomic(mark, "", 0, NULL);
        pools_autostart(manager);
        networks_autostart(manager, autostart_guests);
}

static void on_recovered(const Err *err, void *userdata) {
        if (err_is_set(err))
                log_err(err, "not all could be put right that an earlier airlockd left");
        autostart(userdata);
}

static int start_guests(Manager *manager, Err *err) {
        g_auto(Err) problem = ERR_INIT;
        int r = store_recover_rename(&manager->paths, &problem);

        if (r < 0)
                log_err(&problem, "a guest was being renamed, and may have two names");
        store_each_config(&manager->paths, load_config, manager, err);
        store_each_status(&manager->paths, load_status, manager, err);
        r = handover_recover(manager->handover, guest_is_alive, manager, on_recovered, manager,
                             err);
        return r;
}

int manager_new(sd_event *event, const Paths *paths, const Limits *limits, Manager **ret,
                Err *err) {
        g_autoptr(Manager) manager = g_new0(Manager, 1);
        int r;

        manager->event = sd_event_ref(event);
        manager->limits = *limits;
        manager->next_id = 1;
        paths_copy(paths, &manager->paths);
        manager->vms_by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
        manager->vms_by_name = g_hash_table_new(g_str_hash, g_str_equal);
        manager->vms_by_id = g_hash_table_new(g_direct_hash, g_direct_equal);
        manager->checkup = checkup_new(event);
        r = make_directories(&manager->paths, err);
        if (r == 0)
                r = start_inventory(manager, err);
        if (r == 0)
                r = handover_new(event, manager->tree, manager->paths.state_dir, &manager->handover,
                                 err);
        if (r < 0)
                return r;
        manager->events = events_new();
        nodedevs_set_manager(manager->nodedevs, manager);
        load_caps(manager);
        pools_load(manager);
        networks_load(manager);
        find_firmware(manager);
        r = start_guests(manager, err);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&manager);
        return 0;
}

static void free_guests(Manager *manager) {
        g_autoptr(GList) vms = g_hash_table_get_values(manager->vms_by_uuid);

        for (GList *l = vms; l; l = l->next)
                vm_forget(l->data);
}

void manager_free(Manager *manager) {
        if (!manager)
                return;
        checkup_free(manager->checkup);
        emulators_free(manager->emulators);
        cpu_store_free(manager->cpus);
        if (manager->vms_by_uuid)
                free_guests(manager);
        networks_free(manager);
        pools_free(manager);
        g_clear_pointer(&manager->vms_by_uuid, g_hash_table_unref);
        g_clear_pointer(&manager->vms_by_name, g_hash_table_unref);
        g_clear_pointer(&manager->vms_by_id, g_hash_table_unref);
        handover_free(manager->handover);
        nodedevs_free(manager->nodedevs);
        pci_monitor_free(manager->monitor);
        pci_tree_free(manager->tree);
        pci_names_free(manager->names);
        sys_free(manager->sys);
        events_free(manager->events);
        firmware_store_free(manager->firmwares);
        paths_done(&manager->paths);
        sd_event_unref(manager->event);
        g_free(manager);
}
