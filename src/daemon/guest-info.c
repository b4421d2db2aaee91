/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/guest-info.h"

#include <stdarg.h>
#include <string.h>

#include "domain/disk.h"

/* Entries of one list that are told; libvirt's parameters are limited in number. */
#define ENTRIES_MAX 128u

const char *guest_info_command(GuestInfoKind kind) {
        static const char *const commands[] = {
                [GUEST_INFO_USERS] = "guest-get-users",
                [GUEST_INFO_OS] = "guest-get-osinfo",
                [GUEST_INFO_TIMEZONE] = "guest-get-timezone",
                [GUEST_INFO_HOSTNAME] = "guest-get-host-name",
                [GUEST_INFO_FILESYSTEM] = "guest-get-fsinfo",
                [GUEST_INFO_DISKS] = "guest-get-disks",
                [GUEST_INFO_INTERFACES] = "guest-network-get-interfaces",
                [GUEST_INFO_LOAD] = "guest-get-load",
        };

        G_STATIC_ASSERT(G_N_ELEMENTS(commands) == _GUEST_INFO_MAX);
        return commands[kind];
}

/* ---- one value ---- */

static void add_string(RpcParams *params, json_t *object, const char *name, const char *format, ...)
        G_GNUC_PRINTF(4, 5);

/* The parameter's name is format; absent in object: none. */
static void add_string(RpcParams *params, json_t *object, const char *name, const char *format,
                       ...) {
        const char *value = json_string_value(json_object_get(object, name));
        g_autofree char *field = NULL;
        va_list list;

        if (!value)
                return;
        va_start(list, format);
        field = g_strdup_vprintf(format, list);
        va_end(list);
        rpc_params_add_string(params, field, value);
}

static void add_u64(RpcParams *params, json_t *object, const char *name, const char *format, ...)
        G_GNUC_PRINTF(4, 5);

static void add_u64(RpcParams *params, json_t *object, const char *name, const char *format, ...) {
        json_t *value = json_object_get(object, name);
        g_autofree char *field = NULL;
        va_list list;

        if (!json_is_integer(value))
                return;
        va_start(list, format);
        field = g_strdup_vprintf(format, list);
        va_end(list);
        rpc_params_add_u64(params, field, (uint64_t)json_integer_value(value));
}

/* "user.count", and how many of them are told. */
static unsigned add_count(RpcParams *params, json_t *list, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

static unsigned add_count(RpcParams *params, json_t *list, const char *format, ...) {
        unsigned n = MIN((unsigned)json_array_size(list), ENTRIES_MAX);
        g_autofree char *field = NULL;
        va_list args;

        va_start(args, format);
        field = g_strdup_vprintf(format, args);
        va_end(args);
        rpc_params_add_uint(params, field, n);
        return n;
}

/* ---- the kinds ---- */

static void add_users(RpcParams *params, const DomainDef *def, json_t *result) {
        unsigned n = add_count(params, result, "user.count");

        for (unsigned i = 0; i < n; i++) {
                json_t *user = json_array_get(result, i);
                json_t *login = json_object_get(user, "login-time");
                g_autofree char *field = g_strdup_printf("user.%u.login-time", i);

                add_string(params, user, "user", "user.%u.name", i);
                add_string(params, user, "domain", "user.%u.domain", i);
                if (json_is_number(login)) /* seconds, told in ms */
                        rpc_params_add_u64(params, field,
                                           (uint64_t)(json_number_value(login) * 1000));
        }
}

static void add_os(RpcParams *params, const DomainDef *def, json_t *result) {
        static const char *const names[] = {
                "id",      "name",    "pretty-name", "version",        "version-id",
                "machine", "variant", "variant-id",  "kernel-release", "kernel-version"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                add_string(params, result, names[i], "os.%s", names[i]);
}

static void add_timezone(RpcParams *params, const DomainDef *def, json_t *result) {
        json_t *offset = json_object_get(result, "offset");

        add_string(params, result, "zone", "timezone.name");
        if (json_is_integer(offset))
                rpc_params_add_int(params, "timezone.offset", (int)json_integer_value(offset));
}

static void add_hostname(RpcParams *params, const DomainDef *def, json_t *result) {
        add_string(params, result, "host-name", "hostname");
}

static bool same_pci(const DomainAddress *address, json_t *pci) {
        return address->type == DOMAIN_ADDRESS_PCI && json_is_object(pci) &&
               domain_num_or(address->domain, 0) ==
                       (uint64_t)json_integer_value(json_object_get(pci, "domain")) &&
               domain_num_or(address->bus, 0) ==
                       (uint64_t)json_integer_value(json_object_get(pci, "bus")) &&
               domain_num_or(address->slot, 0) ==
                       (uint64_t)json_integer_value(json_object_get(pci, "slot")) &&
               domain_num_or(address->function, 0) ==
                       (uint64_t)json_integer_value(json_object_get(pci, "function"));
}

static bool same_drive(const DomainAddress *address, json_t *disk) {
        return address->type == DOMAIN_ADDRESS_DRIVE &&
               domain_num_or(address->bus, 0) ==
                       (uint64_t)json_integer_value(json_object_get(disk, "bus")) &&
               domain_num_or(address->target, 0) ==
                       (uint64_t)json_integer_value(json_object_get(disk, "target")) &&
               domain_num_or(address->unit, 0) ==
                       (uint64_t)json_integer_value(json_object_get(disk, "unit"));
}

const char *guest_info_disk_target(const DomainDef *def, json_t *disk) {
        json_t *pci = json_object_get(disk, "pci-controller");
        const char *bus = json_string_value(json_object_get(disk, "bus-type"));

        DOMAIN_FOREACH(DomainDisk, item, def, DOMAIN_DISK)
                if (same_pci(&item->base.address, pci) ||
                    (g_strcmp0(bus, "virtio") != 0 && same_drive(&item->base.address, disk)))
                        return item->target.dev;
        return NULL;
}

static void add_fs_disks(RpcParams *params, const DomainDef *def, json_t *disks, unsigned fs) {
        unsigned n = add_count(params, disks, "fs.%u.disk.count", fs);

        for (unsigned i = 0; i < n; i++) {
                json_t *disk = json_array_get(disks, i);
                const char *target = guest_info_disk_target(def, disk);
                g_autofree char *field = g_strdup_printf("fs.%u.disk.%u.alias", fs, i);

                if (target)
                        rpc_params_add_string(params, field, target);
                add_string(params, disk, "serial", "fs.%u.disk.%u.serial", fs, i);
                add_string(params, disk, "dev", "fs.%u.disk.%u.device", fs, i);
        }
}

static void add_filesystems(RpcParams *params, const DomainDef *def, json_t *result) {
        unsigned n = add_count(params, result, "fs.count");

        for (unsigned i = 0; i < n; i++) {
                json_t *fs = json_array_get(result, i);

                add_string(params, fs, "name", "fs.%u.name", i);
                add_string(params, fs, "mountpoint", "fs.%u.mountpoint", i);
                add_string(params, fs, "type", "fs.%u.fstype", i);
                add_u64(params, fs, "total-bytes", "fs.%u.total-bytes", i);
                add_u64(params, fs, "used-bytes", "fs.%u.used-bytes", i);
                add_fs_disks(params, def, json_object_get(fs, "disk"), i);
        }
}

static void add_dependencies(RpcParams *params, json_t *names, unsigned disk) {
        unsigned n = add_count(params, names, "disk.%u.dependency.count", disk);

        for (unsigned i = 0; i < n; i++) {
                const char *name = json_string_value(json_array_get(names, i));
                g_autofree char *field = g_strdup_printf("disk.%u.dependency.%u.name", disk, i);

                if (name)
                        rpc_params_add_string(params, field, name);
        }
}

static void add_disks(RpcParams *params, const DomainDef *def, json_t *result) {
        unsigned n = add_count(params, result, "disk.count");

        for (unsigned i = 0; i < n; i++) {
                json_t *disk = json_array_get(result, i), *address;
                g_autofree char *partition = g_strdup_printf("disk.%u.partition", i);
                g_autofree char *alias = g_strdup_printf("disk.%u.alias", i);
                const char *target;

                address = json_object_get(disk, "address");
                target = address ? guest_info_disk_target(def, address) : NULL;
                add_string(params, disk, "name", "disk.%u.name", i);
                rpc_params_add_bool(params, partition,
                                    json_is_true(json_object_get(disk, "partition")));
                if (json_array_size(json_object_get(disk, "dependencies")) > 0)
                        add_dependencies(params, json_object_get(disk, "dependencies"), i);
                add_string(params, address, "serial", "disk.%u.serial", i);
                if (target)
                        rpc_params_add_string(params, alias, target);
                add_string(params, disk, "alias", "disk.%u.guest_alias", i);
                add_string(params, address, "bus-type", "disk.%u.guest_bus", i);
        }
}

static void add_addresses(RpcParams *params, json_t *list, unsigned interface) {
        unsigned n = add_count(params, list, "if.%u.addr.count", interface);

        for (unsigned i = 0; i < n; i++) {
                json_t *addr = json_array_get(list, i), *prefix = json_object_get(addr, "prefix");
                g_autofree char *field = g_strdup_printf("if.%u.addr.%u.prefix", interface, i);

                add_string(params, addr, "ip-address-type", "if.%u.addr.%u.type", interface, i);
                add_string(params, addr, "ip-address", "if.%u.addr.%u.addr", interface, i);
                if (json_is_integer(prefix))
                        rpc_params_add_uint(params, field, (unsigned)json_integer_value(prefix));
        }
}

static void add_interfaces(RpcParams *params, const DomainDef *def, json_t *result) {
        unsigned n = add_count(params, result, "if.count");

        for (unsigned i = 0; i < n; i++) {
                json_t *interface = json_array_get(result, i);

                add_string(params, interface, "name", "if.%u.name", i);
                add_string(params, interface, "hardware-address", "if.%u.hwaddr", i);
                add_addresses(params, json_object_get(interface, "ip-addresses"), i);
        }
}

static void add_load(RpcParams *params, const DomainDef *def, json_t *result) {
        static const struct {
                const char *field, *name;
        } loads[] = {{"load.1m", "load1m"}, {"load.5m", "load5m"}, {"load.15m", "load15m"}};

        for (size_t i = 0; i < G_N_ELEMENTS(loads); i++) {
                json_t *load = json_object_get(result, loads[i].name);

                if (json_is_number(load))
                        rpc_params_add_double(params, loads[i].field, json_number_value(load));
        }
}

void guest_info_add(RpcParams *params, GuestInfoKind kind, const DomainDef *def, json_t *result) {
        static void (*const adders[])(RpcParams *, const DomainDef *, json_t *) = {
                [GUEST_INFO_USERS] = add_users,
                [GUEST_INFO_OS] = add_os,
                [GUEST_INFO_TIMEZONE] = add_timezone,
                [GUEST_INFO_HOSTNAME] = add_hostname,
                [GUEST_INFO_FILESYSTEM] = add_filesystems,
                [GUEST_INFO_DISKS] = add_disks,
                [GUEST_INFO_INTERFACES] = add_interfaces,
                [GUEST_INFO_LOAD] = add_load,
        };

        G_STATIC_ASSERT(G_N_ELEMENTS(adders) == _GUEST_INFO_MAX);
        adders[kind](params, def, result);
}
