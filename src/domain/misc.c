/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

/* ---- watchdog ---- */

static const char *const watchdog_models[] = {"i6300esb", "ib700", "itco", NULL};
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
        bool is_q35 = domain_def_is_q35(def);

        if (watchdog->model == WATCHDOG_ITCO && !is_q35)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<watchdog model='itco'> at line %u is a part of q35 machines only",
                            device->node.line);
        if (watchdog->model == WATCHDOG_IB700 && is_q35)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<watchdog model='ib700'> at line %u is an ISA card: pc machines only",
                            device->node.line);
        DOMAIN_FOREACH(DomainWatchdog, other, def, DOMAIN_WATCHDOG) {
                if (other->action != watchdog->action)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<watchdog> at line %u has another action than the one at "
                                    "line %u: QEMU has one for all",
                                    device->node.line, other->base.node.line);
        }
        return 0;
}

/* There is no second place for these two. */
static char *watchdog_key(const DomainDevice *device) {
        WatchdogModel model = ((const DomainWatchdog *)device)->model;

        return model == WATCHDOG_I6300ESB
                       ? NULL
                       : g_strdup_printf("<watchdog model='%s'>", watchdog_models[model - 1]);
}

static bool is_same_watchdog(const DomainDevice *device, const DomainDevice *wanted) {
        return ((const DomainWatchdog *)device)->model == ((const DomainWatchdog *)wanted)->model;
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
        .is_same = is_same_watchdog,
        .is_pci = is_pci_watchdog,
};

/* ---- memballoon ---- */

static const char *const balloon_models[] = {"virtio", "virtio-transitional",
                                             "virtio-non-transitional", "none", NULL};

static bool is_balloon(const void *object) {
        return ((const DomainMemballoon *)object)->model != BALLOON_NONE;
}

static const DomainField balloon_stats_fields[] = {
        ATTR_NUM(DomainMemballoon, stats.period, "period", .is_required = true, .max = INT32_MAX),
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
        CHILD(DomainMemballoon, driver, "driver", domain_virtio_element, .when = is_balloon),
        DEVICE_ADDRESS,
        END,
};

static char *memballoon_key(const DomainDevice *device) {
        return g_strdup("<memballoon>");
}

static bool is_pci_memballoon(const DomainDef *def, const DomainDevice *device) {
        return is_balloon(device);
}

const DomainKind domain_memballoon_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_MEMBALLOON, DomainMemballoon, "memballoon",
                                  memballoon_fields),
        .alias = "balloon",
        .key = memballoon_key,
        .is_pci = is_pci_memballoon,
};

/* ---- rng ---- */

#define RANDOM "/dev/random"

static const char *const rng_backends[] = {"random", "egd", "builtin", NULL};
static const char *const rng_sources[] = {"tcp", "unix", NULL};
static const char *const rng_modes[] = {"connect", "bind", NULL};
static const char *const rng_protocols[] = {"raw", NULL};

static bool is_random(const void *object) {
        return ((const DomainRng *)object)->backend.model == RNG_RANDOM;
}

static bool is_egd(const void *object) {
        return ((const DomainRng *)object)->backend.model == RNG_EGD;
}

static bool is_tcp(const void *object) {
        return ((const DomainRng *)object)->backend.type == RNG_TCP;
}

static bool is_unix(const void *object) {
        return ((const DomainRng *)object)->backend.type == RNG_UNIX;
}

static const DomainField rng_rate_fields[] = {
        ATTR_NUM(DomainRng, rate.bytes, "bytes", .is_required = true),
        ATTR_NUM(DomainRng, rate.period, "period"),
        END,
};
static const DomainElement rng_rate = PART_OF(DomainRng, rate, "rate", rng_rate_fields);

static const DomainField rng_source_fields[] = {
        ATTR_ENUM(DomainRng, backend.source.mode, "mode", rng_modes, .is_required = true),
        ATTR_STRING(DomainRng, backend.source.host, "host", .is_required = true, .when = is_tcp),
        ATTR_STRING(DomainRng, backend.source.service, "service", .is_required = true,
                    .when = is_tcp),
        ATTR_STRING(DomainRng, backend.source.path, "path", .is_required = true, .when = is_unix),
        END,
};
static const DomainElement rng_source =
        PART_OF(DomainRng, backend.source, "source", rng_source_fields);

static const DomainField rng_protocol_fields[] = {
        ATTR_ENUM(DomainRng, backend.protocol.type, "type", rng_protocols, .is_required = true),
        END,
};
static const DomainElement rng_protocol =
        PART_OF(DomainRng, backend.protocol, "protocol", rng_protocol_fields);

static const DomainField rng_backend_fields[] = {
        ATTR_ENUM(DomainRng, backend.model, "model", rng_backends, .is_required = true),
        ATTR_ENUM(DomainRng, backend.type, "type", rng_sources, .is_required = true,
                  .when = is_egd),
        TEXT_STRING(DomainRng, backend.path, .when = is_random),
        PART("source", rng_source, .is_required = true, .when = is_egd),
        PART("protocol", rng_protocol, .when = is_egd),
        END,
};
static const DomainElement rng_backend = PART_OF(DomainRng, backend, "backend", rng_backend_fields);

static const DomainField rng_fields[] = {
        ATTR_ENUM(DomainRng, model, "model", domain_virtio_forms, .is_required = true),
        PART("rate", rng_rate),
        PART("backend", rng_backend, .is_required = true),
        CHILD(DomainRng, driver, "driver", domain_virtio_element),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_rng(DomainDef *def, DomainDevice *device, Err *err) {
        DomainRng *rng = (DomainRng *)device;

        if (is_random(rng))
                fill_text(&rng->backend.path, RANDOM);
        return 0;
}

static int check_rng(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainRng *rng = (const DomainRng *)device;
        unsigned line = rng->backend.node.line;
        int r = domain_check_path(rng->backend.path, "backend", line, err);

        if (r < 0)
                return r;
        if (rng->rate.node.is_present && rng->rate.bytes.value == 0)
                return fail(err, VIR_ERR_XML_ERROR, "<rate bytes='0'> at line %u gives nothing",
                            rng->rate.node.line);
        return domain_check_path(rng->backend.source.path, "source", line, err);
}

static bool is_same_rng(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainRng *a = (const DomainRng *)device, *b = (const DomainRng *)wanted;

        return a->backend.model == b->backend.model &&
               g_strcmp0(a->backend.path, b->backend.path) == 0 &&
               g_strcmp0(a->backend.source.path, b->backend.source.path) == 0 &&
               g_strcmp0(a->backend.source.host, b->backend.source.host) == 0;
}

const DomainKind domain_rng_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_RNG, DomainRng, "rng", rng_fields),
        .alias = "rng",
        .fill = fill_rng,
        .check = check_rng,
        .is_same = is_same_rng,
        .is_pci = domain_kind_always_pci,
};

/* ---- panic ---- */

static const char *const panic_models[] = {"isa", "hyperv", "pvpanic", NULL};

static const DomainField panic_fields[] = {
        ATTR_ENUM(DomainPanic, model, "model", panic_models),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_panic(DomainDef *def, DomainDevice *device, Err *err) {
        DomainPanic *panic = (DomainPanic *)device;

        FILL_ENUM(panic->model, PANIC_ISA);
        return 0;
}

static int check_panic(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainPanic *panic = (const DomainPanic *)device;
        DomainAddressType type = device->address.type;

        if (panic->model == PANIC_HYPERV && type)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<panic model='hyperv'> at line %u is a part of the CPU: it has no "
                            "address",
                            device->node.line);
        if (panic->model == PANIC_ISA && type && type != DOMAIN_ADDRESS_ISA)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<panic model='isa'> at line %u needs an address of type 'isa'",
                            device->node.line);
        return 0;
}

static char *panic_key(const DomainDevice *device) {
        return g_strdup_printf("<panic model='%s'>",
                               panic_models[((const DomainPanic *)device)->model - 1]);
}

static bool is_pci_panic(const DomainDef *def, const DomainDevice *device) {
        return ((const DomainPanic *)device)->model == PANIC_PVPANIC;
}

const DomainKind domain_panic_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_PANIC, DomainPanic, "panic", panic_fields),
        .alias = "panic",
        .fill = fill_panic,
        .check = check_panic,
        .key = panic_key,
        .is_pci = is_pci_panic,
};

/* ---- shmem ---- */

#define SHMEM_SIZE     (UINT64_C(4) << 10) /* KiB */
#define SHMEM_SIZE_MIN (UINT64_C(1) << 10)
#define SHMEM_SIZE_MAX (UINT64_C(1) << 30)
#define VECTORS_MAX    2048 /* of MSI-X */

static const char *const shmem_models[] = {"ivshmem-plain", "ivshmem-doorbell", NULL};
static const char *const shmem_roles[] = {"master", "peer", NULL};

static const DomainField shmem_model_fields[] = {
        ATTR_ENUM(DomainShmem, model.type, "type", shmem_models, .is_required = true),
        END,
};
static const DomainElement shmem_model = PART_OF(DomainShmem, model, "model", shmem_model_fields);

static const DomainField server_fields[] = {
        ATTR_STRING(DomainShmem, server.path, "path", .is_required = true),
        END,
};
static const DomainElement server = PART_OF(DomainShmem, server, "server", server_fields);

static const DomainField msi_fields[] = {
        ATTR_NUM(DomainShmem, msi.vectors, "vectors", .max = VECTORS_MAX),
        ATTR_ON(DomainShmem, msi.ioeventfd, "ioeventfd"),
        END,
};
static const DomainElement msi = PART_OF(DomainShmem, msi, "msi", msi_fields);

static bool is_plain(const void *object) {
        return ((const DomainShmem *)object)->model.type == SHMEM_PLAIN;
}

static bool is_doorbell(const void *object) {
        return ((const DomainShmem *)object)->model.type == SHMEM_DOORBELL;
}

static const DomainField shmem_fields[] = {
        ATTR_STRING(DomainShmem, name, "name", .is_required = true),
        ATTR_ENUM(DomainShmem, role, "role", shmem_roles),
        PART("model", shmem_model, .is_required = true),
        ATTR_(DomainShmem, size, "size", FIELD_KIB, .place = PLACE_LEAF, .unit = "M",
              .when = is_plain),
        PART("server", server, .is_required = true, .when = is_doorbell),
        PART("msi", msi, .when = is_doorbell),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int fill_shmem(DomainDef *def, DomainDevice *device, Err *err) {
        DomainShmem *shmem = (DomainShmem *)device;

        if (is_plain(shmem) && shmem->size == 0)
                shmem->size = SHMEM_SIZE;
        if (is_doorbell(shmem)) {
                shmem->msi.node.is_present = true;
                FILL_ENUM(shmem->msi.ioeventfd, DOMAIN_SWITCH_ON);
        }
        return 0;
}

static int check_shmem(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainShmem *shmem = (const DomainShmem *)device;
        unsigned line = device->node.line;
        int r = domain_check_word(shmem->name, "shmem", line, err);

        if (r < 0)
                return r;
        if (!*shmem->name || shmem->name[0] == '.')
                return fail(err, VIR_ERR_XML_ERROR, "<shmem name='%s'> at line %u is no name",
                            shmem->name, line);
        if (is_plain(shmem) && (shmem->size < SHMEM_SIZE_MIN || shmem->size > SHMEM_SIZE_MAX ||
                                (shmem->size & (shmem->size - 1)) != 0))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<shmem> at line %u has a size that is a power of two, from 1 MiB to "
                            "1 TiB",
                            line);
        return domain_check_path(shmem->server.path, "server", shmem->server.node.line, err);
}

static bool is_same_shmem(const DomainDevice *device, const DomainDevice *wanted) {
        const DomainShmem *a = (const DomainShmem *)device, *b = (const DomainShmem *)wanted;

        return g_str_equal(a->name, b->name) && a->model.type == b->model.type;
}

const DomainKind domain_shmem_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_SHMEM, DomainShmem, "shmem", shmem_fields),
        .alias = "shmem",
        .fill = fill_shmem,
        .check = check_shmem,
        .is_same = is_same_shmem,
        .is_pci = domain_kind_always_pci,
};

/* ---- crypto ---- */

#define CRYPTO_QUEUES_MAX 64

static const char *const crypto_models[] = {"virtio", NULL};
static const char *const crypto_types[] = {"qemu", NULL};
static const char *const crypto_backends[] = {"builtin", NULL};

static const DomainField crypto_backend_fields[] = {
        ATTR_ENUM(DomainCrypto, backend.model, "model", crypto_backends, .is_required = true),
        ATTR_NUM(DomainCrypto, backend.queues, "queues", .max = CRYPTO_QUEUES_MAX),
        END,
};
static const DomainElement crypto_backend =
        PART_OF(DomainCrypto, backend, "backend", crypto_backend_fields);

static const DomainField crypto_fields[] = {
        ATTR_ENUM(DomainCrypto, model, "model", crypto_models, .is_required = true),
        ATTR_ENUM(DomainCrypto, type, "type", crypto_types, .is_required = true),
        PART("backend", crypto_backend, .is_required = true),
        CHILD(DomainCrypto, driver, "driver", domain_virtio_element),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

const DomainKind domain_crypto_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_CRYPTO, DomainCrypto, "crypto", crypto_fields),
        .alias = "crypto",
        .is_pci = domain_kind_always_pci,
};

/* ---- pstore ---- */

#define PSTORE_SIZE_MAX (UINT64_C(1) << 20) /* KiB */

static const char *const pstore_backends[] = {"acpi-erst", NULL};

static const DomainField pstore_fields[] = {
        ATTR_ENUM(DomainPstore, backend, "backend", pstore_backends, .is_required = true),
        LEAF_STRING(DomainPstore, path, "path", .is_required = true),
        ATTR_(DomainPstore, size, "size", FIELD_KIB, .place = PLACE_LEAF, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static int check_pstore(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainPstore *pstore = (const DomainPstore *)device;

        if (!def->features.acpi.node.is_present)
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "<pstore> at line %u is a part of ACPI", device->node.line),
                                 "add <acpi/> to <features>");
        if (pstore->size < 4 || pstore->size > PSTORE_SIZE_MAX ||
            (pstore->size & (pstore->size - 1)) != 0)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<pstore> at line %u has a size that is a power of two, from 4 KiB to "
                            "1 GiB",
                            device->node.line);
        return domain_check_path(pstore->path, "pstore", device->node.line, err);
}

static char *pstore_key(const DomainDevice *device) {
        return g_strdup("<pstore>");
}

const DomainKind domain_pstore_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_PSTORE, DomainPstore, "pstore", pstore_fields),
        .alias = "pstore",
        .check = check_pstore,
        .key = pstore_key,
        .is_pci = domain_kind_always_pci,
};
