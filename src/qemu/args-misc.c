/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu/args-part.h"

/* ---- watchdog ---- */

static bool is_itco(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainWatchdog *)device)->model == WATCHDOG_ITCO;
}

static int fill_watchdog(const QemuContext *context, const DomainDevice *device, json_t *object,
                         Err *err) {
        SET_STRING(object, "driver", "i6300esb");
        return 0;
}

static int watchdog_options(const QemuContext *context, const DomainDevice *device, GPtrArray *args,
                            Err *err) {
        static const char *const actions[] = {NULL,    "reset", "shutdown",  "poweroff",
                                              "pause", "none",  "inject-nmi"};
        const DomainWatchdog *watchdog = (const DomainWatchdog *)device;

        if (watchdog->model == WATCHDOG_ITCO)
                qemu_args_add(args, "-global", "ICH9-LPC.noreboot=off");
        qemu_args_add_format(args, "-action", "watchdog=%s", actions[watchdog->action]);
        return 0;
}

const QemuKind qemu_watchdog_kind = {
        .is_built_in = is_itco,
        .device = fill_watchdog,
        .options = watchdog_options,
        .can_plug = qemu_kind_always,
};

/* ---- memballoon ---- */

static bool is_none(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainMemballoon *)device)->model == BALLOON_NONE;
}

static int fill_memballoon(const QemuContext *context, const DomainDevice *device, json_t *object,
                           Err *err) {
        const DomainMemballoon *balloon = (const DomainMemballoon *)device;

        SET_STRING(object, "driver", "virtio-balloon-pci");
        if (balloon->autodeflate)
                SET_BOOL(object, "deflate-on-oom", balloon->autodeflate == DOMAIN_SWITCH_ON);
        if (balloon->free_page_reporting)
                SET_BOOL(object, "free-page-reporting",
                         balloon->free_page_reporting == DOMAIN_SWITCH_ON);
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

static int rng_backend(const QemuContext *context, const DomainDevice *device, json_t *commands,
                       Err *err) {
        const DomainRng *rng = (const DomainRng *)device;
        g_autofree char *id = qemu_args_backend_name("obj", device);

        qemu_args_append_command(commands, "object-add",
                                 json_pack("{s:s, s:s, s:s}", "qom-type", "rng-random", "id", id,
                                           "filename", rng->backend.path));
        return 0;
}

static int fill_rng(const QemuContext *context, const DomainDevice *device, json_t *object,
                    Err *err) {
        const DomainRng *rng = (const DomainRng *)device;
        g_autofree char *backend = qemu_args_backend_name("obj", device);

        SET_STRING(object, "driver", "virtio-rng-pci");
        SET_STRING(object, "rng", backend);
        if (rng->rate.node.is_present) {
                SET_INT(object, "max-bytes", rng->rate.bytes.value);
                SET_INT(object, "period", domain_num_or(rng->rate.period, 1000));
        }
        return 0;
}

const QemuKind qemu_rng_kind = {
        .backend = rng_backend,
        .device = fill_rng,
        .can_plug = qemu_kind_always,
};
