/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

/* ---- watchdog ---- */

static const char *const watchdog_models[] = {"i6300esb", "itco", NULL};
static const char *const watchdog_actions[] = {"reset", "shutdown",   "poweroff", "pause",
                                               "none",  "inject-nmi", NULL};

static const DomainField watchdog_fields[] = {
        ATTR_ENUM(DomainWatchdog, model, "model", watchdog_models, .is_required = true),
        ATTR_ENUM(DomainWatchdog, action, "action", watchdog_actions),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_watchdog(DomainDef *def, DomainDevice *device, Err *err) {
        DomainWatchdog *watchdog = (DomainWatchdog *)device;

        FILL_ENUM(watchdog->action, WATCHDOG_RESET);
        return 0;
}

static int check_watchdog(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainWatchdog *watchdog = (const DomainWatchdog *)device;

        if (watchdog->model == WATCHDOG_ITCO && !domain_def_is_q35(def))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<watchdog model='itco'> at line %u is a part of q35 machines only",
                            device->node.line);
        return 0;
}

static char *watchdog_key(const DomainDevice *device) {
        return g_strdup("<watchdog>");
}

static bool is_pci_watchdog(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainWatchdog *)device)->model == WATCHDOG_I6300ESB;
}

const DomainKind domain_watchdog_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_WATCHDOG, DomainWatchdog, "watchdog", watchdog_fields),
        .alias = "watchdog",
        .fill = fill_watchdog,
        .check = check_watchdog,
        .key = watchdog_key,
        .is_pci = is_pci_watchdog,
};

/* ---- memballoon ---- */

static const char *const balloon_models[] = {"virtio", "none", NULL};

static const DomainField balloon_stats_fields[] = {
        ATTR_NUM(DomainMemballoon, stats.period, "period", .is_required = true),
        END,
};
static const DomainElement balloon_stats =
        PART_OF(DomainMemballoon, stats, "stats", balloon_stats_fields);

static const DomainField memballoon_fields[] = {
        ATTR_ENUM(DomainMemballoon, model, "model", balloon_models, .is_required = true),
        ATTR_ON(DomainMemballoon, autodeflate, "autodeflate"),
        ATTR_ON(DomainMemballoon, free_page_reporting, "freePageReporting"),
        PART("stats", balloon_stats),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static char *memballoon_key(const DomainDevice *device) {
        return g_strdup("<memballoon>");
}

static bool is_pci_memballoon(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainMemballoon *)device)->model == BALLOON_VIRTIO;
}

const DomainKind domain_memballoon_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_MEMBALLOON, DomainMemballoon, "memballoon",
                                  memballoon_fields),
        .alias = "balloon",
        .key = memballoon_key,
        .is_pci = is_pci_memballoon,
};

/* ---- rng ---- */

static const char *const rng_models[] = {"virtio", NULL};
static const char *const rng_backends[] = {"random", NULL};

static const DomainField rng_rate_fields[] = {
        ATTR_NUM(DomainRng, rate.bytes, "bytes", .is_required = true),
        ATTR_NUM(DomainRng, rate.period, "period"),
        END,
};
static const DomainElement rng_rate = PART_OF(DomainRng, rate, "rate", rng_rate_fields);

static const DomainField rng_backend_fields[] = {
        ATTR_ENUM(DomainRng, backend.model, "model", rng_backends, .is_required = true),
        TEXT_STRING(DomainRng, backend.path),
        END,
};
static const DomainElement rng_backend = PART_OF(DomainRng, backend, "backend", rng_backend_fields);

static const DomainField rng_fields[] = {
        ATTR_ENUM(DomainRng, model, "model", rng_models, .is_required = true),
        PART("rate", rng_rate),
        PART("backend", rng_backend, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_rng(DomainDef *def, DomainDevice *device, Err *err) {
        DomainRng *rng = (DomainRng *)device;

        fill_text(&rng->backend.path, "/dev/urandom");
        return 0;
}

static int check_rng(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainRng *rng = (const DomainRng *)device;

        return domain_check_path(rng->backend.path, "backend", rng->backend.node.line, err);
}

static bool is_same_rng(const DomainDevice *device, const DomainDevice *wanted) {
        return g_strcmp0(((const DomainRng *)device)->backend.path,
                         ((const DomainRng *)wanted)->backend.path) == 0;
}

const DomainKind domain_rng_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_RNG, DomainRng, "rng", rng_fields),
        .alias = "rng",
        .fill = fill_rng,
        .check = check_rng,
        .is_same = is_same_rng,
        .is_pci = domain_kind_always_pci,
};
