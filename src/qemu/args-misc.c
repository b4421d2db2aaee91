/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* ---- watchdog ---- */

static bool is_itco(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainWatchdog *)device)->model == WATCHDOG_ITCO;
}

static int fill_watchdog(const QemuContext *context, const DomainDevice *device, json_t *object,
                         Err *err) {
        SET_STRING(object, "driver",
                   ((const DomainWatchdog *)device)->model == WATCHDOG_IB700 ? "ib700"
                                                                             : "i6300esb");
        return 0;
}

/* All watchdogs of a guest have one action. */
static int watchdog_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                            Err *err) {
        static const char *const actions[] = {NULL,    "reset", "shutdown",  "poweroff",
                                              "pause", "none",  "inject-nmi"};
        const DomainWatchdog *watchdog = (const DomainWatchdog *)device;

        if (watchdog->model == WATCHDOG_ITCO)
                qemu_args_add(args, "-global", "ICH9-LPC.noreboot=off");
        if (context->def->devices.list[DOMAIN_WATCHDOG]->pdata[0] == device)
                qemu_args_add_format(args, "-action", "watchdog=%s", actions[watchdog->action]);
        return 0;
}

static bool can_plug_watchdog(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainWatchdog *)device)->model == WATCHDOG_I6300ESB;
}

const QemuKind qemu_watchdog_kind = {
        .is_built_in = is_itco,
        .device = fill_watchdog,
        .options = watchdog_options,
        .can_plug = can_plug_watchdog,
};

/* ---- memballoon ---- */

static bool is_none(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainMemballoon *)device)->model == BALLOON_NONE;
}

static int fill_memballoon(const QemuContext *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        static const VirtioForm forms[] = {
                [BALLOON_VIRTIO] = VIRTIO_FORM_PLAIN,
                [BALLOON_TRANSITIONAL] = VIRTIO_FORM_TRANSITIONAL,
                [BALLOON_NON_TRANSITIONAL] = VIRTIO_FORM_NON_TRANSITIONAL,
        };
        const DomainMemballoon *balloon = (const DomainMemballoon *)device;

        qemu_args_set_virtio_driver(object, "virtio-balloon", forms[balloon->model]);
        if (balloon->autodeflate)
                SET_BOOL(object, "deflate-on-oom", balloon->autodeflate == DOMAIN_SWITCH_ON);
        if (balloon->free_page_reporting)
                SET_BOOL(object, "free-page-reporting",
                         balloon->free_page_reporting == DOMAIN_SWITCH_ON);
        qemu_args_set_virtio(object, &balloon->driver);
        return 0;
}

static void memballoon_ready(const DomainDevice *device, json_t *commands) {
        const DomainMemballoon *balloon = (const DomainMemballoon *)device;

        if (balloon->model == BALLOON_NONE || !balloon->stats.node.is_present)
                return;
        qemu_args_append_command(
                commands, "qom-set",
                json_pack("{s:o, s:s, s:i}", "path",
                          json_sprintf("/machine/peripheral/%s", device->alias.name), "property",
                          "guest-stats-polling-interval", "value",
                          (int)balloon->stats.period.value));
}

const QemuKind qemu_memballoon_kind = {
        .is_built_in = is_none,
        .device = fill_memballoon,
        .ready = memballoon_ready,
};

/* ---- rng ---- */

static void append_egd(const DomainRng *rng, const char *id, json_t *commands) {
        bool is_server = rng->backend.source.mode == RNG_BIND;
        json_t *address, *data;

        if (rng->backend.type == RNG_UNIX)
                address = json_pack("{s:s, s:{s:s}}", "type", "unix", "data", "path",
                                    rng->backend.source.path);
        else
                address = json_pack("{s:s, s:{s:s, s:s}}", "type", "inet", "data", "host",
                                    rng->backend.source.host, "port", rng->backend.source.service);
        data = json_pack("{s:o, s:b}", "addr", address, "server", is_server);
        if (is_server)
                SET_BOOL(data, "wait", false);
        qemu_args_append_command(commands, "chardev-add",
                                 json_pack("{s:s, s:{s:s, s:o}}", "id", id, "backend", "type",
                                           "socket", "data", data));
}

static int rng_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                       Err *err) {
        static const char *const types[] = {
                [RNG_RANDOM] = "rng-random", [RNG_EGD] = "rng-egd", [RNG_BUILTIN] = "rng-builtin"};
        const DomainRng *rng = (const DomainRng *)device;
        g_autofree char *id = qemu_args_backend_name("obj", device);
        g_autofree char *chardev = qemu_args_backend_name("char", device);
        json_t *object = json_pack("{s:s, s:s}", "qom-type", types[rng->backend.model], "id", id);

        if (rng->backend.model == RNG_EGD) {
                append_egd(rng, chardev, commands);
                SET_STRING(object, "chardev", chardev);
        }
        if (rng->backend.path)
                SET_STRING(object, "filename", rng->backend.path);
        qemu_args_append_command(commands, "object-add", object);
        return 0;
}

static int fill_rng(const QemuContext *context, const DomainDevice *device, json_t *object,
                    Err *err) {
        const DomainRng *rng = (const DomainRng *)device;
        g_autofree char *backend = qemu_args_backend_name("obj", device);

        qemu_args_set_virtio_driver(object, "virtio-rng", rng->model);
        SET_STRING(object, "rng", backend);
        if (rng->rate.node.is_present) {
                SET_INT(object, "max-bytes", rng->rate.bytes.value);
                SET_INT(object, "period", domain_num_or(rng->rate.period, 1000));
        }
        qemu_args_set_virtio(object, &rng->driver);
        return 0;
}

const QemuKind qemu_rng_kind = {
        .backend = rng_backend,
        .device = fill_rng,
        .can_plug = qemu_kind_always,
};

/* ---- panic ---- */

/* An option of -cpu. */
static bool is_hyperv(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainPanic *)device)->model == PANIC_HYPERV;
}

static int fill_panic(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainPanic *panic = (const DomainPanic *)device;

        SET_STRING(object, "driver", panic->model == PANIC_ISA ? "pvpanic" : "pvpanic-pci");
        if (device->address.type == DOMAIN_ADDRESS_ISA && device->address.iobase.is_set)
                SET_INT(object, "ioport", device->address.iobase.value);
        return 0;
}

const QemuKind qemu_panic_kind = {
        .is_built_in = is_hyperv,
        .device = fill_panic,
};

/* ---- shmem ---- */

#define SHM_DIR "/dev/shm"

static int shmem_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                         Err *err) {
        const DomainShmem *shmem = (const DomainShmem *)device;
        g_autofree char *memory = qemu_args_backend_name("shmmem-", device);
        g_autofree char *chardev = qemu_args_backend_name("char", device);

        if (shmem->model.type == SHMEM_DOORBELL)
                qemu_args_append_command(commands, "chardev-add",
                                         json_pack("{s:s, s:{s:s, s:{s:{s:s, s:{s:s}}, s:b}}}",
                                                   "id", chardev, "backend", "type", "socket",
                                                   "data", "addr", "type", "unix", "data", "path",
                                                   shmem->server.path, "server", false));
        else
                qemu_args_append_command(commands, "object-add",
                                         json_pack("{s:s, s:s, s:o, s:I, s:b}", "qom-type",
                                                   "memory-backend-file", "id", memory, "mem-path",
                                                   json_sprintf(SHM_DIR "/%s", shmem->name), "size",
                                                   (json_int_t)shmem->size * 1024, "share", true));
        return 0;
}

static int fill_shmem(const QemuContext *context, const DomainDevice *device, json_t *object,
                      Err *err) {
        const DomainShmem *shmem = (const DomainShmem *)device;
        bool is_plain = shmem->model.type == SHMEM_PLAIN;
        g_autofree char *backend = qemu_args_backend_name(is_plain ? "shmmem-" : "char", device);

        SET_STRING(object, "driver", is_plain ? "ivshmem-plain" : "ivshmem-doorbell");
        SET_STRING(object, is_plain ? "memdev" : "chardev", backend);
        if (shmem->msi.vectors.is_set)
                SET_INT(object, "vectors", shmem->msi.vectors.value);
        if (shmem->msi.ioeventfd)
                SET_BOOL(object, "ioeventfd", shmem->msi.ioeventfd == DOMAIN_SWITCH_ON);
        if (shmem->role)
                SET_STRING(object, "master", shmem->role == SHMEM_MASTER ? "on" : "off");
        return 0;
}

const QemuKind qemu_shmem_kind = {
        .backend = shmem_backend,
        .device = fill_shmem,
        .can_plug = qemu_kind_always,
};

/* ---- crypto ---- */

static int crypto_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                          Err *err) {
        const DomainCrypto *crypto = (const DomainCrypto *)device;
        g_autofree char *id = qemu_args_backend_name("obj", device);
        json_t *object = json_pack("{s:s, s:s}", "qom-type", "cryptodev-backend-builtin", "id", id);

        if (crypto->backend.queues.is_set)
                SET_INT(object, "queues", crypto->backend.queues.value);
        qemu_args_append_command(commands, "object-add", object);
        return 0;
}

static int fill_crypto(const QemuContext *context, const DomainDevice *device, json_t *object,
                       Err *err) {
        const DomainCrypto *crypto = (const DomainCrypto *)device;
        g_autofree char *backend = qemu_args_backend_name("obj", device);

        SET_STRING(object, "driver", "virtio-crypto-pci");
        SET_STRING(object, "cryptodev", backend);
        qemu_args_set_virtio(object, &crypto->driver);
        return 0;
}

const QemuKind qemu_crypto_kind = {
        .backend = crypto_backend,
        .device = fill_crypto,
        .can_plug = qemu_kind_always,
};

/* ---- pstore ---- */

static int pstore_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                          Err *err) {
        const DomainPstore *pstore = (const DomainPstore *)device;
        g_autofree char *id = qemu_args_backend_name("mem", device);

        qemu_args_append_command(commands, "object-add",
                                 json_pack("{s:s, s:s, s:s, s:I, s:b}", "qom-type",
                                           "memory-backend-file", "id", id, "mem-path",
                                           pstore->path, "size", (json_int_t)pstore->size * 1024,
                                           "share", true));
        return 0;
}

static int fill_pstore(const QemuContext *context, const DomainDevice *device, json_t *object,
                       Err *err) {
        g_autofree char *backend = qemu_args_backend_name("mem", device);

        SET_STRING(object, "driver", "acpi-erst");
        SET_STRING(object, "memdev", backend);
        return 0;
}

const QemuKind qemu_pstore_kind = {
        .backend = pstore_backend,
        .device = fill_pstore,
};
