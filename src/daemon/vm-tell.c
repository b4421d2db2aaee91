/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/vm-tell.h"

#include <string.h>

#include "base/log.h"
#include "domain/disk.h"

static const char *text_of(json_t *data, const char *name) {
        return json_string_value(json_object_get(data, name));
}

/* The place of a word in a list that NULL ends; none of them: fallback. */
static int number_of(const char *const *words, const char *word, int fallback) {
        for (int i = 0; word && words[i]; i++)
                if (strcmp(words[i], word) == 0)
                        return i;
        return fallback;
}

/* ---- disks ---- */

/* A node's name is PREFIX-TARGET, with a number behind it for an image below (qemu/args-disk.c). */
static bool is_node_of(const char *node, const char *target) {
        static const char *const prefixes[] = {"node-", "file-", "cor-"};

        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
                size_t size = strlen(prefixes[i]) + strlen(target);

                if (g_str_has_prefix(node, prefixes[i]) &&
                    g_str_has_prefix(node + strlen(prefixes[i]), target) &&
                    (node[size] == '\0' || node[size] == '-'))
                        return true;
        }
        return false;
}

static const DomainDisk *find_disk(const Vm *vm, const char *node) {
        DOMAIN_FOREACH(DomainDisk, disk, vm->live, DOMAIN_DISK)
                if (disk->target.dev && is_node_of(node, disk->target.dev))
                        return disk;
        return NULL;
}

void vm_tell_io_error(Vm *vm, json_t *data) {
        /* By virDomainEventIOErrorAction. */
        static const char *const actions[] = {"ignore", "stop", "report", NULL};
        const char *node = text_of(data, "node-name"), *why = text_of(data, "reason");
        const DomainDisk *disk = node ? find_disk(vm, node) : NULL;
        const char *path = disk && disk->source.file ? disk->source.file : "";
        const char *alias = disk && disk->base.alias.name ? disk->base.alias.name : "";
        bool is_full = json_is_true(json_object_get(data, "nospace"));
        DomainRef ref = vm_domain_ref(vm);
        int action = number_of(actions, text_of(data, "action"), 0);

        if (action == 1) /* QEMU's STOP follows */
                vm->pause_reason = VM_PAUSED_IOERROR;
        log_message(LOG_WARNING, vm_name(vm), NULL, "I/O error on disk '%s': %s",
                    disk ? disk->target.dev : "?", why ? why : "(no reason)");
        event_domain_io_error(vm->manager, &ref, path, alias, action, is_full ? "enospc" : "");
}

/* A drive has its alias as the id of its device. */
void vm_tell_tray(Vm *vm, json_t *data) {
        const char *id = text_of(data, "id");
        DomainRef ref = vm_domain_ref(vm);
        bool is_open = json_is_true(json_object_get(data, "tray-open"));

        if (id)
                event_domain_tray_change(vm->manager, &ref, id, is_open ? 0 : 1);
}

/* ---- machine ---- */

void vm_tell_watchdog(Vm *vm, json_t *data) {
        /* By virDomainEventWatchdogAction. */
        static const char *const actions[] = {"none",     "pause", "reset",      "poweroff",
                                              "shutdown", "debug", "inject-nmi", NULL};
        int action = number_of(actions, text_of(data, "action"), 0);
        DomainRef ref = vm_domain_ref(vm);

        if (action == 1) /* QEMU's STOP follows */
                vm->pause_reason = VM_PAUSED_WATCHDOG;
        event_domain_watchdog(vm->manager, &ref, action);
}

void vm_tell_rtc(Vm *vm, json_t *data) {
        DomainRef ref = vm_domain_ref(vm);

        event_domain_rtc_change(vm->manager, &ref,
                                json_integer_value(json_object_get(data, "offset")));
}

void vm_tell_memory_failure(Vm *vm, json_t *data) {
        static const char *const recipients[] = {"hypervisor", "guest", NULL};
        static const char *const actions[] = {"ignore", "inject", "fatal", "reset", NULL};
        json_t *flags = json_object_get(data, "flags");
        unsigned bits = json_is_true(json_object_get(flags, "action-required")) ? 1 : 0;
        DomainRef ref = vm_domain_ref(vm);

        if (json_is_true(json_object_get(flags, "recursive")))
                bits |= 2;
        event_domain_memory_failure(vm->manager, &ref,
                                    number_of(recipients, text_of(data, "recipient"), 0),
                                    number_of(actions, text_of(data, "action"), 0), bits);
}

void vm_tell_memory_device(Vm *vm, json_t *data) {
        const char *id = text_of(data, "id");
        json_int_t bytes = json_integer_value(json_object_get(data, "size"));
        DomainRef ref = vm_domain_ref(vm);

        if (id)
                event_domain_memory_device_size_change(vm->manager, &ref, id,
                                                       (uint64_t)bytes / 1024);
}

/* ---- displays ---- */

/* virDomainEventGraphicsPhase. */
enum { GRAPHICS_CONNECT, GRAPHICS_INITIALIZE, GRAPHICS_DISCONNECT };

static EventGraphicsPeer peer_of(json_t *end) {
        /* By virDomainEventGraphicsAddressType. */
        static const char *const families[] = {"ipv4", "ipv6", "unix", NULL};
        const char *host = text_of(end, "host"), *service = text_of(end, "service");

        return (EventGraphicsPeer){
                .family = number_of(families, text_of(end, "family"), 0),
                .node = host ? host : "",
                .service = service ? service : "",
        };
}

static void tell_graphics(Vm *vm, json_t *data, int phase) {
        json_t *server = json_object_get(data, "server");
        EventGraphicsPeer local = peer_of(server),
                          remote = peer_of(json_object_get(data, "client"));
        const char *auth = text_of(server, "auth");
        DomainRef ref = vm_domain_ref(vm);

        event_domain_graphics(vm->manager, &ref, phase, &local, &remote, auth ? auth : "");
}

void vm_tell_vnc_connected(Vm *vm, json_t *data) {
        tell_graphics(vm, data, GRAPHICS_CONNECT);
}

void vm_tell_vnc_initialized(Vm *vm, json_t *data) {
        tell_graphics(vm, data, GRAPHICS_INITIALIZE);
}

void vm_tell_vnc_disconnected(Vm *vm, json_t *data) {
        tell_graphics(vm, data, GRAPHICS_DISCONNECT);
}

/* ---- the monitor itself ---- */

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        Vm *vm = userdata;
        DomainRef ref = vm_domain_ref(vm);

        if (vm->process && vm->live) {
                log_message(LOG_ERR, vm_name(vm), NULL, "QEMU closed its monitor and runs on");
                event_domain_control_error(vm->manager, &ref);
        }
        return 0;
}

/* A QEMU that ends closes its monitor a moment before its process is gone. */
void vm_tell_control_error(Vm *vm) {
        vm->closed_timer = sd_event_source_disable_unref(vm->closed_timer);
        sd_event_add_time_relative(vm->manager->event, &vm->closed_timer, CLOCK_MONOTONIC,
                                   G_USEC_PER_SEC, 0, on_late, vm);
}
